"""The contact centre: queues and their agents, calls for lists, and the figures of both."""

from softswitch.answers import Answers
from softswitch.features.acd.service import Queues
from softswitch.features.acd.view import CentreView
from softswitch.features.campaigns.service import Campaigns
from softswitch.features.queue_figures.alarming import Alarms
from softswitch.features.queue_figures.service import Figures
from softswitch.wiring.accounts import Accounts
from softswitch.wiring.ground import Ground
from softswitch.wiring.history import History
from softswitch.wiring.people import People
from softswitch.wiring.routing import Routing


class Centre:
    def __init__(
        self, ground: Ground, history: History, accounts: Accounts, routing: Routing, people: People, answers: Answers
    ) -> None:
        clock, bus = ground.clock, ground.bus
        self.queues = Queues(
            clock,
            bus.publish,
            accounts.directory,
            accounts.phones,
            accounts.lines,
            routing.calendars,
            answers,
            answers,
            ground.outbound,
            ground.event_log,
        )
        accounts.lines.changed = self.queues.line_changed
        accounts.directory.goes_with(self.queues.forget_account)
        self.campaigns = Campaigns(clock, bus, ground.event_log, self.queues, answers, routing.calendars)
        self.figures = Figures(ground.database, ground.event_log, clock, bus.publish, history.records.trunk)
        self.figures.centre = CentreView(self.queues)
        self.alarms = Alarms(self.figures, bus.publish, people.outbox if people.mailer is not None else None)
