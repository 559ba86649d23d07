"""The `PushNotifier` port over a webhook: whoever has the keys of the push services is told whom to wake."""

import asyncio
import json
import urllib.request

import structlog
from msgspec import Struct

from softswitch.kernel.address import Party
from softswitch.kernel.binding import PushTarget

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 32
"""Requests under way; the phones of those that find no place stay asleep for this call."""


class PushSettings(Struct, frozen=True, kw_only=True):
    """Where to tell."""

    url: str
    token: str = ""
    """Sent as `Authorization: Bearer`; empty: nothing is."""
    patience: float = 5.0
    """Seconds that it may take to answer."""


class PushWebhook:
    """POSTs `{"provider", "prid", "param", "account", "from", "for"}` for each phone to be woken."""

    def __init__(self, settings: PushSettings) -> None:
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self, target: PushTarget, account: str, caller: Party, why: str) -> None:
        """See `softswitch.ports.location.PushNotifier`."""
        if len(self._tasks) >= MOST_AT_ONCE:
            log.warning("a phone was not woken: too many requests are under way", account=account)
            return
        body = {
            "provider": target.provider,
            "prid": target.resource,
            "param": target.parameter,
            "account": account,
            "from": caller.number,
            "for": why,
        }
        task = asyncio.get_running_loop().create_task(self._tell(json.dumps(body).encode(), account))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Wait for no more answers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self, body: bytes, account: str) -> None:
        try:
            await asyncio.to_thread(self._post, body)
        except OSError as error:  # HTTPError and TimeoutError are ones
            log.warning("the push service did not take a request", account=account, error=str(error))

    def _post(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        if self._settings.token:
            headers["Authorization"] = f"Bearer {self._settings.token}"
        request = urllib.request.Request(self._settings.url, body, headers, method="POST")
        with urllib.request.urlopen(request, timeout=self._settings.patience):
            pass
