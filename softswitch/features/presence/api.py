"""/api/v1/presence and /api/v1/accounts/{number}/mwi."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from softswitch.features.presence.model import Privacy
from softswitch.features.presence.service import PresenceService
from softswitch.kernel.watching import Mailbox
from softswitch.platform.auth import Admin, Operator
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Writing

Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*#+][A-Za-z0-9*#+._-]{0,63}$")]
Circle = Literal["colleagues", "nobody"] | Annotated[list[Number], Field(max_length=200)]
"""`colleagues`: every account of the same context; `nobody`; or these accounts. One always sees oneself."""
Count = Annotated[int, Field(ge=0, le=9999)]


class CallOut(BaseModel):
    """A call of the account."""

    leg: str
    stage: Literal["trying", "early", "confirmed", "terminated"]
    direction: Literal["calling", "called"]
    number: str
    name: str


class PresenceOut(BaseModel):
    """Whether someone can be reached, and what they do."""

    account: str
    open: bool
    activities: list[str]
    note: str
    do_not_disturb: bool
    calls: list[CallOut]


class PrivacyOut(BaseModel):
    """Who may see an account."""

    state_for: Circle
    parties_for: Circle


class PrivacyChanges(Changes):
    state_for: Circle = Field(default=ABSENT, description="who may see presence and lamps")
    parties_for: Circle = Field(default=ABSENT, description="and of these, who may see with whom it talks")


class MailboxBody(Input):
    """How many voice messages wait."""

    new: Count
    old: Count = 0
    urgent_new: Count = 0
    urgent_old: Count = 0


class MailboxOut(BaseModel):
    """How many voice messages wait."""

    new: int
    old: int
    urgent_new: int
    urgent_old: int


def build_router(presence: PresenceService) -> APIRouter:
    """The routes over everybody's presence."""
    router = APIRouter()

    def show(mailbox: Mailbox) -> MailboxOut:
        return MailboxOut.model_validate(mailbox, from_attributes=True)

    @router.get("/presence/{account}", tags=["presence"])
    async def get_presence(account: Key) -> PresenceOut:
        """What the account's phones, calls and people say together."""
        presence.require(account)
        now, calls = presence.presence(account), presence.calls(account)
        return PresenceOut(
            account=account,
            open=now.open,
            activities=list(now.activities),
            note=now.note,
            do_not_disturb=now.do_not_disturb,
            calls=[
                CallOut.model_validate(
                    {
                        "leg": call.leg,
                        "stage": call.stage,
                        "direction": "calling" if call.calling else "called",
                        "number": call.other.number,
                        "name": call.other.name,
                    }
                )
                for call in calls
            ],
        )

    @router.get("/presence/{account}/privacy", tags=["presence"])
    async def get_privacy(account: Key) -> PrivacyOut:
        """Who may see the account."""
        presence.require(account)
        return PrivacyOut.model_validate(presence.privacy(account), from_attributes=True)

    @router.patch("/presence/{account}/privacy", tags=["presence"])
    async def change_privacy(account: Key, body: PrivacyChanges, session: Writing, who: Admin) -> PrivacyOut:
        """Change what the body names; phones that may not watch any more are told so."""
        presence.require(account)
        changed: Privacy = await presence.set_privacy(session, account, body.named())
        return PrivacyOut.model_validate(changed, from_attributes=True)

    @router.get("/accounts/{number}/mwi", tags=["accounts"])
    async def get_mailbox(number: Key) -> MailboxOut:
        """How many voice messages the account's phones show."""
        presence.require(number)
        return show(presence.mailbox(number))

    @router.put("/accounts/{number}/mwi", tags=["accounts"])
    async def put_mailbox(number: Key, body: MailboxBody, session: Writing, who: Operator) -> MailboxOut:
        """Let the account's phones show these counts: for a voice mail that is not this switch's own."""
        presence.require(number)
        mailbox = Mailbox(body.new, body.old, body.urgent_new, body.urgent_old)
        await presence.set_mailbox(session, number, mailbox)
        return show(mailbox)

    return router
