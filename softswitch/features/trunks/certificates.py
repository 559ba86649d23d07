"""The certificates that sign callers' passports: fetched from where an Identity header points, and kept for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from cryptography import x509
from msgspec import Struct

from softswitch.features.trunks.model.credential import read_certificates
from softswitch.kernel.clock import Clock

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets what lies at an https URL. Raises OSError or ValueError."""

_KEPT_SECONDS = 3600.0
_FAILURE_SECONDS = 30.0
"""A place that failed is not asked again at once: each call would wait for it."""
_MOST = 1000


class _Kept(Struct):
    until: float
    chain: tuple[x509.Certificate, ...]
    reason: str


class Certificates:
    """Chains by URL. Several calls that need one at a time share one fetch."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[_Kept]] = {}

    async def chain(self, url: str) -> tuple[x509.Certificate, ...]:
        """The certificate at a URL and those given with it. Raises ValueError saying why there is none."""
        kept = self._kept.get(url)
        if kept is None or kept.until < self._clock.monotonic():
            task = self._under_way.get(url)
            if task is None:
                task = self._under_way[url] = asyncio.get_running_loop().create_task(self._get(url))
                task.add_done_callback(lambda _: self._under_way.pop(url, None))
            # The caller may hang up meanwhile; the others that wait still want the certificate.
            kept = await asyncio.shield(task)
        if kept.reason:
            raise ValueError(kept.reason)
        return kept.chain

    async def _get(self, url: str) -> _Kept:
        try:
            chain, reason = read_certificates(await self._fetch(url)), ""
        except (OSError, ValueError) as error:
            chain, reason = (), f"the certificate at {url} cannot be had: {error}"
        seconds = _FAILURE_SECONDS if reason else _KEPT_SECONDS
        kept = self._kept[url] = _Kept(self._clock.monotonic() + seconds, chain, reason)
        self._kept.move_to_end(url)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return kept
