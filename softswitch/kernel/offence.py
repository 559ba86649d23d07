"""What a source does that no honest one does."""

from enum import Enum


class Offence(Enum):
    """Of each kind a number is allowed; see `softswitch.features.bans.model`."""

    PASSWORD = "password"
    """It answered our challenge with wrong credentials. The answer holds a nonce that we sent there, so nobody can do
    this in another's name."""
    NAMES = "names"
    """It asks in many names and proves to be none of them."""
    AGENT = "agent"
    """It says that it is a scanner."""
    FLOOD = "flood"
    """It goes on sending more than a source may."""
    MALFORMED = "malformed"
    """It sends what cannot be read."""
