"""What the interop tests share: the administrator's HTTP client, waiting for records, and peers behind the trunk."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.interop import sipp
from tests.interop.sipp import Sipp
from tests.support.server import Server

CDR_LIMIT = 10.0
"""Two seconds are promised; the rest is for a busy machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/interop" in item.path.as_posix():
            item.add_marker(pytest.mark.interop)


class Admin:
    """The admin plane of a running switch, as the demo administrator."""

    def __init__(self, server: Server) -> None:
        self._http = httpx.Client(
            base_url=f"{server.url}/api/v1", headers={"Authorization": "Bearer demo-admin"}, timeout=10, trust_env=False
        )

    def get(self, path: str, **query: Any) -> Any:
        response = self._http.get(path, params=query)
        response.raise_for_status()
        return response.json()

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        items: list[dict[str, Any]] = []
        page = self.get(path, limit=500, **query)
        while True:
            items += page["items"]
            if page["next"] is None:
                return items
            page = self.get(path, limit=500, cursor=page["next"], **query)

    def patch(self, path: str, **changes: Any) -> Any:
        response = self._http.patch(path, json=changes)
        response.raise_for_status()
        return response.json()

    def put(self, path: str, **body: Any) -> Any:
        response = self._http.put(path, json=body)
        response.raise_for_status()
        return response.json()

    def post(self, path: str, **body: Any) -> Any:
        response = self._http.post(path, json=body)
        response.raise_for_status()
        return response.json()

    def trunk_with_rule(self, name: str, port: int, number: str, context: str = "guest") -> None:
        """A trunk to a port of this machine, and before all other rules (for guests) one that leads to it."""
        if any(trunk["name"] == name for trunk in self.all("/trunks")):
            self.patch(f"/trunks/{name}", port=port)
            return
        self.post("/trunks", name=name, host="127.0.0.1", port=port, context="guest")
        self.post("/routes", context=context, name=name, number=number, destination=f"trunk/{name}", position=1)

    def delete(self, path: str) -> None:
        self._http.delete(path).raise_for_status()

    def metrics(self) -> str:
        """What Prometheus would read."""
        response = self._http.get(str(self._http.base_url.copy_with(path="/metrics")))
        response.raise_for_status()
        return response.text

    def cdrs(self, to: str, count: int = 1) -> list[dict[str, Any]]:
        """The records of calls to a number, once there are `count`; AssertionError when there are not in time."""
        found: list[dict[str, Any]] = self.eventually(
            lambda: self.all("/cdrs", to=to), lambda found: len(found) >= count
        )
        return found

    def cdr(self, to: str, caller: str | None = None) -> dict[str, Any]:
        """The one record of calls to a number, from a caller where other tests call the number, too."""
        asked = {"to": to} | ({"from": caller} if caller is not None else {})
        found: list[dict[str, Any]] = self.eventually(lambda: self.all("/cdrs", **asked), bool)
        assert len(found) == 1, found
        return found[0]

    def nothing_live(self) -> None:
        """Until no call is live."""
        self.eventually(lambda: self.all("/calls"), lambda live: not live)

    def eventually(self, ask: Callable[[], Any], enough: Callable[[Any], bool], within: float = CDR_LIMIT) -> Any:
        """What `ask` gives once it is `enough`; AssertionError when it is not within so many seconds."""
        give_up = time.perf_counter() + within
        while not enough(found := ask()):
            assert time.perf_counter() < give_up, f"still not so: {found}"
            time.sleep(0.05)
        return found

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def admin(switch: Server) -> Iterator[Admin]:
    admin = Admin(switch)
    yield admin
    admin.close()


CallTo = Callable[..., Sipp]


@pytest.fixture
def trunk(admin: Admin, tmp_path: Path) -> Iterator[CallTo]:
    """`trunk("uas", "-d", "300")` puts a SIPp server behind 8XXXX for one test. `ring_seconds` is how long the switch
    lets it ring."""
    with contextlib.ExitStack() as stack:

        def behind(scenario: str, *options: str, ring_seconds: int = 120, **words: Any) -> Sipp:
            server = stack.enter_context(sipp.running(scenario, tmp_path, *(options or ("-m", "1")), **words))
            admin.patch("/trunks/uas", host="127.0.0.1", port=server.port, ring_seconds=ring_seconds)
            return server

        yield behind


@pytest.fixture
def caller(switch: Server, tmp_path: Path) -> Iterator[CallTo]:
    """`caller("uac", to="80001")` runs a SIPp client against the switch for one test."""
    with contextlib.ExitStack() as stack:

        def calling(scenario: str, *options: str, to: str, **words: Any) -> Sipp:
            host, port = switch.sip
            return stack.enter_context(
                sipp.running(
                    scenario, tmp_path, f"{host}:{port}", "-s", to, *(options or ("-m", "1", "-d", "200")), **words
                )
            )

        yield calling
