import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from softswitch import __version__, process
from softswitch.cli import COMMANDS, main
from softswitch.commands import explain
from softswitch.commands.remote import Remote
from softswitch.kernel.errors import Invalid
from softswitch.settings import Settings


@pytest.fixture
def store(tmp_path: Path) -> list[str]:
    """Options that name a database of the test's own."""
    return ["--data-dir", str(tmp_path / "data")]


def test_without_a_command_the_commands_are_listed_and_the_status_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "softswitch serve --demo" in capsys.readouterr().err
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert [command.name for command in COMMANDS if f"  {command.name} " not in listed] == []


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"softswitch {__version__}\n"


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sreve"]) == 2
    assert "'sreve'" in capsys.readouterr().err


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_teaches_by_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert f"softswitch {command}" in shown.partition("examples:")[2]


@pytest.mark.parametrize("words", [["serve", "--dmeo"], ["check"], ["user"], ["user", "add"], ["explain", "--to", "1"]])
def test_wrong_usage_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "usage: softswitch" in capsys.readouterr().err


def test_check_says_what_a_file_means(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "switch.toml"
    file.write_text(
        'database = "postgresql://u:hush@db/x"\n[sip]\nlisten = ["udp:0.0.0.0"]\nadvertised = "203.0.113.5"\n'
    )
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr().out
    assert "udp on 0.0.0.0:5060, known to phones as 203.0.113.5" in said
    assert "hush" not in said


def test_check_says_where_a_file_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "switch.toml"
    file.write_text('[sip]\nlisen = "127.0.0.1"\n')
    assert main(["check", str(file)]) == 1
    said = f"softswitch check: {file}:2: sip.lisen: there is no such setting; did you mean sip.listen?\n"
    assert capsys.readouterr().err == said


def test_accounts_are_made_listed_changed_and_removed(store: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "add", "1001", "--name", "客服", *store]) == 0
    assert "its password is" in capsys.readouterr().out
    assert main(["user", "add", "1001", *store]) == 1
    assert "there is an account 1001 already" in capsys.readouterr().err
    assert main(["user", "passwd", "1001", "--password", "secret", *store]) == 0
    assert "secret" not in capsys.readouterr().out
    assert main(["user", "list", *store]) == 0
    assert "1001" in (listed := capsys.readouterr().out) and "客服" in listed
    assert main(["user", "remove", "1001", *store]) == 0
    assert main(["user", "remove", "1001", *store]) == 1
    assert "there is no account '1001'" in capsys.readouterr().err


def test_an_import_names_the_bad_line_and_makes_nothing(
    tmp_path: Path, store: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "staff.csv"
    file.write_text("number,password,name\n1001,secret,Alice\n1002,,Bob\n")
    assert main(["user", "import", str(file), *store]) == 1
    assert f"{file}:3: password: " in capsys.readouterr().err
    file.write_text("number,password,name\n1001,secret,Alice\n1002,secret,Bob\n")
    assert main(["user", "import", str(file), *store]) == 0
    assert capsys.readouterr().out == "2 accounts are made\n"
    assert main(["user", "import", str(tmp_path / "none.csv"), *store]) == 1


def test_tokens_are_made_listed_and_revoked(store: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "create", "wallboard", "--days", "30", *store]) == 0
    token = capsys.readouterr().out.strip()
    assert len(token) >= 43
    assert main(["token", "list", *store]) == 0
    listed = capsys.readouterr().out
    assert "wallboard" in listed and "until" in listed and token not in listed
    assert main(["token", "revoke", "1", *store]) == 0
    assert main(["token", "list", *store]) == 0
    assert "revoked" in capsys.readouterr().out
    assert main(["token", "revoke", "7", *store]) == 1


def test_a_bad_database_is_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "list", "--database", "mysql://x/y"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("softswitch user: database: 'mysql'")
    assert said.count("\n") == 1


def started(monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, list[Settings], list[bool]]:
    """Run `serve` with a switch that only writes down its settings and whether its folder was there."""
    seen: list[Settings] = []
    there: list[bool] = []

    def run(settings: Settings) -> int:
        seen.append(settings)
        there.append(settings.data_dir.is_dir())
        return 0

    monkeypatch.setattr(process, "run", run)
    return main(["serve", *words]), seen, there


def test_the_demo_gets_a_folder_that_is_gone_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    status, (settings,), there = started(monkeypatch, "--demo", "--bench", "--media", "bypass", "--sip", "127.0.0.1:7")
    assert (status, there, settings.data_dir.exists()) == (0, [True], False)
    assert (settings.demo, settings.bench, settings.demo_media) == (True, True, "bypass")
    assert settings.sip.listen[0].address.port == 7
    assert str(settings.data_dir) in settings.database


def test_the_demo_keeps_its_data_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, (settings,), _ = started(monkeypatch, "--demo", "--data-dir", str(tmp_path))
    assert settings.data_dir == tmp_path


def test_serve_refuses_the_network_without_a_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, seen, _ = started(monkeypatch, "--sip", "0.0.0.0:5060")
    assert (status, seen) == (1, [])
    assert "--sip: 0.0.0.0 is open to the network" in capsys.readouterr().err


def test_an_explanation_reads_as_a_sentence_and_its_rules() -> None:
    steps = [{"rule": "default/inside", "result": "skipped", "reason": "80001 is no 1XXX"}]
    answer = {"destination": {"kind": "trunk", "name": "uas"}, "number": "0080001", "steps": steps}
    assert list(explain.described("1001", "80001", answer)) == [
        "1001 calling 80001 goes to trunk/uas as 0080001",
        "  default/inside  skipped  80001 is no 1XXX",
    ]
    nowhere: dict[str, Any] = {"destination": None, "cause": "unallocated number", "steps": []}
    assert list(explain.described("1001", "9", nowhere)) == ["1001 calling 9 goes nowhere: unallocated number"]


def test_another_machines_switch_needs_a_token() -> None:
    with pytest.raises(Invalid, match="a token of its switch is needed"):
        Remote("http://192.0.2.1:8080", None)
    with pytest.raises(Invalid, match="no address of a switch"):
        Remote("192.0.2.1:8080", "x")


def test_a_switch_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "x", "--url", "http://127.0.0.1:1"]) == 1
    assert "cannot reach a switch at http://127.0.0.1:1" in capsys.readouterr().err


def test_a_reader_that_left_early_is_told_nothing_and_no_traceback_is_shown() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = subprocess.run([sys.executable, "-m", "softswitch", "version"], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (command.returncode, command.stderr) == (1, b"")
