"""Plans -> pages, and plans under way: one HTML file that needs nothing else, made by the template ``plan.html.j2``.

The values that the template prints are worked out here; it has nothing left to compute, and all that facts supply goes
through the filter ``html``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from zonekit.errors import PlanError
from zonekit.findings import Finding, Severity
from zonekit.instants import instant_text
from zonekit.render import render_template
from zonekit.reports.drawing import NARROW, WIDE, date_text, deadlines, draw_plan
from zonekit.reports.outlooks import back_text, saved_text
from zonekit.reports.scores import ServerLine, headline, reason_texts, server_lines, turns
from zonekit.reports.wording import (
    FLOW_TEXTS,
    in_order,
    override_text,
    since_start,
    verdict_text,
    windows_text,
    worth_telling,
)
from zonekit.resources import TemplateDirectory
from zonekit.transfer.answers import DOMAIN_PORT
from zonekit.transfer.course import TtlSeen
from zonekit.transfer.facts import Facts
from zonekit.transfer.history import Happening
from zonekit.transfer.outlook import Outlook, look_ahead
from zonekit.transfer.parties import OperatorFacts
from zonekit.transfer.plan import Plan, PlannedStep
from zonekit.transfer.proof import Bogus, Outage, Safe, Verdict
from zonekit.transfer.readiness import preflight
from zonekit.transfer.score import Score, Stage
from zonekit.transfer.steps import Actor
from zonekit.transfer.waits import Wait
from zonekit.ttl import duration_text

_SIZES: Final = (("wide", WIDE), ("narrow", NARROW))


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """An instant as a page shows it: for people, for programs, and counted from the start."""

    text: str
    iso: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """One of the few instants that stand at the top."""

    what: str
    when: When
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a step waits.

    Attributes:
        record: what has to leave the caches.
        interval: how long that takes.
        since: from which event.
        rule: who says so.
        until: when it is over, counted from the start.
        binds: whether this is what holds the step up.
    """

    record: str
    interval: str
    since: str
    rule: str
    until: str
    binds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMark:
    """How far a step has come, as the table shows it.

    Attributes:
        word: the stage.
        look: a word for the style sheet.
        reasons: why it stands there; not the waits, which the table tells anyway.
    """

    word: str
    look: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step as the table shows it; ``stage`` is None where nobody has looked."""

    number: int
    id: str
    actor: str
    action: str
    confirmed_by: str
    when: When
    done: When | None
    recorded: bool
    switch: bool
    reasons: tuple[Reason, ...]
    back: str
    stage: StageMark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that the plan rests on."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactGroup:
    """What the plan rests on about one party."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideItem:
    """A step that was begun although something was missing: who answered for it and why, and what it was."""

    text: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnItem:
    """What somebody may do now."""

    who: str
    step: str
    what: str
    done_when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRow:
    """A server as the table shows it."""

    name: str
    address: str
    whose: str
    outcome: str
    look: str
    heard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingItem:
    """A finding as the list shows it."""

    severity: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlRow:
    """A TTL that was seen, as the table shows it."""

    record: str
    ttl: str
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """How a transfer stands, as its page shows it.

    Attributes:
        headline: that in one sentence.
        needs_attention: whether something does.
        at: when its servers were asked.
        turns: whose turn it is.
        servers: what each server answered.
        findings: what is to be said of them, and of the rest.
        infos: that there are others that are good to know and no more, or that nothing is wrong.
        ttls: every TTL that was seen.
        history: what happened, the last first.
    """

    headline: str
    needs_attention: bool
    at: When
    turns: tuple[TurnItem, ...]
    servers: tuple[ServerRow, ...]
    findings: tuple[FindingItem, ...]
    infos: str
    ttls: tuple[TtlRow, ...]
    history: tuple[str, ...]


def render_status_page(
    score: Score,
    *,
    history: Iterable[Happening] = (),
    own_templates: TemplateDirectory | None = None,
) -> str:
    """Return the page of a plan with how far it has come: :func:`render_plan_page` with the score at the top.

    Args:
        score: the score.
        history: what happened so far.
        own_templates: as for a plan.

    Raises:
        RenderError: the template cannot be printed, or a name in the facts has control characters in it.
        TimeError: a date lies beyond 2106.
    """
    return _page(score.plan, score.verdict, look_ahead(score.plan), own_templates, score, tuple(history))


def render_plan_page(
    plan: Plan,
    verdict: Verdict,
    *,
    outlook: Outlook | None = None,
    own_templates: TemplateDirectory | None = None,
) -> str:
    """Return a plan as one HTML page that needs nothing else: no script, no font, no picture from anywhere.

    Args:
        plan: the plan.
        verdict: what :func:`zonekit.transfer.plan.prove` says of it.
        outlook: what :func:`zonekit.transfer.outlook.look_ahead` says of it; looked up unless given.
        own_templates: the user's directory of templates; its ``plan.html.j2`` comes before the one shipped.

    Raises:
        RenderError: the template cannot be printed, or a name in the facts has control characters in it.
        TimeError: a date lies beyond 2106.
    """
    return _page(plan, verdict, outlook or look_ahead(plan), own_templates, None, ())


