"""Every address has a door, and every role passes or is refused at it as the permission table says.

The tables here are written by hand, apart from the product: a new address without a row fails, and so does one whose
door was changed without changing its row.
"""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from admin.access import ANYBODY, SIGNED_IN, Door, door_of
from admin.app import create_app
from cast import COMPANY_ROLES, GROUP_ROLES, OFFICE_ROLES, Cast
from tenant import policy
from tenant.models import Posting
from tenant.rules.terms import Act, Area, Role
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

AREAS = {
    "requests": Area.REQUESTS,
    "work_orders": Area.REQUESTS,
    "pauses": Area.REQUESTS,
    "quote_lines": Area.REQUESTS,
    "daily_log": Area.DAILY_LOG,
    "handover": Area.DAILY_LOG,
    "topics": Area.TOPICS,
    "contacts": Area.FOLLOW_UPS,
    "follow_ups": Area.FOLLOW_UPS,
    "escalations": Area.REQUESTS,
    "attachments": Area.REQUESTS,  # and of each matter's own area besides: test_files.py
    "complaints": Area.COMPLAINTS,
    "defects": Area.RECTIFICATIONS,
    "rectifications": Area.RECTIFICATIONS,
    "rectification_checks": Area.RECTIFICATIONS,
    "rectification_notes": Area.RECTIFICATIONS,
    "builders": Area.RECTIFICATIONS,
    "owners": Area.OWNERS,
    "ownerships": Area.OWNERS,
    "occupants": Area.OWNERS,
    "units": Area.UNITS,
    "buildings": Area.UNITS,
    "sections": Area.UNITS,
    "estates": Area.UNITS,
    "parking_spaces": Area.PARKING,
    "vehicles": Area.PARKING,
    "parking_leases": Area.PARKING,
    "meters": Area.METERS,
    "meter_readings": Area.METERS,
    "charges": Area.CHARGES,
    "charge_types": Area.CHARGES,
    "tariffs": Area.CHARGES,
    "concessions": Area.CHARGES,
    "billing_runs": Area.CHARGES,
    "billing_lines": Area.CHARGES,
    "payments": Area.PAYMENTS,
    "allocations": Area.PAYMENTS,
    "dunning_notices": Area.DUNNING,
    "dunning_procedures": Area.DUNNING,
    "import_batches": Area.IMPORTS,
    "heading_aliases": Area.IMPORTS,
    "import_layouts": Area.IMPORTS,
    "companies": Area.OFFICES,
    "offices": Area.OFFICES,
    "departments": Area.OFFICES,
    "staff": Area.STAFF,
    "postings": Area.STAFF,
    "mails": Area.MAILS,
    "reports": Area.REPORTS,
    "shifts": Area.DUTIES,
    "duties": Area.DUTIES,
    "absences": Area.DUTIES,
    "group_limits": Area.POLICY,
    "office_limits": Area.POLICY,
    "due_actions": Area.SCHEDULE,
    "jobs": Area.SCHEDULE,
    "audit_entries": Area.AUDIT,
}
ACTS = {
    "index_view": Act.VIEW,
    "details_view": Act.VIEW,
    "history_view": Act.VIEW,
    "ajax_lookup": Act.VIEW,
    "action_view": Act.VIEW,  # an act on many rows that no view declares: 404 to everybody
    "act_view": Act.VIEW,  # each verb says what it needs: test_verbs.py
    "reveal_view": Act.VIEW,  # and REVEAL besides: test_personal_values.py
    "create_view": Act.CREATE,
    "edit_view": Act.EDIT,
    "delete_view": Act.DELETE,
    "export": Act.EXPORT,
}
OPEN = {"static", "admin.static"}
DOORS = {
    "auth.sign_in": ANYBODY,
    "hooks.bounces": ANYBODY,  # signed by whoever calls: tests/mail/test_hooks.py
    "watching.healthz": ANYBODY,
    "watching.readyz": ANYBODY,
    "auth.sign_out": SIGNED_IN,
    "auth.password": SIGNED_IN,
    "auth.choose_office": SIGNED_IN,
    "admin.index": SIGNED_IN,
    "workbench.show": SIGNED_IN,
    "workbench.open_ticket": SIGNED_IN,
    "desk.show": SIGNED_IN,  # the desk is for who may register a request or a complaint
    "desk.find": SIGNED_IN,
    "desk.register": SIGNED_IN,
    "desk.lists": SIGNED_IN,
    "files.show": SIGNED_IN,  # and then what the matter's own area asks: test_files.py
    "files.panel": SIGNED_IN,
    "files.upload": SIGNED_IN,
    "files.remove": SIGNED_IN,
    "finding.find": SIGNED_IN,
    "account.show": SIGNED_IN,
    "account.end": SIGNED_IN,
    "importing.show": Door("permitted", Area.IMPORTS, Act.VIEW),
    "importing.batch": Door("permitted", Area.IMPORTS, Act.VIEW),
    "importing.upload": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.carry_out": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.cancel": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.progress": Door("permitted", Area.IMPORTS, Act.VIEW),
    "importing.stop": Door(
        "permitted", Area.IMPORTS, Act.VIEW
    ),  # and what the work itself asks: test_importing_together
    "importing.take_back": Door("permitted", Area.IMPORTS, Act.ACT),
    "importing.files.corrections": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.files.template": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.files.roster": Door("permitted", Area.IMPORTS, Act.EXPORT),
    "importing.deciding.mapping": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.deciding.map_again": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.deciding.choose": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.deciding.correct": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.deciding.uncorrect": Door("permitted", Area.IMPORTS, Act.IMPORT),
    "importing.undo.foresee": Door("permitted", Area.IMPORTS, Act.ACT),
    "importing.undo.reckon": Door("permitted", Area.IMPORTS, Act.ACT),
    "outbox.show": Door("permitted", Area.MAILS, Act.VIEW),
    "outbox.old_address": Door("permitted", Area.MAILS, Act.VIEW),
    "outbox.body": Door("permitted", Area.MAILS, Act.VIEW),
    "outbox.decide": Door("permitted", Area.MAILS, Act.ACT),
    "outbox.decide_on_chosen": Door("permitted", Area.MAILS, Act.ACT),
    "outbox.stop": Door("permitted", Area.MAILS, Act.VIEW),  # and the group's own permission besides: test_outbox.py
    "outbox.resume": Door("permitted", Area.MAILS, Act.VIEW),
    "clockwork.show": Door("permitted", Area.SCHEDULE, Act.VIEW),
    "clockwork.switch": Door("permitted", Area.SCHEDULE, Act.EDIT),  # and headquarters alone: test_clockwork_screen.py
    "clockwork.set_time": Door("permitted", Area.SCHEDULE, Act.EDIT),
    "clockwork.retry": Door("permitted", Area.SCHEDULE, Act.ACT),
    "clockwork.retry_chosen": Door("permitted", Area.SCHEDULE, Act.ACT),
    "clockwork.cancel": Door("permitted", Area.SCHEDULE, Act.ACT),
    "papers.show": SIGNED_IN,  # and then one of the forms offered is asked for
    "papers.of_records": SIGNED_IN,  # each form names its own area and act
    "papers.of_period": SIGNED_IN,
    "limits.show": Door("permitted", Area.POLICY, Act.VIEW),
    "limits.preview": Door("permitted", Area.POLICY, Act.ACT),
    "limits.recalculate": Door("permitted", Area.POLICY, Act.ACT),
    "holidays.show": SIGNED_IN,
    "holidays.edit": SIGNED_IN,
    "holidays.new": Door("permitted", Area.HOLIDAYS, Act.EDIT),  # and headquarters alone: test_limits.py
    "holidays.save": Door("permitted", Area.HOLIDAYS, Act.EDIT),
    "holidays.confirm": Door("permitted", Area.HOLIDAYS, Act.EDIT),
    "holidays.discard": Door("permitted", Area.HOLIDAYS, Act.EDIT),
    "rota.show": Door("permitted", Area.DUTIES, Act.VIEW),
    "rota.add": Door("permitted", Area.DUTIES, Act.EDIT),
    "rota.remove": Door("permitted", Area.DUTIES, Act.EDIT),
    "rota.copy": Door("permitted", Area.DUTIES, Act.EDIT),
    "rota.take_usual": Door("permitted", Area.DUTIES, Act.CREATE),
    "rota.export": Door("permitted", Area.DUTIES, Act.EXPORT),
    "rates.show": Door("permitted", Area.REPORTS, Act.VIEW),
    "rates.export": Door("permitted", Area.REPORTS, Act.EXPORT),
    "replays.show": Door("permitted", Area.POLICY, Act.VIEW),
    "replays.start": Door("permitted", Area.POLICY, Act.EDIT),
    "replays.progress": Door("permitted", Area.POLICY, Act.VIEW),
    "replays.stop": Door("permitted", Area.POLICY, Act.EDIT),
    "replays.export": Door("permitted", Area.REPORTS, Act.EXPORT),  # and who may see limits: test_replays.py
    "reports_standing.show": Door("permitted", Area.REPORTS, Act.VIEW),
    "reports_standing.export": Door("permitted", Area.REPORTS, Act.EXPORT),
    "reports_standing.workbook": Door("permitted", Area.REPORTS, Act.EXPORT),
    "supervision.show": Door("permitted", Area.SUPERVISION, Act.VIEW),
    "supervision.acknowledge": SIGNED_IN,  # and who supervises offices or answers for one: test_boards.py
    "department_board.show": Door("permitted", Area.DEPARTMENT_BOARD, Act.VIEW),
    "office_board.show": Door("permitted", Area.OFFICE_BOARD, Act.VIEW),
    "office_board.check_log": Door("permitted", Area.DAILY_LOG, Act.EDIT),
    "order_board.show": Door("permitted", Area.ORDER_BOARD, Act.VIEW),
    "order_board.finish": Door("permitted", Area.ORDER_BOARD, Act.VIEW),  # and whose order it is: test_boards.py
    "order_board.confirm": Door("permitted", Area.ORDER_BOARD, Act.ACT),
    "billing_runs.progress_view": Door("permitted", Area.CHARGES, Act.VIEW),
    "record.show": Door("permitted", Area.AUDIT, Act.VIEW),
    "record.export": Door("permitted", Area.AUDIT, Act.EXPORT),
}
EVERYBODY = [*OFFICE_ROLES, *COMPANY_ROLES, *GROUP_ROLES]
PLACES = (
    dict.fromkeys(OFFICE_ROLES, "north") | dict.fromkeys(COMPANY_ROLES, "east") | dict.fromkeys(GROUP_ROLES, "group")
)


