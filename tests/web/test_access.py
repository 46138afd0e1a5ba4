"""What somebody may do follows from the postings that reach where they stand, and at all offices from each of them."""

from datetime import timedelta

import pytest

import make
from cast import Cast
from tenant import clock
from tenant.rules.terms import Role
from tenant.unscoped import Reason, across_offices


@pytest.fixture
def posted(sign_in, database):
    """Sign in somebody new with just these postings: (role, place, further columns)."""
    made = []

    def person(*posts):
        with across_offices(database, Reason.SETTING_UP) as session:
            staff = make.staff(session, name=f"某人{len(made)}")
            for role, place, *more in posts:
                make.posting(session, staff, role, place, **(more[0] if more else {}))
            session.commit()
        made.append(staff)
        return sign_in(staff)

    return person


def status(browser, *paths: str) -> list[int]:
    """Return how each page answers."""
    return [browser.get(path).status_code for path in paths]


def test_a_role_held_in_one_office_opens_nothing_in_the_other(posted, cast: Cast):
    both = posted((Role.FINANCE_ASSISTANT, cast.north.office), (Role.FRONT_DESK, cast.south.office))
    both.enter(cast.north.id)
    assert status(both, "/payments/", "/payments/new/", "/requests/new/") == [200, 200, 403]
    both.enter(cast.south.id)
    assert status(both, "/payments/", "/payments/new/", "/requests/new/") == [403, 403, 200]


def test_at_all_offices_at_once_only_what_is_allowed_at_each(posted, cast: Cast):
    both = posted((Role.FINANCE_ASSISTANT, cast.north.office), (Role.FRONT_DESK, cast.south.office))
    assert status(both, "/units/", "/payments/", "/requests/") == [200, 403, 403]


def test_a_group_role_does_not_lend_its_reach_to_an_office_role(posted, cast: Cast):
    """The rows of all offices are in reach, the acts of the front desk are not."""
    auditor = posted((Role.AUDITOR, None), (Role.FRONT_DESK, cast.north.office))
    assert status(auditor, "/audit_entries/", "/requests/") == [200, 403]
    auditor.enter(cast.north.id)
    assert status(auditor, "/requests/", "/requests/new/") == [200, 200]
    auditor.enter(cast.south.id)
    assert status(auditor, "/requests/", "/audit_entries/") == [403, 200]


def test_a_company_reaches_its_own_offices_alone(posted, cast: Cast):
    centre = posted((Role.COMPANY_CENTRE, cast.east))
    page = centre.get("/units/").get_data(as_text=True)
    assert cast.north.unit.number in page
    assert status(centre, f"/units/details/?id={cast.north.unit.id}", f"/units/details/?id={cast.south.unit.id}") == [
        200,
        404,
    ]
    assert centre.post("/office", {"office": cast.south.id}).status_code == 404


@pytest.mark.parametrize(("begins", "ends", "answer"), [(-10, -1, 403), (-10, 0, 200), (0, None, 200), (1, None, 403)])
def test_a_posting_counts_from_its_first_day_to_its_last(posted, cast: Cast, begins, ends, answer):
    day = clock.today()
    columns = {
        "from_on": day + timedelta(days=begins),
        "to_on": None if ends is None else day + timedelta(days=ends),
    }
    assert status(posted((Role.FRONT_DESK, cast.north.office, columns)), "/requests/") == [answer]


def test_legal_counsel_stands_outside(posted, cast: Cast):
    assert status(posted((Role.LEGAL_COUNSEL, cast.north.office)), "/units/", "/dunning_notices/") == [403, 403]


def test_the_navigation_shows_just_what_may_be_opened(posted, cast: Cast):
    cashier = posted((Role.FINANCE_ASSISTANT, cast.north.office))
    page = cashier.get("/payments/").get_data(as_text=True)
    side = page.split('aria-label="主导航"')[1].split("</nav>")[0]
    assert 'href="/payments/"' in side
    assert 'href="/requests/"' not in side
    assert 'href="/staff/"' not in side


def test_an_office_chosen_before_is_left_when_it_falls_out_of_reach(posted, cast: Cast, database):
    both = posted((Role.FRONT_DESK, cast.north.office), (Role.FRONT_DESK, cast.south.office))
    both.enter(cast.south.id)
    with both.client.session_transaction() as cookie:
        cookie["office"] = 987_654
    page = both.get("/units/").get_data(as_text=True)
    assert cast.north.office.name in page
    assert cast.south.office.name in page
