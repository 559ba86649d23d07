"""Dial by name: the first letters of a name on the keys, and the extension that goes with it."""

from softswitch.features.ivr.journey import Text
from softswitch.features.ivr.needs import Person
from softswitch.features.ivr.runtime import Flow
from softswitch.kernel.destination import Destination

MOST_OFFERED = 5


async def directory(flow: Flow) -> Destination | None:
    """Somebody's extension; None: back to whoever asked."""
    for _ in range(3):
        keys = await flow.collect("directory/spell", most=12, least=2, node="name")
        if keys is None:
            return None
        if keys.isdigit() and (extension := flow.person(keys, node="extension")) is not None:
            return await flow.transfer(f"account/{extension.number}", "directory/connecting", node="by-extension")
        found = flow.people(keys, node="search")
        if not found:
            await flow.play("directory/nobody", node="nobody")
        elif len(found) > MOST_OFFERED:
            await flow.play("directory/too-many", node="too-many")
        elif (chosen := await _chosen(flow, found)) is not None:
            return await flow.transfer(f"account/{chosen.number}", "directory/connecting", node="by-name")
    return None


async def _chosen(flow: Flow, people: list[Person]) -> Person | None:
    """Whom the caller wants of some, who are offered one after the other."""
    for person in people:
        key = await flow.menu(
            Text(person.name, person.name),
            "directory/extension",
            flow.say.digits(person.number),
            "directory/offer",
            keys="12*",
            tries=2,
            node="offer",
        )
        if key == "1":
            return person
        if key != "2":
            return None
    return None
