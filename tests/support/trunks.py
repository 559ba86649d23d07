"""Trunks without a switch around them."""

from collections.abc import Callable
from typing import Any

from softswitch.events import Fact
from softswitch.features.trunks.service import Trunks
from softswitch.kernel.clock import Clock
from softswitch.platform.vault import Vault
from tests.support.admin_plane import StandingClock

KEY = bytes(range(32))


def make_trunks(*, clock: Clock | None = None, publish: Callable[[Fact], Any] = lambda fact: None) -> Trunks:
    """Trunks with a known key."""
    return Trunks("softswitch", clock or StandingClock(), publish, Vault(KEY))
