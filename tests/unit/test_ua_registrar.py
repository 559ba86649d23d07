"""REGISTER, over a real engine: RFC 3261 section 10.3 by its steps."""

import statistics
import time
from typing import Any

import pytest

from gateways._native import NameAddr, SipResponse
from gateways.sip.ua.digest import ha1_of
from gateways.sip.ua.registrar import RegistrarRules
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.binding import PushTarget
from tests.support.ua_story import UDP, Story, answer_to, sdp

A, B = "<sip:1001@192.168.1.5:5060>", "<sip:1001@192.168.1.6:5060;ob>;q=0.5"


class Registering(Story):
    def __init__(
        self, rules: RegistrarRules | None = None, *, pings: float = 0.0, settings: UserAgentSettings | None = None
    ) -> None:
        super().__init__(
            settings or UserAgentSettings(host="192.0.2.1", registrar=rules or RegistrarRules(), nat_ping_seconds=pings)
        )
        for algorithm in ("MD5", "SHA-256"):
            self.accounts.secrets["1001", algorithm] = ha1_of("1001", "softswitch", "secret", algorithm)
        self._cseq = 0

    def registers(
        self,
        *contacts: str,
        headers: tuple[str, ...] = (),
        call_id: str = "r1",
        cseq: int | None = None,
        transport: int = UDP,
        **more: object,
    ) -> SipResponse:
        """A REGISTER with the answer to its challenge; gives the second response."""
        self._cseq += 2
        wanted = cseq if cseq is not None else self._cseq
        lines = [f"Contact: {contact}" for contact in contacts] + list(headers)
        common = {"uri": "sip:192.0.2.1", "to": "<sip:1001@192.0.2.1>", "call_id": call_id, "contact": None} | more
        self.said()
        self.hears(self.request("REGISTER", headers=lines, cseq=max(wanted - 1, 0), **common), transport=transport)  # type: ignore[arg-type]
        challenge = self.only_response(401)
        given = answer_to(challenge, "REGISTER", "sip:192.0.2.1")
        lines.append(f"Authorization: {given}")
        self.hears(self.request("REGISTER", headers=lines, cseq=wanted, **common), transport=transport)  # type: ignore[arg-type]
        (response,) = self.said()
        assert isinstance(response, SipResponse)
        return response

    def is_asked_for(self, uri: str) -> Party:
        """Whom a call to a URI is for."""
        self._cseq += 1
        self.hears(self.request("INVITE", uri=uri, call_id=f"call-{self._cseq}", body=sdp()))
        return self.switch.incoming_calls[-1].to

    @property
    def contacts(self) -> list[str]:
        return [binding.contact for binding in self.accounts.bindings("1001")]


def test_a_phone_registers_and_hears_for_how_long() -> None:
    story = Registering()
    response = story.registers(A, headers=("Expires: 600", "User-Agent: Phone/1"))
    assert response.status == 200
    assert response.headers("Contact") == ["<sip:1001@192.168.1.5:5060>;expires=600"]
    (binding,) = story.accounts.bindings("1001")
    assert (binding.aor, binding.contact) == ("1001", "sip:1001@192.168.1.5:5060")
    assert binding.expires_at == int(story.now * 1000) + 600_000
    assert (binding.source, binding.transport, binding.connection) == (HostPort("192.0.2.9", 5060), "udp", 1)
    assert binding.user_agent == "Phone/1"
    assert story.is_clean()


def test_without_credentials_there_is_a_challenge_in_both_algorithms() -> None:
    story = Registering()
    story.hears(story.request("REGISTER", uri="sip:192.0.2.1"))
    challenge = story.only_response(401)
    offered = challenge.headers("WWW-Authenticate")
    assert ["algorithm=SHA-256" in offered[0], "algorithm=MD5" in offered[1]] == [True, True]
    assert story.accounts.bound == {}


def test_several_devices_live_beside_each_other_with_their_preferences() -> None:
    story = Registering()
    story.registers(A)
    response = story.registers(B, call_id="r2")
    listed = response.headers("Contact")
    assert listed == ["<sip:1001@192.168.1.5:5060>;expires=3600", "<sip:1001@192.168.1.6:5060;ob>;expires=3600;q=0.5"]
    assert [b.q for b in story.accounts.bindings("1001")] == [1.0, 0.5]


