"""What is heard, said and kept: the media engine, prompts, speech and recordings."""

import random
from pathlib import Path

from gateways.media.gateway import MediaGateway
from gateways.media.prompts import read_samples
from gateways.media.uploads import read_take, read_upload
from gateways.speech.gateway import SpeechGateway
from softswitch.answers import PromptAnswers
from softswitch.features.livesound.service import LiveSound
from softswitch.features.prompts.service import Library
from softswitch.features.recording.files import Files
from softswitch.features.recording.retention import Retention
from softswitch.features.recording.service import Recordings
from softswitch.media_engine import engine_process, media_engine
from softswitch.wiring.ground import Ground
from softswitch.wiring.history import History

PROMPTS = Path(__file__).parents[1] / "prompts"


class Sound:
    def __init__(self, ground: Ground, history: History) -> None:
        """Opens the media engine's ports. Raises OSError when there are not enough free ones."""
        settings, clock, bus, database = ground.settings, ground.clock, ground.bus, ground.database
        process = engine_process(settings)
        self.speech = SpeechGateway(settings.data_dir, clock, read_samples)
        self.prompts = Library(PROMPTS, settings.data_dir, database, clock, read_upload, read_take, self.speech)
        self.media = MediaGateway(
            media_engine(settings, process),
            settings.media_advertised,
            PROMPTS,
            process=process,
            listens_on=settings.media_listen,
            keeps_in=settings.data_dir,
            own_prompts=self.prompts.own,
        )
        self.said = PromptAnswers(self.prompts, self.media.in_language)
        self.recordings = Recordings(
            self.media,
            history.records,
            ground.event_log,
            bus,
            clock,
            Files(settings.recordings_dir),
            random.SystemRandom().random,
        )
        self.media.listen_to_recordings(self.recordings)
        self.retention = Retention(self.recordings, database, clock, ground.audit)
        self.live = LiveSound(self.media, self.media.streams, history.records, bus, clock, settings.media.stream_hosts)
