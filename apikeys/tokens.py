"""API keys as text: how they are made, recognised and reduced to what is stored.

A key is ``ak_``, then 32 random letters and digits (190 bits), then a CRC-32 of what comes before it in six
letters and digits. The fixed beginning and the checksum let secret scanners find a leaked key without false
alarms, and let us refuse a mistyped one without asking the database; the layout is GitHub's for its tokens
(https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_START: Final = "ak_"
_RANDOM_LENGTH: Final = 32
_CHECKSUM_LENGTH: Final = 6

KEY_LENGTH: Final = len(_START) + _RANDOM_LENGTH + _CHECKSUM_LENGTH
#: What stays visible of a key, as the aividect document shows it: ``ak_x7Kp9mN2``.
PREFIX_LENGTH: Final = len(_START) + 8
#: For secret scanners; ``docs/operators.md`` gives it to their operators.
KEY_PATTERN: Final = rf"\b{_START}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}\b"

_SHAPE: Final = re.compile(KEY_PATTERN.removeprefix(r"\b").removesuffix(r"\b"))


def make_key() -> str:
    """A new key from the system's source of randomness."""
    secret = _START + "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM_LENGTH))
    return secret + _checksum(secret)


def is_well_formed(key: str) -> bool:
    """Whether a text can be a key of ours at all: length, letters and checksum, in this order."""
    if len(key) != KEY_LENGTH or _SHAPE.fullmatch(key) is None:
        return False
    return key[-_CHECKSUM_LENGTH:] == _checksum(key[:-_CHECKSUM_LENGTH])


def prefix_of(key: str) -> str:
    """The visible beginning by which a person tells keys apart."""
    return key[:PREFIX_LENGTH]


def digest_of(key: str) -> str:
    """What is stored in place of the key: its SHA-256 in hexadecimal.

    A key has 190 random bits, so that a slow hash, made for passwords that people choose, would add nothing.
    """
    return hashlib.sha256(key.encode()).hexdigest()


def _checksum(text: str) -> str:
    value, letters = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        value, digit = divmod(value, len(_DIGITS))
        letters = _DIGITS[digit] + letters
    return letters
