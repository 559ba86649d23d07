"""Who calls, as networks tell each other beside the From header, and how a trunk wants it told."""

from typing import Literal

from msgspec import Struct

from softswitch.kernel.address import Party

ANONYMOUS = Party("anonymous", "Anonymous")
"""Who is shown in place of a caller that asked for privacy (RFC 3323 section 4.1.1.3)."""

_HIDING = frozenset(("id", "user", "header"))


class Diversion(Struct, frozen=True, gc=False):
    """Somebody sent the call on (RFC 5806; an entry of RFC 7044's history says the same in other words)."""

    party: Party
    """Whose call it was before."""
    reason: str = "unknown"
    """RFC 5806 section 4: `user-busy`, `no-answer`, `unconditional`, `deflection`, `unavailable` ..."""
    counter: int = 1
    private: bool = False


class Identity(Struct, frozen=True, gc=False):
    """What a request says of its caller beside From."""

    asserted: Party | None = None
    """Whom the network says the caller is (RFC 3325): to be believed of a trunk that is trusted, of no other."""
    privacy: tuple[str, ...] = ()
    """RFC 3323 section 4.2, RFC 3325 section 9.3: `id`, `user`, `header`, `session`, `critical`, `none`."""
    diversions: tuple[Diversion, ...] = ()
    """The newest first, whichever header told them."""
    called: str = ""
    """Whom the network says was called (P-Called-Party-ID, or else To), where the Request-URI is our own Contact."""
    passports: tuple[str, ...] = ()
    """Identity header values (RFC 8224), as they came or as they are to be sent."""
    verstat: str = ""
    """What a check of the passport gave: `TN-Validation-Passed`, `TN-Validation-Failed`, `No-TN-Validation`."""

    @property
    def private(self) -> bool:
        """Whether the caller's number is not to be shown."""
        return any(word in _HIDING for word in self.privacy)


class IdentityStyle(Struct, frozen=True, gc=False):
    """How a party is told who calls."""

    assert_by: Literal["none", "p-asserted-identity", "p-preferred-identity", "remote-party-id"] = "none"
    divert_by: Literal["none", "diversion", "history-info", "both"] = "none"
    trusted: bool = False
    """Whether it may learn the number of a caller that asked for privacy (RFC 3325 section 9.1 step 7)."""
    host: str = ""
    """What stands behind the @ in From and in asserted identities; our own address when empty."""


PLAIN = IdentityStyle()


def is_hidden(from_: Party, identity: Identity | None) -> bool:
    """Whether a caller does not want its number shown."""
    return from_.number == ANONYMOUS.number or (identity is not None and identity.private)
