"""Writing an import from the page: asked for, followed, cancelled, told; by those who may, in their own office."""

from itertools import count

import pytest
from sqlalchemy import select

from tasks import jobs as running
from tasks.relay import do_without
from tenant.journal import CLOCKWORK
from tenant.models import ImportBatch, Job, Owner
from tenant.rules.terms import ImportState, JobState
from tenant.scoping import Scope
from tenant.services import jobs
from tenant.unscoped import Reason, across_offices
from web.uploads import batch_of, text_of, upload

_buildings = count(300)


@pytest.fixture
def place(clerk):
    """The page of a roster that nobody has imported before, previewed."""
    building = next(_buildings)
    rows = ([f"{building}-1-{number}01", f"业主{number}"] for number in range(1, 4))
    return upload(clerk, ["房号", "业主姓名"], *rows)


def page(browser, place):
    return text_of(browser.get(place))


def job_of(database, place):
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return session.scalars(
            select(Job).where(Job.subject_id == batch_of(database, place).id).order_by(Job.id.desc())
        ).first()


def written(database):
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return len(session.scalars(select(Owner.id)).all())


def claim(database, job_id, **progress):
    """Be a worker that has taken the job up and is in the middle of it."""
    with across_offices(database, Reason.CLAIMING) as session:
        held = jobs.claim(session, job_id)
        jobs.hold(session, held, **progress)
        session.commit()
    return held


def test_confirming_asks_a_worker_and_the_page_follows_it_to_the_end(clerk, database, works, place):
    before = written(database)
    assert clerk.post(f"{place}/apply").headers["Location"] == place
    assert batch_of(database, place).state is ImportState.APPLYING
    shown = page(clerk, place)
    assert f'data-working="{place}/progress"' in shown
    assert "working.js" in shown
    assert "取消写入" in shown
    assert "确认写入" not in shown
    assert 'http-equiv="refresh"' in shown, "without a script it reloads itself"
    told = clerk.get(f"{place}/progress").get_json()
    assert (told["state"], told["finished"], told["done"]) == ("waiting", False, 0)
    assert "等待" in told["words"]
    assert written(database) == before
    do_without(works)
    assert clerk.get(f"{place}/progress").get_json()["finished"]
    after = page(clerk, place)
    assert "已写入：房屋新增 3" in after
    assert "data-working" not in after
    assert written(database) == before + 3


def test_the_card_says_phase_and_rows_and_survives_a_reload(clerk, database, place):
    clerk.post(f"{place}/apply")
    claim(database, job_of(database, place).id, phase="写入", done=1200, total=5000)
    for _ in range(2):
        shown = page(clerk, place)
        assert "写入 · 1,200 / 5,000 · 已用" in shown
        assert 'value="24"' in shown
    told = clerk.get(f"{place}/progress").get_json()
    assert (told["phase"], told["done"], told["total"], told["percent"]) == ("写入", 1200, 5000, 24)


def test_a_doubled_click_asks_once(clerk, database, works, place):
    for _ in range(2):
        assert clerk.post(f"{place}/apply").status_code == 302
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        asked = session.scalars(select(Job).where(Job.subject_id == batch_of(database, place).id)).all()
    assert len(asked) == 1
    do_without(works)
    clerk.post(f"{place}/apply", {"url": place})
    assert "不会再写一次" in page(clerk, place)


def test_what_waits_is_cancelled_at_once_and_can_be_asked_for_again(clerk, database, works, place):
    before = written(database)
    clerk.post(f"{place}/apply")
    assert clerk.post(f"{place}/stop").status_code == 302
    assert batch_of(database, place).state is ImportState.PREVIEWED
    assert job_of(database, place).state is JobState.CANCELLED
    assert "上一次写入已取消" in page(clerk, place)
    do_without(works)
    assert written(database) == before
    clerk.post(f"{place}/apply")
    do_without(works)
    assert written(database) == before + 3
    assert "上一次写入已取消" not in page(clerk, place)


def test_cancelled_on_the_clockworks_page_it_can_be_asked_for_again_too(clerk, director, database, works, place):
    before = written(database)
    clerk.post(f"{place}/apply")
    assert director.post(f"/clockwork/jobs/{job_of(database, place).id}/cancel").status_code == 302
    assert job_of(database, place).state is JobState.CANCELLED
    assert batch_of(database, place).state is ImportState.PREVIEWED
    assert "上一次写入已取消" in page(clerk, place)
    clerk.post(f"{place}/apply")
    do_without(works)
    assert written(database) == before + 3


def test_what_runs_is_cancelled_by_its_worker(clerk, database, works, place, monkeypatch):
    before = written(database)
    monkeypatch.setattr(running, "TOLD_EVERY", 0.0)
    clerk.post(f"{place}/apply")
    tell, told = jobs.hold, []

    def cancel_while_it_writes(session, held, **progress):
        if progress.get("phase") == "写入" and not told:
            assert clerk.post(f"{place}/stop").status_code == 302
            told.append(clerk.get(f"{place}/progress").get_json())
            assert batch_of(database, place).state is ImportState.APPLYING
            assert "取消写入？" not in page(clerk, place)
        return tell(session, held, **progress)

    monkeypatch.setattr(jobs, "hold", cancel_while_it_writes)
    do_without(works)
    assert told[0]["is_ending"]
    assert "正在取消" in told[0]["words"]
    assert batch_of(database, place).state is ImportState.PREVIEWED
    assert written(database) == before
    clerk.post(f"{place}/stop", {"url": place})
    assert "不能再取消" in page(clerk, place)


def test_while_it_is_written_it_cannot_be_given_up(clerk, database, place):
    clerk.post(f"{place}/apply")
    clerk.post(f"{place}/cancel", {"url": place})
    assert "正在写入" in page(clerk, place)
    assert batch_of(database, place).state is ImportState.APPLYING


def test_why_it_was_not_written_stands_on_the_page(clerk, database, works, place):
    clerk.post(f"{place}/apply")
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(ImportBatch, batch_of(database, place).id).file = None
        session.commit()
    do_without(works)
    assert "不能再写入。请重新上传文件" in page(clerk, place)


def test_another_office_sees_no_progress_and_cancels_nothing(clerk, stranger, director, database, place):
    clerk.post(f"{place}/apply")
    missing = "/imports/999999999"
    for path in ("", "/progress"):
        foreign, none = stranger.get(place + path), stranger.get(missing + path)
        assert (foreign.status_code, none.status_code) == (404, 404)
    for path in ("/stop", "/apply", "/cancel"):
        assert stranger.post(place + path).status_code == stranger.post(missing + path).status_code == 404
    assert job_of(database, place).cancel_asked_at is None
    assert director.get(f"{place}/progress").status_code == 200
    assert director.post(f"{place}/stop").status_code == 403
    assert "取消写入？" not in page(director, place)


def test_progress_of_what_was_never_begun_is_no_page(clerk, place):
    assert clerk.get(f"{place}/progress").status_code == 404
    assert clerk.post(f"{place}/stop").status_code == 404


def test_cancelled_from_the_clockwork_s_page_it_can_be_written_again(clerk, director, database, works, place):
    clerk.post(f"{place}/apply", {"url": place})
    director.post(f"/clockwork/jobs/{job_of(database, place).id}/cancel")
    assert job_of(database, place).state is JobState.CANCELLED
    assert batch_of(database, place).state is ImportState.PREVIEWED
    clerk.post(f"{place}/apply", {"url": place})
    while do_without(works):
        pass
    assert batch_of(database, place).state is ImportState.APPLIED
