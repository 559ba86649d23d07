"""Who may call: the accounts by their digests, the trunks by their addresses, and in demo mode a load tester."""

import re
from collections.abc import Callable

from softswitch.calls.signals import Origin
from softswitch.kernel.address import HostPort

Recognise = Callable[[HostPort, str, str], Origin | None]
"""Whom a request is from by its source, its From user and the number it asks for; None: not known by these."""


class SwitchGatekeeper:
    """The `Gatekeeper` port, composed of what the features answer."""

    def __init__(
        self,
        *,
        ha1: Callable[[str, str], str | None],
        origin: Callable[[str], Origin],
        admits: Callable[[str, str, str], bool] = lambda username, host, transport: True,
        recognise: Callable[[str, str, str], Origin | None],
        certified: Callable[[tuple[str, ...]], Origin | None] = lambda names: None,
        registers_in_bulk: Callable[[str], bool] = lambda username: False,
        guests: Recognise = lambda source, from_user, to_user: None,
    ) -> None:
        """`ha1` and `origin` know accounts and trunks by their user names, `recognise` tells a trunk by its IP address
        or by the user or `line` of a Contact registered at it, `certified` by what its TLS certificate proves,
        `registers_in_bulk` whether one is a PBX with numbers; `guests` admits who has neither a password nor a trunk:
        nobody unless it is given."""
        self.ha1 = ha1
        self.origin = origin
        self.certified = certified
        self.registers_in_bulk = registers_in_bulk
        self.admits = admits
        self._trunk = recognise
        self._guests = guests

    def recognise(self, source: HostPort, from_user: str, to_user: str, line: str = "") -> Origin | None:
        """See `Gatekeeper.recognise`."""
        return self._trunk(source.host, to_user, line) or self._guests(source, from_user, to_user)


class DemoGuests:
    """Demo mode's rule: from this host, without registration, to the numbers that test tools call.

    Never for someone who says to be one of the accounts: their calls are theirs only once they have proved it.
    """

    def __init__(self, knows: Callable[[str], bool], host: str, numbers: str, context: str) -> None:
        """`knows` tells whether a name is an account; `numbers` is a regular expression for the whole number."""
        self._knows = knows
        self._host = host
        self._numbers = re.compile(numbers)
        self._origin = Origin("guest", host, context)

    def __call__(self, source: HostPort, from_user: str, to_user: str) -> Origin | None:
        if source.host != self._host or not self._numbers.fullmatch(to_user) or self._knows(from_user):
            return None
        return self._origin
