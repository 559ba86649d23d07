"""The scripted phone of `softswitch call`: an independent SIP phone (pjsua2) that registers, dials, plays, records,
presses keys and tells what it heard. A newcomer makes the first call with it, an operator probes with it, and the
interop tests drive it.

Its library may crash and holds one user agent and four calls a process, so each phone is a process of its own
(`worker.py`), spoken to in lines of JSON (`process.py`).
"""
