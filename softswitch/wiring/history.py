"""What is on record of calls, and how long it stays there."""

from softswitch.features.cdr.service import CallRecords
from softswitch.features.quality.service import Doctor
from softswitch.platform.retention import Retention
from softswitch.wiring.ground import Ground


class History:
    def __init__(self, ground: Ground) -> None:
        self.records = CallRecords(ground.event_log)
        self.doctor = Doctor(ground.bus.publish)
        self.retention = Retention(ground.database, ground.clock, self.records.live, ground.settings.limits.trace_days)
