"""The pages of an import over their whole life: who may do what, nothing lost on a mistake, nothing shown to others."""

from io import BytesIO
from itertools import count

import openpyxl
import pytest
from sqlalchemy import select

from admin.screens import importing_preview
from importers import batches, foresight, undo
from importers.choices import NOTE
from tasks.relay import do_without
from tenant.errors import Refusal
from tenant.journal import CLOCKWORK
from tenant.models import HeadingAlias, ImportBatch, ImportLayout, Owner, Unit
from tenant.rules.terms import ImportState, Role
from tenant.scoping import Scope
from tenant.unscoped import Reason, across_offices
from web.uploads import batch_of, text_of, upload

_buildings = count(600)
EVERYWHERE = Scope.everywhere()


@pytest.fixture
def building():
    """A building that no other test has."""
    return next(_buildings)


def test_a_column_that_nobody_knows_is_asked_about_and_the_answer_is_kept_for_the_next_file(clerk, database, building):
    heading = f"打得通的号{building}"
    rows = (["房号", "业主姓名", heading, "钥匙"], [f"{building}-1-101", "钱若水", "19900000001", "两把"])
    place = upload(clerk, *rows)
    page = text_of(clerk.get(f"{place}/mapping"))
    assert heading in page
    assert "19900000001" in page
    form = {
        "sheet-0": "名册", "read-0": "on", "column-0-A": "room", "column-0-B": "owners", "column-0-C": "phones",
        "learn-0-C": "on", "column-0-D": NOTE, "remember": "on",
    }  # fmt: skip
    assert clerk.post(f"{place}/mapping", form).headers["Location"] == place
    shown = text_of(clerk.get(place))
    assert "钥匙：两把" in shown
    assert "19900000001" in shown
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        alias = session.scalars(select(HeadingAlias).where(HeadingAlias.heading == heading)).one()
        layouts = session.scalars(select(ImportLayout).where(ImportLayout.headings.contains(heading))).all()
    assert (alias.identifier, len(layouts)) == ("phones", 1)
    again = upload(clerk, rows[0], [f"{building}-1-102", "李望舒", "19900000002", "一把"], name="名册二.xlsx")
    assert "钥匙：一把" in text_of(clerk.get(again))


def test_a_table_without_a_known_heading_leads_to_its_columns_and_is_not_lost(clerk, database, building):
    place = upload(clerk, [f"甲{building}", f"乙{building}"], [f"{building}-1-101", "钱若水"])
    assert batch_of(database, place).state is ImportState.MAPPING
    page = text_of(clerk.get(f"{place}/mapping"))
    assert "没有找到表头" in page
    assert "还有列没有对上" in text_of(clerk.get(place))
    form = {"sheet-0": "名册", "read-0": "on", "header-0": "1", "then": "mapping"}
    assert clerk.post(f"{place}/mapping", form).headers["Location"] == f"{place}/mapping"
    form = {"sheet-0": "名册", "read-0": "on", "header-0": "1", "column-0-A": "room", "column-0-B": "owners"}
    assert clerk.post(f"{place}/mapping", form).headers["Location"] == place
    assert batch_of(database, place).state is ImportState.PREVIEWED
    assert f"{building}-1-101" in text_of(clerk.get(place))


def test_what_was_chosen_for_the_columns_is_not_lost_when_it_cannot_be_taken(clerk, building, monkeypatch):
    place = upload(clerk, ["房号", "业主姓名", "杂项"], [f"{building}-1-101", "钱若水", "x"])

    def refuse(*_):
        raise Refusal(code="no", message="这份文件读不了。")

    monkeypatch.setattr(batches, "decide", refuse)
    form = {"sheet-0": "名册", "read-0": "on", "column-0-A": "room", "column-0-B": "owners", "column-0-C": "email"}
    page = text_of(clerk.post(f"{place}/mapping", form), 422)
    assert "这份文件读不了。" in page
    assert '<option value="email" selected>' in page


