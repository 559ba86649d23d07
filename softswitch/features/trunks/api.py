"""/api/v1/trunks."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from softswitch.features.trunks import store
from softswitch.features.trunks.service import Trunks, read_sources
from softswitch.features.trunks.tables import TrunkRow
from softswitch.platform.auth import Admin
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Name, Page, Paging, Reading, Writing

# A host name (RFC 952 as RFC 1123 relaxes it), an IPv4 address, or an IPv6 address without brackets.
Host = Annotated[
    str,
    StringConstraints(
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$", max_length=255
    ),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Transport = Literal["udp", "tcp"]
SourceList = Annotated[
    list[Annotated[str, StringConstraints(max_length=50)]],
    Field(max_length=100, description="addresses and networks whose calls are this trunk's"),
]
Strip = Annotated[int, Field(ge=0, le=32, description="leading digits left out of the number")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z*#+]*$", max_length=32)]
RingSeconds = Annotated[int, Field(ge=5, le=600)]
MediaPath = Literal["anchored", "bypass"]


class TrunkOut(BaseModel):
    """A link to another switch or a carrier."""

    name: str
    host: str
    port: int
    transport: str
    context: str
    sources: list[str]
    strip: int
    prefix: str
    media: str
    ring_seconds: int
    enabled: bool


class TrunkIn(Input):
    name: Name
    host: Host
    port: Port = 5060
    transport: Transport = "udp"
    context: Name = Field(default="default", description="the dial plan context of calls that come from it")
    sources: SourceList = Field(default_factory=list)
    strip: Strip = 0
    prefix: Prefix = ""
    media: MediaPath = Field(default="anchored", description="whether sound passes through this switch")
    ring_seconds: RingSeconds = 120
    enabled: bool = True


class TrunkChanges(Changes):
    host: Host = ABSENT
    port: Port = ABSENT
    transport: Transport = ABSENT
    context: Name = ABSENT
    sources: SourceList = ABSENT
    strip: Strip = ABSENT
    prefix: Prefix = ABSENT
    media: MediaPath = ABSENT
    ring_seconds: RingSeconds = ABSENT
    enabled: bool = ABSENT


def _show(row: TrunkRow) -> TrunkOut:
    fields = {name: getattr(row, name) for name in TrunkOut.model_fields}
    return TrunkOut(**fields | {"sources": read_sources(row.sources)})


def build_router(trunks: Trunks) -> APIRouter:
    """The routes over all trunks."""
    router = APIRouter(prefix="/trunks", tags=["trunks"])

    @router.get("")
    async def list_trunks(paging: Paging, session: Reading) -> Page[TrunkOut]:
        """Trunks by name."""
        rows = await store.page_of_trunks(session, paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda row: row.name, _show)

    @router.post("", status_code=201)
    async def create_trunk(body: TrunkIn, session: Writing, who: Admin) -> TrunkOut:
        """Add a trunk. Calls reach it once a rule of the dial plan names `trunk/NAME`."""
        return _show(await trunks.create(session, body.model_dump()))

    @router.get("/{name}")
    async def get_trunk(name: Key, session: Reading) -> TrunkOut:
        """One trunk."""
        return _show(await trunks.row(session, name))

    @router.patch("/{name}")
    async def change_trunk(name: Key, body: TrunkChanges, session: Writing, who: Admin) -> TrunkOut:
        """Change what the body names; calls under way stay as they are."""
        return _show(await trunks.change(session, name, body.named()))

    @router.delete("/{name}", status_code=204)
    async def delete_trunk(name: Key, session: Writing, who: Admin) -> None:
        """Delete a trunk; calls under way go on."""
        await trunks.remove(session, name)

    return router
