"""Whatever workers, clocks and people do to the queue, in any order: each action has its effect at most once, and none
is lost.
"""

from collections import Counter
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from queue_rows import claim, let_time_pass, plan_many, rows, take_back
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.rules.terms import DueState
from tenant.scoping import Scope
from tenant.services import clockwork
from tenant.services.clockwork import ClaimLost

NAMES = count(1)
OVER = {DueState.DONE, DueState.CANCELLED, DueState.DISCARDED}


class Queue(RuleBasedStateMachine):
    """Two workers, a clock and a person at one queue; ``effects`` counts what was committed for each action."""

    database = cast = None

    @initialize()
    def begin(self):
        self.name = f"machine{next(NAMES)}"
        self.effects = Counter()
        self.claims = []
        plan_many(self.database, self.cast.north.id, self.name, 4)
        plan_many(self.database, self.cast.south.id, self.name, 2)

    @rule(suspects=st.booleans(), limit=st.integers(1, 4))
    def claim(self, suspects, limit):
        self.claims += claim(self.database, self.name, suspects=suspects, limit=limit)

    @rule(data=st.data())
    def settle(self, data):
        self._with_claim(data, lambda session, taken: clockwork.settle(session, taken, DueState.DONE), does=True)

    @rule(data=st.data())
    def fail(self, data):
        self._with_claim(data, lambda session, taken: clockwork.fail(session, taken, "管道破裂"))

    @rule(data=st.data())
    def find_it_pointless(self, data):
        self._with_claim(data, lambda session, taken: clockwork.settle(session, taken, DueState.CANCELLED))

    @rule()
    def let_leases_end(self):
        let_time_pass(self.database, self.name)

    @rule()
    def take_back(self):
        take_back(self.database, self.name)

    @rule(data=st.data())
    def release(self, data):
        if self.claims:
            taken = data.draw(st.sampled_from(self.claims))
            self._in_office(taken.office_id, lambda session: clockwork.release(session, [taken]))

    @rule(number=st.integers(1, 4), south=st.booleans())
    def cancel(self, number, south):
        house = self.cast.south if south else self.cast.north
        self._in_office(
            house.id,
            lambda session: clockwork.cancel(
                session, office_id=house.id, subject_kind="clock", subject_id=number, rule=self.name
            ),
        )

    @rule(anew=st.booleans())
    def decide_on_the_dead(self, anew):
        for row in rows(self.database, self.name):
            if row.state is DueState.DEAD:
                decide = self._retried if anew else self._discarded
                self._in_office(row.office_id, decide(row.id))
                return

    @invariant()
    def no_effect_is_done_twice(self):
        assert max(self.effects.values(), default=0) <= 1

    @invariant()
    def what_is_done_has_its_effect_and_nothing_else_has(self):
        done = {row.id for row in rows(self.database, self.name) if row.state is DueState.DONE}
        assert done == set(self.effects)

    def teardown(self):
        """Let everybody live on for a while: then all that nobody called off has its effect, and keeps it."""
        for _ in range(20):
            was_over = not self._left() - OVER
            let_time_pass(self.database, self.name)
            take_back(self.database, self.name)
            self._retry_all()
            for suspects in (False, True):
                for taken in claim(self.database, self.name, suspects=suspects, at=clock.now()):
                    self._do(taken, lambda session, held: clockwork.settle(session, held, DueState.DONE), does=True)
            if was_over:
                break
        assert self._left() <= OVER
        self.no_effect_is_done_twice()
        self.what_is_done_has_its_effect_and_nothing_else_has()

    def _left(self):
        return {row.state for row in rows(self.database, self.name)}

    def _retry_all(self):
        for row in rows(self.database, self.name):
            if row.state is DueState.DEAD:
                self._in_office(row.office_id, self._retried(row.id))

    def _with_claim(self, data, act, *, does=False):
        if self.claims:
            self._do(data.draw(st.sampled_from(self.claims)), act, does=does)

    def _do(self, taken, act, *, does):
        try:
            self._in_office(taken.office_id, lambda session: act(session, taken))
        except ClaimLost:
            return
        if does:
            self.effects[taken.id] += 1

    def _in_office(self, office_id, act):
        with self.database.session(Scope.of([office_id]), CLOCKWORK) as session:
            act(session)
            session.commit()

    @staticmethod
    def _retried(row_id):
        return lambda session: clockwork.retry(session, row_id)

    @staticmethod
    def _discarded(row_id):
        return lambda session: clockwork.discard(session, row_id, "不用了")


def test_in_any_order_of_events_an_effect_is_done_at_most_once_and_none_is_lost(database, cast):
    Queue.database, Queue.cast = database, cast
    run_state_machine_as_test(Queue, settings=settings(max_examples=20, stateful_step_count=25, deadline=None))
