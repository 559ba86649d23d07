"""What bans ask of others."""

from typing import Protocol


class Barrier(Protocol):
    """Who keeps banned sources out (`gateways.sip.gateway.SipGateway`)."""

    def ban(self, network: str, seconds: float | None) -> None:
        """Drop what comes from a network for some seconds; None: until it is lifted."""
        ...

    def lift(self, network: str) -> None:
        """Let a network in again."""
        ...


class Standing(Protocol):
    """Who is known to be good."""

    def is_good(self, host: str) -> bool:
        """Whether a phone has registered from an address lately, or a trunk sends from it."""
        ...
