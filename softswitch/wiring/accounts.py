"""Whose phones there are, where they are, and how they are reached."""

from collections.abc import Callable

from gateways.push.gateway import PushSettings, PushWebhook
from softswitch.features.directory.service import Directory
from softswitch.features.reach.lines import Lines
from softswitch.features.reach.service import Reach
from softswitch.features.registrar.phones import Phones
from softswitch.features.registrar.service import Registrations
from softswitch.features.registrar.writer import BindingWriter
from softswitch.wiring.ground import Ground


class Accounts:
    def __init__(self, ground: Ground, gone: Callable[[str], None]) -> None:
        """`gone` is told the number of an account that may do nothing more."""
        settings, clock = ground.settings, ground.clock
        self.registrations = Registrations(clock, ground.bus.publish)
        self.directory = Directory(settings.sip.realm, clock, on_removed=gone)
        self.binding_writer = BindingWriter(self.registrations, ground.database, clock)
        self.lines = Lines()
        self.push = (
            PushWebhook(PushSettings(url=settings.push.webhook, token=settings.push.token))
            if settings.push.services
            else None
        )
        self.phones = Phones(self.registrations, self.push, settings.push.wait_seconds, self.directory.srtp)
        self.reach = Reach(self.directory, self.phones, self.lines)
        self.directory.goes_with(self.reach.forget)
