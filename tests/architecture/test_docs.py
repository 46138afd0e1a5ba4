"""The generated pages say what the code says, and no rule is cited that stands in no manual."""

import re

from generate_docs import entries, rules_page, sections, stale_pages, states_page, unknown_ids

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_the_generated_pages_are_fresh():
    assert not stale_pages(), "run `make docs`"


def test_every_cited_rule_stands_in_a_manual():
    assert not unknown_ids()


def test_every_rule_is_listed_once_with_its_gist():
    page, listed = rules_page(), [(rule, gist) for _, rules in sections() for rule, gist in rules.items()]
    assert len({rule for rule, _ in listed}) == len(listed)
    assert all(CHINESE.search(gist) and len(gist) <= 80 for _, gist in listed)
    assert all(f"| {rule} |" in page for rule, _ in listed)


def test_every_state_and_every_verb_of_the_table_is_drawn():
    page = states_page()
    assert page.count("```mermaid") == page.count("stateDiagram-v2") == page.count("\n## ") >= len(("order", "request"))
    for drawn in (
        'state "客户已签字" as signed',
        "signed --> filed: 归档",
        "waiting --> received: 恢复办理",
        "filed --> [*]",
    ):
        assert drawn in page
    assert "| 撤销 `cancel` | 待签收、已签收、已接单、在途、处理中、等待中 | 已撤销 | 原因 |" in page


def test_no_two_records_share_a_chinese_term():
    terms = [entry.chinese for entry in entries() if not entry.values]
    assert sorted(set(terms)) == sorted(terms)
