"""Transfers that go wrong, each with its story: what a resolver had fetched when, and why it does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.test_transfer_plan import DAY, NOW, SECOND, a_parent, an_operator, ds_of, signed_keys, the_facts, unlowered
from zonekit.errors import PlanError
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.parties import Capability, OperatorFacts
from zonekit.transfer.plan import Plan, plan_transfer, prove
from zonekit.transfer.profiles import NAMED, PROFILES, STICKY, UNBOUND_HARDENED, WITHOUT_ED448, ResolverProfile
from zonekit.transfer.proof import Bogus, Outage, Safe, Verdict, prove_schedule
from zonekit.transfer.steps import STEPS, Flow
from zonekit.transfer.timelines import Event, schedule_of
from zonekit.transfer.versions import DnskeyVersion, DsVersion, Overlap, Schedule, Serving, Source, Version
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)
PLAN = plan_transfer(the_facts(), start=NOW)


def events_of(plan: Plan) -> dict[str, Event]:
    return {step.id: Event(step.started, step.completed) for step in plan.steps}


def verdict_on(
    plan: Plan = PLAN,
    *,
    without: tuple[str, ...] = (),
    moved: Mapping[str, timedelta] | None = None,
    facts: Facts | None = None,
    change: Callable[[Version], Version] = lambda version: version,
    profiles: tuple[ResolverProfile, ...] = PROFILES,
) -> Verdict:
    """The verdict on a plan's dates after something was left out, moved or changed under it."""
    events = events_of(plan)
    events = {step_id: event for step_id, event in events.items() if step_id not in without}
    for step_id, by in (moved or {}).items():
        events[step_id] = Event(events[step_id].started + by, events[step_id].completed + by)
    schedule = schedule_of(facts or plan.facts, STEPS[plan.flow], events)
    changed = Schedule(
        versions=tuple(map(change, schedule.versions)), servings=schedule.servings, overlaps=schedule.overlaps
    )
    return prove_schedule(changed, profiles)


def assert_bogus(verdict: Verdict, *words: str) -> Bogus:
    assert isinstance(verdict, Bogus), verdict
    for word in words:
        assert word in verdict.story, verdict.story
    return verdict


NOT_IN_THE_SET = "no key that signed the data is in this DNSKEY RRset"
NO_DS_FITS = "no DS record that counts is of a key that signed this DNSKEY RRset"


def test_the_plan_itself_is_safe() -> None:
    assert isinstance(verdict_on(), Safe)
    assert isinstance(prove(PLAN), Safe)


def test_a_merge_one_way_is_bogus() -> None:
    verdict = assert_bogus(verdict_on(without=("gaining-merged",)), NOT_IN_THE_SET, "data of the losing operator")
    assert verdict.at == PLAN.switchover
    assert verdict.dnskey.record == "DNSKEY of the gaining operator"


def test_a_losing_ds_removed_together_with_the_ns_change_is_bogus() -> None:
    by = PLAN.switchover - PLAN.step("losing-ds-removed").started
    verdict = assert_bogus(verdict_on(moved={"losing-ds-removed": by}), NO_DS_FITS, "DS of the gaining operator")
    assert verdict.at == PLAN.switchover
    assert verdict.dnskey.source is Source.LOSING


def test_an_ns_change_before_the_merge_has_reached_caches_is_bogus() -> None:
    plan = plan_transfer(replace(the_facts(), parent=replace(the_facts().parent, ds_ttl=Ttl(600))), start=NOW)
    assert plan.switchover == NOW + timedelta(days=1)
    verdict = assert_bogus(verdict_on(plan, moved={"ns-changed": -HOUR}), NOT_IN_THE_SET)
    assert verdict.at == plan.switchover - HOUR
    assert verdict.dnskey.record == "DNSKEY of the losing operator"
    assert verdict.bogus_for == HOUR


def test_a_losing_zone_that_never_changes_its_own_ns_keeps_resolvers_longer_than_planned() -> None:
    facts = the_facts()
    long_ns = replace(unlowered(facts), losing=replace(unlowered(facts).losing, ns_ttl=Ttl(3 * DAY)))
    plan = plan_transfer(long_ns, start=NOW)
    assert isinstance(prove(plan), Safe)
    assert isinstance(verdict_on(plan, without=("losing-ns-changed",)), Outage)
    serving_on = verdict_on(plan, without=("losing-ns-changed", "losing-stopped"))
    assert_bogus(serving_on, NO_DS_FITS, "DNSKEY of the losing operator with the gaining keys")


