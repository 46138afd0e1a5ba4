"""Monitors get their answer, every page says when the clockwork is late, and a database that is away is a sentence."""

import json
import logging
import threading
import time
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, delete, event, func, select
from sqlalchemy.exc import OperationalError

from admin import metrics, monitoring
from admin.app import create_app
from admin.health import Kept, Watch, warnings_about
from tenant.db import Database
from tenant.models import Beat, DueAction, MailGate
from tenant.rules.terms import BeatKind, DueState, Role
from tenant.scoping import PERMIT
from tenant.services import health as looking
from tenant.unscoped import Reason, across_offices

MINUTE = timedelta(minutes=1)


@pytest.fixture
def planted(database, app):
    """Plant rows of the clockwork for one test; the watch of the application forgets what it saw before and after."""

    def plant(model, **columns):
        with across_offices(database, Reason.CLAIMING) as session:
            session.add(model(**columns))
            session.commit()
        app.extensions["wuguan.watch"] = Watch(database)

    app.extensions["wuguan.watch"] = Watch(database)
    yield plant
    with across_offices(database, Reason.CLAIMING) as session:
        for model in (DueAction, Beat, MailGate):
            session.execute(delete(model), execution_options={**PERMIT, "synchronize_session": False})
        session.commit()
    app.extensions["wuguan.watch"] = Watch(database)


@pytest.fixture
def now(database):
    with across_offices(database, Reason.WATCHING) as session:
        return session.scalar(select(func.now()))


def overdue(planted, house, since):
    planted(
        DueAction,
        office_id=house.id,
        rule="escalation",
        subject_kind="clock",
        subject_id=1,
        due_at=since,
        created_at=since,
    )


def alive(planted, at, **columns):
    values = {"instance": "one", "kind": BeatKind.WORKER, "host": "secret-host", "pid": 77_777, "started_at": at}
    planted(Beat, **values | {"beat_at": at, "queues": "sweeps,mail,imports"} | columns)


def ready(app):
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.get_json()


def test_a_monitor_is_answered_without_signing_in(app, planted):
    assert app.test_client().get("/healthz").get_json() == {"ok": True}
    status, parts = ready(app)
    assert (status, parts["ok"], parts["database"], parts["head"]["ok"]) == (200, True, {"ok": True}, True)


def test_readiness_is_lost_while_something_is_late_and_nobody_works_and_comes_back(app, planted, cast, now):
    overdue(planted, cast.north, now - 3 * MINUTE)
    status, parts = ready(app)
    assert status == 503
    assert parts["clockwork"]["unattended"] == ["sweeps"]
    assert 180 <= parts["clockwork"]["lateness_seconds"] < 240
    alive(planted, now)
    assert ready(app)[0] == 503
    with across_offices(app.extensions["wuguan.database"], Reason.CLAIMING) as session:
        session.scalars(select(DueAction)).one().state = DueState.DONE
        session.commit()
    app.extensions["wuguan.watch"] = Watch(app.extensions["wuguan.database"])
    status, parts = ready(app)
    assert (status, parts["beats"]) == (
        200,
        [{"kind": "worker", "alive": 1, "lost": 0, "age_seconds": parts["beats"][0]["age_seconds"], "skew_ms": 0}],
    )


def test_a_monitor_learns_nothing_about_offices_people_or_machines(app, planted, cast, now):
    overdue(planted, cast.north, now - 3 * MINUTE)
    alive(planted, now)
    text = app.test_client().get("/readyz").get_data(as_text=True)
    for secret in ("NORTH", "北苑", "secret-host", "77777"):
        assert secret not in json.dumps(json.loads(text), ensure_ascii=False)


def test_every_page_says_that_the_clockwork_is_late_and_no_page_of_a_stranger_does(app, planted, cast, sign_in, now):
    desk = sign_in(cast.south.people[Role.FRONT_DESK].staff)
    assert "后台" not in _main(desk.get("/requests/").get_data(as_text=True))
    overdue(planted, cast.north, now - 3 * MINUTE)
    told = "后台已延迟 3 分钟：到期事项和邮件会晚到。请告知系统管理员检查 wuguan worker。"
    for path in ("/requests/", "/password", "/owners/"):
        page = desk.get(path).get_data(as_text=True)
        assert told in page, path
        assert "北苑" not in page
    assert told not in app.test_client().get("/sign-in").get_data(as_text=True)


