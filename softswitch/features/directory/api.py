"""/api/v1/accounts."""

import asyncio
import ipaddress
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Body
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints

from softswitch.calls.codec_choice import rule_of
from softswitch.calls.leg_rules import LegRules
from softswitch.features.directory import store
from softswitch.features.directory.model import PASSWORD, NewAccount, parse_accounts
from softswitch.features.directory.service import Directory, new_password
from softswitch.features.directory.tables import AccountRow
from softswitch.platform.auth import Admin
from softswitch.platform.rest import (
    ABSENT,
    Changes,
    Input,
    Key,
    Line,
    Moment,
    Name,
    Number,
    Page,
    Paging,
    Reading,
    Writing,
)
from softswitch.platform.signalling_rest import Signalling

Password = Annotated[str, StringConstraints(pattern=f"^{PASSWORD.pattern}$")]
CallerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*#+._-]*$", max_length=64)]
RingSeconds = Annotated[int, Field(ge=5, le=600)]


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


Networks = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=64), AfterValidator(_network)], ...], Field(max_length=50)
]
Groups = Annotated[tuple[Name, ...], Field(max_length=20)]
Transports = Annotated[tuple[Literal["udp", "tcp", "tls", "ws", "wss"], ...], Field(max_length=5)]

SrtpPolicy = Literal["off", "optional", "preferred", "required"]


CodecList = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=40)], ...], Field(max_length=20), AfterValidator(rule_of)
]


def _words(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _read_rules(value: object) -> object:
    return msgspec.json.decode(value) if isinstance(value, str) else value


class AccountOut(BaseModel):
    """An account; its password cannot be read back."""

    number: str
    name: str
    enabled: bool
    context: str
    ring_seconds: int
    caller_id: str
    networks: Annotated[list[str], BeforeValidator(_words)]
    transports: Annotated[list[str], BeforeValidator(_words)]
    codecs: Annotated[list[str], BeforeValidator(_words)]
    in_call_codes: bool
    pickup_groups: Annotated[list[str], BeforeValidator(_words)]
    signalling: Annotated[Signalling, BeforeValidator(_read_rules)]
    srtp: SrtpPolicy
    video: bool
    created_at: Moment
    updated_at: Moment


class AccountIn(Input):
    number: Number
    password: Password | None = Field(default=None, description="left out: one is made, and shown in the answer")
    name: Line = ""
    enabled: bool = True
    context: Name = Field(default="default", description="the dial plan context its calls start in")
    ring_seconds: RingSeconds = 60
    caller_id: CallerId = Field(default="", description="the number shown to trunks; empty: its own")
    networks: Networks = Field(default=(), description="where its phones may be; empty: everywhere")
    transports: Transports = Field(default=(), description="how they may come: `tls` and `wss` for encrypted only")
    codecs: CodecList = Field(default=(), description="which codecs its phones are told of, best first; empty: no rule")
    in_call_codes: bool = Field(default=True, description="whether its keys mean something while it talks")
    pickup_groups: Groups = Field(default=(), description="whose phones it may answer, and who its own, by `*8`")
    signalling: Signalling = Signalling()
    srtp: SrtpPolicy = Field(
        default="off",
        description="encrypted sound: `off`; `optional` where a phone offers it; `preferred`: offered to its phones,"
        " and plain sound taken; `required`: no call without, and none over unencrypted signalling",
    )
    video: bool = Field(default=True, description="whether its phones may have video: who offers it, or is offered it")


class AccountChanges(Changes):
    password: Password = ABSENT
    name: Line = ABSENT
    enabled: bool = ABSENT
    context: Name = ABSENT
    ring_seconds: RingSeconds = ABSENT
    caller_id: CallerId = ABSENT
    networks: Networks = ABSENT
    transports: Transports = ABSENT
    codecs: CodecList = ABSENT
    in_call_codes: bool = ABSENT
    pickup_groups: Groups = ABSENT
    signalling: Signalling = Field(default=ABSENT, description="replaces all of it")
    srtp: SrtpPolicy = ABSENT
    video: bool = ABSENT


class AccountCreated(AccountOut):
    password: str | None = None
    """Where the switch made it: shown this once."""


class PasswordMade(BaseModel):
    number: str
    password: str
    """Shown this once."""


class Imported(BaseModel):
    created: int


def _show(row: AccountRow) -> AccountOut:
    return AccountOut.model_validate(row, from_attributes=True)


def _rules(said: Signalling) -> LegRules:
    return LegRules(**said.model_dump())


def build_router(directory: Directory) -> APIRouter:
    """The routes over one directory."""
    router = APIRouter(prefix="/accounts", tags=["accounts"])

    @router.get("")
    async def list_accounts(paging: Paging, session: Reading) -> Page[AccountOut]:
        """Accounts by number."""
        rows = await store.page_of_accounts(session, paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda row: row.number, _show)

    @router.post("", status_code=201, response_model_exclude_none=True)
    async def create_account(body: AccountIn, session: Writing, who: Admin) -> AccountCreated:
        """Make an account."""
        made = None if body.password else new_password()
        fields = body.model_dump() | {"password": body.password or made, "signalling": _rules(body.signalling)}
        new = NewAccount(**fields)
        await directory.create(session, [new])
        row = await directory.row(session, new.number)
        return AccountCreated(**_show(row).model_dump(), password=made)

    @router.post("/import")
    async def import_accounts(
        data: Annotated[bytes, Body(media_type="text/csv")], session: Writing, who: Admin
    ) -> Imported:
        """Make an account of each CSV line `number,password,name`; all of them, or none if one is bad."""
        accounts = await asyncio.to_thread(parse_accounts, "body", data)
        await directory.create(session, accounts)
        return Imported(created=len(accounts))

    @router.get("/{number}")
    async def get_account(number: Key, session: Reading) -> AccountOut:
        """One account."""
        return _show(await directory.row(session, number))

    @router.patch("/{number}")
    async def change_account(number: Key, body: AccountChanges, session: Writing, who: Admin) -> AccountOut:
        """Change what the body names."""
        changes = body.named()
        if "signalling" in changes:
            changes = changes | {"signalling": _rules(body.signalling)}
        return _show(await directory.change(session, number, changes))

    @router.post("/{number}/password")
    async def make_password(number: Key, session: Writing, who: Admin) -> PasswordMade:
        """Give an account a new password made by the switch."""
        password = new_password()
        await directory.change(session, number, {"password": password})
        return PasswordMade(number=number, password=password)

    @router.delete("/{number}", status_code=204)
    async def delete_account(number: Key, session: Writing, who: Admin) -> None:
        """Delete an account; its phones are forgotten."""
        await directory.remove(session, number)

    return router
