"""Clocks of tickets under ``kill -9``: each level once, whatever befalls the ticket and the wall clock meanwhile.

Two offices live through the same. In the calm one a single worker sweeps and nobody dies; in the other three sweep and
are killed in the middle of their work. Both must end with the same levels, clock by clock (A-O2, A-S5).
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select

import climbs
import make
from desk import DAY, HOUR, at_desk, call, complaint, request
from kills import Toll, finish_sweeps, kill_sweeps
from tasks import sweeps
from tasks.sweeps import Pace
from tenant import clock
from tenant.models import Clock, Complaint, Escalation
from tenant.rules.terms import ClockKind, Gravity, PauseReason, Role, Satisfaction
from tenant.services import acknowledgements, complaints, follow_ups, links, pauses
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

NOON = make.NOON
FIRST, SECOND = NOON + 2 * HOUR, NOON + 6 * HOUR
STEPPED_BACK = SECOND - HOUR
AFTER_DOWNTIME = SECOND + 3 * DAY
SOON = Pace(lease=timedelta(seconds=1))
OF_EACH, KILLS_EACH = 2, 5
FLOOD, LEVELS_OF_ONE, EFFECTS_OF_A_LEVEL = 45, 20, 4
"""A level is a row and a mail, and an entry in the record for each: 3,600 effects in all."""
FLOOD_KILLS, MEDDLED = 30, 24


# ---- what befalls a ticket: at the first instant, and when the clock has been set back
def a_request(session, house):
    return request(session, house, unit_id=make.unit(session, house.id).id)


def a_complaint(session, house):
    return complaint(session, house, unit_id=make.unit(session, house.id).id)


def leave(_session, _filed, _elder):
    """Do nothing."""


def take_up_again(session, filed, _elder):
    """Finish a complaint; the owner is not satisfied, and it begins its next cycle (A-W10)."""
    complaints.receive(session, filed.id)
    complaints.complete(session, filed.id, outcome="已重新维修")
    follow_ups.follow_up(session, filed.ticket_id, Satisfaction.DISSATISFIED)


def wait(session, filed, _elder):
    pauses.pause(session, filed.ticket_id, PauseReason.OWNER, clock.now() + DAY)


def go_on(session, filed, _elder):
    pauses.resume(session, filed.ticket_id)


def make_grave(session, filed, _elder):
    complaints.regrade(session, filed.id, Gravity.GRAVE, reason="漏水造成住户受伤")


def merge(session, filed, elder):
    links.merge(session, filed.ticket_id, elder.ticket_id)


def unmerge(session, filed, _elder):
    links.unmerge(session, filed.ticket_id)


def take_notice(session, filed, _elder):
    acknowledgements.acknowledge_ticket(session, filed.ticket_id)


def speak(session, filed, _elder):
    call(session, filed.ticket_id)


VARIANTS = {
    "left alone": (a_request, leave, leave),
    "taken up again": (a_complaint, take_up_again, take_up_again),
    "made to wait and gone on": (a_request, wait, go_on),
    "made grave": (a_complaint, make_grave, leave),
    "merged and taken apart": (a_request, merge, unmerge),
    "taken notice of twice": (a_request, take_notice, take_notice),
}


@dataclass
class Life:
    """One office's matters by variant, and the elder one that others were merged into."""

    house: object
    filed: dict = field(default_factory=dict)
    elder: object = None

    def tickets(self, variant):
        return [filed.ticket_id for filed in self.filed[variant]]


@dataclass
class Told:
    """What the two offices lived through, what the killing came to, and how many levels a clock set back did again."""

    calm: Life
    fire: Life
    toll: Toll
    again: list[int] = field(default_factory=list)


