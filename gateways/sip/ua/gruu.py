"""Globally routable user agent URIs (RFC 5627): addresses of one device, for whoever wants to reach no other.

A public one names the account and the device; a temporary one tells neither, and needs no table: it is a sealed note to
ourselves (RFC 5627 appendix A.2 describes the same).
"""

import base64
import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateways._native import SipUri

_PREFIX = "tgruu."
_NONCE = 12
_PARTS = 2


class Device(NamedTuple):
    """One device of an account."""

    aor: str
    instance: str
    """Its `+sip.instance`, such as `urn:uuid:…`."""


class Gruus:
    """Gives and reads them."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 random bytes; temporary ones hold for as long as it does."""
        self._sealed = AESGCM(key)

    def public(self, device: Device, host: str) -> str:
        """`pub-gruu` of a device, of an account at `host`."""
        return f"sip:{device.aor}@{host};gr={device.instance}"

    def temporary(self, device: Device, host: str, nonce: bytes) -> str:
        """`temp-gruu` of a device; another `nonce` (12 random bytes) gives another, and all hold."""
        sealed = self._sealed.encrypt(nonce, "\0".join(device).encode(), None)
        text = base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")
        return f"sip:{_PREFIX}{text}@{host};gr"

    def device(self, uri: SipUri) -> Device | None:
        """Which device a URI is for; None: it is no such URI, or a temporary one that was never ours."""
        user, instance = uri.user or "", uri.param("gr")
        if instance is None:
            return None
        if instance:
            return Device(user, instance)
        if not user.startswith(_PREFIX):
            return None
        text = user.removeprefix(_PREFIX)
        try:
            noted = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            parts = self._sealed.decrypt(noted[:_NONCE], noted[_NONCE:], None).decode().split("\0")
        except (binascii.Error, InvalidTag, ValueError):
            return None
        return Device(*parts) if len(parts) == _PARTS else None
