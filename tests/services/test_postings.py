"""What postings let a person see, and who is told up the line (A-O1 to A-O3)."""

from datetime import date, timedelta

import pytest

import make
from desk import at_desk
from tenant.errors import NotFound, Refusal
from tenant.models import Office, Posting, Staff
from tenant.rules.terms import PostingLevel, Role
from tenant.scoping import Scope
from tenant.services import postings
from tenant.unscoped import Reason, across_offices

DAY = date(2026, 3, 2)


@pytest.fixture
def group(database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        yield session


def hired(session, role, place, **columns):
    person = make.staff(session)
    make.posting(session, person, role, place, **columns)
    return person.id


def test_an_office_posting_reaches_its_office_alone(group, cast):
    assert postings.scope_for(group, hired(group, Role.DIRECTOR, cast.north.office), DAY) == Scope.of([cast.north.id])


def test_a_company_posting_reaches_its_companys_offices_and_no_other(group, cast):
    second = make.office(group, company_id=cast.east.id)
    scope = postings.scope_for(group, hired(group, Role.COMPANY_CENTRE, cast.east), DAY)
    assert scope == Scope.of([cast.north.id, second.id])


def test_a_group_posting_reaches_everywhere(group, cast):
    assert postings.scope_for(group, hired(group, Role.GROUP_CENTRE, None), DAY) == Scope.everywhere()


def test_several_postings_reach_all_their_offices(group, cast):
    person = make.staff(group)
    make.posting(group, person, Role.FRONT_DESK, cast.north.office)
    make.posting(group, person, Role.FRONT_DESK, cast.south.office)
    assert postings.scope_for(group, person.id, DAY) == Scope.of([cast.north.id, cast.south.id])


def test_a_stranger_reaches_nothing(group, cast):
    assert postings.scope_for(group, cast.stranger.id, DAY) == Scope.of([])


@pytest.mark.parametrize(
    ("from_on", "to_on", "reaches"),
    [
        (DAY, None, True),
        (DAY + timedelta(days=1), None, False),
        (date(2020, 1, 1), DAY, True),
        (date(2020, 1, 1), DAY - timedelta(days=1), False),
        (DAY, DAY, True),
    ],
)
def test_first_and_last_day_of_a_posting_count(group, cast, from_on, to_on, reaches):
    for place, role, wide in (
        (cast.north.office, Role.FRONT_DESK, Scope.of([cast.north.id])),
        (cast.east, Role.COMPANY_CENTRE, Scope.of([cast.north.id])),
        (None, Role.AUDITOR, Scope.everywhere()),
    ):
        person = hired(group, role, place, from_on=from_on, to_on=to_on)
        assert postings.scope_for(group, person, DAY) == (wide if reaches else Scope.of([]))


def test_an_archived_office_is_reached_from_the_group_alone(group, cast):
    archived = make.office(group, company_id=cast.east.id, archived_at=make.NOON)
    assert postings.scope_for(group, hired(group, Role.DIRECTOR, archived), DAY) == Scope.of([])
    assert archived.id not in postings.scope_for(group, hired(group, Role.GENERAL_MANAGER, cast.east), DAY).office_ids
    assert postings.scope_for(group, hired(group, Role.AUDITOR, None), DAY).is_everywhere


def test_who_is_disabled_or_does_not_sign_in_reaches_nothing(group, cast):
    person = hired(group, Role.GROUP_CENTRE, None)
    group.get(Staff, person).disabled_at = make.NOON
    group.flush()
    assert postings.scope_for(group, person, DAY) == Scope.of([])
    assert postings.postings_of(group, person, DAY) == []
    counsel = hired(group, Role.LEGAL_COUNSEL, None)
    assert postings.scope_for(group, counsel, DAY) == Scope.of([])


def test_postings_come_the_widest_first(group, cast):
    person = make.staff(group)
    for place in (cast.north.office, cast.east, None):
        make.posting(group, person, Role.AUDITOR, place)
    levels = [posting.level for posting in postings.postings_of(group, person.id, DAY)]
    assert levels == [PostingLevel.GROUP, PostingLevel.COMPANY, PostingLevel.OFFICE]


def names(found):
    return sorted(person.name for person in found)


def test_a_role_is_looked_for_at_the_office_then_its_company_then_the_group(group, cast):
    lent = make.staff(group, name="公司借调")
    make.posting(group, lent, Role.FINANCE_ASSISTANT, cast.east)
    first = postings.recipients(group, cast.north.id, Role.FINANCE_ASSISTANT, DAY)
    assert names(first) == ["北苑财务助理"]
    group.get(Posting, cast.north.people[Role.FINANCE_ASSISTANT].id).to_on = DAY - timedelta(days=1)
    group.flush()
    assert names(postings.recipients(group, cast.north.id, Role.FINANCE_ASSISTANT, DAY)) == ["公司借调"]
    assert names(postings.recipients(group, cast.south.id, Role.FINANCE_ASSISTANT, DAY)) == ["南苑财务助理"]
    assert names(postings.recipients(group, cast.north.id, Role.GROUP_CENTRE, DAY)) == ["集团客户服务中心"]
    assert postings.recipients(group, cast.north.id, Role.LEGAL_COUNSEL, DAY) == []


def test_who_has_no_address_or_is_disabled_is_not_written_to(group, cast):
    for role, columns in ((Role.DIRECTOR, {"email": None}), (Role.SUPERVISOR, {"disabled_at": make.NOON})):
        person = group.get(Staff, cast.north.people[role].staff_id)
        for name, value in columns.items():
            setattr(person, name, value)
        group.flush()
        assert postings.recipients(group, cast.north.id, role, DAY) == []


def test_a_department_needs_a_head_of_its_own(database, group, cast):
    with at_desk(database, cast.north) as session:
        headless = make.department(session, cast.north.id, name="保洁部")
        assert postings.department_with_head(session, cast.north.id, cast.north.engineering.id, DAY)
        with pytest.raises(Refusal) as refused:
            postings.department_with_head(session, cast.north.id, headless.id, DAY)
        assert refused.value.code == "department_without_head"
        assert "保洁部" in refused.value.message
        answers = set()
        for foreign in (cast.south.engineering.id, 987654321):
            with pytest.raises(NotFound) as refused:
                postings.department_with_head(session, cast.north.id, foreign, DAY)
            answers.add((refused.value.code, refused.value.message))
        assert len(answers) == 1


def test_an_actor_without_a_posting_in_the_office_signs_nothing(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.FRONT_DESK)) as session:
        assert postings.acting_posting_id(session, cast.north.id) == cast.north.people[Role.FRONT_DESK].id
    with database.session(cast.north.scope(), cast.south.actor(Role.FRONT_DESK)) as session:
        assert postings.acting_posting_id(session, cast.north.id) is None
        assert session.get(Office, cast.south.id) is None
