"""REGISTER, over a real engine: RFC 3261 section 10.3 by its steps."""

import pytest

from gateways._native import SipResponse
from gateways.sip.ua.digest import ha1_of
from gateways.sip.ua.registrar import RegistrarRules
from gateways.sip.ua.settings import UserAgentSettings
from softswitch.kernel.address import HostPort
from tests.support.ua_story import Story, answer_to

A, B = "<sip:1001@192.168.1.5:5060>", "<sip:1001@192.168.1.6:5060;ob>;q=0.5"


class Registering(Story):
    def __init__(self, rules: RegistrarRules | None = None) -> None:
        super().__init__(UserAgentSettings(host="192.0.2.1", registrar=rules or RegistrarRules()))
        for algorithm in ("MD5", "SHA-256"):
            self.accounts.secrets["1001", algorithm] = ha1_of("1001", "softswitch", "secret", algorithm)
        self._cseq = 0

    def registers(
        self,
        *contacts: str,
        headers: tuple[str, ...] = (),
        call_id: str = "r1",
        cseq: int | None = None,
        **more: object,
    ) -> SipResponse:
        """A REGISTER with the answer to its challenge; gives the second response."""
        self._cseq += 2
        wanted = cseq if cseq is not None else self._cseq
        lines = [f"Contact: {contact}" for contact in contacts] + list(headers)
        common = {"uri": "sip:192.0.2.1", "to": "<sip:1001@192.0.2.1>", "call_id": call_id, "contact": None} | more
        self.said()
        self.hears(self.request("REGISTER", headers=lines, cseq=max(wanted - 1, 0), **common))  # type: ignore[arg-type]
        challenge = self.only_response(401)
        given = answer_to(challenge, "REGISTER", "sip:192.0.2.1")
        lines.append(f"Authorization: {given}")
        self.hears(self.request("REGISTER", headers=lines, cseq=wanted, **common))  # type: ignore[arg-type]
        (response,) = self.said()
        assert isinstance(response, SipResponse)
        return response

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
    assert (binding.source, binding.transport, binding.connection) == (HostPort("192.0.2.9", 5060), "udp", None)
    assert binding.user_agent == "Phone/1"
    assert story.is_clean()


def test_without_credentials_there_is_a_challenge_in_both_algorithms() -> None:
    story = Registering()
    story.hears(story.request("REGISTER", uri="sip:192.0.2.1"))
    challenge = story.only_response(401)
    offered = challenge.headers("WWW-Authenticate")
    assert ["algorithm=MD5" in offered[0], "algorithm=SHA-256" in offered[1]] == [True, True]
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
    story.transport_of_requests = "TCP"
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
