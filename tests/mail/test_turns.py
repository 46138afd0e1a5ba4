"""Whose turn it is: owners are left alone at night, a domain gets its share a minute, offices take turns in it."""

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

import make
from desk import at_desk
from tasks.mail.transport import SmtpTransport
from tasks.sweeps import Pace, run_mail
from tasks.sweeps import mail as mail_sweep
from tenant import clock
from tenant.errors import SettingsError
from tenant.models import Mail, MailDomain, Office
from tenant.rules.terms import MailClass, MailState
from tenant.scoping import PERMIT
from tenant.services import mail_times, mail_turns
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

NOON, NIGHT = make.NOON, make.NOON + timedelta(hours=10)  # 22:00 in Shanghai
MORNING = make.NOON + timedelta(hours=20)
OWNERS = [MailClass.REMINDER, MailClass.LEGAL]


@pytest.fixture(autouse=True)
def nothing_queued(database):
    """Whatever an earlier test left waiting is out of the way, and no domain has used a slot."""
    with across_offices(database, Reason.CLAIMING) as session:
        waits = Mail.state.in_([MailState.QUEUED, MailState.SENDING])
        session.execute(update(Mail).where(waits).values(state=MailState.FAILED), execution_options=PERMIT)
        for domain in session.scalars(select(MailDomain)):
            session.delete(domain)
        session.commit()


@pytest.fixture
def group(database):
    """Open a session of headquarters."""
    return lambda: across_offices(database, Reason.CLAIMING)


@pytest.fixture
def states(group):
    """Count the given mails by state."""

    def count(ids):
        with group() as session:
            return Counter(session.scalars(select(Mail.state).where(Mail.id.in_(ids))))

    return count


@pytest.fixture
def sweep(database, settings, transport):
    """Sweep the mails once at an instant, over the sink's transport."""
    return lambda at: run_mail(database, at, settings=settings, transport=transport)


def hours(group, house, quiet_from, quiet_until):
    with group() as session:
        office = session.get_one(Office, house.id)
        office.quiet_from, office.quiet_until = quiet_from, quiet_until
        session.commit()


# ---- quiet hours
@pytest.mark.parametrize("mail_class", MailClass)
def test_a_mail_to_an_owner_queued_at_night_is_due_in_the_morning(database, cast, queue, mail_class):
    with clock.at(NIGHT):
        (mail_id,) = queue(cast.north, mail_class=mail_class, not_before=None)
    with at_desk(database, cast.north) as session:
        due = session.get(Mail, mail_id).not_before
    assert due == (MORNING if mail_class in OWNERS else NIGHT)


def test_a_wished_time_at_night_becomes_the_morning(database, cast, queue):
    (mail_id,) = queue(cast.north, mail_class=MailClass.LEGAL, not_before=NIGHT)
    with at_desk(database, cast.north) as session:
        assert session.get(Mail, mail_id).not_before == MORNING


def test_a_night_rehearsed_ahead_of_time_does_not_bind_the_real_days(database, cast, queue):
    with clock.at(NIGHT.replace(year=2199)):
        (mail_id,) = queue(cast.north, mail_class=MailClass.REMINDER, not_before=None)
    with at_desk(database, cast.north) as session:
        assert session.get(Mail, mail_id).not_before.year < 2199


@pytest.mark.parametrize("mail_class", OWNERS)
def test_what_became_due_at_night_is_put_off_without_an_attempt(database, cast, queue, sweep, states, mail_class):
    late = queue(cast.north, 3, mail_class=mail_class, not_before=NOON)
    staff = queue(cast.north, mail_class=MailClass.ESCALATION)
    report = sweep(NIGHT)
    assert (report.due, report.done) == (1, 1)
    assert (states(late), states(staff)) == (Counter({MailState.QUEUED: 3}), Counter({MailState.SENT: 1}))
    with at_desk(database, cast.north) as session:
        rows = session.scalars(select(Mail).where(Mail.id.in_(late))).all()
        assert {(row.not_before, row.attempts) for row in rows} == {(MORNING, 0)}
    assert sweep(MORNING - timedelta(seconds=1)).due == 0
    assert sweep(MORNING).done == 3


def test_hours_that_an_office_has_changed_hold_for_what_is_queued_already(cast, queue, sweep, group, states):
    ids = queue(cast.north, mail_class=MailClass.REMINDER, not_before=NOON)
    others = queue(cast.south, mail_class=MailClass.REMINDER, not_before=NOON)
    was = cast.north.office.quiet_from, cast.north.office.quiet_until
    at_eleven, at_two = was[0].replace(hour=11), was[0].replace(hour=14)
    hours(group, cast.north, at_eleven, at_two)
    sweep(NOON)
    assert (states(ids), states(others)) == (Counter({MailState.QUEUED: 1}), Counter({MailState.SENT: 1}))
    hours(group, cast.north, at_eleven, at_eleven)
    assert sweep(NOON + timedelta(hours=2)).done == 1
    hours(group, cast.north, *was)


