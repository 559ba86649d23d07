"""Certificates: the ones we show, by the name that is asked for, changed while calls go on; and whom we believe."""

import ssl
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import structlog
from cryptography import x509
from msgspec import Struct

from softswitch.kernel.errors import Invalid

log = structlog.get_logger(__name__)


class TlsSettings(Struct, frozen=True, kw_only=True):
    """What is shown and what is demanded."""

    certificates: tuple[Path, ...] = ()
    """Each a PEM file that holds the chain and its key, or a folder with `fullchain.pem` and `privkey.pem`. The first
    is shown to those who ask for no name, or for one that no other has."""
    client_certificates: Literal["no", "optional", "required"] = "no"
    """Whether those who connect must show one."""
    client_authority: Path | None = None
    """Who signs the certificates of those who connect; None: those whom this machine trusts."""
    authority: Path | None = None
    """Who signs the certificates of servers that we connect to; None: those whom this machine trusts."""
    verify: bool = True
    """Whether a server that we connect to must prove its name."""


class Certificate(Struct, frozen=True):
    """One that is shown."""

    path: str
    names: tuple[str, ...]
    """The domains it is for."""
    expires_at: datetime


class _Loaded(Struct, frozen=True):
    shown: Certificate
    context: ssl.SSLContext


class Certificates:
    """The contexts of all TLS listeners and connections.

    A listener keeps its one context for good; which certificate a handshake shows is chosen by `_choose` from what was
    loaded last, so new ones are shown from the next handshake on, and connections that are up stay up.
    """

    def __init__(self, settings: TlsSettings) -> None:
        """Raises Invalid naming the file that is no certificate, or has no fitting key."""
        self._settings = settings
        self._seen: tuple[object, ...] = ()
        self._loaded: tuple[_Loaded, ...] = ()
        self.client = self._client_context()
        """For connections that we make."""
        self.server = self._server_context()
        """For those who connect to us."""
        self.server.sni_callback = self._choose
        self.reload()

    @property
    def shown(self) -> Sequence[Certificate]:
        """What is shown now."""
        return [loaded.shown for loaded in self._loaded]

    def reload(self) -> None:
        """Read all files anew. Raises Invalid naming the one that is not good; then everything stays as it was."""
        loaded = tuple(self._load(path) for path in self._settings.certificates)
        self._seen = self._look()
        self._loaded = loaded
        if loaded:
            chain = _files(self._settings.certificates[0])
            self.server.load_cert_chain(*chain)
            self.client.load_cert_chain(*chain)

    def reload_if_changed(self) -> None:
        """Read the files anew where one has changed since. What is not good is logged, and the old one stays."""
        seen = self._look()
        if seen == self._seen:
            return
        # A file that is half written now will have changed again by the next look; one that stays bad is told once.
        self._seen = seen
        try:
            self.reload()
        except Invalid as error:
            log.error("a new certificate is not good; the old one stays", error=str(error))
        else:
            log.info("new certificates are shown", names=[c.names for c in self.shown])

    def _look(self) -> tuple[object, ...]:
        seen: list[object] = []
        for path in self._settings.certificates:
            for file in _files(path):
                try:
                    state = file.stat()
                    seen.append((state.st_mtime_ns, state.st_size, state.st_ino))
                except OSError:
                    seen.append(None)
        return tuple(seen)

    def _load(self, path: Path) -> _Loaded:
        chain, key = _files(path)
        context = self._server_context()
        try:
            certificate = x509.load_pem_x509_certificates(chain.read_bytes())[0]
            context.load_cert_chain(chain, key)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise Invalid(str(path), f"this is no certificate with its key: {error}") from error
        return _Loaded(Certificate(str(path), _names(certificate), certificate.not_valid_after_utc), context)

    def _choose(self, handshake: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
        """Server Name Indication (RFC 6066 section 3)."""
        if self._loaded:
            asked = (name or "").lower()
            wildcard = "*." + asked.partition(".")[2]
            chosen = next((each for each in self._loaded if asked in each.shown.names), None) or next(
                (each for each in self._loaded if wildcard in each.shown.names), self._loaded[0]
            )
            handshake.context = chosen.context
        return None

    def _server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        settings = self._settings
        if settings.client_certificates != "no":
            required = settings.client_certificates == "required"
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
            _trust(context, settings.client_authority, ssl.Purpose.CLIENT_AUTH)
        return context

    def _client_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._settings.verify:
            _trust(context, self._settings.authority, ssl.Purpose.SERVER_AUTH)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def peer_names(certificate: "dict[str, Any] | None") -> tuple[str, ...]:
    """Whom a verified certificate is for, of those that `getpeercert` gives: domains and SIP URIs (RFC 5922 section
    7.1: the common name counts only where there are none)."""
    if not certificate:
        return ()
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "URI")]
    if not names:
        names = [value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"]
    return tuple(name.lower() for name in names)


def _files(path: Path) -> tuple[Path, Path]:
    """The file of the chain and the file of the key."""
    return (path / "fullchain.pem", path / "privkey.pem") if path.is_dir() else (path, path)


def _trust(context: ssl.SSLContext, authority: Path | None, purpose: ssl.Purpose) -> None:
    if authority is None:
        context.load_default_certs(purpose)
        return
    try:
        context.load_verify_locations(authority)
    except OSError as error:
        raise Invalid(str(authority), f"these are no certificates of an authority: {error}") from error


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return tuple(str(attribute.value).lower() for attribute in common)
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))
