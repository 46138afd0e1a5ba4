"""The tree passes our own lints, and each lint still finds what it was written for."""

from pathlib import Path, PurePosixPath

import pytest

from architecture.lints import LINES_A_FILE, LINTS, PRODUCT, Source

ROOT = Path(__file__).parents[2]
LEAKS = Path(__file__).parent / "leaks"
SUFFIXES = {".py", ".html", ".css", ".js", ".svg", ".toml", ".md", ".txt"}
FOLDERS = (*PRODUCT, "migrations", "tests", "bench", "docs", ".ci", "requirements")
VENDORED = "/vendor/"


def project_files() -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.suffix in SUFFIXES]
    return [path for path in found if LEAKS not in path.parents and VENDORED not in path.as_posix()]


def leak_files() -> list[Path]:
    return sorted(path for path in LEAKS.rglob("*") if path.suffix in SUFFIXES)


def read(path: Path, under: Path) -> Source:
    return Source(PurePosixPath(path.relative_to(under).as_posix()), path.read_text("utf-8"))


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return [read(path, ROOT) for path in project_files()]


@pytest.mark.parametrize("name", LINTS)
def test_the_tree_has_no_leak(name, sources):
    found = [f"{source.path}:{leak.line}: {leak.what}" for source in sources for leak in LINTS[name](source)]
    assert not found, f"\n{LINTS[name].__doc__}\n" + "\n".join(found)


@pytest.mark.parametrize("path", leak_files(), ids=lambda path: path.relative_to(LEAKS).as_posix())
def test_a_lint_finds_exactly_the_lines_that_leak(path):
    name = path.relative_to(LEAKS).parts[0]
    source = read(path, LEAKS / name)
    expected = [number for number, line in enumerate(source.text.splitlines(), start=1) if "LEAK" in line]
    assert sorted({leak.line for leak in LINTS[name](source)}) == expected


def test_a_file_over_the_budget_is_found():
    full, over = "x = 1\n" * LINES_A_FILE, "x = 1\n" * (LINES_A_FILE + 1)
    lint = LINTS["files_stay_small"]
    assert not list(lint(Source(PurePosixPath("tenant/money.py"), full)))
    assert [leak.line for leak in lint(Source(PurePosixPath("tenant/money.py"), over))] == [LINES_A_FILE + 1]


def test_every_lint_has_a_leak_that_it_catches():
    with_leaks = {path.relative_to(LEAKS).parts[0] for path in leak_files() if "LEAK" in path.read_text("utf-8")}
    assert with_leaks | {"files_stay_small"} == set(LINTS)


def test_every_lint_says_what_taught_it():
    assert all(len((lint.__doc__ or "").split()) > 10 for lint in LINTS.values())
