"""The score of a transfer: which steps are done, which may begin, what is waited for and until when, what is missing.

It is what a customer who waits for two days wants to know, and what the one at whose hands the next step is has to. A step may
begin when the gate lets it (:func:`~zonekit.transfer.gate.may_begin`) and, where it changes an NS RRset, when nothing that
is served now would break.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from zonekit.findings import Finding, Severity
from zonekit.instants import instant_text
from zonekit.transfer import live_codes as codes
from zonekit.transfer.checking import TransferCheck, check_transfer
from zonekit.transfer.claims import Rest, rest_of
from zonekit.transfer.codes import CLAIM_CODES
from zonekit.transfer.course import Watched
from zonekit.transfer.following import Followed, is_over
from zonekit.transfer.gate import may_begin, not_over
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Lacking, Missing
from zonekit.transfer.plan import Plan, PlannedStep, prove
from zonekit.transfer.proof import Safe, Verdict
from zonekit.transfer.server_health import server_findings
from zonekit.transfer.steps import Actor, Effect
from zonekit.transfer.waits import Wait
from zonekit.ttl import duration_text

_OPENING: Final = frozenset((Effect.NS_AT_PARENT, Effect.NS_AT_LOSING, Effect.SHARED_SERVE))
"""What opens the gaining servers to resolvers, one of them first."""

_CLAIMS: Final = frozenset(code.name for code in CLAIM_CODES.values())


class Stage(enum.Enum):
    """How far a step has come."""

    DONE = "done"
    UNDER_WAY = "under way"
    """Some of the servers give it, and not all."""
    MAY_BEGIN = "may begin"
    WAITS = "waits"
    """Nothing is missing but time."""
    MISSING = "missing"
    """What it comes after is done as far as is on record, and something else that it rests on is not there."""
    LATER = "later"
    """Something that it comes after is not done."""
    OVER = "over"
    """It was not done, and has nothing to be done to any more: the losing operator has stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepScore:
    """How far one step has come.

    Attributes:
        planned: the step, as it is planned from now on.
        stage: how far it has come.
        since: when it was done, or seen under way; None where it was not.
        until: when it may begin at the earliest; None where it is done.
        by: what shows or who says that it is done; empty where nothing does.
        lacking: the servers that do not give it, where some do.
        missing: everything that keeps it from beginning.
        waits: what has to leave the caches before it, and has not.
        needs_saying: whether only people can say that it is done.
    """

    planned: PlannedStep
    stage: Stage
    since: datetime | None = None
    until: datetime | None = None
    by: str = ""
    lacking: frozenset[str] = frozenset()
    missing: tuple[Lacking, ...] = ()
    waits: tuple[Wait, ...] = ()
    needs_saying: bool = False

    @property
    def id(self) -> str:
        """The id of the step."""
        return self.planned.id

    @property
    def actor(self) -> Actor:
        """At whose hands it is."""
        return self.planned.step.actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The score of a transfer at one instant.

    Attributes:
        at: the instant.
        plan: the plan, with what is on record, and all else dated from the instant on.
        steps: how far each step has come, in the order of the flow.
        verdict: the proof of what was done and is planned.
        check: what the transfer check says of what most servers give; None where too little was seen for one.
        findings: all that is to be said, the gravest first.
        followed: what the round showed.
    """

    at: datetime
    plan: Plan
    steps: tuple[StepScore, ...]
    verdict: Verdict
    check: TransferCheck | None
    findings: tuple[Finding, ...]
    followed: Followed

    @property
    def needs_attention(self) -> bool:
        """Whether something of severity ERROR was found, or what was done and is planned is not safe."""
        return bool(self.at_least(Severity.ERROR)) or not isinstance(self.verdict, Safe)

    @property
    def is_finished(self) -> bool:
        """Whether every step is done, or has nothing to be done to any more."""
        return all(step.stage in (Stage.DONE, Stage.OVER) for step in self.steps)

    @property
    def next_steps(self) -> tuple[StepScore, ...]:
        """The steps that somebody may take now."""
        return tuple(step for step in self.steps if step.stage is Stage.MAY_BEGIN)

    def step(self, step_id: str) -> StepScore:
        """Return the score of a step.

        Raises:
            PlanError: there is no such step.
        """
        self.plan.step(step_id)
        return next(step for step in self.steps if step.id == step_id)

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of this severity or a graver one."""
        return tuple(finding for finding in self.findings if finding.severity >= severity)


