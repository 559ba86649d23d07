"""What happens to a call for a box, and to one that comes for its messages."""

from softswitch.engine.caller import Caller
from softswitch.feature import CallApp
from softswitch.features.voicemail.leaving import leave
from softswitch.features.voicemail.service import Voicemail
from softswitch.features.voicemail.visit import visit
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import NotFound, Rejected
from softswitch.platform.database import DatabaseUnavailable


def leave_app(voicemail: Voicemail) -> CallApp:
    """Takes the calls for `voicemail/NUMBER`, of a box or a list: the caller leaves a message."""

    async def take(caller: Caller, name: str) -> Destination | None:
        return await leave(caller, voicemail, name)

    return take


def visit_app(voicemail: Voicemail) -> CallApp:
    """Takes the calls for `mailbox` and `mailbox/NUMBER`: the caller comes for messages."""

    async def take(caller: Caller, name: str) -> Destination | None:
        try:
            return await visit(caller, voicemail, name)
        except (DatabaseUnavailable, NotFound) as error:  # NotFound: the box was deleted meanwhile
            raise Rejected(Cause.TEMPORARY_FAILURE, str(error)) from error

    return take
