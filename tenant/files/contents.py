"""What a file is, by its content and not by its name; and what of it is kept (A-C9)."""

import hashlib
from dataclasses import dataclass

import filetype

from tenant.errors import Refusal
from tenant.rules.attachments import FORMATS, MEGABYTE, PICTURE, TAKEN, Format, kept_name
from tenant.rules.terms import AttachmentKind
from tenant.texts import storable

_LOOKED_AT = 1024
_MARKUP = (b"<svg", b"<html", b"<!doctype", b"<?xml", b"<script", b"<head", b"<body")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file as it is kept; ``thumbnail`` and the measures in pixels are None for what is no picture.

    ``digest`` is the SHA-256 of ``content``, which is what is kept and not what came.
    """

    kind: AttachmentKind
    media_type: str
    name: str
    content: bytes
    digest: str
    thumbnail: bytes | None = None
    width: int | None = None
    height: int | None = None


def prepared(name: str, content: bytes, largest: int) -> Prepared:
    """Return a file as it is kept: a picture drawn anew, anything else as it came.

    Raises Refusal for an empty file, one of more than ``largest`` bytes, and what is neither photo, recording nor PDF.
    """
    shown = " ".join(storable(name).split())[:80] or "（无名文件）"
    form = _format(shown, content, largest)
    if form is not PICTURE:
        digest = hashlib.sha256(content).hexdigest()
        return Prepared(form.kind, form.media_type, kept_name(name, form), content, digest)
    from tenant.files.pictures import drawn_anew  # noqa: PLC0415 - who takes in no picture waits for no decoder

    drawn = drawn_anew(shown, content)
    return Prepared(
        form.kind,
        form.media_type,
        kept_name(name, form),
        drawn.content,
        hashlib.sha256(drawn.content).hexdigest(),
        drawn.thumbnail,
        drawn.width,
        drawn.height,
    )


def _format(shown: str, content: bytes, largest: int) -> Format:
    """Return the format of ``content``. Raises Refusal where it is none that is taken."""
    if not content:
        message = f"「{shown}」是空文件（0 字节），没有保存。请确认文件能正常打开后重新选择。"
        raise Refusal(code="empty_file", message=message, field="files", value=shown)
    if len(content) > largest:
        message = (
            f"「{shown}」有 {len(content) / MEGABYTE:.1f} MB，超过单个文件 {largest // MEGABYTE} MB 的上限。"
            "请压缩或分成几个文件后再上传。"
        )
        raise Refusal(code="file_too_large", message=message, field="files", value=shown)
    guessed = filetype.guess(content)
    form = FORMATS.get(guessed.mime) if guessed is not None else None
    if form is None:
        raise _stranger(shown, content, guessed.extension if guessed is not None else None)
    return form


def _stranger(shown: str, content: bytes, ending: str | None) -> Refusal:
    head = content[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(_MARKUP):
        reason = "的内容是网页或矢量图（HTML、SVG），可能带有程序"
    elif ending is not None:
        reason = f"的内容是 {ending.upper()} 格式"
    else:
        reason = "的内容无法识别，与文件名无关"
    message = f"「{shown}」{reason}，没有保存。可以上传{TAKEN}；其他资料请另存为 PDF 或截图后上传。"
    return Refusal(code="format_not_taken", message=message, field="files", value=shown)
