"""/api/v1/bans: who may not come in, and for how long."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, Field

from softswitch.features.bans.model import Ban
from softswitch.features.bans.service import Bans
from softswitch.platform.auth import Operator
from softswitch.platform.rest import Changes, Input, Line, Moment, Page, Paging, Writing, wall_ms

NetworkPath = Annotated[str, Path(max_length=64)]
NetworkText = Annotated[str, Field(max_length=64, examples=["192.0.2.7", "198.51.100.0/24"])]


class BanOut(BaseModel):
    """A network that nothing is read from."""

    network: str
    reason: str = Field(description="password, names, agent, flood, malformed, or manual")
    detail: str
    since: Moment
    until: Moment | None = Field(description="null: for ever")
    times: int
    by: str


class BanIn(Input):
    network: NetworkText
    until: AwareDatetime | None = Field(default=None, description="null: for ever")
    detail: Line = ""


class BanChanges(Changes):
    until: AwareDatetime | None


def _show(ban: Ban) -> BanOut:
    return BanOut.model_validate(ban, from_attributes=True)


def build_router(bans: Bans) -> APIRouter:
    """The routes over one list of bans."""
    router = APIRouter(prefix="/bans", tags=["bans"])

    @router.get("")
    async def list_bans(paging: Paging) -> Page[BanOut]:
        """Bans that hold, by network."""
        return paging.page(bans.page(paging.after(str), paging.limit + 1), lambda ban: ban.network, _show)

    @router.post("", status_code=201)
    async def add_ban(body: BanIn, session: Writing, who: Operator) -> BanOut:
        """Ban a network."""
        return _show(await bans.add(session, body.network, wall_ms(body.until), body.detail, who.name))

    @router.get("/{network:path}")
    async def get_ban(network: NetworkPath) -> BanOut:
        """One ban."""
        return _show(bans.one(network))

    @router.patch("/{network:path}")
    async def change_ban(network: NetworkPath, body: BanChanges, session: Writing, who: Operator) -> BanOut:
        """Let a ban end at another time."""
        return _show(await bans.change(session, network, wall_ms(body.until), who.name))

    @router.delete("/{network:path}", status_code=204)
    async def lift_ban(network: NetworkPath, session: Writing, who: Operator) -> None:
        """End a ban."""
        await bans.lift(session, network, who.name)

    return router
