"""The chain as arithmetic: any alteration of any link of any chain is found, and an unaltered chain is not accused."""

from copy import copy
from datetime import UTC, datetime
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as some

from audit import chain
from tenant.rules.terms import ActorKind

WORDS = some.text(max_size=12)
VALUES = some.dictionaries(WORDS, some.none() | WORDS | some.integers() | some.booleans(), max_size=3)


@some.composite
def entries(draw) -> list[SimpleNamespace]:
    """Draw some entries of one office, as rows."""
    return [
        SimpleNamespace(
            id=number * 3 + 1,
            office_id=7,
            at=draw(some.datetimes(timezones=some.just(UTC))),
            actor_kind=draw(some.sampled_from(ActorKind)),
            actor_id=draw(some.none() | some.integers(1, 99)),
            actor_name=draw(WORDS),
            request_id=draw(some.none() | WORDS),
            address=draw(some.none() | WORDS),
            verb=draw(some.sampled_from(["owner.update", "mail.sent"])),
            subject_kind=draw(some.none() | some.just("owner")),
            subject_id=draw(some.none() | some.integers(1, 99)),
            before=draw(some.none() | VALUES),
            after=draw(some.none() | VALUES),
            reason=draw(some.none() | WORDS),
            created_at=datetime(2026, 3, 2, 4, tzinfo=UTC),
            xid=number,
        )
        for number in range(draw(some.integers(1, 8)))
    ]


def sealed(rows: list[SimpleNamespace]) -> list[SimpleNamespace]:
    """Return the links over ``rows``, each beside its entry."""
    digest, links = chain.START, []
    for position, row in enumerate(rows, start=1):
        digest = chain.link(digest, row)
        links.append(
            SimpleNamespace(**vars(row), chain=row.office_id, position=position, entry_id=row.id, digest=digest)
        )
    return links


def fault_in(links: list[SimpleNamespace]) -> chain.Fault | None:
    return chain._follow(7, iter(links), {})[1]


@given(entries())
def test_an_unaltered_chain_is_whole(rows):
    head, fault = chain._follow(7, iter(sealed(rows)), {})
    assert fault is None
    assert head.position == len(rows)


@given(entries(), some.data())
def test_an_edited_entry_breaks_the_chain_at_its_link(rows, data):
    links = sealed(rows)
    place = data.draw(some.integers(0, len(links) - 1))
    column = data.draw(some.sampled_from([c.name for c in chain.COLUMNS if c.name != "actor_kind"]))
    edited = copy(links[place])
    value = data.draw(WORDS | some.integers() | some.none())
    setattr(edited, column, value)
    links[place] = edited
    same = value == getattr(rows[place], column) and type(value) is type(getattr(rows[place], column))
    fault = fault_in(links)
    assert (fault is None) == same
    if fault is not None:
        assert fault.position == place + 1


@given(entries(), some.data())
def test_a_link_taken_out_leaves_a_gap(rows, data):
    links = sealed(rows)
    place = data.draw(some.integers(0, len(links) - 1))
    del links[place]
    fault = fault_in(links)
    assert (fault is None) == (place == len(rows) - 1), "only a cut tail shows nothing: that is what kept heads are for"


@given(entries(), some.data())
def test_two_entries_changed_about_are_found(rows, data):
    links = sealed(rows)
    one, other = (data.draw(some.integers(0, len(links) - 1)) for _ in range(2))
    swapped = copy(rows)
    swapped[one], swapped[other] = rows[other], rows[one]
    for link, row in zip(links, swapped, strict=True):
        vars(link).update(vars(row))
    assert (fault_in(links) is None) == (one == other)


@given(entries(), some.data())
def test_a_head_is_found_again_exactly_while_the_chain_holds_it(rows, data):
    links = sealed(rows)
    place = data.draw(some.integers(0, len(links) - 1))
    kept = chain.Head(links[place].position, links[place].digest)
    length = data.draw(some.integers(0, len(links)))
    wanted = {7: kept}
    chain._follow(7, iter(links[:length]), wanted)
    assert (7 in wanted) == (length <= place)