def expected(endpoint: str) -> Door | None:
    """Return the door that the tables above give an address, None for one they do not know."""
    view, _, method = endpoint.partition(".")
    if view in AREAS and method in ACTS:
        return Door("permitted", AREAS[view], ACTS[method])
    return DOORS.get(endpoint)


def addresses(app: Flask) -> list[str]:
    """Return every endpoint that answers a request."""
    return sorted({rule.endpoint for rule in app.url_map.iter_rules()} - OPEN)


def test_every_address_has_a_door_and_a_row_here(app):
    unlike = {
        endpoint: (door_of(app.view_functions[endpoint]), expected(endpoint))
        for endpoint in addresses(app)
        if door_of(app.view_functions[endpoint]) != expected(endpoint)
    }
    assert unlike == {}


def test_an_address_without_a_door_is_refused(database, cast, sign_in, app):
    careless = create_app(Settings(home=app.extensions["wuguan.settings"].home, secret_key="of the tests"), database)
    careless.add_url_rule("/careless", "careless", lambda: "open to all")
    browser = sign_in(cast.group[Role.SYSTEM_ADMIN].staff)
    client = careless.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = browser.token
    assert client.get("/careless").status_code == 403


@pytest.fixture(scope="module")
def browsers(sign_in, cast: Cast, app):
    """One browser for each role, each where that role is usually posted."""
    found = {}
    database = app.extensions["wuguan.database"]
    with across_offices(database, Reason.SIGNING_IN) as session:
        for role in EVERYBODY:
            if role in OFFICE_ROLES:
                staff = cast.north.people[role].staff
            elif role in GROUP_ROLES:
                staff = cast.group[role].staff
            else:
                posting = session.scalars(select(Posting).where(Posting.role == role)).first()
                assert posting is not None
                staff = posting.staff
            found[role] = sign_in(staff)
    return found


