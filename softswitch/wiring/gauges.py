"""What is measured of the parts."""

from typing import TYPE_CHECKING

from softswitch.features.registrar.service import Registrations
from softswitch.features.trunks.service import Trunks
from softswitch.platform.telemetry import Telemetry
from softswitch.wiring.calls import Calls
from softswitch.wiring.centre import Centre
from softswitch.wiring.ground import Ground
from softswitch.wiring.rooms import Rooms
from softswitch.wiring.sound import Sound

if TYPE_CHECKING:
    from gateways.mqtt.gateway import MqttGateway

SIP = (
    "sessions",
    "legs",
    "subscriptions",
    "publications",
    "client_transactions",
    "timers",
    "transports",
    "engine_client_transactions",
    "engine_server_transactions",
    "engine_timers",
    "overload",
)


def watch(
    ground: Ground,
    registrations: Registrations,
    trunks: Trunks,
    calls: Calls,
    sound: Sound,
    centre: Centre,
    rooms: Rooms,
    mqtt: "MqttGateway | None",
) -> None:
    """Let the telemetry ask them."""
    telemetry = ground.telemetry
    telemetry.watch("sip", calls.sip.gauges, SIP)
    telemetry.gauge("bindings", "Contacts that are registered now", lambda: len(registrations))
    telemetry.gauge("bans", "Networks that nothing is read from", lambda: len(calls.bans))
    telemetry.gauge("log_pending", "Facts and rows that await the disk", lambda: ground.event_log.pending)
    telemetry.labelled("trunk_registered", "Whether a trunk's registration holds", "trunk", trunks.registered)
    telemetry.labelled(
        "trunk_gateways_up", "Gateways of a trunk that are not known to be down", "trunk", trunks.gateways_up
    )
    telemetry.watch("composer", lambda: rooms.pictures.figures, ("there",))
    if mqtt is not None:
        telemetry.watch("mqtt", lambda: mqtt.stats, ("connected", "waiting"))
    _watch_sound(telemetry, sound)
    _watch_centre(telemetry, centre)


def _watch_sound(telemetry: Telemetry, sound: Sound) -> None:
    media, speech = sound.media, sound.speech
    telemetry.watch("media", lambda: media.stats, ("legs_open", "recordings_live"))
    telemetry.labelled(
        "media_legs_rated",
        "Legs that ended, by what users say of such sound (ITU-T G.107, table B.1)",
        "users",
        lambda: media.ratings,
    )
    telemetry.gauge("media_engine", "Whether there is a media engine", lambda: media.has_engine)
    telemetry.labelled(
        "speech_jobs",
        "Texts to be spoken and sounds to be understood that are not done yet",
        "by",
        lambda: speech.waiting,
    )
    telemetry.gauge("media_streams", "Streams of live sound to WebSocket servers", lambda: len(media.streams))
    telemetry.gauge(
        "media_stream_lost_ms",
        "Milliseconds of sound that servers of streams that ended were too slow for",
        lambda: media.streams.lost_ms,
    )


def _watch_centre(telemetry: Telemetry, centre: Centre) -> None:
    campaigns, figures = centre.campaigns, centre.figures
    telemetry.gauge("campaign_calls", "Calls for lists that are under way", lambda: campaigns.calls)
    telemetry.labelled(
        "campaign_records_left",
        "Records of a list that are not closed",
        "campaign",
        lambda: {name: len(campaigns.one(name).entries) for name in campaigns.lists()},
    )
    telemetry.gauge(
        "queue_accounts_off",
        "Accounts of queues that do not add up: 0, or there is a mistake",
        figures.off_balance,
    )
    telemetry.labelled(
        "queue_waiting",
        "Callers who wait",
        "queue",
        lambda: {name: len(queue.waiting) for name, queue in figures.live.queues.items()},
    )
