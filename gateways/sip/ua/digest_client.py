"""Digest access authentication, the client's side (RFC 7616, RFC 8760; RFC 3261 section 22): proves us to who asks."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from gateways._native import SipResponse, parse_credentials
from gateways.sip.ua.digest import ha1_of, response_of
from softswitch.calls.signals import Credentials

STRENGTH = ("SHA-256", "MD5")
"""Algorithms that we answer, the strongest first (RFC 8760 section 2.4 lets the client choose by its own policy)."""

_MOST_ROUNDS = 4
"""Challenges in a row, `stale=true` or not: a peer that never has enough is no peer to go on with."""
_MOST_REALMS = 8

CHALLENGED = (401, 407)


class Challenge(Struct, frozen=True, gc=False):
    """One challenge that we can answer."""

    realm: str
    nonce: str
    algorithm: str
    opaque: str | None
    counted: bool
    """Whether it asks for `qop=auth`; without qop it is as old as RFC 2069."""
    stale: bool
    proxy: bool
    """Proxy-Authenticate: the answer goes into Proxy-Authorization."""


def challenge_of(value: str, *, proxy: bool = False) -> Challenge | None:
    """Read one WWW-Authenticate or Proxy-Authenticate value; None for one that we cannot answer."""
    parsed = parse_credentials(value)
    if parsed is None or parsed[0] != "digest":
        return None
    given = parsed[1]
    algorithm = given.get("algorithm", "MD5").upper()
    if algorithm not in STRENGTH or "nonce" not in given or "realm" not in given:
        return None
    qops = [qop.strip().lower() for qop in given["qop"].split(",")] if "qop" in given else []
    if qops and "auth" not in qops:
        return None
    return Challenge(
        given["realm"],
        given["nonce"],
        algorithm,
        given.get("opaque"),
        bool(qops),
        given.get("stale", "").lower() == "true",
        proxy,
    )


def authorization(
    challenge: Challenge, *, username: str, password: str, method: str, uri: str, cnonce: str, count: int = 1
) -> str:
    """The Authorization (or Proxy-Authorization) value that answers a challenge."""
    nc = f"{count:08x}"
    response = response_of(
        ha1_of(username, challenge.realm, password, challenge.algorithm),
        challenge.algorithm,
        method,
        uri,
        challenge.nonce,
        (nc, cnonce) if challenge.counted else None,
    )
    value = (
        f'Digest username="{_quoted(username)}", realm="{_quoted(challenge.realm)}", '
        f'nonce="{_quoted(challenge.nonce)}", uri="{uri}", response="{response}", algorithm={challenge.algorithm}'
    )
    if challenge.counted:
        value += f', qop=auth, nc={nc}, cnonce="{cnonce}"'
    if challenge.opaque is not None:
        value += f', opaque="{_quoted(challenge.opaque)}"'
    return value


class DigestRecord(Struct, frozen=True, gc=False):
    """What is kept of our side towards one peer, to go on with."""

    username: str
    password: str
    realm: str
    known: tuple[tuple[Challenge, int], ...]


_GAP = 1000
"""By how much a restored client counts on: some answers may have been given after the last was written down, and a
count that comes twice is refused as a replay (RFC 7616 section 3.4)."""


class DigestClient:
    """Our side towards one peer: of one dialog, or of one registration.

    `challenged` takes what a 401 or 407 asks; `headers` answers it in the request that follows, and in every later one
    before it is asked (RFC 3261 section 22.2).
    """

    __slots__ = ("_credentials", "_invite", "_known", "_rounds", "_token")

    def __init__(self, credentials: Credentials, token: Callable[[], str]) -> None:
        """`token` makes client nonces."""
        self._credentials = credentials
        self._token = token
        self._known: dict[tuple[bool, str], tuple[Challenge, int]] = {}
        """By kind and realm: the challenge, and how often it was answered."""
        self._invite: list[tuple[str, str]] = []
        self._rounds = 0

    def remembered(self) -> DigestRecord:
        """What another process needs to go on. It holds the password."""
        given = self._credentials
        return DigestRecord(given.username, given.password, given.realm, tuple(self._known.values()))

    @classmethod
    def restored(cls, record: DigestRecord, token: Callable[[], str]) -> "DigestClient":
        """As it was remembered."""
        client = cls(Credentials(record.username, record.password, record.realm), token)
        client._known = {(asked.proxy, asked.realm): (asked, used + _GAP) for asked, used in record.known}
        return client

    def challenged(self, response: SipResponse) -> bool:
        """Take the challenges of a response; whether to ask again. No: it is refused, or cannot be answered."""
        asked = self._strongest(response)
        if any(used > 1 for _, used in self._known.values()):
            self._rounds = 0  # what was asked before was answered well
        self._rounds += 1
        if not asked or self._rounds > _MOST_ROUNDS:
            return False
        for key, challenge in asked.items():
            known = self._known.get(key)
            if known is not None and known[1] == 1 and not challenge.stale:
                # "the UAC MUST NOT re-attempt [...] with the credentials that have just been rejected" (section 22.2).
                return False
        for key, challenge in asked.items():
            self._known[key] = challenge, 0
        return True

    def headers(self, method: str, uri: str) -> list[tuple[str, str]]:
        """The credentials of a request, one for each realm that has asked so far."""
        if method == "ACK":
            # RFC 3261 section 13.2.2.4: "The ACK MUST contain the same credentials as the INVITE."
            return self._invite
        said = []
        for key, (challenge, used) in self._known.items():
            self._known[key] = challenge, used + 1
            value = authorization(
                challenge,
                username=self._credentials.username,
                password=self._credentials.password,
                method=method,
                uri=uri,
                cnonce=self._token(),
                count=used + 1,
            )
            said.append(("Proxy-Authorization" if challenge.proxy else "Authorization", value))
        if method == "INVITE":
            self._invite = said
        return said

    def _strongest(self, response: SipResponse) -> dict[tuple[bool, str], Challenge]:
        """The strongest challenge of each realm that may ask us (RFC 3261 section 22.3: several proxies may)."""
        best: dict[tuple[bool, str], Challenge] = {}
        for proxy, name in ((False, "WWW-Authenticate"), (True, "Proxy-Authenticate")):
            for challenge in _read(response.headers(name), proxy):
                if self._credentials.realm not in ("", challenge.realm):
                    continue  # the password is for another realm: this one learns nothing of it
                key = (proxy, challenge.realm)
                if key not in best or STRENGTH.index(challenge.algorithm) < STRENGTH.index(best[key].algorithm):
                    best[key] = challenge
        return best


def _read(values: Sequence[str], proxy: bool) -> list[Challenge]:
    challenges = [challenge_of(value, proxy=proxy) for value in values[:_MOST_REALMS]]
    return [challenge for challenge in challenges if challenge is not None]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
