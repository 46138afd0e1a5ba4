"""What this machine can prove: tests of a broker or a browser are collected where there is one.

CI sets ``CI=true``: then all of them run, and one whose server or browser does not answer fails.
"""

import os
import shutil
from collections.abc import Mapping

import pytest

NEEDS = {
    "broker": ("WUGUAN_TEST_REDIS_URL", "WUGUAN_TEST_AMQP_URL"),
    "browser": ("WUGUAN_TEST_CHROMIUM",),
}


def missing_for(marker: str, environ: Mapping[str, str]) -> list[str]:
    """Return the settings that tests marked ``marker`` need and ``environ`` lacks; none in CI, where all must run."""
    return [] if environ.get("CI") else [name for name in NEEDS[marker] if not environ.get(name)]


def pytest_configure() -> None:
    """Take the system's Chromium for the browser tests when none is named."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser:
        os.environ.setdefault("WUGUAN_TEST_CHROMIUM", browser)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot prove, and count it as left out."""
    absent = {marker for marker in NEEDS if missing_for(marker, os.environ)}
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in absent)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_report_header() -> list[str]:
    """Say what is left out, and which setting would bring it in."""
    absent = {marker: missing_for(marker, os.environ) for marker in NEEDS}
    return [f"left out: tests marked {marker} (set {', '.join(names)})" for marker, names in absent.items() if names]
