"""Presence documents: PIDF (RFC 3863) with the rich presence of RFC 4480 and the data model of RFC 4479."""

from gateways.sip.ua import markup
from softswitch.kernel.errors import RemoteProtocolError
from softswitch.kernel.watching import ACTIVITIES, Presence, Published

EVENT = "presence"
MIME = "application/pidf+xml"

_PIDF = "urn:ietf:params:xml:ns:pidf"
_MODEL = "urn:ietf:params:xml:ns:pidf:data-model"
_RICH = "urn:ietf:params:xml:ns:pidf:rpid"

MOST_NOTE = 200
"""Characters of a note that are kept."""


def write(presence: Presence, entity: str, account: str) -> bytes:
    """What watchers are told of an account."""
    basic = "open" if presence.open else "closed"
    activities = list(presence.activities)
    if presence.do_not_disturb and "busy" not in activities:
        # RFC 4480 has no word of its own for it; phones show `busy`, and the note says the rest.
        activities.append("busy")
    note = presence.note or ("Do not disturb" if presence.do_not_disturb else _in_words(activities))
    said = markup.text(note)
    doing = "".join(f"<rpid:{activity}/>" for activity in activities)
    # "Notes are for people"; some phones look for one in the tuple only, and some only at the root.
    note_element = f"<note>{said}</note>" if note else ""
    person_note = f"<dm:note>{said}</dm:note>" if note else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="{_PIDF}" xmlns:dm="{_MODEL}" xmlns:rpid="{_RICH}"'
        f" entity={markup.attribute(entity)}>"
        f'<tuple id="a{_name(account)}"><status><basic>{basic}</basic></status>'
        f"<contact>{markup.text(entity)}</contact>{note_element}</tuple>{note_element}"
        f'<dm:person id="p{_name(account)}"><rpid:activities>{doing or "<rpid:unknown/>"}</rpid:activities>'
        f"{person_note}</dm:person></presence>\n"
    ).encode()


def read(body: bytes) -> Published:
    """What a device publishes. Raises RemoteProtocolError for what is no PIDF."""
    root = markup.read(body)
    if root.name != f"{{{_PIDF}}}presence":
        raise RemoteProtocolError(f"a presence document begins with {root.name[:60]}")
    if not root.attributes.get("entity"):
        # Section 4.1.1: "The value of the 'entity' attribute is the 'pres' URL of the PRESENTITY": it must be there.
        raise RemoteProtocolError("the presence element has no entity")
    states: list[bool] = []
    note = root.says(f"{{{_PIDF}}}note")
    for part in root.all(f"{{{_PIDF}}}tuple"):
        if not part.attributes.get("id"):
            raise RemoteProtocolError("a tuple has no id")
        status = part.child(f"{{{_PIDF}}}status")
        if status is None:
            raise RemoteProtocolError("a tuple has no status")
        match status.says(f"{{{_PIDF}}}basic").lower():
            case "open":
                states.append(True)
            case "closed":
                states.append(False)
            case "":
                pass  # section 4.1.4: it may be left out
            case other:
                raise RemoteProtocolError(f"a basic status of {other[:20]!r}")
        note = note or part.says(f"{{{_PIDF}}}note")
    doing: list[str] = []
    # RFC 4480 puts activities into the person; before it they stood in the tuple, and some phones never moved.
    for holder in (*root.all(f"{{{_MODEL}}}person"), *root.all(f"{{{_PIDF}}}tuple")):
        found = holder.child(f"{{{_RICH}}}activities")
        for activity in found.children if found is not None else ():
            name = activity.name.removeprefix(f"{{{_RICH}}}")
            if name in ACTIVITIES and name != "unknown" and name not in doing:
                doing.append(name)
        note = note or holder.says(f"{{{_MODEL}}}note")
    return Published(any(states) if states else None, tuple(doing), note[:MOST_NOTE])


def _in_words(activities: list[str]) -> str:
    """For phones that show the note and nothing else."""
    return activities[0].replace("-", " ").capitalize() if activities else ""


def _name(account: str) -> str:
    """An account as part of an XML id."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in account)
