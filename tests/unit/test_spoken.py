from collections.abc import Callable
from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.kernel.spoken import LANGUAGES, Clip, Rest, Said, Unspeakable, grammar_of

EN, ZH = LANGUAGES["en"], LANGUAGES["zh"]
NUMBERS = st.integers(0, 999_999_999_999)


def words(said: Said) -> str:
    return " ".join(piece.name if isinstance(piece, Clip) else "," for piece in said)


def hanzi(said: Said) -> str:
    """Mandarin clips as they are written."""
    return "".join(_HANZI[piece.name] for piece in said if isinstance(piece, Clip))


_DIGITS = "零一二三四五六七八九"


def _below_hundred(value: int, *, alone: bool) -> str:
    tens, ones = divmod(value, 10)
    head = "" if tens == 0 else "十" if tens == 1 and alone else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones or not tens else "")


_HANZI = (
    {f"number/{value}": _below_hundred(value, alone=True) for value in range(100)}
    | {f"inner/{value}": _below_hundred(value, alone=False) for value in range(10, 20)}
    | {f"month/{value}": _below_hundred(value, alone=True) + "月" for value in range(1, 13)}
    | {f"day/{value}": _below_hundred(value, alone=True) + "日" for value in range(1, 32)}
    | {f"weekday/{value}": "星期" + "一二三四五六日"[value - 1] for value in range(1, 8)}
    | {f"hour/{value}": "两点" if value == 2 else _below_hundred(value, alone=True) + "点" for value in range(13)}
    | {
        "word/minus": "负", "word/point": "点", "word/yao": "幺", "word/liang": "两", "word/ling": "零",
        "word/di": "第",        "word/hundred": "百", "word/thousand": "千", "word/ten-thousand": "万",
        "word/hundred-million": "亿",
        "word/year": "年", "word/sharp": "整", "word/minute-of-hour": "分", "word/plus": "加", "period/early": "凌晨",
        "period/morning": "上午", "period/noon": "中午", "period/afternoon": "下午", "period/evening": "晚上",
        "unit/minute": "分钟", "unit/hour": "小时", "unit/second": "秒", "unit/cny-major": "元", "unit/cny-jiao": "角",
        "unit/cny-minor": "分", "unit/usd-major": "美元", "unit/usd-minor": "美分",
    }
)  # fmt: skip


def read_mandarin(text: str) -> int:
    """A Mandarin number, read by an algorithm of its own: section by section, place by place."""
    total = section = digit = 0
    for character in text:
        if character in "十百千":
            section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            digit = 0
        elif character in "万亿":
            total += (section + digit) * {"万": 10_000, "亿": 100_000_000}[character]
            section = digit = 0
        else:
            digit = 2 if character == "两" else _DIGITS.index(character)
    return total + section + digit


def read_english(said: Said) -> int:
    total = section = 0
    for piece in said:
        assert isinstance(piece, Clip)
        kind, _, name = piece.name.partition("/")
        if kind == "number":
            section += int(name)
        elif name == "hundred":
            section *= 100
        else:
            total += section * {"thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}[name]
            section = 0
    return total + section


@given(NUMBERS)
def test_an_english_number_is_read_back_as_itself(value: int) -> None:
    assert read_english(EN.number(value)) == value


@given(NUMBERS)
def test_a_mandarin_number_is_read_back_as_itself(value: int) -> None:
    assert read_mandarin(hanzi(ZH.number(value))) == value


@given(NUMBERS)
def test_mandarin_says_no_zero_twice_and_none_at_the_end(value: int) -> None:
    text = hanzi(ZH.number(value))
    assert "零零" not in text
    assert value == 0 or not text.endswith("零")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "零"), (2, "二"), (10, "十"), (12, "十二"), (20, "二十"), (105, "一百零五"),
        (110, "一百一十"), (115, "一百一十五"),        (200, "两百"), (222, "两百二十二"), (1005, "一千零五"),
        (1010, "一千零一十"), (1100, "一千一百"),
        (2000, "两千"),        (2002, "两千零二"), (10_000, "一万"), (20_003, "两万零三"),
        (100_005, "十万零五"), (150_000, "十五万"),
        (220_000, "二十二万"), (10_010, "一万零一十"), (120_000_000, "一亿两千万"), (100_010_000, "一亿零一万"),
        (100_000_001, "一亿零一"), (100_001_000, "一亿零一千"), (200_000_000, "两亿"),
    ],
)  # fmt: skip
def test_mandarin_numbers(value: int, text: str) -> None:
    assert hanzi(ZH.number(value)) == text


