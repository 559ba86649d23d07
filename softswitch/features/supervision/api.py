"""/api/v1/calls/{id}/supervise, /supervisions: who supervises whom; /supervisors: who may by dialling a code."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from softswitch.features.supervision.model import ACTS, Act, Mode, Order, Rights
from softswitch.features.supervision.needs import Supervision
from softswitch.features.supervision.service import Supervisors
from softswitch.kernel.ids import CallId, LegId
from softswitch.platform.auth import Admin, Supervisor
from softswitch.platform.rest import Input, Key, Name, Number, Page, Paging, Writing


class SuperviseAsked(Input):
    """Ring a supervisor's phones, and let who answers hear a call."""

    by: Number = Field(description="the supervisor's account, whose phones ring", examples=["1020"])
    mode: Act = Field(
        default="listen",
        description="`listen`: nobody hears the supervisor; `whisper`: the supervised party does; `barge`: all do; "
        "`take-over`: the supervisor takes the party's place",
    )
    leg: str | None = Field(
        default=None,
        max_length=80,
        description="the party that is supervised; left out: that of an account, and of two the one that was called",
    )
    auto_answer: bool = Field(default=False, description="ask the supervisor's phone to pick up by itself")


class SupervisorCall(BaseModel):
    """The supervisor's own call: by its id the supervision is found under `/supervisions` once it is answered."""

    call_id: str


class SupervisionOut(BaseModel):
    """One that is under way."""

    id: str = Field(description="the supervisor's own call")
    by: str = Field(description="the supervisor's account")
    ordered_by: str = Field(description="who ordered it over HTTP; empty: a code was dialled")
    mode: Mode
    call_id: str | None = Field(description="the call that the supervised party is in")
    leg: str
    account: str = Field(description="whose leg it is; empty: no account's")


class ModeWanted(Input):
    mode: Act


class RightsIn(Input):
    """Whom an account may supervise by dialling codes."""

    everybody: bool = Field(default=False, description="all accounts")
    accounts: list[Number] = Field(default=[], max_length=1000, description="these")
    groups: list[Name] = Field(default=[], max_length=100, description="and those in these pickup groups")
    acts: list[Act] = Field(default=list(ACTS), description="what it may do")


class RightsOut(RightsIn):
    account: str


def build_router(supervisors: Supervisors) -> APIRouter:
    """The routes. Who supervises must be a supervisor; who says who may by dialling, an administrator."""
    router = APIRouter(tags=["supervision"])

    @router.post("/calls/{call_id}/supervise", status_code=201)
    async def order(call_id: Key, body: SuperviseAsked, who: Supervisor) -> SupervisorCall:
        """Ring a supervisor's phones; who answers supervises a party of a live call until it hangs up, or the party
        does."""
        leg = None if body.leg is None else LegId(body.leg)
        own = supervisors.order(CallId(call_id), leg, body.by, body.mode, who.name, auto_answer=body.auto_answer)
        return SupervisorCall(call_id=own)

    @router.get("/supervisions")
    async def list_(paging: Paging, who: Supervisor) -> Page[SupervisionOut]:
        """Those that are under way."""
        after = paging.after(str)
        rows = [each for each in supervisors.all() if after is None or each[0] > after][: paging.limit + 1]
        return paging.page(rows, lambda row: row[0], lambda row: _show(*row))

    @router.patch("/supervisions/{own}", status_code=204)
    async def change(own: Key, body: ModeWanted, who: Supervisor) -> None:
        """Change who hears the supervisor, or let it take the party's place."""
        supervisors.change(CallId(own), body.mode, who.name)

    @router.delete("/supervisions/{own}", status_code=204)
    async def end(own: Key, who: Supervisor) -> None:
        """End one: the supervisor's call ends, the other goes on."""
        supervisors.stop(CallId(own))

    @router.get("/supervisors")
    async def list_rights(paging: Paging, who: Supervisor) -> Page[RightsOut]:
        """Who may supervise whom by dialling codes, by account."""
        after = paging.after(str)
        rows = [each for each in supervisors.all_rights() if after is None or each.account > after]
        return paging.page(rows[: paging.limit + 1], lambda rights: rights.account, _rights)

    @router.get("/supervisors/{account}")
    async def get_rights(account: Key, who: Supervisor) -> RightsOut:
        """Whom an account may supervise by dialling codes."""
        return _rights(supervisors.rights(account))

    @router.put("/supervisors/{account}")
    async def set_rights(account: Number, body: RightsIn, session: Writing, who: Admin) -> RightsOut:
        """Say whom an account may supervise by dialling codes, and how."""
        rights = Rights(
            account=account,
            everybody=body.everybody,
            accounts=tuple(dict.fromkeys(body.accounts)),
            groups=tuple(dict.fromkeys(body.groups)),
            acts=tuple(act for act in ACTS if act in body.acts),
        )
        await supervisors.set_rights(session, rights)
        return _rights(rights)

    @router.delete("/supervisors/{account}", status_code=204)
    async def remove_rights(account: Key, session: Writing, who: Admin) -> None:
        """An account may supervise nobody by dialling codes any more."""
        await supervisors.remove_rights(session, account)

    return router


def _show(own: CallId, order: Order, supervision: Supervision) -> SupervisionOut:
    return SupervisionOut(
        id=own,
        by=order.by,
        ordered_by=order.ordered_by,
        mode=supervision.mode,
        call_id=supervision.watched_in,
        leg=supervision.watches,
        account=supervision.watched_account,
    )


def _rights(rights: Rights) -> RightsOut:
    return RightsOut(
        account=rights.account,
        everybody=rights.everybody,
        accounts=list(rights.accounts),
        groups=list(rights.groups),
        acts=list(rights.acts),
    )
