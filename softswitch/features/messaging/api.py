"""/api/v1/messages."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from softswitch.features.messaging import store
from softswitch.features.messaging.model import StoredMessage
from softswitch.features.messaging.service import Messaging
from softswitch.kernel.address import Party
from softswitch.kernel.errors import NotFound
from softswitch.kernel.messages import TextMessage
from softswitch.platform.auth import Operator
from softswitch.platform.rest import Input, Key, Moment, Page, Paging, Reading

State = Literal["waiting", "delivered", "expired", "refused"]
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*#+][A-Za-z0-9*#+._-]{0,63}$")]


class MessageOut(BaseModel):
    """A message and what became of it."""

    id: int
    from_: str = Field(serialization_alias="from")
    from_name: str
    to: str
    content_type: str
    text: str | None = Field(description="null: the content is no text")
    created_at: Moment
    expires_at: Moment
    state: State
    done_at: Moment | None


class NewMessage(Input):
    from_: Number = Field(alias="from", description="shown as the sender")
    to: Number = Field(description="an account")
    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    expires_seconds: Annotated[int, Field(ge=1, le=604_800)] = 604_800


def show(stored: StoredMessage) -> MessageOut:
    message = stored.message
    kind = message.content_type.partition(";")[0].strip().lower()
    textual = kind.startswith("text/") or kind == "message/cpim"
    return MessageOut.model_validate(
        {
            "id": stored.id,
            "from_": message.from_.number,
            "from_name": message.from_.name,
            "to": message.to,
            "content_type": message.content_type,
            "text": message.body.decode("utf-8", "replace") if textual else None,
            "created_at": stored.created_at,
            "expires_at": stored.expires_at,
            "state": stored.state,
            "done_at": stored.done_at,
        }
    )


def build_router(messaging: Messaging) -> APIRouter:
    """The routes over all messages."""
    router = APIRouter(prefix="/messages", tags=["messages"])

    @router.post("", status_code=202)
    async def send_message(body: NewMessage, who: Operator) -> MessageOut:
        """Send a text to an account; it is stored, and delivered as soon as a device can be reached."""
        message = TextMessage(Party(body.from_), body.to, "text/plain;charset=utf-8", body.text.encode())
        return show(await messaging.send(message, body.expires_seconds))

    @router.get("")
    async def list_messages(
        paging: Paging,
        session: Reading,
        who: Operator,
        account: Annotated[str | None, Query(max_length=64, description="from or to it")] = None,
        state: State | None = None,
    ) -> Page[MessageOut]:
        """Messages, the newest first. They are people's words: operators and administrators may read them."""
        rows = await store.page(session, account, state, paging.after(int), paging.limit + 1)
        return paging.page(rows, lambda stored: stored.id, show)

    @router.get("/{message_id}")
    async def get_message(message_id: Key, session: Reading, who: Operator) -> MessageOut:
        """One message."""
        found = await store.find(session, int(message_id)) if message_id.isascii() and message_id.isdigit() else None
        if found is None:
            raise NotFound("message", message_id)
        return show(found)

    return router
