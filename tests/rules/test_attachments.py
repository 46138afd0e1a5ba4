"""What a file is called from now on: whatever it called itself, the name is printable, short and true (A-C9)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant.rules.attachments import FORMATS, LONGEST_NAME, PICTURE, kept_name

PDF, MP4 = FORMATS["application/pdf"], FORMATS["audio/mp4"]
TURNED = "\u202e"
"""The sign that shows ``gpj.exe`` as ``exe.jpg``."""


@pytest.mark.parametrize(
    ("name", "form", "kept"),
    [
        ("厨房漏水.jpg", PICTURE, "厨房漏水.jpg"),
        ("IMG_0001.HEIC", PICTURE, "IMG_0001.jpg"),
        ("截图.png", PICTURE, "截图.jpg"),
        ("照片.JPEG", PICTURE, "照片.jpeg"),
        ("收据.jpg", PDF, "收据.jpg.pdf"),
        ("程序.exe", PICTURE, "程序.exe.jpg"),
        ("录音.mp4", MP4, "录音.mp4"),
        ("录音", MP4, "录音.m4a"),
        ("../../etc/passwd", PDF, "passwd.pdf"),
        ("C:\\桌面\\合同.pdf", PDF, "合同.pdf"),
        ("..", PICTURE, "照片.jpg"),
        ("", PDF, "文件.pdf"),
        (".pdf", PDF, "pdf.pdf"),
        ("a\0b.pdf", PDF, "a b.pdf"),
        (f"{TURNED}gpj.exe", PICTURE, "gpj.exe.jpg"),
        ("a\r\nSet-Cookie: x.pdf", PDF, "a Set-Cookie x.pdf"),
        ('"><script>.pdf', PDF, "script.pdf"),
    ],
)
def test_a_name_keeps_its_words_and_loses_what_it_should_not_have(name, form, kept):
    assert kept_name(name, form) == kept


def test_a_long_name_keeps_its_ending():
    assert kept_name("长" * 300 + ".pdf", PDF) == "长" * (LONGEST_NAME - 4) + ".pdf"


@given(st.text(max_size=400), st.sampled_from(list(FORMATS.values())))
def test_any_name_becomes_one_that_can_be_kept_shown_and_kept_again(name, form):
    kept = kept_name(name, form)
    assert 0 < len(kept) <= LONGEST_NAME
    assert kept.rpartition(".")[2] in form.endings
    assert kept.rpartition(".")[0].strip(". ")
    assert not {"/", "\\", "\0"} & set(kept)
    assert {unicodedata.category(sign) for sign in kept}.isdisjoint({"Cc", "Cf", "Cs"})
    assert kept_name(kept, form) == kept
