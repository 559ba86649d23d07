"""SRTP in plain Python, for parties of a test: AES_CM_128_HMAC_SHA1_80 written a second time, from RFC 3711 alone."""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TAG = 10


def _keystream(key: bytes, iv: int, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CTR(iv.to_bytes(16))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


class Srtp:
    """One direction under one master key; sequence numbers must not wrap."""

    def __init__(self, master: bytes) -> None:
        key, salt = master[:16], int.from_bytes(master[16:30])

        def derived(label: int, length: int) -> bytes:
            # Section 4.3.1, at a key derivation rate of 0.
            return _keystream(key, (salt ^ label << 48) << 16, bytes(length))

        self._rtp = derived(0, 16), derived(1, 20), int.from_bytes(derived(2, 14))
        self._rtcp = derived(3, 16), derived(4, 20), int.from_bytes(derived(5, 14))

    def protect(self, packet: bytes) -> bytes:
        """An RTP packet without contributing sources."""
        sequence, ssrc = struct.unpack("!H", packet[2:4])[0], packet[8:12]
        sealed = packet[:12] + self._crypt(self._rtp, ssrc, sequence, packet[12:])
        return sealed + self._tag(self._rtp, sealed + bytes(4))

    def open(self, packet: bytes) -> bytes:
        """The plain RTP packet; AssertionError where the tag is wrong."""
        sealed, tag = packet[:-TAG], packet[-TAG:]
        assert tag == self._tag(self._rtp, sealed + bytes(4)), "not under this key"
        sequence, ssrc = struct.unpack("!H", sealed[2:4])[0], sealed[8:12]
        return sealed[:12] + self._crypt(self._rtp, ssrc, sequence, sealed[12:])

    def protect_rtcp(self, packet: bytes, index: int) -> bytes:
        sealed = packet[:8] + self._crypt(self._rtcp, packet[4:8], index, packet[8:])
        sealed += struct.pack("!I", 1 << 31 | index)
        return sealed + self._tag(self._rtcp, sealed)

    def open_rtcp(self, packet: bytes) -> bytes:
        sealed, tag = packet[:-TAG], packet[-TAG:]
        assert tag == self._tag(self._rtcp, sealed), "not under this key"
        (word,) = struct.unpack("!I", sealed[-4:])
        assert word >> 31, "not encrypted"
        return sealed[:8] + self._crypt(self._rtcp, sealed[4:8], word & 0x7FFF_FFFF, sealed[8:-4])

    @staticmethod
    def _crypt(keys: tuple[bytes, bytes, int], ssrc: bytes, index: int, data: bytes) -> bytes:
        # Section 4.1.1.
        iv = (keys[2] << 16) ^ (int.from_bytes(ssrc) << 64) ^ (index << 16)
        return _keystream(keys[0], iv, data)

    @staticmethod
    def _tag(keys: tuple[bytes, bytes, int], data: bytes) -> bytes:
        return hmac.digest(keys[1], data, hashlib.sha1)[:TAG]
