import pytest

from softswitch.calls.signals import Origin
from softswitch.engine.gatekeeper import DemoGuests, SwitchGatekeeper
from softswitch.kernel.address import HostPort
from softswitch.ports.admission import Gatekeeper

HERE, THERE = HostPort("127.0.0.1", 9), HostPort("192.0.2.1", 9)
GUEST = Origin("guest", "127.0.0.1", "default")
TRUNK = Origin("trunk", "carrier", "carrier")


def gatekeeper(*, demo: bool) -> Gatekeeper:
    guests = DemoGuests(lambda name: name == "1001", "127.0.0.1", r"8\d{4}|9196|3000", "default")
    return SwitchGatekeeper(
        ha1=lambda username, algorithm: f"{username} {algorithm}",
        origin=lambda username: Origin("account", username, "default"),
        recognise=lambda host, to_user, line: TRUNK if host == "192.0.2.9" or line == "secret-line" else None,
        guests=guests if demo else lambda source, from_user, to_user: None,
    )


def test_a_trunk_is_known_by_its_address_whatever_it_says() -> None:
    assert gatekeeper(demo=True).recognise(HostPort("192.0.2.9", 1), "1001", "9196") == TRUNK


@pytest.mark.parametrize("number", ["80001", "9196", "3000"])
def test_in_demo_mode_a_load_tester_on_this_host_is_admitted_to_test_numbers(number: str) -> None:
    assert gatekeeper(demo=True).recognise(HERE, "sipp", number) == GUEST


@pytest.mark.parametrize(
    ("source", "from_user", "number"),
    [
        (THERE, "sipp", "9196"),
        (HERE, "1001", "9196"),
        (HERE, "sipp", "1002"),
        (HERE, "sipp", "800011"),
        (HERE, "sipp", "9196\n"),
        (HERE, "sipp", ""),
    ],
)
def test_everyone_else_must_prove_who_they_are(source: HostPort, from_user: str, number: str) -> None:
    assert gatekeeper(demo=True).recognise(source, from_user, number) is None


def test_outside_demo_mode_there_are_no_guests() -> None:
    assert gatekeeper(demo=False).recognise(HERE, "sipp", "9196") is None


def test_accounts_are_asked_of_the_directory() -> None:
    keeper = gatekeeper(demo=False)
    assert keeper.ha1("1001", "MD5") == "1001 MD5"
    assert keeper.origin("1001") == Origin("account", "1001", "default")
