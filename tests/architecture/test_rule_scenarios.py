"""Every rule about requests, rectifications and complaints, and of the daily log, has a scenario named after it."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTIONS = {"报事", "房屋整改", "投诉"}
BESIDE = {"B-S2", "B-S3", "A-S5"}


def rules():
    """Return the ids of the rules that the tickets carry out."""
    sections = tomllib.loads((ROOT / "docs/rule-ids.toml").read_text(encoding="utf-8"))["section"]
    known = {rule for section in sections for rule in section["rules"]}
    assert known >= BESIDE
    return sorted(BESIDE | {rule for section in sections if section["title"] in SECTIONS for rule in section["rules"]})


@cache
def scenarios():
    """Return the names of all tests that go through the services with the clock set, reports too."""
    paths = [path for folder in ("scenarios", "services") for path in (ROOT / "tests" / folder).glob("test_*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    found = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [name for name in found if name.startswith("test_")]


def named_after(rule, names):
    """Return the tests that carry the rule's id in their name: ``A-C4a`` as ``a_c4a``."""
    word = rule.lower().replace("-", "_")
    return [name for name in names if re.search(rf"(?:^|_){word}(?:_|$)", name)]


def test_a_longer_id_is_another_rule():
    assert named_after("A-C2", ["test_a_c2c_after_a_month", "test_xa_c2", "test_a_c20_so"]) == []
    assert named_after("A-W5", ["test_a_w4_a_w5_both"]) == ["test_a_w4_a_w5_both"]


@pytest.mark.parametrize("rule", rules())
def test_it_has_a_scenario_of_its_name(rule):
    assert named_after(rule, scenarios()), f"no scenario is named after {rule}"
