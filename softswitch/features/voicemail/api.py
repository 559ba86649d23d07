"""/api/v1/voicemail and /api/v1/voicemail-lists."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from msgspec import structs
from starlette.requests import Request
from starlette.responses import FileResponse

from softswitch.features.voicemail.model.box import GREETING_SECONDS, Box, Greeting, List
from softswitch.features.voicemail.model.message import Folder, Message
from softswitch.features.voicemail.needs import Accounts, Reader
from softswitch.features.voicemail.service import Voicemail
from softswitch.features.voicemail.shapes import (
    BoxChanges,
    BoxOut,
    ForwardedTo,
    Forwarding,
    ListOut,
    ListSettings,
    MessageChanges,
    MessageOut,
    NewBox,
)
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.platform.audit import Audit
from softswitch.platform.auth import Admin, Identity, Operator
from softswitch.platform.rest import Key, Page, Paging

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("audio/wav", "audio/ogg", "audio/L16", "audio/PCMA", "audio/PCMU")
        },
    }
}


def build_router(voicemail: Voicemail, accounts: Accounts, read: Reader) -> APIRouter:
    """The routes. Who hears messages or greetings must be an operator, and may move, mark and forward them; who deletes
    messages or changes boxes, an administrator."""
    router = APIRouter(tags=["voicemail"])
    boxes = voicemail.boxes

    def show(box: Box) -> BoxOut:
        tally = voicemail.tally(box.number)
        return BoxOut.model_validate(
            {
                **structs.asdict(box),
                "has_pin": bool(box.pin),
                "greetings": sorted(box.greetings),
                **{name: getattr(tally, name) for name in ("new", "old", "urgent_new", "urgent_old", "seconds")},
                "locked": voicemail.doors.locked(box.number),
            }
        )

    # Boxes ------------------------------------------------------------------------------------------------------

    @router.get("/voicemail")
    async def list_boxes(paging: Paging) -> Page[BoxOut]:
        """Boxes and what is in them, by number."""
        after = paging.after(str)
        rows = [box for box in boxes.all if after is None or box.number > after][: paging.limit + 1]
        return paging.page(rows, lambda box: box.number, show)

    @router.post("/voicemail", status_code=201)
    async def create_box(body: NewBox, who: Admin) -> BoxOut:
        """Make a box."""
        values = body.model_dump(exclude={"pin"})
        if body.account is None:
            values["account"] = body.number if accounts.account(body.number) is not None else ""
        return show(await boxes.create(Box(**values), body.pin))

    @router.get("/voicemail/{number}")
    async def get_box(number: Key) -> BoxOut:
        """One box."""
        return show(boxes.box(number))

    @router.patch("/voicemail/{number}")
    async def change_box(number: Key, body: BoxChanges, who: Admin) -> BoxOut:
        """Change what the body names."""
        return show(await voicemail.set(number, body.named()))

    @router.delete("/voicemail/{number}", status_code=204)
    async def remove_box(number: Key, who: Admin) -> None:
        """Delete a box and all that is in it."""
        await voicemail.remove_box(number)

    @router.post("/voicemail/{number}/unlock", status_code=204)
    async def unlock(number: Key, who: Operator) -> None:
        """Forget wrong PINs."""
        voicemail.doors.unlock(number)

    # Greetings --------------------------------------------------------------------------------------------------

    @router.get("/voicemail/{number}/greetings/{greeting}", response_class=FileResponse)
    async def get_greeting(number: Key, greeting: Greeting, who: Operator) -> FileResponse:
        """The sound of one."""
        file = boxes.box(number).greetings.get(greeting)
        if file is None:
            raise NotFound("greeting", greeting)
        return _file(voicemail, file)

    @router.put("/voicemail/{number}/greetings/{greeting}", openapi_extra=_BODY)
    async def put_greeting(number: Key, greeting: Greeting, request: Request, who: Admin) -> BoxOut:
        """Greet callers by a sound: a WAV file, or bare samples as their Content-Type says. `temporary` is heard in
        place of `busy` and `absent`; `name` in what the switch says itself."""
        boxes.box(number)
        data, kind = await request.body(), request.headers.get("Content-Type", "")
        sound = await asyncio.to_thread(read, data, kind)
        if sound.milliseconds > GREETING_SECONDS * 1000:
            raise Invalid("sound", f"a greeting may have {GREETING_SECONDS} s at the most")
        name = voicemail.greeting_file(number, greeting).removesuffix(".wav") + sound.suffix
        await voicemail.files.write(name, sound.content)
        await voicemail.set_greeting(number, greeting, name)
        return show(boxes.box(number))

    @router.delete("/voicemail/{number}/greetings/{greeting}", status_code=204)
    async def delete_greeting(number: Key, greeting: Greeting, who: Admin) -> None:
        """Let the switch greet callers itself again."""
        await voicemail.set_greeting(number, greeting, None)

    # Messages ---------------------------------------------------------------------------------------------------

    @router.get("/voicemail/{number}/messages")
    async def list_messages(
        number: Key,
        paging: Paging,
        who: Operator,
        folder: Annotated[Folder | None, Query(description="left out: all of them")] = None,
    ) -> Page[MessageOut]:
        """Messages, the oldest first."""
        boxes.box(number)
        after = paging.after(int, str)
        rows = [
            message
            for message in await voicemail.store.messages(number, folder)
            if after is None or (message.left_at, message.id) > after
        ]
        return paging.page(rows[: paging.limit + 1], lambda message: (message.left_at, message.id), _show)

    @router.get("/voicemail/{number}/messages/{message}")
    async def get_message(number: Key, message: Key, who: Operator) -> MessageOut:
        """One message."""
        return _show(await voicemail.message(number, message))

    @router.get("/voicemail/{number}/messages/{message}/sound", response_class=FileResponse)
    async def sound(
        number: Key,
        message: Key,
        who: Operator,
        request: Request,
        part: Annotated[
            Literal["message", "comment"], Query(description="`comment`: what who forwarded it said")
        ] = "message",
    ) -> FileResponse:
        """The sound. Who took it is noted in the audit log; the message is not thereby heard."""
        found = await voicemail.message(number, message)
        name = found.comment if part == "comment" else found.file
        if not name:
            raise NotFound("comment of voice message", message)
        answer = _file(voicemail, name)
        _note(request, who)
        return answer

    @router.patch("/voicemail/{number}/messages/{message}")
    async def change_message(number: Key, message: Key, body: MessageChanges, who: Operator) -> MessageOut:
        """Move it to a folder (`old`: it has been heard; `new`: it has not), or let it be urgent."""
        found = await voicemail.message(number, message)
        return _show(await voicemail.change(found, **body.named()))

    @router.post("/voicemail/{number}/messages/{message}/forward")
    async def forward(number: Key, message: Key, body: Forwarding, who: Operator) -> ForwardedTo:
        """Put a copy into another box, or the boxes of a list."""
        found = await voicemail.message(number, message)
        try:
            to = await voicemail.forward(found, body.to, boxes.box(number))
        except OSError as error:
            raise Conflict("no-copy", f"its sound cannot be copied: {error.strerror}") from error
        return ForwardedTo(boxes=[box.number for box in to])

    @router.delete("/voicemail/{number}/messages/{message}", status_code=204)
    async def delete_message(number: Key, message: Key, who: Admin) -> None:
        """Delete it and its sound."""
        await voicemail.delete([await voicemail.message(number, message)])

    # Lists ------------------------------------------------------------------------------------------------------

    @router.get("/voicemail-lists", tags=["voicemail"])
    async def list_lists(paging: Paging) -> Page[ListOut]:
        """Numbers whose messages go to several boxes."""
        after = paging.after(str)
        rows = [each for each in boxes.lists if after is None or each.number > after][: paging.limit + 1]
        return paging.page(rows, lambda each: each.number, _show_list)

    @router.get("/voicemail-lists/{number}")
    async def get_list(number: Key) -> ListOut:
        """One list."""
        found = boxes.find_list(number)
        if found is None:
            raise NotFound("voicemail list", number)
        return _show_list(found)

    @router.put("/voicemail-lists/{number}")
    async def put_list(number: Key, body: ListSettings, who: Admin) -> ListOut:
        """Make a list, or let it be another."""
        return _show_list(await boxes.set_list(List(number=number, name=body.name, boxes=tuple(body.boxes))))

    @router.delete("/voicemail-lists/{number}", status_code=204)
    async def delete_list(number: Key, who: Admin) -> None:
        """Delete a list; the messages that have come by it stay where they are."""
        await boxes.remove_list(number)

    return router


def _show(message: Message) -> MessageOut:
    values = structs.asdict(message)
    return MessageOut.model_validate({**values, "comment": bool(message.comment)})


def _show_list(each: List) -> ListOut:
    return ListOut(number=each.number, name=each.name, boxes=list(each.boxes))


def _file(voicemail: Voicemail, name: str) -> FileResponse:
    path = voicemail.files.path(name)
    if not path.is_file():
        raise NotFound("sound file", name)
    kind = "audio/ogg" if path.suffix == ".opus" else "audio/wav"
    return FileResponse(path, media_type=kind, filename=path.name)


def _note(request: Request, who: Identity) -> None:
    audit: Audit | None = request.app.state.audit
    if audit is not None:
        source = request.client.host if request.client else ""
        audit.note(who=who.name, source=source, action=f"GET {request.url.path}", status=200)
