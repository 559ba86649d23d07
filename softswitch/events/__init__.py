"""Facts: the catalogue of all that happens. Past tense, frozen, in the order in which they happened.

Every fact is a `msgspec.Struct` tagged with its own name, so that the event log stores and reads it without
a schema beside this folder. `at` is wall milliseconds (UTC). Fields may be added with defaults; a field or a
fact that was ever logged is never renamed.
"""

from softswitch.events.base import Fact
from softswitch.events.calendars import CalendarOverridden
from softswitch.events.calls import (
    CallAnswered,
    CallEnded,
    CallerIdentified,
    CallFact,
    CallForwarded,
    CallOffered,
    CallRouted,
    CallTraced,
    CallTroubled,
    LegAnswered,
    LegArrived,
    LegClues,
    LegDialed,
    LegEnded,
    LegHeld,
    LegMoved,
    LegRang,
    LegResumed,
    LegsBridged,
    LegsMixed,
    LegsParted,
    LegVideo,
    MediaFigures,
    RoutingStep,
    TraceLine,
    TransferBegan,
    TransferCompleted,
    TransferFailed,
    Trouble,
    VideoFigures,
)
from softswitch.events.campaigns import (
    CallResult,
    CampaignFact,
    CampaignState,
    CampaignStateChanged,
    RecordClosed,
    RecordCoded,
    RecordDialled,
    RecordPreviewed,
    RecordSkipped,
    RecordTried,
)
from softswitch.events.flows import FlowEnded, FlowPublished, FlowSent, FlowStep
from softswitch.events.messages import (
    MessageDelivered,
    MessageExpired,
    MessageFact,
    MessageRefused,
    MessageSent,
)
from softswitch.events.presence import MailboxChanged, PresencePublished
from softswitch.events.queues import (
    AgentReleased,
    AgentReserved,
    AgentState,
    AgentStateChanged,
    AgentWrapUpCoded,
    AlarmLevel,
    CallbackDialled,
    CallbackEnded,
    CallbackRequested,
    CallerLeftQueue,
    CallerQueued,
    ConversationEnded,
    Outcome,
    QueueAlarmChanged,
)
from softswitch.events.recordings import (
    RecordingDecided,
    RecordingFinished,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    RecordingTroubled,
)
from softswitch.events.registrations import AccountRegistered, AccountUnregistered
from softswitch.events.rooms import (
    CameraChanged,
    CameraJoined,
    CameraLeft,
    MeetingReminded,
    MemberChanged,
    MemberInvited,
    MemberJoined,
    MemberLeft,
    MemberRang,
    MemberResumed,
    MemberRole,
    MemberUnreached,
    MemberWaits,
    RoomChanged,
    RoomClosed,
    RoomFact,
    RoomMode,
    RoomOpened,
    RoomRecordingDeleted,
    RoomRecordingEnded,
    RoomRefused,
    SpeakerChanged,
)
from softswitch.events.routing import PlanPublished
from softswitch.events.security import BanLifted, SourceBanned
from softswitch.events.streams import StreamFinished, StreamStarted
from softswitch.events.supervision import SupervisionBegan, SupervisionEnded, SupervisionModeChanged
from softswitch.events.system import SwitchStarted, SwitchStopped
from softswitch.events.trunks import TrunkGatewayDown, TrunkGatewayUp, TrunkRegistered, TrunkRegistrationFailed
from softswitch.events.voicemail import (
    MailboxFact,
    MailboxFull,
    MailboxOpened,
    MailboxRefused,
    MessageLeft,
    MessageLost,
    MessageMailed,
    MessageMailFailed,
)

