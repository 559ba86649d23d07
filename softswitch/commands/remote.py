"""How commands speak with a running switch: its HTTP API."""

import argparse
import ipaddress
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from softswitch.kernel.errors import Invalid, SwitchError

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT_SECONDS = 30.0
DEMO_TOKEN = "demo-admin"


class RequestFailed(SwitchError):
    """The switch could not be asked, or refused; the message says why."""


def add_remote_options(parser: argparse.ArgumentParser) -> None:
    """Which switch, and by which right."""
    parser.add_argument(
        "--url",
        default=os.environ.get("SOFTSWITCH_URL", DEFAULT_URL),
        help="the switch to ask; SOFTSWITCH_URL, else %(default)s",
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("SOFTSWITCH_TOKEN"),
        help="a token of it; SOFTSWITCH_TOKEN, else the demo's when the switch is on this machine",
    )


class Remote:
    """The API of one switch."""

    def __init__(self, url: str, token: str | None) -> None:
        """Raises Invalid for a URL that is none, or is not of this machine while no token is given."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid("--url", f"{url!r} is no address of a switch: write http://HOST:PORT")
        if token is None and not _is_loopback(parts.hostname):
            raise Invalid("--token", f"{parts.hostname} is another machine: a token of its switch is needed")
        self._url = url.rstrip("/")
        self._token = token or DEMO_TOKEN

    def get_text(self, path: str) -> str:
        """GET a path under /api/v1 as text for people. Raises RequestFailed."""
        return self._request("GET", path, None, "text/plain").decode()

    def post(self, path: str, body: Any) -> Any:
        """POST JSON and give the answer's. Raises RequestFailed."""
        return json.loads(self._request("POST", path, json.dumps(body).encode(), "application/json"))

    def _request(self, method: str, path: str, body: bytes | None, accept: str) -> bytes:
        request = urllib.request.Request(f"{self._url}/api/v1{path}", data=body, method=method)
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Accept", accept)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            # A proxy set for the web is no way to a switch on this machine.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                request, timeout=TIMEOUT_SECONDS
            ) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            raise RequestFailed(_refusal(error)) from error
        except (urllib.error.URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise RequestFailed(f"cannot reach a switch at {self._url}: {reason}; is it running?") from error


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.load(error)
        return str(problem.get("detail") or problem["title"])
    except (ValueError, KeyError, AttributeError):
        return f"the switch answered {error.code} {error.reason}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
