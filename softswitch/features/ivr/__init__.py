"""What callers hear, and where their keys lead: flows, each one coroutine in Python or one document in YAML.

A flow in `ivr_flows/` imports what it needs from here.
"""

from softswitch.features.ivr.journey import Text
from softswitch.features.ivr.runtime import Flow
from softswitch.kernel.destination import Destination

__all__ = ["Destination", "Flow", "Text"]
