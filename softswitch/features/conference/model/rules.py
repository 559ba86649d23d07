"""What is set of a room."""

import hmac
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from softswitch.events.rooms import MemberRole, RoomMode
from softswitch.features.conference.model.camera_urls import checked_url
from softswitch.kernel.errors import Invalid

Kind = Literal["permanent", "scheduled", "instant"]
"""`permanent`: open at any time; `scheduled`: only for its meetings; `instant`: gone when nobody is there any more."""
Announce = Literal["none", "tone", "name"]
"""What is heard when somebody comes or goes."""
Layout = Literal["speaker", "1+7", "2x2", "3x3", "4x4", "5x5", "presenter", "adaptive"]
LAYOUTS: Sequence[Layout] = ("speaker", "1+7", "2x2", "3x3", "4x4", "5x5", "presenter", "adaptive")
Pictures = Literal["off", "switch", "compose"]
"""What members with video see: nothing; one of them; or all that the layout shows."""
MOST_MEMBERS = 1000
MOST_INVITED = 500
MOST_CAMERAS = 8


class Invitee(Struct, frozen=True, gc=False, kw_only=True):
    """Somebody who belongs to a room or a meeting."""

    number: str = ""
    """What is dialled by the room's dial plan context, or a destination such as `person/7001`; empty: it is not
    called."""
    name: str = ""
    role: MemberRole = "guest"
    email: str = ""
    confirm: bool = False
    """Whether who answers must press 1: for devices that a machine may answer."""

    @property
    def accounts(self) -> Sequence[str]:
        """By which number it is known when it comes by itself."""
        kind, _, name = self.number.partition("/")
        return (name,) if name and kind == "account" else (kind,) if kind and not name else ()


class Camera(Struct, frozen=True, gc=False, kw_only=True):
    """A camera that is a member of each meeting."""

    name: str
    url: str
    """`rtsp://USER:PASSWORD@HOST/PATH`."""
    sound: bool = True
    """Whether it is heard, too."""

    def __repr__(self) -> str:
        return f"Camera({self.name!r})"  # a password may stand in its URL


class Rules(Struct, frozen=True, kw_only=True):
    """A room."""

    number: str
    """What it is called by: `conference/NUMBER`."""
    title: str = ""
    kind: Kind = "permanent"
    pin: str = ""
    """Of guests, good at any time, also before a host has come; empty: they need none."""
    host_pin: str = ""
    """Of hosts; empty: only the members that are set as hosts are hosts."""
    lobby: bool = False
    """Whether guests wait with music until a host is there."""
    ends_with_host: bool = False
    """Whether the meeting is over when the last host goes."""
    announce: Announce = "tone"
    most: int = 100
    mode: RoomMode = "conference"
    muted_guests: bool = False
    """Whether guests are muted when they come."""
    record: bool = False
    """Whether each meeting is recorded from its first member on."""
    context: str = "default"
    """By which the dial plan routes the numbers that the room calls."""
    language: str = ""
    """What is said to all in; empty: as the switch is set."""
    members: tuple[Invitee, ...] = ()
    cameras: tuple[Camera, ...] = ()
    rings: bool = False
    """Whether the members are called as soon as a meeting begins."""
    attempts: int = 3
    """How often somebody is called who does not come."""
    retry_seconds: int = 30
    """From the end of an attempt to the next one."""
    ring_seconds: int = 45
    layout: Layout = "speaker"
    pictures: Pictures = "switch"
    clock: bool = False
    """Whether composed pictures show the time."""
    self_view: bool = True
    """Whether members see themselves in composed pictures. Without, each has a picture of its own to be encoded."""
    most_minutes: int = 0
    """How long a meeting may last; 0: without a limit."""
    music_alone: bool = False
    """Whether who is alone in it hears music."""
    counts: bool = False
    """Whether who comes is told how many are there."""
    keep_days: int = 0
    """How long its recordings are kept; 0: as the switch is set."""
    opens_minutes: int = 15
    """How long before its beginning one gets into a scheduled meeting."""


def checked(rules: Rules) -> Rules:
    """The same. Raises Invalid naming the field that cannot be."""
    for field, pin in (("pin", rules.pin), ("host_pin", rules.host_pin)):
        if pin and not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 12):
            raise Invalid(field, "a PIN has four to twelve digits")
    if rules.pin and rules.pin == rules.host_pin:
        raise Invalid("host_pin", "must not be the guests' PIN, or every guest would be a host")
    if rules.lobby and not rules.host_pin and all(member.role != "host" for member in rules.members):
        raise Invalid("lobby", "guests would wait for ever: there is no host PIN, and no member that is a host")
    if len(rules.members) > MOST_INVITED:
        raise Invalid("members", f"at most {MOST_INVITED}")
    if len(rules.cameras) > MOST_CAMERAS or len({each.name for each in rules.cameras}) < len(rules.cameras):
        raise Invalid("cameras", f"at most {MOST_CAMERAS}, each with a name of its own")
    for camera in rules.cameras:
        checked_url(camera.url)
    if not 2 <= rules.most <= MOST_MEMBERS:
        raise Invalid("most", f"from 2 to {MOST_MEMBERS}")
    return rules


def asks_pin(rules: Rules) -> bool:
    """Whether whoever comes is asked for a PIN. Where guests need none, a host says so by `#` and its PIN."""
    return bool(rules.pin)


def role_by_pin(rules: Rules, pin: str) -> MemberRole | None:
    """Who somebody is by the PIN that it has keyed in; None: nobody. Both are compared in full, so that the time that
    it takes tells nothing."""
    is_host = bool(rules.host_pin) and hmac.compare_digest(rules.host_pin, pin)
    is_guest = bool(rules.pin) and hmac.compare_digest(rules.pin, pin)
    return "host" if is_host else "guest" if is_guest else None


def role_of_account(rules: Rules, account: str) -> MemberRole | None:
    """Who an account is that has proved itself and is set as a member; None: it is none."""
    roles = [invitee.role for invitee in rules.members if account and account in invitee.accounts]
    return "host" if "host" in roles else "guest" if roles else None
