"""Files of a matter on the screen: who may add, see and take off; what a browser is told; nothing across offices."""

import hashlib
import io
import json
import re
from pathlib import Path

import pytest
from lxml import html
from PIL import Image
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

import pictures
from cast import Cast, House
from desk import at_desk, complaint, request
from tenant.files import StoreDown
from tenant.files.folder import Folder
from tenant.journal import CLOCKWORK
from tenant.models import Attachment, ServiceRequest
from tenant.rules.terms import AttachmentPurpose, Role
from tenant.scoping import Scope
from tenant.services import requests

JSON = {"Accept": "application/json"}


@pytest.fixture
def desk(sign_in, cast: Cast):
    """The front desk of the north."""
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


@pytest.fixture
def matter(database, cast: Cast) -> ServiceRequest:
    """A request of the north."""
    return registered(database, cast.north, request)


def registered(database, house: House, kind):
    """Register a matter and return it."""
    with at_desk(database, house) as session:
        row = kind(session, house)
        session.commit()
        return row


def brought(*files: tuple[str, bytes], **fields: object) -> dict[str, object]:
    """Return a form with files as a browser sends it."""
    return {"files": [(io.BytesIO(content), name) for name, content in files], "url": "/requests/", **fields}


def add(browser, ticket_id: int, *files: tuple[str, bytes], **fields: object):
    """Send files with a script, and return the answer."""
    return browser.post(f"/files/of/{ticket_id}", brought(*files, **fields), headers=JSON)


def rows(database, ticket_id: int) -> list[Attachment]:
    """Return what hangs, and hung, on a matter."""
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        found = select(Attachment).where(Attachment.ticket_id == ticket_id).order_by(Attachment.id)
        return list(session.scalars(found))


def home(app) -> Path:
    """Return the folder the files of the application lie in."""
    return app.extensions["wuguan.settings"].home / "files"


def test_a_photo_is_kept_without_its_place_and_seen_small_and_whole_a_c9(app, database, desk, matter, record):
    answer = add(desk, matter.ticket_id, ("厨房.jpg", pictures.photo(3000, 2000)), purpose="before")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert json.loads(answer.data) == {"refused": [], "saved": ["已上传「厨房.jpg」（处理前）。"]}
    (row,) = rows(database, matter.ticket_id)
    assert (row.purpose, row.width, row.height, row.media_type) == (AttachmentPurpose.BEFORE, 2560, 1707, "image/jpeg")
    whole, small = desk.get(f"/files/{row.key}"), desk.get(f"/files/{row.thumbnail_key}")
    assert hashlib.sha256(whole.data).hexdigest() == row.digest
    assert len(whole.data) == row.size == whole.content_length
    assert dict(Image.open(io.BytesIO(whole.data)).getexif()) == {}
    assert b"Invented Camera" not in whole.data
    assert Image.open(io.BytesIO(small.data)).size == (320, 213)
    assert whole.headers["Content-Disposition"].startswith("inline")
    assert [entry.subject_id for entry in record("attachment.opened")][:1] == [row.id]
    assert {path.name for path in home(app).glob("*/*")} >= {row.key, row.thumbnail_key}


def test_the_page_of_a_matter_shows_its_files_and_says_nothing_of_keys_in_the_record(desk, database, matter, record):
    add(desk, matter.ticket_id, ("门口.png", pictures.photo(kind="PNG")), note="自东侧拍")
    page = html.fromstring(desk.get(f"/requests/details/?id={matter.id}").get_data(as_text=True))
    (panel,) = page.xpath("//section[@data-files]")
    (row,) = rows(database, matter.ticket_id)
    assert panel.xpath(".//img/@src") == [f"/files/{row.thumbnail_key}"]
    assert "自东侧拍" in panel.text_content()
    assert "门口.jpg" in panel.text_content()
    assert panel.xpath(".//input[@type='file'][@capture]/@accept") == ["image/*"]
    (entry,) = [entry for entry in record("attachment.create") if entry.subject_id == row.id]
    assert row.key not in json.dumps(entry.after)


