"""The check of a transfer at a step: is each claim true, what is missing until the NS may change, what would break now.

:func:`check_transfer` takes what was seen and the step that the transfer claims to be at; that step counts as done, and with it
all that it comes after. A legal intermediate state comes back as expected at that step, never as an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from zonekit.errors import PlanError
from zonekit.findings import Finding, Severity
from zonekit.instants import instant_text
from zonekit.transfer import codes
from zonekit.transfer.claims import Claim, Rest, claims_of, rest_of, standing_claims, steps_done, superseded_by
from zonekit.transfer.expected import as_expected, delegation_findings, findings_at
from zonekit.transfer.facts import Facts
from zonekit.transfer.gate import check_domain, is_confirmed, may_begin, see_step
from zonekit.transfer.hazards import Break, breaks_of
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Lacking, Missing
from zonekit.transfer.judging import Judged, Truth, judge, view_of
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import Plan, PlannedStep, steps_for
from zonekit.transfer.profiles import PROFILES, ResolverProfile
from zonekit.transfer.served import TtlAbove, largest_ttl, ttls_above
from zonekit.transfer.sides import signer_of_key
from zonekit.transfer.sightings import Sighting
from zonekit.transfer.steps import STEPS, Actor, Effect, Flow, Step, WaitFor, with_shared_servers
from zonekit.transfer.versions import Source
from zonekit.transfer.views import Look, View
from zonekit.transfer.waits import Wait
from zonekit.ttl import duration_text, to_ttl

if TYPE_CHECKING:
    from concurrent.futures import Executor

BY_THIS_CHECK: Final = "the transfer check"
_NS_CHANGES: Final = (Effect.NS_AT_PARENT, Effect.NS_AT_LOSING)
_TTLS_KNOWN: Final = "every TTL that is served is known where the waits are reckoned"
_CACHED: Final = {
    WaitFor.LOSING_DNSKEY_MERGED: (Source.LOSING, Record.DNSKEY),
    WaitFor.BOTH_DS: (Source.PARENT, Record.DS),
    WaitFor.NO_DS: (Source.PARENT, Record.DS),
}
"""What has to leave the caches before the NS change. What gaining servers give is in no cache yet, and shows."""
_UNREACHABLE: Final = "losing-unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that the NS change rests on and that is not known to be there.

    Attributes:
        step_id: the step that it belongs to.
        actor: at whose hands it is; nobody's where something has to leave the caches and no plan says when it has.
        claim: the claim that is not true, or not seen; None where it is not a matter of one.
        needed: what is needed.
        found: what there is instead.
    """

    step_id: str
    actor: Actor
    claim: Claim | None
    needed: str
    found: str

    def __str__(self) -> str:
        return f"{self.step_id} ({self.actor.value}): {self.needed}; {self.found}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCheck:
    """What a check of a transfer came to.

    Attributes:
        sighting: what was seen.
        claimed: the ids of the steps that the transfer claims to be at, those on record in the plan among them.
        done: the ids of the steps that are done when these are, in the order of the flow.
        claims: every claim that has to hold then, in the order in which it came to, and whether it does.
        by_people: the ids of the done steps that nobody can see in zones and parent, and that people have to confirm.
        missing: what the NS change rests on and is not known to be there, without a plan all that has to leave the caches
            before too; nothing where the NS change is done.
        breaks: what of all that is served now would break if the NS changed now; what caches hold from before is a matter of
            the waits, or of what is missing at nobody's hands. None where too little was looked at to say, or no resolver is
            led to the losing servers any more.
        waits: the waits of the plan that are not over: of the NS change, or of what comes next where that is done.
        decision: what the gate says of the NS change, or of the first step that somebody takes next where that is done; None
            without a plan. Whatever is missing or would break is missing for the NS change too, and so is a record of what
            waits are counted from, where nothing shows that it was done by the planned date.
        findings: all of it as findings, with what the verifier finds in both zones, the gravest first.
    """

    sighting: Sighting
    claimed: tuple[str, ...]
    done: tuple[str, ...]
    claims: tuple[Judged, ...]
    by_people: tuple[str, ...]
    missing: tuple[Need, ...]
    breaks: tuple[Break, ...] | None
    waits: tuple[Wait, ...]
    decision: Decision | None
    findings: tuple[Finding, ...]

    @property
    def is_true(self) -> bool:
        """Whether every claim is seen to be true."""
        return all(each.truth is Truth.TRUE for each in self.claims)

    @property
    def is_clean(self) -> bool:
        """Whether nothing of severity ERROR was found."""
        return not self.at_least(Severity.ERROR)

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of this severity or a graver one."""
        return tuple(finding for finding in self.findings if finding.severity >= severity)

    def that_are(self, truth: Truth) -> tuple[Judged, ...]:
        """Return the claims of which this is so."""
        return tuple(each for each in self.claims if each.truth is truth)


def check_transfer(
    sighting: Sighting,
    *,
    step: str | Iterable[str],
    flow: Flow | None = None,
    plan: Plan | None = None,
    facts: Facts | None = None,
    profiles: Iterable[ResolverProfile] | None = None,
    evidence: Iterable[Evidence] = (),
    lowered_ttl: int | None = None,
    executor: Executor | None = None,
    look: Look | None = None,
) -> TransferCheck:
    """Return what was seen says of the claim that a transfer is at a step.

    Steps that do not come after each other are done in any order: where several have been, name the last of each line.

    Args:
        sighting: what was seen.
        step: the id of the step that the transfer claims to be at, or several. Where ``shared-serve`` is among them, or the
            facts say that servers are shared, the steps are those of :func:`~zonekit.transfer.steps.with_shared_servers`.
        flow: the way the transfer is carried out; that of the plan, or else ``operator-change``.
        plan: the plan, whose steps, facts and waits then count; the steps that it has on record by then are claimed too.
        facts: what is known about the domain, where there is no plan.
        profiles: the resolvers that nothing may break for; those of the plan, or else ``PROFILES``.
        evidence: what has been seen and said before, for the gate; what this check shows, and what the plan
            has on record, is added.
        lowered_ttl: what the TTLs were to be lowered to, in seconds, where no plan says so; as the facts say, or else 600.
        executor: where the zones are verified; here and now when there is none.
        look: what follows from what was seen, where that has been worked out already; the executor is then not used.

    Raises:
        PlanError: the flow has no such step, facts, another flow or a lowered TTL beside a plan, or a plan or facts of another
            domain.
        TtlError: ``lowered_ttl`` is not a TTL.
    """
    if plan is not None and lowered_ttl is not None:
        raise PlanError(
            f"{sighting.domain}: a plan and a lowered TTL are given", remedy="give the plan, which says both"
        )
    claimed = _claimed((step,) if isinstance(step, str) else tuple(step), plan, sighting)
    steps, known, chosen = _what_counts(sighting, claimed, flow, plan, facts, profiles)
    if look is None:
        look = Look(sighting, executor, None if lowered_ttl is None else to_ttl(lowered_ttl))
    view = view_of(look, steps, claimed, known)
    claims = tuple(judge(view, each) for each in standing_claims(steps, claimed, view.at_hand))
    seen = tuple(evidence)
    switch = _switch(steps)
    breaks = None if _UNREACHABLE in view.done_marks else breaks_of(view, profiles=chosen)
    held = frozenset(each.claim for each in claims)
    following = (switch,) if view.done_marks.isdisjoint(_NS_CHANGES) else _following(view, held)
    above = tuple(ttls_above(view)) if any(each.waits for each in steps if each not in view.done) else ()
    missing = tuple(_missing(view, switch, plan, seen, above))
    decision = None
    if plan is not None and following:
        asked = _to_decide(view, following)
        lacking = [*_lacking(missing, breaks if switch in following else None, switch)]
        if not missing:
            lacking += [Lacking(step_id=asked.id, needed=_TTLS_KNOWN, found=str(each)) for each in above]
        decision = _decision(view, plan, asked, held, seen, lacking)
    return TransferCheck(
        sighting=sighting,
        claimed=claimed,
        done=tuple(each.id for each in view.done),
        claims=claims,
        by_people=tuple(each.id for each in view.done if rest_of(each) is Rest.PEOPLE),
        missing=missing,
        breaks=breaks,
        waits=() if plan is None else tuple(_waits(view, plan, following)),
        decision=decision,
        findings=_findings(view, claims, breaks, switch, above),
    )


def _claimed(steps: tuple[str, ...], plan: Plan | None, sighting: Sighting) -> tuple[str, ...]:
    """The steps that are claimed to be done: those that are named, and those that a plan has on record by then."""
    if plan is None or not steps:
        return steps
    recorded = [planned.id for planned in plan.steps if planned.recorded and planned.completed <= sighting.at]
    return tuple(dict.fromkeys((*steps, *recorded)))


def _what_counts(
    sighting: Sighting,
    claimed: tuple[str, ...],
    flow: Flow | None,
    plan: Plan | None,
    facts: Facts | None,
    profiles: Iterable[ResolverProfile] | None,
) -> tuple[tuple[Step, ...], Facts | None, tuple[ResolverProfile, ...]]:
    """The steps, the facts and the profiles that a check goes by."""
    if plan is not None:
        check_domain(plan.facts, sighting)
        if facts is not None or flow not in (None, plan.flow):
            raise PlanError(
                f"{sighting.domain}: a plan and {'facts' if facts is not None else 'another flow'} are given",
                remedy="give the plan alone, which says both",
            )
        chosen = plan.resolvers if profiles is None else tuple(profiles)
        return tuple(planned.step for planned in plan.steps), plan.facts, chosen
    way = flow or Flow.OPERATOR_CHANGE
    chosen = PROFILES if profiles is None else tuple(profiles)
    if facts is not None:
        check_domain(facts, sighting)
        return steps_for(facts, way), facts, chosen
    steps = STEPS[way]
    return with_shared_servers(steps) if "shared-serve" in claimed else steps, None, chosen


def _switch(steps: Iterable[Step]) -> Step:
    """The step that changes the first NS RRset, at whatever place."""
    return next(step for step in steps if step.effect in _NS_CHANGES)


# ---- what is missing ------------------------------------------------------------------------------------------------


def _missing(
    view: View, switch: Step, plan: Plan | None, evidence: tuple[Evidence, ...], above: Iterable[TtlAbove]
) -> Iterator[Need]:
    """What the NS change rests on and is not known to be there."""
    if not view.done_marks.isdisjoint(_NS_CHANGES):
        return
    resting = steps_done(view.steps, switch.after)
    ahead = view_of(view.look, view.steps, switch.after, view.facts)
    by_step: dict[str, list[Need]] = {step.id: [] for step in resting}
    for standing in standing_claims(view.steps, switch.after, ahead.at_hand):
        judged = judge(ahead, standing)
        if judged.truth is not Truth.TRUE:
            needed = judged.claim.value
            by_step[judged.step_id].append(
                Need(step_id=judged.step_id, actor=judged.actor, claim=judged.claim, needed=needed, found=judged.found)
            )
    for step in resting:
        yield from by_step[step.id]
        if rest_of(step) is Rest.PEOPLE and step not in view.done and not _is_said(view, plan, step, evidence):
            yield Need(
                step_id=step.id, actor=step.actor, claim=None, needed=step.confirmed_by, found="only people can say so"
            )
    if plan is None:
        for wait_for in switch.waits:
            found = _wait_without_plan(view, wait_for)
            if found is not None:
                yield Need(step_id=switch.id, actor=Actor.NOBODY, claim=None, needed=wait_for.value, found=found)
    for each in above:
        yield Need(step_id=switch.id, actor=switch.actor, claim=None, needed=_TTLS_KNOWN, found=str(each))


def _wait_without_plan(view: View, wait_for: WaitFor) -> str | None:
    """What is known of a wait where no plan dates it; None where there is nothing to wait for but what shows."""
    if wait_for not in _CACHED:
        return None
    facts = view.facts
    if facts is None:
        return "not known without a plan"
    if wait_for is WaitFor.NO_DS and not facts.may_be_secure:
        return None
    ttl = largest_ttl(facts, *_CACHED[wait_for])
    return f"not known without a plan: the TTL is {duration_text(ttl)}, counted from when every server had the change"


def _lacking(missing: Iterable[Need], breaks: tuple[Break, ...] | None, switch: Step) -> tuple[Lacking, ...]:
    """All that keeps the NS from changing, whatever is on record, as the gate says it."""
    needed = "every combination of what is served validates and is answered"
    return (
        *(Lacking(step_id=need.step_id, needed=need.needed, found=need.found) for need in missing),
        *(
            Lacking(
                step_id=switch.id,
                needed=needed,
                found=f"{' + '.join(each.records)} would not under {'; '.join(each.profiles)}",
            )
            for each in breaks or ()
        ),
    )


def _is_said(view: View, plan: Plan | None, step: Step, evidence: tuple[Evidence, ...]) -> bool:
    """Whether a step is on record, or somebody has confirmed it."""
    return plan is not None and (step.id in plan.events or is_confirmed(plan, step.id, evidence, now=view.at))


def _following(view: View, held: frozenset[Claim]) -> tuple[Step, ...]:
    """The steps that come next, but for those that would change nothing any more."""
    over = superseded_by(held)
    claims = {step.id: claims_of(step, view.steps) for step in view.at_hand}
    return tuple(step for step in view.at_hand if not claims[step.id] or not over.issuperset(claims[step.id]))


def _waits(view: View, plan: Plan, following: Iterable[Step]) -> Iterator[Wait]:
    waits = [wait for step in following for wait in plan.step(step.id).waits if wait.until > view.at]
    yield from dict.fromkeys(sorted(waits, key=lambda wait: wait.until))


def _to_decide(view: View, following: tuple[Step, ...]) -> Step:
    """The step that the gate is asked about: the first that somebody takes, now or when a mere wait is over."""
    passing = {step.id for step in (*view.done, *following)}
    ahead = [step for step in view.steps if step not in view.done and passing.issuperset(step.after)]
    return next((step for step in (*following, *ahead) if step.actor is not Actor.NOBODY), following[0])


def _decision(
    view: View,
    plan: Plan,
    following: Step,
    held: frozenset[Claim],
    evidence: tuple[Evidence, ...],
    lacking: Iterable[Lacking],
) -> Decision:
    """What the gate says of a step, with what is on record and what this check shows of the steps that are not superseded.

    Beside what the gate is missing, it is missing what is lacking otherwise, and a record of what the waits count from.
    """
    shown = [
        Evidence(step_id=planned.id, seen=planned.completed, by="the record of the plan")
        for planned in plan.steps
        if planned.recorded and planned.step.actor is not Actor.NOBODY
    ]
    shown += evidence
    for step in view.done:
        if held.issuperset(claims_of(step, view.steps)):
            try:
                shown.append(see_step(plan, step.id, view.sighting, by=BY_THIS_CHECK, look=view.look))
            except PlanError:
                continue  # what does not show, or only people can say
    decision = may_begin(plan, following.id, shown, now=view.at)
    missing = [] if isinstance(decision, Confirmed) else list(decision.missing)
    unconfirmed = {each.step_id for each in missing} - {following.id}
    missing += [each for each in lacking if each.step_id not in unconfirmed]
    unconfirmed |= {each.step_id for each in missing} - {following.id}
    missing += [each for each in _not_recorded(plan, following, shown, view.at) if each.step_id not in unconfirmed]
    return Missing(step_id=following.id, at=view.at, missing=tuple(missing)) if missing else decision


def _not_recorded(plan: Plan, following: Step, shown: Iterable[Evidence], at: datetime) -> Iterator[Lacking]:
    """The steps that waits count from and that nobody has recorded, where nothing shows that they were done by then.

    Waits count from when a change is effective, and a planned date says nothing about that. One that was seen to be done by
    the planned date was so then, so that its waits are over by their dates.
    """
    seen = tuple(shown)
    for planned in _counted_from(plan, plan.step(following.id)):
        done = [each for each in seen if each.step_id == planned.id and each.seen <= at]
        lacked = [each.seen for each in done if each.lacking]
        first = min((each.seen for each in done if not lacked or each.seen > max(lacked)), default=None)
        if not planned.recorded and (first is None or first > planned.completed):
            found = "nothing has been seen of it" if first is None else f"seen to be done at {instant_text(first)}"
            yield Lacking(
                step_id=planned.id,
                needed="a record of when it was done",
                found=f"{found}; the waits count from when it was",
            )


def _counted_from(plan: Plan, planned: PlannedStep) -> Iterator[PlannedStep]:
    """The steps that somebody takes and that the waits of a step are counted from, directly or by waits that nobody takes.

    Where nothing has to leave the caches, a step that is seen to be done leaves nothing to wait for.
    """
    mere = {each.id for each in plan.steps if each.step.actor is Actor.NOBODY}
    pending = [planned]
    since: set[str] = set()
    while pending:
        one = pending.pop()
        counted = {wait.since for wait in one.waits if wait.interval or one is not planned or wait.since in mere}
        counted |= mere.intersection(one.step.after)
        pending += [plan.step(step_id) for step_id in sorted((counted & mere) - since)]
        since |= counted
    yield from (each for each in plan.steps if each.id in since - mere)


# ---- findings -------------------------------------------------------------------------------------------------------


def _findings(
    view: View, claims: Iterable[Judged], breaks: tuple[Break, ...] | None, switch: Step, above: Iterable[TtlAbove]
) -> tuple[Finding, ...]:
    found = [
        replace(finding, message=f"the {source.value} zone: {finding.message}")
        for source in view.sides
        for finding in findings_at(view, source)
    ]
    found += delegation_findings(view)
    found += [*_shared_keys(view), *_silent_keys(view, claims)]
    found += [codes.TTL_ABOVE_PLAN.found(view.apex, each.rdtype, str(each)) for each in above]
    for judged in claims:
        place = f"{judged.found}, claimed by step {judged.step_id} ({judged.actor.value})"
        match judged.truth:
            case Truth.FALSE:
                found.append(codes.CLAIM_CODES[judged.claim].found(view.apex, "", place))
            case Truth.NOT_SEEN:
                found.append(codes.NOT_SEEN.found(view.apex, "", f"{judged.claim.value}: {place}"))
            case Truth.TRUE:
                pass
    # Before all that the NS change rests on is claimed, nobody says that it may change.
    is_due = view.done_marks.issuperset(switch.after) or not view.done_marks.isdisjoint(_NS_CHANGES)
    for each in breaks or ():
        if each.is_so_already:
            found.append(codes.BREAKS_NOW.found(view.apex, "", str(each)))
        else:
            broken = codes.WOULD_BREAK.found(view.apex, "", str(each))
            found.append(broken if is_due else as_expected(view, broken, (switch.id,)))
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: -finding.severity))


def _silent_keys(view: View, claims: Iterable[Judged]) -> Iterator[Finding]:
    """Keys that the gaining zone need not have taken if they are what they seem to be."""
    if not any(each.claim is Claim.GAINING_HAS_LOSING_KEYS and each.truth is Truth.TRUE for each in claims):
        return
    needed = view.losing.keys_for_others
    for key in view.losing.own:
        if key not in needed and key not in view.losing.signing_dnskey and key not in view.gaining.keys:
            yield codes.KEY_NOT_TAKEN.found(
                view.apex,
                "DNSKEY",
                f"key {key.key_tag} of the losing zone signs nothing there, and the gaining zone lacks it",
            )


def _shared_keys(view: View) -> Iterator[Finding]:
    """Keys that sign both zones, of which nobody can say whose they are."""
    signing = {
        source: {*side.data_signers, *map(signer_of_key, side.signing_dnskey)} for source, side in view.sides.items()
    }
    for key in view.losing.keys:
        if key in view.gaining.keys and all(signer_of_key(key) in signers for signers in signing.values()):
            yield codes.KEY_OF_BOTH.found(
                view.apex, "DNSKEY", f"key {key.key_tag} signs the losing and the gaining zone"
            )
