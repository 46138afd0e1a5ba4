import ast
import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tenant.policy
from tenant import policy
from tenant.errors import SettingsError
from tenant.policy import machines, published_days, reporting, rows, tables
from tenant.rules.terms import Act, Area, ClockKind, DunningLevel, Role

FOLDER = Path(tenant.policy.__file__).parent
FILES = sorted(FOLDER.glob("*.toml"))
RULES = FOLDER.parent / "rules"

LOADERS = {
    "clocks.toml": lambda path: tables.load_clocks(path, policy.ladders()),
    "escalation.toml": tables.load_escalation,
    "dunning.toml": tables.load_dunning,
    "gravity.toml": tables.load_gravity,
    "holidays.toml": published_days.load_holidays,
    "reporting.toml": reporting.load_reporting,
    "permissions.toml": tables.load_permissions,
    "transitions.toml": machines.load_transitions,
}


def sources(value):
    if isinstance(value, dict):
        own = [value["source"]] if "source" in value else []
        return own + [source for part in value.values() for source in sources(part)]
    return [source for part in value for source in sources(part)] if isinstance(value, list) else []


def refusal(tmp_path, name, old, new):
    """Break one table of ours at its first such place and return what its loader says."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        LOADERS[name](path)
    assert name in refused.value.message
    return refused.value


def test_every_table_is_read_and_none_is_forgotten():
    policy.check()
    assert {path.name for path in FILES} == set(LOADERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_source_has_the_form_of_a_rule_id(path):
    found = sources(tomllib.loads(path.read_text(encoding="utf-8")))
    assert found
    assert all(rows.SOURCE.fullmatch(source) for source in found)


@pytest.mark.parametrize(
    ("name", "old", "new", "field"),
    [
        ("clocks.toml", 'clock = "first_reply"', 'clock = "first_replay"', "clock"),
        ("clocks.toml", 'clock = "first_reply"\n', "", "clock"),
        ("clocks.toml", "amount = 15", "amount = 0", "amount"),
        ("clocks.toml", "amount = 15", "amount = 15.0", "amount"),
        ("clocks.toml", "amount = 15", "amount = true", "amount"),
        ("clocks.toml", "amount = 15", 'amount = "15"', "amount"),
        ("clocks.toml", 'measure = "same_day"', 'measure = "same_day"\namount = 1', "amount"),
        ("clocks.toml", 'source = "A-W4"', 'source = "W4"', "source"),
        ("clocks.toml", 'source = "A-W4"\n', "", "source"),
        ("clocks.toml", 'ladder = "desk"', 'ladder = "desks"', "ladder"),
        ("clocks.toml", 'qualifier = "urgent"', 'qualifier = "urgend"', "qualifier"),
        ("clocks.toml", 'qualifier = "urgent"', 'qualifier = "grave"', "qualifier"),
        ("clocks.toml", 'spares = ["consultation", "suggestion"]', 'spares = ["consultations"]', "spares"),
        ("clocks.toml", 'spares = ["consultation", "suggestion"]', 'spares = "consultation"', "spares"),
        ("clocks.toml", "waits = true", 'waits = "yes"', "waits"),
        ("clocks.toml", "waits = true", "wait = true", "wait"),
        ("clocks.toml", 'qualifier = "ordinary"', 'qualifier = "urgent"', "clocks.toml"),
        ("escalation.toml", "level = 1", "level = 2", "level"),
        ("escalation.toml", "after = 15", "after = 45", "after"),
        ("escalation.toml", "after = 15", "after = -15", "after"),
        ("escalation.toml", 'role = "department_head"', 'role = "technician"', "role"),
        ("escalation.toml", 'name = "urgent"', 'name = "request"', "escalation.toml"),
        ("escalation.toml", 'name = "urgent"', 'name = " "', "name"),
        ("dunning.toml", '"0.015"', '"1.5"', "value"),
        ("dunning.toml", '"0.015"', '"1.5%"', "value"),
        ("dunning.toml", '"0.015"', "0.015", "value"),
        ("dunning.toml", '"0.015"', '"NaN"', "value"),
        ("dunning.toml", "big_customer_share =", "big_customer_shares =", "big_customer_share"),
        ("dunning.toml", "over = true", "over = false", "over"),
        ("dunning.toml", "until = 6", "until = 0", "until"),
        ("dunning.toml", "months = 1\n", "months = 6\n", "until"),
        ("dunning.toml", "sequence = 2", "sequence = 1", "dunning.toml"),
        ("dunning.toml", "months = 1\n", "months = 3\n", "dunning.toml"),
        ("gravity.toml", 'gravity = "invalid"', 'gravity = "ordinary"', "gravity.toml"),
        ("gravity.toml", "times = 3", "times = 1", "times"),
        ("gravity.toml", "[repeat]", "[repeats]", "gravity.toml"),
        ("permissions.toml", 'role = "auditor"', 'role = "legal_counsel"', "role"),
        ("permissions.toml", 'acts = ["view"]', 'acts = ["view", "view"]', "acts"),
        ("permissions.toml", 'acts = ["view"]', 'acts = ["look"]', "acts"),
        ("permissions.toml", 'areas = ["audit"]', 'areas = ["policy"]', "permissions.toml"),
        ("permissions.toml", "[[grant]]", "[[grant]", "permissions.toml"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_by_file_and_field(tmp_path, name, old, new, field):
    refused = refusal(tmp_path, name, old, new)
    assert refused.field == field
    assert field in refused.message
    assert refused.message.endswith("。")


def test_the_sentence_finds_the_row(tmp_path):
    message = refusal(tmp_path, "clocks.toml", 'qualifier = "ordinary"', 'qualifier = "plain"').message
    assert message.startswith("规则表 clocks.toml 中 clock 第 3 项：字段 qualifier 的值「plain」不可用")


def test_a_missing_gravity_is_missed(tmp_path):
    text = (FOLDER / "gravity.toml").read_text(encoding="utf-8")
    start, end = text.index("[[route]]"), text.index("[[route]]", text.index("[[route]]") + 1)
    path = tmp_path / "gravity.toml"
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(SettingsError, match="ordinary"):
        tables.load_gravity(path)


def test_a_table_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(SettingsError, match="无法读取"):
        tables.load_permissions(tmp_path / "permissions.toml")


def test_a_table_in_another_encoding_is_a_sentence(tmp_path):
    path = tmp_path / "permissions.toml"
    path.write_bytes("# 权限".encode("gbk"))
    with pytest.raises(SettingsError, match="无法读取"):
        tables.load_permissions(path)


def test_rewriting_a_table_of_the_group_takes_a_file_of_its_own(tmp_path):
    shutil.copy(FOLDER / "gravity.toml", tmp_path)
    assert tables.load_gravity(tmp_path / "gravity.toml")[1] == policy.repeat_rule()


def test_every_clock_but_the_promised_one_has_a_term():
    assert {term.kind for term in policy.clocks()} == set(ClockKind) - {ClockKind.PROMISED}


def test_every_dunning_level_has_a_step():
    assert {term.level for term in policy.dunning()} == set(DunningLevel)


def test_every_ladder_is_climbed_by_some_clock():
    assert {term.ladder for term in policy.clocks()} - {None} == set(policy.ladders())


# -------------------------------------------------------------------------------------------------------- permissions

BOARDS = {Area.DEPARTMENT_BOARD, Area.OFFICE_BOARD, Area.ORDER_BOARD}
BUSINESS = (
    set(Area)
    - BOARDS
    - {
        Area.AUDIT,
        Area.STAFF,
        Area.OFFICES,
        Area.POLICY,
        Area.HOLIDAYS,
        Area.SCHEDULE,
        Area.SUPERVISION,
    }
)
HEADQUARTERS = (Role.GROUP_CENTRE, Role.COMPANY_CENTRE, Role.GENERAL_MANAGER)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_what_nobody_knows_is_denied(role, area, act):
    assert not policy.may(role, area, act)


def test_a_role_may_do_what_its_row_says_whether_named_by_word_or_by_value():
    assert policy.may(Role.FRONT_DESK, Area.REQUESTS, Act.CREATE)
    assert policy.may("front_desk", "requests", "create")


def test_the_grants_are_all_there_is():
    granted = {(grant.role, grant.area, grant.act) for grant in policy.permissions()}
    for role in Role:
        for area in Area:
            for act in Act:
                assert policy.may(role, area, act) is ((role, area, act) in granted)


def test_nobody_acts_where_they_may_not_look():
    for grant in policy.permissions():
        assert policy.may(grant.role, grant.area, Act.VIEW), grant


@pytest.mark.parametrize("role", [role for role in Role if role.signs_in])
def test_everyone_who_signs_in_sees_something(role):
    assert policy.areas_for([role])


def test_counsel_outside_sees_nothing():
    assert policy.areas_for([Role.LEGAL_COUNSEL]) == ()


def test_the_auditor_sees_the_record_and_no_business():
    assert policy.areas_for([Role.AUDITOR]) == (Area.AUDIT,)
    assert policy.acts_for([Role.AUDITOR], Area.AUDIT) == {Act.VIEW, Act.EXPORT}


def test_nobody_changes_the_record():
    changing = {Act.CREATE, Act.EDIT, Act.DELETE, Act.IMPORT, Act.ACT}
    assert not [role for role in Role if policy.acts_for([role], Area.AUDIT) & changing]


def test_the_system_admin_sees_neither_business_nor_the_record():
    assert set(policy.areas_for([Role.SYSTEM_ADMIN])) == {
        Area.STAFF, Area.OFFICES, Area.POLICY, Area.HOLIDAYS, Area.SCHEDULE, Area.MAILS
    }  # fmt: skip


@pytest.mark.parametrize("role", HEADQUARTERS)
def test_headquarters_looks_on_and_edits_no_office_s_records(role):
    for area in BUSINESS:
        assert policy.may(role, area, Act.VIEW)
        assert not policy.acts_for([role], area) & {Act.CREATE, Act.EDIT, Act.DELETE, Act.IMPORT, Act.REVEAL}


def test_the_group_sets_its_policy_and_a_director_the_offices_own():
    assert {role for role in Role if policy.may(role, Area.POLICY, Act.EDIT)} == {Role.GROUP_CENTRE, Role.DIRECTOR}


def test_the_public_calendar_is_kept_at_headquarters():
    assert {role for role in Role if policy.may(role, Area.HOLIDAYS, Act.EDIT)} == {
        Role.GROUP_CENTRE, Role.SYSTEM_ADMIN
    }  # fmt: skip


def test_the_front_desk_does_not_go_beyond_its_authority():
    assert policy.acts_for([Role.FRONT_DESK], Area.UNITS) == {Act.VIEW}
    assert policy.acts_for([Role.FRONT_DESK], Area.OWNERS) == {Act.VIEW, Act.REVEAL}
    assert policy.acts_for([Role.FRONT_DESK], Area.REQUESTS) == {Act.VIEW, Act.CREATE, Act.EDIT, Act.ACT}
    assert not policy.may(Role.FRONT_DESK, Area.PAYMENTS, Act.VIEW)


def test_a_technician_sees_orders_alone():
    assert set(policy.areas_for([Role.TECHNICIAN])) == {Area.REQUESTS, Area.ORDER_BOARD}
    assert policy.acts_for([Role.TECHNICIAN], Area.ORDER_BOARD) <= {Act.VIEW, Act.ACT}
    assert policy.acts_for([Role.TECHNICIAN], Area.REQUESTS) == {Act.VIEW, Act.ACT}


def test_only_the_office_admin_imports():
    assert {grant.role for grant in policy.permissions() if grant.act is Act.IMPORT} == {Role.OFFICE_ADMIN}


def test_money_received_is_never_edited_or_deleted():
    assert not [role for role in Role if policy.acts_for([role], Area.PAYMENTS) & {Act.EDIT, Act.DELETE}]


@given(st.sets(st.sampled_from(Role)), st.sets(st.sampled_from(Role)))
def test_two_postings_allow_what_either_allows(one, other):
    assert set(policy.areas_for(one | other)) == set(policy.areas_for(one)) | set(policy.areas_for(other))
    for area in Area:
        assert policy.acts_for(one | other, area) == policy.acts_for(one, area) | policy.acts_for(other, area)


# ------------------------------------------------------------------------------------------------------------- purity


@pytest.mark.parametrize("path", sorted(RULES.rglob("*.py")), ids=lambda path: str(path.relative_to(RULES)))
def test_rules_reach_for_nothing_but_arithmetic(path):
    allowed = {
        "collections.abc", "dataclasses", "datetime", "decimal", "enum", "itertools", "re", "types", "typing",
        "calendar", "fractions", "unicodedata", "tenant.calendars", "tenant.errors", "tenant.money",
    }  # fmt: skip
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name for name in imported if not name.startswith("tenant.rules.")} <= allowed