def test_a_page_older_than_the_last_decision_is_shown_again_before_it_counts(clerk, database, building):
    place = upload(clerk, ["房号", "业主姓名", "杂项"], [f"{building}-1-101", "钱若水", "x"])
    form = {"sheet-0": "名册", "read-0": "on", "column-0-A": "room", "column-0-B": "owners", "column-0-C": NOTE}
    edition = text_of(clerk.get(f"{place}/mapping")).split('name="edition" value="')[1].split('"')[0]
    clerk.post(f"{place}/choices", {"mode": "fill", "missing": "keep"})
    page = text_of(clerk.post(f"{place}/mapping", form | {"edition": edition}), 422)
    assert "再提交一次" in page
    assert "sheets" not in batch_of(database, place).choices or not batch_of(database, place).choices["sheets"]
    edition = page.split('name="edition" value="')[1].split('"')[0]
    assert clerk.post(f"{place}/mapping", form | {"edition": edition}).headers["Location"] == place
    assert batch_of(database, place).choices["mode"] == "fill"


def test_cells_are_put_right_together_and_what_was_typed_survives_a_refusal(clerk, database, building, monkeypatch):
    place = upload(
        clerk,
        ["房号", "业主姓名", "建筑面积"],
        [f"{building}-1-101", "钱若水", "一百平"],
        [f"{building}-1-102", "李", "大"],
    )
    page = text_of(clerk.get(f"{place}?tab=refused"))
    assert 'name="edit|2|C|名册" value="一百平"' in page
    form = {
        "edit|2|C|名册": "100", "was|2|C|名册": "一百平", "edit|3|C|名册": "大", "was|3|C|名册": "大",
    }  # fmt: skip
    with monkeypatch.context() as broken:
        broken.setattr(batches, "decide", lambda *_: (_ for _ in ()).throw(Refusal(code="no", message="现在不行。")))
        refused = text_of(clerk.post(f"{place}/edits?tab=refused", form), 422)
    assert "现在不行。" in refused
    assert 'name="edit|2|C|名册" value="100"' in refused
    answer = clerk.post(f"{place}/edits?tab=refused", form)
    assert answer.headers["Location"].startswith(place)
    assert batch_of(database, place).counts["rows"]["refused"] == 1
    after = text_of(clerk.get(f"{place}?tab=refused"))
    assert "已在这里改正 1 处" in after
    clerk.post(f"{place}/edits/none")
    assert batch_of(database, place).counts["rows"]["refused"] == 2


def test_who_is_meant_is_asked_and_answered_on_the_page(clerk, database, cast, works, building):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        for _ in range(2):
            session.add(Owner(office_id=cast.north.id, name=f"王同名{building}", phone="19900000077"))
        session.commit()
    place = upload(clerk, ["房号", "业主姓名", "联系电话"], [f"{building}-1-101", f"王同名{building}", "19900000077"])
    page = text_of(clerk.get(f"{place}?tab=conflict"))
    assert "是哪一位？" in page
    assert 'name="answer|2||名册" value="new"' in page
    clerk.post(f"{place}/edits?tab=conflict", {"answer|2||名册": "new"})
    assert batch_of(database, place).counts["rows"]["conflict"] == 0
    assert batch_of(database, place).counts["owners"]["new"] == 1


def test_all_or_nothing_keeps_the_button_shut_until_nothing_is_wrong(clerk, database, building):
    place = upload(
        clerk, ["房号", "业主姓名", "建筑面积"], [f"{building}-1-101", "钱若水", "大"], [f"{building}-1-102", "李", 9]
    )
    clerk.post(f"{place}/choices", {"mode": "fill", "all_or_nothing": "on", "missing": "keep"})
    page = text_of(clerk.get(place))
    assert "还有 1 行有问题" in page
    assert f'action="{place}/apply"' not in page
    clerk.post(f"{place}/apply", {"url": place})
    assert batch_of(database, place).state is ImportState.PREVIEWED
    clerk.post(f"{place}/choices", {"mode": "fill", "missing": "keep"})
    assert f'action="{place}/apply"' in text_of(clerk.get(place))


def test_a_day_that_is_none_is_told_and_changes_nothing(clerk, building):
    place = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-101", "钱若水"])
    clerk.post(f"{place}/choices", {"mode": "update", "missing": "end", "ends_on": "", "url": place})
    assert "请填写在哪一天结束" in text_of(clerk.get(place))


