"""Settings for jobs: a home of their own, so that mails land where the test can see them."""

import pytest

from tenant.settings import Settings


@pytest.fixture
def settings(tmp_path):
    """Settings of an empty environment, at home in a folder that goes with the test."""
    return Settings.from_environment({"WUGUAN_HOME": str(tmp_path)})
