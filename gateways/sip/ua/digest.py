"""Digest access authentication (RFC 7616, RFC 8760): the server's side. `digest_client` has the other."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Protocol

from gateways._native import SipUri, parse_credentials

_HASHES: dict[str, Callable[[bytes], "_Hash"]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_NOBODYS = {"MD5": "0" * 32, "SHA-256": "0" * 64}
"""What stands for the H(A1) of a user that there is not."""
ALGORITHMS = ("SHA-256", "MD5")
"""In the order in which they are offered: "the most preferred algorithm first" (RFC 8760 section 2.4)."""

_NONCE_TIME = 12
_NONCE_SALT = 16


class _Hash(Protocol):
    def hexdigest(self) -> str: ...


class Verdict(Enum):
    """What an Authorization was worth."""

    ACCEPTED = "accepted"
    ABSENT = "absent"
    """There was none for our realm."""
    STALE = "stale"
    """The password was right, but the nonce has expired or was used before: ask again with `stale=true`."""
    WRONG = "wrong"
    MALFORMED = "malformed"
    """It lacks what it must have, or speaks of another request: 400."""


class Authenticator:
    """Challenges, and checks what comes back, without remembering challenges.

    A nonce is the time it was made at and a seal that only this process can make, so that a flood of requests without
    credentials takes no memory. What is remembered is the last nonce count of nonces that were used with success,
    twice `capacity` at most.
    """

    def __init__(
        self,
        *,
        realm: str,
        secret: bytes,
        ha1: Callable[[str, str], str | None],
        nonce_seconds: float = 300.0,
        algorithms: Sequence[str] = ALGORITHMS,
        user_left_out: bool = False,
        capacity: int = 50_000,
    ) -> None:
        """`ha1(username, algorithm)` gives the stored H(A1), or None for an unknown user. `user_left_out`: whether a
        digest may be over a URI without its user, as SIPp makes it; then it does not protect the number called."""
        self._realm = realm
        self._secret = secret
        self._ha1 = ha1
        self._nonce_seconds = nonce_seconds
        self._algorithms = tuple(algorithms)
        self._user_left_out = user_left_out
        self._capacity = capacity
        # Two generations: when the young one is full, or as old as a nonce lives, it becomes the old one.
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._young_since = 0.0

    def challenges(
        self, now: float, salt: str, *, stale: bool = False, md5_alone: bool = False
    ) -> list[tuple[str, str]]:
        """WWW-Authenticate headers. `salt` is a token of sixteen hexadecimal digits that makes the nonce unique.

        `md5_alone`: to whom another challenge would be too much; where MD5 is not accepted, it is challenged as all
        are. Whoever says so of itself gains nothing by it, for each may choose among the challenges.
        """
        algorithms = ("MD5",) if md5_alone and "MD5" in self._algorithms else self._algorithms
        stamped = f"{int(now * 1000):0{_NONCE_TIME}x}{salt}"
        nonce = stamped + self._seal(stamped)
        tail = ", stale=true" if stale else ""
        return [
            (
                "WWW-Authenticate",
                f'Digest realm="{self._realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{tail}',
            )
            for algorithm in algorithms
        ]

    def check(self, method: str, uri: str, authorizations: Sequence[str], now: float) -> tuple[Verdict, str]:
        """Judge a request's Authorization values: the verdict, and the user name that was proved (or claimed)."""
        for value in authorizations:
            credentials = parse_credentials(value)
            if credentials is None or credentials[0] != "digest":
                continue
            if credentials[1].get("realm") == self._realm:
                return self._judge(method, uri, credentials[1], now)
        return Verdict.ABSENT, ""

    def _judge(self, method: str, uri: str, given: Mapping[str, str], now: float) -> tuple[Verdict, str]:
        username = given.get("username", "")
        nonce = given.get("nonce", "")
        response = given.get("response", "")
        algorithm = given.get("algorithm", "MD5").upper()
        qop = given.get("qop")
        if not username or not nonce or not response or given.get("uri") is None:
            return Verdict.MALFORMED, username
        if not self._same_resource(given["uri"], uri) or algorithm not in self._algorithms or qop not in (None, "auth"):
            return Verdict.MALFORMED, username
        count = _nonce_count(given.get("nc")) if qop else 1
        if count is None or (qop and not given.get("cnonce")):
            return Verdict.MALFORMED, username
        made = self._made_at(nonce)
        if made is None:
            # No nonce of this process: of the one before it, most often. The phone may try again with a new one.
            return Verdict.STALE, username
        ha1 = self._ha1(username, algorithm)
        expected = response_of(
            # An unknown user costs the same work and gets the same answer as a wrong password, to the block of hash.
            ha1 if ha1 is not None else _NOBODYS[algorithm],
            algorithm,
            method,
            given["uri"],
            nonce,
            (given["nc"], given["cnonce"]) if qop else None,
        )
        if not hmac.compare_digest(expected.encode(), response.lower().encode()) or ha1 is None:
            return Verdict.WRONG, username
        if not 0.0 <= now - made <= self._nonce_seconds or not self._count(nonce, count, now):
            return Verdict.STALE, username
        return Verdict.ACCEPTED, username

    def _same_resource(self, given: str, uri: str) -> bool:
        """Whether a digest's `uri` names what the request asks for (RFC 7616 section 3.4.6). A proxy on the way may
        have changed the port and the parameters of the Request-URI; whom it asks for must be what was signed."""
        if given == uri:
            return True
        ours, theirs = SipUri.parse(uri), SipUri.parse(given)
        if ours is None or theirs is None or ours.host.lower() != theirs.host.lower():
            return False
        return theirs.user == ours.user or (theirs.user is None and self._user_left_out)

    def _seal(self, stamped: str) -> str:
        return hmac.digest(self._secret, stamped.encode(), "sha256").hex()[:32]

    def _made_at(self, nonce: str) -> float | None:
        stamped, seal = nonce[: _NONCE_TIME + _NONCE_SALT], nonce[_NONCE_TIME + _NONCE_SALT :]
        if not nonce.isascii() or not hmac.compare_digest(self._seal(stamped), seal):
            return None
        return int(stamped[:_NONCE_TIME], 16) / 1000

    def _count(self, nonce: str, count: int, now: float) -> bool:
        """RFC 7616 section 3.4: a nonce count may not come twice; here it must rise."""
        if len(self._young) >= self._capacity or now - self._young_since > self._nonce_seconds:
            self._old, self._young, self._young_since = self._young, {}, now
        if count <= self._young.get(nonce, self._old.get(nonce, 0)):
            return False
        self._young[nonce] = count
        return True


def _nonce_count(text: str | None) -> int | None:
    if text is None or len(text) != 8:
        return None
    try:
        return int(text, 16)
    except ValueError:
        return None


def response_of(ha1: str, algorithm: str, method: str, uri: str, nonce: str, counted: tuple[str, str] | None) -> str:
    """The `response` value (RFC 7616 section 3.4.1). `counted` is (nc, cnonce) under `qop=auth`; None: RFC 2069."""
    digest = _HASHES[algorithm]
    ha2 = digest(f"{method}:{uri}".encode()).hexdigest()
    middle = f"{nonce}:{counted[0]}:{counted[1]}:auth" if counted is not None else nonce
    return digest(f"{ha1}:{middle}:{ha2}".encode()).hexdigest()


def ha1_of(username: str, realm: str, password: str, algorithm: str) -> str:
    """H(A1): what is stored instead of a password."""
    return _HASHES[algorithm](f"{username}:{realm}:{password}".encode()).hexdigest()
