"""What happens to a call to a calendar: it is opened or closed by hand."""

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.calendars.service import Calendars
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid, NotFound, Rejected
from softswitch.platform.database import Database


def calendar_app(calendars: Calendars, database: Database) -> CallApp:
    """Takes the calls for `calendar/NAME:open`, `:closed` and `:auto`, the first two perhaps with a number of hours
    behind another colon, and for `calendar/NAME`, which changes nothing. The caller is told how it is then. Who may
    dial such a code is the dial plan's to say."""

    async def set_calendar(caller: Caller, name: str) -> Destination | None:
        if caller.origin.kind != "account":
            raise Rejected(Cause.FACILITY_REJECTED, "only accounts set calendars")
        if caller.routed_as != caller.origin:
            # Else a forward to such a code would let everybody who calls set it.
            raise Rejected(
                Cause.FACILITY_REJECTED, f"{caller.routed_as.name} forwards to a code of {caller.origin.name}"
            )
        calendar, _, setting = name.partition(":")
        setting, _, hours = setting.partition(":")
        try:
            if setting:
                async with database.session() as session:
                    await calendars.by_code(session, calendar, setting, hours, caller.origin.name)
            timetable, now = calendars.timetable(calendar), caller.wall_ms()
        except NotFound as missing:
            raise Rejected(Cause.UNALLOCATED_NUMBER, str(missing)) from missing
        except Invalid as invalid:
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, str(invalid)) from invalid
        by_hand = timetable.override is not None and timetable.override.holds(now)
        await caller.play(
            "calendars/open" if timetable.opening(now).open else "calendars/closed",
            "calendars/by-hand" if by_hand else "calendars/by-hours",
        )
        return None

    return set_calendar
