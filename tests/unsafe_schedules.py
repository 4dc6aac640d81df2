"""The transfers that are unsafe by design, as schedules: what must be found bogus or out, by whatever looks at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tests.test_transfer_plan import DAY, NOW, ds_of, signed_keys, the_facts, unlowered
from zonekit.transfer.facts import Facts
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.profiles import NAMED, STICKY, UNBOUND_HARDENED, WITHOUT_ED448, ResolverProfile
from zonekit.transfer.steps import STEPS, Flow
from zonekit.transfer.timelines import Event, schedule_of
from zonekit.transfer.versions import DnskeyVersion, DsVersion, Overlap, Schedule, Source, Version
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)
FACTS = the_facts()
PLAN = plan_transfer(FACTS, start=NOW)


@dataclass(frozen=True)
class Unsafe:
    """A schedule under which a profile sees the domain bogus, or is sent where nobody answers."""

    schedule: Schedule
    profile: ResolverProfile = NAMED
    is_outage: bool = False


def changed(
    plan: Plan,
    *,
    without: tuple[str, ...] = (),
    moved: Mapping[str, timedelta] | None = None,
    facts: Facts | None = None,
    change: Callable[[Version], Version] = lambda version: version,
) -> Schedule:
    """The schedule of a plan after steps were left out or moved, or something was changed under it."""
    events = {step.id: Event(step.started, step.completed) for step in plan.steps if step.id not in without}
    for step_id, by in (moved or {}).items():
        events[step_id] = Event(events[step_id].started + by, events[step_id].completed + by)
    schedule = schedule_of(facts or plan.facts, STEPS[plan.flow], events)
    return replace(schedule, versions=tuple(map(change, schedule.versions)))


def since(step_id: str, other: str, plan: Plan = PLAN) -> timedelta:
    """By how much a step has to be moved to begin with another."""
    return plan.step(other).started - plan.step(step_id).started


def _without_losing_zsk(version: Version) -> Version:
    if isinstance(version, DnskeyVersion) and version.source is Source.GAINING:
        return replace(version, keys=version.keys - {*FACTS.losing.data_signers})
    return version


def _sha_1_as_it_was(version: Version) -> Version:
    if isinstance(version, DsVersion) and version.record == "DS of both operators":
        losing = FACTS.losing.dnskey_signers
        kept = [entry for entry in version.entries if entry.key not in losing or entry.digest_type == 1]
        return replace(version, entries=frozenset(kept))
    return version


def _before_the_merge() -> Schedule:
    plan = plan_transfer(replace(FACTS, parent=replace(FACTS.parent, ds_ttl=Ttl(600))), start=NOW)
    return changed(plan, moved={"ns-changed": -12 * HOUR})


def _ns_never_changed(*also: str) -> Schedule:
    facts = replace(unlowered(FACTS), losing=replace(unlowered(FACTS).losing, ns_ttl=Ttl(3 * DAY)))
    return changed(plan_transfer(facts, start=NOW), without=("losing-ns-changed", *also))


def _expired() -> Schedule:
    expire = PLAN.step("losing-unreachable").started + HOUR
    return changed(PLAN, facts=replace(FACTS, losing=replace(FACTS.losing, signatures_expire=expire)))


def _sha_1() -> Schedule:
    plan = plan_transfer(replace(FACTS, parent=replace(FACTS.parent, ds=ds_of(FACTS.losing, 1))), start=NOW)
    return changed(plan, change=_sha_1_as_it_was)


def _two_algorithms() -> Schedule:
    facts = replace(FACTS, gaining=replace(FACTS.gaining, keys=signed_keys("gaining", algorithm=16)))
    return changed(plan_transfer(facts, start=NOW, profiles=[NAMED]))


def _overlap(asked: Source) -> Schedule:
    return changed(PLAN, facts=replace(FACTS, overlaps=(Overlap(asked=asked, answers=Source.GAINING),)))


def _short_data() -> Schedule:
    facts = replace(unlowered(FACTS), losing=replace(unlowered(FACTS).losing, data_ttl=Ttl(600), negative_ttl=Ttl(600)))
    plan = plan_transfer(facts, start=NOW)
    early = since("losing-keys-withdrawn", "losing-unreachable", plan) + timedelta(minutes=10)
    return changed(plan, moved={"losing-keys-withdrawn": early})


def _ttl_after_lowering() -> Schedule:
    lowered = replace(
        FACTS,
        losing=replace(FACTS.losing, dnskey_ttl=Ttl(600), ns_ttl=Ttl(600)),
        parent=replace(FACTS.parent, ds_ttl=Ttl(600)),
    )
    seen = Observation(source=Source.LOSING, record=Record.DNSKEY, ttl=Ttl(DAY), until=NOW - HOUR)
    return changed(plan_transfer(lowered, start=NOW), facts=replace(lowered, ledger=Ledger(observations=(seen,))))


def _ds_left_too_late() -> Schedule:
    plan = plan_transfer(FACTS, flow=Flow.THROUGH_INSECURE, start=NOW)
    return changed(plan, moved={"ns-changed": -48 * HOUR})


UNSAFE: Mapping[str, Unsafe] = {
    "a merge one way": Unsafe(changed(PLAN, without=("gaining-merged",))),
    "the losing DS removed with the NS change": Unsafe(
        changed(PLAN, moved={"losing-ds-removed": since("losing-ds-removed", "ns-changed")})
    ),
    "the NS changed before the merge has reached caches": Unsafe(_before_the_merge()),
    "a losing zone that never changes its NS and stops": Unsafe(_ns_never_changed(), is_outage=True),
    "a losing zone that never changes its NS and serves on": Unsafe(_ns_never_changed("losing-stopped")),
    "a gaining DNSKEY RRset without the losing ZSK": Unsafe(changed(PLAN, change=_without_losing_zsk)),
    "signatures that expire behind a cache": Unsafe(_expired()),
    "a SHA-1 DS beside one with SHA-256": Unsafe(_sha_1()),
    "an algorithm that the validator lacks": Unsafe(_two_algorithms(), WITHOUT_ED448),
    "two algorithms where all are asked for": Unsafe(_two_algorithms(), UNBOUND_HARDENED),
    "losing servers that open the gaining zone early": Unsafe(_overlap(Source.LOSING)),
    "servers of the parent that open the gaining zone early": Unsafe(_overlap(Source.PARENT)),
    "the apex NS outlives the losing ZSK": Unsafe(_short_data()),
    "planned from the TTL after the change": Unsafe(_ttl_after_lowering()),
    "the leaver's ZSK dropped after the NS wait only": Unsafe(
        changed(PLAN, moved={"losing-keys-withdrawn": since("losing-keys-withdrawn", "losing-unreachable")})
    ),
    "a losing operator that stops early": Unsafe(changed(PLAN, moved={"losing-stopped": -HOUR}), is_outage=True),
    "a resolver that never leaves": Unsafe(changed(PLAN, without=("losing-ns-changed", "losing-stopped")), STICKY),
    "the NS changed while the DS is still held": Unsafe(_ds_left_too_late()),
}
