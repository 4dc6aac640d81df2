"""Planning transfers and proving the plans; and how the proof grows with what there is to look at."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import BenchError, Kind, Row, Sample, progress
from zonekit.transfer import (
    PROFILES,
    Channel,
    DataVersion,
    DsEntry,
    Facts,
    Flow,
    Key,
    OperatorFacts,
    OperatorKey,
    ParentFacts,
    Safe,
    Schedule,
    Source,
    plan_transfer,
    prove,
    prove_schedule,
)
from zonekit.ttl import Ttl

_NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
_DAY: Final = Ttl(86400)
_MORE_VERSIONS: Final = (0, 10, 30, 90)


def measure(lab: Lab) -> list[Section]:
    """Measure plans, proofs, and proofs of larger schedules."""
    progress("planning transfers")
    facts = _facts()
    plan = plan_transfer(facts, start=_NOW)
    if not isinstance(prove(plan), Safe):
        raise BenchError("the plan that is measured is not safe")
    repetitions = 25 * lab.scale.apex_repetitions
    rows = [
        _row("plan_transfer", lambda: plan_transfer(facts, start=_NOW), repetitions),
        _row("prove", lambda: prove(plan), repetitions),
        _row("both, a transfer", lambda: prove(plan_transfer(facts, start=_NOW)), repetitions),
    ]
    in_all_flows = [
        _row(flow.value, lambda facts=facts, flow=flow: prove(plan_transfer(facts, flow=flow, start=_NOW)), repetitions)  # type: ignore[misc]
        for flow, facts in _facts_by_flow()
    ]
    schedule = plan.schedule
    for more in _MORE_VERSIONS:
        grown = _grown(schedule, more)
        title = f"the proof of a schedule of {len(grown.versions)} versions"
        rows.append(_row(title, lambda grown=grown: prove_schedule(grown, PROFILES), repetitions))  # type: ignore[misc]
    note = (f"in memory, one after the other: medians of {repetitions}",)
    return [
        Section(
            name="planning",
            title=f"Planning a transfer and proving it for {len(PROFILES)} resolver profiles",
            unit=Unit.MILLISECONDS,
            rows=tuple(rows),
            notes=note,
        ),
        Section(
            name="plans-a-second",
            title=f"Plans a second of one process, each proven for {len(PROFILES)} resolver profiles, by flow",
            unit=Unit.A_SECOND,
            rows=tuple(in_all_flows),
            notes=note,
        ),
    ]


def _facts_by_flow() -> list[tuple[Flow, Facts]]:
    facts = _facts()
    unsigned = {
        Flow.TO_UNSIGNED: replace(facts, gaining=_unsigned(facts.gaining)),
        Flow.FROM_UNSIGNED: replace(
            facts, losing=_unsigned(facts.losing), parent=replace(facts.parent, ds=frozenset())
        ),
    }
    return [(flow, unsigned.get(flow, facts)) for flow in Flow]


def _unsigned(operator: OperatorFacts) -> OperatorFacts:
    return replace(operator, keys=(), dnskey_ttl=operator.negative_ttl)


def _facts() -> Facts:
    losing, gaining = _operator("losing"), _operator("gaining")
    parent = ParentFacts(
        ds=frozenset(DsEntry(key=key, digest_type=2) for key in losing.dnskey_signers),
        ds_ttl=Ttl(2 * _DAY),
        ns_ttl=Ttl(2 * _DAY),
        negative_ttl=Ttl(900),
        registration_delay=timedelta(0),
        scan_delay=timedelta(days=1),
        check_delay=timedelta(hours=1),
        channels=frozenset(Channel),
        propagation_delay=timedelta(hours=1),
    )
    return Facts(domain="example.nl", losing=losing, gaining=gaining, parent=parent)


def _operator(who: str) -> OperatorFacts:
    ksk, zsk = (Key(name=f"{role} of the {who} operator", algorithm=13) for role in ("KSK", "ZSK"))
    keys = OperatorKey(key=ksk, signs_dnskey=True), OperatorKey(key=zsk, signs_data=True)
    delay = timedelta(minutes=5)
    return OperatorFacts(
        keys=keys,
        ns_ttl=_DAY,
        dnskey_ttl=_DAY,
        data_ttl=_DAY,
        negative_ttl=Ttl(900),
        propagation_delay=delay,
        name_servers=frozenset(f"ns{number}.{who}-dns.example" for number in (1, 2, 3)),
    )


def _grown(schedule: Schedule, more: int) -> Schedule:
    """The schedule with as many more versions of the losing operator's data, each served for an hour."""
    data = next(
        version for version in schedule.versions if isinstance(version, DataVersion) and version.source is Source.LOSING
    )
    hours = [_NOW + timedelta(hours=hour) for hour in range(more + 1)]
    added = [
        DataVersion(
            source=data.source, record=data.record, ttl=data.ttl, signatures=data.signatures, start=start, end=end
        )
        for start, end in itertools.pairwise(hours)
    ]
    return Schedule(versions=(*schedule.versions, *added), servings=schedule.servings)


def _row(name: str, work: Callable[[], object], repetitions: int) -> Row:
    samples = []
    for _ in range(repetitions):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        samples.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpus, walls = zip(*samples, strict=True)
    sample = Sample(cpu_seconds=statistics.median(cpus), wall_seconds=statistics.median(walls), peak_kib=0)
    return Row(name=name, kind=Kind.ZONEKIT, items=1, samples=(sample,))
