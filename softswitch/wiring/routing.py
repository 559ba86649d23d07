"""Where calls go: numbers, codes, persons and opening hours."""

from softswitch.answers import Answers
from softswitch.features.calendars.service import Calendars
from softswitch.features.codes.service import Codes
from softswitch.features.persons.service import Persons
from softswitch.features.reach.callbacks import Callbacks
from softswitch.features.routing.service import DialPlan
from softswitch.wiring.accounts import Accounts
from softswitch.wiring.ground import Ground
from softswitch.wiring.trunking import Trunking


class Routing:
    def __init__(self, ground: Ground, accounts: Accounts, trunking: Trunking, answers: Answers) -> None:
        clock, publish = ground.clock, ground.bus.publish
        self.codes = Codes(accounts.directory, trunking.trunks.origin_of)
        self.callbacks = Callbacks(accounts.lines, answers, clock)
        self.calendars = Calendars(clock, publish, answers)
        self.dial_plan = DialPlan(clock, publish, answers, answers, self.calendars)
        self.persons = Persons(accounts.directory, answers, self.calendars)
        accounts.directory.goes_with(self.persons.forget)
