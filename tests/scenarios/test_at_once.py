"""Two people act on the same matters at the same moment: one has his way, the other is told, and nobody waits for ever.

A-W1, A-W8, A-W20, A-R1, A-C1.
"""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from itertools import pairwise
from threading import Barrier

import pytest

from desk import MINUTE, at_desk, complaint, request
from make import NOON
from tenant.errors import NotFound, Refusal
from tenant.models import QuoteLine, Ticket
from tenant.rules.terms import PauseReason, RequestCategory, Satisfaction, TicketState
from tenant.services import complaints, defects, follow_ups, links, pauses, quotes, requests, tickets

ROUNDS = 5
PAIRS = [(links.merge, links.merge), (links.answer_with, links.answer_with), (links.merge, links.answer_with)]


def together(database, house, *acts):
    """Do each act in a session of its own at the same moment; return what was refused, None for what was done."""
    start = Barrier(len(acts))

    def one(act):
        with at_desk(database, house, NOON + MINUTE) as session:
            start.wait()
            try:
                act(session)
            except (Refusal, NotFound) as refusal:
                return refusal
            session.commit()
            return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def filed(database, house, make=request, count=2, **fields):
    """Register matters of the house and return their tickets' ids."""
    with at_desk(database, house) as session:
        rows = [make(session, house, **fields) for _ in range(count)]
        session.commit()
        return [row.ticket_id for row in rows], [row.id for row in rows]


def standing(database, house, ticket_id):
    with at_desk(database, house, NOON + MINUTE) as session:
        found = session.get_one(Ticket, ticket_id)
        return found.state, found.parent_id, found.merged_into_id


@pytest.mark.parametrize("kind", [request, complaint])
@pytest.mark.parametrize("verbs", PAIRS, ids=["merge", "answer", "either"])
def test_a_w1_a_c1_joined_both_ways_at_once_one_of_them_holds(database, house, kind, verbs):
    for _ in range(ROUNDS):
        (first, second), _ = filed(database, house, kind)
        said = together(
            database,
            house,
            lambda s, a=first, b=second: verbs[0](s, b, a),
            lambda s, a=first, b=second: verbs[1](s, a, b),
        )
        assert said.count(None) == 1, said
        linked = [standing(database, house, ticket_id)[1:] for ticket_id in (first, second)]
        assert linked.count((None, None)) == 1, "neither a circle nor nothing"


def test_a_w1_a_ring_of_many_is_joined_without_a_circle(database, house):
    for _ in range(ROUNDS):
        ids, _ = filed(database, house, count=4)
        ring = [*ids, ids[0]]
        together(
            database, house, *(partial(lambda a, b, s: links.answer_with(s, a, b), a, b) for a, b in pairwise(ring))
        )
        parents = {ticket_id: standing(database, house, ticket_id)[1] for ticket_id in ids}
        assert any(parents.values())
        assert all(parents[parent] is None for parent in parents.values() if parent is not None), "no chain"


def test_a_cause_done_while_another_is_hung_on_it_answers_it_or_refuses_it(database, house):
    for _ in range(ROUNDS):
        (flat, cause), (_, cause_id) = filed(database, house)
        done, hung = together(
            database,
            house,
            lambda s, c=cause_id: requests.answer(s, c),
            lambda s, f=flat, c=cause: links.answer_with(s, f, c),
        )
        assert done is None
        state, parent, _ = standing(database, house, flat)
        assert (state, parent) == ((TicketState.DONE, cause) if hung is None else (TicketState.REGISTERED, None))


def test_causes_and_what_they_answer_are_done_given_up_and_freed_in_any_order(database, house):
    """Whoever holds one of them waits for nobody who waits for him."""
    for _ in range(ROUNDS):
        (one, cause, two), (one_id, cause_id, _) = filed(database, house, count=3)
        with at_desk(database, house) as session:
            for child in (one, two):
                links.answer_with(session, child, cause)
            session.commit()
        together(
            database, house,
            lambda s, c=cause_id: requests.answer(s, c),
            lambda s, c=cause: tickets.invalidate(s, c, "误报"),
            lambda s, o=one, t=two: links.merge(s, t, o),
            lambda s, o=one: links.stand_alone(s, o),
            lambda s, o=one_id: requests.answer(s, o),
            lambda s, t=two: pauses.pause(s, t, PauseReason.OWNER, NOON + 60 * MINUTE),
        )  # fmt: skip
        assert standing(database, house, cause)[0] in {TicketState.DONE, TicketState.INVALID}


def test_a_merge_taken_back_by_two_at_once_is_taken_back_once(database, house):
    for _ in range(ROUNDS):
        (elder, younger), _ = filed(database, house)
        with at_desk(database, house) as session:
            links.merge(session, younger, elder)
            session.commit()
        said = together(database, house, *[lambda s, y=younger: links.unmerge(s, y)] * 2)
        (refusal,) = [one for one in said if one is not None]
        assert refusal.code in {"impossible", "not_merged"}


def test_a_w8_an_item_taken_out_by_two_at_once_is_taken_out_once(database, house):
    for _ in range(ROUNDS):
        _, (paid,) = filed(database, house, count=1, category=RequestCategory.PAID_SERVICE)
        with at_desk(database, house) as session:
            line = quotes.add_line(session, paid, "安装", Decimal(1), Decimal("80")).id
            session.commit()
        said = together(database, house, *[lambda s, n=line: quotes.remove_line(s, n)] * 2)
        assert [type(one) for one in said if one is not None] == [NotFound]
        with at_desk(database, house) as session:
            assert session.get(QuoteLine, line) is None


def test_a_w8_agreed_by_two_at_once_it_is_charged_once(database, house):
    for _ in range(ROUNDS):
        _, (paid,) = filed(database, house, count=1, category=RequestCategory.PAID_SERVICE)
        with at_desk(database, house) as session:
            quotes.add_line(session, paid, "安装", Decimal(1), Decimal("80"))
            session.commit()
        said = together(database, house, *[lambda s, n=paid: quotes.agree(s, n)] * 2)
        assert [one.code for one in said if one is not None] == ["agreed"]


def test_a_w20_a_r1_a_repair_turned_into_a_defect_by_two_at_once_is_one_defect(database, house):
    for _ in range(ROUNDS):
        _, (repair,) = filed(database, house, count=1)
        said = together(database, house, *[lambda s, n=repair: defects.from_request(s, n, part="外墙")] * 2)
        assert [one.code for one in said if one is not None] == ["ticket_closed"]


def test_a_w10_asked_by_two_at_once_it_is_taken_up_again_once(database, house):
    for _ in range(ROUNDS):
        (ticket_id,), (matter,) = filed(database, house, count=1)
        with at_desk(database, house, NOON) as session:
            requests.answer(session, matter)
            session.commit()
        said = together(
            database, house, *[lambda s, t=ticket_id: follow_ups.follow_up(s, t, Satisfaction.DISSATISFIED)] * 2
        )
        assert [one.code for one in said if one is not None] == ["not_done"]


def test_a_c8_merged_while_its_harm_is_stopped_it_is_merged_or_says_why_not(database, house):
    for _ in range(ROUNDS):
        (elder,), _ = filed(database, house, complaint, 1)
        (hurt,), (hurt_id,) = filed(database, house, complaint, 1, harm_continues=True)
        stopped, merged = together(
            database,
            house,
            lambda s, n=hurt_id: complaints.stop_harm(s, n),
            lambda s, h=hurt, e=elder: links.merge(s, h, e),
        )
        assert (merged is None and stopped is None) or merged.code == "harm_goes_on"
