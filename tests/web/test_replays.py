"""试算 on the page: asked for where the draft stands, side by side, of the own offices alone (A-W4, A-O2, A-O4)."""

import io
from datetime import timedelta

import pytest
from lxml import html
from openpyxl import load_workbook

import make
from cast import Cast
from desk import MINUTE, at_desk, call, request
from tasks.actors import perform
from tenant import clock
from tenant.models import ClockPolicy, Job, OfficeClockPolicy, PolicyReplay
from tenant.rules.terms import ClockKind, ClockMeasure, Role, TicketKind
from tenant.services import replays
from tenant.unscoped import Reason, across_offices

DAY = make.NOON.date()
DAYS = {"from_on": DAY.isoformat(), "until_on": DAY.isoformat()}
SAYS = {
    "ticket": TicketKind.REQUEST,
    "clock": ClockKind.FIRST_REPLY,
    "measure": ClockMeasure.MINUTES,
    "amount": 30,
    "effective_on": DAY,
    "why": "试行",
}


@pytest.fixture(scope="module", autouse=True)
def _past(database, cast: Cast):
    """In both offices a request answered after 20 minutes, in the south another after 40."""
    for house, minutes in ((cast.north, 20), (cast.south, 20), (cast.south, 40)):
        with at_desk(database, house) as session:
            matter = request(session, house)
            with clock.at(make.NOON + minutes * MINUTE):
                call(session, matter.ticket_id)
            session.commit()


@pytest.fixture
def own(database, cast: Cast) -> str:
    """The address of a draft of the north's."""
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        row = OfficeClockPolicy(office_id=cast.north.id, **SAYS)
        session.add(row)
        session.commit()
        return f"/limits/office/{row.id}/replay"


@pytest.fixture
def shared(database, cast: Cast):
    """Write a draft of the group, or of a company; return its address."""

    def written(company=None) -> str:
        with across_offices(database, Reason.SETTING_UP) as session:
            row = ClockPolicy(company_id=None if company is None else company.id, **SAYS)
            session.add(row)
            session.commit()
            return f"/limits/group/{row.id}/replay"

    return written


@pytest.fixture
def work(database, works):
    """Let a worker do every trial that waits."""

    def done() -> None:
        with across_offices(database, Reason.CLAIMING) as session:
            waiting = [row.id for row in session.query(Job).filter(Job.kind == replays.JOB, Job.ended_at.is_(None))]
        for job_id in waiting:
            perform(works, "run_job", {"job_id": job_id})

    return done


def line_of(page, what="报事 · 首次答复", table="按时限"):
    """Return the cells of one line, spaces apart: of a kind of clock, or of an office."""
    (row,) = html.fromstring(page).xpath(f"//section[@aria-label='{table}']//tr[td[contains(., '{what}')]]")
    return ["".join(cell.xpath("string()").split()) for cell in row.xpath("td")[1:]]


def test_a_director_tries_a_draft_and_goes_back_to_put_it_into_force(cast, sign_in, own, work):
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    assert "还没有试算过" in director.get(own).get_data(as_text=True)
    assert director.post(own, DAYS).status_code == 302
    waits = director.get(own).get_data(as_text=True)
    assert f'data-working="{own}/progress"' in waits
    assert "取消试算" in waits
    assert director.get(f"{own}/progress").get_json()["finished"] is False
    work()
    assert director.get(f"{own}/progress").get_json()["finished"] is True
    page = director.get(own).get_data(as_text=True)
    clocks, late, warned, levels = line_of(page)
    assert (clocks, late, warned) == ("1→1", "1→0（−1）", "0→0")
    assert levels == "第1级1→0（−1）"
    assert "试算不知道的" in page
    assert html.fromstring(page).xpath("//a[contains(., '回到草稿，启用或修改')]/@href")


def test_a_draft_that_was_tried_is_removed_with_its_trials(cast, sign_in, own, work, database):
    director, row_id = sign_in(cast.north.people[Role.DIRECTOR].staff), int(own.split("/")[3])
    place = f"/office_limits/delete/?id={row_id}"
    director.post(own, DAYS)
    waits = director.post(place, {"id": row_id})
    assert waits.status_code == 409
    assert "正在试算" in waits.get_data(as_text=True)
    work()
    answer = director.post(place, {"id": row_id})
    assert answer.status_code == 302
    with across_offices(database, Reason.REVIEWING) as session:
        assert session.get(OfficeClockPolicy, row_id) is None
        assert session.query(PolicyReplay).filter_by(office_clock_policy_id=row_id).count() == 0


