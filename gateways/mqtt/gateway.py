"""The facts of the bus go to one MQTT broker (MQTT 3.1.1), whatever becomes of it: calls never wait for it."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import aiomqtt
import msgspec
import structlog
from msgspec import Struct

from gateways.mqtt.topics import DROPPED, ONLINE, Topics
from gateways.mqtt.waiting import Letter, Waiting
from softswitch.events import Fact

log = structlog.get_logger(__name__)

MOST_WAITING = 10_000
MOST_BYTES = 16 * 1024 * 1024
"""Of what waits for the broker."""
MOST_KEPT = 20_000
"""Topics whose last message is told again to a broker that may have forgotten it; of more, those that changed last."""
AT_ONCE = 50
"""Messages under way at a time."""
PATIENCE = 10.0
"""Seconds that the broker may take for each step."""
KEEP_ALIVE = 30
"""Seconds after which a broker that says nothing is asked whether it is there, and, after as many again, given up."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between attempts to connect: each time twice as long."""
STOP_SECONDS = 3.0
"""That the broker has at the end for what still waits."""
TRIES = 3
"""Connections in a row that may break over the same message before it is given up."""


class MqttSettings(Struct, frozen=True, kw_only=True):
    """Which broker, and what it is told."""

    host: str
    port: int
    tls: bool = False
    authority: Path | None = None
    """PEM file of who signs the broker's certificate; None: whom the machine trusts."""
    verify: bool = True
    """Whether the broker must prove its name."""
    username: str = ""
    password: str = ""
    prefix: str = "softswitch"
    """Before every topic."""
    qos: Literal[0, 1] = 1
    """1: each message until the broker has said that it has it, perhaps twice; 0: each once, perhaps not at all."""
    topics: tuple[str, ...] = ("#",)
    """Which topics are sent, below the prefix, as one would subscribe to them."""


