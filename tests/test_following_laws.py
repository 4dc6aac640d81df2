"""The laws of following a transfer: whoever does no more than the score lets them is safe, and comes to the end."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.carried_out import SECOND, Away, Transfer
from tests.keyring import NOW
from tests.rounds import QUESTION
from tests.test_following import facts_of
from tests.transfer_worlds import start_of
from zonekit.transfer.answers import Outcome
from zonekit.transfer.claims import Rest, rest_of
from zonekit.transfer.course import Course, Said, Tick
from zonekit.transfer.courserows import course_of, rows_of
from zonekit.transfer.facts import Facts
from zonekit.transfer.following import follow
from zonekit.transfer.glimpses import Elsewhere
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.profiles import PROFILES
from zonekit.transfer.proof import Safe, prove_schedule
from zonekit.transfer.score import Score, Stage, score
from zonekit.transfer.steps import Actor, Flow
from zonekit.transfer.timelines import schedule_of

_LOOKS = 400
"""How many looks a transfer may take before it counts as stuck."""


class Play:
    """A transfer played through: looks at random instants, and actors who do what the score lets them, when they like."""

    def __init__(self, flow: Flow, rng: random.Random, *, away: Mapping[str, tuple[Away, ...]] | None = None) -> None:
        self.rng = rng
        self.transfer = Transfer(flow, rng, away or {}, longest=rng.choice((0, 60, 86400)))
        self.facts = facts_of(start_of(flow))
        self.course = Course.begun(plan_transfer(self.facts, flow=flow, start=NOW))
        self.steps = tuple(planned.step for planned in self.course.plan.steps)
        self.now = NOW
        self.due: dict[str, datetime] = {}
        self.said: list[tuple[datetime, Said]] = []
        self.pace = rng.choice((1.0, 2.0, 3.0, 4.0, 5.0))

    def interval(self, *, longest: float = 5.3) -> timedelta:
        """From seconds to days."""
        return timedelta(seconds=round(10 ** self.rng.uniform(0, min(longest, self.pace + 0.5))))

    def look(self) -> Score:
        for when, said in [each for each in self.said if each[0] <= self.now]:
            self.course = self.course.say(said)
            self.said.remove((when, said))
        zone = self.transfer.gaining_file
        followed = follow(
            self.course,
            self.transfer.look(self.now),
            tick=Tick(at=self.now),
            elsewhere=Elsewhere(gaining=zone),
        )
        self.course = followed.course
        return score(followed)

    def act(self, found: Score) -> None:
        """Let actors begin what they may, each when they like, until the next look."""
        may = {each.id for each in found.next_steps}
        self.due = {step_id: at for step_id, at in self.due.items() if step_id in may}
        for step_id in sorted(may - self.due.keys() - self.transfer.taken.keys()):
            self.due[step_id] = self.now + self.interval()

    def pass_until(self, then: datetime) -> None:
        for step_id, at in sorted(self.due.items(), key=lambda each: each[1]):
            if at <= then:
                del self.due[step_id]
                self.take(step_id, at)
        self.now = then

    def take(self, step_id: str, at: datetime) -> None:
        step = next(step for step in self.steps if step.id == step_id)
        done = self.transfer.take(step, at)
        if rest_of(step) is Rest.PEOPLE:
            said = Said(step_id=step.id, by="somebody", when=done, started=at, completed=done)
            self.said.append((done, said))
        for each in self.steps:
            if each.scans == step_id and each.actor is Actor.SCANNER and each.id not in self.transfer.taken:
                self.take(each.id, self.transfer.taken[step_id].event.started + self.interval())

    def play(self) -> Score:
        for _ in range(_LOOKS):
            found = self.look()
            self.check(found)
            if found.is_finished:
                return found
            self.act(found)
            waiting = [each.until for each in found.steps if each.stage is Stage.WAITS and each.until]
            ahead = [*self.due.values(), *[when for when, _ in self.said], *waiting]
            ahead += [at for each in self.transfer.taken.values() for at in each.began.values()]
            then = self.now + self.interval()
            if self.rng.random() < 0.5:
                then = min([at for at in ahead if at > self.now], default=then) + self.interval(longest=2)
            self.pass_until(then)
        raise AssertionError([(each.id, each.stage.value, [str(one) for one in each.missing]) for each in found.steps])

    def check(self, found: Score) -> None:
        """What holds after every look."""
        schedule = schedule_of(self.course.plan.facts, self.steps, self.transfer.events)
        verdict = prove_schedule(schedule, PROFILES)
        assert isinstance(verdict, Safe), (self.transfer.events, verdict.story)


@given(flow=st.sampled_from(Flow), seed=st.integers(0, 2**32))
def test_a_transfer_in_which_nobody_acts_before_the_score_lets_them_is_safe(flow: Flow, seed: int) -> None:
    Play(flow, random.Random(seed)).play()
