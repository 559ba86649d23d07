"""How voicemail joins the switch."""

from softswitch.feature import Feature
from softswitch.features.voicemail.api import build_router
from softswitch.features.voicemail.call_app import leave_app, visit_app
from softswitch.features.voicemail.needs import Accounts, Reader
from softswitch.features.voicemail.service import Voicemail


def build(voicemail: Voicemail, accounts: Accounts, read: Reader) -> Feature:
    """Takes the calls for `voicemail/NUMBER`, `mailbox` and `mailbox/NUMBER`."""
    return Feature(
        "voicemail",
        call_apps={"voicemail": leave_app(voicemail), "mailbox": visit_app(voicemail)},
        router=build_router(voicemail, accounts, read),
    )
