import pytest

from softswitch.features.bans.model import ALLOWED, SECONDS, Docket, ban, network_of
from softswitch.kernel.offence import Offence

HERE, THERE = "198.51.100.7", "198.51.100.8"


def stranger() -> bool:
    return False


def friend() -> bool:
    return True


def offences_until_banned(docket: Docket, offence: Offence, *, good: bool, most: int = 2000) -> int | None:
    for number in range(1, most + 1):
        if docket.count(HERE, offence, 0.0, lambda: good):
            return number
    return None


def test_a_phone_with_an_old_password_is_let_try_and_one_who_guesses_is_not() -> None:
    docket = Docket()
    assert offences_until_banned(docket, Offence.PASSWORD, good=False) == 31
    assert not docket.count(THERE, Offence.PASSWORD, 0.0, stranger)
    # One try in thirty seconds, for a day.
    docket = Docket()
    assert not any(docket.count(HERE, Offence.PASSWORD, at * 30.0, stranger) for at in range(2880))


def test_where_phones_have_registered_more_may_go_wrong() -> None:
    assert offences_until_banned(Docket(), Offence.PASSWORD, good=True) == 151


@pytest.mark.parametrize("offence", [Offence.AGENT, Offence.FLOOD, Offence.MALFORMED])
def test_what_can_be_forged_bans_strangers_and_nobody_who_is_good(offence: Offence) -> None:
    assert offences_until_banned(Docket(), offence, good=False) == ALLOWED[offence].strangers + 1
    assert offences_until_banned(Docket(), offence, good=True) is None


def test_a_loopback_address_cannot_be_forged_so_its_scanner_is_banned_even_beside_good_phones() -> None:
    assert Docket().count("127.0.0.1", Offence.AGENT, 0.0, friend)
    assert Docket().count("::/64", Offence.AGENT, 0.0, stranger)


def test_a_hundred_phones_behind_one_address_may_all_ask_before_the_first_has_proved_itself() -> None:
    docket = Docket()
    assert not any(docket.asked(HERE, str(1000 + phone), 0.0, stranger) for phone in range(100))
    for phone in range(100):
        docket.proved(HERE, str(1000 + phone), 1.0)
    # And all of them again, when their nonces have run out.
    assert not any(docket.asked(HERE, str(1000 + phone), 2.0, stranger) for phone in range(100))
    # Many may use names that are none, then, but not any number of them.
    assert docket.asked(HERE, "x", 3.0, stranger) is False


def test_one_who_tries_name_after_name_is_banned_whether_the_names_exist_or_not() -> None:
    docket = Docket()
    tried = [docket.asked(HERE, str(name), name * 0.01, stranger) for name in range(900)]
    assert tried.index(True) == 150


def test_one_phone_that_never_proves_itself_asks_in_one_name_only() -> None:
    docket = Docket()
    assert not any(docket.asked(HERE, "1001", at, stranger) for at in range(3000))


def test_bans_escalate_and_a_week_without_one_is_forgiven() -> None:
    at, before = 0, None
    lengths = []
    for _ in range(7):
        before = ban(HERE, Offence.PASSWORD, "", before, at)
        assert before.until is not None
        lengths.append((before.until - at) // 1000)
        at = before.until + 1000
    assert lengths == [*SECONDS, SECONDS[-1], SECONDS[-1]]
    assert before is not None
    much_later = at + 8 * 24 * 3600 * 1000
    assert ban(HERE, Offence.PASSWORD, "", before, much_later).times == 1


def test_a_source_is_an_ipv4_address_or_the_64_that_an_ipv6_host_chooses_from() -> None:
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"


def test_a_flood_of_made_up_sources_is_forgotten_again() -> None:
    docket = Docket()
    for number in range(25_000):
        docket.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", Offence.MALFORMED, 0.0, stranger)
    assert len(docket._sources) == 20_000