def test_a_query_lists_what_is_left_and_changes_nothing() -> None:
    story = Registering()
    story.registers(A, headers=("Expires: 600",))
    story.passes(100.5)
    before = story.accounts.bound["1001"]
    response = story.registers()
    assert response.headers("Contact") == ["<sip:1001@192.168.1.5:5060>;expires=500"]
    assert story.accounts.bound["1001"] is before


def test_the_contacts_own_expires_beats_the_header_and_zero_removes_one() -> None:
    story = Registering()
    story.registers(A, B + ";expires=120", headers=("Expires: 600",))
    lives = [b.expires_at - int(story.now * 1000) for b in story.accounts.bindings("1001")]
    assert lives == [600_000, 120_000]
    response = story.registers(A + ";expires=0")
    assert story.contacts == ["sip:1001@192.168.1.6:5060;ob"]
    assert len(response.headers("Contact")) == 1


def test_a_star_removes_all_and_only_with_expires_zero() -> None:
    story = Registering()
    story.registers(A, B)
    for contacts, headers in ((("*",), ()), (("*",), ("Expires: 60",)), (("*", A), ("Expires: 0",))):
        assert story.registers(*contacts, headers=headers).status == 400
    assert len(story.contacts) == 2
    response = story.registers("*", headers=("Expires: 0",))
    assert (response.status, response.headers("Contact"), story.contacts) == (200, [], [])


def test_too_brief_is_423_and_too_long_is_shortened() -> None:
    story = Registering(RegistrarRules(min_expires=60, max_expires=7200))
    response = story.registers(A, headers=("Expires: 59",))
    assert (response.status, response.header("Min-Expires")) == (423, "60")
    assert story.contacts == []
    response = story.registers(A, headers=("Expires: 99999999999999999999",))
    assert response.headers("Contact") == ["<sip:1001@192.168.1.5:5060>;expires=7200"]


def test_an_expires_that_is_no_number_is_as_if_it_were_not_there() -> None:
    story = Registering()
    assert story.registers(A, headers=("Expires: soon",)).headers("Contact")[0].endswith(";expires=3600")
    assert story.registers(A + ";expires=soon").headers("Contact")[0].endswith(";expires=3600")


def test_an_older_request_of_the_same_call_changes_nothing() -> None:
    story = Registering()
    story.registers(A, cseq=50)
    assert story.registers(A + ";expires=0", cseq=40).status == 500
    assert story.registers("*", headers=("Expires: 0",), cseq=45).status == 500
    assert len(story.contacts) == 1
    assert story.registers(A + ";expires=0", call_id="another", cseq=3).status == 200
    assert story.contacts == []


def test_the_same_contact_written_otherwise_is_the_same_device() -> None:
    story = Registering()
    story.registers("<sip:1001@Phone.example:5060;transport=udp>")
    story.registers("<sip:%31001@phone.EXAMPLE:5060;Transport=UDP>")
    assert story.contacts == ["sip:%31001@phone.EXAMPLE:5060;Transport=UDP"]


def test_a_contact_is_kept_to_the_letter() -> None:
    story = Registering()
    contact = "sip:10%3001@192.168.1.5:5060;ob;unknown=%20x?Subject=hi"
    story.registers(f'<{contact}>;+sip.instance="<urn:uuid:1>"')
    assert story.contacts == [contact]


def test_nobody_registers_for_another() -> None:
    story = Registering()
    assert story.registers(A, to="<sip:1002@192.0.2.1>").status == 403
    assert story.accounts.bound == {}


def test_the_devices_of_an_account_are_limited_and_all_or_nothing_is_changed() -> None:
    story = Registering(RegistrarRules(max_bindings=2))
    story.registers(A)
    response = story.registers(B, "<sip:1001@192.168.1.7>", call_id="r2")
    assert response.status == 403
    assert story.contacts == ["sip:1001@192.168.1.5:5060"]
    assert story.registers(A).status == 200


@pytest.mark.parametrize("contact", ["<wat:1>", "<sip:1001@192.168.1.5>;q=2", "<sip:1001@192.168.1.5>;q=x"])
def test_a_contact_that_is_none_is_a_400(contact: str) -> None:
    story = Registering()
    assert story.registers(contact).status == 400
    assert story.contacts == []


