"""/api/v1/persons."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from softswitch.features.persons.model import Device, Person
from softswitch.features.persons.service import Persons
from softswitch.kernel.errors import NotFound
from softswitch.platform.auth import Admin
from softswitch.platform.rest import ABSENT, Changes, Input, Key, Line, Name, Number, Page, Paging, Writing

MaybeName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$", max_length=64)]
MaybeNumber = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9*#+][A-Za-z0-9*#+._-]*)?$", max_length=64)]
Place = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_-]*/[^\x00-\x1f\x7f]*)?$", max_length=200)]
Callers = Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(max_length=1000)]
Strategy = Literal["simultaneous", "sequential", "cyclic"]
Skip = Literal["busy", "do-not-disturb", "away"]
Order = Annotated[int, Field(ge=1, le=100)]


class DeviceIn(Input):
    """Where a person can be rung: the phones of an account, or an outside number by a trunk."""

    account: MaybeNumber = Field(default="", description="whose phones; or `trunk` and `number`")
    trunk: MaybeName = ""
    number: MaybeNumber = Field(default="", description="as it is dialled through the trunk")
    enabled: bool = True
    order: Order | None = Field(default=None, description="lower ones ring first; null: behind all that are there")
    ring_seconds: int = Field(default=20, ge=3, le=300)
    delay_seconds: int = Field(default=0, ge=0, le=300, description="how long the others of its turn ring before it")
    confirm: bool | None = Field(default=None, description="whoever answers must press 1; null: outside numbers must")
    language: Literal["", "en", "zh"] = Field(default="", description="in which that is asked; empty: the caller's")
    while_open: MaybeName = Field(default="", description="it rings only while this calendar is open")
    while_closed: MaybeName = ""
    callers: Callers = Field(default=[], description="it rings only for these: `1001`, `+49*`, `anonymous`")
    not_callers: Callers = Field(default=[], description="it does not ring for these")
    skip_when: list[Skip] = Field(default=["do-not-disturb"], description="of its account", max_length=3)


class NamedDevice(DeviceIn):
    name: Name


class DeviceOut(BaseModel):
    name: str
    account: str
    trunk: str
    number: str
    enabled: bool
    order: int
    ring_seconds: int
    delay_seconds: int
    confirm: bool
    language: str
    while_open: str
    while_closed: str
    callers: list[str]
    not_callers: list[str]
    skip_when: list[str]


class PersonOut(BaseModel):
    """Somebody with one number."""

    number: str
    name: str
    owner: str
    strategy: str
    devices: list[DeviceOut]
    rounds: int
    seconds: int
    final: str
    final_number: str


class PersonIn(Input):
    number: Number
    name: Line = ""
    owner: MaybeNumber = Field(default="", description="the account whose codes set this, and whose rights calls have")
    strategy: Strategy = "simultaneous"
    devices: list[NamedDevice] = Field(default=[], max_length=20)
    rounds: int = Field(default=3, ge=1, le=20, description="of a cyclic person")
    seconds: int = Field(default=120, ge=5, le=600, description="how long the devices ring at most, all in all")
    final: Place = Field(default="", description="where a call goes that nobody took", examples=["voicemail/1001"])
    final_number: MaybeNumber = Field(default="", description="the same as a number, which the owner dials")


class PersonChanges(Changes):
    name: Line = ABSENT
    owner: MaybeNumber = ABSENT
    strategy: Strategy = ABSENT
    devices: list[NamedDevice] = Field(default=ABSENT, description="replaces all", max_length=20)
    rounds: int = Field(default=ABSENT, ge=1, le=20)
    seconds: int = Field(default=ABSENT, ge=5, le=600)
    final: Place = ABSENT
    final_number: MaybeNumber = ABSENT


def _show(person: Person) -> PersonOut:
    return PersonOut.model_validate(msgspec.to_builtins(person))


def _device(said: NamedDevice, behind: int) -> Device:
    """A device as said; `behind`: the order of the last that is there."""
    fields: dict[str, Any] = said.model_dump()
    if fields["order"] is None:
        fields["order"] = min(behind + 1, 100)
    if fields["confirm"] is None:
        fields["confirm"] = bool(said.trunk)
    return msgspec.convert(fields, Device)


def _devices(said: list[NamedDevice]) -> tuple[Device, ...]:
    devices: list[Device] = []
    for each in said:
        devices.append(_device(each, max((device.order for device in devices), default=0)))
    return tuple(devices)


def build_router(persons: Persons) -> APIRouter:
    """The routes over all persons."""
    router = APIRouter(prefix="/persons", tags=["persons"])

    def found(number: str) -> Person:
        person = persons.person(number)
        if person is None:
            raise NotFound("person", number)
        return person

    @router.get("")
    async def list_persons(paging: Paging) -> Page[PersonOut]:
        """People with one number, by that."""
        rows = persons.page(paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda row: row.number, _show)

    @router.post("", status_code=201)
    async def create_person(body: PersonIn, session: Writing, who: Admin) -> PersonOut:
        """Give somebody one number. The dial plan has to lead to `person/NUMBER`."""
        fields = body.model_dump() | {"devices": _devices(body.devices)}
        return _show(await persons.create(session, Person(**fields)))

    @router.get("/{number}")
    async def get_person(number: Key) -> PersonOut:
        """One person."""
        return _show(found(number))

    @router.patch("/{number}")
    async def change_person(number: Key, body: PersonChanges, session: Writing, who: Admin) -> PersonOut:
        """Change what the body names."""
        changes = body.named()
        if "devices" in changes:
            changes["devices"] = _devices(body.devices)
        return _show(await persons.change(session, number, changes))

    @router.delete("/{number}", status_code=204)
    async def delete_person(number: Key, session: Writing, who: Admin) -> None:
        """Delete somebody to whom no other's calls go on."""
        await persons.remove(session, number)

    @router.put("/{number}/devices/{device}")
    async def put_device(number: Key, device: Name, body: DeviceIn, session: Writing, who: Admin) -> PersonOut:
        """Add a device, or put it in the place of the one of this name."""
        others = [other for other in found(number).devices if other.name != device]
        said = NamedDevice(name=device, **body.model_dump())
        made = _device(said, max((other.order for other in others), default=0))
        return _show(await persons.put_device(session, number, made))

    @router.delete("/{number}/devices/{device}", status_code=204)
    async def delete_device(number: Key, device: Key, session: Writing, who: Admin) -> None:
        """Take a device away."""
        await persons.remove_device(session, number, device)

    return router
