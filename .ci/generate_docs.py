"""Write docs/glossary.md, docs/rules.md and docs/states.md from the code; a test fails while they are stale.

The glossary comes from the docstrings of models and coded terms (``押金 — …``), the rules from docs/rule-ids.toml and
from where policy, code and tests cite each id, the states from tenant/policy/transitions.toml. Everything is read as
text: nothing is imported, no database is needed.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("tenant", "audit", "importers", "tasks", "admin")
RULE_ID = re.compile(r"\b[AB]-[A-Z]\d+[a-z]?\b")
TERM = re.compile(r"^(?P<chinese>[\u4e00-\u9fff][^\n—]*?) — (?P<meaning>.+)$", re.DOTALL)
HEAD = "<!-- written by `make docs`; change the source, not this page -->\n\n"


@dataclass(frozen=True)
class Entry:
    """A class that the glossary explains: ``values`` are the stored values of a coded term with their labels."""

    chinese: str
    english: str
    meaning: str
    place: str
    values: tuple[tuple[str, str], ...] = ()


def python_files(*folders: str) -> Iterator[Path]:
    """Yield the Python files under ``folders``, in a fixed order."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    """Return ``path`` as it is written in the project, with slashes."""
    return path.relative_to(ROOT).as_posix()


# ---- glossary
def entries() -> Iterator[Entry]:
    """Yield an entry for each class of the product whose docstring opens with a Chinese term."""
    for path in python_files(*PRODUCT):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                found = TERM.match((ast.get_docstring(node) or "").split("\n\n")[0])
                if found:
                    meaning = " ".join(found["meaning"].split())
                    yield Entry(found["chinese"], node.name, meaning, relative(path), tuple(coded_values(node)))


def coded_values(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield ``(value, label)`` of the members ``NAME = "value", "label"`` of a coded term."""
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Tuple):
            parts = [part.value for part in item.value.elts if isinstance(part, ast.Constant)]
            if len(parts) == len(item.value.elts) == len(("value", "label")):
                yield str(parts[0]), str(parts[1])


