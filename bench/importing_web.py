"""How quick pages stay while a roster is read and written: `wuguan serve` as one office runs it, everything in it.

Three desks ask for the pages of their day at a steady pace, whatever the answers take, while the office admin of the
same office uploads a roster and has it written. What is compared is the 95th percentile of the answers in turns of two
seconds: the importing process goes on, or is held, so that both meet the same machine, whoever else uses it. The desks
are another process than the program, and ask for little.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import cycle
from statistics import median, quantiles
from time import perf_counter, sleep
from typing import Final
from urllib.parse import urlencode

import psutil

from bench.importing_rows import invented, workbook
from bench.measure import Sizes, say, span, verdict
from bench.served import PATIENCE, WUGUAN, Served, environment, serving, timed
from bench.world import World

TARGET: Final = 1.5
OFFICE: Final = "dh02"
DESKS: Final = {
    "front_desk": ("/workbench", "/requests/", "/owners/", "/units/"),
    "supervisor": ("/requests/", "/workbench", "/complaints/", "/owners/"),
    "finance_assistant": ("/charges/", "/owners/", "/payments/", "/units/"),
}
"""Who asks, and for which pages, by turns."""
EVERY: Final = 0.4
"""Seconds from one page of a desk to its next."""
IDLE: Final = 20.0
"""Seconds that are measured before the import, told for comparison."""
TURN, SETTLING = 2.0, 0.5
"""Seconds of one turn, and those before it in which what was under way may end."""
Spans = dict[str, list[tuple[float, float]]]


@dataclass(slots=True)
class Desk:
    """A browser with its cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def token(self, path: str) -> str:
        """Return the token of the forms on a page."""
        _, _, page = self.ask("GET", path)
        return page.decode().split('name="csrf_token" value="')[1].split('"')[0]

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/x-www-form-urlencoded"
    ) -> tuple[int, str, bytes]:
        """Return status, where it leads and the page."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        try:
            connection.request(method, path, body, headers | ({"Content-Type": kind} if body else {}))
            answer = connection.getresponse()
            page = answer.read()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), page


@dataclass(slots=True)
class Asked:
    """Pages that desks have asked for: when, and the seconds of each answer."""

    over: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, float]] = field(default_factory=list)
    faults: list[object] = field(default_factory=list)

    def go_on(self, desk: Desk, pages: tuple[str, ...], wait: float) -> None:
        """Ask for one page after the other, the first after ``wait`` seconds, each at its time, until it is over."""
        begun = perf_counter() + wait
        for number, path in enumerate(cycle(pages)):
            if self.over.wait(max(0.0, begun + number * EVERY - perf_counter())):
                return
            start = perf_counter()
            try:
                status, _, _ = desk.ask("GET", path)
            except OSError as error:
                self.faults.append(error)
                continue
            self.answers.append((start, perf_counter() - start))
            if status != 200:
                self.faults.append((path, status))

    def between(self, since: float, until: float) -> list[float]:
        """Return the seconds of each answer to what was asked in a span of time."""
        return [taken for start, taken in self.answers if since <= start < until]


def run(world: World, sizes: Sizes) -> None:
    """Print the 95th percentile while importing beside the one of the same pages idle."""
    home = world.folder / "served"
    home.mkdir()
    around = environment(home)
    timed([WUGUAN, "demo", "--load-only"], around)
    rows = 10 * sizes.roster_rows
    content = workbook(invented(rows))
    with serving([WUGUAN, "serve"], around) as program:
        measured(program, (home / "demo-password").read_text(), content, f"{rows:,} rows × 15")


def measured(program: Served, password: str, content: bytes, what: str) -> None:
    """Ask, import and ask on; print what came of it."""
    asked, spans = Asked(), Spans(idle=[], importing=[], held=[])
    clerk, *desks = (signed_in(program.port, f"{OFFICE}.{role}", password) for role in ("office_admin", *DESKS))
    threads = [
        threading.Thread(target=asked.go_on, args=(desk, pages, number * EVERY / len(DESKS)))
        for number, (desk, pages) in enumerate(zip(desks, DESKS.values(), strict=True))
    ]
    for thread in threads:
        thread.start()
    try:
        sleep(2)
        spans["idle"].append(_during(lambda: sleep(IDLE)))
        with _by_turns(program, spans):
            write(clerk, read(clerk, content))
    finally:
        asked.over.set()
        for thread in threads:
            thread.join()
    assert not asked.faults, asked.faults[:3]
    told(asked, spans, what)


@contextmanager
def _by_turns(program: Served, spans: Spans) -> Iterator[None]:
    """Hold what imports for every other turn while the block runs; what is asked right after a change is not counted.

    A program that imports in the process of its pages cannot be held: then all of it is importing.
    """
    over = threading.Event()

    def turn(name: str) -> None:
        over.wait(SETTLING)
        spans[name].append(_during(lambda: over.wait(TURN)))

    def take_turns() -> None:
        while not over.is_set():
            turn("importing")
            held = _importing(program)
            _each(held, psutil.Process.suspend)
            if held:
                turn("held")
            _each(held, psutil.Process.resume)

    thread = threading.Thread(target=take_turns)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _each(processes: list[psutil.Process], do: Callable[[psutil.Process], object]) -> None:
    """Do something with each process that is still there."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            do(process)


