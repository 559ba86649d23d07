"""Public holidays by country and part of it, as the `holidays` library knows them; and, as in China, the days of a
weekend that are worked instead (it knows those that were announced when it was made; later ones are special times)."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

import holidays
from msgspec import Struct

LANGUAGE = "en_US"


class Year(Struct, frozen=True, gc=False):
    """What is out of the ordinary about a year's days."""

    closed: Mapping[date, str]
    """The public holidays with their names."""
    worked: frozenset[date]
    """Days of a weekend that are worked."""


NOTHING = Year({}, frozenset())


def why_unknown(country: str, subdivision: str) -> str | None:
    """Why there are no holidays for these, in words; None: there are, or none are asked for."""
    if not country:
        return f"there is no subdivision {subdivision!r} without a country" if subdivision else None
    known = holidays.list_supported_countries()
    if country not in known:
        return f"no holidays are known for {country!r}: name a country by ISO 3166, such as DE"
    if subdivision and subdivision not in known[country]:
        some = ", ".join(known[country]) or "none"
        return f"no subdivision {subdivision!r} of {country} is known: there are {some}"
    return None


@lru_cache(maxsize=2000)
def of_year(country: str, subdivision: str, year: int) -> Year:
    """The holidays of a year; what does not change is worked out once."""
    if not country:
        return NOTHING
    # A day may be named by the rules of the year beside it: New Year's Day that is kept on the Friday before, or a
    # Saturday in December that is worked for a day in January.
    years = (year - 1, year, year + 1)
    languages = holidays.country_holidays(country).supported_languages
    language = LANGUAGE if LANGUAGE in languages else None
    found = holidays.country_holidays(country, subdivision or None, years=years, expand=False, language=language)
    return Year(
        {day: name for day, name in found.items() if day.year == year},
        frozenset(day for day in found.weekend_workdays if day.year == year),
    )
