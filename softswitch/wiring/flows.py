"""What callers hear who press keys: flows, and all that these may ask."""

from collections.abc import Callable, Collection

import ivr_flows
from softswitch.answers import Answers, Understanding
from softswitch.features.ivr import source
from softswitch.features.ivr.known import Catalogue
from softswitch.features.ivr.needs import Parts
from softswitch.features.ivr.retention import Retention
from softswitch.features.ivr.service import IvrFlows
from softswitch.platform.named_queries import NamedQueries
from softswitch.wiring.centre import Centre
from softswitch.wiring.ground import Ground
from softswitch.wiring.people import People
from softswitch.wiring.routing import Routing
from softswitch.wiring.sound import Sound


class Flows:
    def __init__(
        self,
        ground: Ground,
        routing: Routing,
        centre: Centre,
        people: People,
        sound: Sound,
        answers: Answers,
        kinds: Callable[[], Collection[str]],
    ) -> None:
        """`kinds`: of destinations that somebody takes calls for."""
        settings, clock = ground.settings, ground.clock
        self.queries = NamedQueries(settings.flows.queries)
        parts = Parts(
            places=answers,
            people=answers,
            calendars=routing.calendars,
            voice=sound.prompts,
            post=people.outbox,
            ears=Understanding(sound.speech, settings.data_dir),
            web=ground.outbound,
            queries=self.queries,
            queues=centre.queues,
        )
        self.flows = IvrFlows(
            clock,
            ground.bus.publish,
            ground.event_log,
            source.shipped(ivr_flows),
            parts,
            Catalogue(sound.said, parts, hosts=ground.outbound, queries=self.queries.names, kinds=kinds),
        )
        self.retention = Retention(ground.database, clock, settings.data_dir / "flows", settings.flows.keep_days)
