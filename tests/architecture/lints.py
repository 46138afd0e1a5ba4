"""Our own lints: what once leaked, as a small pure function that finds it again.

A lint takes one file and yields the lines at fault. Each has a folder in ``leaks/`` with files that break it on purpose
(at the lines that say so), so that a lint that no longer bites fails the build; ``test_lints.py`` runs both.
What ruff, mypy or import-linter can say is not said here again.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

PRODUCT = ("tenant", "admin", "importers", "tasks", "audit")
LINES_A_FILE = 400
LINES_A_FUNCTION = 40
LINES_AN_ACTOR = 15


class Leak(NamedTuple):
    """One line at fault and, in words, what is wrong with it and what to write instead."""

    line: int
    what: str


@dataclass(frozen=True)
class Source:
    """One file of the project: ``path`` relative to the project's folder, and what stands in it."""

    path: PurePosixPath
    text: str

    @property
    def area(self) -> str:
        """Return the top folder the file lives in (``tenant``, ``tests``, ``migrations`` …)."""
        return self.path.parts[0]

    @property
    def is_product(self) -> bool:
        """Tell whether this is a Python file that runs in production."""
        return self.path.suffix == ".py" and self.area in (*PRODUCT, "migrations")

    @property
    def is_page(self) -> bool:
        """Tell whether a browser gets this file: a template or an asset."""
        return self.area == "admin" and self.path.suffix in {".html", ".css", ".js", ".svg"}

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Return all nodes of a Python file, none for other files."""
        return list(ast.walk(ast.parse(self.text))) if self.path.suffix == ".py" else []

    def stands_in(self, *names: str) -> bool:
        """Tell whether the file is one of ``names``, or lies in one that ends with ``/``."""
        return any(str(self.path) == name or (name.endswith("/") and str(self.path).startswith(name)) for name in names)


Lint = Callable[[Source], Iterator[Leak]]
LINTS: dict[str, Lint] = {}


def lint(function: Lint) -> Lint:
    """Register ``function`` under its own name, which is also the name of its folder in ``leaks/``."""
    LINTS[function.__name__] = function
    return function


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for a name or a chain of attributes; what is not a name becomes ``?``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def matching_lines(source: Source, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield number and match of each place where ``pattern`` is found, also where it runs over several lines."""
    for found in pattern.finditer(source.text):
        yield source.text.count("\n", 0, found.start()) + 1, found.group(0)


# ---- time
CLOCK_READERS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime|ctime|strftime))$"
)


@lint
def clock_is_read_in_one_place(source: Source) -> Iterator[Leak]:
    """A sweep run with ``--at`` read the machine's clock two calls further down: due at noon, mailed as of midnight.

    Only ``tenant.clock`` reads it. ``time.monotonic`` and ``perf_counter`` measure spans and are free.
    """
    if not source.is_product or source.stands_in("tenant/clock.py"):
        return
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            taken = {alias.name for alias in node.names} & {"time", "time_ns", "localtime", "gmtime", "ctime"}
            if taken:
                yield Leak(node.lineno, f"`from time import {', '.join(sorted(taken))}`: ask tenant.clock")
        elif isinstance(node, ast.Attribute) and CLOCK_READERS.search(dotted(node)):
            yield Leak(node.lineno, f"`{dotted(node)}` reads the machine's clock: ask tenant.clock")


# ---- transactions
@lint
def only_edges_commit(source: Source) -> Iterator[Leak]:
    """A service that committed half-way left a complaint without its clock when the second half was refused.

    A request, a job or a command is one transaction, committed at its edge. The modules named here own a connection of
    their own: they are an edge.
    """
    owners = ("tenant/db.py", "tenant/unscoped.py", "tenant/embedded.py")
    if not source.is_product or source.area not in {"tenant", "importers", "audit"} or source.stands_in(*owners):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield Leak(node.lineno, "`.commit()` inside the domain: leave it to the request, job or command")


RAW_SQL_NAMES = {"from_statement", "exec_driver_sql", "connection", "get_raw_connection", "raw_connection"}
SCHEMA_NAMES = {"Index", "CheckConstraint", "ExcludeConstraint", "UniqueConstraint"}
RAW_SQL_PLACES = {
    "migrations/": "a migration is SQL",
    "tenant/db.py": "opens connections, sets the scope for row-level security",
    "tenant/scoping.py": "is the wall that the others must not pass",
    "tenant/embedded.py": "makes roles and databases before any model exists",
    "tenant/unscoped.py": "opens the session of headquarters",
    "tenant/journal.py": "holds the one audited bulk statement",
    "audit/capture.py": "writes the record in the flush that it records",
}


