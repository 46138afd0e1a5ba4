"""What this machine can prove, in how many processes, and the counts that are told at the end.

Tests of a broker, a browser or a proxy are collected where there is one. CI sets ``CI=true``: then all of them run, and
one whose server or browser does not answer fails.
"""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

NEEDS = {
    "broker": ("WUGUAN_TEST_REDIS_URL", "WUGUAN_TEST_AMQP_URL"),
    "browser": ("WUGUAN_TEST_CHROMIUM",),
    "proxy": ("WUGUAN_TEST_NGINX",),
    "units": ("WUGUAN_TEST_SYSTEMD_ANALYZE",),
    "imap": ("WUGUAN_TEST_DOVECOT",),
}
PROGRAMS = {
    "WUGUAN_TEST_CHROMIUM": ("chromium", "chromium-browser", "google-chrome"),
    "WUGUAN_TEST_NGINX": ("nginx",),
    "WUGUAN_TEST_SYSTEMD_ANALYZE": ("systemd-analyze",),
    "WUGUAN_TEST_DOVECOT": ("dovecot",),
}
"""Names under which a program may be found on a machine, the best first."""
TOGETHER = {
    "tests/scenarios/test_running": "Redis",
    "tests/scenarios/test_scaled_out": "Redis",
    "tests/migrations/": "the machine's own PostgreSQL",
    "tests/scenarios/test_backup": "the machine's own PostgreSQL",
}
"""How a test's address begins → what it shares with others, which are therefore run one after the other."""
BROKERS = {"[redis": "Redis", "[amqp": "RabbitMQ"}
"""What the name of a case begins with that talks to a broker → the broker, which such cases share."""
LONGEST = (
    "Redis",
    "RabbitMQ",
    "tests/jobs/test_kills.py",
    "tests/jobs/test_killed_ticket_clocks.py",
    "tests/scenarios/test_killed_imports.py",
    "the machine's own PostgreSQL",
    "tests/web/test_every_page.py",
    "tests/jobs/test_downtime.py",
    "tests/web/browser/test_pages.py",
    "tests/web/browser/test_importing_flow.py",
    "tests/scenarios/test_kills.py",
    "tests/scenarios/test_image.py",
    "tests/isolation/test_reads.py",
    "tests/jobs/test_queue_machine.py",
    "tests/web/browser/test_outbox.py",
    "tests/web/browser/test_forms.py",
    "tests/web/browser/test_walk.py",
    "tests/web/browser/test_working.py",
    "tests/scenarios/test_walk.py",
    "tests/jobs/test_schedulers.py",
)
"""What takes longest, begun first: one long file begun last would leave the other processes nothing to do."""
ANNOUNCED = "announced"
PLACES = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))


def missing_for(marker: str, environ: Mapping[str, str]) -> list[str]:
    """Return the settings that tests marked ``marker`` need and ``environ`` lacks; none in CI, where all must run."""
    return [] if environ.get("CI") else [name for name in NEEDS[marker] if not environ.get(name)]


def pytest_configure() -> None:
    """Take the system's own programs where none are named."""
    for setting, names in PROGRAMS.items():
        found = next(filter(None, (shutil.which(name, path=PLACES) for name in names)), None)
        if found:
            os.environ.setdefault(setting, found)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot prove, and count it as left out."""
    absent = {marker for marker in NEEDS if missing_for(marker, os.environ)}
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in absent)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if hasattr(config, "workerinput"):
        begin_with_the_longest(items)


def together(nodeid: str) -> str:
    """Return the name of what one process runs as a whole: the test's file, or all tests that share a server."""
    path = nodeid.partition("::")[0]
    shared = [group for start, group in TOGETHER.items() if path.startswith(start)]
    shared += [group for start, group in BROKERS.items() if start in nodeid]
    return shared[0] if shared else path


def begin_with_the_longest(items: list[pytest.Item]) -> None:
    """Put what takes longest first, then what has the most tests; each file's own order stays.

    Raises UsageError for a case that would run beside others of its broker, because its name does not say which.
    """
    for item in items:
        if item.get_closest_marker("broker") and together(item.nodeid) not in BROKERS.values():
            raise pytest.UsageError(f"{item.nodeid}: which broker is it that this shares with others?")
    counts = Counter(together(item.nodeid) for item in items)
    ranks = {name: rank for rank, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> tuple[int, int, str]:
        name = together(item.nodeid)
        return ranks.get(name, len(ranks)), -counts[name], name

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later search for garbage: it stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - the plugin's own types
    """Let one process run all tests of a file, and one all files that share a server."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - only where there are several processes

    class ByServer(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False  # in the order of `begin_with_the_longest`
    return ByServer(config, log)


def pytest_report_header() -> list[str]:
    """Say what is left out, and which setting would bring it in."""
    absent = {marker: missing_for(marker, os.environ) for marker in NEEDS}
    return [f"left out: tests marked {marker} (set {', '.join(names)})" for marker, names in absent.items() if names]


@pytest.fixture
def announce(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Tell a count: it is printed at the end of the run, whichever process it was counted in."""

    def say(sentence: str) -> None:
        request.node.user_properties.append((ANNOUNCED, sentence))

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was announced, test by test."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    told = [
        (report.nodeid, value)
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == ANNOUNCED and report.when == "call"
    ]
    if told:
        terminalreporter.section("counts")
        for nodeid, sentence in sorted(told):
            terminalreporter.write_line(f"{nodeid.partition('::')[2]}: {sentence}")
