"""What calendars say: of ordinary weeks, holidays, exceptions, and days on which clocks are changed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.features.calendars.model import (
    WEEKDAYS,
    Calendar,
    Override,
    SpecialTime,
    Timetable,
    checked,
    with_special,
    without_special,
)
from softswitch.features.calendars.model.timetable import HORIZON_DAYS
from softswitch.kernel.errors import Invalid, NotFound

OFFICE_HOURS = dict.fromkeys(WEEKDAYS[:5], ("09:00-12:00", "13:00-17:00"))
MINUTE = 60_000


def office(timezone: str = "Europe/Berlin", **fields: Any) -> Timetable:
    hours: Mapping[str, tuple[str, ...]] = fields.pop("hours", OFFICE_HOURS)
    override = fields.pop("override", None)
    return Timetable(checked(Calendar(name="office", timezone=timezone, hours=hours, **fields)), override)


def at(text: str) -> int:
    """Wall milliseconds of a time with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def said(timetable: Timetable, text: str) -> tuple[bool, str]:
    opening = timetable.opening(at(text))
    return opening.open, opening.reason


@pytest.mark.parametrize(
    ("time", "open_", "reason"),
    [
        ("2026-11-27T08:59+01:00", False, "Fri 2026-11-27 08:59 in Europe/Berlin is outside its hours"),
        ("2026-11-27T09:00+01:00", True, "Fri 09:00-12:00"),
        ("2026-11-27T11:59:59+01:00", True, "Fri 09:00-12:00"),
        ("2026-11-27T12:00+01:00", False, "Fri 2026-11-27 12:00 in Europe/Berlin is outside its hours"),
        ("2026-11-27T12:00+00:00", True, "Fri 13:00-17:00"),
        ("2026-11-28T10:00+01:00", False, "Sat 2026-11-28 10:00 in Europe/Berlin is outside its hours"),
    ],
)
def test_a_week_has_hours_on_the_clock_of_its_place(time: str, open_: bool, reason: str) -> None:
    assert said(office(), time) == (open_, reason)


def test_what_runs_past_midnight_belongs_to_the_day_on_which_it_began() -> None:
    bar = office("UTC", hours={"fri": ("22:00-04:00",)}, special=(SpecialTime(name="shut", dates="2026-11-28"),))
    assert said(bar, "2026-11-28T03:59Z") == (True, "Fri 22:00-04:00")
    assert said(bar, "2026-11-28T04:00Z") == (False, "special time shut")
    assert said(bar, "2026-11-27T03:00Z")[0] is False
    assert bar.next_change(at("2026-11-27T22:00Z")) == at("2026-11-28T04:00Z")


def test_public_holidays_are_closed_where_they_are_kept() -> None:
    bavaria, berlin = office(country="DE", subdivision="BY"), office(country="DE", subdivision="BE")
    assert said(bavaria, "2027-01-06T10:00+01:00") == (False, "holiday: Epiphany")
    assert said(berlin, "2027-01-06T10:00+01:00") == (True, "Wed 09:00-12:00")


def test_days_that_are_worked_for_a_holiday_in_china_have_the_hours_of_a_workday() -> None:
    # The State Council's notice for 2026: Spring Festival from 15 to 23 February, worked on the 14th and the 28th.
    shop = office("Asia/Shanghai", country="CN")
    assert said(shop, "2026-02-17T10:00+08:00") == (False, "holiday: Chinese New Year (Spring Festival)")
    assert said(shop, "2026-02-20T10:00+08:00")[0] is False
    assert said(shop, "2026-02-14T10:00+08:00") == (True, "make-up workday like Mon, Sat 09:00-12:00")
    assert said(shop, "2026-02-28T15:00+08:00") == (True, "make-up workday like Mon, Sat 13:00-17:00")
    assert said(shop, "2026-02-21T10:00+08:00")[0] is False
    assert {date(2026, 1, 4), date(2026, 10, 10)} <= {
        day for day in (date(2026, 1, 1) + timedelta(n) for n in range(365)) if shop.day(day).kind == "make-up workday"
    }


