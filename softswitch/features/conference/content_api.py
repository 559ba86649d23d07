"""What is shown in meetings beside faces: documents and cameras, under /api/v1/conferences."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from softswitch.features.conference.needs import Pictures
from softswitch.features.conference.service import Conferences
from softswitch.features.conference.shapes import CameraUrl
from softswitch.kernel.errors import Conflict, Unavailable
from softswitch.kernel.ids import MixId
from softswitch.platform.auth import Operator
from softswitch.platform.rest import Input, Key

_DOCUMENT = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {}} for kind in ("application/pdf", "image/png", "image/jpeg")},
    }
}


class DocumentOut(BaseModel):
    """A document that is shown."""

    page: int
    pages: int


class PageIn(Input):
    """Another page."""

    page: int = Field(ge=1, le=1000)


class CameraIn(Input):
    """A camera."""

    url: CameraUrl
    sound: bool = Field(default=True, description="whether it is heard, too")


def build_content_router(conferences: Conferences) -> APIRouter:
    """The routes, for who may do something in a meeting."""
    router = APIRouter()

    def meeting(number: str) -> tuple[Pictures, MixId]:
        room = conferences.meeting(number)
        pictures = room.pictures
        if pictures is None:
            raise Unavailable("there are no pictures on this switch")
        if room.meeting.rules.pictures == "off":
            raise Conflict("no-pictures", f"the room {number} has no pictures")
        return pictures, room.mix

    def still(number: str, pictures: Pictures, mix: MixId) -> None:
        """The meeting may have ended meanwhile."""
        room = conferences.now(number)
        if room is None or room.mix != mix:
            pictures.end(mix)
            raise Conflict("no-meeting", f"the meeting of the room {number} has ended")

    @router.put("/{number}/meeting/document", openapi_extra=_DOCUMENT)
    async def present(
        number: Key,
        request: Request,
        who: Operator,
        page: Annotated[int, Query(ge=1, le=1000, description="which of its pages")] = 1,
    ) -> DocumentOut:
        """Show a page of a PDF, a PNG or a JPEG to all who see the meeting, instead of what was shown before."""
        pictures, mix = meeting(number)
        pages = await pictures.present(mix, await request.body(), page)
        still(number, pictures, mix)
        return DocumentOut(page=page, pages=pages)

    @router.patch("/{number}/meeting/document")
    async def turn(number: Key, body: PageIn, who: Operator) -> DocumentOut:
        """Show another page of it."""
        pictures, mix = meeting(number)
        return DocumentOut(page=body.page, pages=await pictures.turn(mix, body.page))

    @router.delete("/{number}/meeting/document", status_code=204)
    async def take_away(number: Key, who: Operator) -> None:
        """Show it no more."""
        pictures, mix = meeting(number)
        pictures.take_away(mix)

    @router.put("/{number}/meeting/cameras/{name}", status_code=204)
    async def add_camera(number: Key, name: Key, body: CameraIn, who: Operator) -> None:
        """Let a camera be one more member, under this name."""
        await conferences.add_camera(number, name, body.url, body.sound, f"api/{who.name}")

    @router.delete("/{number}/meeting/cameras/{name}", status_code=204)
    async def remove_camera(number: Key, name: Key, who: Operator) -> None:
        """Let it be a member no more."""
        conferences.remove_camera(number, name, f"api/{who.name}")

    return router