def _main(page):
    return page.split("<main", 1)[1]


def test_a_page_says_that_mail_is_stopped_and_not_why(app, planted, cast, sign_in, now):
    planted(MailGate, name="group", stopped_at=now, reason="演练用的原因")
    page = sign_in(cast.north.people[Role.FRONT_DESK].staff).get("/requests/").get_data(as_text=True)
    assert "集团已停止发信" in page
    assert "演练用的原因" not in page


@pytest.mark.parametrize(
    ("late", "words"),
    [(61, "1 分钟"), (7199, "119 分钟"), (7200, "2 小时"), (47 * 3600, "47 小时"), (50 * 3600, "2 天")],
)
def test_lateness_is_told_in_words(database, cast, now, late, words):
    with across_offices(database, Reason.WATCHING) as session:
        seen = looking.look(session, now)
    lag = looking.Lag("escalation", now - timedelta(seconds=late), 1)
    [sentence] = warnings_about(replace(seen, lags=(lag,)))
    assert f"后台已延迟 {words}：" in sentence


def test_a_look_that_hangs_holds_up_nobody_and_one_that_fails_is_none():
    released = threading.Event()
    looks = []

    def look():
        looks.append(1)
        released.wait(30)
        return "seen"

    kept = Kept(look)
    begun = time.monotonic()
    assert [kept.get(fresh=2, patience=0.05) for _ in range(3)] == [None] * 3
    assert time.monotonic() - begun < 5
    released.set()
    assert kept.get(fresh=60, patience=30) == "seen"
    assert len(looks) == 1
    assert Kept(lambda: 1 / 0).get(fresh=2, patience=30) is None


def test_what_was_seen_serves_until_it_is_old():
    count = iter(range(100))
    kept = Kept(lambda: next(count))
    assert [kept.get(fresh=60, patience=30) for _ in range(3)] == [0, 0, 0]
    assert kept.get(fresh=0, patience=30) == 1


# ---- the database away
@pytest.fixture
def abandoned(database, app):
    """The application over a database whose server answers nobody."""
    nowhere = replace(database.addresses, app=database.addresses.app.set(host="127.0.0.1", port=1, query={}))
    away = Database(nowhere, database.recorder, pool_size=1)
    yield create_app(app.extensions["wuguan.settings"], away)
    away.engine.dispose()


def test_a_database_that_is_away_is_a_sentence_and_not_a_fault(abandoned, sign_in, cast):
    client = abandoned.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = sign_in(cast.north.people[Role.FRONT_DESK].staff).token
    for answer in (client.get("/requests/"), client.post("/sign-out")):
        assert answer.status_code in {400, 503}  # a form without its token is refused before anything is asked
    answer = client.get("/requests/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "数据库连接不上" in answer.get_data(as_text=True)
    spoken = client.get("/requests/", headers={"Accept": "application/json"})
    assert (spoken.status_code, spoken.get_json()["error"]["code"]) == (503, "503")


def test_a_monitor_hears_that_the_database_is_away_from_a_process_that_lives(abandoned):
    client = abandoned.test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (503, {"ok": False, "database": {"ok": False}})


@pytest.mark.parametrize(("state", "status"), [(None, 503), ("57P01", 503), ("57014", 500)])
def test_a_page_whose_database_leaves_in_the_middle_says_so_without_asking_it_again(
    app, database, sign_in, cast, state, status, caplog
):
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)

    def leave(connection, cursor, statement, parameters, context, many):
        if "FROM service_request" in statement or "FROM ticket" in statement:
            original = psycopg.OperationalError("the connection is lost")
            original.sqlstate = state
            raise OperationalError(statement, None, original)

    event.listen(database.engine, "before_cursor_execute", leave)
    try:
        answer = desk.get("/requests/")
    finally:
        event.remove(database.engine, "before_cursor_execute", leave)
    assert answer.status_code == status
    assert ("数据库连接不上" in answer.get_data(as_text=True)) == (status == 503)
    assert desk.get("/requests/").status_code == 200