def score(followed: Followed) -> Score:
    """Return the score after a round: of each step how far it has come, and all that is to be said."""
    at = followed.found.ended
    plan = followed.course.plan.resumed(at)
    evidence = followed.course.evidence
    checks = tuple(_checks(followed, plan, evidence))
    verdict = prove(plan)
    return Score(
        at=at,
        plan=plan,
        steps=tuple(_step_score(followed, plan, planned, checks, evidence) for planned in plan.steps),
        verdict=verdict,
        check=checks[0] if checks else None,
        findings=_findings(followed, plan, verdict, checks),
        followed=followed,
    )


def _checks(followed: Followed, plan: Plan, evidence: tuple[Evidence, ...]) -> Iterator[TransferCheck]:
    """What the transfer check says of each combination of what was given, at the steps that are done."""
    done = [planned.id for planned in plan.steps if planned.recorded]
    for glimpse in followed.glimpses:
        yield check_transfer(
            glimpse.sighting,
            step=done or plan.steps[0].id,
            plan=plan,
            evidence=evidence,
            look=glimpse.look,
        )


# ---- steps ----------------------------------------------------------------------------------------------------------


def _step_score(
    followed: Followed,
    plan: Plan,
    planned: PlannedStep,
    checks: Iterable[TransferCheck],
    evidence: tuple[Evidence, ...],
) -> StepScore:
    course, at = followed.course, followed.found.ended
    needs_saying = rest_of(planned.step) is Rest.PEOPLE
    if planned.recorded and planned.completed <= at:
        return StepScore(
            planned=planned,
            stage=Stage.DONE,
            since=planned.completed,
            by=_shown_by(followed, planned),
            needs_saying=needs_saying,
        )
    if is_over(plan, planned):
        return StepScore(planned=planned, stage=Stage.OVER)
    watched = course.watched.get(planned.id)
    if watched is not None and _is_under_way(watched, followed):
        return StepScore(
            planned=planned,
            stage=Stage.UNDER_WAY,
            since=watched.untouched_at,
            until=planned.not_before,
            lacking=watched.lacking & _asked(followed),
            needs_saying=needs_saying,
        )
    decision = may_begin(plan, planned.id, evidence, now=at)
    by_gate = _lacking(decision)
    more = tuple(each for each in _by_checks(plan, planned, checks) if each not in by_gate)
    waits = tuple(wait for wait in planned.waits if wait.until > followed.passed)
    missing = tuple(dict.fromkeys((*by_gate, *more, *[not_over(planned, wait) for wait in waits])))
    return StepScore(
        planned=planned,
        stage=_stage(plan, planned, missing, more, is_too_early=bool(waits) or planned.not_before > at),
        until=planned.not_before,
        missing=missing,
        waits=waits,
        needs_saying=needs_saying,
    )


def _is_under_way(watched: Watched, followed: Followed) -> bool:
    """Whether some servers gave a step in this round, and not all."""
    return watched.lacking_at == followed.found.ended and not watched.confirming.isdisjoint(_asked(followed))


def _asked(followed: Followed) -> frozenset[str]:
    return frozenset(each.name for each in followed.found.question.servers)


def _stage(
    plan: Plan, planned: PlannedStep, missing: Collection[Lacking], more: Collection[Lacking], *, is_too_early: bool
) -> Stage:
    elsewhere = {each.step_id for each in missing} - {planned.id}
    if not all(plan.step(step_id).recorded for step_id in (*planned.step.after, *elsewhere)):
        return Stage.LATER
    if planned.step.actor is Actor.NOBODY:
        return Stage.WAITS
    if not missing:
        return Stage.MAY_BEGIN
    return Stage.WAITS if is_too_early and not elsewhere and not more else Stage.MISSING


