"""English, as spoken in the United States."""

from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal

from softswitch.kernel.spoken.language import Clip, Said, Unspeakable, clips, grouped, minor_units, signed, span

_SCALES = ((1_000_000_000, "word/billion"), (1_000_000, "word/million"), (1000, "word/thousand"))
_CURRENCIES = {
    "USD": 2, "EUR": 2, "GBP": 2, "CNY": 2, "HKD": 2, "TWD": 2, "JPY": 0, "KRW": 0, "CHF": 2, "CAD": 2, "AUD": 2,
    "INR": 2,
}  # fmt: skip
"""How many decimal places each has (ISO 4217)."""
_KEYS = {str(digit): f"number/{digit}" for digit in range(10)} | {"*": "word/star", "#": "word/pound"}


class English:
    """See `Grammar`."""

    def number(self, value: int | Decimal) -> Said:
        """See `Grammar`."""
        return signed(value, self._whole)

    def count(self, things: int) -> Said:
        """See `Grammar`."""
        return self.number(things)

    def digits(self, text: str) -> Said:
        """See `Grammar`."""
        return grouped(text, _KEYS)

    def ordinal(self, value: int) -> Said:
        """See `Grammar`."""
        if not 1 <= value <= 99:
            raise Unspeakable("ordinal", f"{value} is not from 1 to 99")
        if value <= 31:
            return clips(f"ordinal/{value}")
        tens, ones = divmod(value, 10)
        return clips(f"number/{10 * tens}", f"ordinal/{ones}") if ones else clips(f"ordinal/{value}")

    def date(self, day: date) -> Said:
        """See `Grammar`."""
        return (
            *clips(f"weekday/{day.isoweekday()}", f"month/{day.month}", f"ordinal/{day.day}"),
            *self._year(day.year),
        )

    def time(self, at: time) -> Said:
        """See `Grammar`."""
        hour = clips(f"number/{at.hour % 12 or 12}")
        half = clips("word/am" if at.hour < 12 else "word/pm")
        if at.minute == 0:
            return hour + half
        minute = clips("word/oh", f"number/{at.minute}") if at.minute < 10 else clips(f"number/{at.minute}")
        return hour + minute + half

    def duration(self, seconds: int) -> Said:
        """See `Grammar`."""
        return span(seconds, self._counted)

    def money(self, amount: Decimal, currency: str) -> Said:
        """See `Grammar`."""
        places = _CURRENCIES.get(currency)
        if places is None:
            raise Unspeakable("currency", f"{currency!r} is not known; known are {', '.join(sorted(_CURRENCIES))}")
        whole, part = minor_units(amount, places, currency)
        major = self._counted(whole, f"{currency.lower()}-major") if whole or not part else ()
        minor = self._counted(part, f"{currency.lower()}-minor") if part else ()
        return major + clips("word/and") + minor if major and minor else major or minor

    def clips(self) -> Sequence[str]:
        """See `Grammar`."""
        units = ["second", "minute", "hour"]
        for currency, places in _CURRENCIES.items():
            units += [f"{currency.lower()}-major"] + ([f"{currency.lower()}-minor"] if places else [])
        words = (
            "minus",
            "point",
            "plus",
            "star",
            "pound",
            "hundred",
            "thousand",
            "million",
            "billion",
            "and",
            "oh",
            "am",
            "pm",
        )
        return [
            *(f"number/{value}" for value in range(100)),
            *(f"ordinal/{value}" for value in (*range(1, 32), *range(40, 100, 10))),
            *(f"weekday/{value}" for value in range(1, 8)),
            *(f"month/{value}" for value in range(1, 13)),
            *(f"unit/{unit}-{count}" for unit in units for count in ("one", "many")),
            *(f"word/{word}" for word in words),
        ]  # fmt: skip

    def _whole(self, value: int) -> Said:
        if value == 0:
            return clips("number/0")
        said: Said = ()
        for scale, word in _SCALES:
            some, value = divmod(value, scale)
            if some:
                said += (*self._below_thousand(some), Clip(word))
        return said + self._below_thousand(value)

    def _below_thousand(self, value: int) -> Said:
        hundreds, rest = divmod(value, 100)
        said = clips(f"number/{hundreds}", "word/hundred") if hundreds else ()
        return said + (clips(f"number/{rest}") if rest else ())

    def _year(self, year: int) -> Said:
        century, rest = divmod(year, 100)
        if year < 1000 or year > 9999 or 2000 <= year < 2010 or (century % 10 == 0 and rest < 10):
            return self._whole(year)  # two thousand six
        if rest == 0:
            return clips(f"number/{century}", "word/hundred")
        if rest < 10:
            return clips(f"number/{century}", "word/oh", f"number/{rest}")
        return clips(f"number/{century}", f"number/{rest}")

    def _counted(self, count: int, unit: str) -> Said:
        return (*self._whole(count), Clip(f"unit/{unit}-{'one' if count == 1 else 'many'}"))