def test_an_office_whose_hours_cannot_be_read_holds_up_no_other(database, cast, queue, sweep, states, monkeypatch):
    broken = queue(cast.north, 2, mail_class=MailClass.REMINDER, not_before=NOON)
    sound = queue(cast.south, 2, mail_class=MailClass.REMINDER, not_before=NOON)
    heard = mail_times.heard

    def deaf(session, mail_class, office_id, at):
        if office_id == cast.north.id:
            raise SettingsError(message="不认识时区。")
        return heard(session, mail_class, office_id, at)

    monkeypatch.setattr(mail_times, "heard", deaf)
    assert sweep(NOON).done == 2
    assert (states(broken), states(sound)) == (Counter({MailState.QUEUED: 2}), Counter({MailState.SENT: 2}))
    monkeypatch.undo()
    with at_desk(database, cast.north) as session:
        assert "不认识时区" in session.get(Mail, broken[0]).last_error
    assert sweep(NOON + mail_sweep.SERVER_DOWN).done == 2


# ---- so many a minute
@pytest.fixture
def slowly(tmp_path):
    """Settings that let ``per_minute`` mails a minute go to one domain."""
    return lambda per_minute: Settings(home=tmp_path, mail_per_minute=per_minute)


def carrier(sink):
    return SmtpTransport(f"smtp://127.0.0.1:{sink.port}", hello="wuguan.invalid", reply_seconds=5)


def test_two_workers_together_keep_to_the_number_of_a_domain(database, cast, queue, sink, slowly, states):
    ids = queue(cast.north, 6) + queue(cast.south, 6)
    arrivals = []
    sink.took = lambda: arrivals.append(time.monotonic())

    def work():
        mails_carrier = carrier(sink)
        run_mail(database, NOON, settings=slowly(240), transport=mails_carrier)  # one in 0.25 s
        mails_carrier.close()

    begun = time.monotonic()
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert states(ids) == Counter({MailState.SENT: 12})
    assert time.monotonic() - begun >= 11 * 0.25
    assert len(arrivals) == 12
    for number in range(12):
        assert arrivals[number] - begun >= number * 0.25, "ahead of its slot"


@pytest.fixture
def until(sink):
    """The pace of a run that ends when the server has taken so many mails; long before that a slot comes free again."""

    def after(number):
        enough = threading.Event()
        sink.took = lambda: enough.set() if len(sink.taken) >= number else None
        return Pace(waits=False, seconds=50, stop=enough)

    return after


def test_a_domain_without_a_slot_holds_up_no_other_and_no_lease(database, cast, queue, sink, slowly, states, until):
    slow = queue(cast.north, 30, recipient_address="zhao@slow.invalid")
    quick = [queue(cast.north, recipient_address=f"zhao@quick{number}.invalid")[0] for number in range(5)]
    run_mail(database, NOON, settings=slowly(1), transport=carrier(sink), pace=until(6))
    assert states(quick) == Counter({MailState.SENT: 5})
    assert states(slow) == Counter({MailState.QUEUED: 29, MailState.SENT: 1})


def test_a_domain_may_have_a_number_of_its_own(database, cast, queue, sink, slowly, states, group, until):
    with group() as session:
        session.add(MailDomain(domain="slow.invalid", per_minute=1))
        session.commit()
    slow = queue(cast.north, 5, recipient_address="zhao@Slow.Invalid")
    usual = queue(cast.north, 5)
    run_mail(database, NOON, settings=slowly(100_000), transport=carrier(sink), pace=until(6))
    assert (states(slow)[MailState.SENT], states(usual)[MailState.SENT]) == (1, 5)


def test_offices_take_turns_at_a_slow_domain(database, cast, queue, sink, slowly, states):
    many = queue(cast.north, 40)
    few = queue(cast.south, 2)
    one_slot = Pace(waits=False, seconds=0.2)
    while states(few)[MailState.SENT] < 2:
        run_mail(database, NOON, settings=slowly(240), transport=carrier(sink), pace=one_slot)
        assert states(many)[MailState.SENT] < 40, "the other office had to wait for all of them"


def test_the_built_in_mailbox_is_not_paced(database, cast, queue, slowly):
    queue(cast.north, 20)
    assert run_mail(database, NOON, settings=slowly(1)).done == 20


def test_a_slot_that_led_to_nothing_is_free_again(database, cast, queue, group):
    with group() as session:
        assert mail_turns.take_slot(session, "once.invalid", 1)
        session.rollback()
        assert mail_turns.take_slot(session, "once.invalid", 1)
        session.commit()
        assert not mail_turns.take_slot(session, "once.invalid", 1)


# ---- idle
def test_a_sweep_that_finds_nothing_asks_one_question(database, cast, sweep):
    asked = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert sweep(NOON).due == 0
    questions = [statement for statement in asked if not statement.startswith("SELECT set_config")]
    assert len(questions) == 1
    assert questions[0].count("EXISTS") == 4