@lint
def sql_is_written_where_named(source: Source) -> Iterator[Leak]:
    """The session wall reads the tables of a statement: `text()`, `bulk_*` and bare connections have none to read.

    Twelve of the measured leaks went this way. Modules that need it are named above, with their reason; one statement
    elsewhere says `# raw SQL: reason` on its line. The predicate of an index or a default is schema, not a statement.
    """
    if not source.is_product or source.stands_in(*RAW_SQL_PLACES):
        return
    lines = source.text.splitlines()
    schema = schema_expressions(source)
    for node in source.nodes:
        if isinstance(node, ast.Call) and node not in schema:
            name = sql_name(node, source)
            if name and "# raw SQL: " not in lines[node.lineno - 1]:
                yield Leak(node.lineno, f"`{name}()` passes the wall: use a service, or say `# raw SQL: reason`")


def schema_expressions(source: Source) -> set[ast.AST]:
    """Return the nodes that say what a table is: below an index or a constraint, or given as a server default."""
    calls = [node for node in source.nodes if isinstance(node, ast.Call)]
    tops: list[ast.AST] = [call for call in calls if dotted(call.func).rsplit(".", 1)[-1] in SCHEMA_NAMES]
    tops += [node for node in source.nodes if isinstance(node, ast.keyword) and node.arg == "server_default"]
    return {node for top in tops for node in ast.walk(top)}


def sql_name(call: ast.Call, source: Source) -> str | None:
    """Return the name by which ``call`` passes the wall, None for other calls; a `text` of one's own is another."""
    prefix, _, name = dotted(call.func).rpartition(".")
    if name == "text":
        imported = {
            alias.asname or alias.name
            for node in source.nodes
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
            for alias in node.names
        }
        return name if prefix in {"sa", "sqlalchemy"} or (not prefix and "text" in imported) else None
    return name if name in RAW_SQL_NAMES or name.startswith("bulk_") else None


@lint
def policies_have_no_or(source: Source) -> Iterator[Leak]:
    """A policy `office_id = … OR headquarters` made every office's query up to 316 times slower.

    Headquarters has a role of its own with `USING (true)`; an OR beside `office_id` in a piece of SQL is that mistake.
    """
    if not source.is_product:
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_policy = re.search(r"\boffice_id\s*(=|IN\b)", node.value, re.IGNORECASE)
            if is_policy and re.search(r"\bOR\s+(?!REPLACE\b)", node.value):
                yield Leak(node.lineno, "`office_id = … OR …`: give the other reader a role and a policy of its own")


# ---- face
@lint
def model_views_go_through_office_view(source: Source) -> Iterator[Leak]:
    """Overriding the documented hooks of Flask-Admin left 18 of 23 probes open; a second subclass forgets the rest.

    `OfficeView` in admin/office_view.py is the only subclass of its `ModelView`.
    """
    if not source.is_product:
        return
    for node in source.nodes:
        if isinstance(node, ast.ClassDef) and not (node.name == "OfficeView" and source.area == "admin"):
            for base in node.bases:
                if dotted(base).rsplit(".", 1)[-1] in {"ModelView", "BaseModelView"}:
                    yield Leak(node.lineno, f"`{node.name}` subclasses {dotted(base)}: subclass OfficeView")


INLINE = re.compile(
    r"""<[^<>]*?\s(style|on[a-z]+)\s*=\s*["']|<script\b(?![^>]*\bnonce=)[^>]*>|<style\b(?![^>]*\bnonce=)[^>]*>"""
    r"""|["']javascript:""",
    re.IGNORECASE,
)


@lint
def pages_carry_no_inline_code(source: Source) -> Iterator[Leak]:
    """Under a strict policy the browser drops inline `onclick`: Flask-Admin's delete then ran without asking.

    No `style=`, no `on…=`, no `javascript:`; a `<script>` or `<style>` carries the request's nonce.
    """
    if source.is_page and source.path.suffix == ".html":
        for line, found in matching_lines(source, INLINE):
            yield Leak(line, f"inline code `{found[-40:]}`: move it to static/, or give it the nonce")


@lint
def pages_fetch_nothing_from_elsewhere(source: Source) -> Iterator[Leak]:
    """A theme that loads from elsewhere is a white page behind the office's firewall, and tells others who works.

    Addresses of XML name spaces are names, not places.
    """
    address = re.compile(r"""(?:https?:)?//(?!www\.w3\.org/)[a-z0-9-]+\.[a-z0-9.-]+/?""", re.IGNORECASE)
    if source.is_page:
        for line, found in matching_lines(source, address):
            yield Leak(line, f"`{found}`: everything a page needs is served from here")


# ---- budget
@lint
def files_stay_small(source: Source) -> Iterator[Leak]:
    """Every admired code base's ugliest file, 4,216 to 6,392 lines, was once 400.

    A revision of the schema is written once and never grows.
    """
    lines = source.text.count("\n")
    if (
        not source.stands_in("migrations/versions/")
        and source.path.suffix in {".py", ".html", ".js"}
        and lines > LINES_A_FILE
    ):
        yield Leak(LINES_A_FILE + 1, f"{lines} lines: split the file at {LINES_A_FILE}")


