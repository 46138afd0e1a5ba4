"""The rota on the screen: who has which shift, where nobody does, who is away; and mails that were gathered (B-S1)."""

import io
from datetime import timedelta

import pytest
from lxml import html
from openpyxl import load_workbook
from sqlalchemy import select

from cast import Cast
from desk import at_desk, request
from tasks import sweeps
from tenant import clock
from tenant.models import Absence, Duty, Mail, Office, WorkOrder
from tenant.rules.terms import MailState, Role
from tenant.services import duties, requests
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

ZONE = "Asia/Shanghai"
DAY = timedelta(days=1)


@pytest.fixture
def seat(sign_in, cast: Cast):
    """Sit somebody of the north down at a browser, by role."""
    return lambda role: sign_in(cast.north.people[role].staff)


@pytest.fixture(autouse=True)
def rota(database, cast):
    """The north has the two usual shifts and nobody on them, the south its own with its director on both tomorrow."""
    tomorrow = clock.today(ZONE) + DAY
    with across_offices(database, Reason.SETTING_UP) as session:
        for duty in session.scalars(select(Duty)):
            session.delete(duty)
        for absence in session.scalars(select(Absence)):
            session.delete(absence)
        session.flush()
        for house in (cast.north, cast.south):
            if not duties.shifts(session, house.id):
                duties.take_usual(session, house.id)
        for shift in duties.shifts(session, cast.south.id):
            duties.assign(session, shift.id, tomorrow, cast.south.people[Role.DIRECTOR].id)
        session.commit()


def next_week():
    today = clock.today(ZONE)
    return today - timedelta(days=today.weekday()) + 7 * DAY


def night(database, house):
    with at_desk(database, house, clock.now()) as session:
        return next(shift.id for shift in duties.shifts(session, house.id) if shift.name == "夜班")


def on_rota(database, house):
    with at_desk(database, house, clock.now()) as session:
        return [(row.duty_on, row.posting_id) for row in session.scalars(select(Duty).order_by(Duty.duty_on))]


def page_of(browser, week=None):
    answer = browser.get("/rota" if week is None else f"/rota?week={week}")
    assert answer.status_code == 200
    return html.fromstring(answer.get_data(as_text=True))


def text(tree):
    return " ".join(tree.text_content().split())


def put_on(browser, shift_id, day, posting):
    return browser.post("/rota/add", {"shift": shift_id, "day": day, "posting": posting.id}, follow_redirects=True)


def test_b_s1_a_shift_that_nobody_has_is_red_until_somebody_is_put_on_it(database, cast, seat):
    supervisor, monday = seat(Role.SUPERVISOR), next_week()
    assert "本周还有 14 个班次无人值班" in text(page_of(supervisor, monday))
    answer = put_on(supervisor, night(database, cast.north), monday, cast.north.people[Role.TECHNICIAN])
    assert f"已把北苑维修人员排在 {monday} 的「夜班」" in answer.get_data(as_text=True)
    page = page_of(supervisor, monday)
    assert "本周还有 13 个班次无人值班" in text(page)
    assert len(page.xpath("//td[contains(@class, 'rota-gap')]")) == 13
    (duty,) = page.xpath("//input[@name='duty']/@value")
    supervisor.post("/rota/remove", {"duty": duty, "week": monday})
    assert on_rota(database, cast.north) == []


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_week_out_of_reach_is_refused_in_words(seat, day):
    supervisor = seat(Role.SUPERVISOR)
    for answer in (supervisor.get(f"/rota?week={day}"), supervisor.post("/rota/copy", {"week": day})):
        assert answer.status_code == 422
        assert f"「周」{day}" in answer.get_data(as_text=True)


def test_who_may_not_edit_sees_the_rota_and_no_buttons(seat):
    page = page_of(seat(Role.FRONT_DESK), next_week())
    assert "无人值班" in text(page)
    assert page.xpath("//form[contains(@action, '/rota/')]") == []
    assert seat(Role.FRONT_DESK).post("/rota/copy", {"week": next_week()}).status_code == 403
    assert seat(Role.TECHNICIAN).get("/rota").status_code == 403


