"""What a trunk is, in words and rules without I/O."""

from softswitch.features.trunks.model.group import RETRY_ON, GroupRules, Member, ordered, worth_retrying
from softswitch.features.trunks.model.health import GatewayHealth, LineState, TrunkHealth
from softswitch.features.trunks.model.limits import LimitRules, Load
from softswitch.features.trunks.model.numbers import NumberRules, sent
from softswitch.features.trunks.model.rules import (
    EnrolRules,
    FailoverRules,
    Gateway,
    HealthRules,
    IdentityRules,
    LoginRules,
    PbxRules,
    PeerRules,
    TrunkRules,
    check_rules,
    merged,
)
from softswitch.features.trunks.model.shown import Arrived, Shown, arrived, shown_to
from softswitch.features.trunks.model.sources import Network, Sources
from softswitch.features.trunks.model.trunk import Trunk, escape_user, gateway_target, ha1, numbered

__all__ = [
    "RETRY_ON",
    "Arrived",
    "EnrolRules",
    "FailoverRules",
    "Gateway",
    "GatewayHealth",
    "GroupRules",
    "HealthRules",
    "IdentityRules",
    "LimitRules",
    "LineState",
    "Load",
    "LoginRules",
    "Member",
    "Network",
    "NumberRules",
    "PbxRules",
    "PeerRules",
    "Shown",
    "Sources",
    "Trunk",
    "TrunkHealth",
    "TrunkRules",
    "arrived",
    "check_rules",
    "escape_user",
    "gateway_target",
    "ha1",
    "merged",
    "numbered",
    "ordered",
    "sent",
    "shown_to",
    "worth_retrying",
]
