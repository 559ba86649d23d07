"""The commands against a switch that runs."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI

from softswitch.cli import main
from softswitch.kernel.address import HostPort
from softswitch.platform.http_server import CannotListen, HttpServer
from tests.support.server import Server


def data_dir(switch: Server) -> str:
    return str(switch.log.parent / "data")


def test_a_second_switch_on_the_same_data_is_refused_before_it_touches_them(switch: Server) -> None:
    command = [sys.executable, "-m", "softswitch", "serve", "--demo", "--data-dir", data_dir(switch)]
    answer = subprocess.run(
        [*command, "--sip", "127.0.0.1:0", "--http", "127.0.0.1:0"], capture_output=True, text=True, timeout=30
    )
    assert answer.returncode == 1
    assert f"in use by another switch (process {switch.process.pid})" in answer.stderr
    assert switch.get("/api/v1/accounts")["items"]


def test_explain_asks_the_plan_that_runs(switch: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--from", "1001", "--to", "80001", "--url", switch.url]) == 0
    first, *steps = capsys.readouterr().out.splitlines()
    assert first == "1001 calling 80001 goes to trunk/uas"
    assert "matched" in steps[-1]


def test_a_question_that_cannot_be_is_refused_by_name(switch: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--from", "1001", "--to", "1", "--at", "tomorrow", "--url", switch.url]) == 1
    assert capsys.readouterr().err.startswith("softswitch explain: at: ")


def test_a_call_that_never_was_has_no_trace(switch: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "never-was", "--url", switch.url]) == 1
    assert "never-was" in capsys.readouterr().err


def test_a_wrong_token_is_said_plainly(switch: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "x", "--url", switch.url, "--token", "wrong"]) == 1
    assert "not valid" in capsys.readouterr().err


def test_a_token_made_by_the_command_line_opens_the_switch_that_runs(
    switch: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "create", "probe", "--data-dir", data_dir(switch)]) == 0
    token = capsys.readouterr().out.strip()
    assert switch.get("/api/v1/accounts", token=token)["items"]


def test_an_account_made_by_the_command_line_is_known_to_the_switch_that_runs(switch: Server) -> None:
    assert main(["user", "add", "2001", "--context", "guest", "--data-dir", data_dir(switch)]) == 0
    assert main(["user", "add", "2002", "--context", "guest", "--data-dir", data_dir(switch)]) == 0
    # The switch looks each second; a question about the account tells when it has.
    for _ in range(200):
        answer = subprocess.run(
            [
                sys.executable,
                "-m",
                "softswitch",
                "explain",
                "--from",
                "2001",
                "--to",
                "1",
                "--json",
                "--url",
                switch.url,
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        if '"context": "guest"' in answer:
            break
    else:
        pytest.fail(f"the switch did not take up the account: {answer}")


def test_sigterm_ends_the_switch_with_status_0(tmp_path: Path) -> None:
    server = Server.start(tmp_path / "switch")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0
    assert "Traceback" not in server.log.read_text()


def test_a_port_that_is_taken_is_one_plain_line(switch: Server) -> None:
    taken = f"127.0.0.1:{switch.http_port}"
    ended = subprocess.run(
        [sys.executable, "-m", "softswitch", "serve", "--demo", "--sip", "127.0.0.1:0", "--http", taken],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("softswitch serve: ")
    assert taken in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


async def test_the_http_server_starts_and_stops_inside_a_running_loop() -> None:
    app = FastAPI()

    @app.get("/slow")
    async def slow() -> str:
        asked.set()
        await let_go.wait()
        return "done"

    asked, let_go = asyncio.Event(), asyncio.Event()
    server = HttpServer(app, HostPort("127.0.0.1", 0))
    await server.start()
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    await asked.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    let_go.set()
    await stopping
    assert b'"done"' in await reader.read()
    writer.close()
    with pytest.raises(OSError):
        await asyncio.open_connection(*server.address)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_two_http_servers_cannot_have_one_address() -> None:
    first = HttpServer(FastAPI(), HostPort("::1", 0))
    await first.start()
    with pytest.raises(CannotListen, match="cannot listen for HTTP on"):
        await HttpServer(FastAPI(), first.address).start()
    await first.stop()
    await first.stop()
