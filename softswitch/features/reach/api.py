"""/api/v1/accounts/{number}/reach and /api/v1/callbacks."""

from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from softswitch.calls.redirect import Redirects
from softswitch.features.reach import store
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.reach.model import ReachRules
from softswitch.features.reach.service import Reach
from softswitch.kernel.errors import NotFound
from softswitch.platform.auth import Admin
from softswitch.platform.rest import ABSENT, Changes, Key, Moment, Page, Paging, Reading, Writing

Number = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9*#+][A-Za-z0-9*#+._-]*)?$", max_length=64)]
"""A number as it is dialled; empty: none."""
Seconds = Annotated[int, Field(ge=5, le=600)]


class ReachOut(BaseModel):
    """How an account is reached."""

    forward_always: str
    forward_busy: str
    forward_no_answer: str
    forward_offline: str
    no_answer_seconds: int | None
    do_not_disturb: bool
    call_waiting: bool
    reject_anonymous: bool
    speed_dials: dict[str, str]
    redirects: Redirects


class CallbackOut(BaseModel):
    """A callback that waits."""

    account: str
    """Who is rung first."""
    number: str
    """Whose line was engaged."""
    expires_at: Moment


class ReachChanges(Changes):
    forward_always: Number = ABSENT
    forward_busy: Number = Field(default=ABSENT, description="also while not disturbed")
    forward_no_answer: Number = ABSENT
    forward_offline: Number = Field(default=ABSENT, description="while no phone is registered or can be reached")
    no_answer_seconds: Seconds | None = Field(
        default=ABSENT, description="ringing before `forward_no_answer`; null: the account's `ring_seconds`"
    )
    do_not_disturb: bool = ABSENT
    call_waiting: bool = Field(default=ABSENT, description="whether a second call rings while one is up")
    reject_anonymous: bool = Field(default=ABSENT, description="whether callers who hide their number are refused")
    speed_dials: dict[str, Number] = Field(default=ABSENT, description="numbers by two digits; replaces all")
    redirects: Redirects = Field(
        default=ABSENT,
        description="what becomes of a call that a phone redirects (3xx): its number is dialled with this account's "
        "rights, the caller is told, or the call was not taken",
    )


def _show(rules: ReachRules) -> ReachOut:
    return ReachOut.model_validate(msgspec.to_builtins(rules))


def build_router(reach: Reach, callbacks: Callbacks) -> APIRouter:
    """The routes over everybody's rules and callbacks."""
    router = APIRouter(tags=["accounts"])

    @router.get("/accounts/{number}/reach")
    async def get_reach(number: Key, session: Reading) -> ReachOut:
        """How an account is reached: forwards, do not disturb, call waiting, speed dials."""
        if reach.accounts.account(number) is None:
            raise NotFound("account", number)
        return _show(await store.rules_of(session, number))

    @router.patch("/accounts/{number}/reach")
    async def change_reach(number: Key, body: ReachChanges, session: Writing, who: Admin) -> ReachOut:
        """Change what the body names."""
        return _show(await reach.change(session, number, body.named()))

    @router.get("/callbacks")
    async def list_callbacks(paging: Paging) -> Page[CallbackOut]:
        """Who waits to be called back when a line is free, oldest first."""
        after = paging.after(int) or 0
        rows = list(enumerate(callbacks, 1))[after : after + paging.limit + 1]
        return paging.page(
            rows, lambda row: row[0], lambda row: CallbackOut.model_validate(row[1], from_attributes=True)
        )

    @router.delete("/callbacks/{account}/{number}", status_code=204)
    async def delete_callback(account: Key, number: Key, who: Admin) -> None:
        """Forget one of them."""
        if not callbacks.withdraw(account, number):
            raise NotFound("callback", f"{account}/{number}")

    return router
