"""Whatever way a query is written, an office sees all of its own rows and none of another's."""

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.orm import load_only

import refused_shapes  # noqa: F401 - registers its shapes
from furnish import MODELS, WALLED
from proofs import admitted, expected, leaks
from shapes import PASSING, REFUSED, saw
from tenant.errors import WallBreach
from tenant.models import Base
from tenant.scoping import Scope
from worlds import World


@pytest.mark.parametrize("shape", PASSING)
def test_an_office_sees_exactly_its_own_rows(world: World, shape: str):
    assert leaks(world, shape) == []


@pytest.mark.parametrize("shape", REFUSED)
def test_what_passes_the_session_by_is_refused_or_sees_only_the_own_rows(world: World, shape: str):
    assert (admitted if world.guarded else leaks)(world, shape) == []


@pytest.mark.parametrize("shape", ["core_select", "plain_rows", "core_count", "subquery_load", "driver_sql"])
def test_the_wall_of_rows_stands_for_a_session_of_several_offices_too(row_wall_of_several: World, shape: str):
    assert leaks(row_wall_of_several, shape) == []


@pytest.mark.parametrize("shape", ["core_select", "plain_rows", "plain_text"])
def test_the_wall_of_rows_shows_two_offices_both_and_headquarters_all(row_wall: World, shape: str):
    north, south = row_wall.cast.north.id, row_wall.cast.south.id
    for table in WALLED:
        with row_wall.open(Scope.of([north, south])) as session:
            assert saw(session, shape, MODELS[table]) == row_wall.own(table, north) | row_wall.own(table, south)
        with row_wall.open(Scope.everywhere()) as session:
            assert saw(session, shape, MODELS[table]) == row_wall.all(table)


@pytest.mark.parametrize("shape", PASSING)
def test_headquarters_sees_every_office(both: World, shape: str):
    for table in WALLED:
        with both.open(Scope.everywhere()) as session:
            seen = saw(session, shape, MODELS[table])
        assert seen == expected(both.all(table), seen), table


@pytest.mark.parametrize("shape", PASSING)
def test_a_scope_of_two_offices_sees_the_rows_of_both_and_no_more(both: World, shape: str):
    north, south = both.cast.north.id, both.cast.south.id
    for table in WALLED:
        with both.open(Scope.of([north, south])) as session:
            seen = saw(session, shape, MODELS[table])
        assert seen == expected(both.own(table, north) | both.own(table, south), seen), table


def test_a_scope_of_no_office_sees_nothing(world: World):
    for shape in ("plain_rows", "count_select_from", "aggregate_of_ids", "union_of_ids"):
        for table in WALLED:
            with world.open(Scope.of([])) as session:
                assert not saw(session, shape, MODELS[table]), (shape, table)


@pytest.mark.parametrize("table", WALLED)
def test_a_foreign_id_is_not_found_and_an_own_one_is(world: World, table: str):
    for house, other in world.houses:
        with world.open(house.scope()) as session:
            for row_id in world.own(table, other.id):
                assert session.get(MODELS[table], row_id) is None
            for row_id in world.own(table, house.id):
                assert session.get(MODELS[table], row_id) is not None


@pytest.mark.parametrize("table", WALLED)
def test_a_row_that_another_session_loaded_is_not_taken_in(both: World, table: str):
    north, south = both.cast.north, both.cast.south
    with both.open(Scope.everywhere()) as headquarters:
        foreign = headquarters.get(MODELS[table], min(both.own(table, south.id)))
        own = headquarters.get(MODELS[table], min(both.own(table, north.id)))
    with both.open(north.scope()) as session:
        with pytest.raises(WallBreach):
            session.add(foreign)
        with pytest.raises(WallBreach):
            session.delete(foreign)
        with pytest.raises(WallBreach):
            session.merge(foreign, load=False)
        assert session.get(MODELS[table], foreign.id) is None
        session.add(own)
        assert session.get(MODELS[table], own.id) is own


def test_a_reference_that_points_abroad_leads_nowhere(workshop: World):
    """What composite keys make impossible is made all the same: even then the row on the other side stays unseen."""
    north, south = workshop.cast.north, workshop.cast.south
    foreign = min(workshop.own("owner", south.id))
    workshop.statement("ALTER TABLE ownership DISABLE TRIGGER ALL")
    workshop.statement(f"UPDATE ownership SET owner_id = {foreign} WHERE office_id = {north.id}")
    for shape in ("lazy_load", "joined_load", "selectin_load", "subquery_load"):
        with workshop.open(north.scope()) as session:
            assert saw(session, shape, MODELS["ownership"])
            for ownership in session.scalars(select(MODELS["ownership"])):
                assert ownership.owner is None, shape


def test_rows_loaded_without_their_office_are_refused(both: World):
    with both.open(both.cast.north.scope()) as session:
        with pytest.raises(WallBreach, match="without its office"):
            session.scalars(select(MODELS["unit"]).options(load_only(MODELS["unit"].number))).all()
        columns = (MODELS["unit"].number, MODELS["unit"].office_id)
        assert session.scalars(select(MODELS["unit"]).options(load_only(*columns))).all()


def test_the_same_query_asked_by_one_office_after_another_answers_each_its_own(world: World):
    for _ in range(3):
        for house, _other in world.houses:
            with world.open(house.scope()) as session:
                seen = set(session.scalars(select(MODELS["unit"].office_id)))
            assert seen == {house.id}


def test_the_same_query_asked_by_one_company_after_another_answers_each_its_own(world: World):
    """Scopes of as many offices make the same SQL: the list must be the asker's, not the first one's."""
    nobody = 10**6
    for _ in range(3):
        for house, _other in world.houses:
            with world.open(Scope.of([house.id, nobody])) as session:
                assert set(session.scalars(select(MODELS["unit"].office_id))) == {house.id}


def test_every_model_stands_in_the_matrix():
    assert {mapper.class_ for mapper in Base.registry.mappers} == set(MODELS.values())
    assert all(inspect(model).local_table.name == name for name, model in MODELS.items())
