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


def test_files_that_share_a_broker_run_one_after_the_other(machine):
    root = Path(__file__).parents[2]
    for file in root.glob("tests/**/test_*.py"):
        text, path = file.read_text(encoding="utf-8"), file.relative_to(root).as_posix()
        if file != Path(__file__) and ("pytest.mark.broker" in text or "import AMQP" in text):
            assert any(path.startswith(start) for start in machine.TOGETHER), f"{path} would empty another's queues"
