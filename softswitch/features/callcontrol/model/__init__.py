"""What a call's facts say, pure: a live call at a glance, and the whole story as a trace."""

from softswitch.features.callcontrol.model.live import CallView, LegView, view
from softswitch.features.callcontrol.model.trace import Decision, LegTrace, Trace, as_text, trace

__all__ = ["CallView", "Decision", "LegTrace", "LegView", "Trace", "as_text", "trace", "view"]
