from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from gateways.sip.ua.digest import ha1_of
from softswitch.calls.identity import IdentityStyle
from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Credentials, Origin, Target
from softswitch.calls.uplinks import Enrolled, Enrolment, Probed, Uplink
from softswitch.engine.caller import Candidate
from softswitch.events import Fact
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.departure import Departures
from softswitch.features.trunks.feature import build
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.model import escape_user
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.platform.database import Database
from softswitch.platform.vault import Vault
from tests.support.admin_plane import StandingClock, admin_client
from tests.support.trunks import FakeAccounts, FakeCaller, FakeContacts, make_trunks


async def nothing(url: str) -> bytes:
    raise ValueError("it answers 404")


@pytest.fixture
def trunks() -> Trunks:
    return make_trunks()


@pytest.fixture
def client(database: Database, trunks: Trunks) -> httpx.AsyncClient:
    feature, _ = build(
        trunks,
        Groups(trunks),
        Traffic(StandingClock()),
        Certificates(nothing, StandingClock()),
        FakeAccounts(),
        FakeContacts(pbx="sip:192.0.2.40;bnc"),
        lambda: 0.0,
    )
    assert feature.router is not None
    return admin_client(database, [feature.router])


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/api/v1/trunks", json={"name": "uas", "host": "192.0.2.9"} | fields)
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


async def call(trunks: Trunks, name: str, number: str, origin: Origin | None = None) -> FakeCaller:
    caller = FakeCaller(number, origin or Origin("account", "1001", "default"))
    traffic = Traffic(StandingClock())
    await Departures(trunks, traffic, FakeAccounts(), FakeContacts(), lambda: 0.0).by_trunk(caller, name)
    return caller


async def test_a_call_goes_out_as_the_trunk_wants_it(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, port=5080, strip=1, prefix="00", ring_seconds=30, media="bypass", transport="tcp")
    caller = await call(trunks, "uas", "0755#1")
    assert caller.dialled == [
        Candidate(
            Target("sip:00755%231@192.0.2.9:5080;transport=tcp", "tcp", HostPort("192.0.2.9", 5080), patience=4.0),
            Destination("trunk", "uas"),
            "00755#1",
            anchored=False,
            from_=Party("+85212345678", "Alice"),
            style=IdentityStyle(),
        )
    ]
    assert caller.ring_seconds == 30


async def test_a_trunk_has_video_unless_it_is_told_otherwise(client: httpx.AsyncClient, trunks: Trunks) -> None:
    assert (await create(client, sources=["192.0.2.9"]))["video"] is True
    assert (await call(trunks, "uas", "5")).dialled[0].video
    patched = await client.patch("/api/v1/trunks/uas", json={"video": False})
    assert patched.json()["video"] is False
    assert not (await call(trunks, "uas", "5")).dialled[0].video
    arrived = trunks.recognise("192.0.2.9")
    assert arrived is not None and not arrived.video


async def test_a_trunk_that_has_a_name_is_left_for_the_gateway_to_look_up(
    client: httpx.AsyncClient, trunks: Trunks
) -> None:
    await create(client, host="sip.example.org")
    target = (await call(trunks, "uas", "5")).dialled[0].target
    assert (target.uri, target.address) == ("sip:5@sip.example.org:5060", None)


async def test_an_ipv6_trunk_is_written_in_brackets(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, host="2001:db8::1")
    target = (await call(trunks, "uas", "5")).dialled[0].target
    assert (target.uri, target.address) == ("sip:5@[2001:db8::1]:5060", HostPort("2001:db8::1", 5060))


async def test_a_guests_number_is_shown_as_it_came(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client)
    (candidate,) = (await call(trunks, "uas", "5", Origin("guest", "", "default"))).dialled
    assert candidate.from_ == Party("1001", "Al")