def test_a_gaining_dnskey_rrset_without_the_losing_zsk_is_bogus() -> None:
    losing_zsk = PLAN.facts.losing.data_signers[0]

    def without_zsk(version: Version) -> Version:
        if isinstance(version, DnskeyVersion) and version.source is Source.GAINING:
            return replace(version, keys=version.keys - {losing_zsk})
        return version

    assert_bogus(verdict_on(change=without_zsk), NOT_IN_THE_SET, "data of the losing operator")


def test_signatures_that_expire_behind_a_cache_that_does_not_validate_are_bogus() -> None:
    facts = the_facts()
    unreachable = PLAN.step("losing-unreachable").started
    expiring = replace(facts, losing=replace(facts.losing, signatures_expire=unreachable + HOUR))
    verdict = assert_bogus(verdict_on(facts=expiring), "have expired")
    assert verdict.at == unreachable + HOUR
    in_time = replace(facts, losing=replace(facts.losing, signatures_expire=unreachable + timedelta(days=1)))
    assert isinstance(verdict_on(facts=in_time), Safe)


def test_a_sha_1_ds_beside_one_with_sha_256_is_bogus_unless_it_gets_one_too() -> None:
    facts = the_facts()
    sha1 = replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, 1)))
    plan = plan_transfer(sha1, start=NOW)
    assert isinstance(prove(plan), Safe)

    def as_it_was(version: Version) -> Version:
        if isinstance(version, DsVersion) and version.record == "DS of both operators":
            losing = facts.losing.dnskey_signers
            kept = [entry for entry in version.entries if entry.key not in losing or entry.digest_type == 1]
            return replace(version, entries=frozenset(kept))
        return version

    verdict = assert_bogus(verdict_on(plan, change=as_it_was), NO_DS_FITS)
    assert verdict.at == NOW, "as soon as the DS of the other is there"


def test_differing_algorithms_are_bogus_for_a_validator_that_lacks_one() -> None:
    facts = the_facts()
    other = replace(facts, gaining=replace(facts.gaining, keys=signed_keys("gaining", algorithm=16)))
    plan = plan_transfer(other, start=NOW, profiles=[NAMED])
    assert isinstance(prove(plan), Safe)
    verdict = assert_bogus(verdict_on(plan, profiles=(WITHOUT_ED448,)))
    assert verdict.profile == "a validator without ED448"
    assert_bogus(verdict_on(plan, profiles=(UNBOUND_HARDENED,)), "asks that all do")


def test_an_overlap_that_opens_the_gaining_zone_early_is_bogus() -> None:
    for asked in (Source.LOSING, Source.PARENT):
        overlapping = replace(the_facts(), overlaps=(Overlap(asked=asked, answers=Source.GAINING),))
        verdict = assert_bogus(verdict_on(facts=overlapping))
        assert verdict.at == NOW
        plan = plan_transfer(overlapping, start=NOW)
        assert isinstance(prove(plan), Safe)
        assert plan.step("gaining-serves").started == NOW
        assert plan.step("shared-serve").started == NOW + timedelta(days=2)
        slow = replace(overlapping, gaining=replace(overlapping.gaining, propagation_delay=HOUR))
        assert isinstance(prove(plan_transfer(slow, start=NOW)), Safe)


def test_an_apex_ns_with_a_longer_ttl_than_the_rest_outlives_the_losing_zsk() -> None:
    facts = the_facts()
    short = replace(unlowered(facts), losing=replace(unlowered(facts).losing, data_ttl=Ttl(600), negative_ttl=Ttl(600)))
    plan = plan_transfer(short, start=NOW)
    assert isinstance(prove(plan), Safe)
    early = plan.step("losing-unreachable").started + timedelta(minutes=10) - plan.step("losing-keys-withdrawn").started
    verdict = assert_bogus(verdict_on(plan, moved={"losing-keys-withdrawn": early}), NOT_IN_THE_SET)
    assert verdict.data.record.startswith("NS of the losing operator")


def test_planning_from_the_ttl_after_the_change_is_bogus() -> None:
    facts = the_facts()
    lowered = replace(
        facts,
        losing=replace(facts.losing, dnskey_ttl=Ttl(600), ns_ttl=Ttl(600)),
        parent=replace(facts.parent, ds_ttl=Ttl(600)),
    )
    seen = Observation(source=Source.LOSING, record=Record.DNSKEY, ttl=Ttl(DAY), until=NOW - HOUR)
    known = replace(lowered, ledger=Ledger(observations=(seen,)))
    naive = plan_transfer(lowered, start=NOW)
    assert naive.switchover == NOW + timedelta(minutes=10)
    verdict = assert_bogus(verdict_on(naive, facts=known), NOT_IN_THE_SET)
    assert verdict.dnskey.ttl == DAY
    plan = plan_transfer(known, start=NOW)
    assert plan.switchover == NOW - HOUR + timedelta(days=1)
    assert isinstance(prove(plan), Safe)