def test_a_path_is_kept_and_comes_back_where_it_is_supported() -> None:
    story = Registering()
    path = ("Path: <sip:192.0.2.80;lr>, <sip:192.0.2.81;lr>",)
    response = story.registers(A, headers=(*path, "Supported: path, gruu"))
    assert response.headers("Path") == ["<sip:192.0.2.80;lr>", "<sip:192.0.2.81;lr>"]
    assert story.accounts.bindings("1001")[0].path == ("<sip:192.0.2.80;lr>", "<sip:192.0.2.81;lr>")
    assert story.registers(A, headers=path).headers("Path") == []


def test_a_phone_by_tcp_is_reached_by_its_connection() -> None:
    story = Registering()
    story.connect(7)
    text = story.request("REGISTER", uri="sip:192.0.2.1", transport="TCP", contact=None)
    story.hears(text, transport=7)
    given = answer_to(story.only_response(401), "REGISTER", "sip:192.0.2.1")
    text = story.request(
        "REGISTER",
        uri="sip:192.0.2.1",
        to="<sip:1001@192.0.2.1>",
        transport="TCP",
        cseq=2,
        contact=A,
        headers=[f"Authorization: {given}"],
    )
    story.hears(text, transport=7)
    story.only_response(200)
    (binding,) = story.accounts.bindings("1001")
    assert (binding.transport, binding.connection) == ("tcp", 7)


DEVICE = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
FLOW = f'<sip:1001@192.168.1.5:5060;transport=tcp>;+sip.instance="<{DEVICE}>";reg-id='
OUTBOUND = ("Supported: path, outbound",)


def test_a_flow_is_registered_and_the_device_told_how_to_keep_it() -> None:
    story = Registering()
    response = story.registers(FLOW + "1", headers=OUTBOUND)
    assert (response.status, response.header("Require")) == (200, "outbound")
    assert response.header("Flow-Timer") == "120"
    assert response.headers("Contact")[0].endswith(f';+sip.instance="<{DEVICE}>";reg-id=1')
    (binding,) = story.accounts.bindings("1001")
    assert (binding.instance, binding.reg_id, binding.natted) == (DEVICE, 1, True)


def test_a_device_that_comes_back_from_elsewhere_replaces_its_flow_and_another_flow_stays() -> None:
    story = Registering()
    story.registers(FLOW + "1", headers=OUTBOUND)
    story.registers(FLOW + "2", headers=OUTBOUND)
    moved = f'<sip:1001@10.9.9.9:4444;transport=tcp>;+sip.instance="<{DEVICE}>";reg-id=1'
    story.registers(moved, headers=OUTBOUND, call_id="after-the-restart", cseq=1)
    assert story.contacts == ["sip:1001@10.9.9.9:4444;transport=tcp", "sip:1001@192.168.1.5:5060;transport=tcp"]


def test_without_outbound_or_an_instance_a_flow_number_means_nothing() -> None:
    story = Registering()
    assert story.registers(FLOW + "1").header("Require") is None
    assert story.registers("<sip:1001@192.168.1.7>;reg-id=1", headers=OUTBOUND).header("Require") is None
    assert [binding.reg_id for binding in story.accounts.bindings("1001")] == [0, 0]


def test_a_flow_number_that_is_none_or_two_flows_at_once_are_refused() -> None:
    story = Registering()
    assert story.registers(FLOW + "0", headers=OUTBOUND).status == 400
    assert story.registers(FLOW + "1", FLOW + "2", headers=OUTBOUND).status == 400
    assert story.contacts == []


def test_a_proxy_on_the_way_that_knows_no_flows_is_named() -> None:
    story = Registering()
    more = ("Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKbefore", *OUTBOUND)
    assert story.registers(FLOW + "1", headers=more).status == 439
    flows = (*more, "Path: <sip:token@edge.example;lr;ob>")
    assert story.registers(FLOW + "1", headers=flows).status == 200


