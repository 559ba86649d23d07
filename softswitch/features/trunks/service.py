"""What can be done with trunks, and all of them in memory, as calls need them."""

import contextlib
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import structlog

from softswitch.calls.leg_rules import rules_or_none
from softswitch.calls.signals import Credentials, Origin
from softswitch.calls.uplinks import Enrolled, Probed
from softswitch.events import Fact
from softswitch.features.trunks import store
from softswitch.features.trunks.model import (
    LineState,
    Network,
    Sources,
    Trunk,
    TrunkHealth,
    TrunkRules,
    check_rules,
    ha1,
    merged,
)
from softswitch.features.trunks.model.passport import read_key
from softswitch.features.trunks.model.trunk import SigningKey
from softswitch.features.trunks.tables import TrunkRow
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.kernel.media import Srtp
from softswitch.platform.changes import count_change
from softswitch.platform.database import Database, Session
from softswitch.platform.vault import Vault, VaultError
from softswitch.ports.signalling import Uplinks

log = structlog.get_logger(__name__)

CHANGED = "trunks"
"""What trunks are called among the `Changes`."""

COLUMNS = ("name", "host", "port", "transport", "context", "strip", "prefix", "media", "ring_seconds", "enabled")
"""What has a column of its own; `sources` is written as a text, all else is in `rules` or `secrets`."""
SECRETS = (("login", "password"), ("peer", "password"), ("stir", "key"))
"""Where secrets stand in what administrators write. They are sealed, and never shown again."""


