"""Mandarin, as spoken on the mainland."""

from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal

from softswitch.kernel.spoken.language import Clip, Said, Unspeakable, clips, grouped, minor_units, signed, span

_CURRENCIES = {"CNY", "USD", "EUR", "GBP", "HKD", "TWD", "JPY", "KRW", "CHF", "CAD", "AUD", "INR"}
_WHOLE_ONLY = {"JPY", "KRW"}
# 一 is said 幺 (yāo) in telephone numbers, lest it be heard as 七.
_KEYS = {str(digit): f"number/{digit}" for digit in range(10)} | {"1": "word/yao", "*": "word/star", "#": "word/pound"}
_PERIODS = ((6, "early"), (12, "morning"), (13, "noon"), (18, "afternoon"), (24, "evening"))
"""The first hour that is no longer called so: 凌晨 上午 中午 下午 晚上."""


class Mandarin:
    """See `Grammar`."""

    def number(self, value: int | Decimal) -> Said:
        """See `Grammar`."""
        return signed(value, self._whole)

    def count(self, things: int) -> Said:
        """See `Grammar`: 两条, 十二条."""
        return clips("word/liang") if things == 2 else self.number(things)

    def digits(self, text: str) -> Said:
        """See `Grammar`."""
        return grouped(text, _KEYS)

    def ordinal(self, value: int) -> Said:
        """See `Grammar`: 第二, never 第两."""
        if not 1 <= value <= 99:
            raise Unspeakable("ordinal", f"{value} is not from 1 to 99")
        return clips("word/di", f"number/{value}")

    def date(self, day: date) -> Said:
        """See `Grammar`: the year digit by digit."""
        year = clips(*(f"number/{digit}" for digit in str(day.year)), "word/year")
        return year + clips(f"month/{day.month}", f"day/{day.day}", f"weekday/{day.isoweekday()}")

    def time(self, at: time) -> Said:
        """See `Grammar`: 下午两点零五分."""
        period = next(name for before, name in _PERIODS if at.hour < before)
        said = clips(f"period/{period}", f"hour/{at.hour % 12 or (12 if at.hour else 0)}")
        if at.minute == 0:
            return said + clips("word/sharp")
        zero = clips("word/ling") if at.minute < 10 else ()
        return said + zero + clips(f"number/{at.minute}", "word/minute-of-hour")

    def duration(self, seconds: int) -> Said:
        """See `Grammar`."""
        return span(seconds, self._counted)

    def money(self, amount: Decimal, currency: str) -> Said:
        """See `Grammar`: 十二元五角, 三元零五分; of other currencies the hundredths: 十二美元五十美分."""
        if currency not in _CURRENCIES:
            raise Unspeakable("currency", f"{currency!r} is not known; known are {', '.join(sorted(_CURRENCIES))}")
        whole, part = minor_units(amount, 0 if currency in _WHOLE_ONLY else 2, currency)
        unit = currency.lower()
        major = self._counted(whole, f"{unit}-major") if whole or not part else ()
        if currency != "CNY":
            return major + (self._counted(part, f"{unit}-minor") if part else ())
        jiao, fen = divmod(part, 10)
        said = major + (self._counted(jiao, "cny-jiao") if jiao else ())
        if fen:
            gap = clips("word/ling") if major and not jiao else ()
            said += gap + self._counted(fen, "cny-minor")
        return said

    def clips(self) -> Sequence[str]:
        """See `Grammar`."""
        units = ["second", "minute", "hour", "cny-jiao"]
        for currency in sorted(_CURRENCIES):
            units += [f"{currency.lower()}-major"] + ([] if currency in _WHOLE_ONLY else [f"{currency.lower()}-minor"])
        words = (
            "minus", "point", "plus", "star", "pound", "yao", "liang", "ling", "di", "hundred", "thousand",
            "ten-thousand", "hundred-million", "year", "sharp", "minute-of-hour",
        )  # fmt: skip
        return [
            *(f"number/{value}" for value in range(100)),
            *(f"inner/{value}" for value in range(10, 20)),
            *(f"month/{value}" for value in range(1, 13)),
            *(f"day/{value}" for value in range(1, 32)),
            *(f"weekday/{value}" for value in range(1, 8)),
            *(f"hour/{value}" for value in range(13)),
            *(f"period/{name}" for _, name in _PERIODS),
            *(f"unit/{unit}" for unit in units),
            *(f"word/{word}" for word in words),
        ]

    def _whole(self, value: int) -> Said:
        if value < 100:
            return clips(f"number/{value}")
        said: Said = ()
        gap = False
        for scale, word in ((100_000_000, "word/hundred-million"), (10_000, "word/ten-thousand"), (1, None)):
            some, value = divmod(value, scale)
            if not some:
                gap = bool(said)
                continue
            # 零 stands for the places that are skipped, once however many they are.
            if said and (gap or some < 1000):
                said += clips("word/ling")
            said += self._below_ten_thousand(some, first=not said) if some != 2 or word is None else clips("word/liang")
            if word is not None:
                said += clips(word)
            gap = False
        return said

    def _below_ten_thousand(self, value: int, *, first: bool) -> Said:
        said: Said = ()
        for scale, word in ((1000, "word/thousand"), (100, "word/hundred")):
            digit, value = divmod(value, scale)
            if digit:
                # 两 before 百, 千, 万 and 亿; 二 in all that is smaller.
                said += (Clip("word/liang" if digit == 2 else f"number/{digit}"), Clip(word))
            elif said and value and said[-1] == Clip("word/thousand"):
                said += clips("word/ling")
        if not value:
            return said
        if said and value < 10 and said[-1] != Clip("word/ling"):
            said += clips("word/ling")
        # 十五 alone, but 一百一十五.
        inner = 10 <= value < 20 and (said or not first)
        return said + clips(f"inner/{value}" if inner else f"number/{value}")

    def _counted(self, count: int, unit: str) -> Said:
        return (*self.count(count), Clip(f"unit/{unit}"))  # 两分钟, 两元
