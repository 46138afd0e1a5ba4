"""Three worlds to prove the wall in: with both walls, with the session's alone, with the rows' alone."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from furnish import MODELS
from tenant import embedded
from worlds import World, built, copied, plain


@pytest.fixture(scope="session")
def both(server: embedded.EmbeddedServer, template: str) -> Iterator[World]:
    """Both walls stand."""
    with copied(server, template) as addresses, built(addresses) as world:
        yield world


@pytest.fixture(scope="session")
def session_wall(server: embedded.EmbeddedServer, template: str) -> Iterator[World]:
    """Row-level security is switched off on every table: only the session's wall stands."""
    with copied(server, template) as addresses, built(addresses) as world:
        for table in MODELS:
            world.statement(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
        world.name = "session wall"
        yield world


@pytest.fixture(scope="session")
def row_wall(both: World) -> Iterator[World]:
    """Plain sessions that know no scope, on an engine that nothing guards: only row-level security stands."""
    engine = create_engine(both.database.addresses.app)
    yield World("row wall", both.database, both.owner, both.cast, both.made, plain(engine), guarded=False)
    engine.dispose()


@pytest.fixture(scope="session")
def row_wall_of_several(both: World) -> Iterator[World]:
    """The wall of rows alone, as it stands for a session of several offices, here with one."""
    engine = create_engine(both.database.addresses.app)
    open_session = plain(engine, role="wuguan_app")
    yield World("row wall of several", both.database, both.owner, both.cast, both.made, open_session, guarded=False)
    engine.dispose()


@pytest.fixture
def workshop(server: embedded.EmbeddedServer, template: str) -> Iterator[World]:
    """A world of its own for one test, to break things in."""
    with copied(server, template) as addresses, built(addresses) as world:
        yield world


@pytest.fixture(params=["both", "session_wall", "row_wall"])
def world(request: pytest.FixtureRequest) -> World:
    """Each of the three."""
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["row_wall", "row_wall_of_several"])
def rows_alone(request: pytest.FixtureRequest) -> World:
    """The wall of rows alone, in the role of one office and in the role of several."""
    found: World = request.getfixturevalue(request.param)
    return found