def test_a_year_that_the_library_does_not_know_is_mended_by_hand() -> None:
    shop = office("Asia/Shanghai", country="CN").calendar
    shop = with_special(shop, SpecialTime(name="worked", dates="2027-02-20", open=True, like="fri", note="for the 9th"))
    shop = with_special(shop, SpecialTime(name="off", dates="2027-02-11/2027-02-12"))
    mended = Timetable(checked(shop))
    assert said(mended, "2027-02-20T10:00+08:00") == (
        True,
        "special time worked: for the 9th, like Fri, Sat 09:00-12:00",
    )
    assert said(mended, "2027-02-12T10:00+08:00") == (False, "special time off")
    back = Timetable(checked(without_special(mended.calendar, "worked")))
    assert said(back, "2027-02-20T10:00+08:00")[0] is False
    with pytest.raises(NotFound):
        without_special(back.calendar, "worked")


def test_of_what_holds_the_hand_comes_first_then_times_then_dates_then_holidays_then_hours() -> None:
    rules = {
        "country": "DE",
        "special": (
            SpecialTime(name="day", dates="2026-12-25", open=True, hours=("08:00-20:00",)),
            SpecialTime(name="later", dates="2026-12-25"),
            SpecialTime(name="party", start="2026-12-25T10:00", until="2026-12-25T11:00"),
        ),
    }
    shop = office("UTC", **rules)
    assert said(office("UTC", country="DE"), "2026-12-25T10:30Z") == (False, "holiday: Christmas Day")
    assert said(shop, "2026-12-25T09:30Z") == (True, "special time day, Fri 08:00-20:00")
    assert said(shop, "2026-12-25T10:30Z") == (False, "special time party")
    override = Override(open=True, by="1001", until=at("2026-12-25T10:45Z"))
    shop = office("UTC", override=override, **rules)
    assert said(shop, "2026-12-25T10:44Z") == (True, "override by 1001 until Fri 2026-12-25 10:45")
    assert said(shop, "2026-12-25T10:45Z") == (False, "special time party")
    assert shop.next_change(at("2026-12-25T10:30Z")) == at("2026-12-25T10:45Z")


# Days on which clocks are changed: Berlin goes from 02:00 to 03:00 on 2026-03-29, from 03:00 to 02:00 on 2026-10-25.


def test_an_hour_that_is_skipped_does_not_come() -> None:
    night = office(hours={"sun": ("02:15-02:45",)})
    assert not any(night.opening(at("2026-03-29T00:00Z") + n * MINUTE).open for n in range(180))
    assert night.next_change(at("2026-03-28T12:00Z")) == at("2026-04-05T00:15Z")


def test_an_hour_that_comes_twice_counts_twice() -> None:
    night = office(hours={"sun": ("02:15-02:45",)})
    changes, moment = [], at("2026-10-25T00:00+02:00")
    for _ in range(4):
        found = night.next_change(moment)
        assert found is not None
        moment = found
        changes.append(moment)
    assert changes == [
        at("2026-10-25T02:15+02:00"),
        at("2026-10-25T02:45+02:00"),
        at("2026-10-25T02:15+01:00"),
        at("2026-10-25T02:45+01:00"),
    ]


def test_clocks_that_jump_into_or_out_of_the_hours_change_the_state_at_the_jump() -> None:
    night = office(hours={"sun": ("02:30-03:30",)})
    assert night.next_change(at("2026-03-29T00:00+01:00")) == at("2026-03-29T03:00+02:00")
    assert night.next_change(at("2026-10-25T02:45+02:00")) == at("2026-10-25T02:00+01:00")


