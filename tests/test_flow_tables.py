"""What holds for the tables of the flows themselves: who takes a step, and what comes after what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_transfer_plan import COOPERATING, NOW, an_operator, ds_of, flows_with_facts, the_facts
from zonekit.transfer.capabilities import lacks
from zonekit.transfer.facts import Facts
from zonekit.transfer.gate import may_begin
from zonekit.transfer.journal import Confirmed, Evidence, Missing
from zonekit.transfer.parties import Capability
from zonekit.transfer.plan import PlannedStep, plan_transfer, prove
from zonekit.transfer.proof import Safe
from zonekit.transfer.steps import STEPS, Actor, Effect, Flow, Step, mermaid, with_shared_servers
from zonekit.transfer.versions import DnskeyVersion, DsEntry, DsVersion, NsVersion, Source
from zonekit.transfer.wayback import way_back
from zonekit.ttl import Ttl

NS_CHANGES = (Effect.NS_AT_PARENT, Effect.NS_AT_LOSING)
AT_PARENT = (Effect.DS_ADDED, Effect.NS_AT_PARENT, Effect.LOSING_DS_REMOVED, Effect.ALL_DS_REMOVED)
every_flow = pytest.mark.parametrize("flow", Flow)


def before(steps: Iterable[Step], step: Step) -> set[str]:
    """The ids of all that a step comes after, directly or by others."""
    by_id = {each.id: each for each in steps}
    found: set[str] = set()
    to_see = [*step.after]
    while to_see:
        step_id = to_see.pop()
        if step_id not in found:
            found.add(step_id)
            to_see += by_id[step_id].after
    return found


@every_flow
def test_every_step_stands_after_those_that_it_comes_after(flow: Flow) -> None:
    seen: set[str] = set()
    for step in STEPS[flow]:
        assert step.id not in seen and seen.issuperset(step.after)
        seen.add(step.id)


# ---- the change of the name servers ---------------------------------------------------------------------------------


@every_flow
def test_neither_side_changes_the_ns_before_the_other_may(flow: Flow) -> None:
    steps = STEPS[flow]
    changes = [step for step in steps if step.effect in NS_CHANGES and step.scans is None]
    found = [before(steps, step) for step in changes]
    assert all(each == found[0] for each in found)
    assert all(step.waits == changes[0].waits for step in changes)


def test_the_domain_does_not_move_before_the_registry_has_verified_the_losing_zone() -> None:
    steps = STEPS[Flow.REGISTRY_FACILITATED]
    for step in steps:
        if step.effect in NS_CHANGES:
            assert {"losing-verified", "wait-announced", "authinfo-given"} <= before(steps, step), step.id


@every_flow
def test_servers_that_are_asked_already_get_the_gaining_zone_before_any_ns_change(flow: Flow) -> None:
    steps = with_shared_servers(STEPS[flow])
    (opening,) = (step for step in steps if step.effect is Effect.SHARED_SERVE)
    changes = [step for step in steps if step.effect in NS_CHANGES]
    assert all(opening.id in before(steps, step) for step in changes)
    first = next(step for step in STEPS[flow] if step.effect in NS_CHANGES)
    assert set(opening.after) == {"gaining-serves", *first.after} and opening.waits == first.waits


# ---- who takes a step -----------------------------------------------------------------------------------------------


@every_flow
def test_where_the_registrar_stays_it_is_one_and_otherwise_the_sponsor_asks_the_parent(flow: Flow) -> None:
    steps = STEPS[flow]
    if all(step.id != "domain-transferred" for step in steps):
        assert not {step.actor for step in steps} & {Actor.LOSING_REGISTRAR, Actor.GAINING_REGISTRAR}
        return
    assert Actor.REGISTRAR not in {step.actor for step in steps}
    for step in steps:
        if step.effect in AT_PARENT and step.actor is not Actor.REGISTRY:
            is_transferred = "domain-transferred" in before(steps, step)
            assert step.actor is (Actor.GAINING_REGISTRAR if is_transferred else Actor.LOSING_REGISTRAR), step.id
    (authinfo,) = (step for step in steps if step.id == "authinfo-given")
    assert authinfo.actor is Actor.LOSING_REGISTRAR


def test_on_the_way_back_it_is_the_sponsor_of_then_who_asks_the_parent() -> None:
    plan = plan_transfer(the_facts(), flow=Flow.REGISTRAR_CHANGE, start=NOW)
    transferred = plan.step("domain-transferred")
    assert transferred.started == plan.step("ns-changed").started
    later = plan.record("domain-transferred", started=plan.finished, completed=plan.finished)
    assert way_back(later, at="ns-changed").step("ns-restored").step.actor is Actor.LOSING_REGISTRAR
    assert way_back(plan, at="domain-transferred").step("ns-restored").step.actor is Actor.GAINING_REGISTRAR


# ---- the DS records that are added ----------------------------------------------------------------------------------

digest_types = st.sampled_from((1, 2, 4))


@st.composite
def with_digests(draw: st.DrawFn) -> tuple[Flow, Facts]:
    """Facts whose losing DS has any digest types, and whose parent adds one or the other."""
    flow, facts = draw(flows_with_facts)
    held = {
        DsEntry(key=key, digest_type=kind)
        for key in facts.losing.dnskey_signers
        for kind in draw(st.sets(digest_types, min_size=1))
    }
    parent = replace(
        facts.parent,
        ds=frozenset(held),
        digest_type=draw(st.sampled_from((2, 4))),
        registration_delay=timedelta(hours=1),  # or all changes of the DS RRset may come at one instant
    )
    return flow, replace(facts, parent=parent)


def named(text: str, facts: Facts) -> set[DsEntry]:
    """The DS records that a step's text names."""
    keys = {each.key.name: each.key for each in (*facts.losing.keys, *facts.gaining.keys)}
    found = set()
    for kind, names in re.findall(r"the DS of digest type (\d) of (.*?)(?= and the |, and |$)", text):
        found |= {DsEntry(key=keys[name], digest_type=int(kind)) for name in names.split(", ")}
    return found


