"""The phone's own process: pjsua2 driven by lines of JSON on standard input, telling what happens on standard output.

`python -m softswitch.phone.worker SETTINGS`, with `Settings` as JSON. Each command is `{"do": name, ...}`, each event
`{"event": name, ...}`; `commands` in `Phone` lists the former. The library is polled from this one thread (it crashes
under Python threads), and the process leaves by `os._exit` once everything is said: its `libDestroy` may crash.
"""

import os
import select
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import pjsua2 as pj

from softswitch.phone.configuration import Settings, account_configuration, endpoint_configuration, uri
from softswitch.phone.sound import write_tone

POLL_MS = 10
STATISTICS_SECONDS = 0.25
GOODBYE_SECONDS = 1.5
"""How long BYE and un-REGISTER may take before the process leaves all the same."""
CLOSING_SECONDS = 0.2
"""The conference bridge removes the recorder, and with it completes the file, on its own next ticks."""


OUTPUT = os.dup(1)
"""Where events go. The library prints to standard output whatever its log level is: that goes to standard error."""


def tell(event: str, **details: object) -> None:
    os.write(OUTPUT, msgspec.json.encode({"event": event, **details}) + b"\n")


class Line(pj.Call):  # type: ignore[misc]  # the library has no types
    """One call of the phone."""

    def __init__(self, phone: "Phone", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.number = 0
        self.statistics: dict[str, float] = {}
        self.over = False

    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        self.over = info.state == pj.PJSIP_INV_STATE_DISCONNECTED
        tell(
            "state",
            call=self.number,
            state=info.stateText.lower(),
            status=int(info.lastStatusCode),
            reason=info.lastReason,
            call_id=info.callIdString,
            **({"statistics": self.statistics} if self.over else {}),
        )

    def onCallMediaState(self, prm: Any) -> None:
        # The elements of `media` are part of `info`, which must stay alive while they are read.
        info = self.getInfo()
        for media in info.media:
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            active = media.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)
            if active:
                self.phone.connect_sound(self.getAudioMedia(media.index))
            tell("media", call=self.number, status=MEDIA_STATUS.get(media.status, str(media.status)))

    def onCallTransferStatus(self, prm: Any) -> None:
        tell("transfer", call=self.number, status=int(prm.statusCode), final=bool(prm.finalNotify))

    def onDtmfDigit(self, prm: Any) -> None:
        tell("digit", call=self.number, digit=prm.digit)

    def onStreamDestroyed(self, prm: Any) -> None:
        self.measure()

    def measure(self) -> None:
        """Remember the stream's counters: they are gone when the call is."""
        if self.over or not self.hasMedia():
            return
        try:
            stat = self.getStreamStat(0)
        except pj.Error:
            return
        received = stat.rtcp.rxStat
        self.statistics = {
            "received": received.pkt,
            "sent": stat.rtcp.txStat.pkt,
            "lost": received.loss,
            "jitter_ms": received.jitterUsec.mean / 1000,
            "round_trip_ms": stat.rtcp.rttUsec.mean / 1000 if stat.rtcp.rttUsec.n else -1,
            "buffer_ms": stat.jbuf.avgDelayMsec,
        }


MEDIA_STATUS = {
    pj.PJSUA_CALL_MEDIA_NONE: "none",
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "holding",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "held",
    pj.PJSUA_CALL_MEDIA_ERROR: "error",
}


