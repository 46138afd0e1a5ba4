"""Passwords: how they are made, checked and stored. Nothing here knows whose they are."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tenant.errors import Refusal

SHORTEST, LONGEST = 12, 128
FEWEST_CHARACTERS = 5
GROUPS, GROUP_LENGTH = 4, 4
LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"
"""What a one-time password is drawn from: nothing that is mistaken for something else when read out."""

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the argon2id hash to store; takes some 0.2 s and 64 MiB on purpose."""
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Tell whether ``password`` is the one behind ``stored``; takes as long when there is none (None)."""
    try:
        _hasher.verify(stored or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def make_one_time_password() -> str:
    """Return a password to be read out once: four groups of four legible characters, some 79 bits."""
    drawn = ("".join(secrets.choice(LEGIBLE) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(drawn)


def require_acceptable(password: str, *, login: str) -> None:
    """Raise Refusal unless ``password`` may become the password of ``login``."""
    if not SHORTEST <= len(password) <= LONGEST:
        message = f"新密码要有 {SHORTEST} 到 {LONGEST} 个字符。可以用几个不相干的词连起来。"
    elif login.lower() in password.lower() or len(set(password)) < FEWEST_CHARACTERS:
        message = f"新密码太容易猜到：不能含有登录名，至少要有 {FEWEST_CHARACTERS} 个不同的字符。请换一个。"
    else:
        return
    raise Refusal(code="weak_password", message=message, field="password")


@cache
def _nobodys_hash() -> str:
    """Return a hash nobody has the password of, so that an unknown login costs what a known one costs."""
    return _hasher.hash(secrets.token_urlsafe(24))
