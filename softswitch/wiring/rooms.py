"""Conference rooms: their meetings, what is seen in them, and when they meet."""

from softswitch.answers import Answers
from softswitch.features.conference.around import Around
from softswitch.features.conference.files import MeetingFiles
from softswitch.features.conference.retention import Retention
from softswitch.features.conference.schedule import Schedule
from softswitch.features.conference.service import Conferences
from softswitch.gateway_settings import floor_gateway
from softswitch.pictures import room_pictures
from softswitch.wiring.calls import Calls
from softswitch.wiring.ground import Ground
from softswitch.wiring.people import People
from softswitch.wiring.routing import Routing
from softswitch.wiring.sound import Sound


class Rooms:
    def __init__(
        self,
        ground: Ground,
        routing: Routing,
        people: People,
        calls: Calls,
        sound: Sound,
        answers: Answers,
    ) -> None:
        settings, media = ground.settings, sound.media
        self.floors = floor_gateway(settings, ground.clock)
        self.pictures = room_pictures(media.pictures, settings)
        around = Around(
            clock=ground.clock,
            publish=ground.bus.publish,
            sounds=media,
            switchboard=calls.switch,
            prompt=media.in_language,
            language=settings.media.language,
            music=settings.media.music,
            floors=self.floors,
            pictures=self.pictures,
        )
        self.files = MeetingFiles(settings.data_dir)
        self.conferences = Conferences(
            around, answers, ground.database, ground.vault, self.files, ground.bus, ground.event_log
        )
        if calls.journal is not None:
            self.conferences.survive()
        self.retention = Retention(
            self.conferences,
            self.files,
            ground.clock,
            ground.bus.publish,
            ground.audit,
            keep_days=settings.conferences.keep_days,
            most_bytes=settings.conferences.most_megabytes * 1_000_000,
        )
        people.rosters.connect(self.conferences, calls.sip)
        self.pictures.listen(self.conferences.pictures_changed, self.conferences.slides_flow)
        self.schedule = Schedule(self.conferences, around, routing.calendars, people.outbox, ground.database)
