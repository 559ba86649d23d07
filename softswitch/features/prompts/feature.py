"""How prompts join the switch."""

from softswitch.feature import Feature
from softswitch.features.prompts.api import build_router
from softswitch.features.prompts.service import Library


def build(library: Library) -> Feature:
    """Prompts over HTTP; the media engine's gateway looks into `Library.own`."""
    return Feature("prompts", router=build_router(library))
