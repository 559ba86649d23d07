"""How prompts join the switch."""

from pathlib import Path

from softswitch.feature import Feature
from softswitch.features.prompts.api import build_router
from softswitch.features.prompts.call_app import record_app
from softswitch.features.prompts.service import Library


def build(library: Library, data: Path) -> Feature:
    """Prompts over HTTP and by phone; the media engine's gateway looks into `Library.own`. `data`: the data folder,
    where callers are recorded."""
    return Feature("prompts", call_apps={"record-prompt": record_app(library.take, data)}, router=build_router(library))