class Account(pj.Account):  # type: ignore[misc]  # the library has no types
    """The phone's registration."""

    def __init__(self, phone: "Phone") -> None:
        super().__init__()
        self.phone = phone
        self.registered = False

    def onRegState(self, prm: Any) -> None:
        # The library says all ones for "not specified" where a registration failed.
        expires = int(prm.expiration) if prm.code // 100 == 2 else 0
        self.registered = expires > 0
        tell("registration", status=int(prm.code), reason=prm.reason, expires=expires)

    def onInstantMessage(self, prm: Any) -> None:
        tell("message", **{"from": prm.fromUri}, text=prm.msgBody, kind=prm.contentType)

    def onInstantMessageStatus(self, prm: Any) -> None:
        tell("message sent", to=prm.toUri, status=int(prm.code))

    def onMwiInfo(self, prm: Any) -> None:
        whole = prm.rdata.wholeMsg
        tell("mailbox", text=whole.partition("\r\n\r\n")[2])

    def onIncomingCall(self, prm: Any) -> None:
        line = Line(self.phone, prm.callId)
        number = self.phone.take(line)
        info = line.getInfo()
        tell("incoming", call=number, **{"from": info.remoteUri}, to=info.localUri, call_id=info.callIdString)
        if self.phone.settings.answer:
            self.phone.answer(number, self.phone.settings.answer)