@pytest.mark.parametrize(
    ("name", "number", "cause"),
    [
        ("none", "5", Cause.NO_ROUTE_TO_DESTINATION),
        ("off", "5", Cause.NO_ROUTE_TO_DESTINATION),
        ("strips", "12", Cause.INVALID_NUMBER_FORMAT),
    ],
)
async def test_a_call_that_cannot_leave_is_told_why(
    client: httpx.AsyncClient, trunks: Trunks, name: str, number: str, cause: Cause
) -> None:
    await create(client, name="off", enabled=False)
    await create(client, name="strips", strip=2)
    with pytest.raises(Rejected) as rejected:
        await call(trunks, name, number)
    assert rejected.value.cause is cause


def test_a_number_is_escaped_as_a_sip_uri_needs_it() -> None:
    assert escape_user("*97") == "*97"
    assert escape_user("a b@c:客") == "a%20b%40c%3A%E5%AE%A2"


async def test_a_trunk_over_tls_is_known_by_the_name_in_its_certificate(
    client: httpx.AsyncClient, trunks: Trunks
) -> None:
    await create(client, name="carrier", host="SIP.Carrier.example", transport="tls")
    await create(client, name="plain", host="plain.example", transport="tcp")
    await create(client, name="off", host="off.example", transport="tls", enabled=False)
    assert trunks.certified(("x.example", "sip.carrier.example")) == Origin("trunk", "carrier", "default")
    assert trunks.certified(("plain.example", "off.example")) is None


async def test_the_longest_network_that_holds_a_source_wins(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, name="carrier", sources=["192.0.2.0/24", "2001:db8::/32"], context="carrier")
    await create(client, name="branch", sources=["192.0.2.7"])
    await create(client, name="off", sources=["192.0.2.8"], enabled=False)
    assert trunks.recognise("192.0.2.7") == Origin("trunk", "branch", "default")
    assert trunks.recognise("192.0.2.8") == Origin("trunk", "carrier", "carrier")
    assert trunks.recognise("::ffff:192.0.2.7") == Origin("trunk", "branch", "default")
    assert trunks.recognise("2001:db8::5") == Origin("trunk", "carrier", "carrier")
    assert trunks.recognise("198.51.100.1") is None
    assert trunks.recognise("somewhere") is None


async def test_a_change_and_a_deletion_hold_at_once(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, sources=["192.0.2.9"])
    changed = (await client.patch("/api/v1/trunks/uas", json={"sources": ["192.0.2.10", "192.0.2.10"]})).json()
    assert (changed["sources"], changed["host"]) == (["192.0.2.10"], "192.0.2.9")
    assert trunks.recognise("192.0.2.9") is None
    assert trunks.recognise("192.0.2.10") is not None
    assert (await client.delete("/api/v1/trunks/uas")).status_code == 204
    assert trunks.recognise("192.0.2.10") is None
    assert (await client.get("/api/v1/trunks/uas")).status_code == 404


async def test_trunks_survive_a_restart(client: httpx.AsyncClient, trunks: Trunks, database: Database) -> None:
    await create(client, sources=["192.0.2.0/24"], prefix="+", strip=2)
    again = make_trunks()
    await again.load(database)
    assert again.trunk("uas") == trunks.trunk("uas")
    assert again.recognise("192.0.2.1") == Origin("trunk", "uas", "default")


async def test_a_name_that_is_taken_is_a_conflict(client: httpx.AsyncClient) -> None:
    await create(client)
    response = await client.post("/api/v1/trunks", json={"name": "uas", "host": "x"})
    assert (response.status_code, response.json()["error_id"]) == (409, "trunk-exists")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a/b"),
        ("host", "no host"),
        ("host", "[::1]"),
        ("port", 0),
        ("transport", "pigeon"),
        ("sources", ["192.0.2.1/24"]),
        ("sources", ["nowhere"]),
        ("strip", -1),
        ("prefix", "+ "),
        ("media", "none"),
        ("password", "x"),
    ],
)
async def test_a_bad_trunk_is_refused_naming_the_field(client: httpx.AsyncClient, field: str, value: Any) -> None:
    response = await client.post("/api/v1/trunks", json={"name": "uas", "host": "x", field: value})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith(field)


