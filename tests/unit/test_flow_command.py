"""`softswitch flow`: what it prints, and how it ends."""

import asyncio
from pathlib import Path

import pytest

from softswitch.cli import main
from softswitch.commands.store import SystemClock
from softswitch.features.calendars.model import Calendar, SpecialTime
from softswitch.features.calendars.service import Calendars
from softswitch.features.ivr.known import Catalogue
from softswitch.features.ivr.needs import Parts
from softswitch.features.ivr.service import IvrFlows
from softswitch.features.ivr.texts import SHIPPED, ShippedPrompts
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog

WRONG = """\
flow: wrong
nodes:
  a: {do: menu, hear: main/nothing, choices: {1: b}, otherwise: a}
"""
HOURS = """\
flow: own
nodes:
  a: {do: hours, calendar: shop, open: b, closed: c}
  b: {do: transfer, to: account/1001}
  c: {do: hang_up, hear: main/welcome}
"""


def test_each_thing_that_is_wrong_is_a_line_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    assert main(["flow", "check", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{file}:3: a: there is no node 'b', which should follow 1",
        f"{file}:3: a: there is no prompt 'main/nothing' in 'en'",
        f"{file}:3: a: there is no prompt 'main/nothing' in 'zh'",
    ]


def test_flows_that_ship_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "check", "main"]) == 0
    assert capsys.readouterr().out.endswith("main.yaml is right\n")


@pytest.mark.parametrize("command", ["check", "simulate"])
def test_what_is_no_flow_is_said_plainly(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word, said in (
        ("nobody", "nobody: there is no such flow: there are"),
        (str(tmp_path / "x.yaml"), "there is no flow"),
        (str(tmp_path), "there is no flow"),
    ):
        assert main(["flow", command, word]) == 1
        assert said in capsys.readouterr().err
    bad = tmp_path / "bad.yaml"
    bad.write_text("flow: [\n")
    assert main(["flow", command, str(bad)]) == 1
    assert f"{bad}:2: this is no YAML" in capsys.readouterr().err


def test_a_simulation_prints_what_is_heard_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "simulate", "main", "--press", ",9,,1", "--at", "2026-02-17T10:00+00:00", "--path"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("flow main, called by 1001 on Tue 2026-02-17 ")
    assert any("hears        销售请按一" in line for line in lines)
    assert any(line.endswith("presses      9") for line in lines)
    assert lines[-2].endswith("goes to      queue/sales")
    assert "language (true) > mandarin (zh) > menu (1) > sales (queue/sales)" in lines[-1]


def test_bad_keys_and_times_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "simulate", "main", "--press", "x"]) == 1
    assert "'x' is no key" in capsys.readouterr().err
    assert main(["flow", "simulate", "main", "--at", "noon"]) == 1
    assert "'noon' is no time" in capsys.readouterr().err
    assert main(["flow", "simulate", "main", "--language", "de"]) == 2


def test_published_flows_and_calendars_of_a_switch_are_gone_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'switch.db'}"

    class Nobody:
        def users_of(self, calendar: str) -> tuple[str, ...]:
            return ()

    async def furnish() -> None:
        database = Database(url)
        await database.migrate()
        calendars = Calendars(SystemClock(), lambda fact: None, Nobody())
        festival = SpecialTime(name="festival", dates="2026-02-17", note="Spring Festival")
        shop = Calendar(name="shop", timezone="Asia/Shanghai", hours={"tue": ("09:00-18:00",)}, special=(festival,))
        async with database.session() as session:
            await calendars.create(session, shop)
        parts = Parts(calendars=calendars)
        known = Catalogue(ShippedPrompts(SHIPPED), parts)
        flows = IvrFlows(SystemClock(), lambda fact: None, EventLog(database), {}, parts, known)
        async with database.session() as session:
            await flows.publish_source(session, "own", HOURS, "admin", "")
        await database.close()

    asyncio.run(furnish())
    for at, result in (("2026-02-17T10:00+08:00", "closed"), ("2026-02-24T10:00+08:00", "open")):
        assert main(["flow", "simulate", "own", "--at", at, "--path", "--database", url]) == 0
        out = capsys.readouterr().out
        assert f"path:   a ({result})" in out
        assert ("Spring Festival" in out) == (result == "closed")
