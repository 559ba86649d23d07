"""The lines to other switches."""

import random

from softswitch.features.trunks import feature
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.groups import Groups
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.platform import https
from softswitch.wiring.accounts import Accounts
from softswitch.wiring.ground import Ground


class Trunking:
    def __init__(self, ground: Ground, accounts: Accounts) -> None:
        clock = ground.clock
        self.trunks = Trunks(
            ground.settings.sip.realm,
            clock,
            ground.bus.publish,
            ground.vault,
            on_pbx_gone=accounts.registrations.forget,
        )
        self.groups = Groups(self.trunks)
        self.feature, self.departures = feature.build(
            self.trunks,
            self.groups,
            Traffic(clock),
            Certificates(https.fetch, clock),
            accounts.directory,
            accounts.phones,
            random.SystemRandom().random,
        )