@pytest.mark.parametrize("role", EVERYBODY, ids=lambda role: role.value)
def test_a_role_passes_just_the_doors_the_table_gives_it(app, browsers, role):
    """One address for each door; who may not is refused before anything is looked up."""
    browser = browsers[role]
    for door, path, method in one_address_for_each_door(app):
        answer = browser.client.open(path, method=method, headers={"Accept": "application/json"}, buffered=True)
        may = door.kind != "permitted" or policy.may(role.value, door.area.value, door.act.value)
        assert (answer.status_code != 403) == may, (role, door, path, answer.status_code)


def one_address_for_each_door(app):
    """Return each distinct door with an address behind it that can be opened without sending anything."""
    found = {}
    for rule in app.url_map.iter_rules():
        door = expected(rule.endpoint)
        if door and "GET" in (rule.methods or ()) and rule.endpoint not in {"auth.sign_in", "admin.index"}:
            path = rule.rule.replace("<export_type>", "csv").replace("<verb>", "none")
            if "<" not in path and (door.act is not Act.VIEW or "/act/" not in path):
                found.setdefault(door, (path, "GET"))
    return [(door, path, method) for door, (path, method) in found.items()]


def test_nobody_gets_in_without_signing_in(app):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN or expected(rule.endpoint) == ANYBODY:
            continue
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            answer = client.open(path, method=method)
            assert answer.status_code == 302, (method, path, answer.status_code)
            assert answer.headers["Location"].startswith("/sign-in"), (method, path)


def test_who_has_no_post_sees_nothing_and_is_told_why(sign_in, cast):
    stranger = sign_in(cast.stranger)
    assert stranger.get("/units/").status_code == 403
    page = stranger.get("/")
    assert (page.status_code, "还没有任职" in page.get_data(as_text=True)) == (403, True)
    assert stranger.get("/password").status_code == 200


def test_a_denial_is_recorded_whatever_the_address_holds(sign_in, cast, record):
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    assert desk.get("/owners/export/%00%ff" + "x" * 500 + "/").status_code == 403
    assert record("access.denied")[0].after["path"].startswith("/owners/export/")


def test_a_denial_is_put_on_the_record(sign_in, cast, record):
    sign_in(cast.north.people[Role.TECHNICIAN].staff).get("/owners/")
    latest = record("access.denied")[0]
    assert (latest.office_id, latest.after["area"], latest.after["path"]) == (cast.north.id, "owners", "/owners/")
