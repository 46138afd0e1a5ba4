"""What the domain says when it will not do a thing.

A `Refusal` is an answer to a person: a Chinese sentence naming what is wrong and what to do next. `ScopeMissing` and
`WallBreach` are mistakes of the program itself; they are never shown to a user and never caught as a refusal.
"""

from typing import Any

NOT_FOUND = "没有找到这条记录。它可能不存在，或不在您的管理范围内。请返回列表重新选择。"
STALE = "这条记录在您打开之后已被他人修改。请对照最新内容，重新填写后再保存。"


class Refusal(Exception):
    """The domain declines; nothing has been changed.

    `code` is stable and English, for JSON and tests; `message` is Chinese and says what is wrong and the way out;
    `field` names the field at fault and `value` the text refused, None where neither applies.
    """

    def __init__(self, *, code: str, message: str, field: str | None = None, value: str | None = None) -> None:
        """Keep the four parts; `message` alone is the exception's text."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.value = value

    def __str__(self) -> str:
        """Return the Chinese sentence, nothing else."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way between processes, which Python's own exceptions with named arguments do not."""
        return _rebuilt, (type(self), self.as_json())

    def as_json(self) -> dict[str, str | None]:
        """Return the four parts under stable keys, for `--json` and for answers to scripts."""
        return {"code": self.code, "message": self.message, "field": self.field, "value": self.value}


def _rebuilt(kind: type[Refusal], parts: dict[str, Any]) -> Refusal:
    """Build a refusal again from its class and its four parts."""
    return kind(**parts)


class NotFound(Refusal):
    """The id is missing or belongs to another office: one sentence for both, so that neither can be told apart."""

    def __init__(
        self,
        *,
        code: str = "not_found",
        message: str = NOT_FOUND,
        field: str | None = None,
        value: str | None = None,
    ) -> None:
        """Answer with the common sentence unless the caller has a better one that still betrays nothing."""
        super().__init__(code=code, message=message, field=field, value=value)


class Conflict(Refusal):
    """The record changed since it was read (a stale edit); nothing was overwritten."""

    def __init__(
        self,
        *,
        code: str = "conflict",
        message: str = STALE,
        field: str | None = None,
        value: str | None = None,
    ) -> None:
        """Answer with the common sentence unless the caller can say who changed what."""
        super().__init__(code=code, message=message, field=field, value=value)


class SettingsError(Refusal):
    """A setting or a policy table is missing, contradictory or unreadable; the program does not start."""

    def __init__(
        self,
        *,
        message: str,
        code: str = "settings",
        field: str | None = None,
        value: str | None = None,
    ) -> None:
        """Require the sentence: there is no common one for settings."""
        super().__init__(code=code, message=message, field=field, value=value)


class ScopeMissing(RuntimeError):
    """A statement was about to run without a scope. A programming error: closed by default, never a user's answer."""


class WallBreach(RuntimeError):
    """A statement or row was about to cross the wall between offices. A programming error, never a user's answer."""
