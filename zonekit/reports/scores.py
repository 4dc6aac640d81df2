"""Scores in words: how a transfer stands, and whose turn it is, as the command line and the page say alike.

A score says more than a person can act on at once. Here it comes down to one sentence, a reason for each step that is not
done, and a list of what is to be done by whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, assert_never

from zonekit import rdata as rd
from zonekit.findings import Severity
from zonekit.instants import instant_text
from zonekit.reports.wording import verdict_text
from zonekit.transfer.answers import Server, ServerAnswers
from zonekit.transfer.codes import TRANSFER_CODES
from zonekit.transfer.journal import Lacking
from zonekit.transfer.live_codes import LIVE_CODES
from zonekit.transfer.plan import PlannedStep
from zonekit.transfer.score import Score, Stage, StepScore
from zonekit.transfer.server_health import PARTIES, is_due
from zonekit.transfer.steps import Actor
from zonekit.transfer.versions import Source
from zonekit.transfer.waits import Wait
from zonekit.ttl import duration_text
from zonekit.verifying.codes import CODES

_CODES: Final = MappingProxyType({**CODES, **TRANSFER_CODES, **LIVE_CODES})


def actor_text(actor: Actor) -> str:
    """Return who takes a step, as a sentence has it.

    >>> actor_text(Actor.SCANNER), actor_text(Actor.BOTH)
    ("the parent's scanner", 'both operators')
    """
    return actor.value if actor in (Actor.BOTH, Actor.NOBODY) else f"the {actor.value}"


def in_time(at: datetime, instant: datetime) -> str:
    """Return an instant with how far off it is.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    >>> in_time(noon, noon + timedelta(hours=30))
    '2026-11-22T18:00:00Z (in 1d6h)'
    """
    left = instant - at
    return f"{instant_text(instant)} (in {duration_text(left)})" if left > timedelta(0) else instant_text(instant)


def cached_text(wait: Wait) -> str:
    """Return why something is waited for, until when goes with it: caches may hold something, or it is still served."""
    return f"caches may hold the {wait.record}" if wait.interval else f"the {wait.record} is served"


# ---- one sentence ---------------------------------------------------------------------------------------------------


def headline(score: Score) -> str:
    """Return how a transfer stands, in one sentence: how much is done, what is wrong, what is waited for and whose turn it is."""
    return f"{score.plan.facts.domain.removesuffix('.') or '.'}: {'; '.join(_clauses(score))}"


def _clauses(score: Score) -> Iterator[str]:
    done = sum(step.stage is Stage.DONE for step in score.steps)
    if score.is_finished:
        over = len(score.steps) - done
        yield f"all {done} steps are done" if not over else f"{done} steps are done, and {over} not needed any more"
    else:
        yield f"{done} of {len(score.steps)} steps done"
    if score.needs_attention:
        yield f"needs attention: {_attention(score)}"
    under_way = _at(score, Stage.UNDER_WAY)
    if under_way:
        yield _under_way_clause(under_way)
    waiting = _at(score, Stage.WAITS)
    if waiting:
        yield _waiting_clause(score, waiting)
    if score.next_steps:
        yield _turn_clause(score.next_steps, "now")
    elif not waiting:
        yield from (_missing_clause(score, step) for step in _at(score, Stage.MISSING)[:1])


def _at(score: Score, stage: Stage) -> tuple[StepScore, ...]:
    return tuple(step for step in score.steps if step.stage is stage)


def _attention(score: Score) -> str:
    """What is wrong, each kind of finding once and in general terms: the findings have the particulars."""
    names = dict.fromkeys(finding.code for finding in score.at_least(Severity.ERROR))
    told = [_CODES[name].meaning if name in _CODES else name for name in names]
    if not told:
        return verdict_text(score.verdict)
    return told[0] if len(told) == 1 else f"{told[0]}, and {len(told) - 1} more"


def _under_way_clause(steps: tuple[StepScore, ...]) -> str:
    if len(steps) > 1:
        return f"under way: {_by_actor(steps)}"
    (step,) = steps
    has = "have" if step.actor is Actor.BOTH else "has"
    return f"{actor_text(step.actor)} {has} begun to {step.planned.step.action}, and {_not_given(step.lacking)}"


def _not_given(lacking: Iterable[str]) -> str:
    servers = sorted(lacking) or ["some server"]
    return f"{', '.join(servers)} {'does' if len(servers) == 1 else 'do'} not give it yet"


def _waiting_clause(score: Score, waiting: Iterable[StepScore]) -> str:
    """Until when, for what, and what comes then: of several waits the one that is over first."""
    first = min(_until(step) for step in waiting)
    steps = [step for step in waiting if _until(step) == first]
    wait = next((wait for step in steps for wait in step.waits if wait.until == first), None)
    why = "" if wait is None else f", since {cached_text(wait)} until then"
    nobodys = [step for step in steps if step.actor is Actor.NOBODY]
    then = _over_text(nobodys[0].planned) if nobodys else _turn_clause(steps, "then")
    return f"waiting until {in_time(score.at, first)}{why}; {then}"


def _until(step: StepScore) -> datetime:
    assert step.until is not None  # as it is of every step that is not done
    return step.until


def _over_text(planned: PlannedStep) -> str:
    """What is so when a step that is nothing but a wait is over."""
    return f"then {planned.step.action.removeprefix('wait until ')}"


def _turn_clause(steps: Sequence[StepScore], when: str) -> str:
    """Whose turn it is now or then: what one is to do, or who has which steps."""
    if len(steps) > 1:
        return f"{'it is' if when == 'now' else 'then it is'} the turn of {_by_actor(steps)}"
    (step,) = steps
    return f"{actor_text(step.actor)} may {when} {step.planned.step.action}"


def _by_actor(steps: Iterable[StepScore]) -> str:
    """Who has which steps."""
    by_actor: dict[Actor, list[str]] = {}
    for step in steps:
        by_actor.setdefault(step.actor, []).append(step.id)
    return _listed([f"{actor_text(actor)} ({', '.join(those)})" for actor, those in by_actor.items()])


def _listed(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _missing_clause(score: Score, step: StepScore) -> str:
    lacking = step.missing[0]
    return f"{step.id} cannot begin until this holds: {lacking.needed}; it is at the hands of {_hands(score, lacking)}"


def _hands(score: Score, lacking: Lacking) -> str:
    return actor_text(score.step(lacking.step_id).actor)


# ---- the steps ------------------------------------------------------------------------------------------------------


def when_text(step: StepScore) -> str:
    """Return since when a step is done, or when it may begin."""
    match step.stage:
        case Stage.DONE:
            return "" if step.since is None else instant_text(step.since)
        case Stage.UNDER_WAY:
            return "begun" if step.since is None else f"after {instant_text(step.since)}"
        case Stage.MAY_BEGIN:
            return "now"
        case Stage.WAITS:
            return f"until {instant_text(_until(step))}"
        case Stage.MISSING:
            return "not yet"
        case Stage.LATER:
            return f"not before {instant_text(_until(step))}"
        case Stage.OVER:
            return "never"
        case _:
            assert_never(step.stage)


def reason_texts(score: Score, step: StepScore) -> tuple[str, ...]:
    """Return why a step stands where it does: what shows that it is done, what it waits for, or what is missing, and whose it is."""
    match step.stage:
        case Stage.DONE:
            return (step.by,) if step.by else ()
        case Stage.UNDER_WAY:
            return (_not_given(step.lacking),)
        case Stage.MAY_BEGIN:
            return (_done_when(step),)
        case Stage.WAITS:
            waits = [f"{cached_text(wait)} until {instant_text(wait.until)}: {_counted(wait)}" for wait in step.waits]
            return tuple(waits) or (f"its time is {instant_text(_until(step))}",)
        case Stage.MISSING:
            return tuple(f"missing: {missing_text(score, each)}" for each in step.missing)
        case Stage.LATER:
            return (f"comes after {', '.join(_named(each) for each in _directly_before(score, step))}",)
        case Stage.OVER:
            return ("was not done, and nothing is left to be done: the losing operator has stopped",)
        case _:
            assert_never(step.stage)


def _counted(wait: Wait) -> str:
    return f"{duration_text(wait.interval)} from {wait.since} at {instant_text(wait.counted_from)} ({wait.rule})"


def _done_when(step: StepScore) -> str:
    if step.needs_saying:
        return f"done when {step.planned.step.confirmed_by}; no server shows it"
    return f"done when {step.planned.step.confirmed_by}"


def missing_text(score: Score, lacking: Lacking) -> str:
    """Return what is missing for a step, what there is instead, and at whose hands it is."""
    return f"{lacking.step_id} ({_hands(score, lacking)}): {lacking.needed}; {_found_text(lacking)}"


def _found_text(lacking: Lacking) -> str:
    """What there is instead; what a server that was asked did not show has been looked at all the same."""
    return lacking.found.replace("not looked at", "not to be seen")


def _named(step: StepScore) -> str:
    return f"{step.id} ({'a wait' if step.actor is Actor.NOBODY else actor_text(step.actor)})"


def _directly_before(score: Score, step: StepScore) -> tuple[StepScore, ...]:
    """The steps that are not done and that a step comes after, or counts its waits from; none in between."""
    wanted = {*step.planned.step.after, *[wait.since for wait in step.planned.waits]}
    found = [each for each in score.steps if each.id in wanted and each.stage is not Stage.DONE]
    others = [each for each in score.steps if each.id in {lacking.step_id for lacking in step.missing}]
    return tuple(found or [each for each in others if each.stage is not Stage.DONE and each.id != step.id])


# ---- whose turn it is -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Something that somebody may do now, or has to for the transfer to go on.

    Attributes:
        actor: who.
        step_id: the step that it is about.
        what: what is to be done.
        done_when: what shows that it is.
        needs_saying: whether only people can say that it is.
    """

    actor: Actor
    step_id: str
    what: str
    done_when: str
    needs_saying: bool = False