def test_a_database_that_closes_and_opens_again_is_found_again(app, database, sign_in, cast):
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    assert desk.get("/requests/").status_code == 200
    name = database.addresses.app.database
    other = create_engine(database.addresses.owner.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        try:
            assert desk.get("/requests/").status_code == 503
        finally:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    other.dispose()
    assert desk.get("/requests/").status_code == 200


# ---- figures
def fetched(place, path):
    connection = HTTPConnection(*place, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def figures(text):
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_private_address_serves_figures_that_parse(database, app, planted, cast, now):
    overdue(planted, cast.north, now - 3 * MINUTE)
    alive(planted, now, skew=-2500)
    metrics.observe_attempt("escalation", 4.2, DueState.DONE)
    with monitoring.answering(("127.0.0.1", 0), Watch(database)) as place:
        status, text = fetched(place, "/metrics")
        assert fetched(place, "/healthz") == (200, '{"ok": true}')
        assert fetched(place, "/readyz")[0] == 503
        assert fetched(place, "/nothing")[0] == 404
    found = figures(text)
    assert status == 200
    assert found["wuguan_database_up",] == found["wuguan_clockwork_late",] == 1
    assert 180 <= found["wuguan_clockwork_lateness_seconds", "escalation"] < 300
    assert found["wuguan_due_actions_waiting", "escalation"] == 1
    assert found["wuguan_processes", "alive", "worker"] == 1
    assert found["wuguan_clock_skew_seconds", "worker"] == -2.5
    assert found["wuguan_due_action_attempts_total", "done", "escalation"] >= 1
    assert found["wuguan_due_action_lateness_seconds_bucket", "5.0", "escalation"] >= 1
    assert found["process_resident_memory_bytes",] > 0
    for secret in ("NORTH", "北苑", "secret-host", "77777"):
        assert secret not in text


def test_figures_of_the_process_are_served_while_the_database_is_away(database):
    gone = replace(database.addresses, app=database.addresses.app.set(host="127.0.0.1", port=1, query={}))
    away = Database(gone, database.recorder, pool_size=1)
    text = metrics.exposition(Watch(away)).decode()
    away.engine.dispose()
    found = figures(text)
    assert found["wuguan_database_up",] == 0
    assert not [name for name in found if name[0] == "wuguan_mails"]


def test_an_address_in_use_is_a_sentence_and_stops_nothing(database, caplog):
    with monitoring.answering(("127.0.0.1", 0), Watch(database)) as first:
        with monitoring.answering(first, Watch(database)) as second:
            assert second is None
        assert fetched(first, "/healthz")[0] == 200
    assert f"127.0.0.1:{first[1]}" in caplog.text
    assert "WUGUAN_METRICS" in caplog.text
    with monitoring.answering(None, Watch(database)) as nowhere:
        assert nowhere is None


def test_a_request_is_counted_by_its_route_and_never_by_what_it_asks_for(app, sign_in, cast, caplog):
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    with caplog.at_level(logging.INFO, logger="admin.requests"):
        desk.get("/units/details/?id=4711&phone=13912345678")
        desk.get("/nothing/of/that/name/4711")
        app.test_client().get("/owners/")
        desk.get("/static/tokens.css")
    found = figures(metrics.exposition(Watch(app.extensions["wuguan.database"])).decode())
    counted = {name: value for name, value in found.items() if name[0] == "wuguan_http_requests_total"}
    assert any({"/units/details/", "GET"} <= set(name) for name in counted)
    assert any({"none", "404", "GET"} <= set(name) for name in counted)
    assert any({"/owners/", "302", "GET"} <= set(name) for name in counted)
    assert not [name for name in found if "4711" in str(name) or "13912345678" in str(name)]
    assert "4711" not in caplog.text
    lines = [record for record in caplog.records if record.name == "admin.requests"]
    assert len(lines) == 3
    assert {line.route for line in lines} == {"/units/details/", "none", "/owners/"}
    assert all(line.ms >= 0 and line.status for line in lines)