@pytest.mark.parametrize(
    ("start", "until", "began", "ended"),
    [
        # A start or an end that does not exist is where the clock jumps over it.
        ("2026-03-29T02:30", "2026-03-29T04:00", "2026-03-29T01:00Z", "2026-03-29T02:00Z"),
        ("2026-03-29T01:00", "2026-03-29T02:30", "2026-03-29T00:00Z", "2026-03-29T01:00Z"),
        # One that exists twice begins at the first and ends at the second.
        ("2026-10-25T02:30", "2026-10-25T04:00", "2026-10-25T00:30Z", "2026-10-25T03:00Z"),
        ("2026-10-25T01:00", "2026-10-25T02:30", "2026-10-24T23:00Z", "2026-10-25T01:30Z"),
        # With an offset there is no doubt.
        ("2026-10-25T02:30+01:00", "2026-10-25T03:30+01:00", "2026-10-25T01:30Z", "2026-10-25T02:30Z"),
    ],
)
def test_a_special_time_is_one_stretch_whatever_the_clocks_do(start: str, until: str, began: str, ended: str) -> None:
    shut = office(hours={}, special=(SpecialTime(name="open", start=start, until=until, open=True),))
    first = shut.next_change(at("2026-01-01T00:00Z"))
    assert first == at(began)
    assert shut.next_change(first) == at(ended)
    assert shut.next_change(at(ended)) is None


ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "America/Havana",  # at midnight
    "Asia/Beirut",
    "Africa/Casablanca",  # back for Ramadan
    "Pacific/Apia",  # has lost a day
    "Asia/Shanghai",
    "Asia/Kathmandu",
)
_minutes = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
_spans = st.lists(st.tuples(_minutes, _minutes).map("-".join), max_size=3).map(tuple)
_walls = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)).map(
    lambda time: time.replace(second=0, microsecond=0)
)


@st.composite
def calendars(draw: st.DrawFn) -> Timetable:
    special = []
    for number in range(draw(st.integers(0, 2))):
        start = draw(_walls)
        until = start + timedelta(minutes=draw(st.integers(61, 60 * 72)))
        special.append(
            SpecialTime(
                name=f"s{number}",
                start=start.isoformat(timespec="minutes"),
                until=until.isoformat(timespec="minutes"),
                open=draw(st.booleans()),
            )
        )
    for number in range(draw(st.integers(0, 2))):
        opens = draw(st.booleans())
        special.append(
            SpecialTime(
                name=f"d{number}",
                dates=draw(_walls).date().isoformat(),
                open=opens,
                hours=draw(_spans) if opens else (),
            )
        )
    return office(
        draw(st.sampled_from(ZONES)),
        hours={day: draw(_spans) for day in WEEKDAYS},
        country=draw(st.sampled_from(["", "DE", "CN"])),
        special=tuple(special),
    )


def _near_clock_changes(zone: str) -> list[int]:
    """Moments of two years at which a zone's clocks are changed."""
    tz, found = ZoneInfo(zone), []
    hour = at("2026-01-01T00:00Z")
    for _ in range(2 * 365 * 24):
        a, b = (datetime.fromtimestamp((hour + n * 3_600_000) / 1000, tz).utcoffset() for n in (0, 1))
        if a != b:
            found.append(hour)
        hour += 3_600_000
    return found


CLOCK_CHANGES = {zone: _near_clock_changes(zone) for zone in ZONES}


@settings(max_examples=150, deadline=None)
@given(calendars(), st.data())
def test_every_moment_has_one_state_and_the_next_change_is_the_first_one(
    timetable: Timetable, data: st.DataObject
) -> None:
    zone = timetable.calendar.timezone
    anywhere = st.integers(at("2026-01-01T00:00Z"), at("2027-11-30T00:00Z"))
    near = CLOCK_CHANGES[zone]
    moment = data.draw(
        st.one_of(anywhere, st.sampled_from(near).flatmap(lambda m: st.integers(m - 86_400_000, m + 7_200_000)))
        if near
        else anywhere
    )
    state = timetable.opening(moment)
    assert timetable.opening(moment) == state and state.reason
    change = timetable.next_change(moment)
    # Minute by minute, since nothing is finer than that: until the change the state is the same, and then the other.
    minute = moment - moment % MINUTE
    end = minute + 3 * 86_400_000
    first = next((m for m in range(minute + MINUTE, end, MINUTE) if timetable.opening(m).open is not state.open), None)
    if change is None or change >= end:
        assert first is None
    else:
        assert first == change
        assert timetable.opening(change - 1).open is state.open is not timetable.opening(change).open