def _lacking(decision: Decision) -> tuple[Lacking, ...]:
    return () if isinstance(decision, Confirmed) else decision.missing


def _by_checks(plan: Plan, planned: PlannedStep, checks: Iterable[TransferCheck]) -> Iterator[Lacking]:
    """What the transfer check is missing for a step that opens the gaining servers; what it is for one of them it is for all."""
    if planned.step.effect not in _OPENING:
        return
    for check in checks:
        asked = check.decision
        if isinstance(asked, Missing) and plan.step(asked.step_id).step.effect in _OPENING:
            for each in asked.missing:
                yield replace(each, step_id=planned.id) if each.step_id == asked.step_id else each


def _shown_by(followed: Followed, planned: PlannedStep) -> str:
    if planned.step.actor is Actor.NOBODY:
        return "the time"
    said = followed.course.statement(planned.id, at=followed.found.ended)
    if said is not None:
        return f"said by {said.by}"
    watched = followed.course.watched.get(planned.id)
    if watched is None or watched.done_at is None:
        return planned.step.confirmed_by
    return f"seen at {', '.join(sorted(watched.confirming))}, last at {instant_text(watched.done_at)}"


# ---- findings -------------------------------------------------------------------------------------------------------


def _findings(followed: Followed, plan: Plan, verdict: Verdict, checks: Iterable[TransferCheck]) -> tuple[Finding, ...]:
    apex = followed.found.question.apex
    found: list[Finding] = [*server_findings(followed)]
    if followed.clock_set:
        seconds = int(followed.clock_set.total_seconds())
        way = "forward" if seconds > 0 else "back"
        found.append(codes.CLOCK_SET.found(apex, "", f"the clock was set {way} by {duration_text(abs(seconds))}"))
    for step_id in followed.undone:
        everyone = followed.course.watched[step_id].lacking
        lacking = sorted(everyone & _asked(followed) or everyone)
        does = "does" if len(lacking) == 1 else "do"
        told = f"{step_id} was done, and {', '.join(lacking)} {does} not give it any more"
        found.append(codes.STEP_UNDONE.found(apex, "", told))
    found += _denied(followed)
    if not isinstance(verdict, Safe) and any(planned.recorded for planned in plan.steps):
        found.append(codes.STEP_TOO_EARLY.found(apex, "", verdict.story))
    if not plan.is_in_time:
        expires, deadline = plan.facts.losing.signatures_expire, plan.deadline
        assert expires is not None and deadline is not None
        found.append(
            codes.SIGNATURES_TOO_SHORT.found(
                apex,
                "RRSIG",
                f"they expire at {instant_text(expires)}; what is left had to begin by {instant_text(deadline)}",
            )
        )
    for each in followed.raised:
        told = f"{each.record.value} of the {each.source.value} side has a TTL of {each.ttl}, and no such one was known"
        found.append(codes.TTL_RAISED.found(apex, "", told))
    found += [finding for check in checks for finding in check.findings if plan.events or not _is_of_claim(finding)]
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: -finding.severity))


def _denied(followed: Followed) -> Iterator[Finding]:
    """Yield what somebody says is done and this round shows is not."""
    course, at = followed.course, followed.found.ended
    for said in course.said:
        watched = course.watched.get(said.step_id)
        if watched is None or watched.lacking_at != at or said.step_id in followed.undone:
            continue
        if course.statement(said.step_id, at=at) is None:
            lacking = ", ".join(sorted(watched.lacking))
            told = f"{said.by} says that {said.step_id} is done, and it is not so at {lacking}"
            yield codes.STEP_DENIED.found(followed.found.question.apex, "", told)


def _is_of_claim(finding: Finding) -> bool:
    """Whether a finding is that a claim is false, which is nobody's before the first step is done."""
    return finding.code in _CLAIMS
