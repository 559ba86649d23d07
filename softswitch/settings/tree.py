"""The one frozen tree of all settings."""

from dataclasses import dataclass, field
from pathlib import Path

from softswitch.settings.conferences import ConferenceSettings
from softswitch.settings.defence import DefenceSettings
from softswitch.settings.flows import FlowSettings
from softswitch.settings.http import HttpSettings
from softswitch.settings.kinds import FOLDER, TEXT, one_of, setting
from softswitch.settings.limits import LimitSettings
from softswitch.settings.mail import MailSettings
from softswitch.settings.media import MediaSettings
from softswitch.settings.mqtt import MqttSettings
from softswitch.settings.push import PushSettings
from softswitch.settings.recording import RecordingSettings
from softswitch.settings.sip import SipSettings
from softswitch.settings.tls import TlsSettings
from softswitch.settings.video import VideoSettings


@dataclass(frozen=True)
class Settings:
    """Everything a switch is started with."""

    data_dir: Path = setting(Path(), FOLDER)  # noqa: RUF009 - immutable
    """Where the switch keeps its files; the database too, unless `database` says otherwise."""
    database: str = setting("", TEXT)
    """`sqlite+aiosqlite:////FILE` or `postgresql://USER:PASSWORD@HOST/NAME`."""
    log_level: str = setting("info", one_of("debug", "info", "warning", "error"))
    """From which level on the log is written."""
    sip: SipSettings = field(default_factory=SipSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    push: PushSettings = field(default_factory=PushSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    flows: FlowSettings = field(default_factory=FlowSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    recording: RecordingSettings = field(default_factory=RecordingSettings)
    conferences: ConferenceSettings = field(default_factory=ConferenceSettings)
    video: VideoSettings = field(default_factory=VideoSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    defence: DefenceSettings = field(default_factory=DefenceSettings)
    demo: bool = False
    """Make the demo's accounts, plan and trunk, and admit its guests. Command line only."""
    bench: bool = False
    """Turn off what a load test must not meet: limits and bans by source address. Command line only."""
    demo_media: str = "anchored"
    """Whether sound of the demo's trunk is `anchored` in the switch or goes past it: `bypass`. Command line only."""

    @property
    def recordings_dir(self) -> Path:
        """Where the files of recordings are."""
        return self.recording.folder or self.data_dir / "recordings"

    @property
    def prompt_cache(self) -> Path:
        """Where the media engine keeps prompts that it has encoded."""
        return self.data_dir / "cache" / "prompts"

    @property
    def media_listen(self) -> str:
        """The address to receive sound on."""
        return self.media.listen or self.sip.listen[0].address.host

    @property
    def media_advertised(self) -> str:
        """The address that phones are told to send sound to."""
        return self.media.advertised or self.advertised_for(self.media_listen)

    def advertised_for(self, listened: str) -> str:
        """The address by which the world knows one that is listened on."""
        for host in self.sip.advertised:
            if (":" in host) == (":" in listened):
                return host
        return listened
