"""The settings of a running switch: one frozen tree, read once at its start.

A value comes from the command line, else from the environment (`sip.listen` is SOFTSWITCH_SIP_LISTEN), else from the
TOML file, else from the defaults below, which open nothing beyond this machine. What administrators change while
it runs (accounts, dial plan, trunks) is in the database instead.
"""

from softswitch.settings.defence import DefenceSettings
from softswitch.settings.file import key_lines
from softswitch.settings.http import HttpSettings
from softswitch.settings.limits import LimitSettings
from softswitch.settings.media import MediaSettings
from softswitch.settings.push import PushSettings
from softswitch.settings.reading import Option, read_settings
from softswitch.settings.recording import RecordingSettings
from softswitch.settings.sip import Listener, SipSettings
from softswitch.settings.tls import TlsSettings
from softswitch.settings.tree import Settings

__all__ = [
    "DefenceSettings",
    "HttpSettings",
    "LimitSettings",
    "Listener",
    "MediaSettings",
    "Option",
    "PushSettings",
    "RecordingSettings",
    "Settings",
    "SipSettings",
    "TlsSettings",
    "key_lines",
    "read_settings",
]