def test_a_device_is_given_addresses_of_its_own_that_lead_back_to_it() -> None:
    story = Registering()
    contact = f'<sip:1001@192.168.1.5:5060>;+sip.instance="<{DEVICE}>"'
    response = story.registers(contact, headers=("Supported: gruu",))
    said = NameAddr.parse(response.headers("Contact")[0])
    assert said is not None
    public, temporary = said.param("pub-gruu") or "", said.param("temp-gruu") or ""
    assert public == f"sip:1001@192.0.2.1;gr={DEVICE}"
    assert temporary.startswith("sip:tgruu.") and temporary.endswith("@192.0.2.1;gr")
    assert "1001" not in temporary and DEVICE not in temporary
    # Each refresh brings another temporary one, and all lead to the device.
    again = NameAddr.parse(story.registers(contact, headers=("Supported: gruu",)).headers("Contact")[0])
    assert again is not None and again.param("temp-gruu") != temporary
    for uri in (public, temporary, again.param("temp-gruu") or ""):
        assert story.is_asked_for(uri) == Party("1001", "", DEVICE)


def test_a_temporary_address_that_was_never_given_is_a_number_like_any_other() -> None:
    story = Registering()
    assert story.is_asked_for("sip:tgruu.AAAA@192.0.2.1;gr") == Party("tgruu.AAAA")


def test_proxies_to_call_through_are_told_in_order() -> None:
    route = ("<sip:edge.example;lr>", "<sip:core.example;lr>")
    response = Registering(RegistrarRules(service_route=route)).registers(A)
    assert tuple(response.headers("Service-Route")) == route


WAKEABLE = "<sip:1001@192.168.1.5;transport=tcp;pn-provider=fcm;pn-prid=token-1;pn-param=app>"


def test_a_phone_says_how_it_is_woken_and_hears_that_it_will_be() -> None:
    story = Registering(RegistrarRules(push_services=("fcm", "apns")))
    response = story.registers(WAKEABLE)
    assert response.header("Feature-Caps") == '*;+sip.pns="fcm";+sip.pns="apns"'
    assert story.accounts.bindings("1001")[0].push == PushTarget("fcm", "token-1", "app")


def test_a_push_service_that_we_do_not_know_is_refused_unless_we_know_none() -> None:
    story = Registering(RegistrarRules(push_services=("apns",)))
    assert story.registers(WAKEABLE).status == 555
    story = Registering()
    assert story.registers(WAKEABLE).header("Feature-Caps") is None
    assert story.accounts.bindings("1001")[0].push is None


def test_the_end_of_a_connection_is_told_to_whoever_keeps_the_bindings() -> None:
    story = Registering()
    story.connect(7)
    story.agent.close_transport(7, story.now)
    assert story.accounts.failed == []  # nobody had registered by it
    story.connect(8)
    story.registers(A, transport=8)
    assert story.accounts.bindings("1001")[0].connection == 8
    story.agent.close_transport(8, story.now)
    assert story.accounts.failed == [8]


@pytest.mark.parametrize(("transport", "algorithms"), [("WS", ["MD5"]), ("WSS", ["MD5"]), ("TLS", ["SHA-256", "MD5"])])
def test_a_browser_is_challenged_once_because_it_looks_at_the_last_challenge(
    transport: str, algorithms: list[str]
) -> None:
    story = Registering()
    story.hears(story.request("REGISTER", to="<sip:1001@192.0.2.1>", transport=transport))
    challenges = story.only_response(401).headers("WWW-Authenticate")
    assert [challenge.split("algorithm=")[1].split(",")[0] for challenge in challenges] == algorithms


@pytest.mark.parametrize(
    ("agent", "accepted", "asked"),
    [
        ("baresip v1.0.0 (x86_64/linux)", ("SHA-256", "MD5"), ["MD5"]),
        ("baresip v1.0.0 (x86_64/linux)", ("SHA-256",), ["SHA-256"]),
        ("baresip v3.16.0 (x86_64/Linux)", ("SHA-256", "MD5"), ["SHA-256", "MD5"]),
    ],
)
def test_a_phone_that_gives_up_at_sha_256_is_challenged_by_md5_alone_where_that_is_accepted(
    agent: str, accepted: tuple[str, ...], asked: list[str]
) -> None:
    agents = ("baresip v0.", "baresip v1.0.")
    story = Registering(
        settings=UserAgentSettings(host="192.0.2.1", digest_algorithms=accepted, digest_md5_agents=agents)
    )
    story.hears(story.request("REGISTER", to="<sip:1001@192.0.2.1>", headers=[f"User-Agent: {agent}"]))
    challenges = story.only_response(401).headers("WWW-Authenticate")
    assert [challenge.split("algorithm=")[1].split(",")[0] for challenge in challenges] == asked


