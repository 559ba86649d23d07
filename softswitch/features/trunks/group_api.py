"""/api/v1/trunk-groups."""

from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from softswitch.features.trunks import store
from softswitch.features.trunks.groups import Groups, rules_of
from softswitch.features.trunks.model import RETRY_ON
from softswitch.features.trunks.shapes import RetryOn
from softswitch.features.trunks.tables import TrunkGroupRow
from softswitch.platform.auth import Admin
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Name, Page, Paging, Reading, Writing


class MemberIn(Input):
    """One trunk of a group."""

    trunk: Name
    cost: Annotated[int, Field(ge=0, le=1_000_000, description="lower is tried first")] = 0
    weight: Annotated[int, Field(ge=0, le=65535, description="how often it comes first among those of its cost")] = 1


Members = Annotated[list[MemberIn], Field(min_length=1, max_length=100)]


class GroupOut(BaseModel):
    """Several trunks that a call may leave by."""

    name: str
    members: list[MemberIn]
    retry_on: list[int]


class GroupIn(Input):
    name: Name
    members: Members
    retry_on: RetryOn = Field(default_factory=lambda: list(RETRY_ON))


class GroupChanges(Changes):
    members: Members = ABSENT
    retry_on: RetryOn = ABSENT


def _show(row: TrunkGroupRow) -> GroupOut:
    return GroupOut(name=row.name, **msgspec.to_builtins(rules_of(row)))


def build_group_router(groups: Groups) -> APIRouter:
    """The routes over all groups."""
    router = APIRouter(prefix="/trunk-groups", tags=["trunks"])

    @router.get("")
    async def list_groups(paging: Paging, session: Reading) -> Page[GroupOut]:
        """Groups by name."""
        rows = await store.page_of_groups(session, paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda row: row.name, _show)

    @router.post("", status_code=201)
    async def create_group(body: GroupIn, session: Writing, who: Admin) -> GroupOut:
        """Add a group. Calls reach it once a rule of the dial plan names `trunk-group/NAME`."""
        values = body.model_dump()
        return _show(await groups.create(session, values.pop("name"), values))

    @router.get("/{name}")
    async def get_group(name: Key, session: Reading) -> GroupOut:
        """One group."""
        return _show(await groups.row(session, name))

    @router.patch("/{name}")
    async def change_group(name: Key, body: GroupChanges, session: Writing, who: Admin) -> GroupOut:
        """Change what the body names; calls under way stay as they are."""
        return _show(await groups.change(session, name, body.named()))

    @router.delete("/{name}", status_code=204)
    async def delete_group(name: Key, session: Writing, who: Admin) -> None:
        """Delete a group; its trunks stay."""
        await groups.remove(session, name)

    return router