def test_what_undoing_would_leave_is_listed_before_it_is_done(clerk, database, works, building, monkeypatch):
    place = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-101", "钱若水"], [f"{building}-1-102", "李望舒"])
    clerk.post(f"{place}/apply")
    do_without(works)
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        unit = session.scalars(select(Unit).where(Unit.number == f"{building}-1-101")).one()
        unit.area = 77
        session.commit()
    page = text_of(clerk.get(f"{place}/undo"))
    assert f"{building}-1-101" in page
    assert "不会撤销的" in page
    assert f"{building}-1-102" not in page
    clerk.post(f"{place}/undo")
    do_without(works)
    assert batch_of(database, place).state is ImportState.UNDONE
    after = text_of(clerk.get(place))
    assert "的写入已撤销" in after
    kept = batch_of(database, place).counts["undone"]["kept"]
    assert f"没有撤销的 {kept} 条" in after
    assert f"除保持现状的 {kept} 条以外" in after
    monkeypatch.setattr(importing_preview, "SHOWN_LEFT", 1)
    shortened = text_of(clerk.get(place))
    assert f"没有撤销的 {kept} 条" in shortened
    assert f"这里列出前 1 条，共 {kept} 条" in shortened
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        left = session.scalars(select(Unit.number).where(Unit.number.startswith(f"{building}-1-10"))).all()
    assert left == [f"{building}-1-101"]


def test_what_was_not_written_cannot_be_undone_and_says_so(clerk, building):
    place = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-101", "钱若水"])
    assert clerk.get(f"{place}/undo").headers["Location"] == place
    assert "notice-error" in text_of(clerk.get(place))


def test_the_director_undoes_and_sees_no_number_they_may_not_see(
    clerk, director, sign_in, cast, database, works, building
):
    place = upload(clerk, ["房号", "业主姓名", "联系电话"], [f"{building}-1-101", "钱若水", "19900000666"])
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    assert "19900000666" not in text_of(centre.get(place))
    assert director.get(f"{place}/mapping").status_code == 403
    assert director.post(f"{place}/edits").status_code == 403
    clerk.post(f"{place}/apply")
    do_without(works)
    assert "撤销这次导入" in text_of(director.get(place))
    assert director.post(f"{place}/undo").status_code == 302
    do_without(works)
    assert batch_of(database, place).state is ImportState.UNDONE


def test_another_office_finds_none_of_these_pages(clerk, stranger, database, building):
    place, missing = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-101", "钱若水"]), "/imports/999999999"
    for path in ("", "/mapping", "/undo", "/corrections"):
        assert [stranger.get(at + path).status_code for at in (place, missing)] == [404, 404], path
    for path in ("/mapping", "/choices", "/edits", "/edits/none", "/undo", "/apply", "/cancel", "/stop"):
        assert [stranger.post(at + path).status_code for at in (place, missing)] == [404, 404], path
    assert batch_of(database, place).choices == {} or batch_of(database, place).state is ImportState.PREVIEWED


def test_the_roster_goes_out_whole_comes_back_as_the_same_and_stands_on_the_record(clerk, director, record, building):
    place = upload(clerk, ["房号", "业主姓名", "联系电话"], [f"{building}-1-101", "钱若水", "19900000777"])
    assert place
    answer = clerk.get("/imports/roster")
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    latest = record("record.exported")[0]
    assert latest.after["complete"] is True
    assert director.get("/imports/roster").status_code == 403
    back = clerk.post("/imports", {"kind": "roster", "file": (BytesIO(answer.data), "名册导出.xlsx")})
    page = text_of(clerk.get(back.headers["Location"]))
    assert "将写入：没有变化" in page


@pytest.mark.parametrize("kind", ["roster", "arrears", "payments", "parking", "meters"])
def test_every_kind_has_its_template_and_none_other(clerk, kind):
    answer = clerk.get(f"/imports/template/{kind}")
    assert openpyxl.load_workbook(BytesIO(answer.data)).sheetnames
    assert clerk.get("/imports/template/salaries").status_code == 422


def test_a_file_that_is_read_in_the_background_is_followed_and_can_be_given_up(
    clerk, database, works, building, monkeypatch
):
    monkeypatch.setattr(batches, "_WHILE_WAITING", 0)
    place = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-101", "钱若水"])
    page = text_of(clerk.get(place))
    assert "正在读取「名册.xlsx」" in page
    assert f'data-working="{place}/progress"' in page
    assert "取消读取" in page
    assert clerk.get(f"{place}/progress").get_json()["state"] == "waiting"
    do_without(works)
    assert batch_of(database, place).state is ImportState.PREVIEWED
    assert "确认写入" in text_of(clerk.get(place))
    other = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-102", "李望舒"], name="另一份.xlsx")
    clerk.post(f"{other}/stop")
    do_without(works)
    assert batch_of(database, other).state is ImportState.CANCELLED
    assert text_of(clerk.get(other))


