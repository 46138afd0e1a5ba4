"""The table of states: every machine whole, every mistake in it found, every wrong step refused in words.

A-W1, A-W2, A-W3, A-W5, A-W9, A-W10, B-W19.
"""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tenant.policy
from tenant import policy
from tenant.errors import Refusal, SettingsError
from tenant.policy.machines import load_transitions
from tenant.rules.terms import ClockKind, TicketState, WorkOrderState
from tenant.rules.transitions import left, possible, reachable, require, step

TABLE = Path(tenant.policy.__file__).parent / "transitions.toml"
FIRST = 'machine = "work_order"\nverb = "dispatch"\n'
MACHINES = sorted(policy.transitions().machines)


def broken(tmp_path, old, new):
    text = TABLE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / TABLE.name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_transitions(path)
    assert refused.value.message.startswith("规则表 transitions.toml")
    assert refused.value.message.endswith("。")
    return refused.value


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (FIRST, 'machine = "order"\nverb = "dispatch"\n', "machine"),
        (FIRST, 'machine = "work_order"\nverb = "Dispatch"\n', "verb"),
        (FIRST, 'machine = "work_order"\nverb = "receive"\n', "verb"),
        ('label = "签收"\n', "", "label"),
        ('from = ["dispatched"]', 'from = ["sent"]', "from"),
        ('from = ["dispatched"]', 'from = ["dispatched", "dispatched"]', "from"),
        ('from = ["dispatched"]\n', "", "from"),
        ('to = "received"', 'to = "recieved"', "to"),
        ('to = "filed"', 'to = "signed"', "states"),
        ('final = ["filed", ', 'final = ["filed", "waiting", ', "final"),
        ('final = ["filed", ', "final = [", "final"),
        ('from = []\nto = "dispatched"', 'from = ["waiting"]\nto = "dispatched"', "name"),
        ('from = []\nto = "dispatched"', "from = []", "to"),
        ("returns = true", 'returns = true\nto = "received"', "returns"),
        ("returns = true", 'returns = "yes"', "returns"),
        ('needs = ["department"]', 'needs = ["deparment"]', "needs"),
        ('target = "并入"', 'target = "并入"\nextra = "多余"', "extra"),
        ('starts = ["pause"]', 'starts = ["pauses"]', "starts"),
        ('stops = ["on_site"]', 'stops = ["onsite"]', "stops"),
        ('area = "requests"', 'area = "request"', "area"),
        ('act = "edit"', 'act = "write"', "act"),
        ('act = "edit" }', 'act = "edit", role = "director" }', "role"),
        ('permits = [{ area = "requests", act = "edit" }]', "permits = []", "permits"),
        ('source = "A-W2"', 'source = "W2"', "source"),
        ('states = "WorkOrderState"', 'states = "OrderState"', "states"),
        ('name = "request"', 'name = "work_order"', "name"),
        ('name = "request"', 'name = "Request"', "name"),
        ('over = "客户还有要求时，请另行登记。"\n', "", "over"),
        ("[[machine]]\nname", "[[machines]]\nname", "transitions.toml"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_by_row_and_field(tmp_path, old, new, field):
    refused = broken(tmp_path, old, new)
    assert refused.field == field
    assert field in refused.message


def test_the_sentence_finds_the_row(tmp_path):
    message = broken(tmp_path, 'to = "received"', 'to = "recieved"').message
    assert message.startswith("规则表 transitions.toml 中 transition 第 2 项：字段 to 的值「recieved」不可用")


def test_a_table_of_ones_own_is_read_like_ours(tmp_path):
    shutil.copy(TABLE, tmp_path)
    assert load_transitions(tmp_path / TABLE.name) == policy.transitions()


@pytest.mark.parametrize("machine", MACHINES)
def test_every_machine_comes_everywhere_and_stops_only_where_it_is_over(machine):
    table = policy.transitions()
    rows = table.of(machine)
    for state in reachable(rows):
        assert left(rows, state) is (state not in table.machines[machine].final)
        assert bool(possible(table, machine, state)) is (state not in table.machines[machine].final)


def test_every_state_of_a_work_order_is_come_to():
    assert reachable(policy.transitions().of("work_order")) == set(WorkOrderState)
    assert reachable(policy.transitions().of("request")) == set(TicketState)


def test_every_verb_is_permitted_to_somebody_of_an_office():
    for row in policy.transitions().rows:
        holders = {grant.role for grant in policy.permissions() if (grant.area, grant.act) in row.permits}
        assert holders, row


@given(st.sampled_from(policy.transitions().rows), st.data())
def test_a_step_is_taken_where_the_table_says_so_and_refused_in_words_anywhere_else(row, data):
    table = policy.transitions()
    machine = table.machines[row.machine]
    state = data.draw(st.sampled_from(list(machine.states)))
    if state in row.came_from:
        assert step(table, row.machine, state, row.verb) is row
        return
    with pytest.raises(Refusal) as refused:
        step(table, row.machine, state, row.verb, subject="BS20260302-0001")
    said = refused.value
    assert (said.code, said.field, said.value) == ("impossible", "state", state.label)
    assert f"现在是「{state.label}」，不能{row.label}。" in said.message
    assert "BS20260302-0001" in said.message
    now = [other.label for other in possible(table, row.machine, state)]
    assert said.message.endswith(f"现在可以：{'、'.join(now)}。" if now else machine.over)


def test_a_verb_nobody_knows_is_a_mistake_of_the_program():
    with pytest.raises(LookupError):
        step(policy.transitions(), "work_order", WorkOrderState.DONE, "burn")
    with pytest.raises(LookupError):
        step(policy.transitions(), "ladder", WorkOrderState.DONE, "file")


@pytest.mark.parametrize("reason", [None, "", "  ", "\n"])
def test_what_a_verb_needs_is_asked_for_at_its_field(reason):
    table = policy.transitions()
    row = table.row("work_order", "cancel")
    with pytest.raises(Refusal) as refused:
        require(table, row, {"reason": reason})
    assert (refused.value.code, refused.value.field) == ("missing", "reason")
    assert refused.value.message == "「原因」没有填写。请填写后再撤销。"
    require(table, row, {"reason": "客户取消"})


def test_the_clocks_of_a_request_stop_where_it_is_done():
    stops = set(policy.transitions().row("request", "complete").stops)
    assert {ClockKind.DISPATCH, ClockKind.ON_SITE, ClockKind.SAME_DAY, ClockKind.WAITING} <= stops
