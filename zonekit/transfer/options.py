"""Every way to carry out a transfer for what the two sides and the parent can do, ranked, and why the others are not.

A variant is a change of the facts: an operator that could do something and does not, or keys of another algorithm. So
each option is a plan like any other, with the exact model's verdict on it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from zonekit.algorithms import may_sign
from zonekit.errors import PlanError
from zonekit.findings import Finding, Severity
from zonekit.instants import utc
from zonekit.transfer.capabilities import COOPERATING, is_able, lacks
from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability, OperatorFacts, OperatorKey
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.profiles import PROFILES, ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, Safe, Verdict
from zonekit.transfer.readiness import algorithms_of, preflight
from zonekit.transfer.spans import NEVER, Spans, span, total, union
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import DsEntry, Key
from zonekit.ttl import duration_text

_NOTHING: Final = timedelta(0)


class Variant(enum.Enum):
    """What an option does otherwise than the flow as it stands."""

    WITHOUT_LOWERED_TTLS = "without-lowered-ttls"
    """The losing operator leaves its TTLs alone."""
    WITHOUT_LOSING_NS = "without-losing-ns"
    """The losing operator leaves its own NS RRset alone."""
    GAINING_TAKES_ALGORITHM = "gaining-takes-algorithm"
    """The gaining operator signs with the losing one's algorithm, and rolls to its own after the transfer."""
    LOSING_ROLLS_FIRST = "losing-rolls-first"
    """The losing operator rolls to the gaining one's algorithm before the transfer, whose plan begins after that."""


ADVICE: Final[Mapping[Variant, str]] = MappingProxyType(
    {
        Variant.GAINING_TAKES_ALGORITHM: "sign the gaining zone with the losing side's algorithm, and roll to another when the"
        " transfer is over",
        Variant.LOSING_ROLLS_FIRST: "have the losing side roll to the gaining side's algorithm first; the dates count from the"
        " end of that",
    }
)
"""What has to be done about differing algorithms before such an option, the better remedy first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to carry out a transfer.

    Attributes:
        flow: the flow.
        variants: what it does otherwise.
        plan: its dates; None where there can be no plan.
        verdict: what the exact model says of them; None without a plan.
        reasons: why it is not feasible; none where it is.
        advice: what has to be done before.
        risks: what remains at risk, or should be known.
    """

    flow: Flow
    variants: frozenset[Variant]
    plan: Plan | None
    verdict: Verdict | None
    reasons: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    risks: tuple[Finding, ...] = ()

    @property
    def is_feasible(self) -> bool:
        """Whether it can be carried out safely."""
        return not self.reasons

    @property
    def until_switch(self) -> timedelta | None:
        """How long it takes until the NS change at the parent; None without a plan."""
        return None if self.plan is None else self.plan.switchover - self.plan.start

    @property
    def until_finished(self) -> timedelta | None:
        """How long it takes altogether; None without a plan."""
        return None if self.plan is None else self.plan.finished - self.plan.start

    @property
    def insecure_for(self) -> timedelta | None:
        """For how long resolvers that could protect the domain now do not, in the time of the plan; None without a plan.

        What a profile finds insecure before the plan starts, such as an algorithm that it lacks, does not count.
        """
        return None if self.plan is None else _insecure_for(self.plan, self.verdict)

    @property
    def name(self) -> str:
        """A name for people and programs: the flow, and what is otherwise.

        >>> Option(flow=Flow.TO_UNSIGNED, variants=frozenset(), plan=None, verdict=None).name
        'to-unsigned'
        """
        variants = [variant.value for variant in Variant if variant in self.variants]
        return ", ".join([self.flow.value, *variants])


