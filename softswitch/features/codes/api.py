"""/api/v1/feature-codes: what people press and dial, and what comes of it."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from softswitch.calls.dialled_code import DialledCode
from softswitch.calls.in_call import WANTS_NUMBER, Action
from softswitch.features.codes.model import KEYS, NUMBER, InCallCode
from softswitch.features.codes.needs import DialledCodes
from softswitch.features.codes.service import Codes
from softswitch.kernel.errors import Invalid
from softswitch.platform.auth import Admin
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Line, Name, Page, Paging, Writing

IN_CALL = "in-call/"
"""What the ids of codes that are pressed in a call begin with; those of dialled ones begin with a context."""

Keys = Annotated[str, StringConstraints(pattern=f"^{KEYS.pattern}$")]
Digits = Annotated[str, StringConstraints(pattern=f"^{NUMBER.pattern}$")]


class FeatureCode(BaseModel):
    """One code."""

    id: str
    """`in-call/NAME`, or `CONTEXT/RULE` of the dial plan."""
    when: Literal["in-call", "dialled"]
    code: str
    followed_by: str = ""
    """Dialled ones: `.` a number, `!` perhaps one; `number` where one is pressed behind a code in a call."""
    does: str
    """The action, or the dial plan's destination."""
    number: str = ""
    """Where a transfer goes that wants no number."""
    enabled: bool
    outside: bool = False
    """Whether parties behind trunks may press it, too."""
    note: str


class NewCode(Input):
    """A code that is pressed in a call."""

    name: Name
    code: Keys
    does: Action
    number: Digits = Field(default="", description="where a transfer goes; empty: it is pressed behind the code")
    enabled: bool = True
    outside: bool = Field(default=False, description="parties behind trunks may press it, with their trunk's rights")
    note: Line = ""


class CodeChanges(Changes):
    code: str = Field(default=ABSENT, max_length=16)
    enabled: bool = ABSENT
    note: Line = ABSENT
    does: Action = Field(default=ABSENT, description="of a code that is pressed in a call")
    number: Digits = Field(default=ABSENT, description="of a code that is pressed in a call")
    outside: bool = Field(default=ABSENT, description="of a code that is pressed in a call")


def _pressed(code: InCallCode) -> FeatureCode:
    wants_number = not code.number and code.action in WANTS_NUMBER
    return FeatureCode(
        id=IN_CALL + code.name,
        when="in-call",
        code=code.keys,
        followed_by="number" if wants_number else "",
        does=code.action.value,
        number=code.number,
        enabled=code.enabled,
        outside=code.outside,
        note=code.note,
    )


def _dialled(code: DialledCode) -> FeatureCode:
    return FeatureCode(
        id=code.id,
        when="dialled",
        code=code.code,
        followed_by=code.followed_by,
        does=code.destination,
        enabled=code.enabled,
        note=code.note,
    )


def build_router(codes: Codes, dialled: DialledCodes) -> APIRouter:
    """The routes over all codes."""
    router = APIRouter(prefix="/feature-codes", tags=["feature codes"])

    @router.get("")
    async def list_codes(paging: Paging) -> Page[FeatureCode]:
        """Every code: those pressed in a call first, then those dialled, in the dial plan's order."""
        every = [*map(_pressed, codes.all.values()), *map(_dialled, dialled.codes())]
        rows = list(enumerate(every, 1))[paging.after(int) or 0 :][: paging.limit + 1]
        return paging.page(rows, lambda row: row[0], lambda row: row[1])

    @router.post("", status_code=201)
    async def create_code(body: NewCode, session: Writing, who: Admin) -> FeatureCode:
        """Add a code that is pressed in a call. Codes that are dialled are rules of the dial plan: `/routes`."""
        code = InCallCode(
            name=body.name,
            keys=body.code,
            action=body.does,
            number=body.number,
            enabled=body.enabled,
            outside=body.outside,
            note=body.note,
        )
        return _pressed(await codes.create(session, code))

    @router.patch("/{code_id:path}")
    async def change_code(code_id: Key, body: CodeChanges, session: Writing, who: Admin) -> FeatureCode:
        """Change what the body names. A change of a dialled code is a new version of the dial plan."""
        changes = body.named()
        if code_id.startswith(IN_CALL):
            named = {{"code": "keys", "does": "action"}.get(field, field): value for field, value in changes.items()}
            return _pressed(await codes.change(session, code_id.removeprefix(IN_CALL), named))
        for field in ("does", "number", "outside"):
            if field in changes:
                raise Invalid(field, "a dialled code has none: change the rule under /routes")
        return _dialled(await dialled.change_code(session, code_id, changes, who.name))

    @router.delete("/in-call/{name}", status_code=204)
    async def delete_code(name: Key, session: Writing, who: Admin) -> None:
        """Forget what was set of a code that is pressed in a call: one that is there anyway is as it was at first."""
        await codes.remove(session, name)

    return router
