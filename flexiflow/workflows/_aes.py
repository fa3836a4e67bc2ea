"""AES-128 in plain Python, for machines without the package ``cryptography``.

A few hundred bytes at a time: it is right, not fast, and its time depends on the data.
That serves what lies on a disk and is read by its owner, not a server's answers.

References
----------
NIST FIPS 197, Advanced Encryption Standard; NIST SP 800-38A, section 6.2 (CBC).
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

__all__ = ["BLOCK_BYTES", "decrypt_cbc", "encrypt_cbc"]

BLOCK_BYTES: Final = 16
"""The length of a block, and of a key."""
_ROUNDS: Final = 10


def _times(a: int, b: int) -> int:
    """Multiply in the field of 256 elements, modulo x^8 + x^4 + x^3 + x + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _make_box() -> bytes:
    """Return the table of SubBytes (FIPS 197, section 5.1.1)."""
    box = [0x63] * 256
    power = inverse = 1
    for _ in range(255):
        rotated = inverse
        image = 0x63 ^ inverse
        for _ in range(4):
            rotated = ((rotated << 1) | (rotated >> 7)) & 0xFF
            image ^= rotated
        box[power] = image
        # 3 runs through all elements but 0; 0xF6, its inverse, runs against it
        power, inverse = _times(power, 3), _times(inverse, 0xF6)
    return bytes(box)


class _Tables(NamedTuple):
    """What bytes are looked up in."""

    box: bytes
    """SubBytes."""
    unbox: bytes
    """Its inverse."""
    by: dict[int, bytes]
    """The multiples of all bytes that MixColumns and its inverse need."""


@cache
def _tables() -> _Tables:
    """Return the tables, made when they are first needed: it takes some ms."""
    box = _make_box()
    by = {
        factor: bytes(_times(value, factor) for value in range(256))
        for factor in (1, 2, 3, 9, 11, 13, 14)
    }
    return _Tables(box, bytes(box.index(value) for value in range(256)), by)


_SHIFT: Final = tuple((5 * place) % 16 for place in range(16))
"""Where each byte of a block comes from in ShiftRows; a block is four columns."""
_UNSHIFT: Final = tuple((13 * place) % 16 for place in range(16))
_MIX: Final = (2, 3, 1, 1)
_UNMIX: Final = (14, 11, 13, 9)


def _expand(key: bytes) -> list[bytes]:
    """Return the eleven keys of the rounds (section 5.2)."""
    words = [key[at : at + 4] for at in range(0, BLOCK_BYTES, 4)]
    constant = 1
    for index in range(4, 4 * (_ROUNDS + 1)):
        word = words[-1]
        if index % 4 == 0:
            word = (word[1:] + word[:1]).translate(_tables().box)
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _times(constant, 2)
        words.append(_xor(word, words[index - 4]))
    return [b"".join(words[at : at + 4]) for at in range(0, len(words), 4)]


def _xor(one: bytes, other: bytes) -> bytes:
    """Add two texts of one length, bit by bit."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _mixed(block: bytes, factors: tuple[int, ...]) -> bytes:
    """Multiply each column by a matrix whose rows are the factors, turned."""
    first, second, third, fourth = (_tables().by[factor] for factor in factors)
    found = bytearray()
    for at in range(0, BLOCK_BYTES, 4):
        column = block[at : at + 4]
        for row in range(4):
            a, b, c, d = column[row:] + column[:row]
            found.append(first[a] ^ second[b] ^ third[c] ^ fourth[d])
    return bytes(found)


def _encrypt_block(keys: list[bytes], block: bytes) -> bytes:
    """Encrypt 16 bytes (section 5.1)."""
    block = _xor(block, keys[0])
    for key in keys[1:]:
        block = block.translate(_tables().box)
        block = bytes(block[place] for place in _SHIFT)
        if key is not keys[-1]:
            block = _mixed(block, _MIX)
        block = _xor(block, key)
    return block


def _decrypt_block(keys: list[bytes], block: bytes) -> bytes:
    """Decrypt 16 bytes (section 5.3)."""
    for key in reversed(keys[1:]):
        block = _xor(block, key)
        if key is not keys[-1]:
            block = _mixed(block, _UNMIX)
        block = bytes(block[place] for place in _UNSHIFT)
        block = block.translate(_tables().unbox)
    return _xor(block, keys[0])


def encrypt_cbc(key: bytes, start: bytes, text: bytes) -> bytes:
    """Encrypt whole blocks, each mixed with the one before it.

    Parameters
    ----------
    key : bytes
        16 bytes.
    start : bytes
        16 bytes, random and used once: mixed with the first block.
    text : bytes
        A multiple of 16 bytes.
    """
    keys = _expand(key)
    found = [start]
    for at in range(0, len(text), BLOCK_BYTES):
        found.append(_encrypt_block(keys, _xor(text[at : at + BLOCK_BYTES], found[-1])))
    return b"".join(found[1:])


def decrypt_cbc(key: bytes, start: bytes, text: bytes) -> bytes:
    """Decrypt what :func:`encrypt_cbc` has made of the same key and start."""
    keys = _expand(key)
    found = []
    for at in range(0, len(text), BLOCK_BYTES):
        block = text[at : at + BLOCK_BYTES]
        found.append(_xor(_decrypt_block(keys, block), start))
        start = block
    return b"".join(found)
