"""What the phone is told about itself, in its own words and in the library's."""

from typing import Any

import msgspec
import pjsua2 as pj


class Settings(msgspec.Struct):
    """Who the phone is."""

    account: str
    password: str
    server: str
    """`host:port` of the switch; also the domain of the account."""
    transport: str = "udp"
    bind: str = ""
    """The address to use on this machine; empty: the library's choice."""
    port: int = 0
    """The local SIP port; 0: any free one."""
    realm: str = "*"
    answer: int = 0
    """What to say to each incoming call at once: 180, 200, 486 ...; 0: nothing, a command will."""
    play: str = ""
    """The WAV file to send into every call, again and again; empty: `tone`."""
    tone: float = 440.0
    """Hz."""
    folder: str = "."
    """Where the tone's file is written."""
    record: str = ""
    """Record what the first call hears into this WAV file."""
    expires: int = 300
    publish: bool = False
    """Whether the phone publishes its presence."""
    mailbox: bool = False
    """Whether it asks for message-waiting counts."""
    srtp: str = "off"
    """Encrypted sound by keys in SDP: `off`, `optional` or `mandatory`."""
    strict: bool = False
    """Insist on reliable provisional responses (RFC 3262) and session timers (RFC 4028)."""
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    """What it speaks, as the library calls it up to the first `/`. Two keep the INVITE under the 1300 bytes of RFC 3261
    section 18.1.1."""


def endpoint_configuration() -> Any:
    """The library's own settings, for all accounts."""
    configuration = pj.EpConfig()
    configuration.logConfig.level = 0
    configuration.logConfig.consoleLevel = 0
    configuration.uaConfig.threadCnt = 0
    configuration.uaConfig.mainThreadOnly = True
    configuration.uaConfig.userAgent = "softswitch-call"
    configuration.medConfig.clockRate = 8000
    configuration.medConfig.sndClockRate = 8000
    configuration.medConfig.noVad = True
    configuration.medConfig.ecTailLen = 0
    return configuration


def uri(user: str, settings: Settings) -> str:
    """How somebody at the switch is called."""
    return f"sip:{user}@{settings.server}" + (f";transport={settings.transport}" if settings.transport != "udp" else "")


def account_configuration(settings: Settings) -> Any:
    """The account's, in the library's words."""
    configuration = pj.AccountConfig()
    configuration.idUri = f"sip:{settings.account}@{settings.server}"
    configuration.regConfig.registrarUri = uri("", settings).replace("sip:@", "sip:")
    configuration.regConfig.timeoutSec = settings.expires
    configuration.regConfig.retryIntervalSec = 0
    configuration.regConfig.registerOnAdd = True
    configuration.sipConfig.authCreds.append(
        pj.AuthCredInfo("digest", settings.realm, settings.account, 0, settings.password)
    )
    configuration.presConfig.publishEnabled = settings.publish
    configuration.mwiConfig.enabled = settings.mailbox
    configuration.mediaConfig.transportConfig.boundAddress = settings.bind
    if settings.strict:
        configuration.callConfig.prackUse = pj.PJSUA_100REL_MANDATORY
        configuration.callConfig.timerUse = pj.PJSUA_SIP_TIMER_REQUIRED
    configuration.mediaConfig.srtpUse = _SRTP[settings.srtp]
    configuration.mediaConfig.srtpSecureSignaling = 0
    return configuration


_SRTP = {
    "off": pj.PJMEDIA_SRTP_DISABLED,
    "optional": pj.PJMEDIA_SRTP_OPTIONAL,
    "mandatory": pj.PJMEDIA_SRTP_MANDATORY,
}
