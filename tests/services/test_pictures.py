"""What is kept of a file: a picture is what can be seen on it and no more, anything else is what it came as (A-C9)."""

import struct
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

import pictures
from tenant.errors import Refusal
from tenant.files import prepared
from tenant.rules.terms import AttachmentKind

LARGEST = 20 * 1024 * 1024
SCRIPT = b"<script>alert(document.domain)</script>"


def kept(name: str, content: bytes) -> Image.Image:
    """Return a picture as it is kept."""
    return Image.open(BytesIO(prepared(name, content, LARGEST).content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_of_where_and_by_whom_it_was_taken_nothing_is_left(kind):
    sent = pictures.photo(kind=kind)
    assert dict(Image.open(BytesIO(sent)).getexif().get_ifd(0x8825)), "the photo says where it was taken"
    made = prepared("照片.jpg", sent, LARGEST)
    for part in (made.content, made.thumbnail):
        seen = Image.open(BytesIO(part))
        assert (seen.format, seen.mode) == ("JPEG", "RGB")
        assert dict(seen.getexif()) == {}
        assert set(seen.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
        assert b"Exif" not in part
        assert b"Invented" not in part


@pytest.mark.parametrize(
    ("turned", "size", "corner"),
    [
        (1, (640, 480), (10, 10)),
        (6, (480, 640), (470, 10)),
        (3, (640, 480), (630, 470)),
        (8, (480, 640), (10, 630)),
    ],
)
def test_a_picture_stands_as_the_camera_was_held(turned, size, corner):
    seen = kept("立.jpg", pictures.photo(turned=turned))
    assert seen.size == size
    assert max(abs(left - right) for left, right in zip(seen.getpixel(corner), (0x88, 0x99, 0xAA), strict=True)) < 12


def test_a_large_picture_keeps_its_shape_within_bounds_and_a_small_one_its_size():
    made = prepared("大.jpg", pictures.photo(6000, 3000), LARGEST)
    assert (made.width, made.height) == (2560, 1280)
    assert Image.open(BytesIO(made.thumbnail)).size == (320, 160)
    assert kept("小.jpg", pictures.photo(40, 30)).size == (40, 30)
    long = prepared("长图.png", pictures.photo(50, 20000, "PNG"), LARGEST)
    assert (long.width, long.height) == (6, 2560)


def test_what_is_seen_through_becomes_white():
    picture = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle((0, 0, 9, 19), fill=(0, 0, 0, 255))
    sent = BytesIO()
    picture.save(sent, "PNG")
    seen = kept("签字.png", sent.getvalue())
    assert seen.getpixel((17, 10)) >= (245, 245, 245)
    assert seen.getpixel((3, 10)) <= (12, 12, 12)


def test_a_phone_s_own_format_is_read_and_one_that_is_broken_says_the_way_out():
    made = prepared("IMG_0001.HEIC", pictures.HEIC, LARGEST)
    assert (made.name, made.width, made.height) == ("IMG_0001.jpg", 64, 48)
    assert b"Invented Camera" in pictures.HEIC
    assert b"Invented" not in made.content
    with pytest.raises(Refusal) as refused:
        prepared("IMG.heic", pictures.HEIC[:400], LARGEST)
    assert refused.value.code == "picture_broken"
    assert "苹果 HEIC 照片可先转为 JPG" in refused.value.message


def test_a_heic_picture_of_which_the_decoder_dies_is_refused_in_words():
    with pytest.raises(Refusal) as refused:
        prepared("IMG.heic", pictures.DEADLY, LARGEST)
    assert refused.value.code == "picture_broken"
    assert "ended with -" in str(refused.value.__cause__), "it was the decoder's death"


def test_colours_of_a_wider_range_become_those_of_every_screen():
    sent = BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    Image.new("RGB", (8, 8), "#4080c0").save(sent, "JPEG", icc_profile=profile.tobytes())
    assert kept("怪.jpg", sent.getvalue()).size == (8, 8), "a profile that does not fit costs nobody the picture"
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    right = BytesIO()
    Image.new("RGB", (8, 8), "#4080c0").save(right, "JPEG", icc_profile=own, quality=95)
    seen = kept("真.jpg", right.getvalue())
    assert "icc_profile" not in seen.info
    assert max(abs(a - b) for a, b in zip(seen.getpixel((4, 4)), (0x40, 0x80, 0xC0), strict=True)) < 6


@pytest.mark.parametrize("sent", [
    pictures.photo() + SCRIPT,
    pictures.photo(kind="PNG") + SCRIPT,
    pictures.photo()[:20] + b"\xff\xfe" + struct.pack(">H", len(SCRIPT) + 2) + SCRIPT + pictures.photo()[20:],
])  # fmt: skip
def test_what_a_picture_carries_besides_itself_is_gone(sent):
    assert SCRIPT in sent
    made = prepared("两用.jpg", sent, LARGEST)
    assert SCRIPT not in made.content
    assert b"script" not in made.content


def test_a_document_and_a_recording_are_kept_bit_by_bit():
    for name, content, kind in (
        ("信.pdf", pictures.PDF, AttachmentKind.DOCUMENT),
        ("通话.mp3", pictures.MP3, AttachmentKind.RECORDING),
        ("通话.amr", b"#!AMR\n" + bytes(100), AttachmentKind.RECORDING),
        ("语音.m4a", b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + bytes(100), AttachmentKind.RECORDING),
        ("语音.m4a", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100), AttachmentKind.RECORDING),
    ):
        made = prepared(name, content, LARGEST)
        assert (made.content, made.kind, made.name, made.thumbnail) == (content, kind, name, None)


def test_a_name_does_not_make_a_file_what_it_is_not():
    assert prepared("其实是照片.pdf", pictures.photo(), LARGEST).name == "其实是照片.pdf.jpg"
    assert prepared("其实是文件.jpg", pictures.PDF, LARGEST).media_type == "application/pdf"


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_and_never_a_fault(data):
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP"]))
    sent = bytearray(pictures.photo(40, 30, kind, located=False) if kind in {"JPEG", "PNG", "WEBP"} else plain(kind))
    for _ in range(data.draw(st.integers(1, 12))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Refusal):
        made = prepared("坏.jpg", bytes(sent[: data.draw(st.integers(1, len(sent)))]), LARGEST)
        is_picture = made.kind is AttachmentKind.PHOTO  # two bytes make a JPEG what begins a recording
        assert not is_picture or Image.open(BytesIO(made.content)).size == (made.width, made.height)


def plain(kind: str) -> bytes:
    """Return a picture of a kind that knows no EXIF."""
    made = BytesIO()
    Image.new("RGB", (40, 30), "#c8d2dc").save(made, kind)
    return made.getvalue()