async def test_viewers_see_trunks_and_change_none(client: httpx.AsyncClient) -> None:
    client.headers["Authorization"] = "Bearer viewer"
    assert (await client.get("/api/v1/trunks")).json() == {"items": [], "next": None}
    assert (await client.post("/api/v1/trunks", json={"name": "uas", "host": "x"})).status_code == 403


async def test_the_addresses_that_trunks_send_from_are_known_and_names_are_not(
    client: httpx.AsyncClient, trunks: Trunks
) -> None:
    await create(client)
    named = {"name": "named", "host": "sip.example.com", "sources": ["198.51.100.0/24"]}
    assert (await client.post("/api/v1/trunks", json=named)).status_code == 201
    assert "198.51.100.0/24" in trunks.addresses()
    assert not any("example" in address for address in trunks.addresses())
    await client.delete("/api/v1/trunks/named")
    assert "198.51.100.0/24" not in trunks.addresses()


# What a trunk is told beyond its address ----------------------------------------------------------------


class FakeUplinks:
    def __init__(self) -> None:
        self.kept: list[Uplink] = []

    def keep(self, uplinks: Sequence[Uplink]) -> None:
        self.kept = list(uplinks)


LOGIN = {"username": "4930123", "password": "s3cret"}


async def test_a_secret_is_stored_sealed_never_shown_and_ready_for_use(
    client: httpx.AsyncClient, trunks: Trunks, database: Database
) -> None:
    created = await create(client, login=LOGIN)
    assert created["login"] == {"username": "4930123", "realm": ""} and created["secrets"] == ["login.password"]
    listed = (await client.get("/api/v1/trunks")).text + (await client.get("/api/v1/trunks/uas")).text
    async with database.reading() as session:
        stored = str((await session.execute(text("SELECT * FROM trunks_trunk"))).all())
    assert "s3cret" not in listed + stored + str(created)
    assert (await call(trunks, "uas", "5")).dialled[0].credentials == Credentials("4930123", "s3cret")
    again = make_trunks()
    await again.load(database)
    assert again.trunk("uas") == trunks.trunk("uas")


async def test_a_change_inside_an_object_leaves_the_rest_of_it(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, login=LOGIN | {"realm": "carrier"}, health={"every_seconds": 60})
    changed = (await client.patch("/api/v1/trunks/uas", json={"login": {"username": "other"}})).json()
    assert changed["login"] == {"username": "other", "realm": "carrier"}
    assert changed["health"]["every_seconds"] == 60 and changed["secrets"] == ["login.password"]
    trunk = trunks.trunk("uas")
    assert trunk is not None and trunk.credentials == Credentials("other", "s3cret", "carrier")
    changed = (await client.patch("/api/v1/trunks/uas", json={"login": {"password": ""}})).json()
    assert changed["secrets"] == [] and (await call(trunks, "uas", "5")).dialled[0].credentials is None


async def test_a_secret_sealed_elsewhere_is_lost_and_the_trunk_still_there(
    client: httpx.AsyncClient, database: Database
) -> None:
    await create(client, login=LOGIN)
    other = Trunks("softswitch", StandingClock(), lambda fact: None, Vault(bytes(32)))
    await other.load(database)
    trunk = other.trunk("uas")
    assert trunk is not None and trunk.credentials is None


async def test_what_is_to_be_kept_up_follows_each_change(client: httpx.AsyncClient, trunks: Trunks) -> None:
    uplinks = FakeUplinks()
    trunks.connect(uplinks)
    await create(client, login=LOGIN)
    assert uplinks.kept == []
    await client.patch(
        "/api/v1/trunks/uas",
        json={"registration": {"mode": "register", "domain": "carrier.example"}, "gateways": [{"host": "192.0.2.10"}]},
    )
    trunk = trunks.trunk("uas")
    assert trunk is not None
    assert uplinks.kept == [
        Uplink(
            "uas",
            (
                Target("sip:192.0.2.9:5060", "udp", HostPort("192.0.2.9", 5060)),
                Target("sip:192.0.2.10:5060", "udp", HostPort("192.0.2.10", 5060)),
            ),
            Credentials("4930123", "s3cret"),
            Enrolment("carrier.example", "4930123", trunk.token, 3600),
        )
    ]
    await client.patch("/api/v1/trunks/uas", json={"enabled": False})
    assert uplinks.kept == []