def plan_options(
    facts: Facts, *, start: datetime, profiles: Iterable[ResolverProfile] = PROFILES
) -> tuple[Option, ...]:
    """Return every way to carry out a transfer, the best first, and those that are not feasible with the reasons.

    Feasible ones come first, and of these the ones that keep the domain protected throughout. Then counts how long it
    takes until the NS change, how long altogether, for how long the domain is insecure, and how many findings are left
    that should be dealt with; between equals the order of :class:`Flow` and of the remedies decides.

    Args:
        facts: what is known about the domain, with what each side can do.
        start: the instant before which nothing is done.
        profiles: the resolvers to be safe for.

    Raises:
        TimeError: ``start`` is naive.
    """
    begin, chosen = utc(start), tuple(profiles)
    options = [
        _option(changed, flow, variants, begin, chosen)
        for flow in _flows(facts)
        for variants, changed in _variants(facts, flow)
    ]
    return tuple(sorted(options, key=_rank))


def lowering_saves(
    facts: Facts,
    *,
    start: datetime,
    flow: Flow = Flow.OPERATOR_CHANGE,
    profiles: Iterable[ResolverProfile] = PROFILES,
) -> timedelta:
    """Return how much sooner a plan is done when the losing operator lowers the TTLs of its NS and DNSKEY RRsets.

    Nothing where it cannot, or where another record binds. The DS is never lowered before its change: what caches took
    with the old TTL binds the switch all the same, and only what is served when the gaining DS is added counts (RFC 7583
    section 3.3.2). TTLs that are lowered together with the merge cannot bring the switch forward either; they shorten
    what follows it.

    Raises:
        PlanError: no plan fits the facts.
        TimeError: ``start`` is naive.
    """
    chosen = tuple(profiles)
    with_lower = plan_transfer(facts, flow=flow, start=start, profiles=chosen)
    without = plan_transfer(_losing_without(facts, Capability.LOWER_TTLS), flow=flow, start=start, profiles=chosen)
    return without.finished - with_lower.finished


# ---- what there is to choose from -----------------------------------------------------------------------------------


def _flows(facts: Facts) -> tuple[Flow, ...]:
    """The flows for what is signed; the parent's DS is what makes a domain secure."""
    match facts.losing.is_signed, facts.gaining.is_signed:
        case True, True:
            return (*COOPERATING, Flow.THROUGH_INSECURE)
        case True, False:
            return (Flow.TO_UNSIGNED,)
        case False, True:
            return (Flow.FROM_UNSIGNED,)
        case _:
            raise PlanError(
                f"{facts.domain}: neither zone is signed, so that nothing has to be planned",
                remedy="change the NS, and have the losing operator serve on for the NS TTL",
            )


def _variants(facts: Facts, flow: Flow) -> Iterator[tuple[frozenset[Variant], Facts]]:
    for algorithms, changed in _algorithm_variants(facts, flow):
        yield algorithms, changed
        if flow not in COOPERATING:
            continue
        lowers = is_able(facts.losing, Capability.LOWER_TTLS)
        renames = is_able(facts.losing, Capability.CHANGE_NS) and flow is not Flow.SCANNING_PARENT
        slower = _losing_without(changed, Capability.LOWER_TTLS)
        if lowers:
            yield algorithms | {Variant.WITHOUT_LOWERED_TTLS}, slower
        if renames:
            yield algorithms | {Variant.WITHOUT_LOSING_NS}, _losing_without(changed, Capability.CHANGE_NS)
        if lowers and renames:
            both = {Variant.WITHOUT_LOWERED_TTLS, Variant.WITHOUT_LOSING_NS}
            yield algorithms | both, _losing_without(slower, Capability.CHANGE_NS)


def _losing_without(facts: Facts, capability: Capability) -> Facts:
    return replace(facts, losing=replace(facts.losing, can=facts.losing.can - {capability}))


def _algorithm_variants(facts: Facts, flow: Flow) -> Iterator[tuple[frozenset[Variant], Facts]]:
    """The facts as they are, and where algorithms differ as each remedy would make them."""
    yield frozenset(), facts
    losing, gaining = algorithms_of(facts.losing), algorithms_of(facts.gaining)
    if flow not in COOPERATING or losing == gaining:
        return
    if len(losing) == 1 and all(map(may_sign, losing)):
        changed = replace(facts, gaining=_with_algorithm(facts.gaining, *losing))
        yield frozenset({Variant.GAINING_TAKES_ALGORITHM}), changed
    if len(gaining) == 1:
        rolled = _with_algorithm(facts.losing, *gaining)
        ds = frozenset(
            DsEntry(key=key, digest_type=entry.digest_type)
            for entry in facts.parent.ds
            for key in rolled.dnskey_signers
        )
        changed = replace(facts, losing=rolled, parent=replace(facts.parent, ds=ds))
        yield frozenset({Variant.LOSING_ROLLS_FIRST}), changed


