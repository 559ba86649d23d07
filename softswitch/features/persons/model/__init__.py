"""People with one number, as values, and who of their devices rings for a call. Pure."""

from softswitch.features.persons.model.decision import (
    AccountState,
    Decision,
    Situation,
    Turn,
    decide,
    final_step,
    later_step,
)
from softswitch.features.persons.model.document import Device, Person, checked, dialled, with_device, without_device

__all__ = [
    "AccountState",
    "Decision",
    "Device",
    "Person",
    "Situation",
    "Turn",
    "checked",
    "decide",
    "dialled",
    "final_step",
    "later_step",
    "with_device",
    "without_device",
]