async def test_a_call_to_the_contact_registered_at_a_trunk_is_that_trunks(
    client: httpx.AsyncClient, trunks: Trunks
) -> None:
    await create(client, login=LOGIN, registration={"mode": "bulk"}, context="carrier")
    trunk = trunks.trunk("uas")
    assert trunk is not None and len(trunk.token) == 32
    ours = Origin("trunk", "uas", "carrier")
    assert trunks.recognise("198.51.100.7", trunk.token) == trunks.recognise("198.51.100.7", "1", trunk.token) == ours
    assert trunks.recognise("198.51.100.7", "guess", "guess") is None
    await client.patch("/api/v1/trunks/uas", json={"registration": {"mode": "off"}})
    assert trunks.recognise("198.51.100.7", trunk.token) is None


async def test_a_far_end_may_prove_itself_by_password(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, peer={"username": "branch", "password": "b"})
    assert trunks.ha1("branch", "MD5") == ha1_of("branch", "softswitch", "b", "MD5")
    assert trunks.ha1("branch", "SHA-256") == ha1_of("branch", "softswitch", "b", "SHA-256")
    assert trunks.origin("branch") == Origin("trunk", "uas", "default")
    assert trunks.ha1("other", "MD5") is None and trunks.origin("other") is None
    await client.patch("/api/v1/trunks/uas", json={"enabled": False})
    assert trunks.ha1("branch", "MD5") is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"registration": {"mode": "register"}}, "login.username"),
        ({"registration": {"mode": "sometimes"}}, "registration.mode"),
        ({"health": {"every_seconds": 3, "within_seconds": 4}}, "health.within_seconds"),
        ({"peer": {"username": "x"}}, "peer"),
        ({"login": {"username": "a b"}}, "login.username"),
        ({"gateways": [{"host": "a"}, {"host": "b c"}]}, "gateways.1.host"),
        ({"login": {"passwort": "x"}}, "login.passwort"),
    ],
)
async def test_a_bad_leaf_is_refused_naming_it(client: httpx.AsyncClient, fields: dict[str, Any], field: str) -> None:
    response = await client.post("/api/v1/trunks", json={"name": "uas", "host": "x"} | fields)
    assert response.status_code == 422
    assert field in response.text


async def test_two_trunks_may_not_have_one_far_end(client: httpx.AsyncClient) -> None:
    await create(client, peer={"username": "branch", "password": "b"})
    response = await client.post(
        "/api/v1/trunks", json={"name": "other", "host": "x", "peer": {"username": "branch", "password": "c"}}
    )
    assert (response.status_code, "peer.username" in response.text) == (422, True)


async def test_how_a_trunk_fares_is_seen_and_told_once(client: httpx.AsyncClient, trunks: Trunks) -> None:
    heard: list[Fact] = []
    trunks._publish = heard.append
    await create(client, login=LOGIN, registration={"mode": "register"}, gateways=[{"host": "192.0.2.10"}])
    state = (await client.get("/api/v1/trunks/uas")).json()["state"]
    assert state["registration"]["state"] == "unknown"
    for _ in range(2):
        trunks.enrolled("uas", Enrolled(False, 30.0, 0, 403, "it refuses our name or password (403 Forbidden)"))
        trunks.probed("uas", Probed(0, False, "no answer to OPTIONS within 4 s"))
    trunks.probed("uas", Probed(1, True, "", 12.34))
    state = (await client.get("/api/v1/trunks/uas")).json()["state"]
    assert state["registration"]["state"] == "down" and state["registration"]["status"] == 403
    assert [(g["state"], g["answer_ms"]) for g in state["gateways"]] == [("down", None), ("up", 12.3)]
    assert (trunks.registered(), trunks.gateways_up()) == ({"uas": 0.0}, {"uas": 1.0})
    trunks.enrolled("uas", Enrolled(True, 3000.0, 3600, 200))
    trunks.probed("uas", Probed(0, True, "", 3.0))
    assert (trunks.registered(), trunks.gateways_up()) == ({"uas": 1.0}, {"uas": 2.0})
    assert [type(fact).__name__ for fact in heard] == [
        "TrunkRegistrationFailed",
        "TrunkGatewayDown",
        "TrunkGatewayUp",
        "TrunkRegistered",
        "TrunkGatewayUp",
    ]
    trunks.enrolled("gone", Enrolled(True, 1.0))  # of a trunk deleted meanwhile
    trunks.probed("gone", Probed(0, True))


