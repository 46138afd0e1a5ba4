"""The command that imports: the same plan as on the screen, decided by options, and taken back by number."""

import json
from contextlib import contextmanager
from itertools import count

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from admin.commands import imports
from importers import undo
from importers.apply import apply
from importers.batches import receive
from tenant.models import ImportBatch, Unit
from tenant.rules.terms import ImportState, Role
from workbooks import builders

HEADINGS = ["楼栋", "单元", "房号", "业主姓名", "建筑面积"]
_buildings = count(600)


@pytest.fixture
def south(database, cast):
    """A session of the southern office's admin."""
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as session:
        yield session


@pytest.fixture
def building():
    """A building nobody has imported before."""
    return str(next(_buildings))


@pytest.fixture
def run(database, cast, tmp_path, monkeypatch):
    """Run the command in the southern office, on a file with these rows; return its exit code and its answer."""

    @contextmanager
    def opened():
        yield database

    monkeypatch.setattr(imports, "open_database", opened)

    def call(*options, rows=None, headings=HEADINGS):
        words = ["--office", cast.south.office.code, "--json", *map(str, options)]
        if rows is not None:
            file = tmp_path / "名册.xlsx"
            file.write_bytes(builders.workbook(headings, *rows))
            words = ["roster", str(file), *words]
        ended = CliRunner().invoke(imports.import_file, words)
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        return ended.exit_code, json.loads(ended.stdout)

    return call


def units_of(session, building):
    session.rollback()
    return session.scalar(select(func.count(Unit.id)).where(Unit.number.like(f"{building}-%")))


def test_what_was_applied_is_foreseen_and_undone_by_its_number(run, south, building):
    _, applied = run("--apply", rows=[[building, "1", "101", "赵某", 90], [building, "1", "102", "钱某", 80]])
    assert (applied["state"], units_of(south, building)) == ("applied", 2)
    code, foreseen = run("--undo", applied["batch"], "--preview")
    assert (code, foreseen["state"], foreseen["kept"]) == (0, "applied", [])
    assert foreseen["counts"]["房屋"] == {"removed": 2, "restored": 0, "kept": 0}
    assert units_of(south, building) == 2
    code, undone = run("--undo", applied["batch"])
    assert (code, undone["state"], undone["counts"]) == (0, "undone", foreseen["counts"])
    assert units_of(south, building) == 0
    code, refused = run("--undo", applied["batch"])
    assert (code, refused["error"]["code"]) == (1, "batch_not_waiting")


def test_options_decide_what_an_import_may_do(run, south, building):
    rows = [[building, "1", "101", "赵某", 90], [building, "1", "102", "钱某", "很大"]]
    code, refused = run("--apply", "--all-or-nothing", rows=rows)
    assert (code, refused["error"]["code"], units_of(south, building)) == (1, "rows_left", 0)
    run("--apply", rows=rows[:1])
    changed = [[building, "1", "101", "赵某", 95]]
    _, filled = run("--preview", "--mode", "fill", rows=changed)
    _, updated = run("--preview", "--mode", "update", rows=changed)
    assert (filled["counts"]["units"]["changed"], updated["counts"]["units"]["changed"]) == (0, 1)
    code, refused = run("--preview", "--mode", "erase", rows=changed)
    assert (code, refused["error"]["code"]) == (1, "unknown_mode")


def test_a_file_whose_columns_are_not_clear_is_kept_for_the_screen_and_not_applied(run, south, building):
    rows, headings = [[f"{building}-1-101", "赵某", 90]], ["甲", "乙", "丙"]
    code, looked = run("--preview", rows=rows, headings=headings)
    assert (code, looked["state"], looked["counts"]) == (0, "mapping", {})
    assert looked["fault"]
    code, refused = run("--apply", rows=rows, headings=headings)
    assert (code, refused["error"]["code"], units_of(south, building)) == (1, "mapping_needed", 0)


def test_a_command_does_not_wait_for_ever_for_another_import(run, database, cast, building, monkeypatch):
    monkeypatch.setattr(imports, "PATIENCE", 0)
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as other:
        content = builders.workbook(HEADINGS, [building, "9", "901", "别人", 70])
        apply(other, receive(other, cast.south.office, "roster", "别的.xlsx", content).id)  # not committed yet
        code, refused = run("--apply", rows=[[building, "1", "101", "赵某", 90]])
    assert (code, refused["error"]["code"]) == (1, "import_busy")


def test_who_imports_at_the_terminal_has_no_posting_and_the_batch_says_nobody(run, south, building):
    _, applied = run("--apply", rows=[[building, "1", "101", "赵某", 90]])
    batch = south.get_one(ImportBatch, applied["batch"])
    assert (batch.state, batch.uploaded_by_id, batch.applied_by_id) == (ImportState.APPLIED, None, None)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--undo", "1", "--apply"), "undo_alone"),
        ((), "no_file"),
        (("--undo", "999999999"), "not_found"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_way_out(run, options, code):
    ended, answer = run(*options)
    assert (ended, answer["error"]["code"]) == (1, code)


def test_what_was_undone_is_told_not_what_was_foreseen(run, south, building, monkeypatch):
    """Somebody may change a row between looking and undoing."""
    _, applied = run("--apply", rows=[[building, "1", "101", "赵某", 90], [building, "1", "102", "钱某", 80]])
    wait = undo.wait_for_turn

    def and_somebody_changes_a_unit(session, *more):
        wait(session, *more)
        session.scalars(select(Unit).where(Unit.number == f"{building}-1-101")).one().note = "物业改过"
        session.flush()

    monkeypatch.setattr(undo, "wait_for_turn", and_somebody_changes_a_unit)
    code, undone = run("--undo", applied["batch"])
    assert (code, undone["counts"]["房屋"]) == (0, {"removed": 1, "restored": 0, "kept": 1})
    assert {"what": f"房屋 {building}-1-101", "why": "导入之后又被修改过"} in undone["kept"]
    assert units_of(south, building) == 1