def test_what_is_refused_is_said_in_words_and_changes_nothing(database, cast, seat):
    supervisor, monday, shift_id = seat(Role.SUPERVISOR), next_week(), night(database, cast.north)
    put_on(supervisor, shift_id, monday, cast.north.people[Role.TECHNICIAN])
    again = put_on(supervisor, shift_id, monday, cast.north.people[Role.TECHNICIAN])
    assert "已经排在" in again.get_data(as_text=True)
    past = put_on(supervisor, shift_id, clock.today(ZONE) - 3 * DAY, cast.north.people[Role.TECHNICIAN])
    assert "已经结束" in past.get_data(as_text=True)
    nobody = supervisor.post("/rota/add", {"shift": shift_id, "day": monday, "posting": ""}, follow_redirects=True)
    assert "没有选择值班人" in nobody.get_data(as_text=True)
    assert supervisor.post("/rota/add", {"shift": shift_id, "day": "明天", "posting": 1}).status_code == 422
    assert len(on_rota(database, cast.north)) == 1


def test_another_offices_people_shifts_and_rows_are_not_found(database, cast, seat):
    supervisor, monday = seat(Role.SUPERVISOR), next_week()
    foreign = cast.south.people[Role.DIRECTOR]
    assert put_on(supervisor, night(database, cast.north), monday, foreign).status_code == 404
    assert put_on(supervisor, night(database, cast.south), monday, cast.north.people[Role.DIRECTOR]).status_code == 404
    with at_desk(database, cast.south, clock.now()) as session:
        row = session.scalars(select(Duty)).first().id
    assert supervisor.post("/rota/remove", {"duty": row}).status_code == 404
    assert len(on_rota(database, cast.south)) == 2


def test_a_week_is_copied_from_the_one_before(database, cast, seat):
    director, monday = seat(Role.DIRECTOR), next_week()
    assert "没有可以复制的" in director.post("/rota/copy", {"week": monday + 7 * DAY}, follow_redirects=True).get_data(
        as_text=True
    )
    put_on(director, night(database, cast.north), monday, cast.north.people[Role.TECHNICIAN])
    answer = director.post("/rota/copy", {"week": monday + 7 * DAY}, follow_redirects=True)
    assert "已复制上一周的排班 1 人次" in answer.get_data(as_text=True)
    assert [day for day, _ in on_rota(database, cast.north)] == [monday, monday + 7 * DAY]