def _page(
    plan: Plan,
    verdict: Verdict,
    outlook: Outlook,
    own_templates: TemplateDirectory | None,
    score: Score | None,
    history: tuple[Happening, ...],
) -> str:
    """The page of a plan, with a score where there is one."""
    trouble = None if isinstance(verdict, Safe) else verdict.at
    now = None if score is None or score.is_finished else score.at
    stages = {} if score is None else _stages(score)
    switch = plan.step("ns-changed")
    switched = switch.completed if score is not None and switch.recorded else None
    backs = {back.step_id: _sentence(f"back from here: {back_text(back)}") for back in outlook.turning_back}
    return render_template(
        "plan.html.j2",
        own_templates=own_templates,
        present=None if score is None else _present(score, history),
        domain=plan.facts.domain.removesuffix(".") or ".",
        flow=plan.flow.value,
        flow_text=FLOW_TEXTS[plan.flow],
        is_safe=isinstance(verdict, Safe),
        headline=_headline(verdict),
        verdict=_sentence(verdict_text(verdict)),
        story="" if isinstance(verdict, Safe) else verdict.story,
        proven_for=verdict.profiles if isinstance(verdict, Safe) else (),
        insecure=windows_text(verdict.insecure) if isinstance(verdict, Safe) else (),
        milestones=tuple(_milestones(plan, switched)),
        switched=None if switched is None else _when(plan, switched),
        critical_path=outlook.critical_path,
        saved=saved_text(outlook),
        latest_start=None if outlook.latest_start is None else _when(plan, outlook.latest_start),
        no_return=outlook.point_of_no_return,
        switch_reason=_reason(plan, wait, binds=True) if (wait := plan.switchover_because) else None,
        switch_not_before=_when(plan, plan.step("ns-changed").not_before),
        simple_rule=_simple_rule(plan),
        deadlines=tuple(_deadlines(plan)),
        reference=plan.profiles[0].name,
        drawings=tuple([(name, draw_plan(plan, form, trouble=trouble, now=now)) for name, form in _SIZES]),
        steps=tuple(
            _step_row(plan, number, planned, backs[planned.id], stages.get(planned.id))
            for number, planned in enumerate(in_order(plan), start=1)
        ),
        overrides=tuple(_overrides(plan)),
        findings=preflight(plan.facts, flow=plan.flow, plan=plan),
        groups=tuple(_groups(plan.facts)),
    )


def _headline(verdict: Verdict) -> str:
    match verdict:
        case Safe(insecure=()):
            return "Proven safe"
        case Safe():
            return "Safe, and unsigned for a while"
        case Bogus():
            return "Not safe: it can go bogus"
        case Outage():
            return "Not safe: it can be out of reach"
        case _:
            assert_never(verdict)


def _sentence(text: str) -> str:
    return f"{_capital(text)}."


def _when(plan: Plan, instant: datetime) -> When:
    return When(text=date_text(instant), iso=instant_text(instant), since=since_start(plan.start, instant))


def _milestones(plan: Plan, switched: datetime | None) -> Iterator[Milestone]:
    yield Milestone(what="begins", when=_when(plan, plan.start))
    if switched is None:
        yield Milestone(what="name servers change", when=_when(plan, plan.switchover), look="switch")
    else:
        yield Milestone(what="name servers have changed by", when=_when(plan, switched), look="switch")
    for planned in plan.steps:
        if planned.id == "losing-unreachable":
            yield Milestone(what="nobody asks the losing servers", when=_when(plan, planned.started))
    yield Milestone(what="all done", when=_when(plan, plan.finished))


def _simple_rule(plan: Plan) -> When | None:
    try:
        return _when(plan, plan.by_longest_ttl.by_longest_ttl)
    except PlanError:  # a flow in which the rule says nothing
        return None


def _deadlines(plan: Plan) -> Iterator[Milestone]:
    for source, instant in deadlines(plan.facts):
        yield Milestone(what=f"signatures of the {source.value} operator expire", when=_when(plan, instant))


def _step_row(plan: Plan, number: int, planned: PlannedStep, back: str, stage: StageMark | None) -> StepRow:
    by_somebody = planned.step.actor is not Actor.NOBODY
    # Where servers were asked, a step counts from when every one of them gave it.
    is_seen_done = stage is not None and planned.recorded
    started = planned.completed if is_seen_done else planned.started
    return StepRow(
        number=number,
        id=planned.id,
        actor=planned.step.actor.value if by_somebody else "a wait",
        action=planned.step.action,
        confirmed_by=planned.step.confirmed_by if by_somebody else "",
        when=_when(plan, started),
        done=_when(plan, planned.completed) if planned.completed > started else None,
        recorded=planned.recorded,
        switch=planned.id == "ns-changed",
        reasons=tuple([_reason(plan, wait, binds=wait is planned.because) for wait in worth_telling(planned)]),
        back=back,
        stage=stage,
    )


def _reason(plan: Plan, wait: Wait, *, binds: bool) -> Reason:
    return Reason(
        record=wait.record,
        interval=duration_text(wait.interval),
        since=wait.since,
        rule=wait.rule,
        until=since_start(plan.start, wait.until),
        binds=binds,
    )


