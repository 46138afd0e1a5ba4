"""``kill -9`` in the middle of an import, of a serving process, of the database: nothing lost, nothing doubled."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from openpyxl import Workbook

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Program

ROWS = 400
KILLS = 4


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A roster long enough to be killed in the middle of."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(("楼栋", "单元", "房号", "业主姓名", "联系电话", "建筑面积"))
    for number in range(ROWS):
        sheet.append(("7", "1", f"{number // 4 + 1}{number % 4 + 1:02d}", f"业主{number}", f"199{number:08d}", 90))
    path = tmp_path_factory.mktemp("rosters") / "名册.xlsx"
    book.save(path)
    return path


@pytest.fixture(scope="module")
def office(wuguan: "Program") -> str:
    """An office to import into."""
    assert wuguan("company", "add", "EAST", "东区物业").code == 0
    assert wuguan("office", "add", "NORTH", "北苑管理处", "--company", "EAST").code == 0
    return "NORTH"


def _units_known(wuguan: "Program", office: str, roster: Path) -> int:
    counts = wuguan("import", "roster", str(roster), "--office", office, "--preview", "--json").json["counts"]
    assert counts["units"]["new"] + counts["units"]["same"] == ROWS
    return int(counts["units"]["same"])


def test_an_import_killed_at_any_moment_is_whole_or_not_at_all(
    wuguan: "Program", office: str, roster: Path, announce: "Callable[[str], None]"
) -> None:
    whole = time.monotonic()
    assert wuguan("import", "roster", str(roster), "--office", office, "--preview", "--json").code == 0
    whole = time.monotonic() - whole
    landed, moments = 0, random.Random(7)  # noqa: S311 - moments, not secrets
    for _ in range(10 * KILLS):
        begun = time.monotonic()
        running = wuguan.start("import", "roster", str(roster), "--office", office, "--apply")
        try:
            running.wait(timeout=moments.uniform(0.4, 0.95) * whole)
            whole = time.monotonic() - begun  # so long it takes at this hour
        except subprocess.TimeoutExpired:
            running.kill()
            landed += 1
        running.communicate()
        assert _units_known(wuguan, office, roster) in {0, ROWS}
        if landed == KILLS:
            break
    announce(f"imports at a terminal: {landed} kills landed")
    assert landed == KILLS
    done = wuguan("import", "roster", str(roster), "--office", office, "--apply", "--json")
    assert done.code == 0, done.err
    entries = wuguan("audit", "list", "--verb", "unit.create", "--limit", "100000", "--json").json["entries"]
    assert len(entries) == len({entry["subject_id"] for entry in entries}) == ROWS
    assert wuguan("audit", "verify", "--json").json["ok"]


def test_a_killed_server_is_joined_again_and_what_was_due_is_done_once(wuguan: "Program", office: str) -> None:
    added = wuguan("ticket", "add", "request", "--office", office, "--unit", "7-1-101", "--content", "停电",
                   "--at", "2026-03-02T09:00", "--json")  # fmt: skip
    assert added.code == 0, added.err
    for _ in range(3):
        serving = wuguan.start("serve", "--port", "0")
        time.sleep(2.5)
        os.kill(serving.pid, signal.SIGKILL)
        serving.communicate()
    wuguan("sweep", "escalations")
    raised = wuguan("audit", "list", "--verb", "escalation.create", "--limit", "10000", "--json").json["entries"]
    keys = [(entry["after"]["clock_id"], entry["after"]["level"]) for entry in raised]
    assert keys
    assert len(keys) == len(set(keys))
    again = wuguan("sweep", "escalations", "--json").json
    assert again["due"] == 0


def test_a_killed_database_keeps_what_was_committed(
    wuguan: "Program", tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = type(wuguan)(tmp_path_factory.mktemp("own-home"))
    assert own("company", "add", "EAST", "东区物业").code == 0
    serving = own.start("serve", "--port", "0")
    try:
        postmaster = _postmaster(own.home)
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=10)
    finally:
        serving.terminate()
        serving.communicate(timeout=60)
    entries = own("audit", "list", "--verb", "company.create", "--json").json["entries"]
    assert len(entries) == 1
    assert own("company", "add", "east", "东区物业", "--json").json["error"]["code"] == "code_taken"


def test_a_server_left_behind_by_a_killed_process_is_stopped_by_the_next_that_leaves(
    wuguan: "Program", tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = type(wuguan)(tmp_path_factory.mktemp("left-home"))
    assert own("db", "upgrade").code == 0
    serving = own.start("serve", "--port", "0")
    postmaster = _postmaster(own.home)
    serving.kill()
    serving.communicate()
    assert postmaster.is_running(), "nothing was left behind: the test shows nothing"
    assert own("db", "current").code == 0
    psutil.wait_procs([postmaster], timeout=10)
    assert not postmaster.is_running()


def _postmaster(home: Path) -> psutil.Process:
    """Return the embedded server's first process once it stands in its file."""
    file = home / "postgres" / "postmaster.pid"
    for _ in range(100):
        if file.exists() and "ready" in file.read_text():
            return psutil.Process(int(file.read_text().split()[0]))
        time.sleep(0.2)
    pytest.fail("the embedded server did not start")