def test_dropping_the_leavers_zsk_after_the_ns_wait_only_is_bogus() -> None:
    by = PLAN.step("losing-unreachable").started - PLAN.step("losing-keys-withdrawn").started
    verdict = assert_bogus(verdict_on(moved={"losing-keys-withdrawn": by}), NOT_IN_THE_SET)
    assert verdict.at == PLAN.step("losing-unreachable").started


def test_a_losing_operator_that_stops_early_is_an_outage() -> None:
    verdict = verdict_on(moved={"losing-stopped": -HOUR})
    assert isinstance(verdict, Outage)
    assert verdict.out_for == HOUR
    assert "none of the servers that it names answers" in verdict.story


def test_a_resolver_that_never_leaves_needs_the_losing_ns_changed() -> None:
    assert isinstance(prove(plan_transfer(the_facts(), start=NOW, profiles=[STICKY])), Safe)
    assert_bogus(verdict_on(without=("losing-ns-changed", "losing-stopped"), profiles=(STICKY,)))


def test_the_way_through_insecure_says_for_how_long() -> None:
    plan = plan_transfer(the_facts(), flow=Flow.THROUGH_INSECURE, start=NOW)
    verdict = prove(plan)
    assert isinstance(verdict, Safe)
    (window,) = {(each.start, each.end) for each in verdict.insecure}
    added = plan.step("ds-added")
    assert window == (NOW, added.completed + timedelta(seconds=plan.facts.parent.negative_ttl))


def test_a_second_makes_the_difference() -> None:
    assert isinstance(verdict_on(moved={"ns-changed": -SECOND}), Bogus)
    step = PLAN.step("ns-changed")
    for by, kind in ((-SECOND, Bogus), (SECOND, Safe)):
        replanned = PLAN.record("ns-changed", started=step.started + by, completed=step.completed + by)
        assert isinstance(prove(replanned), kind)


@pytest.mark.parametrize("csk", [True, False])
def test_a_csk_works_like_a_pair(csk: bool) -> None:
    losing = an_operator("losing", csk=csk)
    parent = a_parent(losing, ttl=3600)
    facts = Facts(domain="example.nl", losing=losing, gaining=an_operator("gaining", csk=not csk), parent=parent)
    assert isinstance(prove(plan_transfer(facts, start=NOW)), Safe)


@pytest.mark.parametrize("flow", [Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED, Flow.OPERATOR_CHANGE, Flow.FROM_UNSIGNED])
@pytest.mark.parametrize("asked", [Source.LOSING, Source.PARENT])
def test_where_servers_overlap_the_gaining_zone_is_loaded_when_it_may_be_seen(flow: Flow, asked: Source) -> None:
    facts = the_facts(flow is not Flow.FROM_UNSIGNED, flow is not Flow.TO_UNSIGNED)
    overlapping = replace(facts, overlaps=(Overlap(asked=asked, answers=Source.GAINING),))
    plan = plan_transfer(overlapping, flow=flow, start=NOW)
    assert isinstance(prove(plan), Safe)
    assert plan.step("gaining-serves").started <= plan.switchover


def test_events_that_overlap_leave_no_version_behind_that_nobody_serves() -> None:
    """A server that has the later change has the earlier one too."""
    facts = replace(the_facts(), parent=replace(the_facts().parent, ds_ttl=Ttl(60)))
    plan = plan_transfer(facts, start=NOW)
    plan = plan.record("ttls-lowered", started=NOW, completed=NOW + timedelta(days=1))
    plan = plan.record("losing-merged", started=NOW + HOUR, completed=NOW + HOUR)
    assert isinstance(prove(plan), Safe)


def test_nothing_is_planned_for_nobody() -> None:
    with pytest.raises(PlanError, match="no resolver profile is given"):
        plan_transfer(the_facts(), start=NOW, profiles=[])
    with pytest.raises(PlanError, match="nothing is safe for nobody"):
        prove_schedule(PLAN.schedule, [])


def test_servers_begin_and_stop_in_the_order_of_time() -> None:
    serving = Serving(operator=Source.LOSING, start=NOW, end=NOW + HOUR)
    assert (serving.all_start, serving.all_end) == (NOW, NOW + HOUR)
    with pytest.raises(PlanError, match="cannot begin and stop in this order"):
        Serving(operator=Source.LOSING, all_end=NOW + HOUR, end=NOW)


