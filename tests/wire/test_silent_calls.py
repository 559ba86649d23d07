"""The limit on silence, with sound that is real."""

from pathlib import Path

from tests.fuzz.echo_call import EchoCall
from tests.support.server import running


def test_a_call_that_nobody_is_heard_in_is_ended_and_one_with_sound_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, environment={"SOFTSWITCH_LIMITS_SILENCE_SECONDS": "1"}) as server:
        talking, silent = EchoCall(server.sip, "talking"), EchoCall(server.sip, "silent")
        with talking:
            with silent:
                talking.say()
                while server.get("/api/v1/calls")["items"][1:]:
                    talking.say()
                silent.is_hung_up_on()
            talking.say()
            assert len(server.get("/api/v1/calls")["items"]) == 1
        (ended,) = [cdr for cdr in server.get("/api/v1/cdrs")["items"] if cdr["note"]]

    assert (ended["disposition"], ended["cause_code"], ended["note"]) == ("answered", 102, "silence")
    assert ended["billable_ms"] >= 1000
