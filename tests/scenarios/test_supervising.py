"""The parent of several processes: what it does with children that die, that will not end, and with itself."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from admin import systemd
from admin.commands import serving, signals, supervising
from admin.commands.serving import Work
from admin.commands.supervising import Supervisor
from tasks import worker
from tenant.rules.terms import BeatKind
from tenant.settings import Settings
from waiting import wait_until

PATIENCE = 60
ENDURE = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
FALL = "import sys; sys.exit(3)"


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


@pytest.fixture
def as_before():
    """The log as it was before a process configured it."""
    root = logging.getLogger()
    kept = (list(root.handlers), root.level, sys.excepthook, threading.excepthook)
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook, threading.excepthook = kept[0], kept[2], kept[3]
    root.setLevel(kept[1])


def supervising_over(monkeypatch, settings, program, count=2, **options):
    """A supervisor of so many small programs, in a thread of its own; with its event and where its word will be."""
    monkeypatch.setattr(supervising, "PROGRAM", (sys.executable, "-c", program))
    parent, stop, killed = Supervisor(settings, count, [], **options), threading.Event(), []
    thread = threading.Thread(target=lambda: killed.append(parent.run(stop)))
    thread.start()
    return parent, stop, thread, killed


def living(parent):
    return [child.process.pid for child in parent.children if child.process is not None]


def test_a_child_that_dies_at_once_again_and_again_is_tried_later_and_later(monkeypatch, settings, caplog):
    with caplog.at_level(logging.INFO):
        parent, stop, thread, killed = supervising_over(monkeypatch, settings, FALL, count=1)
        wait_until(lambda: parent.children[0].failures >= 3)
        stop.set()
        thread.join(PATIENCE)
    pauses = [record.args[-1] for record in caplog.records if "another starts" in record.message]
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert "ended with 3" in caplog.text
    assert killed == [0]


def test_the_pause_has_an_end_and_who_had_lived_is_replaced_at_once(settings):
    [child] = Supervisor(settings, 1, []).children
    for failures, started, pause in ((3, 0.0, 8.0), (20, 0.0, 30.0), (20, supervising.SETTLED_SECONDS, 0.0)):
        child.failures = failures
        child.process = subprocess.Popen([sys.executable, "-c", FALL], stdin=subprocess.PIPE)  # noqa: S603 - our own
        child.process.wait()
        child.started = time.monotonic() - started
        child.tend()
        assert child.process is None
        assert child.next_start - time.monotonic() == pytest.approx(pause, abs=0.5)


def test_children_that_will_not_end_are_killed_when_their_time_is_over_and_counted(monkeypatch, settings):
    parent, stop, thread, killed = supervising_over(monkeypatch, settings, ENDURE, grace=1.0)
    pids = wait_until(lambda: len(living(parent)) == 2 and living(parent))
    wait_until(lambda: all(_is_deaf(pid) for pid in pids))
    stop.set()
    thread.join(PATIENCE)
    assert killed == [2]
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_who_is_told_twice_waits_for_nobody(monkeypatch, settings):
    parent, stop, thread, killed = supervising_over(monkeypatch, settings, ENDURE, grace=500.0)
    pids = wait_until(lambda: len(living(parent)) == 2 and living(parent))
    wait_until(lambda: all(_is_deaf(pid) for pid in pids))
    stop.set()
    parent.hurry.set()
    thread.join(PATIENCE)
    assert killed == [2]


def _is_deaf(pid):
    """Tell whether a process ignores SIGTERM by now."""
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = int(next(line for line in status.splitlines() if line.startswith("SigIgn")).split()[1], 16)
    return bool(ignored >> (signal.SIGTERM - 1) & 1)


def test_each_child_has_a_port_of_its_own_and_none_speaks_to_the_service_manager(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    monkeypatch.setenv("WATCHDOG_USEC", "1")
    places = {
        ("127.0.0.1", 9191): ["127.0.0.1:9191", "127.0.0.1:9192"],
        ("::1", 9191): ["[::1]:9191", "[::1]:9192"],
        ("127.0.0.1", 0): ["127.0.0.1:0", "127.0.0.1:0"],
    }
    for place, expected in places.items():
        children = Supervisor(Settings(home=tmp_path, metrics_address=place), 2, []).children
        assert [child.environment["WUGUAN_METRICS"] for child in children] == expected
        assert not set(systemd.OF_MANAGER) & set(children[0].environment)
        assert Settings.from_environment({"WUGUAN_METRICS": expected[0]}).metrics_address == place


def test_a_child_does_not_find_what_the_settings_leave_out(monkeypatch, tmp_path):
    stated = {
        "BROKER_URL": "redis://127.0.0.1:1/0",
        "WUGUAN_SMTP_URL": "smtp://127.0.0.1:1",
        "WUGUAN_METRICS": "127.0.0.1:9",
    }
    for name, value in stated.items():
        monkeypatch.setenv(name, value)
    whole = Settings.from_environment(stated | {"WUGUAN_HOME": str(tmp_path)})
    for settings, left in ((whole, set(stated)), (Settings(home=tmp_path), set())):
        [child] = Supervisor(settings, 1, []).children
        assert set(stated) & set(child.environment) == left


def test_pages_do_not_go_on_without_the_process_beside_them(monkeypatch, settings, database, as_before, capsys):
    def fall(*_arguments, **_options):
        message = "no more processes"
        raise OSError(message)

    monkeypatch.setattr(worker, "run", lambda _settings, _database, stop, **_options: stop.wait())
    monkeypatch.setattr(Supervisor, "run", fall)
    with pytest.raises(SystemExit) as ended:
        serving.run(replace(settings, port=0), database, Work(BeatKind.SERVE))
    assert ended.value.code == 1
    assert "no more processes" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [BeatKind.WORKER, BeatKind.SCHEDULER])
def test_a_process_whose_clockwork_falls_ends_so_that_it_is_started_again(
    monkeypatch, settings, database, capsys, as_before, kind
):
    def fall(*_arguments, **_options):
        message = "13912345678 fell"
        raise RuntimeError(message)

    monkeypatch.setattr(worker, "run", fall)
    monkeypatch.setattr(worker, "run_scheduler", fall)
    with pytest.raises(SystemExit) as ended:
        serving.run(settings, database, Work(kind))
    assert ended.value.code == 1
    log = capsys.readouterr().err
    assert "RuntimeError" in log
    assert "13912345678" not in log


def test_a_process_whose_clockwork_returns_unasked_ends_too(monkeypatch, settings, database, capsys, as_before):
    monkeypatch.setattr(worker, "run", lambda *_arguments, **_options: None)
    with pytest.raises(SystemExit) as ended:
        serving.run(settings, database, Work(BeatKind.WORKER))
    assert ended.value.code == 1


def test_the_first_signal_asks_and_the_second_does_not():
    hurried, before = [], [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with signals.stop_on_signal(lambda: hurried.append(True)) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        wait_until(stop.is_set)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(signals.SAME_WISH_SECONDS + 0.1)
        assert hurried == [], "a wish that arrives twice is one"
        os.kill(os.getpid(), signal.SIGTERM)
        wait_until(lambda: hurried)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_signal_ends_a_process_that_hangs():
    program = (
        "import time\n"
        "from admin.commands.signals import stop_on_signal\n"
        "with stop_on_signal() as stop:\n"
        "    print('begun', flush=True)\n"
        "    while True: time.sleep(1)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as hanging:  # noqa: S603
        assert hanging.stdout.readline() == "begun\n"
        hanging.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            hanging.wait(1.5)
        hanging.send_signal(signal.SIGINT)
        assert hanging.wait(PATIENCE) == 130


@pytest.mark.parametrize(
    ("microseconds", "meant_for", "seconds"),
    [("2000000", "", 1.0), ("2000000", "1", None), ("", "", None), ("²", "", None), ("10", "", 0.1)],
)
def test_the_watchdog_is_told_twice_as_often_as_it_asks(monkeypatch, microseconds, meant_for, seconds):
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.setenv("WATCHDOG_PID", meant_for)
    assert systemd.watchdog_seconds() == seconds


def test_a_service_manager_that_is_gone_stops_nothing(monkeypatch, caplog):
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    systemd.notify(systemd.READY)
    assert "READY=1" in caplog.text
    monkeypatch.delenv("NOTIFY_SOCKET")
    caplog.clear()
    systemd.notify(systemd.READY)
    assert caplog.text == ""