@lint
def functions_stay_short(source: Source) -> Iterator[Leak]:
    """What does not fit a screen is not read whole; the docstring is not counted, it is there to be long."""
    if not source.is_product or source.stands_in("migrations/versions/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            first = node.body[0]
            is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            docstring = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
            lines = node.end_lineno - node.lineno + 1 - docstring
            if lines > LINES_A_FUNCTION:
                yield Leak(node.lineno, f"`{node.name}` has {lines} lines: split it at {LINES_A_FUNCTION}")


@lint
def actors_only_call(source: Source) -> Iterator[Leak]:
    """An actor that did the work itself did it in no command and in no test; one that carried rows, carried old ones.

    What a `Duty` names has at most fifteen lines and takes `works` and ids: it calls a sweep or a service.
    """
    if not source.stands_in("tasks/actors.py"):
        return
    calls = [node for node in source.nodes if isinstance(node, ast.Call) and dotted(node.func) == "Duty" and node.args]
    duties = {dotted(call.args[0]) for call in calls}
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef) and node.name in duties and node.end_lineno:
            lines = node.end_lineno - node.lineno + 1
            if lines > LINES_AN_ACTOR:
                yield Leak(node.lineno, f"`{node.name}` has {lines} lines: call a service that does it")
            for argument in (*node.args.args, *node.args.kwonlyargs):
                if argument.arg != "works" and not argument.arg.endswith("_id"):
                    yield Leak(argument.lineno, f"`{node.name}` takes `{argument.arg}`: a message carries ids")


# ---- names
TERM_FIRST = re.compile(r"^[\u4e00-\u9fff][^\n—]* — \S")
EMPTY_NAMES = {
    "util",
    "utils",
    "helper",
    "helpers",
    "manager",
    "handle",
    "handler",
    "process",
    "processor",
    "data",
    "info",
}
PINYIN = {
    "wuye", "yezhu", "fangwu", "fangjian", "baoshi", "baoxiu", "tousu", "cuijiao", "weixiu", "guanlichu", "xiaoqu",
    "loudong", "danyuan", "huifang", "qianfei", "shoufei", "jiaofei", "yajin", "zhuangxiu", "gongdan", "paidan",
    "zhuhu", "weiyuejin", "jiaofang", "xuncha", "zhiban", "dangan", "yinzhang",
}  # fmt: skip


@lint
def models_open_with_their_chinese_term(source: Source) -> Iterator[Leak]:
    """The glossary is made from the docstrings; a model without its term was called three things on three screens."""
    if not source.is_product or source.area == "migrations":
        return
    for node in source.nodes:
        if not isinstance(node, ast.ClassDef):
            continue
        targets = [dotted(t) for item in node.body if isinstance(item, ast.Assign) for t in item.targets]
        if "__tablename__" in targets and not TERM_FIRST.match(ast.get_docstring(node) or ""):
            yield Leak(node.lineno, f"`{node.name}` must open with its term: 押金 — what it is")


@lint
def names_are_full_nouns(source: Source) -> Iterator[Leak]:
    """A module named for nothing collects everything, and pinyin is read by half of those who must read it."""
    if source.path.suffix != ".py" or source.stands_in("tests/architecture/lints.py"):
        return
    named = [(1, part) for part in source.path.with_suffix("").parts]
    named += [(node.lineno, node.name) for node in source.nodes if isinstance(node, ast.ClassDef)]
    for line, name in named:
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
        for word in sorted(words & (EMPTY_NAMES | PINYIN)):
            yield Leak(line, f"`{name}`: `{word}` says nothing; name the thing in English, in full")


# ---- tests
@lint
def tests_never_skip(source: Source) -> Iterator[Leak]:
    """A skipped test is a green line that proves nothing: the broker tests were skipped for as long as none ran."""
    if source.area != "tests" or source.path.suffix != ".py":
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute | ast.Name):
            name = dotted(node)
            if re.search(r"(^|\.)(mark\.(skip|skipif|xfail|flaky)|pytest\.(skip|xfail|importorskip))$", name):
                yield Leak(node.lineno, f"`{name}`: make it run, or delete it")


@lint
def project_speaks_of_itself_alone(source: Source) -> Iterator[Leak]:
    """A path of one developer's machine in a test passes there and nowhere else."""
    home = re.compile(r"(?<![\w./<{}-])/(work|root|home|Users)/[\w.-]+")
    if not source.stands_in("tests/architecture/lints.py"):
        for line, found in matching_lines(source, home):
            yield Leak(line, f"`{found}` is a path of one machine")