def test_the_way_to_a_phone_behind_nat_is_kept_open_while_it_is_registered() -> None:
    story = Registering(pings=30.0)
    story.registers(A, headers=("Expires: 60",))
    story.registers(A, headers=("Expires: 60",))  # a refresh does not double the pings
    before = len(story.wire)
    story.passes(23.9)
    assert len(story.wire) == before
    while len(story.wire) == before:
        story.passes(0.4)
    ping = story.only_request("OPTIONS")
    assert story.wire[-1][:2] == (UDP, ("192.0.2.9", 5060))
    assert ping.uri == "sip:1001@192.168.1.5:5060"
    story.replies(ping, 200)
    story.registers(A, headers=("Expires: 0",))
    story.passes(120)
    assert story.lines() == []
    assert story.is_clean()


def test_a_phone_that_is_not_behind_nat_is_left_in_peace() -> None:
    story = Registering(pings=30.0)
    story.registers("<sip:1001@192.0.2.9:5060>")
    story.passes(120)
    assert story.lines() == []


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_wrong_password_and_an_unknown_user_take_the_same_time(algorithm: str) -> None:
    """From the datagram that comes to the one that goes, in turns, so that a busy machine delays both alike."""
    story = Registering(settings=UserAgentSettings(host="192.0.2.1", digest_algorithms=(algorithm,)))
    taken: dict[str, list[float]] = {"1001": [], "9001": []}
    for turn in range(400):
        for user, times in taken.items():
            common: dict[str, Any] = {
                "uri": "sip:192.0.2.1",
                "to": f"<sip:{user}@192.0.2.1>",
                "call_id": f"t{turn}-{user}",
            }
            story.hears(story.request("REGISTER", cseq=1, **common))
            given = answer_to(story.only_response(401), "REGISTER", "sip:192.0.2.1", username=user, password="wrong")
            asked = story.request("REGISTER", headers=[f"Authorization: {given}"], cseq=2, **common)
            began = time.perf_counter()
            story.hears(asked)
            times.append(time.perf_counter() - began)
            story.only_response(401)
    known, unknown = (statistics.median(times) for times in taken.values())
    assert 0.9 < known / unknown < 1.1, (known, unknown)


# A PBX with many numbers (RFC 6140) --------------------------------------------------------------------------

GIN = ("Require: gin", "Proxy-Require: gin", "Supported: path, gruu", "Expires: 600")
PBX = "<sip:192.168.1.5:5060;bnc>"


def test_a_pbx_registers_one_contact_for_all_its_numbers() -> None:
    story = Registering()
    story.accounts.pbxs.add("1001")
    response = story.registers(PBX, headers=(*GIN, "Path: <sip:edge.example;lr>"))
    assert (response.status, response.headers("Contact")) == (200, [f"{PBX};expires=600"])
    assert response.headers("Path") == ["<sip:edge.example;lr>"]
    (binding,) = story.accounts.bindings("1001")
    assert (binding.contact, binding.path) == ("sip:192.168.1.5:5060;bnc", ("<sip:edge.example;lr>",))
    assert story.registers(PBX, headers=(*GIN[:3], "Expires: 0")).status == 200
    assert story.contacts == []
    assert story.is_clean()


@pytest.mark.parametrize("contact", ["<sip:192.168.1.5:5060>", "<sip:4930@192.168.1.5:5060;bnc>"])
def test_a_bulk_contact_has_bnc_and_no_user(contact: str) -> None:
    story = Registering()
    story.accounts.pbxs.add("1001")
    response = story.registers(contact, headers=GIN)
    assert (response.status, response.reason) == (400, "gin needs a Contact with bnc and without a user")
    assert story.contacts == []


def test_only_a_pbx_may_register_in_bulk_and_it_may_do_nothing_else() -> None:
    story = Registering()
    response = story.registers(PBX, headers=GIN)
    assert (response.status, response.reason) == (403, "Not a PBX That Registers in Bulk")
    story.accounts.pbxs.add("1001")
    assert story.registers(A).status == 403
    assert story.contacts == []


def test_gin_means_nothing_in_a_call() -> None:
    story = Registering()
    story.hears(story.request("INVITE", headers=["Require: gin"], body=sdp()))
    assert story.only_response(420).headers("Unsupported") == ["gin"]
