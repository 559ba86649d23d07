"""What a trunk is, in words and rules without I/O."""

from softswitch.features.trunks.model.health import GatewayHealth, LineState, TrunkHealth
from softswitch.features.trunks.model.rules import (
    EnrolRules,
    Gateway,
    HealthRules,
    LoginRules,
    PeerRules,
    TrunkRules,
    check_rules,
    merged,
)
from softswitch.features.trunks.model.sources import Network, Sources
from softswitch.features.trunks.model.trunk import Trunk, escape_user, gateway_target, ha1

__all__ = [
    "EnrolRules",
    "Gateway",
    "GatewayHealth",
    "HealthRules",
    "LineState",
    "LoginRules",
    "Network",
    "PeerRules",
    "Sources",
    "Trunk",
    "TrunkHealth",
    "TrunkRules",
    "check_rules",
    "escape_user",
    "gateway_target",
    "ha1",
    "merged",
]