def turns(score: Score) -> tuple[Turn, ...]:
    """Return whose turn it is, those of one actor together, in the order of the flow."""
    found = [*_turns_at_hand(score), *_turns_missing(score)]
    actors = list(dict.fromkeys(turn.actor for turn in found))
    return tuple(sorted(found, key=lambda turn: actors.index(turn.actor)))


def _turns_at_hand(score: Score) -> Iterator[Turn]:
    """The steps that may begin, or are to be finished."""
    for step in score.steps:
        action = step.planned.step.action
        if step.stage is Stage.MAY_BEGIN:
            yield _turn(step, action)
        elif step.stage is Stage.UNDER_WAY:
            yield _turn(step, f"{action}: {_not_given(step.lacking)}")


def _turns_missing(score: Score) -> Iterator[Turn]:
    """What is missing for steps that would be taken now, each thing once."""
    waiting: dict[Lacking, list[str]] = {}
    for step in _at(score, Stage.MISSING):
        for lacking in step.missing:
            waiting.setdefault(lacking, []).append(step.id)
    for lacking, step_ids in waiting.items():
        step = score.step(lacking.step_id)
        if step.actor is not Actor.NOBODY:
            wait = "waits" if len(step_ids) == 1 else "wait"
            yield Turn(
                actor=step.actor,
                step_id=step.id,
                what=f"{_found_text(lacking)}; {', '.join(step_ids)} {wait} for it",
                done_when=lacking.needed,
            )


