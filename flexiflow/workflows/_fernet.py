"""Encrypt small texts into Fernet tokens, with or without ``cryptography``.

One form for both: what was written on a machine that has the package is read on one
that has not. With it, its code does the work; without, a plain Python AES does.

References
----------
The Fernet specification, version 0x80: https://github.com/fernet/spec
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import struct
import time
from typing import Final, Protocol, final

from ._aes import BLOCK_BYTES, decrypt_cbc, encrypt_cbc

__all__ = ["KEY_BYTES", "Cipher", "PlainFernet", "TokenError", "cipher_of", "new_key"]

KEY_BYTES: Final = 32
"""The length of a key: one half signs, the other encrypts."""
_VERSION: Final = 0x80
_HEAD_BYTES: Final = 1 + 8 + BLOCK_BYTES
_MAC_BYTES: Final = 32


class TokenError(Exception):
    """A token was made with another key, or has been changed."""


class Cipher(Protocol):
    """What turns bytes into tokens and back."""

    def encrypt(self, data: bytes) -> bytes:
        """Return a token: printable, and different each time."""

    def decrypt(self, token: bytes) -> bytes:
        """Return what a token holds, or raise TokenError."""


def new_key() -> bytes:
    """Return a random key, as text of 44 characters that Fernet takes everywhere."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES))


def cipher_of(key: bytes) -> Cipher:
    """Return the best cipher that is installed, for a key of 32 bytes."""
    try:
        # optional: imported when secrets are used, not with the workflows
        from cryptography import fernet  # noqa: PLC0415
    except ImportError:
        return PlainFernet(key)
    return _Installed(fernet.Fernet(base64.urlsafe_b64encode(key)), fernet.InvalidToken)


@final
class _Installed:
    """The cipher of the package ``cryptography``."""

    def __init__(self, fernet: Cipher, refusal: type[Exception]) -> None:
        self._fernet = fernet
        self._refusal = refusal

    def encrypt(self, data: bytes) -> bytes:
        return self._fernet.encrypt(data)

    def decrypt(self, token: bytes) -> bytes:
        try:
            return self._fernet.decrypt(token)
        except self._refusal as error:
            raise TokenError from error


@final
class PlainFernet:
    """The same cipher with nothing but the standard library.

    Parameters
    ----------
    key : bytes
        32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._signing, self._secret = key[:BLOCK_BYTES], key[BLOCK_BYTES:]

    def encrypt(self, data: bytes) -> bytes:
        """Return a token."""
        missing = BLOCK_BYTES - len(data) % BLOCK_BYTES
        start = os.urandom(BLOCK_BYTES)
        signed = struct.pack(">BQ", _VERSION, int(time.time())) + start
        signed += encrypt_cbc(self._secret, start, data + bytes([missing]) * missing)
        return base64.urlsafe_b64encode(signed + self._mac(signed))

    def decrypt(self, token: bytes) -> bytes:
        """Return what a token holds.

        Raises
        ------
        TokenError
            If it was made with another key, or is damaged.
        """
        try:
            whole = base64.urlsafe_b64decode(token)
        except (binascii.Error, ValueError) as error:
            raise TokenError from error
        signed, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
        if len(signed) < _HEAD_BYTES or signed[0] != _VERSION:
            raise TokenError
        if not hmac.compare_digest(mac, self._mac(signed)):
            raise TokenError
        start, text = signed[_HEAD_BYTES - BLOCK_BYTES : _HEAD_BYTES], signed[25:]
        padded = decrypt_cbc(self._secret, start, text)
        missing = padded[-1] if padded else 0
        if not 1 <= missing <= BLOCK_BYTES or len(text) % BLOCK_BYTES:
            raise TokenError
        return padded[:-missing]

    def _mac(self, signed: bytes) -> bytes:
        """Return the signature of bytes."""
        return hmac.digest(self._signing, signed, hashlib.sha256)