def test_what_was_deleted_on_schedule_is_said_to_be_and_its_numbers_stay(clerk, database, building):
    place = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-101", "钱若水"])
    with across_offices(database, Reason.SETTING_UP) as session:
        kept = session.get_one(ImportBatch, batch_of(database, place).id)
        kept.file = kept.plan = None
        session.commit()
    page = text_of(clerk.get(place))
    assert "逐行内容已按期删除" in page
    assert '新增 <span class="badge badge-green">1</span>' in page
    assert "读法已按期清除" in text_of(clerk.get(f"{place}/mapping"))
    clerk.post(f"{place}/choices", {"mode": "fill", "url": place})
    assert "请重新上传" in text_of(clerk.get(place))


def test_what_undoing_a_large_batch_would_do_is_reckoned_in_the_background(
    clerk, director, stranger, database, works, building, monkeypatch
):
    monkeypatch.setattr(foresight, "LARGE", 3)
    place = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-101", "钱若水"], [f"{building}-1-102", "李望舒"])
    clerk.post(f"{place}/apply")
    do_without(works)
    with monkeypatch.context() as waiting:
        waiting.setattr(undo, "foresee", lambda *_: pytest.fail("the page reckons while somebody waits"))
        assert "核对能恢复多少" in text_of(clerk.get(f"{place}/undo"))
        assert f'action="{place}/undo/foresee"' in text_of(clerk.get(place)), "one click leads to the reckoning"
        assert stranger.post(f"{place}/undo/foresee").status_code == 404
        for _ in range(2):
            assert director.post(f"{place}/undo/foresee").headers["Location"] == f"{place}/undo"
        page = text_of(clerk.get(f"{place}/undo"))
        assert f'data-working="{place}/progress"' in page
        assert "取消核对" in page
        assert "撤销这次导入</button>" not in page
    with database.session(EVERYWHERE, CLOCKWORK) as session:
        session.scalars(select(Unit).where(Unit.number == f"{building}-1-101")).one().area = 77
        session.commit()
    do_without(works)
    with monkeypatch.context() as waiting:
        waiting.setattr(undo, "foresee", lambda *_: pytest.fail("the page reckons while somebody waits"))
        page = text_of(clerk.get(f"{place}/undo"))
    assert f"房屋 {building}-1-101" in page
    assert "重新核对" in page
    assert "核对的结果" in page
    clerk.post(f"{place}/undo")
    do_without(works)
    assert batch_of(database, place).state is ImportState.UNDONE


def test_a_reckoning_is_given_up_kept_once_and_deleted_with_the_file(clerk, database, works, building, monkeypatch):
    monkeypatch.setattr(foresight, "LARGE", 1)
    place = upload(clerk, ["房号", "业主姓名"], [f"{building}-1-101", "钱若水"])
    clerk.post(f"{place}/apply")
    do_without(works)
    clerk.post(f"{place}/undo/foresee")
    clerk.post(f"{place}/stop")
    do_without(works)
    assert "核对能恢复多少" in text_of(clerk.get(f"{place}/undo"))
    sizes = set()
    for _ in range(2):
        clerk.post(f"{place}/undo/foresee")
        do_without(works)
        with database.session(EVERYWHERE, CLOCKWORK) as session:
            sizes.add(len(session.get_one(ImportBatch, batch_of(database, place).id).plan) // 8)
    assert len(sizes) == 1, "the one before is replaced"
    assert "全部可以恢复" in text_of(clerk.get(f"{place}/undo"))
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(ImportBatch, batch_of(database, place).id).plan = None
        session.commit()
    assert "核对能恢复多少" in text_of(clerk.get(f"{place}/undo"))


def test_an_auditor_reads_in_words_how_the_columns_of_a_file_were_read(clerk, sign_in, cast, database, building):
    place = upload(clerk, ["房号", "业主姓名", "杂项"], [f"{building}-1-101", "钱若水", "x"])
    auditor = sign_in(cast.group[Role.AUDITOR].staff)
    page = text_of(auditor.get(f"/audit?kind=import_batch&subject={batch_of(database, place).id}"))
    assert "「名册」A 列 房号、「名册」B 列 业主姓名" in page
    assert "杂项" not in page