def test_a_draft_leads_to_its_trial_and_what_is_in_force_does_not(cast, sign_in, own, database):
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    row_id = int(own.split("/")[3])
    record = f"/office_limits/details/?id={row_id}"
    assert own in director.get(record).get_data(as_text=True)
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        session.get_one(OfficeClockPolicy, row_id).activated_at = clock.now()
        session.commit()
    assert own not in director.get(record).get_data(as_text=True)
    assert director.post(own, DAYS).status_code == 422
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        session.get_one(OfficeClockPolicy, row_id).withdrawn_at = clock.now()
        session.commit()


def test_nothing_is_tried_without_the_right_and_nothing_of_another_office_is_seen(cast, sign_in, own, shared):
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    assert desk.post(own, DAYS).status_code == 403
    stranger = sign_in(cast.south.people[Role.DIRECTOR].staff)
    for way in ("", "/progress", "/export"):
        assert stranger.get(own + way).status_code == 404
    assert stranger.post(own, DAYS).status_code == 404
    assert stranger.post(f"{own}/stop").status_code == 404
    of_east = shared(cast.east)
    assert stranger.get(of_east).status_code == 404, "a draft of another company"
    assert stranger.get("/limits/office/987654321/replay").status_code == 404
    assert stranger.get("/limits/nobody/1/replay").status_code == 404


def test_headquarters_sees_every_office_and_their_sum(cast, sign_in, shared, work):
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    address = shared()
    assert centre.post(address, DAYS).status_code == 302
    work()
    page = centre.get(address).get_data(as_text=True)
    assert line_of(page)[1] == "3→1（−2）"
    for house, received in ((cast.north, "1"), (cast.south, "2")):
        tickets, late, *_ = line_of(page, house.office.name, "各管理处")
        assert (tickets, late[-4:]) == (received, "（−1）")
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    mine = director.get(address).get_data(as_text=True)
    assert line_of(mine)[1] == "1→0（−1）"
    assert cast.south.office.name not in mine


def test_a_company_draft_is_tried_on_its_own_offices_alone(cast, sign_in, shared, work):
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    address = shared(cast.west)
    centre.post(address, DAYS)
    work()
    assert line_of(centre.get(address).get_data(as_text=True))[1] == "2→1（−1）"


def test_days_that_cannot_be_are_said_at_the_field_and_kept(cast, sign_in, own):
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    wrong = {"from_on": DAY.isoformat(), "until_on": (DAY - timedelta(days=1)).isoformat()}
    answer = director.post(own, wrong)
    page = html.fromstring(answer.get_data(as_text=True))
    assert answer.status_code == 422
    (field,) = page.xpath("//input[@aria-invalid='true']")
    assert (field.get("name"), field.get("value")) == ("until_on", wrong["until_on"])
    assert "应不早于「起始日」" in page.xpath("string(//*[@id='days-error'])")
    assert director.post(own, {"from_on": "昨天", "until_on": ""}).status_code == 422


def test_a_trial_can_be_given_up_and_asked_for_again(cast, sign_in, own, work):
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    director.post(own, DAYS)
    assert director.post(f"{own}/stop").status_code == 302
    page = director.get(own).get_data(as_text=True)
    assert "data-working" not in page
    assert "开始试算" in page
    director.post(own, DAYS)
    work()
    assert line_of(director.get(own).get_data(as_text=True))[0] == "1→1"


def test_the_result_of_an_older_wording_says_so(cast, database, sign_in, own, work):
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    director.post(own, DAYS)
    work()
    assert "草稿在试算之后改过" not in director.get(own).get_data(as_text=True)
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        session.get_one(OfficeClockPolicy, int(own.split("/")[3])).amount = 45
        session.commit()
    assert "草稿在试算之后改过" in director.get(own).get_data(as_text=True)


def test_the_workbook_says_what_the_page_says_and_is_put_on_the_record(cast, sign_in, own, work, record):
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    assert director.get(f"{own}/export").status_code == 404, "nothing is counted yet"
    director.post(own, DAYS)
    work()
    book = load_workbook(io.BytesIO(director.get(f"{own}/export").data))
    titles, *rows = book.active.iter_rows(values_only=True)
    assert titles == ("管理处", "类别", "项目", "现行", "草案", "相差")
    assert (cast.north.office.name, "报事 · 首次答复", "超时", 1, 0, -1) in rows
    (entry, *_) = record("replay.exported")
    assert entry.actor_id == cast.north.people[Role.DIRECTOR].staff_id
