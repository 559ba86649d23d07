"""What people see and write of one another: presence, rosters, messages and mail."""

from gateways.mail.gateway import MailGateway
from softswitch.features.conference.roster import RoomRosters
from softswitch.features.ivr.outbox import Outbox
from softswitch.features.messaging.service import Messaging
from softswitch.features.messaging.store import MessageStore
from softswitch.features.presence.service import PresenceService
from softswitch.gateway_settings import mail_settings, sip_host
from softswitch.kernel.address import Party
from softswitch.wiring.accounts import Accounts
from softswitch.wiring.ground import Ground
from softswitch.wiring.history import History


class People:
    def __init__(self, ground: Ground, history: History, accounts: Accounts) -> None:
        settings, clock, publish = ground.settings, ground.clock, ground.bus.publish
        directory, phones, reach = accounts.directory, accounts.phones, accounts.reach
        self.presence = PresenceService(
            directory,
            accounts.registrations,
            history.records,
            clock,
            publish,
            not_disturbed=lambda account: reach.rules(account).do_not_disturb,
            wake=lambda account: phones.wake(account, Party(account), "mailbox"),
        )
        reach.on_changed = self.presence.reconsider
        directory.goes_with(self.presence.forget)
        self.messaging = Messaging(directory, phones, MessageStore(ground.database), clock, publish, sip_host(settings))
        directory.goes_with(self.messaging.forget)
        self.rosters = RoomRosters()
        self.mailer = MailGateway(mail_settings(settings)) if settings.mail.server is not None else None
        self.outbox = Outbox(clock, self.messaging, self.mailer)
