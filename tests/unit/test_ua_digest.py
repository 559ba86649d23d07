"""Digest authentication, against RFC 7616's own example and every way to be wrong."""

import pytest

from gateways.sip.ua.digest import Authenticator, Verdict, ha1_of, response_of
from gateways.sip.ua.digest_client import authorization, challenge_of

SECRETS = {
    ("1001", algorithm): ha1_of("1001", "softswitch", "demo-1001", algorithm) for algorithm in ("MD5", "SHA-256")
}
URI = "sip:192.0.2.1"


def authenticator(**more: object) -> Authenticator:
    return Authenticator(
        realm="softswitch",
        secret=b"s" * 32,
        ha1=lambda username, algorithm: SECRETS.get((username, algorithm)),
        **more,  # type: ignore[arg-type]
    )


def challenges(auth: Authenticator, now: float = 100.0, **more: bool) -> list[str]:
    return [value for _, value in auth.challenges(now, "0123456789abcdef", **more)]


def credentials(challenge: str, **more: object) -> str:
    given = {"username": "1001", "password": "demo-1001", "method": "REGISTER", "uri": URI, "cnonce": "c"} | more
    asked = challenge_of(challenge)
    assert asked is not None
    return authorization(asked, **given)  # type: ignore[arg-type]


def test_the_example_of_rfc_7616_comes_out() -> None:
    for algorithm, expected in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        ha1 = ha1_of("Mufasa", "http-auth@example.org", "Circle of Life", algorithm)
        nonce, cnonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
        assert response_of(ha1, algorithm, "GET", "/dir/index.html", nonce, ("00000001", cnonce)) == expected


@pytest.mark.parametrize("which", [0, 1])
def test_the_right_password_is_accepted_under_either_algorithm(which: int) -> None:
    auth = authenticator()
    offered = challenges(auth)
    assert ["SHA-256" in value for value in offered] == [True, False]
    given = credentials(offered[which])
    assert auth.check("REGISTER", URI, [given], 101.0) == (Verdict.ACCEPTED, "1001")


def test_a_digest_holds_for_the_user_and_the_host_that_were_signed() -> None:
    auth = authenticator()
    given = credentials(challenges(auth)[0], uri="sip:9196@192.0.2.1")

    assert auth.check("REGISTER", "sip:9196@192.0.2.1:5060;transport=tcp", [given], 101.0)[0] is Verdict.ACCEPTED
    for other in ("sip:9197@192.0.2.1", "sip:192.0.2.1", "sip:9196@198.51.100.9"):
        assert auth.check("REGISTER", other, [given], 101.0)[0] is Verdict.MALFORMED


def test_a_digest_over_the_uri_without_its_user_is_accepted_where_that_is_allowed() -> None:
    asked = "sip:9196@192.0.2.1"
    lax, strict = authenticator(user_left_out=True), authenticator()
    assert lax.check("REGISTER", asked, [credentials(challenges(lax)[0])], 101.0)[0] is Verdict.ACCEPTED
    assert strict.check("REGISTER", asked, [credentials(challenges(strict)[0])], 101.0)[0] is Verdict.MALFORMED
    elsewhere = credentials(challenges(lax)[0], uri="sip:198.51.100.9")
    assert lax.check("REGISTER", asked, [elsewhere], 101.0)[0] is Verdict.MALFORMED


@pytest.mark.parametrize("who", [{"password": "wrong"}, {"username": "9999"}, {"method": "INVITE"}])
def test_wrong_is_wrong_whatever_was_wrong(who: dict[str, str]) -> None:
    auth = authenticator()
    verdict, _ = auth.check("REGISTER", URI, [credentials(challenges(auth)[0], **who)], 101.0)
    assert verdict is Verdict.WRONG


def test_a_nonce_count_may_not_come_twice_and_must_rise() -> None:
    auth = authenticator()
    challenge = challenges(auth)[0]
    for count, verdict in ((1, Verdict.ACCEPTED), (1, Verdict.STALE), (3, Verdict.ACCEPTED), (2, Verdict.STALE)):
        assert auth.check("REGISTER", URI, [credentials(challenge, count=count)], 101.0)[0] is verdict


def test_an_old_nonce_and_one_of_another_process_are_stale() -> None:
    auth = authenticator(nonce_seconds=60.0)
    challenge = challenges(auth, 100.0)[0]
    assert auth.check("REGISTER", URI, [credentials(challenge)], 161.0)[0] is Verdict.STALE
    assert auth.check("REGISTER", URI, [credentials(challenge)], 99.0)[0] is Verdict.STALE
    forged = challenge.replace('nonce="', 'nonce="00')
    assert auth.check("REGISTER", URI, [credentials(forged)], 101.0)[0] is Verdict.STALE
    assert "stale=true" in challenges(auth, stale=True)[0]
    assert auth.check("REGISTER", URI, [credentials(challenge)], 130.0)[0] is Verdict.ACCEPTED


def test_a_stale_nonce_tells_nothing_to_who_does_not_know_the_password() -> None:
    auth = authenticator(nonce_seconds=60.0)
    given = credentials(challenges(auth)[0], password="wrong")
    assert auth.check("REGISTER", URI, [given], 500.0)[0] is Verdict.WRONG


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f'uri="{URI}"', 'uri="sip:elsewhere"'),
        ("algorithm=SHA-256", "algorithm=SHA-256-sess"),
        ("qop=auth", "qop=auth-int"),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=xyzxyzxy"),
        ('cnonce="c"', 'cnonce=""'),
        ('username="1001"', 'username=""'),
    ],
)
def test_credentials_that_lack_or_mix_what_they_must_have_are_malformed(old: str, new: str) -> None:
    auth = authenticator()
    given = credentials(challenges(auth)[0])
    assert old in given
    assert auth.check("REGISTER", URI, [given.replace(old, new)], 101.0)[0] is Verdict.MALFORMED


def test_credentials_for_another_realm_or_scheme_are_none_for_us() -> None:
    auth = authenticator()
    other = credentials(challenges(auth)[0].replace("softswitch", "elsewhere"))
    assert auth.check("REGISTER", URI, [], 101.0)[0] is Verdict.ABSENT
    assert auth.check("REGISTER", URI, [other, "Basic abc", "nonsense"], 101.0)[0] is Verdict.ABSENT
    both = [other, credentials(challenges(auth)[0])]
    assert auth.check("REGISTER", URI, both, 101.0)[0] is Verdict.ACCEPTED


def test_a_phone_without_qop_is_accepted_once_a_nonce() -> None:
    auth = authenticator()
    challenge = challenges(auth)[1].replace(', qop="auth"', "")
    given = credentials(challenge)
    assert "nc=" not in given
    assert auth.check("REGISTER", URI, [given], 101.0)[0] is Verdict.ACCEPTED
    assert auth.check("REGISTER", URI, [given], 101.0)[0] is Verdict.STALE


def test_memory_of_used_nonces_is_bounded_and_a_used_one_stays_used() -> None:
    auth = authenticator(capacity=10)
    used = []
    for number in range(15):
        ((_, challenge), _) = auth.challenges(100.0, f"{number:016x}")
        used.append(credentials(challenge))
        assert auth.check("REGISTER", URI, [used[-1]], 101.0)[0] is Verdict.ACCEPTED
    assert auth.check("REGISTER", URI, [used[8]], 101.0)[0] is Verdict.STALE
    assert len(auth._young) + len(auth._old) <= 20
