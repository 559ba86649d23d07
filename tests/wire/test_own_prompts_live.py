"""Own prompts of a running switch: what is no sound is refused, a text is spoken, and all are there after a start."""

import contextlib
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from gateways.media.wav import write_wav
from gateways.speech.voices import VOICES
from softswitch.kernel.errors import Unavailable
from tests.support.server import FEW_LEGS, Server, running
from tests.wire.rtp_party import sine


def client(server: Server) -> httpx.Client:
    return httpx.Client(
        base_url=f"{server.url}/api/v1",
        headers={"Authorization": "Bearer demo-admin"},
        trust_env=False,
        timeout=60,
    )


def test_prompts_survive_a_kill_and_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    sound = write_wav(sine(700, 1.0, 16_000, 4000), 16_000)
    with running(tmp_path, environment=FEW_LEGS) as server, client(server) as admin:
        refused = admin.put(
            "/prompts/en/main/welcome", content=b"PK\3\4" + bytes(5000), headers={"Content-Type": "audio/wav"}
        )
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["sound"]
        assert admin.get("/prompts/en/main/welcome").json()["origin"] == "shipped"
        put = admin.put(
            "/prompts/en/main/welcome", content=sound, headers={"Content-Type": "audio/wav"}, params={"text": "Hm."}
        )
        assert put.status_code == 200
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    with running(tmp_path, environment=FEW_LEGS) as server, client(server) as admin:
        assert admin.get("/prompts/en/main/welcome").json() == put.json()
        assert admin.get("/prompts/en/main/welcome/sound").content == sound
        assert admin.delete("/prompts/en/main/welcome").status_code == 204
        assert admin.get("/prompts/en/main/welcome").json()["origin"] == "shipped"


def test_a_text_is_spoken_though_the_process_that_speaks_is_killed(switch: Server) -> None:
    try:
        VOICES["en"].must_be_installed()
    except Unavailable as missing:
        pytest.skip(str(missing))

    def speakers() -> list[int]:
        """Processes of this switch's that speak."""
        found: list[int] = []
        for task in Path(f"/proc/{server_pid}/task").iterdir():
            # Threads end as they please, and so does a child that was killed.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                children = (task / "children").read_text().split()
                found += [
                    int(child)
                    for child in children
                    if b"gateways.speech.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
                ]
        return found

    server_pid = switch.process.pid
    with client(switch) as admin:
        for number, text in enumerate(("The first text.", "The second text.")):
            body = {"language": "en", "name": f"spoken/{number}", "text": text}
            answer = admin.post("/prompts", json=body)
            assert answer.status_code == 201, answer.text
            assert answer.json()["origin"] == "synthesised" and 0.4 < answer.json()["seconds"] < 3
            (speaker,) = speakers()
            os.kill(speaker, signal.SIGKILL)
            while speakers():
                time.sleep(0.02)
    assert switch.get("/health") == {"status": "ok"}