def _importing(program: Served) -> list[psutil.Process]:
    """Return the processes the program has started, and those they have, but for the server of the database."""
    family = psutil.Process(program.pid).children(recursive=True)
    return [process for process in family if not process.name().startswith("postgres")]


def signed_in(port: int, login: str, password: str) -> Desk:
    """Return somebody at a desk who has signed in."""
    desk = Desk(port)
    form = {"csrf_token": desk.token("/sign-in"), "login": login, "password": password}
    status, _, _ = desk.ask("POST", "/sign-in", urlencode(form).encode())
    assert status == 302, (login, status)
    return desk


def told(asked: Asked, spans: Spans, what: str) -> None:
    """Print each kind of span, and the two that are compared."""
    taken = {name: [time for one in found for time in asked.between(*one)] for name, found in spans.items()}
    for name, times in taken.items():
        if not times:
            continue
        seconds = sum(until - since for since, until in spans[name])
        figures = f"median {span(median(times))}, longest {span(max(times))}, {len(times)} pages in {span(seconds)}"
        say(name, f"p95 {span(p95(times))}", figures)
    busy, idle = p95(taken["importing"]), p95(taken["held"] or taken["idle"])
    raw = f"{span(busy)}, idle {span(idle)}; load of the machine {psutil.getloadavg()[0]:.1f}"
    say(f"p95 while importing {what} to idle", f"{busy / idle:.2f}× (≤ {TARGET:g}×)", raw, verdict(busy / idle, TARGET))


def p95(times: list[float]) -> float:
    """Return the seconds that nineteen of twenty answers keep."""
    return quantiles(times, n=20, method="inclusive")[-1]


def read(desk: Desk, content: bytes) -> str:
    """Upload a roster and wait until it can be looked at; return the address of its batch."""
    line, sent = "----a-line-between", {"csrf_token": desk.token("/imports"), "kind": "roster"}
    head = f"--{line}\r\nContent-Disposition: form-data; name="
    parts = [f'{head}"{name}"\r\n\r\n{value}\r\n' for name, value in sent.items()]
    parts.append(f'{head}"file"; filename="roster.xlsx"\r\n\r\n')
    body = b"".join(["".join(parts).encode(), content, f"\r\n--{line}--\r\n".encode()])
    status, place, page = desk.ask("POST", "/imports", body, f"multipart/form-data; boundary={line}")
    assert status == 302, (status, page[:500])
    follow(desk, place)
    return place


def write(desk: Desk, place: str) -> None:
    """Have a batch written that was read, and wait for the end."""
    _, _, page = desk.ask("GET", place)
    edition = re.search(r'name="edition" value="(\d+)"', page.decode())
    assert edition, page[:2000]
    form = {"csrf_token": desk.token(place), "edition": edition[1]}
    status, _, _ = desk.ask("POST", f"{place}/apply", urlencode(form).encode())
    assert status == 302, status
    follow(desk, place)


def follow(desk: Desk, place: str) -> None:
    """Ask how far a batch is, as its page does, until there is nothing more to wait for."""
    until = perf_counter() + 10 * PATIENCE
    while perf_counter() < until:
        _, _, page = desk.ask("GET", f"{place}/progress")
        told_by_page = json.loads(page)
        if told_by_page["finished"]:
            assert told_by_page["state"] == "done", told_by_page
            return
        sleep(1)
    raise TimeoutError(place)


def _during(work: Callable[[], object]) -> tuple[float, float]:
    since = perf_counter()
    work()
    return since, perf_counter()
