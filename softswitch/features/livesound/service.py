"""Plays to the legs of live calls, and streams their sound."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from softswitch.events import (
    CallFact,
    CallOffered,
    LegArrived,
    LegDialed,
    LegEnded,
    LegMoved,
    StreamFinished,
    StreamStarted,
)
from softswitch.features.livesound.needs import Bus, LiveCalls, Player
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import Conflict, Invalid, NotFound
from softswitch.kernel.ids import CallId, LegId
from softswitch.kernel.sound import Sound
from softswitch.ports.media import Streamer

Direction = Literal["said", "heard", "mixed", "stereo"]
Playback = Literal["none", "over", "instead"]

LONGEST_URL = 2000
# Strict, so that nobody else reads another host out of it than is looked up here.
_URL = re.compile(
    r"ws://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?"
    r"(?P<path>/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*)?(\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?"
)


@dataclass
class Stream:
    """A stream that has not ended."""

    id: str
    number: int
    """At the gateway."""
    call: CallId
    leg: LegId
    url: str
    """Without what follows a `?`, which may be a secret."""
    rate: int
    direction: Direction
    play: Playback
    by: str
    started_at: int
    state: Literal["connecting", "open"] = "connecting"


class LiveSound:
    """`hosts`: the servers that sound may be sent to, `HOST` or `HOST:PORT`, in small letters."""

    def __init__(
        self, player: Player, streamer: Streamer, calls: LiveCalls, bus: Bus, clock: Clock, hosts: Sequence[str]
    ) -> None:
        self._player = player
        self._streamer = streamer
        self._calls = calls
        self._bus = bus
        self._clock = clock
        self._hosts = frozenset(hosts)
        self._live: dict[str, Stream] = {}
        self._count = 0

    def play(self, call: CallId, leg: LegId, sounds: Sequence[Sound], *, loop: bool) -> None:
        """Play to a party over what it hears, in place of what is played so already.

        Raises NotFound for a call, leg or prompt that there is not, and Conflict when its sound goes past us.
        """
        self._must_be_ours(call, leg)
        self._player.play_list(leg, sounds, loop=loop, over=True)

    def stop_play(self, call: CallId, leg: LegId) -> None:
        """End what is played over what the party hears. Raises as `play`."""
        self._must_be_ours(call, leg)
        # What is played in place of all else goes on, and whoever waits for its end is told.
        self._player.play_list(leg, [], over=True)

    def start(
        self, call: CallId, leg: LegId, by: str, *, url: str, rate: int, direction: Direction, play: Playback
    ) -> Stream:
        """Connect to a server for a leg.

        Raises Invalid for a server that is not allowed, NotFound for a call or leg that there is not, and Conflict when
        its sound goes past us.
        """
        shown = self._allowed(url)
        self._must_be_ours(call, leg)
        self._count += 1
        id = f"{leg}-s{self._count}"
        number = self._streamer.stream(
            leg,
            url,
            rate=rate,
            direction=direction,
            play=play,
            about=[("call", call), ("leg", leg), ("id", id)],
            opened=lambda: self._opened(id),
            ended=lambda lost_ms, reason: self._ended(id, lost_ms, reason),
        )
        now = self._clock.wall_ms()
        stream = self._live[id] = Stream(id, number, call, leg, shown, rate, direction, play, by, now)
        self._bus.publish(StreamStarted(at=now, call=call, leg=leg, stream=id, url=shown, play=play, by=by))
        return stream

    def stop(self, call: CallId, leg: LegId, id: str) -> None:
        """End a stream. Raises NotFound."""
        stream = self._live.get(id)
        if stream is None or (stream.call, stream.leg) != (call, leg):
            raise NotFound("stream", id)
        self._streamer.stop_stream(stream.number)

    def of(self, call: CallId) -> list[Stream]:
        """The streams of a live call, in the order of their beginnings. Raises NotFound."""
        if self._calls.facts(call) is None:
            raise NotFound("live call", call)
        return [stream for stream in self._live.values() if stream.call == call]

    def _opened(self, id: str) -> None:
        self._live[id].state = "open"

    def _ended(self, id: str, lost_ms: int, reason: str) -> None:
        stream = self._live.pop(id)
        self._bus.publish(
            StreamFinished(
                at=self._clock.wall_ms(),
                stream=id,
                of_call=stream.call,
                leg=stream.leg,
                lost_ms=lost_ms,
                reason=reason,
            )
        )

    def _must_be_ours(self, call: CallId, leg: LegId) -> None:
        facts = self._calls.facts(call)
        if facts is None:
            raise NotFound("live call", call)
        if not has_leg(facts, leg):
            raise NotFound("leg", leg)
        if not self._player.serves(leg):
            raise Conflict("not-through-us", f"the sound of {leg} does not pass through the switch")

    def _allowed(self, url: str) -> str:
        """A URL as it may be shown, if its host may be connected to. Raises Invalid."""
        if url.startswith("wss:"):
            raise Invalid("url", "wss:// is not spoken: let a proxy beside the switch speak TLS")
        parts = _URL.fullmatch(url)
        if parts is None or len(url) > LONGEST_URL:
            raise Invalid("url", "must be like ws://HOST:PORT/PATH, at most 2000 characters")
        host = parts["host"].lower()
        port = parts["port"] or ":80"
        if not self._hosts & {host, host + port}:
            raise Invalid("url", f"{host}{port} is not among the servers that the setting media.stream_hosts allows")
        return url.partition("?")[0]


def has_leg(facts: Sequence[CallFact], leg: LegId) -> bool:
    """Whether a live call has a leg of that name, by its facts."""
    there = False
    for fact in facts:
        if (type(fact) is CallOffered or type(fact) is LegDialed or type(fact) is LegArrived) and fact.leg == leg:
            there = True
        elif (type(fact) is LegEnded or type(fact) is LegMoved) and fact.leg == leg:
            there = False
    return there