def test_how_many_there_are_of_something() -> None:
    assert [hanzi(ZH.count(things)) for things in (1, 2, 12, 22)] == ["一", "两", "十二", "二十二"]
    assert EN.count(2) == EN.number(2)


def test_signs_and_points() -> None:
    assert words(EN.number(Decimal("-3.05"))) == "word/minus number/3 word/point number/0 number/5"
    assert hanzi(ZH.number(Decimal("-2.5"))) == "负二点五"
    assert hanzi(ZH.number(Decimal("0.10"))) == "零点一零"


def test_telephone_numbers_are_said_in_groups() -> None:
    assert words(EN.digits("1001")) == "number/1 number/0 number/0 number/1"
    assert words(EN.digits("02165551234")) == (
        "number/0 number/2 number/1 , number/6 number/5 number/5 number/5 , number/1 number/2 number/3 number/4"
    )
    assert words(EN.digits("555-12#")) == "number/5 number/5 number/5 , number/1 number/2 word/pound"
    assert hanzi(ZH.digits("+86 110")) == "加八六幺幺零"


def test_days() -> None:
    assert words(EN.date(date(2026, 11, 26))) == "weekday/4 month/11 ordinal/26 number/20 number/26"
    assert hanzi(ZH.date(date(2026, 11, 26))) == "二零二六年十一月二十六日星期四"


@pytest.mark.parametrize(
    ("year", "said"),
    [
        (1999, "number/19 number/99"), (1905, "number/19 word/oh number/5"), (1900, "number/19 word/hundred"),
        (2000, "number/2 word/thousand"), (2006, "number/2 word/thousand number/6"), (2010, "number/20 number/10"),
        (2100, "number/21 word/hundred"), (3000, "number/3 word/thousand"),
    ],
)  # fmt: skip
def test_english_years(year: int, said: str) -> None:
    assert words(EN.date(date(year, 1, 1))).split(" ", 3)[3] == said


@pytest.mark.parametrize(
    ("at", "english", "mandarin"),
    [
        (time(0, 0), "number/12 word/am", "凌晨零点整"),
        (time(2, 5), "number/2 word/oh number/5 word/am", "凌晨两点零五分"),
        (time(12, 30), "number/12 number/30 word/pm", "中午十二点三十分"),
        (time(14, 2), "number/2 word/oh number/2 word/pm", "下午两点零二分"),
        (time(23, 59, 59), "number/11 number/59 word/pm", "晚上十一点五十九分"),
    ],
)
def test_times(at: time, english: str, mandarin: str) -> None:
    assert words(EN.time(at)) == english
    assert hanzi(ZH.time(at)) == mandarin


@pytest.mark.parametrize(
    ("seconds", "english", "mandarin"),
    [
        (0, "number/0 unit/second-many", "零秒"),
        (1, "number/1 unit/second-one", "一秒"),
        (60, "number/1 unit/minute-one", "一分钟"),
        (125, "number/2 unit/minute-many", "两分钟"),
        (3600, "number/1 unit/hour-one", "一小时"),
        (7320, "number/2 unit/hour-many number/2 unit/minute-many", "两小时两分钟"),
    ],
)
def test_spans(seconds: int, english: str, mandarin: str) -> None:
    assert words(EN.duration(seconds)) == english
    assert hanzi(ZH.duration(seconds)) == mandarin