@settings(max_examples=60, deadline=None)
@given(calendars(), st.integers(at("2026-01-01T00:00Z"), at("2027-10-01T00:00Z")))
def test_the_state_is_what_the_clock_on_the_wall_says(timetable: Timetable, moment: int) -> None:
    """Against an own reading of the rules, minute by minute of the local day before and the day itself."""
    calendar = timetable.calendar
    local = datetime.fromtimestamp(moment // 1000, UTC).astimezone(ZoneInfo(calendar.timezone)).replace(tzinfo=None)
    if any(special.start for special in calendar.special):
        return
    spans = []
    for day in (local.date() - timedelta(days=1), local.date()):
        for start, until in timetable.day(day).spans:
            midnight = datetime.combine(day, datetime.min.time())
            spans.append((midnight + timedelta(minutes=start), midnight + timedelta(minutes=until)))
    assert timetable.opening(moment).open is any(start <= local < until for start, until in spans)


def test_a_calendar_that_never_changes_says_so() -> None:
    assert office(hours={}).next_change(at("2026-01-01T00:00Z")) is None
    always = office(hours=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)))
    assert always.opening(at("2026-06-01T23:59:59Z")).open
    assert always.next_change(at("2026-01-01T00:00Z")) is None
    assert HORIZON_DAYS > 366


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"hours": {"monday": ("09:00-17:00",)}}, "hours"),
        ({"hours": {"mon": ("9-17",)}}, "hours.mon"),
        ({"hours": {"mon": ("09:00-25:00",)}}, "hours.mon"),
        ({"hours": {"mon": ("24:00-02:00",)}}, "hours.mon"),
        ({"hours": {"mon": ("09:60-10:00",)}}, "hours.mon"),
        ({"hours": {"mon": ("09:00-10:00",) * 21}}, "hours.mon"),
        ({"country": "XX"}, "country"),
        ({"subdivision": "BY"}, "country"),
        ({"country": "DE", "subdivision": "TX"}, "subdivision"),
        ({"make_up_like": "someday"}, "make_up_like"),
        ({"special": (SpecialTime(name="a"),)}, "special.a"),
        ({"special": (SpecialTime(name="a", dates="2026-12-24", start="2026-12-24T10:00"),)}, "special.a"),
        ({"special": (SpecialTime(name="a", dates="24.12.2026"),)}, "special.a.dates"),
        ({"special": (SpecialTime(name="a", dates="2026-12-24/2026-12-23"),)}, "special.a.dates"),
        ({"special": (SpecialTime(name="a", dates="0001-01-01"),)}, "special.a.dates"),
        ({"special": (SpecialTime(name="a", dates="2026-12-24", hours=("09:00-10:00",)),)}, "special.a.hours"),
        ({"special": (SpecialTime(name="a", dates="2026-12-24", open=True, like="some"),)}, "special.a.like"),
        (
            {"special": (SpecialTime(name="a", dates="2026-12-24", open=True, like="mon", hours=("09:00-10:00",)),)},
            "special.a.like",
        ),
        ({"special": (SpecialTime(name="a", start="2026-12-24T10:00"),)}, "special.a.until"),
        ({"special": (SpecialTime(name="a", start="2026-12-24", until="2026-12-25T10:00"),)}, "special.a.start"),
        ({"special": (SpecialTime(name="a", start="2026-12-24T10:00", until="2026-12-24T10:00"),)}, "special.a.until"),
        ({"special": (SpecialTime(name="a", dates="2026-12-24"),) * 2}, "special.a"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(fields: Mapping[str, Any], where: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(Calendar(**{"name": "office", "timezone": "UTC", **fields}))
    assert refused.value.where == where