class MqttGateway:
    """Tells the broker each fact, in order. Hears the bus in `hear`; `start` and `stop` once."""

    def __init__(
        self,
        settings: MqttSettings,
        *,
        patience: float = PATIENCE,
        first_wait: float = FIRST_WAIT,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Raises OSError when the authority's file cannot be read."""
        self._settings = settings
        self._patience = patience
        self._first_wait = first_wait
        self._tls: ssl.SSLContext | None = None
        if settings.tls:
            self._tls = ssl.create_default_context(cafile=settings.authority)
            if not settings.verify:
                self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        # The same at each attempt: a connection of ours that the broker still holds is ended by the next (3.1.4).
        self._name = f"softswitch-{secrets.token_hex(4)}"
        self._topics = Topics(settings.topics)
        self._waiting = Waiting(most_waiting, MOST_BYTES, MOST_KEPT)
        self._bell = asyncio.Event()
        self._encode = msgspec.json.Encoder().encode
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._connected = False
        self._connections = self._published = 0
        self._fruitless = 0
        """Connections in a row that ended before the broker took anything of what waited."""
        self._wait = first_wait
        self._told = ""
        """What was logged last of why there is no broker."""

    @property
    def stats(self) -> Mapping[str, int]:
        """For the metrics."""
        return {
            "connected": self._connected,
            "connections": self._connections,
            "waiting": len(self._waiting),
            "published": self._published,
            "dropped": self._waiting.dropped,
        }

    def hear(self, fact: Fact) -> None:
        """Queue a fact. Never waits."""
        place = self._topics.place(fact)
        if place is None:
            return
        letter = Letter(fact.at, place.topic, self._encode(fact), place.kept)
        whole = not self._waiting.has_gap
        self._waiting.add(letter)
        if whole and self._waiting.has_gap:
            log.warning("the MQTT broker takes too little: the oldest facts are dropped", broker=self._broker)
        self._bell.set()

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="mqtt")

    async def stop(self) -> None:
        """Send what waits, say that the switch is gone, and disconnect; in seconds, or not at all."""
        if self._task is None:
            return
        task, self._task = self._task, None
        self._stopping = True
        self._bell.set()
        if self._connected:
            await asyncio.wait([task], timeout=STOP_SECONDS)
        while not task.done():
            # The library says good-bye to a broker that may not listen: the second time it does not wait for that.
            task.cancel()
            await asyncio.wait([task], timeout=0.5)
        if len(self._waiting):
            log.warning("the MQTT broker was not told everything", broker=self._broker, left=len(self._waiting))

    @property
    def _broker(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    async def _run(self) -> None:
        while not self._stopping:
            try:
                async with self._client() as client:
                    await self._serve(client)
            except aiomqtt.MqttError as error:
                self._failed(str(error) or type(error).__name__)
            except Exception as error:  # whatever the library makes of what a broker says: no call may suffer from it
                self._failed(repr(error))
            if not self._stopping:
                await asyncio.sleep(self._wait)
                self._wait = min(2 * self._wait, LONGEST_WAIT)

    def _failed(self, reason: str) -> None:
        if reason != self._told:
            self._told = reason
            log.warning("the MQTT broker cannot be used, trying again", broker=self._broker, error=reason)

    def _client(self) -> aiomqtt.Client:
        settings = self._settings
        client = aiomqtt.Client(
            settings.host,
            settings.port,
            identifier=self._name,
            username=settings.username or None,
            password=settings.password or None,
            tls_context=self._tls,
            tls_insecure=None if self._tls is None else not settings.verify,
            will=aiomqtt.Will(self._topic(ONLINE), b"false", settings.qos, retain=True),
            timeout=self._patience,
            keepalive=KEEP_ALIVE,
            logger=_QUIET,
        )
        client.pending_calls_threshold = AT_ONCE
        return client

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Send until the connection is lost, or all is sent and the switch stops."""
        await client.publish(self._topic(ONLINE), b"true", self._settings.qos, retain=True)
        self._connections += 1
        self._connected = True
        log.info("the MQTT broker is told what happens", broker=self._broker)
        self._told = ""
        before = self._published
        self._waiting.tell_again()
        tasks = [asyncio.create_task(each, name="mqtt") for each in (self._send(client), self._until_lost(client))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._connected = False
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            self._fruitless = self._fruitless + 1 if self._published == before and len(self._waiting) else 0
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _until_lost(self, client: aiomqtt.Client) -> None:
        """Raises MqttError when the connection is."""
        async for _ in client.messages:
            pass  # nothing is subscribed to

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            while len(self._waiting):
                # Which of many broke a connection could not be told.
                await self._send_some(client, self._waiting.first(1 if self._fruitless else AT_ONCE))
                if (gap := self._waiting.gap()) is not None:
                    told = {"count": gap.dropped, "from": gap.first, "until": gap.last}
                    await client.publish(self._topic(DROPPED), self._encode(told), self._settings.qos)
            if self._stopping:
                await client.publish(self._topic(ONLINE), b"false", self._settings.qos, retain=True)
                return
            self._bell.clear()
            await self._bell.wait()

    async def _send_some(self, client: aiomqtt.Client, letters: list[Letter]) -> None:
        """Raises MqttError when the broker did not take them; those wait again."""
        taken = [False] * len(letters)

        async def send(number: int, letter: Letter) -> None:
            await client.publish(self._topic(letter.topic), letter.payload, self._settings.qos, letter.kept)
            taken[number] = True

        try:
            # Each begins in turn, so that they go out in their order.
            ends = await asyncio.gather(*map(send, range(len(letters)), letters), return_exceptions=True)
        finally:
            left = [letter for letter, done in zip(letters, taken, strict=True) if not done]
            if len(left) < len(letters):
                self._published += len(letters) - len(left)
                self._wait = self._first_wait
            elif self._fruitless >= TRIES and not self._stopping:
                self._waiting.refused(left.pop(0))
            self._waiting.put_back(left)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    def _topic(self, topic: str) -> str:
        return f"{self._settings.prefix}/{topic}" if self._settings.prefix else topic


_QUIET = logging.getLogger("mqtt")
_QUIET.setLevel(logging.CRITICAL)
"""The library's own log: what fails is told here, once."""