def _stages(score: Score) -> dict[str, StageMark]:
    return {
        step.id: StageMark(
            word=step.stage.value,
            look=step.stage.name.lower().replace("_", "-"),
            reasons=() if step.stage is Stage.WAITS else tuple(map(_capital, reason_texts(score, step))),
        )
        for step in score.steps
    }


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _present(score: Score, history: tuple[Happening, ...]) -> Present:
    shown = score.at_least(Severity.WARNING)
    return Present(
        headline=headline(score),
        needs_attention=score.needs_attention,
        at=_when(score.plan, score.at),
        turns=tuple(
            TurnItem(who=turn.actor.value, step=turn.step_id, what=turn.what, done_when=turn.done_when)
            for turn in turns(score)
        ),
        servers=tuple(map(_server_row, server_lines(score))),
        findings=tuple(FindingItem(severity=each.severity.name.lower(), text=each.text()) for each in shown),
        infos=_infos_text(shown, len(score.findings) - len(shown)),
        ttls=tuple(map(_ttl_row, score.followed.course.ttls)),
        history=tuple(map(str, reversed(history))),
    )


def _infos_text(shown: Collection[Finding], infos: int) -> str:
    """How many findings there are beside those that are shown."""
    more = f"{infos} finding{' is' if infos == 1 else 's are'} good to know and no more."
    return f"Beside that, {more}" if shown else f"Nothing is wrong; {more}"


def _server_row(line: ServerLine) -> ServerRow:
    port = "" if line.server.port == DOMAIN_PORT else f" port {line.server.port}"
    look = "well" if line.is_well else "trouble" if line.is_due else "not-due"
    return ServerRow(
        name=line.server.name.removesuffix("."),
        address=f"{line.server.address}{port}",
        whose=line.whose.removeprefix("the "),
        outcome=line.outcome if line.is_well or line.is_due else f"{line.outcome}; it need not yet, or any more",
        look=look,
        heard=line.heard,
    )


def _ttl_row(seen: TtlSeen) -> TtlRow:
    return TtlRow(
        record=f"{seen.record.value} of the {seen.source.value} side",
        ttl=duration_text(seen.ttl),
        first_seen=date_text(seen.first_seen),
        last_seen=date_text(seen.last_seen),
    )


def _overrides(plan: Plan) -> Iterator[OverrideItem]:
    for each in plan.journal.overrides:
        yield OverrideItem(text=override_text(each), missing=tuple(map(str, each.missing)))


def _groups(facts: Facts) -> Iterator[FactGroup]:
    """What the plan rests on, party by party."""
    yield FactGroup(title="Losing operator", facts=tuple(_operator_facts(facts.losing)))
    yield FactGroup(title="Gaining operator", facts=tuple(_operator_facts(facts.gaining)))
    parent, timing = facts.parent, facts.timing
    names = sorted(entry.key.name for entry in parent.ds)
    yield FactGroup(
        title="Parent zone",
        facts=(
            Fact(name="DS", value="; ".join(names) or "none"),
            Fact(name="DS TTL", value=duration_text(parent.ds_ttl)),
            Fact(name="NS TTL", value=duration_text(parent.ns_ttl)),
            Fact(name="no-DS TTL", value=duration_text(parent.negative_ttl)),
            Fact(name="registration delay", value=duration_text(parent.registration_delay)),
            Fact(name="propagation delay", value=duration_text(parent.propagation_delay)),
        ),
    )
    extra = [
        Fact(
            name="TTLs lowered to",
            value=duration_text(timing.lowered_ttl),
        )
    ]
    for name, margin in (
        ("publish-safety", timing.publish_safety),
        ("retire-safety", timing.retire_safety),
        ("stale margin", timing.stale_margin),
    ):
        if margin > timedelta(0):
            extra.append(Fact(name=name, value=duration_text(margin)))
    for seen in facts.ledger.observations:
        name = f"{seen.record.value} of the {seen.source.value} side"
        until = "" if seen.until is None else f" until {date_text(seen.until)}"
        extra.append(Fact(name=name, value=f"TTL {duration_text(seen.ttl)}{until}"))
    for overlap in facts.shared_servers:
        value = f"servers of the {overlap.asked.value} side answer for it"
        extra.append(Fact(name=f"{overlap.answers.value} zone", value=value))
    yield FactGroup(title="Transfer", facts=tuple(extra))


def _operator_facts(operator: OperatorFacts) -> Iterator[Fact]:
    keys = [f"{each.key.name} (algorithm {each.key.algorithm})" for each in operator.keys]
    yield Fact(name="keys", value="; ".join(keys) or "none: not signed")
    yield Fact(name="NS TTL", value=duration_text(operator.ns_ttl))
    yield Fact(name="DNSKEY TTL", value=duration_text(operator.dnskey_ttl))
    yield Fact(name="largest other TTL", value=duration_text(operator.data_ttl))
    yield Fact(name="propagation delay", value=duration_text(operator.propagation_delay))
    if operator.signatures_expire is not None:
        yield Fact(name="signatures expire", value=date_text(operator.signatures_expire))
