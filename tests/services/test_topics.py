"""The office's own tree of topics: three levels, no loops, retired instead of deleted (A-C1, A-W2)."""

import pytest

from desk import at_desk, complaint, request
from tenant.errors import NotFound, Refusal
from tenant.models import Topic
from tenant.rules.terms import RequestCategory, Role
from tenant.services import topics


@pytest.fixture
def session(database, cast):
    with at_desk(database, cast.north, role=Role.OFFICE_ADMIN) as opened:
        yield opened


@pytest.fixture
def grown(session, cast):
    """Make a topic below another and check it as the page does."""

    def make(name, parent=None, category=RequestCategory.REPAIR):
        row = Topic(office_id=cast.north.id, name=name, parent=parent, category=category)
        with session.no_autoflush:
            topics.check(session, row)
        session.add(row)
        session.flush()
        return row

    return make


def refusal(act, *arguments) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments)
    return caught.value


def test_a_tree_has_three_levels_and_no_more(session, grown):
    leaf = grown("阀门", grown("渗漏", grown("给排水")))
    assert topics.path_of(leaf) == "给排水 / 渗漏 / 阀门"
    assert refusal(grown, "垫圈", leaf).code == "too_deep"


def test_a_branch_is_hung_elsewhere_only_where_all_of_it_has_room(session, grown):
    branch = grown("渗漏")
    grown("阀门", branch)
    elsewhere = grown("管道", grown("给排水"))
    branch.parent = elsewhere
    with session.no_autoflush:
        assert refusal(topics.check, session, branch).code == "too_deep"
    branch.parent = elsewhere.parent
    with session.no_autoflush:
        topics.check(session, branch)


def test_nothing_stands_below_itself(session, grown):
    above = grown("给排水")
    below = grown("渗漏", above)
    for parent in (above, below):
        above.parent = parent
        with session.no_autoflush:
            refused = refusal(topics.check, session, above)
        assert (refused.code, refused.field) == ("loop", "parent")


def test_a_topic_is_of_the_category_of_the_one_above(grown):
    above = grown("给排水")
    assert refusal(grown, "电梯", above, RequestCategory.PUBLIC_FACILITY).field == "category"
    assert refusal(grown, "态度", above, None).field == "category"


def test_retired_with_all_below_and_restored_one_by_one(session, grown, database, cast):
    above = grown("给排水")
    below = grown("渗漏", above)
    topics.retire(session, above.id)
    assert above.retired_at is not None
    assert below.retired_at is not None
    assert refusal(topics.retire, session, above.id).code == "retired"
    assert refusal(topics.restore, session, below.id).code == "parent_retired"
    topics.restore(session, above.id)
    topics.restore(session, below.id)
    assert (above.retired_at, below.retired_at) == (None, None)
    assert refusal(topics.restore, session, below.id).code == "in_use"
    with at_desk(database, cast.south) as other:
        foreign = Topic(office_id=cast.south.id, name="门窗", category=RequestCategory.REPAIR)
        other.add(foreign)
        other.commit()
        for act in (topics.retire, topics.restore):
            with pytest.raises(NotFound):
                act(session, foreign.id)


def test_a_topic_keeps_the_category_of_what_stands_below_it_or_was_registered_under_it(session, grown, cast):
    above = grown("给排水")
    below = grown("渗漏", above)
    above.category = RequestCategory.PUBLIC_FACILITY
    with session.no_autoflush:
        assert refusal(topics.check, session, above).code == "other_category"
    above.category = RequestCategory.REPAIR
    used, free, angry = grown("灯具"), grown("门锁"), grown("噪音", category=None)
    number = request(session, cast.north, topic_id=used.id).ticket.number
    complaint(session, cast.north, topic_id=angry.id)
    for row, category in ((used, RequestCategory.PUBLIC_FACILITY), (used, None), (angry, RequestCategory.REPAIR)):
        kept, row.category = row.category, category
        with session.no_autoflush:
            found = refusal(topics.check, session, row)
        assert (found.code, found.field, row is angry or number in found.message) == ("in_use", "category", True)
        row.category = kept
    for row in (used, angry, below):
        row.name += "（改名）"
        topics.check(session, row)
    free.category = None
    topics.check(session, free)