async def test_a_trunk_without_a_living_gateway_says_why(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, health={"every_seconds": 30, "down_after": 1}, gateways=[{"host": "192.0.2.10"}])
    trunks.probed("uas", Probed(0, False, "no answer"))
    target = (await call(trunks, "uas", "5")).dialled[0].target
    assert target.address == HostPort("192.0.2.10", 5060)
    trunks.probed("uas", Probed(1, False, "no answer"))
    with pytest.raises(Rejected, match=r"192\.0\.2\.9:5060;udp is down: no answer; 192\.0\.2\.10") as rejected:
        await call(trunks, "uas", "5")
    assert rejected.value.cause is Cause.NETWORK_OUT_OF_ORDER


async def test_a_trunk_needs_a_host_unless_its_pbx_registers(client: httpx.AsyncClient, trunks: Trunks) -> None:
    refused = await client.post("/api/v1/trunks", json={"name": "pbx"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "host")
    fields = {"host": "", "pbx": {"registers": True, "numbers": ["1200-1299"]}}
    created = await create(client, **fields, peer={"username": "pbx", "password": "secret"})
    assert (created["pbx"], created["secrets"]) == (fields["pbx"], ["peer.password"])
    (shown,) = (await client.get("/api/v1/trunks")).json()["items"]
    assert (shown["state"]["gateways"], shown["state"]["contacts"]) == ([], ["sip:192.0.2.40;bnc"])
    assert trunks.registers_in_bulk("pbx")
    await client.patch("/api/v1/trunks/uas", json={"enabled": False})
    assert not trunks.registers_in_bulk("pbx")
    assert trunks.pbx_of("1234") is None


async def test_a_trunk_says_which_codecs_it_is_told_of(client: httpx.AsyncClient, trunks: Trunks) -> None:
    await create(client, codecs=["pcma", "G729"])
    shown = (await client.get("/api/v1/trunks/uas")).json()
    assert shown["codecs"] == ["PCMA", "G729"]
    trunk = trunks.trunk("uas")
    assert trunk is not None and trunk.origin.codecs == trunk.rules.codecs == ("PCMA", "G729")
    refused = await client.patch("/api/v1/trunks/uas", json={"codecs": ["PCMA", "PCMA"]})
    assert refused.status_code == 422 and "comes twice" in refused.text


async def test_signalling_of_one_trunk_is_its_calls_both_ways(client: httpx.AsyncClient, trunks: Trunks) -> None:
    created = await create(client, signalling={"early_media": "authorised"})
    assert created["signalling"] == {"early_media": "authorised", "session_expires": None, "reliable": "as-set"}
    changed = await client.patch("/api/v1/trunks/uas", json={"signalling": {"reliable": "required"}})
    rules = LegRules(early_media="authorised", reliable="required")
    assert changed.json()["signalling"]["early_media"] == "authorised"
    trunk = trunks.trunk("uas")
    assert trunk is not None and trunk.origin.rules == rules
    assert [candidate.rules for candidate in (await call(trunks, "uas", "1")).dialled] == [rules]
    answer = await client.patch("/api/v1/trunks/uas", json={"signalling": {"session_expires": 10}})
    assert answer.status_code == 422 and "session_expires" in answer.text
