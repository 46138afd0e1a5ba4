"""The edge of a request: one transaction, nothing left behind, headers on every answer, and no forgery."""

import threading

import pytest
from sqlalchemy import event

from admin.app import create_app
from admin.views.estates import EstateView, UnitView
from cast import Cast
from tenant.rules.terms import Role
from tenant.settings import Settings


@pytest.fixture
def admin(sign_in, cast: Cast):
    """The office admin of the north."""
    return sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)


def test_every_answer_tells_the_browser_what_it_may_do(app, admin):
    for path in ("/sign-in", "/units/", "/units/details/?id=999999", "/static/tokens.css", "/nowhere"):
        answer = admin.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors" in policy
        assert answer.headers["X-Frame-Options"] in {"DENY", "SAMEORIGIN"}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_each_page_has_a_nonce_of_its_own_and_no_script_without_it(admin):
    seen = set()
    for _ in range(2):
        answer = admin.get("/units/")
        nonce = answer.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
        seen.add(nonce)
        page = answer.get_data(as_text=True)
        assert page.count("<script") == page.count(f'nonce="{nonce}"')
        assert " onclick=" not in page
        assert " style=" not in page
    assert len(seen) == 2


def test_a_number_no_row_can_have_is_a_page_that_is_not_there(admin):
    for path in ("/tickets/{}", "/imports/{}", "/imports/{}/corrections", "/outbox/{}/body"):
        for number in (2**63, 10**30):
            assert admin.get(path.format(number)).status_code == 404, path


def test_pages_are_kept_out_of_the_browsers_store(admin):
    assert admin.get("/units/").headers["Cache-Control"] == "no-store"


def test_hsts_is_sent_over_https_only(app):
    client = app.test_client()
    assert "Strict-Transport-Security" in client.get("/sign-in", base_url="https://localhost").headers
    assert "Strict-Transport-Security" not in client.get("/sign-in").headers


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(app, database, tmp_path):
    secure = create_app(Settings(home=tmp_path, secret_key="of the tests", secure_cookies=True), database)
    plain, strict = (
        made.test_client().get("/sign-in", base_url="https://localhost").headers["Set-Cookie"] for made in (app, secure)
    )
    for cookie in (plain, strict):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Expires" not in cookie
    assert strict.startswith("__Host-wuguan=")
    assert "Secure" in strict


def test_a_form_without_its_token_changes_nothing(app, admin, cast: Cast):
    refused = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("hooks."):
            continue  # called by programs, which sign what they send instead
        if "POST" in (rule.methods or ()) and "<" not in rule.rule:
            answer = admin.client.post(rule.rule, data={"id": cast.north.unit.id, "csrf_token": "forged"})
            assert answer.status_code in {400, 403}, (rule.rule, answer.status_code)
            refused += answer.status_code == 400
    assert refused > 20
    assert admin.get(f"/units/details/?id={cast.north.unit.id}").status_code == 200


def test_asking_for_the_head_of_a_form_carries_nothing_out(app, admin, record):
    """HEAD is answered by the view of GET, and no check against forgery looks at it."""
    before = len(record("estate.create")), len(record("unit.create"))
    for rule in app.url_map.iter_rules():
        if {"GET", "POST"} <= (rule.methods or set()) and "<" not in rule.rule:
            answer = admin.client.head(f"{rule.rule}?id=1", data={"name": "偷建苑", "number": "0", "room": "0"})
            assert answer.status_code in {200, 302, 403, 404}, rule.rule
    assert (len(record("estate.create")), len(record("unit.create"))) == before


def test_a_body_too_large_is_refused_in_a_sentence(admin):
    answer = admin.post("/units/new/", {"note": "x" * (3 * 1024 * 1024)})
    assert answer.status_code == 413
    assert "文件过大" in answer.get_data(as_text=True)


def test_errors_are_pages_in_chinese_without_a_word_of_the_inside(app, admin, monkeypatch):
    def broken(*_args, **_more):
        raise RuntimeError("SELECT secret FROM inside")

    monkeypatch.setattr(UnitView, "rows", broken)
    answer = admin.get("/units/")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "程序出错" in page
    assert "secret" not in page
    assert answer.headers["X-Request-Id"] in page


def test_a_script_gets_the_parts_of_an_error(admin):
    answer = admin.get("/units/details/?id=999999", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert set(answer.get_json()["error"]) >= {"code", "message"}


def test_a_bad_answer_takes_back_what_the_request_did(admin, cast: Cast, monkeypatch):
    """The row is made and flushed; then the page that says so fails."""

    def broken(self, row):
        raise RuntimeError("after the flush")

    monkeypatch.setattr(EstateView, "made_answer", broken)
    assert admin.post("/estates/new/", {"name": "半途苑"}).status_code == 500
    monkeypatch.undo()
    assert "半途苑" not in admin.get("/estates/").get_data(as_text=True)


def test_a_request_leaves_no_connection_and_no_scope_behind(app, admin, database):
    handed_out = []
    event.listen(database.engine, "checkout", lambda *_: handed_out.append(1))
    event.listen(database.engine, "checkin", lambda *_: handed_out.pop())
    for path in ("/units/", "/units/export/csv/", "/units/details/?id=0", "/nowhere"):
        admin.get(path)
    assert handed_out == []


def test_the_next_request_on_the_same_thread_is_nobodys(app, admin):
    """A body that is never read or closed keeps nothing for who comes after."""
    seen = []

    def on_one_thread():
        environ = admin.client.get("/units/export/csv/", buffered=False)
        seen.append(environ.status_code)
        seen.append(app.test_client().get("/units/").headers["Location"])
        environ.close()

    thread = threading.Thread(target=on_one_thread)
    thread.start()
    thread.join()
    assert seen[0] == 200
    assert seen[1].startswith("/sign-in")


def test_proxies_are_believed_only_where_a_setting_says_so(app, database, tmp_path):
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"}
    behind = create_app(Settings(home=tmp_path, secret_key="of the tests", trusted_proxies=1), database)
    told = [made.test_client().get("/sign-in", headers=forged).headers for made in (app, behind)]
    assert ["Strict-Transport-Security" in headers for headers in told] == [False, True]