def _with_algorithm(operator: OperatorFacts, algorithm: int) -> OperatorFacts:
    keys = tuple(
        OperatorKey(
            key=each.key if each.key.algorithm == algorithm else Key(name=each.key.name, algorithm=algorithm),
            signs_dnskey=each.signs_dnskey,
            signs_data=each.signs_data,
        )
        for each in operator.keys
    )
    return replace(operator, keys=keys)


# ---- what becomes of it ---------------------------------------------------------------------------------------------


def _option(
    facts: Facts, flow: Flow, variants: frozenset[Variant], start: datetime, profiles: tuple[ResolverProfile, ...]
) -> Option:
    advice = tuple(text for variant, text in ADVICE.items() if variant in variants)
    try:
        plan = plan_transfer(facts, flow=flow, start=start, profiles=profiles)
    except PlanError as error:
        reasons = tuple(map(str, lacks(facts, flow))) or (error.problem,)
        return Option(flow=flow, variants=variants, plan=None, verdict=None, reasons=reasons, advice=advice)
    verdict = prove(plan)
    return Option(
        flow=flow,
        variants=variants,
        plan=plan,
        verdict=verdict,
        reasons=_reasons(verdict),
        advice=advice,
        risks=(*_remaining(facts, plan, verdict), *preflight(facts, plan=plan)),
    )


def _reasons(verdict: Verdict) -> tuple[str, ...]:
    match verdict:
        case Safe():
            return ()
        case Bogus(bogus_for=how_long):
            how = "bogus"
        case Outage(out_for=how_long):
            how = "sent to servers that do not answer"
    lasting = "for ever" if how_long is None else f"for {duration_text(how_long)}"
    return (f"{lasting} resolvers ({verdict.profile}) can be {how}: {verdict.story}",)


def _insecure_for(plan: Plan, verdict: Verdict | None) -> timedelta | None:
    """The longest time that one profile finds insecure, of those that found the domain secure before the start."""
    if not isinstance(verdict, Safe):
        return _NOTHING
    by_profile: dict[str, Spans] = {}
    for window in verdict.insecure:
        by_profile[window.profile] = union(by_profile.get(window.profile, NEVER), span(window.start, window.end))
    before = {window.profile for window in verdict.insecure if window.start is None}
    lengths = [total(spans) for profile, spans in by_profile.items() if profile not in before]
    return None if None in lengths else max((each for each in lengths if each is not None), default=_NOTHING)


def _remaining(facts: Facts, plan: Plan, verdict: Verdict) -> Iterator[Finding]:
    """What the way itself leaves at risk."""
    insecure = _insecure_for(plan, verdict)
    if insecure is None or insecure:
        lasting = "from then on" if insecure is None else f"for {duration_text(insecure)}"
        yield Finding(
            code="insecure-window",
            severity=Severity.WARNING,
            owner=facts.domain,
            message=f"the domain is not protected {lasting}",
            rule="RFC 6781 section 4.3.5.2",
            remedy="choose a flow in which both sides cooperate",
        )


def _rank(option: Option) -> tuple[bool, bool, timedelta, timedelta, timedelta, int, list[int], int, list[int]]:
    never = timedelta.max
    insecure = never if option.insecure_for is None else option.insecure_for
    order = list(Variant)
    return (
        not option.is_feasible,
        bool(insecure),
        never if option.until_switch is None else option.until_switch,
        never if option.until_finished is None else option.until_finished,
        insecure,
        sum(finding.severity >= Severity.WARNING for finding in option.risks),
        [order.index(variant) for variant in ADVICE if variant in option.variants],
        len(option.variants),
        [list(Flow).index(option.flow), *sorted(order.index(variant) for variant in option.variants)],
    )