class Buddy(pj.Buddy):  # type: ignore[misc]  # the library has no types
    """Someone whose presence the phone shows, or who gets messages."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number

    def onBuddyState(self) -> None:
        info = self.getInfo()
        status = info.presStatus
        tell(
            "buddy",
            number=self.number,
            subscription=info.subStateName.lower(),
            online=status.status == pj.PJSUA_BUDDY_STATUS_ONLINE,
            activity=ACTIVITIES.get(status.activity, ""),
            note=status.note or status.statusText,
        )


ACTIVITIES = {pj.PJRPID_ACTIVITY_AWAY: "away", pj.PJRPID_ACTIVITY_BUSY: "busy"}


class Phone:
    """The endpoint, its account, its lines and its sound."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        self.endpoint.libInit(endpoint_configuration())
        transport = pj.TransportConfig()
        transport.port = settings.port
        transport.boundAddress = settings.bind
        kinds = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}
        self.endpoint.transportCreate(kinds[settings.transport], transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        codecs = self.endpoint.codecEnum2()
        for codec in codecs:
            spoken = codec.codecId.partition("/")[0] in settings.codecs
            self.endpoint.codecSetPriority(codec.codecId, 200 if spoken else 0)
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(settings.play or self._tone_file(), 0)
        self.recorder: Any = None
        if settings.record:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(settings.record)
        self.account = Account(self)
        self.account.create(account_configuration(settings))
        self.lines: dict[int, Line] = {}
        self.buddies: dict[str, Buddy] = {}
        self.leaving_since: float | None = None
        self.measured_at = 0.0

    def _tone_file(self) -> str:
        path = Path(self.settings.folder) / f"tone-{os.getpid()}.wav"
        write_tone(path, self.settings.tone, 1.0)
        return str(path)

    def take(self, line: Line) -> int:
        line.number = 1 + max(self.lines, default=0)
        self.lines[line.number] = line
        return line.number

    def connect_sound(self, sound: Any) -> None:
        self.player.startTransmit(sound)
        if self.recorder is not None:
            sound.startTransmit(self.recorder)

    @property
    def commands(self) -> dict[str, Callable[..., None]]:
        return {
            "dial": self.dial,
            "answer": self.answer,
            "hangup": self.hang_up,
            "hold": self.hold,
            "transfer": self.transfer,
            "transfer_to": self.transfer_to,
            "resume": self.resume,
            "update": self.update,
            "digit": self.digit,
            "register": self.register,
            "watch": self.watch,
            "unwatch": self.unwatch,
            "message": self.message,
            "present": self.present,
            "leave": self.leave,
        }

    def dial(self, number: str) -> None:
        """Call a number of the switch; the new line is 1 more than the highest so far."""
        line = Line(self)
        self.take(line)
        line.makeCall(uri(number, self.settings), pj.CallOpParam(True))

    def answer(self, call: int, status: int = 200) -> None:
        parameters = pj.CallOpParam()
        parameters.statusCode = status
        self.lines[call].answer(parameters)

    def hang_up(self, call: int, status: int = 0) -> None:
        parameters = pj.CallOpParam()
        if status:
            parameters.statusCode = status
        self.lines[call].measure()
        self.lines[call].hangup(parameters)

    def hold(self, call: int) -> None:
        self.lines[call].setHold(pj.CallOpParam(True))

    def resume(self, call: int) -> None:
        parameters = pj.CallOpParam(True)
        parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.lines[call].reinvite(parameters)

    def transfer(self, call: int, number: str) -> None:
        """REFER, blind."""
        self.lines[call].xfer(uri(number, self.settings), pj.CallOpParam(True))

    def transfer_to(self, call: int, other: int) -> None:
        """REFER with Replaces: whom `call` is with is to talk with whom `other` is with."""
        self.lines[call].xferReplaces(self.lines[other], pj.CallOpParam(True))

    def update(self, call: int) -> None:
        """Offer the same again by UPDATE."""
        self.lines[call].update(pj.CallOpParam(True))

    def digit(self, call: int, digit: str) -> None:
        self.lines[call].dialDtmf(digit)

    def register(self, renew: bool) -> None:
        self.account.setRegistration(renew)

    def watch(self, number: str) -> None:
        """Show somebody's presence."""
        self.buddy(number).subscribePresence(True)

    def unwatch(self, number: str) -> None:
        self.buddy(number).subscribePresence(False)

    def message(self, number: str, text: str, kind: str = "text/plain") -> None:
        parameters = pj.SendInstantMessageParam()
        parameters.content, parameters.contentType = text, kind
        self.buddy(number).sendInstantMessage(parameters)

    def present(self, activity: str, note: str) -> None:
        """Publish what the person does: `away`, `busy` or nothing."""
        status = pj.PresenceStatus()
        status.status = pj.PJSUA_BUDDY_STATUS_ONLINE
        status.activity = next((value for value, name in ACTIVITIES.items() if name == activity), 0)
        status.note = note
        self.account.setOnlineStatus(status)

    def buddy(self, number: str) -> Buddy:
        if number not in self.buddies:
            configuration = pj.BuddyConfig()
            configuration.uri = uri(number, self.settings)
            configuration.subscribe = False
            buddy = self.buddies[number] = Buddy(number)
            buddy.create(self.account, configuration)
        return self.buddies[number]

    def leave(self) -> None:
        """Hang up, un-register, close the files, exit."""
        if self.leaving_since is not None:
            return
        self.leaving_since = perf_counter()
        for line in self.lines.values():
            if not line.over:
                line.measure()
                line.hangup(pj.CallOpParam(True))
        if self.account.registered:
            self.account.setRegistration(False)
        self.recorder = None

    def work(self) -> bool:
        """Do what is due; False once the phone has left."""
        self.endpoint.libHandleEvents(POLL_MS)
        now = perf_counter()
        if now - self.measured_at > STATISTICS_SECONDS:
            self.measured_at = now
            for line in self.lines.values():
                line.measure()
        if self.leaving_since is None:
            return True
        quiet = not self.account.registered and all(line.over for line in self.lines.values())
        return now < self.leaving_since + (CLOSING_SECONDS if quiet else GOODBYE_SECONDS)


def _lines(buffer: bytearray) -> list[bytes] | None:
    """Complete lines that wait on standard input, without waiting for them; None at its end."""
    if not select.select([0], [], [], 0)[0]:
        return []
    data = os.read(0, 65536)
    if not data:
        return None
    buffer += data
    *complete, rest = bytes(buffer).split(b"\n")
    buffer[:] = rest
    return complete


def main() -> None:
    os.dup2(2, 1)
    phone = Phone(msgspec.json.decode(sys.argv[1], type=Settings))
    buffer = bytearray()
    while phone.work():
        lines = _lines(buffer)
        if lines is None:
            # Whoever drove the phone is gone.
            phone.leave()
            continue
        for line in lines:
            command = msgspec.json.decode(line)
            name = command.pop("do")
            try:
                phone.commands[name](**command)
            except pj.Error as error:
                tell("refused", command=name, reason=error.reason)
    tell("left")
    os._exit(0)


if __name__ == "__main__":
    main()
