"""Three kinds of wrong, kept apart: the peer's, the domain's refusals, and bugs (which are assertions)."""

from collections.abc import Sequence

from softswitch.kernel.cause import Cause


class SwitchError(Exception):
    """Anything this switch raises on purpose."""


class ProtocolError(SwitchError):
    """A protocol rule was broken."""


class LocalProtocolError(ProtocolError):
    """We asked for what cannot be said now (an answer to a call that ended, say)."""


class RemoteProtocolError(ProtocolError):
    """The peer said what it may not; `status_hint` is the SIP status that would tell it."""

    def __init__(self, reason: str, status_hint: int = 400) -> None:
        super().__init__(reason)
        self.status_hint = status_hint


class NotFound(SwitchError):
    """No such thing. `what` and `name` say which."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"there is no {what} {name!r}")
        self.what = what
        self.name = name


class Conflict(SwitchError):
    """What was asked contradicts what is. `error_id` is a stable word for programs."""

    def __init__(self, error_id: str, message: str) -> None:
        super().__init__(message)
        self.error_id = error_id


class Unavailable(SwitchError):
    """What was asked for cannot be had here, or not now: it is not installed, has too much to do, or took too long."""


class NotPermitted(SwitchError):
    """The asker may not."""


class Invalid(SwitchError):
    """A value that cannot be. `where` names the place: a field, or file:line; `more` are other such places and what is
    wrong there."""

    def __init__(self, where: str, message: str, *, more: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__("\n".join(f"{place}: {wrong}" for place, wrong in ((where, message), *more)))
        self.where = where
        self.message = message
        self.more = more


class Rejected(SwitchError):
    """A call that cannot go on, with the cause its parties are told, and the protocol's own `status` where a cause
    does not say enough."""

    def __init__(self, cause: Cause, message: str = "", status: int | None = None) -> None:
        super().__init__(message or cause.text)
        self.cause = cause
        self.status = status