AnyFact = (
    CallOffered
    | CallRouted
    | CallerIdentified
    | CallForwarded
    | LegDialed
    | LegRang
    | LegAnswered
    | CallAnswered
    | LegsBridged
    | LegsMixed
    | LegsParted
    | LegMoved
    | LegArrived
    | TransferBegan
    | TransferCompleted
    | TransferFailed
    | LegHeld
    | LegResumed
    | LegEnded
    | CallTraced
    | CallTroubled
    | CallEnded
    | AccountRegistered
    | AccountUnregistered
    | PresencePublished
    | MailboxChanged
    | MessageSent
    | MessageDelivered
    | MessageRefused
    | MessageExpired
    | MessageLeft
    | MessageLost
    | MailboxFull
    | MailboxOpened
    | MailboxRefused
    | MessageMailed
    | MessageMailFailed
    | PlanPublished
    | FlowEnded
    | FlowSent
    | FlowPublished
    | CalendarOverridden
    | CallerQueued
    | CallerLeftQueue
    | CallbackRequested
    | CallbackDialled
    | CallbackEnded
    | AgentReserved
    | AgentReleased
    | ConversationEnded
    | AgentStateChanged
    | AgentWrapUpCoded
    | QueueAlarmChanged
    | CampaignStateChanged
    | RecordPreviewed
    | RecordSkipped
    | RecordDialled
    | RecordTried
    | RecordCoded
    | RecordClosed
    | CameraChanged
    | CameraJoined
    | CameraLeft
    | MeetingReminded
    | MemberChanged
    | MemberInvited
    | MemberJoined
    | MemberLeft
    | MemberRang
    | MemberResumed
    | MemberUnreached
    | MemberWaits
    | RoomChanged
    | RoomClosed
    | RoomOpened
    | RoomRecordingDeleted
    | RoomRecordingEnded
    | RoomRefused
    | SpeakerChanged
    | RecordingDecided
    | RecordingStarted
    | RecordingPaused
    | RecordingResumed
    | RecordingTroubled
    | RecordingFinished
    | StreamStarted
    | StreamFinished
    | SupervisionBegan
    | SupervisionModeChanged
    | SupervisionEnded
    | TrunkGatewayDown
    | TrunkGatewayUp
    | TrunkRegistered
    | TrunkRegistrationFailed
    | SourceBanned
    | BanLifted
    | SwitchStarted
    | SwitchStopped
)
"""What the event log may hold; its reader decodes to this union by each fact's tag."""

__all__ = [
    "AccountRegistered",
    "AccountUnregistered",
    "AgentReleased",
    "AgentReserved",
    "AgentState",
    "AgentStateChanged",
    "AgentWrapUpCoded",
    "AlarmLevel",
    "AnyFact",
    "BanLifted",
    "CalendarOverridden",
    "CallAnswered",
    "CallEnded",
    "CallFact",
    "CallForwarded",
    "CallOffered",
    "CallResult",
    "CallRouted",
    "CallTraced",
    "CallTroubled",
    "CallbackDialled",
    "CallbackEnded",
    "CallbackRequested",
    "CallerIdentified",
    "CallerLeftQueue",
    "CallerQueued",
    "CameraChanged",
    "CameraJoined",
    "CameraLeft",
    "CampaignFact",
    "CampaignState",
    "CampaignStateChanged",
    "ConversationEnded",
    "Fact",
    "FlowEnded",
    "FlowPublished",
    "FlowSent",
    "FlowStep",
    "LegAnswered",
    "LegArrived",
    "LegClues",
    "LegDialed",
    "LegEnded",
    "LegHeld",
    "LegMoved",
    "LegRang",
    "LegResumed",
    "LegVideo",
    "LegsBridged",
    "LegsMixed",
    "LegsParted",
    "MailboxChanged",
    "MailboxFact",
    "MailboxFull",
    "MailboxOpened",
    "MailboxRefused",
    "MediaFigures",
    "MeetingReminded",
    "MemberChanged",
    "MemberInvited",
    "MemberJoined",
    "MemberLeft",
    "MemberRang",
    "MemberResumed",
    "MemberRole",
    "MemberUnreached",
    "MemberWaits",
    "MessageDelivered",
    "MessageExpired",
    "MessageFact",
    "MessageLeft",
    "MessageLost",
    "MessageMailFailed",
    "MessageMailed",
    "MessageRefused",
    "MessageSent",
    "Outcome",
    "PlanPublished",
    "PresencePublished",
    "QueueAlarmChanged",
    "RecordClosed",
    "RecordCoded",
    "RecordDialled",
    "RecordPreviewed",
    "RecordSkipped",
    "RecordTried",
    "RecordingDecided",
    "RecordingFinished",
    "RecordingPaused",
    "RecordingResumed",
    "RecordingStarted",
    "RecordingTroubled",
    "RoomChanged",
    "RoomClosed",
    "RoomFact",
    "RoomMode",
    "RoomOpened",
    "RoomRecordingDeleted",
    "RoomRecordingEnded",
    "RoomRefused",
    "RoutingStep",
    "SourceBanned",
    "SpeakerChanged",
    "StreamFinished",
    "StreamStarted",
    "SupervisionBegan",
    "SupervisionEnded",
    "SupervisionModeChanged",
    "SwitchStarted",
    "SwitchStopped",
    "TraceLine",
    "TransferBegan",
    "TransferCompleted",
    "TransferFailed",
    "Trouble",
    "TrunkGatewayDown",
    "TrunkGatewayUp",
    "TrunkRegistered",
    "TrunkRegistrationFailed",
    "VideoFigures",
]
