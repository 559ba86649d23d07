"""The parts of the switch, a file a subject: each builds those of its subject on what stands before it, which it gets
as arguments. Nothing here decides anything about a call, and nothing starts by itself: `app.py` builds the subjects in
order, ties what asks to what answers, and starts and stops the parts."""
