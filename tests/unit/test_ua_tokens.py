import random

from gateways.sip.ua.tokens import Tokens


def test_tokens_are_sixteen_hexadecimal_digits_and_never_the_same() -> None:
    tokens = Tokens(random.Random(1).randbytes)
    made = [tokens.token() for _ in range(5_000)]
    assert len(set(made)) == len(made)
    assert all(len(token) == 16 and int(token, 16) >= 0 for token in made)


def test_the_same_source_makes_the_same_tokens() -> None:
    one, other = Tokens(random.Random(7).randbytes), Tokens(random.Random(7).randbytes)
    assert [one.token() for _ in range(9)] == [other.token() for _ in range(9)]


def test_a_number_between_two_limits_stays_between_them_and_reaches_both_halves() -> None:
    tokens = Tokens(random.Random(3).randbytes)
    numbers = [tokens.between(2.1, 4.0) for _ in range(500)]
    assert all(2.1 <= number <= 4.0 for number in numbers)
    assert min(numbers) < 2.4 < 3.7 < max(numbers)
