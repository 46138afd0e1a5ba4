"""A defect that waits: what stands still meanwhile, and what goes on (B-W19, A-R2, A-R5)."""

from datetime import timedelta

import pytest

import make
from desk import DAY, HOUR, at_desk, running
from standing import check_clocks
from tenant import clock
from tenant.models import Ticket
from tenant.rules.terms import ClockKind, PauseReason, RectificationState, Role, TicketState
from tenant.services import contacts, defects, pauses, rectifications
from warranty import brought_to, defect, issued, refused

NOON = make.NOON
OWNER = PauseReason.OWNER


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office has a defect that waits."""
    with at_desk(database, cast.south) as session:
        pauses.pause(session, defect(session, cast.south).ticket_id, OWNER, NOON + DAY)
        session.commit()


def wait(session, found, until=NOON + 3 * DAY):
    return pauses.pause(session, found.ticket_id, OWNER, until)


def test_b_w19_looking_at_a_defect_waits_for_its_owner_and_goes_on_with_what_was_left(session, house):
    found = defect(session, house)
    before = {kind: row.due_at for kind, row in running(session, found.ticket_id).items()}
    wait(session, found)
    assert set(running(session, found.ticket_id)) == {ClockKind.WAITING}
    with clock.at(NOON + 2 * DAY):
        pauses.resume(session, found.ticket_id)
        after = {kind: row.due_at for kind, row in running(session, found.ticket_id).items()}
        assert after == {kind: due + 2 * DAY for kind, due in before.items()}
        assert session.get_one(Ticket, found.ticket_id).state is TicketState.REGISTERED
        check_clocks(session, session.get_one(Ticket, found.ticket_id))
        defects.confirm(session, found.id, "防水层开裂")


def test_a_r2_the_day_agreed_with_the_builder_stands_while_the_defect_waits(session, house):
    record = issued(session, house, found := defect(session, house))
    agreed = running(session, found.ticket_id)[ClockKind.PROMISED].due_at
    wait(session, found)
    assert running(session, found.ticket_id)[ClockKind.PROMISED].due_at == agreed
    rectifications.note(session, record.id, "等业主开门")
    rectifications.sign_for(session, record.id, "周工")
    with clock.at(NOON + DAY):
        pauses.resume(session, found.ticket_id)
        assert running(session, found.ticket_id)[ClockKind.PROMISED].due_at == agreed
        rectifications.report_done(session, record.id)
    assert session.get_one(Ticket, found.ticket_id).state is TicketState.UNDER_WAY


def test_a_r5_an_inspection_that_waited_keeps_its_later_end_whatever_is_done_to_other_records(session, house):
    record = brought_to(session, house, RectificationState.RETURNED, found := defect(session, house))
    other = issued(session, house, found, name="安居建设")
    due = running(session, found.ticket_id)[ClockKind.INSPECTION].due_at
    wait(session, found)
    with clock.at(NOON + DAY):
        pauses.resume(session, found.ticket_id)
        later = running(session, found.ticket_id)[ClockKind.INSPECTION].due_at
        rectifications.postpone(session, other.id, other.agreed_on + timedelta(days=2), "缺材料")
        assert later == due + DAY == running(session, found.ticket_id)[ClockKind.INSPECTION].due_at
        rectifications.accept(session, record.id)


def test_b_w19_what_comes_next_is_said_after_going_on_and_the_refusal_says_so(session, house):
    record = brought_to(session, house, RectificationState.SIGNED_FOR, found := defect(session, house))
    wait(session, found)
    told = refused(rectifications.report_done, session, record.id)
    assert (told.code, told.field) == ("waits", "state")
    assert "恢复办理" in told.message
    told = refused(defects.send, session, found.id, house.people[Role.TECHNICIAN].id)
    assert "恢复办理" in told.message


def test_a_r1_a_defect_that_waits_may_turn_out_to_be_none(session, house):
    found = defect(session, house)
    wait(session, found)
    with clock.at(NOON + HOUR):
        contacts.contact(session, found.ticket_id, contacts.answered_by(found.ticket.channel), told="不属保修")
        defects.decline(session, found.id, "业主自行改造所致")
    assert session.get_one(Ticket, found.ticket_id).state is TicketState.INVALID
    check_clocks(session, session.get_one(Ticket, found.ticket_id))


def test_b_w19_a_defect_waits_two_weeks_at_the_most(session, house):
    told = refused(wait, session, defect(session, house), NOON + 15 * DAY)
    assert (told.code, told.field) == ("limit_too_far", "until_at")
