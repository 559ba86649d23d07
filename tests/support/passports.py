"""An authority for callers' passports, with a key for each signer it vouches for."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


class Authority:
    """A root, in PEM, and certificates below it."""

    def __init__(self, name: str = "Authority") -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(self.name, self.key.public_key(), ca=True, days=36500)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def vouches(
        self,
        name: str = "Carrier",
        *,
        days: int = 36500,
        curve: ec.EllipticCurve | None = None,
        numbers: bytes | None = None,
        ca: bool = False,
    ) -> "Signer":
        """`numbers`: the TNAuthList, in DER."""
        key = ec.generate_private_key(curve or ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return Signer(key, self._sign(subject, key.public_key(), ca=ca, days=days, numbers=numbers))

    @classmethod
    def below(cls, signer: "Signer") -> "Authority":
        """One whose own certificate another authority has signed."""
        made = cls.__new__(cls)
        made.name, made.key, made.certificate = signer.certificate.subject, signer.key, signer.certificate
        return made

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool, days: int, numbers: bytes | None = None
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGINNING)
            .not_valid_after(BEGINNING + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if numbers is not None:
            oid = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.26")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, numbers), critical=False)
        return builder.sign(self.key, hashes.SHA256())


class Signer:
    """A key and its certificate."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.key, self.certificate = key, certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


def tn_auth_list(*entries: str | tuple[str, int]) -> bytes:
    """A TNAuthList in DER (RFC 8226 section 9): `spc:709J`, a number, or a first number and a count."""

    def element(tag: int, content: bytes) -> bytes:
        assert len(content) < 128
        return bytes((tag, len(content))) + content

    def text(words: str) -> bytes:
        return element(0x16, words.encode())

    written = b""
    for entry in entries:
        if isinstance(entry, tuple):
            first, count = entry
            number = element(0x02, count.to_bytes(4, "big", signed=True))
            written += element(0xA1, element(0x30, text(first) + number))
        elif entry.startswith("spc:"):
            written += element(0xA0, text(entry.removeprefix("spc:")))
        else:
            written += element(0xA2, text(entry))
    return element(0x30, written)
