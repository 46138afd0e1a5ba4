"""Numbers without gaps and without doubles, whoever takes them at the same time (A-W2, B-F9)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from desk import at_desk, request
from tenant.rules.terms import Role, TicketKind
from tenant.services import numbers


def taken(database, house, series, times, start):
    start.wait()
    found = []
    for _ in range(times):
        with database.session(house.scope(), house.actor(Role.FRONT_DESK)) as session:
            found.append(numbers.next_number(session, house.id, series))
            session.commit()
    return found


def test_four_at_once_share_one_series_without_gap_or_double(database, cast):
    start = Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(taken, database, cast.north, "race", 15, start) for _ in range(4)]
        assert sorted(number for job in jobs for number in job.result()) == list(range(1, 61))


def test_a_number_that_was_rolled_back_is_given_out_again(database, cast):
    for expected in (1, 1):
        with at_desk(database, cast.north) as session:
            assert numbers.next_number(session, cast.north.id, "rolled back") == expected


def test_two_who_begin_a_series_wait_for_each_other_and_the_loser_keeps_what_it_did(database, cast):
    start = Barrier(2)

    def begin(house):
        start.wait()
        with at_desk(database, house) as session:
            filed = request(session, house)
            number = numbers.next_number(session, house.id, "begun together")
            session.commit()
            return number, filed.id

    with ThreadPoolExecutor(2) as pool:
        results = [job.result() for job in [pool.submit(begin, cast.north) for _ in range(2)]]
    assert sorted(number for number, _ in results) == [1, 2]
    assert len({filed for _, filed in results}) == 2


def test_offices_and_series_count_by_themselves(database, cast):
    for house in (cast.north, cast.south):
        with at_desk(database, house) as session:
            assert [numbers.next_number(session, house.id, "a") for _ in range(3)] == [1, 2, 3]
            assert numbers.next_number(session, house.id, "b") == 1


@pytest.mark.parametrize(("hour", "day"), [(15, "20261121"), (16, "20261122")])
def test_a_w2_a_tickets_day_is_the_offices_own(database, cast, hour, day):
    with at_desk(database, cast.north) as session:
        at = datetime(2026, 11, 21, hour, 0, tzinfo=UTC)
        number = numbers.next_ticket_number(session, cast.north.office, TicketKind.REQUEST, at)
        assert number == f"BS{day}-0001"
