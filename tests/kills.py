"""Sweeping processes killed with SIGKILL at random moments, and a count of the kills that landed."""

import random
import subprocess
import sys
import time
from pathlib import Path

SWEEPING = Path(__file__).parent / "jobs" / "sweeping.py"


def kill_sweeps(database, kind, settings, at, *arguments, wanted=12, longest=0.8, seed=20260302):
    """Start sweeps and kill each while it works, until ``wanted`` kills have landed; return how many did.

    A kill has landed when the process was alive: it dies in the middle of whatever it was doing. Stops early when a
    sweep ends by itself twice: then nothing is left to kill it in.
    """
    moments, landed, ended = random.Random(seed), 0, 0  # noqa: S311 - chance, not secrecy
    url = database.addresses.app.render_as_string(hide_password=False)
    command = [sys.executable, str(SWEEPING), kind, url, str(settings.home), at.isoformat(), *arguments]
    while landed < wanted and ended < 2:
        with subprocess.Popen(  # noqa: S603 - our own script
            command, stdout=subprocess.PIPE, text=True, cwd=SWEEPING.parents[2]
        ) as sweep:
            assert sweep.stdout.readline() == "begun\n"
            time.sleep(moments.uniform(0.02, longest))
            if sweep.poll() is None:
                sweep.kill()
                landed += 1
            else:
                assert sweep.returncode == 0
                ended += 1
    return landed
