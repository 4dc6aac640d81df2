"""The laws of following a transfer: whoever does no more than the score lets them is safe, and comes to the end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.carried_out import SECOND, Away, Transfer
from tests.conftest import PROFILE
from tests.keyring import NOW
from tests.rounds import QUESTION
from tests.test_following import facts_of
from tests.transfer_worlds import start_of
from zonekit.findings import Severity
from zonekit.transfer import live_codes as codes
from zonekit.transfer.answers import Outcome, Round
from zonekit.transfer.claims import Rest, rest_of
from zonekit.transfer.course import Course, Said, Tick
from zonekit.transfer.courserows import course_of, rows_of
from zonekit.transfer.following import follow
from zonekit.transfer.glimpses import Elsewhere
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.profiles import PROFILES
from zonekit.transfer.proof import Safe, prove_schedule
from zonekit.transfer.score import Score, Stage, StepScore, score
from zonekit.transfer.steps import Actor, Flow
from zonekit.transfer.versions import Source

LOOKS = 600
"""How many looks a transfer may take before it counts as stuck."""
DAY = timedelta(days=1)
NOTHING = timedelta(0)
PHASES = (Phase.explicit, Phase.generate)
"""A seed has no simpler one."""
EXAMPLES = max(2, settings.get_profile(PROFILE).max_examples // 30)
"""Of each flow: a transfer takes a second or more to play."""


@dataclass(frozen=True)
class Misfortunes:
    """What goes wrong in a transfer besides that people and servers take their time."""

    away: bool = False
    ttls: bool = False
    clocks: bool = False
    restarts: bool = False

    @property
    def are_none(self) -> bool:
        return self == Misfortunes()


class Play:
    """A transfer played through: looks at random instants, and actors who do what the score lets them, when they like."""

    def __init__(self, flow: Flow, rng: random.Random, misfortunes: Misfortunes = Misfortunes()) -> None:
        self.rng, self.misfortunes = rng, misfortunes
        self.longest = timedelta(seconds=rng.choice((0, 60, 86400)))
        self.transfer = Transfer(
            flow,
            rng,
            away={server.name: tuple(self._away()) for server in QUESTION.servers} if misfortunes.away else {},
            raised=self._raised() if misfortunes.ttls else {},
            longest=self.longest // SECOND,
        )
        self.facts = facts_of(start_of(flow))
        self.course = Course.begun(plan_transfer(self.facts, flow=flow, start=NOW))
        self.steps = tuple(planned.step for planned in self.course.plan.steps)
        self.now = NOW
        self.looked_at: list[datetime] = []
        self.due: dict[str, datetime] = {}
        self.said: list[tuple[datetime, Said]] = []
        self.pace = rng.choice((1.0, 2.0, 3.0, 4.0, 5.0))
        self.offset, self.boot, self.booted = NOTHING, "a", NOW - DAY

    def _away(self) -> list[Away]:
        found = []
        for _ in range(self.rng.choice((0, 0, 1, 2))):
            since = NOW + timedelta(seconds=self.rng.randint(0, 15 * 86400))
            lasting = timedelta(seconds=round(10 ** self.rng.uniform(1, 5.5)))
            outcome = self.rng.choice((Outcome.SILENT, Outcome.REFUSED, Outcome.NO_AUTHORITY, Outcome.FAILED))
            found.append(Away(since, since + lasting, outcome))
        found.sort(key=lambda each: each.since)
        return [each for number, each in enumerate(found) if not number or found[number - 1].until < each.since]

    def _raised(self) -> dict[tuple[Source, Record], datetime]:
        known = ((Source.LOSING, Record.DATA), (Source.PARENT, Record.NS), (Source.PARENT, Record.DS))
        return {
            each: NOW + timedelta(seconds=self.rng.randint(0, 15 * 86400)) for each in known if self.rng.random() < 0.5
        }

    def interval(self, *, longest: float = 5.3) -> timedelta:
        """From seconds to days."""
        return timedelta(seconds=round(10 ** self.rng.uniform(0, min(longest, self.pace + 0.5))))

    # -- looking

    def look(self) -> Score:
        """Look once; with misfortunes, as another process does, or as two do at once."""
        if self.misfortunes.clocks and self.rng.random() < 0.3:
            self._set_clock()
        if self.misfortunes.restarts and self.rng.random() < 0.3:
            self.course = course_of(rows_of(self.course))
        clock = self.now + self.offset
        for when, said in [each for each in self.said if each[0] <= clock]:
            self.course = self.course.say(said)
            self.said.remove((when, said))
        self.looked_at.append(self.now)
        late = self.misfortunes.restarts and self.rng.random() < 0.3
        earlier = self._round() if late else None
        if late:
            self.pass_until(self.now + timedelta(seconds=self.rng.randint(0, 600)))
        found = self._fold(*self._round())
        return found if earlier is None else self._fold(*earlier)

    def _round(self) -> tuple[Round, Tick]:
        clock = self.now + self.offset
        found = self.transfer.look(self.now, clock)
        return found, Tick(at=clock, boot=self.boot, uptime=self.now - self.booted)

    def _fold(self, found: Round, tick: Tick) -> Score:
        elsewhere = Elsewhere(gaining=self.transfer.gaining_file)
        followed = follow(self.course, found, tick=tick, elsewhere=elsewhere)
        self.course = followed.course
        return score(followed)

    def _set_clock(self) -> None:
        by = self.rng.choice((1, -1)) * self.interval()
        if self.rng.random() < 0.3:
            self.boot, self.booted, by = f"{self.boot}a", self.now - 60 * SECOND, -abs(by)
        self.offset += by
        self.said = [(when + by, said) for when, said in self.said]

    # -- acting

    def act(self, found: Score) -> None:
        """Let actors begin what they may, each when they like, until the next look."""
        may = {each.id for each in found.next_steps}
        if any(each.id == "cds-alone" for each in self.steps) and "cds-alone" not in self.transfer.taken:
            may.discard("losing-keys-withdrawn")  # the tool does not withdraw a key whose CDS stands
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
            clock = done + self.offset
            said = Said(step_id=step.id, by="somebody", when=clock, started=at + self.offset, completed=clock)
            self.said.append((clock, said))
        for each in self.steps:
            if each.scans == step_id and each.actor is Actor.SCANNER and each.id not in self.transfer.taken:
                self.take(each.id, self.transfer.taken[step_id].event.started + self.interval())

    def play(self) -> Score:
        for _ in range(LOOKS):
            found = self.look()
            self.check(found)
            if found.is_finished:
                return found
            self.act(found)
            waiting = [each.until - self.offset for each in found.steps if each.stage is Stage.WAITS and each.until]
            ahead = [*self.due.values(), *[when - self.offset for when, _ in self.said], *waiting]
            ahead += [at for each in self.transfer.taken.values() for at in each.began.values()]
            then = self.now + self.interval()
            if self.rng.random() < 0.5:
                then = min([at for at in ahead if at > self.now], default=then) + self.interval(longest=2)
            self.pass_until(then)
        raise AssertionError([(each.id, each.stage.value, [str(one) for one in each.missing]) for each in found.steps])

    # -- the laws

    def check(self, found: Score) -> None:
        """What holds after every look."""
        verdict = prove_schedule(self.transfer.schedule(self.facts, self.steps), PROFILES)
        assert isinstance(verdict, Safe), (self.transfer.events, verdict.story)
        for step in found.steps:
            self.check_stage(step, found)
        if self.misfortunes.are_none:
            self.check_waits(found)
            self.check_findings(found)

    def check_stage(self, step: StepScore, found: Score) -> None:
        """A step counts as done where every server that answers gives it, and as under way where some do."""
        if step.planned.step.effect is None:
            return
        taken = self.transfer.taken.get(step.id)
        servers = [
            each
            for each in self.transfer.servers_of(step.planned.step)
            if not self.transfer.is_away(each, self.looked_at[-1])
        ]
        giving = [each for each in servers if taken is not None and taken.began[each.name] <= self.now]
        if step.stage is Stage.DONE and servers:
            assert giving == servers, (step.id, "is not done")
        if self.misfortunes.are_none and all(found.step(each).stage is Stage.DONE for each in step.planned.step.after):
            is_done, is_begun = giving == servers, bool(giving)
            assert (step.stage is Stage.DONE) == is_done, (step.id, step.stage, giving)
            assert (step.stage is Stage.UNDER_WAY) == (is_begun and not is_done), (step.id, step.stage, giving)

    def check_waits(self, found: Score) -> None:
        """Nothing is waited for longer than by a plan that knows of every event at once, but for the time between two looks."""
        events = {step_id: each for step_id, each in self.transfer.events.items() if each.completed <= self.now}
        true_plan = found.plan.with_events(events)
        gap = max(
            [after - before for before, after in zip(self.looked_at, self.looked_at[1:], strict=False)], default=NOTHING
        )
        for step in found.steps:
            if step.stage is Stage.WAITS:
                assert step.planned.not_before <= max(true_plan.step(step.id).not_before, NOW) + gap, step.id

    def check_findings(self, found: Score) -> None:
        """Nothing is said to be wrong where nothing is but that servers of one party have a change one after the other."""
        expected = {codes.SERVERS_DISAGREE.name, codes.SERVER_LAME.name}
        wrong = [each for each in found.at_least(Severity.WARNING) if each.code not in expected]
        assert not wrong, [str(each) for each in wrong]


@pytest.mark.parametrize("flow", list(Flow), ids=lambda flow: flow.value)
@settings(max_examples=EXAMPLES, phases=PHASES)
@given(seed=st.integers(0, 2**32))
def test_a_transfer_in_which_nobody_acts_before_the_score_lets_them_is_safe_and_waits_for_nothing_in_vain(
    flow: Flow, seed: int
) -> None:
    Play(flow, random.Random(seed)).play()


@pytest.mark.parametrize("flow", list(Flow), ids=lambda flow: flow.value)
@settings(max_examples=EXAMPLES, phases=PHASES)
@given(seed=st.integers(0, 2**32))
def test_a_transfer_is_safe_and_comes_to_its_end_whatever_goes_wrong_with_servers_ttls_clocks_and_processes(
    flow: Flow, seed: int
) -> None:
    Play(flow, random.Random(seed), Misfortunes(away=True, ttls=True, clocks=True, restarts=True)).play()
