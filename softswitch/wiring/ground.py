"""What everything stands on."""

from softswitch.engine.bus import Bus
from softswitch.kernel.clock import Clock
from softswitch.platform.audit import Audit
from softswitch.platform.changes import Changes
from softswitch.platform.database import Database
from softswitch.platform.event_log import EventLog
from softswitch.platform.outbound import Outbound
from softswitch.platform.telemetry import Telemetry
from softswitch.platform.vault import Vault
from softswitch.settings import Settings


class Ground:
    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.bus = Bus()
        self.telemetry = Telemetry()
        self.database = Database(settings.database)
        self.event_log = EventLog(self.database)
        self.audit = Audit(self.database, clock)
        self.changes = Changes(self.database)
        self.vault = Vault.at(settings.data_dir / "secrets.key")
        self.outbound = Outbound(settings.flows.http_hosts, settings.tls.authority)