def test_the_workbook_says_what_the_screen_says_and_is_on_the_record(database, cast, seat, record):
    supervisor, monday = seat(Role.SUPERVISOR), next_week()
    put_on(supervisor, night(database, cast.north), monday, cast.north.people[Role.TECHNICIAN])
    answer = supervisor.get(f"/rota/export?week={monday}")
    rows = list(load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert rows[2][:4] == ("夜班", "17:30—次日 08:00", "北苑维修人员", "无人值班")
    (entry, *_) = record("rota.exported")
    assert entry.after["count"] == 2


def test_b_s1_an_office_without_shifts_is_offered_the_handbooks(database, cast, sign_in, seat):
    with across_offices(database, Reason.SETTING_UP) as session:
        for shift in duties.shifts(session, cast.north.id):
            session.delete(shift)
        session.commit()
    admin = seat(Role.OFFICE_ADMIN)
    assert "按手册建立中班和夜班" in text(page_of(admin))
    answer = admin.post("/rota/usual", follow_redirects=True)
    assert "已建立班次「中班」「夜班」" in answer.get_data(as_text=True)
    assert "已有班次「中班」「夜班」" in admin.post("/rota/usual", follow_redirects=True).get_data(as_text=True)


def test_hours_that_nobody_covers_are_named(database, cast, seat):
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(Office, cast.north.id).desk_closes = session.get_one(Office, cast.north.id).desk_closes.replace(
            hour=17, minute=0
        )
        session.commit()
    assert "17:00—17:30 前台已下班，也没有班次" in text(page_of(seat(Role.SUPERVISOR)))
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(Office, cast.north.id).desk_closes = cast.south.office.desk_closes
        session.commit()


def test_headquarters_is_asked_for_an_office(cast, sign_in):
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    assert "请先选择管理处" in text(page_of(centre))


# ---- absences
def test_an_absence_is_refused_at_the_field_and_nothing_typed_is_lost(cast, seat):
    supervisor, day = seat(Role.SUPERVISOR), next_week()
    technician = cast.north.people[Role.TECHNICIAN].id
    fields = {"posting": technician, "from_on": day, "to_on": day, "substitute": technician, "note": "年假"}
    answer = supervisor.post("/absences/new/", fields)
    page = html.fromstring(answer.get_data(as_text=True))
    assert "就是请假人自己" in text(page)
    assert page.xpath("//*[@name='note']/@value | //*[@name='note']/text()")[0].strip() == "年假"


def test_what_who_is_away_has_not_done_is_listed_to_be_sent_to_somebody_else(database, cast, seat):
    supervisor, day = seat(Role.SUPERVISOR), clock.today(ZONE)
    technician = cast.north.people[Role.TECHNICIAN]
    with at_desk(database, cast.north, clock.now() - timedelta(minutes=5)) as session:
        filed = request(session, cast.north)
        order = requests.dispatch(session, filed.id, cast.north.engineering.id, technician_id=technician.id)
        session.commit()
        number = session.get_one(WorkOrder, order.id).number
    fields = {
        "posting": technician.id, "from_on": day, "to_on": day, "substitute": cast.north.people[Role.ASSISTANT].id,
    }  # fmt: skip
    assert supervisor.post("/absences/new/", fields).status_code == 302
    with at_desk(database, cast.north, clock.now()) as session:
        absence_id = session.scalars(select(Absence.id)).one()
    assert number in text(html.fromstring(supervisor.get(f"/absences/details/?id={absence_id}").get_data(as_text=True)))
    assert "代理人 北苑物业助理" in text(page_of(supervisor))
    board = text(html.fromstring(supervisor.get("/boards/office").get_data(as_text=True)))
    assert "今天请假：北苑维修人员（代理人 北苑物业助理）" in board
    ended = supervisor.post(f"/absences/act/end/?id={absence_id}", follow_redirects=True).get_data(as_text=True)
    assert "已取消北苑维修人员" in ended


# ---- who is told the day before
def test_b_s1_the_supervisor_hears_of_tomorrows_gaps_once(database, cast, look_for):
    at = clock.now()
    first = sweeps.run_gaps(database, at, settings=Settings.from_environment({}))
    assert (first.due, first.mails) == (2, 1)
    assert sweeps.run_gaps(database, at, settings=Settings.from_environment({})).mails == 0
    (mail,) = look_for(select(Mail).where(Mail.subject_kind == "rota"))
    assert mail.office_id == cast.north.id
    assert mail.recipient_address == cast.north.people[Role.SUPERVISOR].staff.email
    assert "中班（12:00—14:00）、夜班（17:30—08:00）" in mail.text_body


@pytest.fixture
def look_for(database):
    """Read rows of every office."""

    def read(statement):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(statement))

    return read


# ---- gathered mails in the outbox
def test_the_outbox_leads_from_what_was_gathered_to_the_mail_that_says_it_and_back(database, cast, seat, look_for):
    settings, filed_at = Settings.from_environment({}), clock.now() - timedelta(hours=1)
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(Office, cast.north.id).gather_after = 1
        session.commit()
    with at_desk(database, cast.north, filed_at) as session:
        for _ in range(3):
            request(session, cast.north)
        session.commit()
    late = filed_at + timedelta(minutes=16)
    sweeps.run_escalations(database, late, cast.north.id, settings=settings)
    sweeps.run_gathering(database, late + timedelta(minutes=15), cast.north.id, settings=settings)
    part = look_for(select(Mail).where(Mail.state == MailState.GATHERED))[0]
    director = seat(Role.DIRECTOR)
    page = director.get(f"/outbox/?mail={part.id}&state=gathered").get_data(as_text=True)
    assert "已并入汇总" in page
    assert f"mail={part.gathered_into_id}" in page
    digest = director.get(f"/outbox/?mail={part.gathered_into_id}").get_data(as_text=True)
    assert "这封邮件汇总了" in digest
    assert f"mail={part.id}" in digest
