"""``wuguan serve|web|worker|scheduler``: the program running, until it is told to stop."""

import errno
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import click

from admin import metrics, monitoring, systemd
from admin.commands.edge import REFUSED, answers, open_database, read_settings
from admin.commands.signals import INTERRUPTED, is_supervised, stop_on_signal
from admin.commands.supervising import Supervisor
from admin.health import Watch
from tasks import worker as working
from tasks.beats import beating
from tasks.sweeps import drain
from tenant import logs
from tenant.db import Database
from tenant.errors import SettingsError
from tenant.rules.terms import BeatKind
from tenant.settings import Settings

THREADS = 8
GRACE_SECONDS = 45.0
"""How long a stop waits for the worker's thread, which finishes or gives back what it is at."""
MOST_PROCESSES = 64
IMPORTS = "imports"
GIVES_WAY = 10
"""How far a process of imports alone steps back behind the others of its machine: pages are waited for, it is not."""
Command = TypeVar("Command", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Work:
    """What a process does: which kind it is, on which queues it works (None: all), whether it fires the timetable."""

    kind: BeatKind
    queues: frozenset[str] | None = None
    with_scheduler: bool = True

    @property
    def serves_pages(self) -> bool:
        """Tell whether pages are served."""
        return self.kind in {BeatKind.SERVE, BeatKind.WEB}

    @property
    def works(self) -> bool:
        """Tell whether something of the queues is done."""
        return self.kind in {BeatKind.SERVE, BeatKind.WORKER}

    @property
    def named_queues(self) -> list[str]:
        """Return the queues by name, in the order of the program; raises SettingsError for an unknown one."""
        named = working.known(self.queues) if self.works else frozenset[str]()
        return [queue for queue in working.QUEUES if queue in named and queue not in self.queues_apart]

    @property
    def queues_apart(self) -> tuple[str, ...]:
        """Return the queues left to a process of their own: where pages are served, what would hold them up."""
        return (IMPORTS,) if self.serves_pages and self.works else ()


def listens(function: Command) -> Command:
    """Give a command ``--host`` and ``--port``."""
    port = click.option("--port", type=click.IntRange(0, 65535), help="端口，默认 WUGUAN_PORT 或 8080。")
    return click.option("--host", help="监听地址，默认 WUGUAN_HOST 或 127.0.0.1。")(port(function))


@click.command(help="启动全部：网页、定时任务与后台任务在同一进程内，导入由它看护的另一进程执行。")
@listens
@answers
def serve(*, host: str | None, port: int | None, as_json: bool) -> None:  # noqa: ARG001 - every command takes --json
    """Serve pages and work in one process, and have imports worked on by another that ends with it."""
    _run(_settings(host, port), Work(BeatKind.SERVE))


@click.command(help="只启动网页。后台任务由 wuguan worker 执行。")
@listens
@answers
def web(*, host: str | None, port: int | None, as_json: bool) -> None:  # noqa: ARG001 - every command takes --json
    """Serve pages only."""
    _run(_settings(host, port), Work(BeatKind.WEB))


@click.command(help="只启动后台：定时任务、升级、催缴、发信、导入。可同时运行多个。")
@click.option(
    "--queues", help="只处理这些队列，用逗号分隔：sweeps（到期事项）、mail（发信）、imports（导入）。默认全部。"
)
@click.option(
    "--processes",
    type=click.IntRange(1, MOST_PROCESSES),
    default=1,
    show_default=True,
    help="进程数；多于 1 时由主进程看护，退出的会自动补上。",
)
@click.option("--no-scheduler", is_flag=True, help="不看时间表；由别处的 wuguan scheduler 或 worker 负责。")
@answers
def worker(*, queues: str | None, processes: int, no_scheduler: bool, as_json: bool) -> None:  # noqa: ARG001 - every command takes --json
    """Work only, in one process or in several."""
    named = None if queues is None else frozenset(filter(None, (name.strip() for name in queues.split(","))))
    work = Work(BeatKind.WORKER, queues=named, with_scheduler=not no_scheduler)
    if processes == 1:
        _run(read_settings(), work)
    else:
        _supervise(read_settings(), work, processes)


@click.command(help="只看时间表：到点唤醒后台任务，自己不执行。可同时运行多个，每个时点只触发一次。")
@answers
def scheduler(*, as_json: bool) -> None:  # noqa: ARG001 - every command takes --json
    """Fire the timetable only."""
    _run(read_settings(), Work(BeatKind.SCHEDULER))


def _settings(host: str | None, port: int | None) -> Settings:
    settings = read_settings()
    host, port = host or settings.host, settings.port if port is None else port
    base = settings.base_url if "WUGUAN_BASE_URL" in os.environ else f"http://{host}:{port}"
    return replace(settings, host=host, port=port, base_url=base)


def _run(settings: Settings, work: Work) -> None:
    with open_database(settings) as database:
        run(settings, database, work)


def _supervise(settings: Settings, work: Work, count: int) -> None:
    """Keep ``count`` workers running; exit 1 when one had to be killed at the end, 130 when we were told twice."""
    logs.configure(settings, "supervisor")
    working.check(settings)
    arguments = ["worker", "--queues", ",".join(work.named_queues)]
    arguments += [] if work.with_scheduler else ["--no-scheduler"]
    watching_over = Supervisor(settings, count, arguments)
    with open_database(settings) as database:
        database.engine.dispose()  # looked at once; an embedded server is held for the children
        with stop_on_signal(watching_over.hurry.set) as stop:
            click.echo(f"后台已启动：{count} 个进程。按 Ctrl-C 停止。")
            killed = watching_over.run(stop)
    if killed:
        click.echo(f"有 {killed} 个进程没有按时停下，已强行结束；它们手上的工作会由其他进程接着办。", err=True)
        sys.exit(INTERRUPTED if watching_over.hurry.is_set() else REFUSED)
    click.echo("已停止。")


def run(settings: Settings, database: Database, work: Work, *, banner: str = "") -> None:
    """Run until SIGINT or SIGTERM, then stop all of it in order; raises SettingsError when it cannot start.

    Ends with exit code 1 when the clockwork ended by itself or did not stop in time: a service manager, or the parent
    of several, starts it again.
    """
    logs.configure(settings, work.kind.value)
    if settings.is_demo:  # what was asked for is no news to who tries it out
        metrics.access_log.setLevel(logging.WARNING)
    if work.works:
        working.check(settings)
        if metrics.observe_attempt not in drain.observers:
            drain.observers.append(metrics.observe_attempt)
    queues, watch = work.named_queues, Watch(database)
    if queues == [IMPORTS]:
        os.nice(GIVES_WAY)
    with (
        stop_on_signal() as stop,
        beating(database, work.kind, queues),
        monitoring.answering(settings.metrics_address, watch),
    ):
        clockwork, apart = _Clockwork(settings, database, work, stop), _Apart(settings, work, stop)
        clockwork.start()
        try:
            if work.serves_pages:
                _serve_pages(settings, database, stop, apart, banner)
            else:
                _say(f"后台已启动（{'、'.join(queues) if queues else '只看时间表'}）。按 Ctrl-C 停止。")
                _wait(stop)
        finally:
            stop.set()
            systemd.notify(systemd.STOPPING)
            clockwork.join(timeout=GRACE_SECONDS)
            apart.join()
    if clockwork.is_alive() or clockwork.fell or apart.fell:
        click.echo("后台没有正常停下；手上的工作会由其他进程或下次启动时接着办。", err=True)
        sys.stdout.flush()
        sys.exit(REFUSED)
    _say("已停止。")


def _say(sentence: str) -> None:
    """Tell the person at the terminal; whoever is supervised leaves that to its parent."""
    if not is_supervised():
        click.echo(sentence)


def _wait(stop: threading.Event) -> None:
    """Wait until told to stop; say to the service manager that we are ready, and meanwhile that we live."""
    systemd.notify(systemd.READY)
    seconds = systemd.watchdog_seconds()
    while not stop.wait(seconds):
        systemd.notify(systemd.WATCHDOG)


class _Clockwork(threading.Thread):
    """The thread of worker or scheduler; where it ends, the process does: it would look alive and do nothing."""

    def __init__(self, settings: Settings, database: Database, work: Work, stop: threading.Event) -> None:
        super().__init__(name="clockwork", daemon=True)
        self.settings, self.database, self.work, self.stopping = settings, database, work, stop
        self.fell = False

    def run(self) -> None:
        """Work, or fire the timetable, until told to stop; a process of pages alone does neither."""
        try:
            if self.work.works:
                working.run(
                    self.settings,
                    self.database,
                    self.stopping,
                    queues=frozenset(self.work.named_queues),
                    with_scheduler=self.work.with_scheduler,
                )
            elif self.work.kind is BeatKind.SCHEDULER:
                working.run_scheduler(self.settings, self.database, self.stopping)
            else:
                self.stopping.wait()
        except BaseException:
            self.fell = True
            raise
        finally:
            self.fell = self.fell or not self.stopping.is_set()
            self.stopping.set()


class _Apart:
    """The process for the queues apart, and the thread that watches over it; without such queues, neither.

    It is told no address for figures: ours stand at the one there is, and what is done with imports is in the database.
    """

    def __init__(self, settings: Settings, work: Work, stop: threading.Event) -> None:
        self.stopping, self.fell = stop, False
        self.thread = threading.Thread(target=self._watch_over, name="apart") if work.queues_apart else None
        arguments = ["worker", "--no-scheduler", "--queues", ",".join(work.queues_apart)]
        self.parent = Supervisor(replace(settings, metrics_address=None), 1, arguments, is_all=False)

    def start(self) -> None:
        """Start the process."""
        if self.thread is not None:
            self.thread.start()

    def join(self) -> None:
        """Wait until it has ended, as it does once all is told to stop; who does not in time is killed."""
        if self.thread is not None and self.thread.ident is not None:
            self.thread.join()

    def _watch_over(self) -> None:
        try:
            self.fell = self.parent.run(self.stopping) > 0
        except BaseException:
            self.fell = True
            self.stopping.set()
            raise


def _serve_pages(settings: Settings, database: Database, stop: threading.Event, apart: _Apart, banner: str) -> None:
    """Serve pages until told to stop; what is done apart begins once they answer."""
    from waitress.server import create_server

    from admin.app import create_app

    application = create_app(settings, database)
    try:
        server = create_server(
            application,
            host=settings.host,
            port=settings.port,
            threads=THREADS,
            ident=None,
            clear_untrusted_proxy_headers=not settings.trusted_proxies,  # the application counts and believes them
        )
    except ValueError as error:
        raise SettingsError(
            code="bad_host",
            message=f"无法监听「{settings.host}」：不认识这个主机名。请用 --host 或 WUGUAN_HOST 填本机的地址。",
            field="WUGUAN_HOST",
            value=settings.host,
        ) from error
    except OSError as error:
        raise _not_listening(settings, error) from error
    serving = threading.Thread(target=server.run, name="web", daemon=True)
    serving.start()
    click.echo(banner or f"已启动：http://{settings.host}:{server.effective_port}/  按 Ctrl-C 停止。")
    apart.start()
    _wait(stop)
    server.close()
    serving.join(timeout=5)


def _not_listening(settings: Settings, error: OSError) -> Exception:
    """Return the refusal for an address that cannot be listened at; another error as it is."""
    if error.errno not in {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}:
        return error
    return SettingsError(
        code="port_taken",
        message=(
            f"无法监听 {settings.host}:{settings.port}（{error.strerror}）。"
            "请用 --port 或 WUGUAN_PORT 换一个端口，或先停止占用它的程序。"
        ),
        field="WUGUAN_PORT",
        value=str(settings.port),
    )
