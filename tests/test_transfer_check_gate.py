"""What a transfer check says to the gate: it opens on what is known, and on nothing that somebody merely planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.keyring import NOW
from tests.test_gate import PLAN
from tests.test_transfer_check import HOUR, in_domain, tampered, the_facts
from tests.transfer_worlds import (
    DAY,
    GAINING,
    GAINING_KEYS,
    GAINING_SERVERS,
    LOSING_KEYS,
    LOSING_SERVERS,
    LOW,
    World,
    ns_of,
    signed,
    start_of,
    unsigned,
    walk,
    world_at,
)
from zonekit import rdata as rd
from zonekit.ds import make_ds
from zonekit.findings import Severity
from zonekit.instants import SignatureValidity
from zonekit.signing import sign_zone
from zonekit.transfer.checking import check_transfer
from zonekit.transfer.facts import Facts
from zonekit.transfer.gate import may_begin, see_step
from zonekit.transfer.journal import Confirmed, Decision, Evidence, Missing
from zonekit.transfer.ledger import Ledger, Record
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.sightings import THERE_IS_NONE, Sighting
from zonekit.transfer.steps import Actor, Flow, WaitFor
from zonekit.transfer.versions import Source
from zonekit.zones import RRset, Zone

FLOW = Flow.OPERATOR_CHANGE
BEFORE_NS = (
    *("frozen", "keys-made", "keys-exchanged", "gaining-merged", "losing-merged", "ttls-lowered", "ds-added"),
    "gaining-serves",
)
READY = world_at(FLOW, "gaining-serves")


def recorded(plan: Plan, *step_ids: str) -> Plan:
    """The plan with these steps done as planned."""
    for step_id in step_ids:
        planned = plan.step(step_id)
        plan = plan.record(step_id, started=planned.started, completed=planned.completed)
    return plan


def lacking(decision: Decision | None) -> dict[str, str]:
    """What a decision is missing, by step."""
    assert isinstance(decision, Missing)
    return {each.step_id: each.needed for each in decision.missing}


# ---- waits count from what happened ---------------------------------------------------------------------------------


def test_a_planned_date_that_nobody_recorded_starts_no_wait() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), "frozen")
    late = replace(READY.seen(), at=plan.switchover + 48 * HOUR)
    decision = check_transfer(late, step=READY.taken, plan=plan).decision
    assert isinstance(decision, Missing)
    assert [str(each) for each in decision.missing] == [
        f"{step_id}: a record of when it was done; seen to be done at 2026-11-25T12:00:00Z; the waits count from when it was"
        for step_id in ("losing-merged", "ds-added")
    ]
    told = recorded(plan, "losing-merged", "ds-added")
    assert isinstance(check_transfer(late, step=READY.taken, plan=told).decision, Confirmed)


def test_what_was_seen_done_by_the_planned_date_was_done_by_then() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), "frozen")
    late = replace(READY.seen(), at=plan.switchover)
    looks = [see_step(plan, step_id, READY.seen(), by="a probe") for step_id in ("losing-merged", "ds-added")]
    assert isinstance(check_transfer(late, step=READY.taken, plan=plan, evidence=looks).decision, Confirmed)
    gone = Evidence(step_id="ds-added", seen=NOW + HOUR, by="a probe", lacking=frozenset({"the parent"}))
    decision = check_transfer(late, step=READY.taken, plan=plan, evidence=[*looks, gone]).decision
    assert lacking(decision).keys() == {"ds-added"}


def test_waits_that_nobody_takes_count_from_what_somebody_did() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), *BEFORE_NS)
    world = world_at(FLOW, "losing-ns-changed")
    much_later = replace(world.seen(), at=plan.finished)
    check = check_transfer(much_later, step=world.taken, plan=plan)
    assert check.decision is not None and check.decision.step_id == "losing-ds-removed", "what somebody takes next"
    assert lacking(check.decision) == dict.fromkeys(("ns-changed", "losing-ns-changed"), "a record of when it was done")
    told = recorded(plan, "ns-changed", "losing-ns-changed")
    assert isinstance(check_transfer(much_later, step=world.taken, plan=told).decision, Confirmed)


def test_what_comes_after_a_mere_wait_counts_from_what_that_counts_from() -> None:
    """Stopping the losing servers waits for nothing itself, and for resolvers to leave them."""
    plan = recorded(plan_transfer(the_facts(), start=NOW), *BEFORE_NS)
    world = world_at(FLOW, "losing-keys-withdrawn")
    for done in (plan, recorded(plan, "ns-changed", "losing-ns-changed")):
        check = check_transfer(replace(world.seen(), at=plan.finished), step=world.taken, plan=done)
        assert check.decision is not None and check.decision.step_id == "losing-stopped"
        assert isinstance(check.decision, Confirmed) is (done is not plan)
    assert isinstance(check.decision, Confirmed)


# ---- what is missing or would break is missing at the gate ----------------------------------------------------------


def test_the_gate_is_not_open_while_something_is_missing_or_would_break() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), *BEFORE_NS)
    seen = replace(READY.seen(), at=plan.switchover)
    assert isinstance(check_transfer(seen, step="frozen", plan=plan).decision, Confirmed)
    for broken in (
        replace(seen, gaining=GAINING),
        Sighting(at=seen.at, parent_ns=seen.parent_ns),
        replace(seen, giving={}, lacking={Source.GAINING: frozenset(GAINING_SERVERS)}),
    ):
        check = check_transfer(broken, step="frozen", plan=plan)
        assert check.missing or check.breaks
        told = lacking(check.decision)
        assert told.keys() >= {need.step_id for need in check.missing}
        if check.breaks:
            assert told["ns-changed"] == "every combination of what is served validates and is answered"


def test_several_servers_that_were_not_asked_were_not() -> None:
    evidence = [Evidence(step_id=step.id, seen=step.completed, by="a probe") for step in PLAN.steps]
    for names, words in (
        (LOSING_SERVERS, "were not asked"),
        (LOSING_SERVERS[:1], f"{LOSING_SERVERS[0]} was not asked"),
    ):
        servers = {Source.LOSING: frozenset(names)}
        decision = may_begin(PLAN, "ns-changed", evidence, now=PLAN.switchover, servers=servers)
        assert isinstance(decision, Missing) and all(words in each.found for each in decision.missing)


# ---- the TTLs that are served ---------------------------------------------------------------------------------------

A_WEEK = 7 * DAY


def with_apex_ttl(world: World, rdtype: int) -> Sighting:
    """What is seen where the losing apex RRset of this type has a TTL of a week."""
    losing = world.losing
    assert isinstance(losing, Zone)
    return replace(world.seen(), losing=losing.replace(losing.apex_rrset(rdtype).with_ttl(A_WEEK)))


def high_ttls() -> dict[str, Sighting]:
    seen = READY.seen()
    losing = READY.losing
    assert isinstance(losing, Zone) and isinstance(seen.parent_ds, RRset) and isinstance(seen.parent_ns, RRset)
    www = losing.get("www", rd.A)
    soa = RRset.from_text("example.nl.", A_WEEK, "SOA", f"{LOSING_SERVERS[0]} h. 7 7200 3600 1209600 {A_WEEK}")
    assert www is not None
    return {
        "the DS RRset at the parent": replace(seen, parent_ds=seen.parent_ds.with_ttl(A_WEEK)),
        "the NS RRset at the parent": replace(seen, parent_ns=seen.parent_ns.with_ttl(A_WEEK)),
        "the losing apex NS RRset": with_apex_ttl(READY, rd.NS),
        "the losing DNSKEY RRset": with_apex_ttl(READY, rd.DNSKEY),
        "www.example.nl. A of the losing operator": replace(seen, losing=losing.replace(www.with_ttl(A_WEEK))),
        "a negative answer of the losing operator": replace(seen, losing=losing.replace(soa)),
    }


@pytest.mark.parametrize("record", high_ttls())
def test_a_ttl_above_those_that_the_plan_knows_keeps_the_gate_shut(record: str) -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), *BEFORE_NS)
    seen = replace(high_ttls()[record], at=plan.switchover)
    check = check_transfer(seen, step=READY.taken, plan=plan)
    told = [each.message for each in check.at_least(Severity.ERROR) if each.code == "ttl-above-plan"]
    assert any(each.startswith(f"{record} has a TTL of {A_WEEK}, and the largest that is known is ") for each in told)
    assert isinstance(check.decision, Missing)
    assert (
        {each.found for each in check.decision.missing}
        >= set(told)
        == {need.found for need in check.missing if need.step_id == "ns-changed"}
    )


def test_a_ttl_that_the_ledger_knows_of_is_waited_for() -> None:
    seen = high_ttls()["the losing DNSKEY RRset"]
    ledger = Ledger().saw(source=Source.LOSING, record=Record.DNSKEY, ttl=A_WEEK, at=NOW - HOUR)
    ledger = ledger.saw(source=Source.LOSING, record=Record.DNSKEY, ttl=DAY, at=NOW)
    for facts, is_known in ((the_facts(), False), (the_facts(ledger=ledger), True)):
        codes_found = {finding.code for finding in check_transfer(seen, step=READY.taken, facts=facts).findings}
        assert ("ttl-above-plan" not in codes_found) is is_known
    assert "ttl-above-plan" not in {finding.code for finding in check_transfer(seen, step=READY.taken).findings}


def test_a_ttl_above_those_of_the_plan_counts_until_nothing_is_waited_for_any_more() -> None:
    plan = recorded(plan_transfer(the_facts(), start=NOW), *BEFORE_NS, "ns-changed", "losing-ns-changed")
    world = world_at(FLOW, "losing-ns-changed")
    seen = replace(world.seen(), at=plan.finished)
    check = check_transfer(
        replace(seen, parent_ns=ns_of(GAINING_SERVERS).with_ttl(A_WEEK)), step=world.taken, plan=plan
    )
    assert check.decision is not None and check.decision.step_id in lacking(check.decision)
    last = world_at(FLOW, "losing-keys-withdrawn")
    assert isinstance(last.ds, RRset)
    done = check_transfer(replace(last.seen(), parent_ds=last.ds.with_ttl(A_WEEK)), step=last.taken, facts=the_facts())
    assert "ttl-above-plan" not in {finding.code for finding in done.findings}


def test_addresses_of_servers_that_keep_their_names_are_waited_for_with_their_ttls() -> None:
    names = ("ns1.example.nl.", "ns2.example.nl.")
    losing = signed(in_domain(names, "192.0.2.1"), LOSING_KEYS)
    gaining = signed(in_domain(names, "192.0.2.2"), GAINING_KEYS)
    facts = facts_between(losing, gaining, make_ds(LOSING_KEYS[:1]))
    for ttl in (3600, A_WEEK):
        glue = tuple(RRset.from_text(name, ttl, "A", "192.0.2.1") for name in names)
        seen = Sighting(at=NOW, losing=losing.replace(*glue), parent_ns=ns_of(names), parent_glue=glue)
        told = [each.message for each in check_transfer(seen, step="frozen", facts=facts).findings]
        for name in names:
            for where in ("at the parent", "of the losing operator"):
                words = f"{name} A {where} has a TTL of {A_WEEK}, and the largest that is known is 3600"
                assert (words in told) is (ttl == A_WEEK)


def facts_between(losing: Zone, gaining: Zone, ds: RRset | None) -> Facts:
    nothing = timedelta(0)
    return Facts.from_zones(
        losing,
        gaining,
        ds,
        ds_ttl=2 * DAY,
        ns_ttl=2 * DAY,
        negative_ttl=900,
        losing_delay=nothing,
        gaining_delay=nothing,
        parent_delay=nothing,
        registration_delay=nothing,
        glue_ttl=3600,
    )


# ---- what would break -----------------------------------------------------------------------------------------------


def broken_records(world: World, **seen: Any) -> dict[tuple[str, ...], bool]:
    """What would break, and whether it does so already."""
    check = check_transfer(replace(world.seen(), **seen), step=world.taken)
    assert check.breaks is not None
    return {each.records: each.is_so_already for each in check.breaks}


def resigned(zone: Zone | Any, validity: SignatureValidity, *rdtypes: int) -> Zone:
    """The zone with other signatures over its data, but for these types at its apex."""
    assert isinstance(zone, Zone)
    good = [rrsigs for rdtype in rdtypes if (rrsigs := zone.signatures("@", rdtype)) is not None]
    return sign_zone(zone, GAINING_KEYS, validity=validity).replace(*good)


def test_gaining_data_whose_signatures_have_expired_would_break() -> None:
    old = SignatureValidity.starting(NOW - timedelta(days=40), timedelta(days=14))
    records = broken_records(READY, gaining=resigned(READY.gaining, old, rd.DNSKEY))
    assert {each[-1] for each in records} == {"A of example.nl. and 6 more of the gaining operator"}
    assert not any(records.values()), "nobody is sent there yet"


def test_data_that_is_not_what_was_signed_or_is_not_signed_would_break() -> None:
    www = "A of www.example.nl. of the {} operator"
    assert {each[-1] for each in broken_records(READY, gaining=tampered(READY.gaining))} == {www.format("gaining")}
    assert isinstance(READY.gaining, Zone)
    bare = READY.gaining.remove("www", "RRSIG", "A")
    assert {each[-1] for each in broken_records(READY, gaining=bare)} == {www.format("gaining")}
    losing = broken_records(READY, losing=tampered(READY.losing))
    assert {each[-1] for each in losing} == {www.format("losing")} and any(losing.values())


def test_a_story_tells_the_largest_ttl_of_the_data() -> None:
    world = replace(READY, gaining=GAINING)
    (broken,) = check_transfer(world.seen(), step=world.taken).breaks or ()
    assert "a cache fetches data of the losing operator (TTL 2h)" in broken.story


def test_the_profiles_that_a_break_is_seen_by_are_told_apart() -> None:
    world = replace(READY, gaining=GAINING)
    (broken,) = check_transfer(world.seen(), step=world.taken).breaks or ()
    assert "; unbound, harden-algo-downgrade; " in str(broken)


def test_servers_none_of_which_answers_are_an_outage() -> None:
    one, other = GAINING_SERVERS
    to_gaining = ("NS at the parent to the gaining operator",)
    assert broken_records(READY, giving={}, lacking={Source.GAINING: frozenset({one, other})}) == {to_gaining: False}
    assert broken_records(READY, giving={}, lacking={Source.GAINING: frozenset({one})}) == {}
    changed = world_at(FLOW, "ns-changed")
    silent = broken_records(changed, giving={}, lacking={Source.GAINING: frozenset({one, other})})
    assert silent == {to_gaining: True}


def test_glue_that_leads_to_nobody_is_an_outage() -> None:
    names = ("ns1.example.nl.", "ns2.example.nl.")
    made = signed(in_domain(names, "192.0.2.2", ttl=LOW), GAINING_KEYS, dnskey_ttl=LOW)
    world = world_at(FLOW, "ns-changed", start=World(made=made))
    outage = f"addresses of {', '.join(names)} at the parent"

    def glue(*addresses: str) -> tuple[RRset, ...]:
        return tuple(RRset.from_text(name, 3600, "A", at) for name, at in zip(names, addresses, strict=False))

    assert broken_records(world, parent_glue=THERE_IS_NONE) == {(outage,): True}
    assert broken_records(world, parent_glue=glue("192.0.2.99", "192.0.2.98")) == {(outage,): True}
    assert broken_records(world, parent_glue=glue("192.0.2.2", "192.0.2.2")) == {}
    assert broken_records(world, parent_glue=glue("192.0.2.2")) == {}, "who has no address of one takes the other"
    one_wrong = broken_records(world, parent_glue=glue("192.0.2.2", "192.0.2.98"))
    assert one_wrong == {(f"addresses of {names[1]} at the parent",): True}
    assert broken_records(world) == {}, "nobody looked"


# ---- without a plan -------------------------------------------------------------------------------------------------


def waits_missing(**more: Any) -> dict[str, str]:
    """What nobody has at hands, of a world that lacks nothing else."""
    check = check_transfer(READY.seen(), step=READY.taken, **more)
    assert check.breaks == () and {need.actor for need in check.missing} <= {Actor.NOBODY}
    assert {need.step_id for need in check.missing} <= {"ns-changed"}
    return {need.needed: need.found for need in check.missing}


def test_without_a_plan_nobody_knows_what_has_left_the_caches() -> None:
    dnskey, ds = WaitFor.LOSING_DNSKEY_MERGED.value, WaitFor.BOTH_DS.value
    assert waits_missing() == {dnskey: "not known without a plan", ds: "not known without a plan"}
    told = "not known without a plan: the TTL is {}, counted from when every server had the change"
    assert waits_missing(facts=the_facts()) == {dnskey: told.format("1d"), ds: told.format("2d")}
    assert waits_missing(plan=plan_transfer(the_facts(), start=NOW)) == {}


def test_through_insecure_it_is_the_ds_that_has_to_leave_them() -> None:
    flow = Flow.THROUGH_INSECURE
    world = world_at(flow, "all-ds-removed")
    for facts, words in ((None, "not known without a plan"), (the_facts(), "the TTL is 2d")):
        missing = check_transfer(world.seen(), step=world.taken, flow=flow, facts=facts).missing
        (need,) = [need for need in missing if need.actor is Actor.NOBODY]
        assert need.needed == WaitFor.NO_DS.value and words in need.found
    facts = the_facts()
    island = replace(facts, parent=replace(facts.parent, ds=frozenset()))
    missing = check_transfer(world.seen(), step="gaining-serves", flow=flow, facts=island).missing
    assert Actor.NOBODY not in {need.actor for need in missing}


def test_once_the_ns_have_changed_nothing_is_missing_for_it() -> None:
    world = world_at(FLOW, "ns-changed")
    assert check_transfer(world.seen(), step=world.taken).missing == ()


@pytest.mark.parametrize("flow", [Flow.OPERATOR_CHANGE, Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED, Flow.FROM_UNSIGNED])
def test_a_transfer_that_is_carried_out_and_recorded_as_planned_meets_an_open_gate_at_each_step(flow: Flow) -> None:
    start = start_of(flow)
    assert isinstance(start.losing, Zone)
    gaining = unsigned(GAINING_SERVERS) if flow is Flow.TO_UNSIGNED else signed(unsigned(GAINING_SERVERS), GAINING_KEYS)
    ds = start.ds if isinstance(start.ds, RRset) else None
    plan = plan_transfer(facts_between(start.losing, gaining, ds), flow=flow, start=NOW)
    opened = set()
    for step, world in walk(flow):
        if step.actor is not Actor.NOBODY:
            plan = recorded(plan, step.id)
        check = check_transfer(replace(world.seen(), at=plan.step(step.id).completed), step=world.taken, plan=plan)
        assert not {finding.code for finding in check.findings} & {"ttl-above-plan", "broken-now"}, step.id
        if check.decision is None:
            assert step.id == plan.steps[-1].id
            continue
        asked = plan.step(check.decision.step_id)
        if all(plan.step(before).recorded or before == "losing-unreachable" for before in asked.step.after):
            due = replace(world.seen(), at=max(asked.not_before, check.sighting.at))
            decision = check_transfer(due, step=world.taken, plan=plan).decision
            assert isinstance(decision, Confirmed), (step.id, decision)
            opened.add(decision.step_id)
    assert opened >= {"ns-changed", "losing-stopped", "thawed"}
