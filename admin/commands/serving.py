"""``wuguan serve|web|worker``: the program running, until it is told to stop."""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TypeVar

import click
from waitress.server import create_server

from admin.app import create_app
from admin.commands.edge import answers, open_database, read_settings
from tasks import worker as working
from tenant.db import Database
from tenant.errors import SettingsError
from tenant.settings import Settings

THREADS = 8
Command = TypeVar("Command", bound=Callable[..., None])


def listens(function: Command) -> Command:
    """Give a command ``--host`` and ``--port``."""
    port = click.option("--port", type=click.IntRange(0, 65535), help="端口，默认 WUGUAN_PORT 或 8080。")
    return click.option("--host", help="监听地址，默认 WUGUAN_HOST 或 127.0.0.1。")(port(function))


@click.command(help="启动全部：网页、定时任务与后台任务在同一进程内。")
@listens
@answers
def serve(*, host: str | None, port: int | None, as_json: bool) -> None:  # noqa: ARG001 - every command takes --json
    """Serve pages and work in one process."""
    _run(_settings(host, port), with_web=True, with_worker=True)


@click.command(help="只启动网页。后台任务由 wuguan worker 执行。")
@listens
@answers
def web(*, host: str | None, port: int | None, as_json: bool) -> None:  # noqa: ARG001 - every command takes --json
    """Serve pages only."""
    _run(_settings(host, port), with_web=True, with_worker=False)


@click.command(help="只启动后台：定时任务、升级、催缴、发信。可同时运行多个。")
@answers
def worker(*, as_json: bool) -> None:  # noqa: ARG001 - every command takes --json
    """Work only."""
    _run(read_settings(), with_web=False, with_worker=True)


def _settings(host: str | None, port: int | None) -> Settings:
    settings = read_settings()
    host, port = host or settings.host, settings.port if port is None else port
    base = settings.base_url if "WUGUAN_BASE_URL" in os.environ else f"http://{host}:{port}"
    return replace(settings, host=host, port=port, base_url=base)


def _run(settings: Settings, *, with_web: bool, with_worker: bool) -> None:
    with open_database(settings) as database:
        run(settings, database, with_web=with_web, with_worker=with_worker)


def run(settings: Settings, database: Database, *, with_web: bool, with_worker: bool, banner: str = "") -> None:
    """Run until SIGINT or SIGTERM, then stop all of it in order; raises SettingsError when the port is taken."""
    if with_worker:
        working.check(settings)
    with _stop_on_signal() as stop:
        working_thread = _start_worker(settings, database, stop) if with_worker else None
        try:
            if with_web:
                _serve_pages(settings, database, stop, banner)
            else:
                click.echo("后台已启动。按 Ctrl-C 停止。")
                stop.wait()
        finally:
            stop.set()
            if working_thread is not None:
                working_thread.join(timeout=30)
            click.echo("已停止。")


def _start_worker(settings: Settings, database: Database, stop: threading.Event) -> threading.Thread:
    def work() -> None:
        try:
            working.run(settings, database, stop)
        finally:
            stop.set()  # a server whose worker is gone would look alive and do nothing

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    return thread


def _serve_pages(settings: Settings, database: Database, stop: threading.Event, banner: str) -> None:
    application = create_app(settings, database)
    try:
        server = create_server(application, host=settings.host, port=settings.port, threads=THREADS, ident=None)
    except ValueError as error:
        raise SettingsError(
            code="bad_host",
            message=f"无法监听「{settings.host}」：不认识这个主机名。请用 --host 或 WUGUAN_HOST 填本机的地址。",
            field="WUGUAN_HOST",
            value=settings.host,
        ) from error
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}:
            raise
        raise SettingsError(
            code="port_taken",
            message=(
                f"无法监听 {settings.host}:{settings.port}（{error.strerror}）。"
                "请用 --port 或 WUGUAN_PORT 换一个端口，或先停止占用它的程序。"
            ),
            field="WUGUAN_PORT",
            value=str(settings.port),
        ) from error
    serving = threading.Thread(target=server.run, name="web", daemon=True)
    serving.start()
    click.echo(banner or f"已启动：http://{settings.host}:{server.effective_port}/  按 Ctrl-C 停止。")
    stop.wait()
    server.close()
    serving.join(timeout=5)


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
