import argparse
import json

import pytest

from softswitch.kernel.errors import Invalid
from softswitch.phone import process
from softswitch.phone.command import Happening, Result, _registered, configure, phone_settings, run, summary
from softswitch.phone.quality import judge
from softswitch.phone.sound import Heard


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    configure(parser)
    return parser.parse_args(words)


def test_on_this_machine_the_demo_password_is_taken() -> None:
    settings = phone_settings(arguments("--as", "1003", "9196"))

    assert (settings["password"], settings["server"]) == ("demo-1003", "127.0.0.1:5060")


def test_on_another_machine_the_password_must_be_given() -> None:
    with pytest.raises(Invalid, match="--password"):
        phone_settings(arguments("--as", "1003", "9196", "--server", "192.0.2.1"))


def test_a_server_without_a_port_means_5060() -> None:
    assert phone_settings(arguments("--as", "1", "2", "--server", "[::1]"))["server"] == "[::1]:5060"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--server", "127.0.0.1:x"), "--server"),
        (("--digits", "12e"), "'e'"),
        (("--as", "10 01"), "--as: '10 01'"),
        (("--as", ""), "--as: ''"),
        (("--for", "0"), "--for"),
        (("--play", "/nowhere/tone.wav"), "cannot read /nowhere/tone.wav: No such file or directory"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_by_name(words: tuple[str, ...], named: str) -> None:
    with pytest.raises(Invalid, match=named):
        phone_settings(arguments("--as", "1001", "9196", *words))


@pytest.mark.parametrize("number", ["", "12 34", "1;x", "9196@example.com"])
def test_a_number_that_no_address_can_hold_is_refused_before_it_is_dialled(number: str) -> None:
    with pytest.raises(Invalid, match="number"):
        phone_settings(arguments("--as", "1001", number))


def test_without_its_library_the_phone_names_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "installed", lambda: False)

    assert run(arguments("--as", "1001", "9196")) == 2
    assert 'pip install "softswitch[phone]"' in capsys.readouterr().out


@pytest.mark.parametrize(("status", "hints"), [(401, True), (403, True), (503, False)])
def test_a_refused_registration_asks_after_account_and_password(status: int, hints: bool) -> None:
    told = _registered({"status": status, "reason": "No", "expires": 0, "at": 0.0}, "127.0.0.1:5060")

    assert f"at 127.0.0.1:5060 failed: {status} No" in told
    assert ("its password" in told) is hints


def test_a_refused_argument_is_told_in_json_when_json_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments("--as", "1001", "9196", "--digits", "x", "--json")) == 2
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_summary_tells_what_happened_what_was_heard_and_how_well() -> None:
    result = Result(
        ok=True,
        status=200,
        reason="Normal call clearing",
        call_id="x",
        events=[Happening(0.02, "registered"), Happening(0.1, "answered")],
        heard=Heard(seconds=5.0, audible_seconds=4.9, level_dbfs=-15.0, frequency=440.1),
        quality=judge(packets=250, lost=0, jitter_ms=0.3, round_trip_ms=1.0, buffer_ms=40),
    )

    text = "\n".join(summary(result))

    for word in ("registered", "answered", "-15.0 dBFS", "440 Hz", "250 packets", "MOS about 4.4", "ok: 200"):
        assert word in text


def test_silence_is_called_silence() -> None:
    result = Result(True, 200, "OK", "x", [], Heard(3.0, 0.0, -96.0, None))

    assert any("silence" in line for line in summary(result))