def in_domain(facts: Facts, *, losing: str, gaining: str, address_ttl: int = 7 * DAY) -> Facts:
    """The facts with one name server each, in the domain."""

    def operator(found: OperatorFacts, server: str) -> OperatorFacts:
        ttl = Ttl(address_ttl)
        return replace(found, name_servers=frozenset({server}), address_ttl=ttl, data_ttl=ttl)

    parent = replace(facts.parent, glue_ttl=Ttl(3 * DAY))
    return replace(
        facts, losing=operator(facts.losing, losing), gaining=operator(facts.gaining, gaining), parent=parent
    )


def test_a_name_server_that_stays_is_asked_while_its_old_address_is_cached() -> None:
    facts = in_domain(the_facts(), losing="ns1.example.nl", gaining="NS1.example.nl.")
    assert facts.servers_that_stay == {"ns1.example.nl."}
    plan = plan_transfer(facts, start=NOW)
    assert isinstance(prove(plan), Safe)
    assert plan.step("losing-unreachable").started == plan.switchover + timedelta(days=7)
    because = plan.step("losing-unreachable").because
    assert because is not None and because.record == "addresses of the losing name servers in the zone"
    assert isinstance(verdict_on(facts=facts), Bogus | Outage)
    quick = plan_transfer(
        in_domain(facts, losing="ns1.example.nl", gaining="ns1.example.nl", address_ttl=60), start=NOW
    )
    because = quick.step("losing-unreachable").because
    assert because is not None and because.record == "addresses of the losing name servers at the parent"
    with pytest.raises(PlanError, match="address_ttl is 604800, more than data_ttl"):
        replace(the_facts().losing, address_ttl=Ttl(7 * DAY))
    with pytest.raises(PlanError, match=r"ns1\.example\.nl\. stays a name server and parent\.glue_ttl is not known"):
        replace(facts, parent=replace(facts.parent, glue_ttl=None))


def test_a_name_server_that_goes_is_left_when_nothing_names_it_whatever_its_address_is_cached() -> None:
    facts = in_domain(the_facts(), losing="ns1.example.nl", gaining="ns2.example.nl")
    assert plan_transfer(facts, start=NOW).step("losing-unreachable").started == PLAN.step("losing-unreachable").started


def test_a_losing_zone_that_goes_on_giving_an_old_address_keeps_resolvers_for_ever() -> None:
    facts = in_domain(the_facts(), losing="ns1.example.nl", gaining="ns1.example.nl", address_ttl=600)
    plan = plan_transfer(facts, start=NOW)
    verdict = verdict_on(plan, without=("losing-ns-changed",))
    assert isinstance(verdict, Bogus | Outage)
    serving_on = verdict_on(plan, without=("losing-ns-changed", "losing-stopped"))
    assert isinstance(serving_on, Bogus) and serving_on.bogus_for is None
    facts = replace(facts, losing=replace(facts.losing, can=frozenset(Capability) - {Capability.CHANGE_NS}))
    with pytest.raises(PlanError, match="keeps resolvers for ever; have the losing operator change these addresses"):
        plan_transfer(facts, start=NOW)


def test_the_proof_counts_the_stale_margin_of_the_facts() -> None:
    patient = replace(the_facts(), timing=Timing(stale_margin=timedelta(days=1)))
    plan = plan_transfer(patient, start=NOW)
    assert plan.switchover == PLAN.switchover + timedelta(days=1)
    assert isinstance(prove(plan), Safe)
    step = plan.step("ns-changed")
    early = plan.record("ns-changed", started=step.started - SECOND, completed=step.completed)
    assert isinstance(prove(early), Bogus)
    assert isinstance(prove(replace(early, facts=the_facts())), Safe)


@pytest.mark.parametrize("flow", [Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED])
def test_keys_that_were_proven_with_an_older_ttl_are_trusted_for_that(flow: Flow) -> None:
    facts = the_facts(gaining_signed=flow is Flow.THROUGH_INSECURE)
    short = replace(
        facts,
        losing=replace(facts.losing, dnskey_ttl=Ttl(600)),
        parent=replace(facts.parent, ds_ttl=Ttl(3600)),
        ledger=Ledger(
            observations=(Observation(source=Source.LOSING, record=Record.DNSKEY, ttl=Ttl(DAY), until=NOW - HOUR),)
        ),
    )
    plan = plan_transfer(short, flow=flow, start=NOW)
    assert isinstance(prove(plan), Safe)
    assert plan.switchover == NOW - HOUR + timedelta(days=1)


@pytest.mark.parametrize("answers", [Source.PARENT, Source.LOSING])
def test_an_overlap_is_with_an_operator_at_servers_of_another(answers: Source) -> None:
    with pytest.raises(PlanError, match="say which operator answers at servers of another"):
        Overlap(asked=Source.LOSING, answers=answers)