def test_a_form_without_scripts_brings_several_and_keeps_the_good_ones(desk, database, matter):
    form = brought(("甲.jpg", pictures.photo(50, 40)), ("乙.jpg", b"<svg onload=alert(1)>"), ("丙.pdf", pictures.PDF))
    answer = desk.post(f"/files/of/{matter.ticket_id}", form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/requests/")
    page = desk.get("/requests/").get_data(as_text=True)
    assert "已上传「甲.jpg」" in page
    assert "「乙.jpg」的内容是网页或矢量图" in page
    assert [row.name for row in rows(database, matter.ticket_id)] == ["甲.jpg", "丙.pdf"]


def test_the_same_form_sent_twice_adds_nothing(desk, database, matter):
    for _ in range(2):
        answer = add(desk, matter.ticket_id, ("水表.jpg", pictures.photo(70, 40)))
    assert answer.json["saved"] == ["「水表.jpg」已在附件中（其他），没有重复保存。"]
    assert len(rows(database, matter.ticket_id)) == 1


def test_documents_and_recordings_are_handed_out_to_be_saved_shut_in(desk, database, matter):
    add(desk, matter.ticket_id, ("收据.pdf", pictures.PDF), ("通话.mp3", pictures.MP3))
    for row, content in zip(rows(database, matter.ticket_id), (pictures.PDF, pictures.MP3), strict=True):
        answer = desk.get(f"/files/{row.key}")
        assert answer.data == content
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_recording_is_sent_in_parts_and_asked_for_again_in_vain(desk, database, matter, record):
    add(desk, matter.ticket_id, ("通话.mp3", pictures.MP3))
    (row,) = rows(database, matter.ticket_id)
    part = desk.get(f"/files/{row.key}", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, pictures.MP3[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(pictures.MP3)}"
    last = desk.get(f"/files/{row.key}", headers={"Range": "bytes=-10"})
    assert last.data == pictures.MP3[-10:]
    assert not [entry for entry in record("attachment.opened") if entry.subject_id == row.id]
    whole = desk.get(f"/files/{row.key}", headers={"Range": "bytes=0-"})
    assert (whole.status_code, whole.data) == (206, pictures.MP3)
    again = desk.get(f"/files/{row.key}", headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert len([entry for entry in record("attachment.opened") if entry.subject_id == row.id]) == 1


def test_all_of_a_document_but_its_first_byte_is_opened_too(desk, database, matter, record):
    add(desk, matter.ticket_id, ("收据.pdf", pictures.PDF))
    (row,) = rows(database, matter.ticket_id)
    assert desk.get(f"/files/{row.key}", headers={"Range": "bytes=1-"}).data == pictures.PDF[1:]
    assert [entry for entry in record("attachment.opened") if entry.subject_id == row.id]


def test_a_foreign_and_an_invented_key_answer_the_same(desk, sign_in, cast, database):
    theirs = registered(database, cast.south, request)
    southern = sign_in(cast.south.people[Role.FRONT_DESK].staff)
    add(southern, theirs.ticket_id, ("门锁.jpg", pictures.photo()))
    (row,) = rows(database, theirs.ticket_id)
    assert southern.get(f"/files/{row.key}").status_code == 200
    answers = [
        desk.get(f"/files/{key}", headers=JSON) for key in (row.key, row.thumbnail_key, "A" * 43, "..%2f..", "x", "%00")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({json.dumps(answer.json["error"]) for answer in answers}) == 1
    for answer in (
        add(desk, theirs.ticket_id, ("门锁.jpg", pictures.photo())),
        desk.get(f"/files/of/{theirs.ticket_id}"),
        desk.get(f"/files/remove/{row.id}"),
        desk.post(f"/files/remove/{row.id}", {"why": "误传"}),
    ):
        assert answer.status_code == 404
    assert len(rows(database, theirs.ticket_id)) == 1


@pytest.mark.parametrize(
    ("role", "on_request", "on_complaint"),
    [
        (Role.FRONT_DESK, 200, 200),
        (Role.DEPARTMENT_HEAD, 200, 200),
        (Role.OFFICE_ADMIN, 403, 403),  # sees, and does no business
        (Role.ENGINEERING_ASSISTANT, 200, 403),
        (Role.FINANCE_ASSISTANT, 403, 403),
    ],
    ids=lambda part: getattr(part, "value", part),
)
def test_who_acts_on_a_matter_adds_to_it(database, sign_in, cast, role, on_request, on_complaint):
    browser = sign_in(cast.north.people[role].staff)
    for kind, expected in ((request, on_request), (complaint, on_complaint)):
        row = registered(database, cast.north, kind)
        answer = add(browser, row.ticket_id, ("现场.jpg", pictures.photo(80, 60)))
        assert answer.status_code == expected, answer.get_data(as_text=True)


def test_who_may_not_see_complaints_does_not_see_their_files(database, desk, sign_in, cast):
    row = registered(database, cast.north, complaint)
    add(desk, row.ticket_id, ("楼道.jpg", pictures.photo(90, 60)))
    (kept,) = rows(database, row.ticket_id)
    assistant = sign_in(cast.north.people[Role.ENGINEERING_ASSISTANT].staff)
    assert assistant.get(f"/files/{kept.key}").status_code == 403
    assert sign_in(cast.north.people[Role.OFFICE_ADMIN].staff).get(f"/files/{kept.key}").status_code == 200


def test_a_technician_has_the_files_of_own_orders_and_no_others_a_w9(database, desk, sign_in, cast, matter):
    technician = sign_in(cast.north.people[Role.TECHNICIAN].staff)
    assert add(technician, matter.ticket_id, ("前.jpg", pictures.photo(60, 60))).status_code == 404
    with at_desk(database, cast.north) as session:
        order = requests.dispatch(session, matter.id, cast.north.engineering.id, cast.north.people[Role.TECHNICIAN].id)
        session.commit()
    page = html.fromstring(technician.get(f"/work_orders/details/?id={order.id}").get_data(as_text=True))
    assert page.xpath("//form[@data-files-form]//input[@name='order']/@value") == [str(order.id)]
    assert page.xpath("//form[@data-files-form]//option[@selected]/@value") == ["after"]
    added = add(technician, matter.ticket_id, ("后.jpg", pictures.photo(60, 61)), purpose="after", order=order.id)
    assert added.status_code == 200
    (row,) = rows(database, matter.ticket_id)
    assert (row.work_order_id, row.added_by_id) == (order.id, cast.north.people[Role.TECHNICIAN].id)
    assert technician.get(f"/files/{row.key}").status_code == 200
    assert add(technician, matter.ticket_id, ("他.jpg", pictures.photo(62, 61)), order=order.id + 99).status_code == 422


def test_a_file_is_taken_off_with_a_reason_that_stays_and_is_gone_at_once(app, database, desk, matter, record):
    add(desk, matter.ticket_id, ("误传.jpg", pictures.photo(66, 60)))
    (row,) = rows(database, matter.ticket_id)
    empty = desk.post(f"/files/remove/{row.id}", {"why": "  ", "url": "/requests/"})
    assert empty.status_code == 422
    assert "「删除原因」没有填写" in empty.get_data(as_text=True)
    assert desk.post(f"/files/remove/{row.id}", {"why": "传错房号", "url": "/requests/"}).status_code == 302
    (row,) = rows(database, matter.ticket_id)
    assert row.removed_why == "传错房号"
    assert record("attachment.update")[0].reason == "传错房号"
    assert {desk.get(f"/files/{key}").status_code for key in (row.key, row.thumbnail_key)} == {404}
    assert desk.post(f"/files/remove/{row.id}", {"why": "再删"}).status_code == 404
    assert (home(app) / row.key[:2] / row.key).exists(), "the file goes with the sweep, after the commit"
    assert add(desk, matter.ticket_id, ("误传.jpg", pictures.photo(66, 60))).json["saved"] == [
        "已上传「误传.jpg」（其他）。"
    ]


def test_who_only_works_takes_off_what_they_brought_and_not_what_others_did(database, desk, sign_in, cast, matter):
    head = sign_in(cast.north.people[Role.DEPARTMENT_HEAD].staff)
    add(desk, matter.ticket_id, ("前台.jpg", pictures.photo(67, 60)))
    add(head, matter.ticket_id, ("部门.jpg", pictures.photo(68, 60)))
    theirs, own = rows(database, matter.ticket_id)
    assert head.post(f"/files/remove/{theirs.id}", {"why": "不要"}).status_code == 403
    assert head.post(f"/files/remove/{own.id}", {"why": "不要"}).status_code == 302


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("空.jpg", b"", "「空.jpg」是空文件（0 字节）"),
        ("页.jpg", b"<!DOCTYPE html><script>alert(1)</script>", "「页.jpg」的内容是网页或矢量图"),
        ("图.png", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "「图.png」的内容是网页或矢量图"),
        ("程序.pdf", b"MZ\x90\x00" + bytes(200), "「程序.pdf」的内容是 EXE 格式"),
        ("压缩.jpg", b"PK\x03\x04" + bytes(200), "「压缩.jpg」的内容是 ZIP 格式"),
        ("坏.jpg", pictures.photo()[:900], "「坏.jpg」是照片格式，但内容已损坏或不完整"),
        ("炸弹.png", pictures.bomb(), "「炸弹.png」的像素超过 6400 万"),
        ("大图.png", pictures.bomb(9000, 9000), "「大图.png」的像素"),
        ("文本.pdf", "您好".encode(), "「文本.pdf」的内容无法识别"),
    ],
    ids=lambda part: part if isinstance(part, str) and "「" not in part else "",
)
def test_what_is_not_what_it_says_is_refused_with_its_name_and_leaves_nothing(
    app, database, desk, matter, name, content, says
):
    before = set(home(app).glob("*/*"))
    answer = add(desk, matter.ticket_id, (name, content))
    assert answer.status_code == 422
    (refused,) = answer.json["refused"]
    assert refused["message"].startswith(says)
    assert refused["field"] == "files"
    assert rows(database, matter.ticket_id) == []
    assert set(home(app).glob("*/*")) == before


def test_a_file_above_the_limit_is_refused_with_both_sizes(database, desk, matter):
    large = FileStorage(io.BytesIO(pictures.PDF + bytes(15 * 1024 * 1024)), filename="大.pdf")
    boundary, body = encode_multipart({"csrf_token": desk.csrf(), "files": large})
    answer = desk.client.post(
        f"/files/of/{matter.ticket_id}",
        data=body,
        headers=JSON,
        content_type=f"multipart/form-data; boundary={boundary}",
    )
    assert answer.status_code == 422
    assert answer.json["refused"][0]["message"].startswith("「大.pdf」有 15.0 MB，超过单个文件 15 MB 的上限")
    assert rows(database, matter.ticket_id) == []


def test_a_form_without_files_or_with_too_many_says_so(desk, matter):
    nothing = desk.post(f"/files/of/{matter.ticket_id}", {"url": "/requests/"}, headers=JSON)
    assert nothing.json["error"]["message"] == "没有选择文件。请选择照片、录音或 PDF 后再上传。"
    many = add(desk, matter.ticket_id, *[(f"{number}.jpg", b"x") for number in range(21)])
    assert many.json["error"]["message"].startswith("一次最多上传 20 个文件，您选了 21 个")


def test_a_store_that_does_not_answer_costs_the_files_and_nothing_else(app, database, desk, matter, monkeypatch):
    add(desk, matter.ticket_id, ("有.jpg", pictures.photo(69, 60)))
    (row,) = rows(database, matter.ticket_id)

    def away(*_arguments: object) -> None:
        raise StoreDown("附件目录无法读写。")

    monkeypatch.setattr(Folder, "put", away)
    monkeypatch.setattr(Folder, "read", away)
    refused = add(desk, matter.ticket_id, ("无.jpg", pictures.photo(70, 61)))
    assert refused.json["refused"][0]["code"] == "store_down"
    assert len(rows(database, matter.ticket_id)) == 1
    unread = desk.get(f"/files/{row.key}")
    assert unread.status_code == 503
    assert "附件暂时读不到" in unread.get_data(as_text=True)
    assert desk.get(f"/requests/details/?id={matter.id}").status_code == 200


def test_a_row_whose_file_a_restore_left_out_says_what_is_missing(app, database, desk, matter):
    add(desk, matter.ticket_id, ("旧.jpg", pictures.photo(71, 60)))
    (row,) = rows(database, matter.ticket_id)
    (home(app) / row.key[:2] / row.key).unlink()
    answer = desk.get(f"/files/{row.key}")
    assert answer.status_code == 404
    assert "有登记，但存放处没有它的文件" in answer.get_data(as_text=True)


def test_the_panel_alone_is_what_the_page_shows(desk, matter):
    page = desk.get(f"/requests/details/?id={matter.id}").get_data(as_text=True)
    (address,) = re.findall(r'data-files="([^"]+)"', page)
    add(desk, matter.ticket_id, ("新.jpg", pictures.photo(72, 60)))
    panel = html.fromstring(desk.get(address.replace("&amp;", "&")).get_data(as_text=True))
    assert "新.jpg" in panel.text_content()
    assert panel.xpath("//a[text()='删除']/@href")[0].endswith(f"url=/requests/details/?id%3D{matter.id}")


def test_every_matter_and_what_is_done_for_it_shows_the_panel(desk, database, cast):
    with at_desk(database, cast.north) as session:
        found = {"complaints": complaint(session, cast.north).id}
        asked = request(session, cast.north)
        found["work_orders"] = requests.dispatch(session, asked.id, cast.north.engineering.id).id
        session.commit()
    for path, row_id in found.items():
        assert "data-files-form" in desk.get(f"/{path}/details/?id={row_id}").get_data(as_text=True), path


def test_the_list_shows_the_files_of_the_matters_one_may_see_and_no_keys(database, desk, sign_in, cast, matter):
    row = registered(database, cast.north, complaint)
    add(desk, matter.ticket_id, ("报事照片.jpg", pictures.photo(73, 60)))
    add(desk, row.ticket_id, ("投诉照片.jpg", pictures.photo(74, 60)))
    (kept,) = rows(database, row.ticket_id)
    whole = desk.get("/attachments/").get_data(as_text=True)
    assert {f"/files/{kept.key}", "报事照片.jpg", "投诉照片.jpg"} <= set(
        re.findall(r"/files/[\w-]+|[^<>]+照片.jpg", whole)
    )
    assistant = sign_in(cast.north.people[Role.ENGINEERING_ASSISTANT].staff)
    seen = assistant.get("/attachments/").get_data(as_text=True)
    assert "报事照片.jpg" in seen
    assert "投诉照片.jpg" not in seen
    assert assistant.get(f"/attachments/details/?id={kept.id}").status_code == 404
    assert "投诉照片.jpg" not in sign_in(cast.north.people[Role.TECHNICIAN].staff).get("/attachments/").text
    exported = sign_in(cast.north.people[Role.DIRECTOR].staff).get("/attachments/export/csv/").get_data(as_text=True)
    assert "投诉照片.jpg" in exported
    assert kept.key not in exported
    assert kept.thumbnail_key not in exported
