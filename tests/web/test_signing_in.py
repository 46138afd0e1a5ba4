"""Signing in and out: one answer for every wrong pair, an end that is an end, limits that hold."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

import make
from cast import Cast
from tenant import clock
from tenant.errors import Refusal
from tenant.models import SignIn, Staff
from tenant.rules.terms import Role
from tenant.services import passwords, sign_ins, staff
from tenant.unscoped import Reason, across_offices

PASSWORD = "korrekt-pferd-batterie"


@pytest.fixture
def person(database, cast: Cast):
    """A front desk officer of the north with a password."""
    with across_offices(database, Reason.SETTING_UP) as session:
        made = make.staff(session, login=f"person-{time.monotonic_ns()}", name="李青")
        made.password_hash, made.must_change_password = passwords.hash_password(PASSWORD), False
        make.posting(session, made, Role.FRONT_DESK, cast.north.office)
        session.commit()
        return made


def try_in(app, login: str, password: str, **more):
    """Send the page for signing in; return the client and the answer."""
    client = app.test_client()
    token = client.get("/sign-in").get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "login": login, "password": password, **more}
    return client, client.post("/sign-in", data=form, environ_base={"REMOTE_ADDR": more.pop("address", "192.0.2.7")})


def change(database, staff_id: int, verb) -> None:
    """Do something to a person through its service."""
    with across_offices(database, Reason.SETTING_UP) as session:
        verb(session, staff_id)
        session.commit()


def test_the_right_pair_gets_in_and_a_wrong_one_is_told_nothing(app, person):
    client, answer = try_in(app, person.login.upper(), PASSWORD)
    assert answer.status_code == 302
    assert client.get("/units/").status_code == 200
    said = set()
    for login, password in ((person.login, "falsch"), ("nobody-here", PASSWORD), ("", ""), (person.login, "")):
        _, answer = try_in(app, login, password)
        assert answer.status_code == 422
        page = answer.get_data(as_text=True)
        said.add(page.split('role="alert"')[1].split("</p>")[0])
    assert len(said) == 1


def test_an_unknown_login_costs_what_a_known_one_costs():
    known, spent = passwords.hash_password(PASSWORD), []
    for stored in (known, None):
        begun = time.perf_counter()
        assert passwords.matches(stored, "falsch") is False
        spent.append(time.perf_counter() - begun)
    passwords.matches(None, "falsch")
    assert spent[1] > spent[0] / 4


def test_a_password_is_kept_as_argon2id_and_nowhere_else(database, person, record):
    assert person.password_hash.startswith("$argon2id$")
    assert PASSWORD not in str([(entry.before, entry.after) for entry in record("staff.create")])


def test_both_outcomes_are_put_on_the_record(app, person, record):
    try_in(app, person.login, PASSWORD)
    try_in(app, person.login, "falsch")
    assert record("sign_in.succeeded")[0].subject_id == person.id
    failed = record("sign_in.failed")[0]
    assert (failed.subject_id, failed.after["login"]) == (person.id, person.login)
    try_in(app, "geheimes-passwort", "x")
    assert record("sign_in.failed")[0].after["login"] == "ge***"


def test_the_sixth_failure_of_a_login_is_stopped_before_hashing(app, person, monkeypatch):
    for _ in range(sign_ins.FAILURES_PER_LOGIN):
        assert try_in(app, person.login, "falsch")[1].status_code == 422
    monkeypatch.setattr(passwords, "matches", lambda *_: pytest.fail("hashed"))
    _, answer = try_in(app, person.login, PASSWORD)
    assert answer.status_code == 429
    assert "15 分钟" in answer.get_data(as_text=True)


def test_attempts_at_once_are_counted_one_after_the_other(database, person, monkeypatch):
    hashed = []
    monkeypatch.setattr(passwords, "matches", lambda *_: hashed.append(1) and False)

    def guess() -> None:
        with across_offices(database, Reason.SIGNING_IN) as session:
            with pytest.raises(Refusal):
                sign_ins.attempt(session, sign_ins.Attempt(person.login, "falsch", "192.0.2.99"))
            session.commit()

    guessing = [threading.Thread(target=guess) for _ in range(12)]
    for thread in guessing:
        thread.start()
    for thread in guessing:
        thread.join()
    assert len(hashed) == sign_ins.FAILURES_PER_LOGIN


def test_many_failures_of_one_address_stop_it_for_every_login(database, person):
    with across_offices(database, Reason.SIGNING_IN) as session:
        instant = clock.now()
        session.add_all(
            SignIn(login=f"guess{n}", address="198.51.100.9", started_at=instant, seen_at=instant, succeeded=False)
            for n in range(sign_ins.FAILURES_PER_ADDRESS)
        )
        session.flush()
        for address, code in (("198.51.100.9", "sign_in_throttled"), ("198.51.100.10", None)):
            tried = sign_ins.Attempt(login=person.login, password=PASSWORD, address=address)
            if code is None:
                assert sign_ins.attempt(session, tried).staff_id == person.id
            else:
                with pytest.raises(Exception, match="暂停登录"):
                    sign_ins.attempt(session, tried)


def test_the_throttle_lets_go_after_its_window(database, person):
    with across_offices(database, Reason.SIGNING_IN) as session:
        past = clock.now() - sign_ins.THROTTLE_WINDOW - timedelta(seconds=1)
        session.add_all(
            SignIn(login=person.login, address="a", started_at=past, seen_at=past, succeeded=False) for _ in range(50)
        )
        session.flush()
        assert sign_ins.attempt(session, sign_ins.Attempt(person.login, PASSWORD, "203.0.113.1")).staff_id == person.id


def test_after_signing_out_the_old_cookie_is_worthless(sign_in, cast):
    browser = sign_in(cast.north.people[Role.DIRECTOR].staff)
    old = browser.client.get_cookie("wuguan")
    assert browser.post("/sign-out").status_code == 302
    browser.client.set_cookie("wuguan", old.value)
    assert browser.get("/units/").headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "verb",
    [staff.disable, staff.reset_password, lambda session, person_id: sign_ins.end_all(session, person_id, "revoked")],
    ids=["disable", "reset", "revoke"],
)
def test_what_makes_an_account_worthless_ends_its_sessions_at_once(sign_in, database, person, verb):
    first, second = sign_in(person), sign_in(person)
    assert {browser.get("/units/").status_code for browser in (first, second)} == {200}
    change(database, person.id, verb)
    for browser in (first, second):
        assert browser.get("/units/").headers["Location"].startswith("/sign-in")


def test_a_changed_password_ends_every_session_and_only_the_new_one_gets_in(app, sign_in, person):
    browser, other = sign_in(person), sign_in(person)
    new = "ein-ganz-neues-geheimnis"
    answer = browser.post("/password", {"old_password": PASSWORD, "password": new, "repeated": new})
    assert answer.status_code == 302
    for client in (browser, other):
        assert client.get("/units/").status_code == 302
    assert try_in(app, person.login, PASSWORD)[1].status_code == 422
    assert try_in(app, person.login, new)[1].status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "repeated", "says"),
    [
        ("falsch", "ein-neues-geheimnis", "ein-neues-geheimnis", "原密码不正确"),
        (PASSWORD, "kurz", "kurz", "个字符"),
        (PASSWORD, "aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa", "太容易"),
        (PASSWORD, PASSWORD, PASSWORD, "不能与原密码相同"),
        (PASSWORD, "ein-neues-geheimnis", "ein-anderes", "不一致"),
    ],
)
def test_a_password_that_will_not_do_is_refused_and_ends_nothing(sign_in, person, old, new, repeated, says):
    browser = sign_in(person)
    answer = browser.post("/password", {"old_password": old, "password": new, "repeated": repeated})
    assert answer.status_code == 422
    assert says in answer.get_data(as_text=True)
    assert browser.get("/units/").status_code == 200


def test_a_one_time_password_leads_to_the_page_that_changes_it_and_nowhere_else(app, database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        made, password = staff.add(
            session, login=f"new-{time.monotonic_ns()}", name="新人", role=Role.FRONT_DESK, place=cast.north.office
        )
        session.commit()
    client, _ = try_in(app, made.login, password)
    assert client.get("/units/").headers["Location"] == "/password"
    assert client.get("/password").status_code == 200
    token = client.get("/password").get_data(as_text=True).split('name="csrf_token" value="')[1].split('"')[0]
    assert client.post("/office", data={"csrf_token": token, "office": ""}).status_code == 403


@pytest.mark.parametrize(
    ("column", "limit", "why"),
    [("seen_at", sign_ins.IDLE_LIMIT, "idle"), ("started_at", sign_ins.ABSOLUTE_LIMIT, "expired")],
)
def test_a_session_ends_by_itself(sign_in, database, person, column, limit, why):
    browser = sign_in(person)
    with across_offices(database, Reason.SIGNING_IN) as session:
        row = session.scalars(select(SignIn).where(SignIn.token_digest == sign_ins.digest(browser.token))).one()
        setattr(row, column, clock.now() - limit + timedelta(minutes=2))
        session.commit()
    assert browser.get("/units/").status_code == 200
    with across_offices(database, Reason.SIGNING_IN) as session:
        row = session.scalars(select(SignIn).where(SignIn.token_digest == sign_ins.digest(browser.token))).one()
        setattr(row, column, clock.now() - limit)
        session.commit()
    assert browser.get("/units/").status_code == 302
    with across_offices(database, Reason.SIGNING_IN) as session:
        row = session.scalars(select(SignIn).where(SignIn.token_digest == sign_ins.digest(browser.token))).one()
        assert row.ended_why == why


def test_the_row_of_a_session_does_not_hold_what_the_cookie_holds(database, sign_in, person):
    browser = sign_in(person)
    with across_offices(database, Reason.SIGNING_IN) as session:
        held = [row.token_digest for row in session.scalars(select(SignIn).where(SignIn.staff_id == person.id))]
    assert browser.token not in held


def test_reading_pages_leaves_no_entry_for_the_last_activity(sign_in, database, person, record):
    browser = sign_in(person)
    with across_offices(database, Reason.SIGNING_IN) as session:
        row = session.scalars(select(SignIn).where(SignIn.token_digest == sign_ins.digest(browser.token))).one()
        row.seen_at = clock.now() - timedelta(minutes=5)
        session.commit()
    before = len(record("sign_in.update"))
    assert browser.get("/units/").status_code == 200
    assert len(record("sign_in.update")) == before


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.invalid/",
        "//evil.invalid/",
        "/\\evil.invalid",
        "javascript:alert(1)",
        "/\r\nX-Evil: 1",
        "/\t\\evil.invalid",
        "/.\\evil.invalid",
        "/\x00",
    ],
)
def test_signing_in_leads_nowhere_else(app, person, target):
    _, answer = try_in(app, person.login, PASSWORD, next=target)
    assert answer.headers["Location"] == "/"


def test_a_person_who_left_is_out_the_day_after(sign_in, database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login=f"left-{time.monotonic_ns()}")
        posting = make.posting(session, person, Role.FRONT_DESK, cast.north.office)
        session.commit()
        browser = sign_in(person)
        assert browser.get("/units/").status_code == 200
        posting.to_on = clock.today() - timedelta(days=1)
        session.commit()
    assert browser.get("/units/").status_code == 403


def test_no_account_comes_with_a_password(database):
    with across_offices(database, Reason.SIGNING_IN) as session:
        made = Staff(login=f"bare-{time.monotonic_ns()}", name="空")
        session.add(made)
        session.flush()
        for tried in ("", "admin", "password", made.login):
            with pytest.raises(Exception, match="不正确"):
                sign_ins.attempt(session, sign_ins.Attempt(made.login, tried, "203.0.113.2"))
