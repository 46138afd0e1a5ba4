"""Tests of brokers, browsers and proxies are left out only where there are none, and never in CI."""

from pathlib import Path

import pytest


@pytest.fixture
def machine(pytestconfig):
    (plugin,) = [plugin for plugin in pytestconfig.pluginmanager.get_plugins() if hasattr(plugin, "missing_for")]
    return plugin


@pytest.fixture
def missing_for(machine):
    return machine.missing_for


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["WUGUAN_TEST_REDIS_URL", "WUGUAN_TEST_AMQP_URL"]),
        ({"WUGUAN_TEST_REDIS_URL": "redis://here"}, ["WUGUAN_TEST_AMQP_URL"]),
        ({"WUGUAN_TEST_REDIS_URL": "redis://here", "WUGUAN_TEST_AMQP_URL": "amqp://here"}, []),
        ({"CI": "true"}, []),
    ],
)
def test_broker_tests_run_where_both_brokers_are_named_and_always_in_ci(missing_for, environ, missing):
    assert missing_for("broker", environ) == missing


@pytest.mark.parametrize(
    ("environ", "missing"),
    [({}, ["WUGUAN_TEST_CHROMIUM"]), ({"WUGUAN_TEST_CHROMIUM": "/usr/bin/chromium"}, []), ({"CI": "true"}, [])],
)
def test_browser_tests_run_where_a_browser_is_named_and_always_in_ci(missing_for, environ, missing):
    assert missing_for("browser", environ) == missing


@pytest.mark.parametrize(
    ("marker", "setting"),
    [
        ("proxy", "WUGUAN_TEST_NGINX"),
        ("units", "WUGUAN_TEST_SYSTEMD_ANALYZE"),
        ("imap", "WUGUAN_TEST_DOVECOT"),
    ],
)
def test_tests_of_a_program_of_the_system_run_where_there_is_one_and_always_in_ci(missing_for, marker, setting):
    assert missing_for(marker, {}) == [setting]
    assert missing_for(marker, {setting: "/usr/bin/one"}) == []
    assert missing_for(marker, {"CI": "true"}) == []


def test_tests_that_share_a_broker_run_one_after_the_other(machine):
    root = Path(__file__).parents[2]
    for file in root.glob("tests/**/test_*.py"):
        text, path = file.read_text(encoding="utf-8"), file.relative_to(root).as_posix()
        if file != Path(__file__) and "pytest.mark.broker" in text:
            assert machine.together(f"{path}::test_it") == "Redis", f"{path} would empty another's queues"
        if file != Path(__file__) and "import AMQP" in text:
            assert machine.together(f"{path}::test_it[redis-now]") == "Redis", path
            assert machine.together(f"{path}::test_it[amqp]") == "RabbitMQ", path
            assert machine.together(f"{path}::test_it[stub]") == path


class Case:
    """A collected test, as far as its place among the others is concerned."""

    def __init__(self, nodeid, *markers):
        self.nodeid, self.markers = nodeid, markers

    def get_closest_marker(self, name):
        return name in self.markers


def test_what_takes_longest_is_begun_first_and_then_what_has_the_most_tests(machine):
    named = [
        "tests/b.py::x",
        "tests/a.py::y",
        "tests/a.py::x",
        "tests/scenarios/test_running.py::x",
        "tests/w.py::x[redis]",
    ]
    cases = [Case(name) for name in named]
    machine.begin_with_the_longest(cases)
    assert [case.nodeid for case in cases] == [named[3], named[4], named[1], named[2], named[0]]


def test_a_case_of_a_broker_whose_name_does_not_say_which_is_refused(machine):
    with pytest.raises(pytest.UsageError, match="late-redis"):
        machine.begin_with_the_longest([Case("tests/jobs/test_new.py::test_it[late-redis]", "broker")])


def test_whatever_is_begun_first_is_there(machine):
    root = Path(__file__).parents[2]
    servers = {*machine.TOGETHER.values(), *machine.BROKERS.values()}
    assert [name for name in machine.LONGEST if name not in servers and not (root / name).is_file()] == []
