"""Secrets that must be read back, such as the password that a carrier asks us for, encrypted at rest.

What only has to be recognised (tokens, passwords of phones) is hashed instead and never comes here.
"""

import base64
import binascii
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from softswitch.kernel.errors import SwitchError

_VERSION = "v1."
_KEY = 32
_NONCE = 12


class VaultError(SwitchError):
    """A key file or a sealed secret that cannot be used."""


class Vault:
    """AES-256-GCM under a key that lies in a file of its own, outside the database and its backups.

    `purpose` names what a secret is for (`trunk/carrier/password`): sealed for one, it does not open for another, so
    that nobody who can write rows can have one shown as something else.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._key = key

    @classmethod
    def at(cls, path: Path) -> "Vault":
        """The vault whose key is in a file, which is made when it does not exist (readable by its owner only).

        Raises VaultError naming the file.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return cls(_read(path))
            with os.fdopen(handle, "wb") as file:
                file.write(base64.b64encode(key := os.urandom(_KEY)) + b"\n")
        except OSError as error:
            raise VaultError(f"the key file {path} cannot be used: {error.strerror}") from error
        return cls(key)

    def seal(self, secret: str, purpose: str) -> str:
        """A secret as it may be stored."""
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, secret.encode(), purpose.encode())
        return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, purpose: str) -> str:
        """The secret again. Raises VaultError when it was sealed under another key, or for another purpose."""
        try:
            if not sealed.startswith(_VERSION):
                raise ValueError
            raw = base64.urlsafe_b64decode(sealed[len(_VERSION) :])
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], purpose.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise VaultError(f"the secret for {purpose} was not sealed with this switch's key file") from None

    def token(self, purpose: str) -> str:
        """A token that nobody can guess and that stays the same for a purpose: 32 hexadecimal digits."""
        return hmac.digest(self._key, purpose.encode(), "sha256").hex()[:32]


def _read(path: Path) -> bytes:
    try:
        key = base64.b64decode(path.read_bytes(), validate=False)
    except binascii.Error:
        key = b""
    if len(key) != _KEY:
        raise VaultError(f"the key file {path} holds no key of {_KEY} bytes in base64")
    return key
