"""Pictures drawn anew: what is kept is what can be seen, and nothing that came with it (location, camera, payloads)."""

import struct
import threading
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageCms, ImageOps

from tenant.errors import Refusal
from tenant.files.apart import TooLarge, is_heif, unpacked
from tenant.rules.attachments import LONGEST_EDGE, MOST_PIXELS, THUMBNAIL_EDGE

READ: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
QUALITY: Final = 85
AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Pictures unpacked at once in one process: each may take some hundred megabytes while it is drawn."""
BROKEN: Final = (
    OSError, SyntaxError, ValueError, EOFError, MemoryError, KeyError, IndexError, TypeError, struct.error, zlib.error,
)  # fmt: skip
"""What decoders raise on broken input, by experience of everybody who feeds them the internet."""

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture and its thumbnail as JPEG, and its measures in pixels."""

    content: bytes
    thumbnail: bytes
    width: int
    height: int


def drawn_anew(shown: str, content: bytes) -> Drawn:
    """Return the picture upright, at most 2560 pixels long, on white, in the colours of every screen, nothing else.

    Raises Refusal for more pixels than are taken and for what cannot be read; ``shown`` is what it is called.
    """
    with AT_ONCE:
        try:
            picture = unpacked(content) if is_heif(content) else seen(content, READ)
        except TooLarge as error:
            raise _too_many(shown, str(error)) from error
        except BROKEN as error:
            message = (
                f"「{shown}」是照片格式，但内容已损坏或不完整，没有保存。"
                "请在手机或电脑上确认能打开；打不开请重拍，苹果 HEIC 照片可先转为 JPG 再上传。"
            )
            raise Refusal(code="picture_broken", message=message, field="files", value=shown) from error
        small = picture.copy()
        small.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
        return Drawn(_encoded(picture), _encoded(small), *picture.size)


def seen(content: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Return what a picture of these formats shows. Raises TooLarge, and one of :data:`BROKEN` as decoders do."""
    try:
        with Image.open(BytesIO(content), formats=formats) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:
                raise TooLarge(f"（{width}×{height}）")
            return _upright(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLarge from error


def _too_many(shown: str, measured: str = "") -> Refusal:
    message = f"「{shown}」的像素{measured}超过 {MOST_PIXELS // 10_000} 万，没有保存。请缩小图片后再上传。"
    return Refusal(code="too_many_pixels", message=message, field="files", value=shown)


def _upright(opened: Image.Image) -> Image.Image:
    """Return what is seen: no longer than is kept, turned as the camera was held, see-through parts white."""
    opened.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))  # a JPEG of many pixels is unpacked at a fraction of them
    profile = opened.info.get("icc_profile")
    picture = ImageOps.exif_transpose(opened)
    picture.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    if picture.mode in {"RGBA", "LA", "PA", "P"} or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        picture = Image.new("RGB", seen.size, "white")
        picture.paste(seen, mask=seen.getchannel("A"))
    plain = _in_common_colours(picture, profile)
    return Image.frombytes("RGB", plain.size, plain.tobytes())  # not even what Pillow carries along in `info`


def _in_common_colours(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return ``picture`` in the colours of every screen: phones take theirs in wider ones and say so in a profile."""
    if profile:
        try:
            common = ImageCms.createProfile("sRGB")
            own = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, own, common, outputMode="RGB")
        except (ImageCms.PyCMSError, *BROKEN):
            converted = None  # a profile for other than what it comes with: the colours stay as they are
        if converted is not None:
            return converted
    return picture.convert("RGB")


def _encoded(picture: Image.Image) -> bytes:
    kept = BytesIO()
    picture.save(kept, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return kept.getvalue()