def adding_step(steps: Iterable[PlannedStep]) -> PlannedStep | None:
    return next((planned for planned in steps if planned.step.effect is Effect.DS_ADDED), None)


@given(with_digests())
def test_who_does_what_the_steps_say_has_the_ds_rrset_that_was_proven(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    plan = plan_transfer(facts, flow=flow, start=NOW)
    assert isinstance(prove(plan), Safe)
    adding = adding_step(plan.steps)
    if adding is None:
        return
    held = facts.parent.ds if flow in COOPERATING else frozenset()
    versions = [each for each in plan.schedule.versions if isinstance(each, DsVersion)]
    (proven,) = (each.entries for each in versions if each.start == adding.started)
    gaining = {DsEntry(key=key, digest_type=facts.parent.digest_type) for key in facts.gaining.dnskey_signers}
    if "digest type" not in adding.step.action:
        assert "add the gaining DS" in adding.step.action
        assert proven == held | gaining
        return
    added = named(adding.step.action, facts)
    assert added == proven - held != gaining or held - proven
    assert named(adding.step.confirmed_by, facts) == proven
    if adding.step.scans is None:
        assert proven == held | added and "all in one update" in adding.step.action
    else:
        assert named(plan.step(adding.step.scans).step.action, facts) == proven


def test_with_a_losing_ds_of_sha_1_the_step_names_the_ds_of_both() -> None:
    facts = the_facts()
    weak = replace(facts.parent, ds=frozenset(replace(entry, digest_type=1) for entry in facts.parent.ds))
    plan = plan_transfer(replace(facts, parent=weak), start=NOW)
    step = plan.step("ds-added").step
    assert (
        step.action
        == "add at the parent, all in one update, the DS of digest type 2 of KSK of the gaining operator, KSK of the losing operator"
    )
    assert step.confirmed_by == (
        "every server of the parent gives the DS of digest type 1 of KSK of the losing operator"
        " and the DS of digest type 2 of KSK of the gaining operator, KSK of the losing operator"
    )
    scanned = plan_transfer(replace(facts, parent=weak), flow=Flow.SCANNING_PARENT, start=NOW)
    assert scanned.step("cds-published").step.action == (
        "publish in both zones, all as CDS records, the DS of digest type 2 of KSK of the gaining operator, KSK of the losing operator, and the CDNSKEY"
        " records of these keys"
    )


# ---- how a flow begins and ends -------------------------------------------------------------------------------------


@every_flow
def test_the_parent_and_the_keys_stand_still_from_the_first_step_to_the_last(flow: Flow) -> None:
    steps = STEPS[flow]
    frozen = next(step for step in steps if step.id == "frozen")
    assert {step.id for step in steps[: steps.index(frozen)]} <= {"requested"}
    for step in steps[steps.index(frozen) + 1 :]:
        assert "frozen" in before(steps, step), step.id
    assert "CDS" in frozen.action and "CSYNC" in frozen.action
    assert steps[-1].id == "thawed" and steps[-2].id in steps[-1].after
    if flow not in COOPERATING:
        assert "the parent does not scan the domain" in frozen.confirmed_by
        assert "the parent scan the domain again" in steps[-1].action


@every_flow
def test_the_end_is_verified_after_every_change_and_the_ttls_stay_low_until_then(flow: Flow) -> None:
    steps = STEPS[flow]
    verified, restored = steps[-3:-1]
    assert verified.id == "end-verified" and verified.confirmed_by.startswith("a verifier finds ")
    losing_zone_alone = {"ttls-lowered", "losing-ns-changed"}  # which is no more by then
    assert before(steps, verified) >= {step.id for step in steps[:-3]} - losing_zone_alone
    assert restored.effect is Effect.GAINING_TTLS_RESTORED and restored.after == ("end-verified",)


def test_an_unsigned_gaining_zone_keeps_the_ttl_of_its_ns_low_and_no_other() -> None:
    facts = the_facts(gaining_signed=False)
    plan = plan_transfer(facts, flow=Flow.TO_UNSIGNED, start=NOW)
    served = [each for each in plan.schedule.versions if each.source is Source.GAINING]
    assert [each.ttl for each in served if isinstance(each, NsVersion)] == [600, 86400]
    assert [each.ttl for each in served if isinstance(each, DnskeyVersion)] == [86400]
    low = replace(facts, gaining=replace(facts.gaining, ns_ttl=Ttl(600)))
    ids = [each.id for each in plan_transfer(low, flow=Flow.TO_UNSIGNED, start=NOW).steps]
    assert ids[-2:] == ["end-verified", "thawed"], "there is nothing to raise"


def test_a_transfer_ends_when_its_end_is_verified_and_not_before() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    done = [
        Evidence(step_id=planned.id, seen=planned.completed, by="the probe")
        for planned in plan.steps
        if planned.step.actor is not Actor.NOBODY
    ]
    assert isinstance(may_begin(plan, "ttls-restored", done, now=plan.finished), Confirmed)
    rest = [each for each in done if each.step_id != "end-verified"]
    decision = may_begin(plan, "ttls-restored", rest, now=plan.finished)
    assert isinstance(decision, Missing) and [each.step_id for each in decision.missing] == ["end-verified"]


# ---- who has to be able to do what ----------------------------------------------------------------------------------


def test_at_a_scanning_parent_the_losing_zone_has_the_gaining_ksk_and_not_the_other_way_round() -> None:
    facts = the_facts()
    can = frozenset(Capability) - {Capability.IMPORT_KSK}
    gaining_cannot = replace(facts, gaining=replace(facts.gaining, can=can))
    assert lacks(gaining_cannot, Flow.SCANNING_PARENT) == ()
    assert isinstance(prove(plan_transfer(gaining_cannot, flow=Flow.SCANNING_PARENT, start=NOW)), Safe)
    (lack,) = lacks(replace(facts, losing=replace(facts.losing, can=can)), Flow.SCANNING_PARENT)
    assert (lack.who, lack.what) == (Source.LOSING, Capability.IMPORT_KSK)


@pytest.mark.parametrize("flow", COOPERATING)
def test_whose_csk_has_to_be_published_is_told_once(flow: Flow) -> None:
    losing, gaining = an_operator("losing", csk=True), an_operator("gaining", csk=True)
    parent = replace(the_facts().parent, ds=ds_of(losing))
    facts = replace(the_facts(), losing=losing, gaining=gaining, parent=parent)
    can = frozenset(Capability) - {Capability.IMPORT_KSK}
    facts = replace(facts, losing=replace(facts.losing, can=can), gaining=replace(facts.gaining, can=can))
    assert [(lack.who, lack.what) for lack in lacks(facts, flow)] == [
        (Source.LOSING, Capability.IMPORT_KSK),
        (Source.GAINING, Capability.IMPORT_KSK),
    ]


def test_the_registry_relays_what_the_gaining_registrar_sent_it() -> None:
    steps = STEPS[Flow.REGISTRY_FACILITATED]
    offered = next(step for step in steps if step.id == "keys-offered")
    relayed = next(step for step in steps if step.id == "keys-relayed")
    assert offered.actor is Actor.GAINING_REGISTRAR and {"requested", "keys-made"} <= before(steps, offered)
    assert "keys-offered" in before(steps, relayed)


# ---- diagrams -------------------------------------------------------------------------------------------------------


@every_flow
def test_a_diagram_has_every_step_and_every_arrow_and_no_word_of_mermaid_as_a_name(flow: Flow) -> None:
    head, *lines = mermaid(flow).splitlines()
    assert head == "flowchart TD"
    nodes = [line.split("[")[0].strip() for line in lines if "[" in line]
    arrows = [tuple(line.split(" --> ")) for line in lines if "[" not in line]
    assert nodes == [step.id.replace("-", "_") for step in STEPS[flow]]
    assert len(arrows) == sum(len(step.after) for step in STEPS[flow])
    assert {name.strip() for arrow in arrows for name in arrow} <= set(nodes)
    for line in lines:
        assert re.fullmatch(r'    [a-z_]+(\["[^"]+"\]| --> [a-z_]+)', line)
        assert not re.match(r" *(end|graph|subgraph|style|click|default|class)\b", line)