class Story:
    """Lets both offices live through the same: the calm one swept by one worker, the other under fire."""

    def __init__(self, database, cast, home):
        self.database, self.settings = database, Settings(home=home)
        self.told = Told(Life(cast.south), Life(cast.north), Toll(0))

    def register(self):
        for life in (self.told.calm, self.told.fire):
            with at_desk(self.database, life.house, NOON) as session:
                life.elder = a_request(session, life.house)
                for variant, (report, *_) in VARIANTS.items():
                    life.filed[variant] = [report(session, life.house) for _ in range(OF_EACH)]
                session.commit()

    def sweep(self, at, wanted=KILLS_EACH):
        """Sweep the calm office, then kill who sweeps the other; what the fire leaves is finished by a last worker."""
        sweeps.run_escalations(self.database, at, self.told.calm.house.id, settings=self.settings)
        self.fire(at, wanted)
        sweeps.run_escalations(self.database, at, settings=self.settings, pace=SOON)
        while climbs.retry_stopped(self.database, at):
            sweeps.run_escalations(self.database, at, settings=self.settings, pace=SOON)

    def fire(self, at, wanted=KILLS_EACH):
        """Kill who sweeps; the calm office has nothing due then."""
        toll = kill_sweeps(self.database, "escalations", self.settings, at, wanted=wanted, lives=(0, 3))
        self.told.toll.seed = toll.seed
        self.told.toll += toll

    def act(self, at, turn):
        """Let happen to each matter in both offices what its variant says for this turn."""
        for life in (self.told.calm, self.told.fire):
            with at_desk(self.database, life.house, at, Role.DIRECTOR) as session:
                for variant, acts in VARIANTS.items():
                    for filed in life.filed[variant]:
                        acts[turn](session, filed, life.elder)
                session.commit()

    def set_the_clock_back(self):
        """Sweep an hour before the last sweep, by workers that live: nothing is to be done again."""
        count = len(self.raised())
        finish_sweeps(self.database, "escalations", self.settings, STEPPED_BACK)
        self.told.again.append(len(self.raised()) - count)

    def raised(self):
        with across_offices(self.database, Reason.REVIEWING) as session:
            return session.scalars(select(Escalation.id)).all()


