"""JsSIP in headless Chromium: a phone in a browser, which is told what to do by the page it opens."""

import asyncio
import contextlib
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("jssip@3.13.8", "esbuild@0.25.5")
PAGE = Path(__file__).with_name("browser.html")
WITHIN = 30.0
"""Seconds: a browser takes its time to start on a busy machine."""

needed = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("npm")), reason="chromium or npm is not installed"
)


def jssip() -> bytes:
    """The library in one file, made from npm's packages once. Skips the test where their registry cannot be reached."""
    kept = Path(tempfile.gettempdir()) / f"softswitch-tests-{PACKAGES[0]}.js"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, *PACKAGES]
            if subprocess.run(install, cwd=folder, capture_output=True, timeout=200).returncode:
                pytest.skip("npm's registry cannot be reached")
            bundled = Path(folder) / "bundle.js"
            subprocess.run(
                [
                    "node_modules/.bin/esbuild", "node_modules/jssip/lib/JsSIP.js", "--bundle", "--format=iife",
                    "--global-name=JsSIP", f"--outfile={bundled}",
                ],
                cwd=folder,
                check=True,
                capture_output=True,
            )  # fmt: skip
            shutil.copyfile(bundled, kept)
    return kept.read_bytes()


class Browser:
    """One page with one user agent. `events` is what it tells of itself."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def expect(self, event: str) -> dict[str, Any]:
        """The next event of a kind; others before it are passed over."""
        async with asyncio.timeout(WITHIN):
            while True:
                told = await self.events.get()
                if told["event"] == event:
                    return told


@contextlib.asynccontextmanager
async def browsing(folder: Path, **settings: str) -> AsyncIterator[Browser]:
    """A browser whose page registers by `settings` (url, uri, password, then), for the length of the block."""
    browser, loop = Browser(), asyncio.get_running_loop()

    def told(event: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(browser.events.put_nowait, event)

    with _site(told, settings) as port, (folder / "chromium.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--user-data-dir={folder / 'profile'}",
            f"http://127.0.0.1:{port}/",
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield browser
        finally:
            process.terminate()
            await process.wait()


@contextlib.contextmanager
def _site(told: Any, settings: dict[str, str]) -> Iterator[int]:
    page = PAGE.read_text().replace("SETTINGS", json.dumps(settings)).encode()
    library = jssip()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"/": ("text/html", page), "/jssip.js": ("text/javascript", library)}.get(self.path)
            self.send_response(200 if found else 404)
            if found:
                self.send_header("Content-Type", found[0])
            self.end_headers()
            if found:
                self.wfile.write(found[1])

        def do_POST(self) -> None:
            told(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
