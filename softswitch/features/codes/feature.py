"""How codes join the switch."""

from softswitch.feature import Feature
from softswitch.features.codes.api import build_router
from softswitch.features.codes.needs import DialledCodes
from softswitch.features.codes.service import Codes


def build(codes: Codes, dialled: DialledCodes) -> Feature:
    """Codes over HTTP; calls ask `Codes.keypad`."""
    return Feature("codes", router=build_router(codes, dialled))
