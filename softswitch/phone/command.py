"""`softswitch call`: place one call and tell what happened, what was heard and how well."""

import argparse
import asyncio
import ipaddress
import json
import re
import tempfile
from pathlib import Path

from msgspec import Struct, to_builtins

from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import Invalid
from softswitch.phone.process import Event, PhoneFailed, PhoneProcess, PhoneSilent
from softswitch.phone.quality import Quality, judge
from softswitch.phone.sound import Heard, listen, read_wav

REGISTER_SECONDS = 10.0
ANSWER_SECONDS = 120.0
"""As long as a patient caller waits; the switch gives up earlier."""
PAUSE_SECONDS = 1.0
"""What a comma among the digits waits."""
DIGIT_SECONDS = 0.3
"""From one key to the next: 160 ms of tone and a gap."""
KEYS = frozenset("0123456789*#ABCD,")


class Happening(Struct, frozen=True):
    """One line of the story of a call."""

    seconds: float
    """Since the phone started."""
    what: str


class Result(Struct):
    """What `softswitch call --json` prints."""

    ok: bool
    """Registered, answered, and not torn down with an error."""
    status: int
    """The last SIP status: of the registration when that failed, else of the call."""
    reason: str
    call_id: str
    """The Call-ID the phone used."""
    events: list[Happening]
    heard: Heard | None = None
    quality: Quality | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("number", help="the number to call")
    parser.add_argument("--as", dest="account", required=True, metavar="ACCOUNT", help="the account that calls")
    parser.add_argument("--password", help="its password; demo-ACCOUNT when the switch is on this machine")
    parser.add_argument("--server", default="127.0.0.1:5060", metavar="HOST:PORT", help="the switch (%(default)s)")
    parser.add_argument("--transport", choices=("udp", "tcp", "tls"), default="udp")
    parser.add_argument("--play", type=Path, metavar="FILE", help="a WAV file to send; a 440 Hz tone otherwise")
    parser.add_argument("--record", type=Path, metavar="FILE", help="where to keep what was heard, as WAV")
    parser.add_argument("--digits", default="", help="keys to press once answered; a comma waits a second")
    parser.add_argument(
        "--for",
        dest="seconds",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="how long to talk before hanging up (%(default)s), but not before the digits are out",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


_NO_USER = re.compile(r'[\x00-\x20\x7f<>@;:"\\]')


def run(arguments: argparse.Namespace) -> int:
    """Place the call. Exit status 0: answered; 1: the call failed; 2: it could not be tried."""
    try:
        settings = phone_settings(arguments)
        result = asyncio.run(_call(arguments, settings))
    except (Invalid, PhoneFailed) as problem:
        if arguments.json:
            print(json.dumps({"ok": False, "error": str(problem)}))
        else:
            print(f"softswitch call: {problem}")
        return 2
    if arguments.json:
        print(json.dumps(to_builtins(result)))
    else:
        for line in summary(result):
            print(line)
    return 0 if result.ok else 1


def phone_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """The phone's settings for a command line. Raises Invalid naming the argument that cannot be."""
    try:
        server = HostPort.parse(arguments.server, 5060)
    except ValueError as error:
        raise Invalid("--server", str(error)) from error
    for name, user in (("--as", arguments.account), ("number", arguments.number)):
        if _NO_USER.search(user) or not user:
            raise Invalid(
                name, f'{user!r} is no user of a SIP address: it is empty, or has a space or one of <>@;:"\\ in it'
            )
    unknown = set(arguments.digits) - KEYS
    if unknown:
        raise Invalid("--digits", f"{''.join(sorted(unknown))!r} is on no phone's keys")
    if not arguments.seconds > 0:
        raise Invalid("--for", "a call lasts more than 0 seconds")
    password = arguments.password
    if password is None:
        if not _is_loopback(server.host):
            raise Invalid("--password", f"{server.host} is another machine: its account's password is needed")
        password = f"demo-{arguments.account}"
    if arguments.play is not None:
        try:
            read_wav(arguments.play)
        except OSError as error:
            raise Invalid("--play", f"cannot read {arguments.play}: {error.strerror}") from error
        except ValueError as error:
            raise Invalid("--play", str(error)) from error
    return {
        "account": arguments.account,
        "password": password,
        "server": str(server),
        "transport": arguments.transport,
        "bind": server.host if _is_loopback(server.host) and server.host != "localhost" else "",
        "play": str(arguments.play) if arguments.play else "",
    }


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _call(arguments: argparse.Namespace, settings: dict[str, object]) -> Result:
    with tempfile.TemporaryDirectory(prefix="softswitch-call-") as folder:
        record = Path(folder) / "heard.wav"
        if arguments.record is not None:
            record = arguments.record
        async with PhoneProcess(**settings, folder=folder, record=str(record)) as phone:
            story = Story(asyncio.get_running_loop().time())
            registration = await _registration(phone)
            story.add(registration, _registered(registration, str(settings["server"])))
            if not registration["expires"]:
                await phone.leave()
                return story.result(registration)
            ended = await _converse(phone, arguments, story)
            await phone.leave()
        result = story.result(ended)
        if result.ok:
            samples, rate = read_wav(record)
            result.heard = listen(samples, rate)
        return result


async def _registration(phone: PhoneProcess) -> Event:
    try:
        return await phone.expect("registration", within=REGISTER_SECONDS)
    except PhoneSilent:
        now = asyncio.get_running_loop().time()
        return {"status": 408, "reason": "no answer; is the switch running?", "expires": 0, "at": now}


async def _converse(phone: PhoneProcess, arguments: argparse.Namespace, story: "Story") -> Event:
    """The call itself, from dialling to its end; gives the event that ended it."""
    await phone.do("dial", number=arguments.number)
    event = await _until_answered(phone, story)
    if event["state"] == "disconnected":
        story.add(event, f"refused: {event['status']} {event['reason']}")
        return event
    gone = asyncio.create_task(phone.expect("state", within=24 * 3600, state="disconnected"))
    talk = asyncio.create_task(_talk(phone, arguments, story))
    await asyncio.wait((gone, talk), return_when=asyncio.FIRST_COMPLETED)
    talk.cancel()
    by_us = not gone.done()
    if by_us:
        await phone.do("hangup", call=1)
    event = await gone
    story.add(event, f"ended by {'us' if by_us else 'the other side'}: {event['status']} {event['reason']}")
    return event


async def _until_answered(phone: PhoneProcess, story: "Story") -> Event:
    """Tell of ringing as it comes; gives the answer or the refusal."""
    try:
        while True:
            event = await phone.expect("state", within=ANSWER_SECONDS)
            match event["state"]:
                case "early":
                    story.add(event, f"{event['status']} {event['reason']}")
                case "confirmed":
                    story.answered(event)
                    return event
                case "disconnected":
                    return event
    except PhoneSilent:
        await phone.do("hangup", call=1)
        return await phone.expect("state", within=40, state="disconnected")


async def _talk(phone: PhoneProcess, arguments: argparse.Namespace, story: "Story") -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + arguments.seconds
    for key in arguments.digits:
        if key == ",":
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        await phone.do("digit", call=1, digit=key)
        story.note(f"pressed {key}")
        await asyncio.sleep(DIGIT_SECONDS)
    await asyncio.sleep(max(0.0, until - loop.time()))


class Story:
    """What happened so far, in time order."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._happenings: list[Happening] = []
        self._answered = False

    def answered(self, event: Event) -> None:
        self._answered = True
        self.add(event, "answered")

    def add(self, event: Event, what: str) -> None:
        self._happenings.append(Happening(round(event["at"] - self._started_at, 3), what))

    def note(self, what: str) -> None:
        self._happenings.append(Happening(round(asyncio.get_running_loop().time() - self._started_at, 3), what))

    def result(self, last: Event) -> Result:
        statistics = last.get("statistics") or {}
        round_trip = statistics.get("round_trip_ms", -1)
        return Result(
            ok=self._answered and last["status"] < 300,
            status=last["status"],
            reason=last["reason"],
            call_id=last.get("call_id", ""),
            events=sorted(self._happenings, key=lambda happening: happening.seconds),
            quality=judge(
                packets=statistics["received"],
                lost=statistics["lost"],
                jitter_ms=statistics["jitter_ms"],
                round_trip_ms=round_trip if round_trip >= 0 else None,
                buffer_ms=statistics["buffer_ms"],
            )
            if self._answered and statistics
            else None,
        )


def _registered(registration: Event, server: str) -> str:
    if registration["expires"]:
        return f"registered at {server} for {registration['expires']} s"
    hint = "; is there such an account, and is this its password?" if registration["status"] in (401, 403) else ""
    return f"registration at {server} failed: {registration['status']} {registration['reason']}{hint}"


def summary(result: Result) -> list[str]:
    """The story in lines, as `softswitch call` prints it."""
    lines = [f"{happening.seconds:8.3f} s  {happening.what}" for happening in result.events]
    if result.heard is not None:
        heard = result.heard
        if heard.frequency is None:
            lines.append(f"heard     silence in {heard.seconds:.1f} s")
        else:
            lines.append(
                f"heard     {heard.audible_seconds:.1f} s of sound in {heard.seconds:.1f} s, "
                f"{heard.level_dbfs:.1f} dBFS, dominant frequency {heard.frequency:.0f} Hz"
            )
    if result.quality is not None:
        quality = result.quality
        score = f"MOS about {quality.mos:.1f}" if quality.mos is not None else "nothing received"
        lines.append(
            f"quality   {quality.packets} packets, {quality.loss_percent:.1f} % lost, "
            f"jitter {quality.jitter_ms:.1f} ms, {score}"
        )
    lines.append(f"result    {'ok' if result.ok else 'failed'}: {result.status} {result.reason}")
    return lines
