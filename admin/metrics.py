"""Figures for Prometheus, served on a private address alone. Nothing in them names a person, an office or a record.

Asked of the database when they are fetched (at most every two seconds; only the first of them while it
is away):

====================================== ==============================================================================
``wuguan_database_up``                 1 when the database answered
``wuguan_clockwork_late``              1 when what is due is more than a minute late, or nobody works
``wuguan_clockwork_lateness_seconds``  by ``rule``: how long the oldest due action has waited (now − due)
``wuguan_due_actions_waiting``         by ``rule``: how many are due and wait, counted up to 10,000
``wuguan_due_actions_dead``            how many stopped after five attempts and wait for a person
``wuguan_mails``                       by ``state``: how many there are, counted up to 10,000
``wuguan_mail_lateness_seconds``       how long the oldest mail that may go has waited
``wuguan_mail_stopped``                1 while the group has stopped all mail
``wuguan_outbox_messages``             wake-ups that wait for the broker
``wuguan_jobs``                        by ``state``: long work ``waiting`` to be taken up, and ``stuck``
``wuguan_queue_unattended``            by ``queue``: 1 when something waits in it and no process works on it
``wuguan_processes``                   by ``kind`` and ``state``: processes ``alive``, and ``lost`` without a good-bye
``wuguan_beat_age_seconds``            by ``kind``: how long ago the latest beat of such a process was
``wuguan_clock_skew_seconds``          by ``kind``: the worst clock of a living process against the database's
====================================== ==============================================================================

Counted by this process, since it started:

====================================== ==============================================================================
``wuguan_due_action_lateness_seconds`` histogram by ``rule``: how late an action was when it was first attempted,
                                       since it was due, or planned if that was later
``wuguan_due_action_attempts_total``   by ``rule`` and ``state``: what became of each attempt: ``done``, ``cancelled``,
                                       ``pending`` (failed, will be tried again), ``dead`` (failed for the last time)
``wuguan_http_requests_total``         by ``route``, ``method`` and ``status``
``wuguan_http_request_seconds``        histogram by ``route`` and ``method``
``process_*``, ``python_info``         memory, processor time, open files
====================================== ==============================================================================

A route is the rule of an address (``/units/details/``), never an address with what it asks for.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from admin.health import FRESH, PATIENCE, Watch
from tenant import logs
from tenant.rules.terms import BeatKind, DueState
from tenant.services import clocks, daily_log, dunning, reports, routing
from tenant.services.health import Health

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
ROUTE: Final = "wuguan.route"
REQUEST: Final = "wuguan.request"
NO_ROUTE: Final = "none"
OF_MONITORS: Final = frozenset({"/healthz", "/readyz"})
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
RULES: Final = (clocks.RULE, clocks.WARNING, daily_log.RULE, dunning.RULE, routing.RULE, reports.RULE)
"""Rules that have a line even where nothing of theirs waits."""
LATENESS: Final = (0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 60, 120, 300, 900, 3600, 86400)
DURATIONS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

access_log = logging.getLogger("admin.requests")

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
ATTEMPTS: Final = Counter(
    "wuguan_due_action_attempts", "What became of each attempt at a due action.", ["rule", "state"], registry=REGISTRY
)
LATE_BY: Final = Histogram(
    "wuguan_due_action_lateness_seconds",
    "How late a due action was when it was first attempted.",
    ["rule"],
    buckets=LATENESS,
    registry=REGISTRY,
)
REQUESTS: Final = Counter(
    "wuguan_http_requests", "Requests answered.", ["route", "method", "status"], registry=REGISTRY
)
SECONDS: Final = Histogram(
    "wuguan_http_request_seconds",
    "How long an answer took.",
    ["route", "method"],
    buckets=DURATIONS,
    registry=REGISTRY,
)


def observe_attempt(rule: str, seconds: float | None, state: DueState) -> None:
    """Count an attempt at a due action of ``rule`` that ended in ``state``; ``seconds`` late, None: not the first."""
    ATTEMPTS.labels(rule, state.value).inc()
    if seconds is not None:
        LATE_BY.labels(rule).observe(seconds)


def exposition(watch: Watch) -> bytes:
    """Return all figures in the text form that Prometheus reads."""
    now = CollectorRegistry()
    now.register(_Standing(watch))
    return generate_latest(now) + generate_latest(REGISTRY)


class _Standing(Collector):
    """What the database says of the clockwork at this moment."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: registering must not ask the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Look, and tell it."""
        seen = self.watch.health.get(fresh=FRESH, patience=PATIENCE)
        yield _one("wuguan_database_up", "Whether the database answered.", float(seen is not None))
        if seen is not None:
            yield from _of_clockwork(seen)
            yield from _of_mail(seen)
            yield from _of_processes(seen)


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _many(name: str, words: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for of, value in values:
        family.add_metric(of, value)
    return family


def _of_clockwork(seen: Health) -> Iterator[Metric]:
    ages, waiting = ({(rule,): 0.0 for rule in RULES} for _ in range(2))
    for lag in seen.lags:
        ages[lag.rule,] = max((seen.at - lag.oldest_due_at).total_seconds(), 0.0)
        waiting[lag.rule,] = float(lag.waiting)
    jobs = {("waiting",): float(seen.jobs_waiting), ("stuck",): float(seen.jobs_stuck)}
    unattended = {(queue,): 1.0 for queue in seen.unattended}
    yield _one("wuguan_clockwork_late", "Whether what is due is late.", float(seen.late))
    yield _many(
        "wuguan_clockwork_lateness_seconds", "How long the oldest due action has waited.", ("rule",), ages.items()
    )
    yield _many("wuguan_due_actions_waiting", "Due actions that wait.", ("rule",), waiting.items())
    yield _one("wuguan_due_actions_dead", "Due actions that wait for a person.", seen.dead)
    yield _one("wuguan_outbox_messages", "Wake-ups that wait for the broker.", seen.outbox)
    yield _many("wuguan_jobs", "Long work.", ("state",), jobs.items())
    yield _many(
        "wuguan_queue_unattended", "Queues in which something waits for nobody.", ("queue",), unattended.items()
    )


def _of_mail(seen: Health) -> Iterator[Metric]:
    states = {(state.value,): float(count) for state, count in seen.mail.by_state.items()}
    yield _many("wuguan_mails", "Mails by state.", ("state",), states.items())
    lateness = seen.mail_lateness.total_seconds()
    yield _one("wuguan_mail_lateness_seconds", "How long the oldest mail that may go has waited.", lateness)
    yield _one(
        "wuguan_mail_stopped", "Whether the group has stopped all mail.", float(seen.mail_stopped_at is not None)
    )


def _of_processes(seen: Health) -> Iterator[Metric]:
    counts: dict[tuple[str, ...], float] = {}
    ages: dict[tuple[str, ...], float] = {}
    skews: dict[tuple[str, ...], float] = {}
    for kind in BeatKind:
        of_kind = [one for one in seen.processes if one.kind is kind]
        counts[kind.value, "alive"] = sum(one.is_alive for one in of_kind)
        counts[kind.value, "lost"] = sum(one.is_lost for one in of_kind)
        if of_kind:
            ages[kind.value,] = min(one.age.total_seconds() for one in of_kind)
            skews[kind.value,] = max((one.skew / 1000 for one in of_kind if one.is_alive), key=abs, default=0.0)
    yield _many("wuguan_processes", "Processes of the last day.", ("kind", "state"), counts.items())
    yield _many("wuguan_beat_age_seconds", "How long ago the latest beat was.", ("kind",), ages.items())
    yield _many("wuguan_clock_skew_seconds", "The worst clock against the database's.", ("kind",), skews.items())


# ---- the web
def install(application: Flask) -> None:
    """Count and log each request of ``application``; to be called once its requests are numbered, before any door."""
    application.before_request(_name_the_route)
    application.wsgi_app = _measured(application.wsgi_app)  # type: ignore[method-assign, assignment]


def _name_the_route() -> None:
    request.environ[ROUTE] = request.url_rule.rule if request.url_rule else NO_ROUTE
    request.environ[REQUEST] = g.request_id


def _measured(inner: "WSGIApplication") -> "WSGIApplication":
    """Return ``inner`` with each answer counted and logged once, when it is whole: after the commit."""

    def measured(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        begun, statuses = time.perf_counter(), ["500"]

        def starting(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
            statuses[0] = status[:3]
            return start_response(status, headers, error)

        try:
            return inner(environ, starting)
        finally:
            _tell(environ, statuses[0], time.perf_counter() - begun)

    return measured


def _tell(environ: "WSGIEnvironment", status: str, seconds: float) -> None:
    route = environ.get(ROUTE, NO_ROUTE)
    asked = str(environ.get("REQUEST_METHOD", ""))
    method = asked if asked in METHODS else "other"
    REQUESTS.labels(route, method, status).inc()
    SECONDS.labels(route, method).observe(seconds)
    if status in {"200", "304"} and (route in OF_MONITORS or route.endswith("/static/<path:filename>")):
        return
    milliseconds = round(seconds * 1000)
    number = logs.request_id.set(environ.get(REQUEST))
    try:
        facts = {"route": route, "method": method, "status": int(status), "ms": milliseconds}
        access_log.info("%s %s %s %s ms", method, route, status, milliseconds, extra=facts)
    finally:
        logs.request_id.reset(number)
