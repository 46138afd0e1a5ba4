"""The generated pages say what the code says, and no rule is cited that stands in no manual."""

import re

from generate_docs import entries, rules_page, sections, stale_pages, unknown_ids

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_the_generated_pages_are_fresh():
    assert not stale_pages(), "run `make docs`"


def test_every_cited_rule_stands_in_a_manual():
    assert not unknown_ids()


def test_every_rule_is_listed_once_with_its_gist():
    listed = [(rule, gist) for _, rules in sections() for rule, gist in rules.items()]
    assert len({rule for rule, _ in listed}) == len(listed)
    assert all(CHINESE.search(gist) and len(gist) <= 80 for _, gist in listed)
    assert all(f"| {rule} |" in rules_page() for rule, _ in listed)


def test_no_two_records_share_a_chinese_term():
    terms = [entry.chinese for entry in entries() if not entry.values]
    assert sorted(set(terms)) == sorted(terms)
