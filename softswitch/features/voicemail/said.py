"""What is said about boxes and messages."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from softswitch.engine.caller import Spoken
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.model.box import Box, Tally
from softswitch.features.voicemail.model.message import Message
from softswitch.kernel.sound import Silence, SoundFile, Tone
from softswitch.kernel.spoken import Rest, Unspeakable, grammar_of

BEEP = Tone(((1000.0, -13.0),), 400)
LARGEST_PLACE = 99
"""The last place in a row that is said."""


def greeting(box: Box, *, busy: bool, language: str) -> tuple[Spoken, ...]:
    """What a caller hears before the tone."""
    own = box.greeting(busy)
    if own is not None:
        return (SoundFile(own),)
    who: tuple[Spoken, ...]
    if box.greetings.get("name"):
        who = (SoundFile(box.greetings["name"]),)
    else:
        try:
            who = ("voicemail/person-at", grammar_of(language).digits(box.number))
        except Unspeakable:  # a name and no number
            who = ("voicemail/person-at",)
    return (*who, "voicemail/is-busy" if busy else "voicemail/is-absent", "voicemail/leave-message")


def inventory(tally: Tally, language: str) -> tuple[Spoken, ...]:
    """How much there is."""
    said: tuple[Spoken, ...] = ()
    for count, kind in ((tally.new, "new"), (tally.old, "old")):
        if count:
            amount = grammar_of(language).count(count)
            said += ("voicemail/and" if said else "voicemail/you-have", amount)
            said += (f"voicemail/{kind}-{'one' if count == 1 else 'many'}",)
    return said or ("voicemail/nothing",)


def envelope(message: Message, place: int, box: Box, boxes: Boxes, now: int, language: str) -> tuple[Spoken, ...]:
    """Which message it is, from whom, and of when. `place`: which in its folder, from 1 on."""
    grammar = grammar_of(language)
    said: tuple[Spoken, ...] = ("voicemail/urgent",) if message.urgent else ()
    if place <= LARGEST_PLACE:
        said += (grammar.ordinal(place), "voicemail/message", (Rest(250),))
    said += ("voicemail/from", *caller(message.from_number, boxes, language), (Rest(250),))
    zone = ZoneInfo(box.timezone)
    left, today = (datetime.fromtimestamp(at / 1000, zone) for at in (message.left_at, now))
    days = (today.date() - left.date()) // timedelta(days=1)
    day = "voicemail/today" if days == 0 else "voicemail/yesterday" if days == 1 else grammar.date(left.date())
    said += (day, grammar.time(left.time()))
    if message.forwarded_by:
        said += ((Rest(250),), "voicemail/forwarded-by", *caller(message.forwarded_by, boxes, language))
    if message.note:
        said += ((Rest(250),), "voicemail/cut-off")
    return said


def length(message: Message, language: str) -> tuple[Spoken, ...]:
    """How long it is."""
    return ("voicemail/length", grammar_of(language).duration(round(message.seconds)))


def sound(message: Message) -> tuple[Spoken, ...]:
    """The message itself, with what was said by who forwarded it."""
    comment = (SoundFile(message.comment), Silence(500)) if message.comment else ()
    return (Silence(300), *comment, SoundFile(message.file))


def caller(number: str, boxes: Boxes, language: str) -> tuple[Spoken, ...]:
    """Who somebody is: by the name that they have recorded, or the number."""
    box = boxes.find(number)
    if box is not None and box.greetings.get("name"):
        return (SoundFile(box.greetings["name"]),)
    try:
        return (grammar_of(language).digits(number),)
    except Unspeakable:
        return ("voicemail/unknown-caller",)
