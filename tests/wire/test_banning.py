"""Bans from outside: who is told, who is banned, and who is spared."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bare_phone import BarePhone
from tests.support.server import FEW_LEGS, Server, running


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("bans"), environment=FEW_LEGS) as server:
        yield server


def banned(switch: Server) -> dict[str, str]:
    """What is banned, and why."""
    return {ban["network"]: ban["reason"] for ban in switch.get("/api/v1/bans")["items"]}


def delete(switch: Server, path: str) -> int:
    request = urllib.request.Request(switch.url + path, method="DELETE", headers={"Authorization": "Bearer demo-admin"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return int(response.status)


def test_a_phone_with_an_old_password_is_told_each_time_and_not_banned(switch: Server) -> None:
    with BarePhone(switch.sip, "127.0.0.31") as phone:
        assert [phone.register("1001", "old") for _ in range(20)] == [401] * 20
        assert phone.register("1001", "demo-1001") == 200
    assert "127.0.0.31" not in banned(switch)


def test_one_who_guesses_passwords_is_banned_and_hears_nothing_more_until_the_ban_is_lifted(switch: Server) -> None:
    with BarePhone(switch.sip, "127.0.0.32", timeout=1.0) as guesser:
        answers = [guesser.register("1001", f"guess-{number}") for number in range(32)]
        assert answers[:30] == [401] * 30
        assert answers[-1] is None
        assert banned(switch)["127.0.0.32"] == "password"
        assert delete(switch, "/api/v1/bans/127.0.0.32") == 204
        assert guesser.register("1001", "demo-1001") == 200


def test_a_challenge_is_no_offence_however_often_it_is_given(switch: Server) -> None:
    with BarePhone(switch.sip, "127.0.0.33") as phone:
        assert {phone.ask("REGISTER", "1001")[0] for _ in range(100)} == {401}
    assert "127.0.0.33" not in banned(switch)


def test_a_hundred_phones_behind_one_address_register_all_at_once_and_again_and_again(switch: Server) -> None:
    users = [str(1001 + number % 20) for number in range(100)]
    phones = [BarePhone(switch.sip, "127.0.0.34", timeout=20.0) for _ in users]
    try:
        for _ in range(3):
            challenges = [phone.ask("REGISTER", user) for phone, user in zip(phones, users, strict=True)]
            assert {status for status, _ in challenges} == {401}
            for phone, user, (_, challenge) in zip(phones, users, challenges, strict=True):
                assert challenge is not None
                authorization = phone.prove(user, f"demo-{user}", challenge)
                # Five phones share an account, and an account has room for ten.
                assert phone.ask("REGISTER", user, authorization=authorization)[0] == 200
    finally:
        for phone in phones:
            with phone:
                pass
    assert "127.0.0.34" not in banned(switch)


def test_one_who_tries_name_after_name_learns_nothing_and_is_banned(switch: Server) -> None:
    with BarePhone(switch.sip, "127.0.0.35", timeout=1.0) as scanner:
        answers = [scanner.ask("REGISTER", str(number))[0] for number in range(900, 1100)]
    # 1001 to 1020 exist, and nothing tells them from the others.
    assert set(answers[:150]) == {401}
    assert answers[-1] is None
    assert banned(switch)["127.0.0.35"] == "names"


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"])
def test_a_user_that_there_is_and_one_that_there_is_not_get_the_same_answers(switch: Server, method: str) -> None:
    answers = []
    for user in ("1001", "nobody"):
        with BarePhone(switch.sip, "127.0.0.36") as phone:
            status, challenge = phone.ask(method, user)
            wrong = None
            if challenge is not None:
                proof = phone.prove(user, "wrong", challenge, method)
                wrong = phone.ask(method, user, authorization=proof)[0]
            answers.append((status, challenge is None, wrong))
    assert answers[0] == answers[1]


def test_what_cannot_be_read_is_answered_and_no_reason_to_ban_until_it_is_a_flood(switch: Server) -> None:
    with BarePhone(switch.sip, "127.0.0.37", timeout=1.0) as fool:
        for _ in range(100):
            fool.send(b"OPTIONS sip:x SIP/2.0\r\nrubbish\r\n\r\n")
        assert "127.0.0.37" not in banned(switch)
        for _ in range(250):
            fool.send(b"OPTIONS sip:x SIP/2.0\r\nrubbish\r\n\r\n")
        # What was read together with the last straw is still answered.
        answers = [fool.ask("OPTIONS", "x")[0] for _ in range(3)]
        assert answers[-1] is None
    assert banned(switch)["127.0.0.37"] == "malformed"


def test_bans_outlive_the_switch(tmp_path: Path) -> None:
    with running(tmp_path, environment=FEW_LEGS) as server, BarePhone(server.sip, "127.0.0.38", timeout=1.0) as scanner:
        assert scanner.ask("OPTIONS", "x", agent="Friendly-Scanner")[0] is None
        assert banned(server) == {"127.0.0.38": "agent"}
    with running(tmp_path, environment=FEW_LEGS) as server, BarePhone(server.sip, "127.0.0.38", timeout=1.0) as scanner:
        assert banned(server) == {"127.0.0.38": "agent"}
        assert scanner.ask("OPTIONS", "x")[0] is None


def test_a_load_test_meets_neither_limits_nor_bans(tmp_path: Path) -> None:
    with running(tmp_path, "--bench", environment=FEW_LEGS) as server, BarePhone(server.sip, "127.0.0.39") as phone:
        assert phone.ask("OPTIONS", "x", agent="friendly-scanner")[0] == 200
        assert {phone.register("1001", "wrong") for _ in range(40)} == {401}
        assert banned(server) == {}
