"""Tests of brokers and browsers are left out only where there are none, and never in CI."""

import pytest


@pytest.fixture
def missing_for(pytestconfig):
    (plugin,) = [plugin for plugin in pytestconfig.pluginmanager.get_plugins() if hasattr(plugin, "missing_for")]
    return plugin.missing_for


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
