"""What is kept up without any call: registrations at carriers, and questions whether their gateways live."""

from collections.abc import Sequence
from functools import partial

import structlog

from gateways.sip.ua.context import Context
from gateways.sip.ua.enrolment import Registration
from gateways.sip.ua.probing import Probe
from softswitch.calls.uplinks import Enrolled, Probed, Uplink
from softswitch.ports.signalling import UplinkEvents

log = structlog.get_logger(__name__)


class UplinkDesk:
    """All uplinks by name. One that is given again unchanged goes on as it was."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: dict[str, tuple[Uplink, list[Registration | Probe]]] = {}
        self.events: UplinkEvents | None = None

    def keep(self, uplinks: Sequence[Uplink]) -> None:
        """See `ports.Uplinks.keep`."""
        wanted = {uplink.name: uplink for uplink in uplinks}
        for name, (uplink, duties) in list(self._kept.items()):
            if wanted.get(name) != uplink:
                for duty in duties:
                    duty.leave()
                del self._kept[name]
        for name, uplink in wanted.items():
            if name not in self._kept:
                self._begin(name, uplink)

    def _begin(self, name: str, uplink: Uplink) -> None:
        duties: list[Registration | Probe] = []
        tell = partial(self._tell, name, uplink)
        if uplink.enrolment is not None and uplink.gateways:
            duties.append(Registration(self._context, uplink, uplink.enrolment, tell))
        if uplink.probe_seconds > 0:
            duties += [
                Probe(self._context, place, target, uplink.probe_seconds, uplink.probe_within, tell)
                for place, target in enumerate(uplink.gateways)
            ]
        self._kept[name] = uplink, duties
        for duty in duties:
            duty.begin()

    def _tell(self, name: str, uplink: Uplink, what: Enrolled | Probed) -> None:
        kept = self._kept.get(name)
        if kept is None or kept[0] is not uplink or self.events is None:
            return  # of an uplink that was since changed or given up
        try:
            if isinstance(what, Enrolled):
                self.events.enrolled(name, what)
            else:
                self.events.probed(name, what)
        except Exception:
            # The hearer's own fault is its own affair: the registration must go on.
            log.exception("news of an uplink could not be handled", uplink=name)
