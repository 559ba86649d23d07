"""Calendars as values, and what they say of a moment. Pure."""

from softswitch.features.calendars.model.document import (
    WEEKDAYS,
    Calendar,
    Override,
    SpecialTime,
    checked,
    with_special,
    without_special,
)
from softswitch.features.calendars.model.timetable import Day, Timetable

__all__ = [
    "WEEKDAYS",
    "Calendar",
    "Day",
    "Override",
    "SpecialTime",
    "Timetable",
    "checked",
    "with_special",
    "without_special",
]