def glossary() -> str:
    """Return docs/glossary.md: records first, then coded terms with their values."""
    found = sorted(entries(), key=lambda entry: (entry.place, entry.english))
    records = [entry for entry in found if not entry.values]
    coded = [entry for entry in found if entry.values]
    lines = ["# 词汇表", "", "## 记录", "", "| 中文 | 代码 | 含义 | 所在 |", "|---|---|---|---|"]
    lines += [f"| {e.chinese} | `{e.english}` | {cell(e.meaning)} | `{e.place}` |" for e in records]
    lines += ["", "## 代码值", ""]
    for entry in coded:
        values = "、".join(f"{label} `{value}`" for value, label in entry.values)
        lines += [f"- **{entry.chinese}** `{entry.english}`: {entry.meaning}", f"  {values}"]
    return HEAD + "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """Return ``text`` so that it stays inside one cell of a Markdown table."""
    return text.replace("|", "\\|")


# ---- rules
def cited_files() -> Iterator[tuple[str, Path]]:
    """Yield ``(kind, path)`` of each file that may cite a rule: its policy, its code, its tests."""
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix == ".toml":
                yield "policy", path
            elif path.suffix in {".py", ".html", ".txt"}:
                yield "code", path
    for path in python_files("tests"):
        if "leaks" not in path.parts:
            yield "tests", path


def sections() -> list[tuple[str, dict[str, str]]]:
    """Return the sections of docs/rule-ids.toml, each with its rules: id to gist."""
    listed = tomllib.loads((ROOT / "docs/rule-ids.toml").read_text("utf-8"))
    return [(section["title"], section["rules"]) for section in listed["section"]]


def listed_as(cited: str, known: set[str]) -> list[str]:
    """Return the listed ids that ``cited`` means: itself, its rule (A-C2a → A-C2) or its parts (A-C4 → A-C4a …)."""
    if cited in known:
        return [cited]
    return [rule for rule in sorted(known) if rule == cited[:-1] or rule[:-1] == cited]


def citations() -> tuple[dict[str, dict[str, list[str]]], dict[str, list[str]]]:
    """Return for each listed id the files that cite it, by kind; and for each id that is not listed its files."""
    known = {rule for _, rules in sections() for rule in rules}
    found: dict[str, dict[str, list[str]]] = {rule: {"policy": [], "code": [], "tests": []} for rule in known}
    unknown: dict[str, list[str]] = {}
    for kind, path in cited_files():
        cited = set(RULE_ID.findall(path.read_text("utf-8")))
        for rule in sorted(cited):
            if not listed_as(rule, known):
                unknown.setdefault(rule, []).append(relative(path))
        for rule in {listed for each in cited for listed in listed_as(each, known)}:
            found[rule][kind].append(relative(path))
    return found, unknown


def unknown_ids() -> dict[str, list[str]]:
    """Return ids that are cited somewhere and stand in no manual, with the files that cite them."""
    return citations()[1]


def rules_page() -> str:
    """Return docs/rules.md: each rule with the policy, the code and the tests that carry it."""
    cited, _ = citations()
    carried = sum(bool(places["policy"] or places["code"]) for places in cited.values())
    tested = sum(bool(places["tests"]) for places in cited.values())
    lines = ["# 制度条款与实现", "", f"共 {len(cited)} 条：{carried} 条有数值或代码，{tested} 条有测试。"]
    for title, rules in sections():
        lines += ["", f"## {title}", "", "| 条款 | 要点 | 数值 | 代码 | 测试 |", "|---|---|---|---|---|"]
        for rule, gist in rules.items():
            columns = " | ".join("<br>".join(f"`{place}`" for place in places) for places in cited[rule].values())
            lines.append(f"| {rule} | {cell(gist)} | {columns} |")
    return HEAD + "\n".join(lines) + "\n"


# ---- states
def labels() -> dict[str, dict[str, str]]:
    """Return the labels of every coded term: class name to value to label."""
    return {entry.english: dict(entry.values) for entry in entries() if entry.values}


def states_page() -> str:
    """Return docs/states.md: for each machine its states as a diagram, and below it what each verb asks and does."""
    table = tomllib.loads((ROOT / "tenant/policy/transitions.toml").read_text("utf-8"))
    words = labels()
    lines = ["# 状态与动作", "", "每张图和每张表都出自同一份 `tenant/policy/transitions.toml`，程序也只按它办。"]
    for machine in table["machine"]:
        rows = [row for row in table["transition"] if row["machine"] == machine["name"]]
        states = words[machine["states"]]
        lines += ["", f"## {machine['label']} `{machine['name']}`", "", *diagram(machine, rows, states)]
        lines += ["", "| 动作 | 从 | 到 | 须填 | 起算 | 停止 | 权限 | 依据 |", "|---|---|---|---|---|---|---|---|"]
        lines += [verb_row(row, states, words, table["fields"]) for row in rows]
    return HEAD + "\n".join(lines) + "\n"


def diagram(machine: dict[str, Any], rows: list[dict[str, Any]], states: dict[str, str]) -> list[str]:
    """Return the lines of a Mermaid diagram: one arrow for each pair of states, with every verb that goes that way."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for came_from in row["from"] or ["[*]"]:
            for to in targets(row, rows):
                if to != came_from:
                    arrows.setdefault((came_from, to), []).append(row["label"])
    named = [state for state in states if any(state in pair for pair in arrows)]
    return [
        "```mermaid",
        "stateDiagram-v2",
        *(f'    state "{states[state]}" as {state}' for state in named),
        *(f"    {came_from} --> {to}: {' / '.join(verbs)}" for (came_from, to), verbs in arrows.items()),
        *(f"    {state} --> [*]" for state in machine["final"]),
        "```",
    ]


def targets(row: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    """Return the states a verb leads to: its own, or for one that returns those that lead where it starts."""
    if "to" in row:
        return [row["to"]]
    if not row.get("returns"):
        return []
    leading = (state for other in rows if other.get("to") in row["from"] for state in other["from"])
    return list(dict.fromkeys(leading))


def verb_row(
    row: dict[str, Any], states: dict[str, str], words: dict[str, dict[str, str]], fields: dict[str, str]
) -> str:
    """Return one verb as a line of the table below a diagram."""
    stays = "原状态" if row.get("returns") else "不变"
    permits = [f"{words['Area'][each['area']]}·{words['Act'][each['act']]}" for each in row["permits"]]
    columns = (
        f"{row['label']} `{row['verb']}`",
        "、".join(states[state] for state in row["from"]) or "（开始）",
        states[row["to"]] if "to" in row else stays,
        "、".join(fields[name] for name in row.get("needs", ())),
        "、".join(words["ClockStart"][name] for name in row.get("starts", ())),
        "、".join(words["ClockKind"][name] for name in row.get("stops", ())),
        " 或 ".join(permits),
        row["source"],
    )
    return f"| {' | '.join(columns)} |"


PAGES: dict[str, Callable[[], str]] = {
    "docs/glossary.md": glossary,
    "docs/rules.md": rules_page,
    "docs/states.md": states_page,
}


def stale_pages() -> list[str]:
    """Return the pages whose text is not what the code says now."""
    return [
        page
        for page, write in PAGES.items()
        if not (ROOT / page).exists() or (ROOT / page).read_text("utf-8") != write()
    ]


def main() -> int:
    """Write the pages; return 1 when an id is cited that stands in no manual."""
    for page, write in PAGES.items():
        (ROOT / page).write_text(write(), "utf-8")
    unknown = unknown_ids()
    for rule, places in unknown.items():
        print(f"{rule} stands in no manual, but is cited in {', '.join(places)}", file=sys.stderr)
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main())
