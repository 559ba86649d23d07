"""Conference rooms in a soak: members come, press keys and go, an operator orders this and that, removes members and
ends meetings; and the reckoning when all have gone."""

import random
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.bench.load import read_counters
from tests.interop.conftest import Admin
from tests.interop.sipp import Sipp
from tests.support.server import Server

ROOMS = ("86001", "86002", "86003")
"""Whose members hang up."""
CUT = ("86011", "86012")
"""Whose members are removed, or end with the meeting."""
RATE = 4
"""Members of each room a second."""
LINGER_SECONDS = 30.0


class Rooms:
    """Those of one switch."""

    def __init__(self, server: Server, folder: Path, chance: random.Random) -> None:
        self._admin = Admin(server)
        self._remote = f"{server.host}:{server.sip_port}"
        self._folder = folder
        self._chance = chance
        known = {room["number"] for room in self._admin.all("/conferences")}
        for number in (*ROOMS, *CUT):
            if number not in known:
                self._admin.post("/conferences", number=number, announce=chance.choice(("tone", "none")))
        if not known & set(ROOMS):
            rule = {"context": "guest", "name": "soak-rooms", "number": "860XX", "position": 1}
            self._admin.post("/routes", destination="conference/{number}", **rule)

    def live(self, seconds: int) -> list[str]:
        """A spell of it: gives what does not add up."""
        before = self._records()
        callers = {number: self._caller("uac_member", number, seconds, 1500) for number in ROOMS}
        callers |= {number: self._caller("uac_hung_up", number, seconds, 0) for number in CUT}
        orders = Counter[str]()
        give_up = time.monotonic() + seconds + LINGER_SECONDS  # noqa: TID251 - a load tool lives by the real clock
        while not all(caller.ended() for caller in callers.values()) and time.monotonic() < give_up:  # noqa: TID251
            orders[self._order()] += 1
            time.sleep(0.02)
        for caller in callers.values():
            caller.stop()
        print(f"  rooms: {dict(orders)}")
        return self._reckoning(before, callers)

    def close(self) -> None:
        self._admin.close()

    def _caller(self, scenario: str, number: str, seconds: int, talk_ms: int) -> Sipp:
        rate = ("-r", str(RATE), "-m", str(RATE * seconds), "-d", str(talk_ms))
        return Sipp(scenario, self._folder / number, self._remote, "-s", number, *rate, quiet=True)

    def _order(self) -> str:
        """Something that an operator wants, where it is still possible; gives what."""
        chance, number = self._chance, self._chance.choice((*ROOMS, *CUT))
        try:
            here = [each for each in self._admin.all(f"/conferences/{number}/members") if each["state"] == "in"]
            if not here:
                return "nobody"
            path = f"/conferences/{number}/members/{chance.choice(here)['member']}"
            if number in CUT and chance.random() < 0.8:
                self._admin.delete(path if chance.random() < 0.8 else f"/conferences/{number}/meeting")
                return "removed"
            member: dict[str, Any] = chance.choice(
                ({"muted": True}, {"muted": False}, {"deaf": True}, {"floor": True}, {"name": "王伟"}, {"role": "host"})
            )
            meeting: dict[str, Any] = chance.choice(
                ({"mode": "lecture"}, {"mode": "conference"}, {"guests_muted": True}, {"recording": "on"})
            )
            if chance.random() < 0.7:
                self._admin.patch(path, **member)
                return "member"
            self._admin.patch(f"/conferences/{number}/meeting", **meeting)
        except httpx.HTTPStatusError as error:
            if error.response.status_code not in (404, 409):
                raise
            return "gone"
        return "meeting"

    def _records(self) -> Counter[str]:
        numbers = {*ROOMS, *CUT}
        return Counter(
            record["to"]
            for record in self._admin.all("/cdrs")
            if record["to"] in numbers and record["disposition"] == "answered"
        )

    def _reckoning(self, before: Counter[str], callers: dict[str, Sipp]) -> list[str]:
        found = []
        wanted = before.copy()
        for number, caller in callers.items():
            counted = read_counters(caller.statistics)
            if counted.succeeded != counted.started:
                found.append(f"{counted.started - counted.succeeded} of {counted.started} members of {number} failed")
            wanted[number] += counted.started
        records = self._admin.eventually(self._records, lambda records: records.total() >= wanted.total())
        if records != wanted:
            found.append(f"records {dict(records - wanted)} too many, {dict(wanted - records)} missing")
        for number in callers:
            path = f"/conferences/{number}"
            room = self._admin.eventually(partial(self._admin.get, path), lambda room: room["meeting"] is None)
            if room["meeting"] is not None:
                found.append(f"the room {number} lives on: {room['meeting']}")
        return found