@pytest.fixture(scope="module")
def told(database, cast, tmp_path_factory):
    """Let both offices live through four days: a wall clock set back an hour, three days without a sweep."""
    story = Story(database, cast, tmp_path_factory.mktemp("home"))
    story.register()
    story.sweep(FIRST)
    story.act(FIRST, 1)
    sweeps.run_escalations(database, SECOND, cast.south.id, settings=story.settings)
    story.fire(SECOND, KILLS_EACH // 2)
    story.fire(STEPPED_BACK, KILLS_EACH // 2)  # the machine's clock is set back while its workers die
    story.sweep(SECOND)
    story.set_the_clock_back()
    story.act(STEPPED_BACK, 2)
    story.sweep(SECOND)
    story.sweep(AFTER_DOWNTIME)
    return story.told


def clocks_of(database, ticket_ids):
    with across_offices(database, Reason.REVIEWING) as session:
        return session.scalars(select(Clock).where(Clock.ticket_id.in_(ticket_ids))).all()


def test_whatever_befalls_a_ticket_under_fire_nothing_is_doubled_and_nothing_lost(database, told, settings, announce):
    raised = {variant: climbs.climbed(database, told.fire.tickets(variant)).total() for variant in VARIANTS}
    announce(f"tickets: {told.toll}; levels raised under fire: {raised}")
    assert climbs.faults(database, AFTER_DOWNTIME) == {}
    assert told.toll.landed >= KILLS_EACH
    assert sweeps.run_escalations(database, AFTER_DOWNTIME, settings=settings).due == 0


def test_a_wall_clock_set_back_an_hour_does_nothing_again(told):
    assert told.again == [0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_under_fire_a_ticket_climbs_as_it_does_in_peace(database, told, variant):
    peace = climbs.climbed(database, told.calm.tickets(variant))
    assert peace.total() > 5 * OF_EACH
    assert climbs.climbed(database, told.fire.tickets(variant)) == peace


def test_what_befell_the_tickets_shows_in_their_clocks(database, told):
    """Without this the variants might have come to nothing, and the proof with them."""

    def cycles(variant):
        return Counter((row.kind, row.cycle) for row in clocks_of(database, told.fire.tickets(variant)))

    def levels(variant):
        return {key[1:4] for key in climbs.climbed(database, told.fire.tickets(variant))}

    receipt, reply = ClockKind.DEPARTMENT_RECEIPT, ClockKind.FIRST_REPLY
    assert cycles("taken up again")[receipt, 3] == OF_EACH
    assert {(receipt, 2, 1), (receipt, 3, 1)} <= levels("taken up again")
    assert cycles("made to wait and gone on")[ClockKind.DISPATCH, 2] == OF_EACH
    assert (ClockKind.DISPATCH, 2, 1) in levels("made to wait and gone on")
    assert cycles("merged and taken apart")[reply, 2] == OF_EACH
    assert (reply, 2, 1) in levels("merged and taken apart")
    with across_offices(database, Reason.REVIEWING) as session:
        graves = select(Complaint.gravity).where(Complaint.ticket_id.in_(told.fire.tickets("made grave")))
        assert set(session.scalars(graves)) == {Gravity.GRAVE}
        noticed = select(Escalation.acknowledged_at).where(
            Escalation.ticket_id.in_(told.fire.tickets("taken notice of twice")),
            Escalation.acknowledged_at.is_not(None),
        )
        assert set(session.scalars(noticed)) == {FIRST, STEPPED_BACK}


# ---- a flood
def meddling(database, house, matters, at):
    """Return what the desk does beside the dying workers: each matter is spoken of, made to wait, noticed or joined."""
    left, counts, next_at = list(matters), Counter(), [0.0]
    acts = (speak, wait, merge)

    def meddle(chance):
        if len(left) < 2 or time.monotonic() < next_at[0]:
            return
        next_at[0] = time.monotonic() + chance.uniform(0, 0.4)
        filed, act = left.pop(), acts[len(left) % len(acts)]
        with at_desk(database, house, at) as session:
            act(session, filed, matters[0])
            session.commit()
        counts[act.__name__] += 1

    return meddle, counts


def test_of_thousands_of_escalations_each_happens_exactly_once_under_kills(database, cast, told, settings, announce):
    began, at = NOON + 10 * DAY, NOON + 13 * DAY
    flood, meddled = [], []
    with at_desk(database, cast.south, began) as session:
        alone = a_request(session, cast.south)
        session.commit()
    sweeps.run_escalations(database, at, settings=settings)
    with at_desk(database, cast.north, began) as session:
        flood = [a_request(session, cast.north).ticket_id for _ in range(FLOOD)]
        meddled = [a_request(session, cast.north) for _ in range(MEDDLED)]
        session.commit()

    meddle, counts = meddling(database, cast.north, meddled, at)
    toll = kill_sweeps(
        database, "escalations", settings, at, wanted=FLOOD_KILLS, lives=(0, 12), freezes=0.05, meanwhile=meddle
    )
    under_fire = climbs.climbed(database, flood).total()
    finish_sweeps(database, "escalations", settings, at)
    while climbs.retry_stopped(database, at):
        finish_sweeps(database, "escalations", settings, at)

    one, all_of_it = climbs.climbed(database, [alone.ticket_id]), climbs.climbed(database, flood)
    announce(f"flood: {toll}; {all_of_it.total()} levels, {under_fire} under fire; {dict(counts)} meanwhile")
    assert one.total() == LEVELS_OF_ONE
    assert all_of_it == Counter({(place, *key[1:]): 1 for place in range(FLOOD) for key in one})
    assert {key[-1] for key in all_of_it} == {1}, "each told one person"
    assert all_of_it.total() * EFFECTS_OF_A_LEVEL == 3600
    assert climbs.faults(database, at) == {}
    assert toll.landed >= FLOOD_KILLS
    assert under_fire > 0 < min(counts[act.__name__] for act in (speak, wait, merge))