def _turn(step: StepScore, what: str) -> Turn:
    return Turn(
        actor=step.actor,
        step_id=step.id,
        what=what,
        done_when=step.planned.step.confirmed_by,
        needs_saying=step.needs_saying,
    )


# ---- the servers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLine:
    """How one server, at one address, stands.

    Attributes:
        server: the server.
        outcome: what came of asking it, in words.
        is_well: whether it answered everything.
        is_due: whether it has to, by how far the transfer has come.
        last_answered: when it last answered anything; None where it never has.
        silent_since: since when it has not; None where it does.
    """

    server: Server
    outcome: str
    is_well: bool
    is_due: bool
    last_answered: datetime | None
    silent_since: datetime | None

    @property
    def is_in_trouble(self) -> bool:
        """Whether it has to answer, and does not, or not everything."""
        return self.is_due and not self.is_well

    @property
    def whose(self) -> str:
        """Whose it is."""
        return PARTIES[self.server.source]

    @property
    def heard(self) -> str:
        """When it was last heard, and since when it has not been, where that is so."""
        last = "never answered" if self.last_answered is None else f"last answered {instant_text(self.last_answered)}"
        return last if self.silent_since is None else f"{last}, silent since {instant_text(self.silent_since)}"


def server_lines(score: Score) -> tuple[ServerLine, ...]:
    """Return how each server that was asked stands."""
    followed = score.followed
    seen = {each.server: each for each in followed.course.servers}
    due = {source: is_due(followed, source) for source in Source}
    lines = []
    for each in followed.found.found:
        known = seen.get(each.server)
        lines.append(
            ServerLine(
                server=each.server,
                outcome=_outcome_text(each),
                is_well=all(answer.outcome.is_answer for answer in each.answers),
                is_due=due[each.server.source],
                last_answered=None if known is None else known.last_answered,
                silent_since=None if known is None else known.silent_since,
            )
        )
    return tuple(lines)


def _outcome_text(each: ServerAnswers) -> str:
    failed = [answer for answer in each.answers if not answer.outcome.is_answer]
    if not failed:
        soa = each.answer(rd.SOA)
        rrset = None if soa is None else soa.rrset
        # RFC 1035 section 3.3.13: five numbers end an SOA, and the first of them is the serial.
        return "answers" if rrset is None else f"answers, serial {int.from_bytes(rrset.rdatas[0][-20:-16], 'big')}"
    first = failed[0]
    problem = f" ({first.problem})" if first.problem else ""
    if len(failed) == len(each.answers):
        return f"{first.outcome.value}{problem}"
    types = ", ".join(rd.type_text(answer.rdtype) for answer in failed)
    return f"{first.outcome.value}{problem}, asked for {types}"