@pytest.mark.parametrize(
    ("amount", "currency", "english", "mandarin"),
    [
        ("0", "USD", "number/0 unit/usd-major-many", "零美元"),
        ("1", "USD", "number/1 unit/usd-major-one", "一美元"),
        ("2.01", "USD", "number/2 unit/usd-major-many word/and number/1 unit/usd-minor-one", "两美元一美分"),
        ("12.50", "CNY", "number/12 unit/cny-major-many word/and number/50 unit/cny-minor-many", "十二元五角"),
        ("3.05", "CNY", "number/3 unit/cny-major-many word/and number/5 unit/cny-minor-many", "三元零五分"),
        ("0.52", "CNY", "number/52 unit/cny-minor-many", "五角两分"),
        ("2.22", "CNY", "number/2 unit/cny-major-many word/and number/22 unit/cny-minor-many", "两元两角两分"),
    ],
)
def test_amounts(amount: str, currency: str, english: str, mandarin: str) -> None:
    assert words(EN.money(Decimal(amount), currency)) == english
    assert hanzi(ZH.money(Decimal(amount), currency)) == mandarin


def test_places_in_a_row() -> None:
    assert words(EN.ordinal(3)) == "ordinal/3"
    assert words(EN.ordinal(42)) == "number/40 ordinal/2"
    assert words(EN.ordinal(50)) == "ordinal/50"
    assert hanzi(ZH.ordinal(2)) == "第二"


@pytest.mark.parametrize("language", LANGUAGES)
@given(data=st.data())
def test_nothing_is_said_that_no_clip_is_named_for(language: str, data: st.DataObject) -> None:
    grammar = LANGUAGES[language]
    named = set(grammar.clips())
    places = data.draw(st.sampled_from([0, 1, 2]))
    amount = Decimal(data.draw(NUMBERS)).scaleb(-2)
    said = [
        grammar.number(Decimal(data.draw(st.integers(-(10**9), 10**9))).scaleb(-places)),
        grammar.digits(data.draw(st.text("0123456789*#", min_size=1, max_size=20))),
        grammar.ordinal(data.draw(st.integers(1, 99))),
        grammar.date(data.draw(st.dates())),
        grammar.time(data.draw(st.times())),
        grammar.duration(data.draw(st.integers(0, 10**6))),
        grammar.money(amount, data.draw(st.sampled_from(["USD", "CNY", "EUR", "GBP"]))),
        grammar.money(Decimal(data.draw(NUMBERS)), data.draw(st.sampled_from(["JPY", "KRW"]))),
    ]
    for pieces in said:
        assert pieces
        assert {piece.name for piece in pieces if isinstance(piece, Clip)} <= named
        assert all(piece.milliseconds > 0 for piece in pieces if isinstance(piece, Rest))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_cannot_be_said_is_refused_by_name(language: str) -> None:
    grammar = LANGUAGES[language]
    refusals: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: grammar.number(10**12), "beyond"),
        (lambda: grammar.number(Decimal("NaN")), "no number"),
        (lambda: grammar.digits("12a"), "'a' in '12a'"),
        (lambda: grammar.digits(""), "digit by digit"),
        (lambda: grammar.ordinal(0), "from 1 to 99"),
        (lambda: grammar.duration(-1), "-1 seconds"),
        (lambda: grammar.money(Decimal("1.005"), "USD"), "1.005 USD"),
        (lambda: grammar.money(Decimal(-1), "USD"), "-1 USD"),
        (lambda: grammar.money(Decimal(1), "XXX"), "'XXX' is not known"),
        (lambda: grammar.money(Decimal("0.5"), "JPY"), "0.5 JPY"),
    )
    for refused, match in refusals:
        with pytest.raises(Unspeakable, match=match):
            refused()


def test_a_language_is_found_by_its_tag() -> None:
    assert grammar_of("zh-CN") is ZH
    assert grammar_of("EN-gb") is EN
    with pytest.raises(Unspeakable, match="'fr'; en and zh"):
        grammar_of("fr")