class Trunks:
    """All trunks. Memory changes when a change is stored."""

    def __init__(
        self,
        realm: str,
        clock: Clock,
        publish: Callable[[Fact], None],
        vault: Vault,
        on_pbx_gone: Callable[[str], None] = lambda username: None,
    ) -> None:
        """`realm`: ours, in which a far end proves itself. `on_pbx_gone` is told whose registration is worth nothing
        any more."""
        self._on_pbx_gone = on_pbx_gone
        self._realm = realm
        self._clock = clock
        self._publish = publish
        self._vault = vault
        self._trunks: dict[str, Trunk] = {}
        self._sources = Sources(())
        self._addresses: tuple[str, ...] = ()
        self._tokens: dict[str, Trunk] = {}
        self._peers: dict[str, Trunk] = {}
        self._pbxs: tuple[Trunk, ...] = ()
        """Those that register at us, by name."""
        self._by_host: dict[str, Trunk] = {}
        """Those that are spoken to over TLS, by the name that their certificates must prove."""
        self._health: dict[str, TrunkHealth] = {}
        self._uplinks: Uplinks | None = None

    async def load(self, database: Database) -> None:
        """Read all trunks: before the first call, and again when another process has changed them."""
        async with database.reading() as session:
            self._remember({row.name: self._trunk(row) for row in await store.all_trunks(session)})

    def connect(self, uplinks: Uplinks) -> None:
        """From now on let a gateway keep the trunks registered, and ask whether they live."""
        self._uplinks = uplinks
        self._keep()

    # What calls ask ---------------------------------------------------------------------------------------

    def trunk(self, name: str) -> Trunk | None:
        return self._trunks.get(name)

    def all(self) -> Mapping[str, Trunk]:
        return self._trunks

    def health(self, name: str) -> TrunkHealth:
        """How a trunk that exists fares."""
        return self._health[name]

    def registered(self) -> dict[str, float]:
        """By trunk that registers: 1 while its registration holds, else 0."""
        return {
            name: float(self._health[name].registration is LineState.UP)
            for name, trunk in self._trunks.items()
            if trunk.rules.registration.mode != "off"
        }

    def gateways_up(self) -> dict[str, float]:
        """By trunk: how many of its gateways are not known to be down."""
        return {name: float(len(health.usable)) for name, health in self._health.items()}

    def recognise(self, host: str, to_user: str = "", line: str = "") -> Origin | None:
        """Whose calls come from an address, or to a Contact that we registered; None: no trunk's."""
        tokens = self._tokens
        if tokens:
            trunk = tokens.get(to_user) or tokens.get(line)
            if trunk is not None:
                return trunk.origin
        trunk = self._sources.find(host)
        return None if trunk is None else trunk.origin

    def certified(self, names: tuple[str, ...]) -> Origin | None:
        """Whose calls come by a TLS connection whose peer has proved these names; None: no trunk's."""
        found = next((trunk for name in names if (trunk := self._by_host.get(name)) is not None), None)
        return None if found is None else found.origin

    def sends_from(self, host: str) -> bool:
        """Whether a trunk sends from an address, or is sent to at it."""
        return host in self._addresses or self._sources.find(host) is not None

    def addresses(self) -> tuple[str, ...]:
        """Networks and addresses that trunks send from, as text."""
        return self._addresses

    def ha1(self, username: str, algorithm: str) -> str | None:
        """H(A1) of a far end that proves itself by digest; None: no trunk's is called so."""
        trunk = self._peers.get(username)
        return None if trunk is None else trunk.peer_ha1.get(algorithm)

    def registers_in_bulk(self, username: str) -> bool:
        """Whether a far end may register its Contact for all numbers of a trunk."""
        trunk = self._peers.get(username)
        return trunk is not None and trunk.rules.pbx.registers

    def pbx_of(self, number: str) -> Trunk | None:
        """The trunk of the PBX that has a number; None: none has."""
        return next((trunk for trunk in self._pbxs if trunk.rules.pbx.has(number)), None)

    def origin(self, username: str) -> Origin | None:
        """Whose calls they are once a far end has proved to be `username`."""
        trunk = self._peers.get(username)
        return None if trunk is None else trunk.origin

    def origin_of(self, name: str) -> Origin | None:
        """Whose calls those of a trunk are; None: there is no such trunk."""
        trunk = self._trunks.get(name)
        return None if trunk is None else trunk.origin

    # What the SIP gateway tells ---------------------------------------------------------------------------

    def enrolled(self, uplink: str, how: Enrolled) -> None:
        """See `UplinkEvents`."""
        health = self._health.get(uplink)
        if health is not None and (fact := health.enrolled(how, self._clock.wall_ms())) is not None:
            self._publish(fact)
            if not how.ok:
                log.warning("a trunk is not registered", trunk=uplink, reason=how.reason, again_in=round(how.seconds))

    def probed(self, uplink: str, how: Probed) -> None:
        """See `UplinkEvents`."""
        health = self._health.get(uplink)
        if health is not None and (fact := health.probed(how, self._clock.wall_ms())) is not None:
            self._publish(fact)
            if not how.alive:
                name = health.gateways[how.gateway].name
                log.warning("a gateway is down", trunk=uplink, gateway=name, reason=how.reason)

    # What administrators do -------------------------------------------------------------------------------

    async def create(self, session: Session, values: Mapping[str, Any]) -> TrunkRow:
        """Add a trunk; `values` are its columns, `sources` a list, and the branches of `TrunkRules` with the secrets
        in them. Raises Conflict or Invalid."""
        if await store.find_trunk(session, values["name"]) is not None:
            raise Conflict("trunk-exists", f"there is a trunk {values['name']} already")
        row = TrunkRow(name=values["name"], rules="{}", secrets="{}")
        self._write(row, values)
        session.add(row)
        await session.flush()
        await count_change(session, CHANGED)
        self._remember_later(session, row)
        return row

    async def change(self, session: Session, name: str, changes: Mapping[str, Any]) -> TrunkRow:
        """Change what `changes` names. Raises NotFound or Invalid."""
        row = await self.row(session, name)
        self._write(row, changes)
        await session.flush()
        await count_change(session, CHANGED)
        self._remember_later(session, row)
        return row

    async def remove(self, session: Session, name: str) -> None:
        """Delete a trunk. Calls that go through it go on. Raises NotFound."""
        await session.delete(await self.row(session, name))
        await session.flush()
        await count_change(session, CHANGED)
        session.after_commit(
            lambda: self._remember({other: trunk for other, trunk in self._trunks.items() if other != name})
        )

    async def row(self, session: Session, name: str) -> TrunkRow:
        """One trunk as stored. Raises NotFound."""
        row = await store.find_trunk(session, name)
        if row is None:
            raise NotFound("trunk", name)
        return row

    def _write(self, row: TrunkRow, values: Mapping[str, Any]) -> None:
        secrets: dict[str, str] = msgspec.json.decode(row.secrets)
        tree: dict[str, Any] = {}
        for name, value in values.items():
            if name in COLUMNS:
                setattr(row, name, value)
            elif name == "sources":
                row.sources = write_sources(value)
            else:
                tree[name] = value
        for branch, leaf in SECRETS:
            if isinstance(tree.get(branch), Mapping) and leaf in tree[branch]:
                tree[branch] = dict(tree[branch])
                secret, key = tree[branch].pop(leaf), f"{branch}.{leaf}"
                if secret and key == "stir.key":
                    _check_key(secret)
                if secret:
                    secrets[key] = self._vault.seal(secret, _purpose(row.name, key))
                else:
                    secrets.pop(key, None)
        rules = merged(msgspec.json.decode(row.rules), tree)
        checked = check_rules(rules)
        self._check_peer(row.name, checked, secrets)
        if not row.host and not checked.pbx.registers:
            raise Invalid("host", "where is it? Only a PBX that registers (`pbx`) needs no host")
        if checked.stir.send == "sign" and "stir.key" not in secrets:
            raise Invalid("stir.key", "which key should sign? Give a private key on P-256 in PEM")
        row.rules, row.secrets = msgspec.json.encode(rules).decode(), msgspec.json.encode(secrets).decode()

    def _check_peer(self, name: str, rules: TrunkRules, secrets: Mapping[str, str]) -> None:
        username = rules.peer.username
        if bool(username) != ("peer.password" in secrets):
            raise Invalid("peer", "a far end that proves itself needs both a username and a password")
        other = self._peers.get(username)
        if other is not None and other.name != name:
            raise Invalid("peer.username", f"the far end of trunk {other.name} is called {username!r} already")

    def _trunk(self, row: TrunkRow) -> Trunk:
        rules = msgspec.convert(msgspec.json.decode(row.rules), TrunkRules)
        password = self._secret(row, "login.password")
        peer_password = self._secret(row, "peer.password")
        username = rules.peer.username
        key = self._secret(row, "stir.key")
        return Trunk(
            name=row.name,
            host=row.host,
            port=row.port,
            transport=row.transport,
            sources=_networks(row.sources),
            strip=row.strip,
            prefix=row.prefix,
            anchored=row.media == "anchored",
            ring_seconds=row.ring_seconds,
            enabled=row.enabled,
            origin=Origin(
                "trunk",
                row.name,
                row.context,
                rules.codecs,
                rules_or_none(rules.signalling),
                srtp=Srtp(rules.srtp),
                video=rules.video,
            ),
            rules=rules,
            credentials=None if password is None else Credentials(rules.login.username, password, rules.login.realm),
            peer_ha1={} if peer_password is None else ha1(username, self._realm, peer_password),
            key=None if key is None else SigningKey(key),
            token=self._vault.token(f"trunk/{row.name}/contact"),
        )

    def _secret(self, row: TrunkRow, key: str) -> str | None:
        sealed = msgspec.json.decode(row.secrets).get(key)
        if sealed is None:
            return None
        try:
            return self._vault.open(sealed, _purpose(row.name, key))
        except VaultError as error:
            log.error("a secret of a trunk is lost: set it again", trunk=row.name, field=key, reason=str(error))
            return None

    def _remember_later(self, session: Session, row: TrunkRow) -> None:
        trunk = self._trunk(row)
        session.after_commit(lambda: self._remember(self._trunks | {trunk.name: trunk}))

    def _remember(self, trunks: dict[str, Trunk]) -> None:
        before, self._trunks = self._trunks, trunks
        ordered = [trunks[name] for name in sorted(trunks)]
        self._sources = Sources(ordered)
        self._addresses = tuple(sorted({address for trunk in ordered for address in _addresses_of(trunk)}))
        in_use = [trunk for trunk in ordered if trunk.enabled]
        self._tokens = {trunk.token: trunk for trunk in in_use if trunk.rules.registration.mode != "off"}
        self._peers = {trunk.rules.peer.username: trunk for trunk in in_use if trunk.peer_ha1}
        names_before = {trunk.rules.peer.username for trunk in self._pbxs}
        self._pbxs = tuple(trunk for trunk in in_use if trunk.rules.pbx.registers)
        for gone in names_before - {trunk.rules.peer.username for trunk in self._pbxs}:
            self._on_pbx_gone(gone)
        self._by_host = {trunk.host.lower(): trunk for trunk in in_use if trunk.host and trunk.transport == "tls"}
        self._health = {
            name: self._health[name] if before.get(name) == trunk else TrunkHealth(trunk)
            for name, trunk in trunks.items()
        }
        self._keep()

    def _keep(self) -> None:
        if self._uplinks is not None:
            self._uplinks.keep([uplink for trunk in self._trunks.values() if (uplink := trunk.uplink()) is not None])


def _purpose(trunk: str, key: str) -> str:
    return f"trunk/{trunk}/{key}"


def _check_key(pem: str) -> None:
    try:
        read_key(pem.encode())
    except ValueError as error:
        raise Invalid("stir.key", str(error)) from error


def write_sources(sources: list[str]) -> str:
    """Addresses and networks as stored. Raises Invalid naming the one that is none."""
    networks = []
    for text in sources:
        try:
            networks.append(str(ipaddress.ip_network(text)))
        except ValueError as error:
            raise Invalid("sources", f"{error}: write an address, or a network such as 192.0.2.0/24") from error
    return " ".join(dict.fromkeys(networks))


def read_sources(text: str) -> list[str]:
    """The same back, single addresses without a prefix length."""
    return [str(network.network_address) if network.num_addresses == 1 else str(network) for network in _networks(text)]


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(word) for word in text.split())


def _addresses_of(trunk: Trunk) -> Iterator[str]:
    yield from map(str, trunk.sources)
    for gateway in trunk.gateways:
        with contextlib.suppress(ValueError):  # a name: whoever it stands for must be among the sources
            yield str(ipaddress.ip_address(gateway.host))
