"""Who may call, and what an INVITE that starts a call must be like."""

from gateways._native import RequestReceived, SessionDescription, SipRequest
from gateways.sip.ua import alert, sdp, session_id
from gateways.sip.ua.addressing import display_name, line_of, parsed, user_of
from gateways.sip.ua.context import Context, Transport
from gateways.sip.ua.digest import Authenticator, Verdict
from gateways.sip.ua.gruu import Gruus
from gateways.sip.ua.identity import read as read_identity
from gateways.sip.ua.identity import read_privacy
from gateways.sip.ua.media_lines import MediaLines
from gateways.sip.ua.requests import Refusal, described_body, names_option
from gateways.sip.ua.sdes import Sdes
from softswitch.calls.identity import Identity
from softswitch.calls.signals import Incoming, Origin
from softswitch.kernel.address import HostPort, Party
from softswitch.kernel.offence import Offence
from softswitch.ports.admission import Gatekeeper, Sentry


class Admission:
    """Answers with who it is, or with a refusal."""

    def __init__(self, context: Context, gatekeeper: Gatekeeper, sentry: Sentry, secret: bytes) -> None:
        settings = context.settings
        self._context = context
        self._gatekeeper = gatekeeper
        self._sentry = sentry
        self._digest = Authenticator(
            realm=settings.realm,
            secret=secret,
            ha1=gatekeeper.ha1,
            nonce_seconds=settings.nonce_seconds,
            algorithms=settings.digest_algorithms,
            user_left_out=settings.digest_user_left_out,
        )

    def caller(self, request: SipRequest, source: HostPort, transport: Transport | None = None) -> Origin | Refusal:
        """Whom an INVITE or MESSAGE is from, that came by a transport of ours."""
        uri = request.uri
        origin = self._gatekeeper.recognise(
            source, user_of(request.from_uri), user_of(uri), line_of(uri) if ";line=" in uri else ""
        )
        if origin is None and transport is not None and transport.certified:
            origin = self._gatekeeper.certified(transport.certified)
        if origin is not None:
            return origin
        proved = self.user(request, source.host, transport)
        return self._gatekeeper.origin(proved) if isinstance(proved, str) else proved

    def user(self, request: SipRequest, host: str, transport: Transport | None) -> str | Refusal:
        """The user name that a request proves, or the challenge (RFC 3261 section 22)."""
        now = self._context.now
        values = request.headers("Authorization")
        stale = False
        if values:
            verdict, username = self._digest.check(request.method, request.uri, values, now)
            if verdict is Verdict.ACCEPTED:
                self._sentry.proved(host, username)
                if (
                    request.method != "INVITE"
                    and self._gatekeeper.origin(username).kind != "account"
                    and not self.in_bulk(request, username)
                ):
                    # The far end of a trunk has calls, and nothing that could be registered, watched or written to;
                    # except a PBX that registers for all its numbers at one time.
                    return 403, []
                return username if self._may_come(username, host, transport) else (403, [])
            if verdict is Verdict.MALFORMED:
                return 400, []
            if verdict is Verdict.WRONG:
                # Only this counts against its sender, whether there is such a user or not; the answer is the same.
                self._sentry.offended(host, Offence.PASSWORD, username)
            stale = verdict is Verdict.STALE
        else:
            self._sentry.challenged(host, user_of(request.from_uri))
        salt = self._context.tokens.token()
        return 401, self._digest.challenges(now, salt, stale=stale, md5_alone=self._knows_md5_alone(request))

    def _knows_md5_alone(self, request: SipRequest) -> bool:
        """JsSIP 3.13, in browsers, looks at the last challenge, knows MD5 only, and gives up when that is another;
        baresip 1.0 gives up at any other."""
        return (request.header("User-Agent") or "").startswith(self._context.settings.digest_md5_agents) or (
            request.header("Via") or ""
        ).upper().startswith(("SIP/2.0/WS ", "SIP/2.0/WSS "))

    def in_bulk(self, request: SipRequest, username: str) -> bool:
        """Whether a REGISTER asks to be one for all numbers of a PBX (RFC 6140), of a user who may."""
        return (
            request.method == "REGISTER"
            and names_option(request, "Require", "gin")
            and self._gatekeeper.registers_in_bulk(username)
        )

    def _may_come(self, username: str, host: str, transport: Transport | None) -> bool:
        return self._gatekeeper.admits(username, host, transport.kind if transport is not None else "udp")


def called(uri: str, to: str, gruus: Gruus) -> Party:
    """Whom a Request-URI asks for: a number, and of it one device where the URI is a GRUU (RFC 5627 section 6.1)."""
    if ";gr" in uri:
        address = parsed(uri)
        device = gruus.device(address) if address is not None else None
        if device is not None:
            return Party(device.aor, display_name(to), device.instance)
    return Party(user_of(uri), display_name(to))


def incoming(
    event: RequestReceived, origin: Origin, source: HostPort, gruus: Gruus, sdes: Sdes | None = None, unfit: str = ""
) -> tuple[Incoming, SessionDescription | None, MediaLines | None]:
    """What an INVITE asks for, the offer in it, and its m-lines where there is more than one. `sdes` says how its sound
    is protected; `unfit`: why it cannot be, where that is known. Raises RemoteProtocolError when its description is
    broken, or has no sound."""
    request = event.request
    theirs = described_body(request)
    if theirs is not None and not unfit and (sdes is not None or theirs.audio is None):
        unfit = sdp.unfit(theirs, sdes)
    offer = sdp.described(theirs, sdes) if theirs is not None and not unfit else None
    lines = None
    if offer is not None and theirs is not None and theirs.lines != 1:
        lines = MediaLines(sdes)
        seen = sdp.with_video(theirs, offer, lines)
        offer = seen if origin.video else offer
    identity = None
    if origin.kind == "trunk":
        identity = read_identity(request)
    elif request.header("Privacy") is not None:
        # Of what a phone says of itself only its wish not to be shown counts: who it is, its password has proved.
        identity = Identity(privacy=read_privacy(request))
    return (
        Incoming(
            origin,
            Party(user_of(request.from_uri), display_name(request.header("From") or "")),
            called(request.uri, request.header("To") or "", gruus),
            source,
            offer,
            request.max_forwards,
            unfit=unfit,
            session_id=session_id.half(request),
            alert=alert.read(request),
            identity=identity,
        ),
        theirs,
        lines,
    )
