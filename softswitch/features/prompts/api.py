"""Prompts over HTTP."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.requests import Request

from softswitch.features.prompts.model import LONGEST_NAME, MOST_LETTERS, Origin, Prompt
from softswitch.features.prompts.service import Library
from softswitch.platform.auth import Admin, Operator
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Moment, Page, Paging, moment

Language = Literal["en", "zh", "none"]

_TYPES = {".wav": "audio/wav", ".opus": "audio/ogg"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("audio/wav", "audio/ogg", "audio/L16", "audio/PCMA", "audio/PCMU")
        },
    }
}


class PromptOut(BaseModel):
    """A prompt in a language."""

    language: Language = Field(description="`none`: a sound without words")
    name: str
    text: str = Field(description="what it says; empty: nobody has written it down")
    seconds: float
    origin: Origin
    hides_shipped: bool = Field(description="whether one that ships is not heard because of this one")
    voice: str = Field(description="which voice has spoken it, if one did")
    by: str = Field(description="who made it")
    made_at: Moment | None = Field(description="null: it ships with the switch")
    bytes: int


class Spoken(Input):
    """A text to be spoken."""

    language: Language
    name: str = Field(max_length=LONGEST_NAME)
    text: str = Field(max_length=MOST_LETTERS)
    voice: str = Field(default="", max_length=64, description="empty: the language's usual one")


class TextChange(Changes):
    text: Annotated[str, Field(max_length=MOST_LETTERS)] = ABSENT


Name = Annotated[str, Path(max_length=200, description="with its slashes: `main/welcome`")]


def build_router(library: Library) -> APIRouter:
    """The routes. Who hears prompts must be an operator; who changes them, an administrator."""
    router = APIRouter(prefix="/prompts", tags=["prompts"])

    def show(prompt: Prompt) -> PromptOut:
        return PromptOut.model_validate(
            {
                **{name: getattr(prompt, name) for name in ("language", "name", "text", "origin", "voice", "by")},
                "seconds": prompt.milliseconds / 1000,
                "hides_shipped": library.hides_shipped(prompt),
                "made_at": moment(prompt.made_at or None),
                "bytes": prompt.size,
            }
        )

    @router.get("")
    async def list_(
        paging: Paging,
        who: Operator,
        language: Language | None = None,
        origin: Origin | None = None,
        under: Annotated[str, Query(max_length=LONGEST_NAME, description="names that begin so")] = "",
    ) -> Page[PromptOut]:
        """What is heard, by language and name: one's own prompts, and those that ship and are not hidden by them."""
        after = paging.after(str, str)
        asked = [
            prompt
            for prompt in library.all()
            if (language is None or prompt.language == language)
            and (origin is None or prompt.origin == origin)
            and prompt.name.startswith(under)
            and (after is None or (prompt.language, prompt.name) > after)
        ]
        some = await library.measured(asked[: paging.limit + 1])
        return paging.page(some, lambda prompt: (prompt.language, prompt.name), show)

    @router.post("", status_code=201)
    async def synthesise(body: Spoken, who: Admin) -> PromptOut:
        """Have a text spoken, and keep it as a prompt, in the place of one of one's own that has the name."""
        return show(await library.speak(body.language, body.name, body.text, body.voice, who.name))

    @router.get("/{language}/{name:path}/sound", response_class=FileResponse)
    async def sound(language: Key, name: Name, who: Operator) -> FileResponse:
        """The file."""
        path = library.path(library.find(language, name))
        return FileResponse(path, media_type=_TYPES[path.suffix], filename=f"{name.replace('/', '-')}{path.suffix}")

    @router.get("/{language}/{name:path}")
    async def get(language: Key, name: Name, who: Operator) -> PromptOut:
        """One prompt, as it is heard."""
        (prompt,) = await library.measured([library.find(language, name)])
        return show(prompt)

    @router.put("/{language}/{name:path}", openapi_extra=_BODY)
    async def upload(
        language: Key,
        name: Name,
        request: Request,
        who: Admin,
        text: Annotated[
            str | None, Query(max_length=MOST_LETTERS, description="what it says; left out: what it said before")
        ] = None,
    ) -> PromptOut:
        """Keep a sound: a WAV or Ogg Opus file, or bare samples as their Content-Type says (`audio/L16;rate=16000`,
        `audio/PCMA`, `audio/PCMU`). Who is hearing the one before hears it to its end."""
        kind = request.headers.get("Content-Type", "")
        return show(await library.upload(language, name, await request.body(), kind, text, who.name))

    @router.patch("/{language}/{name:path}")
    async def change(language: Key, name: Name, body: TextChange, who: Admin) -> PromptOut:
        """Write down what one of one's own says."""
        text = body.named().get("text")
        if text is None:
            return show(library.find(language, name))
        return show(await library.set_text(language, name, text))

    @router.delete("/{language}/{name:path}", status_code=204)
    async def remove(language: Key, name: Name, who: Admin) -> None:
        """Forget one of one's own; one that ships is heard again."""
        await library.remove(language, name)

    return router
