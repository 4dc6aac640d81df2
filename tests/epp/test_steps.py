"""From plan to frames: what each frame does, what the plan counts on, and nothing before its time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.epp.grammar import assert_valid
from tests.epp.records import DOMAIN
from tests.epp.step_worlds import (
    CODE,
    DS_STEPS,
    GAINING_KEYS,
    LOSING_KEYS,
    OF_DELEGATION,
    OVERRIDE,
    SPONSORS,
    Desk,
    a_plan,
    a_registry,
    ds_data,
    entries_as_ds,
    entries_as_keys,
    plans,
    registries,
    servers_of,
)
from tests.keyring import ksk
from tests.test_transfer_plan import NOW, ds_of, the_facts
from tests.transfer_worlds import GAINING, GAINING_SERVERS, LOSING
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.ds import KeyData
from zonekit.epp import facilitated
from zonekit.epp.carriers import CARRIED, FrameKind, carriage, carriage_list
from zonekit.epp.confirming import Standing, confirms
from zonekit.epp.delegations import Delegation
from zonekit.epp.domains import DomainInfo, DomainTransfer, DomainUpdate, NameServer, NsForm, TransferOperation
from zonekit.epp.gaining import make_offer
from zonekit.epp.hosts import HostCreate, HostUpdate
from zonekit.epp.keyrelay import Duration, KeyRelayCreate
from zonekit.epp.materials import tag_of
from zonekit.epp.offers import Offer, Report
from zonekit.epp.reading import read_frame
from zonekit.epp.registries import Interface, OnTransfer
from zonekit.epp.results import ResultCode
from zonekit.epp.secdns import MalformedDs, SecDns, SecDnsUpdate
from zonekit.epp.sessions import PollAcknowledge, PollRequest
from zonekit.epp.steps import Sender, StepFrames, acknowledging_frame, asking_frames, numbered, step_frames
from zonekit.epp.writing import write_frame
from zonekit.errors import EppError, FrameWithheld, PlanError
from zonekit.transfer.facts import Facts
from zonekit.transfer.journal import Confirmed, Overridden
from zonekit.transfer.parties import NOT_GIVEN
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.receipts import make_receipt
from zonekit.transfer.steps import STEPS, Actor, Flow, with_shared_servers
from zonekit.transfer.timelines import ds_with_gaining
from zonekit.transfer.versions import Key
from zonekit.ttl import Ttl

# ---- the table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", Flow)
def test_every_step_of_every_flow_says_by_what_it_is_carried(flow: Flow) -> None:
    assert set(CARRIED[flow]) == {step.id for step in with_shared_servers(STEPS[flow])}
    for step in STEPS[flow]:
        found = carriage(flow, step.id)
        assert found.otherwise
        for actor in Actor:
            assert bool(found.why_none(actor)) is (actor not in found.frames)
        assert all(found.frames.values())


def test_who_changes_a_delegation_is_who_takes_the_step() -> None:
    for flow, steps in STEPS.items():
        for step in steps:
            kinds = [kind for sent in carriage(flow, step.id).frames.values() for kind in sent]
            if step.id in (*DS_STEPS, "ns-changed"):
                assert set(carriage(flow, step.id).frames) == ({step.actor} if step.actor in SPONSORS else set())
                assert all(kind in OF_DELEGATION for kind in kinds)
            else:
                assert not set(kinds) & set(OF_DELEGATION)


@pytest.mark.parametrize(
    ("step_id", "decisions"),
    [
        ("keys-relayed", ("take_offer",)),
        ("wait-announced", ("announce_wait",)),
        ("authinfo-given", ("ask_auth_info", "take_auth_info")),
        ("ns-changed", ("change_ns",)),
        ("removal-allowed", ("allow_removal",)),
    ],
)
def test_what_the_registry_tells_names_the_message_and_what_makes_it(step_id: str, decisions: tuple[str, ...]) -> None:
    said = carriage(Flow.REGISTRY_FACILITATED, step_id).otherwise
    named = re.findall(r"facilitated\.(\w+)", said)
    assert named == list(decisions) and all(hasattr(facilitated, each) for each in named)
    assert "poll message" in said and "epp.Message.response" in said
    other = CARRIED[Flow.REGISTRAR_CHANGE].get(step_id)
    assert other is None or "facilitated" not in other.otherwise


@pytest.mark.parametrize("flow", Flow)
def test_the_list_of_a_flow_has_a_line_for_each_step(flow: Flow) -> None:
    lines = carriage_list(flow).splitlines()
    assert [line.split("`")[1] for line in lines] == [step.id for step in STEPS[flow]]
    for step, line in zip(STEPS[flow], lines, strict=True):
        frames = carriage(flow, step.id).frames
        assert ("no frame; " in line) is not bool(frames)
        assert all(f"the {sender.value} sends " in line for sender in frames)


def test_every_kind_of_frames_carries_some_step() -> None:
    used = {
        kind for steps in CARRIED.values() for each in steps.values() for sent in each.frames.values() for kind in sent
    }
    assert used == set(FrameKind)


def test_a_step_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(EppError, match="operator-change has no step domain-transferred; its steps are frozen"):
        carriage(Flow.OPERATOR_CHANGE, "domain-transferred")
    desk = Desk.of(a_plan(), a_registry())
    with pytest.raises(PlanError, match="nonsense"):
        step_frames(
            desk.plan,
            "nonsense",
            sender=desk.sender(Actor.REGISTRAR),
            material=desk.material,
            evidence=(),
            now=NOW,
        )


# ---- laws -----------------------------------------------------------------------------------------------------------

with_frames = [
    flow
    for flow in Flow
    if any(carriage(flow, step).frames for step in (*DS_STEPS, "ns-changed") if step in CARRIED[flow])
]


def expected_ds(desk: Desk, step_id: str, held: frozenset) -> frozenset:  # type: ignore[type-arg]
    """What the plan says of the DS after a step, in entries of the plan."""
    facts = desk.plan.facts
    if step_id == "ds-added":
        return ds_with_gaining(facts, [each.step for each in desk.plan.steps], held)
    if step_id == "all-ds-removed":
        return frozenset()
    return frozenset(each for each in held if each.key in facts.gaining.dnskey_signers)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_the_frames_of_a_flow_lead_the_registry_where_the_plan_counts_on(data: st.DataObject) -> None:
    flow = data.draw(st.sampled_from(with_frames))
    registry = data.draw(registries())
    desk = Desk.of(data.draw(plans(flow)), registry)
    entries = desk.plan.facts.parent.ds
    for step_id in desk.in_order():
        is_ds = step_id in DS_STEPS
        if is_ds or step_id == "ns-changed":
            try:
                found = desk.take(step_id)
            except FrameWithheld:
                raise
            except EppError as error:
                assert_beyond_limits(desk, step_id, str(error))
                return
            if found is not None:
                assert isinstance(found.decision, Confirmed | None)
                assert_within_limits(desk, found)
            if is_ds:
                entries = expected_ds(desk, step_id, entries)
                if registry.dnssec.interface.takes_keys:
                    assert desk.record.keys == entries_as_keys(entries, desk.plan)
                else:
                    assert desk.record.ds == entries_as_ds(entries, desk.plan)
            else:
                wanted = servers_of(desk.plan.facts.gaining, "198.51.100")
                assert set(desk.record.servers) == {each.name for each in wanted}
                if registry.name_servers.form is NsForm.HOST_OBJECTS:
                    assert all(desk.record.hosts[each.name] == each.addresses for each in wanted if each.addresses)
                else:
                    assert all(desk.record.servers[each.name] == each.addresses for each in wanted)
        desk.done(step_id)


def assert_within_limits(desk: Desk, found: StepFrames) -> None:
    registry, record = desk.record.registry, desk.record
    policy = registry.dnssec
    assert max(len(record.ds), len(record.keys)) <= policy.most
    if found.step_id == "ns-changed":
        assert registry.name_servers.least <= len(record.servers) <= registry.name_servers.most
    numbers = [each.command.client_transaction for each in found.frames]
    assert len(set(numbers)) == len(numbers)
    for each in found.frames:
        octets = write_frame(each.command)
        assert_valid(octets)
        assert read_frame(octets) == each.command
        for update in each.command.extensions:
            assert isinstance(update, SecDnsUpdate) and not update.urgent
            assert update.add is None or update.remove is None, "nothing leaves while something joins"
            for entry in update.add.ds if update.add else ():
                assert policy.digest_types is None or entry.ds.digest_type in policy.digest_types
                assert policy.algorithms is None or entry.ds.alg in policy.algorithms
            for key in update.add.keys if update.add else ():
                assert policy.algorithms is None or key.alg in policy.algorithms


def assert_beyond_limits(desk: Desk, step_id: str, message: str) -> None:
    """A refusal is right only where the registry would really refuse."""
    policy, servers = desk.record.registry.dnssec, desk.record.registry.name_servers
    if step_id == "ns-changed":
        assert not servers.least <= len(desk.plan.facts.gaining.name_servers) <= servers.most, message
        return
    assert step_id == "ds-added", message
    held = frozenset(each for each in desk.plan.facts.parent.ds if desk.record.ds or desk.record.keys)
    wanted = ds_with_gaining(desk.plan.facts, [each.step for each in desk.plan.steps], held)
    number = len(entries_as_keys(wanted, desk.plan) if policy.interface.takes_keys else wanted)
    is_made = policy.digest_types is None or {each.digest_type for each in wanted} - {1} <= policy.digest_types
    assert (
        number > policy.most
        or (policy.algorithms is not None and 13 not in policy.algorithms)
        or (policy.interface.takes_keys and not is_made)
    ), message


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_frame_before_its_confirmations_but_by_somebody_who_answers_for_it(data: st.DataObject) -> None:
    flow = data.draw(st.sampled_from(with_frames))
    plan = data.draw(plans(flow))
    step_ids = [
        each.id for each in plan.steps if carriage(flow, each.id).frames and each.id in (*DS_STEPS, "ns-changed")
    ]
    desk = Desk.of(plan, a_registry()).until(data.draw(st.sampled_from(step_ids)))
    step_id = next(each for each in desk.in_order() if each not in desk.plan.events and each in step_ids)
    rests_on = [each for each in desk.plan.step(step_id).step.after if each in desk.plan.events]
    if data.draw(st.booleans()) and rests_on:
        lacking = data.draw(st.sampled_from(rests_on))
        desk.evidence = [each for each in desk.evidence if each.step_id != lacking]
        now = desk.plan.step(step_id).not_before
    else:
        now = desk.plan.step(step_id).not_before - timedelta(seconds=1)
        if now < NOW:
            return
    with pytest.raises(FrameWithheld) as refused:
        desk.frames(step_id, now=now)
    found = desk.frames(step_id, now=now, override=OVERRIDE)
    if found.frames:
        assert isinstance(found.decision, Overridden) and found.decision.override == OVERRIDE
        assert refused.value.reasons == tuple(map(str, found.decision.missing))


# ---- DS and keys ----------------------------------------------------------------------------------------------------


def sha1_facts() -> Facts:
    facts = the_facts()
    return replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, 1)))


def only_update(found: StepFrames) -> SecDnsUpdate:
    (sent,) = found.frames
    (update,) = sent.command.extensions
    assert isinstance(sent.command.action, DomainUpdate) and isinstance(update, SecDnsUpdate)
    return update


def test_beside_a_sha1_ds_of_the_losing_side_its_stronger_one_joins_in_the_same_update() -> None:
    desk = Desk.of(a_plan(facts=sha1_facts()), a_registry()).until("ds-added")
    update = only_update(desk.frames("ds-added"))
    assert update.remove is None and update.add is not None
    assert {each.ds for each in update.add.ds} == {ds_data(LOSING_KEYS[0], 2), ds_data(GAINING_KEYS[0], 2)}
    with pytest.raises(EppError, match=r"has digest type 1 alone.*give the losing DNSKEYs"):
        desk.frames("ds-added", losing_keys=())


def test_beside_a_stronger_ds_the_gaining_one_is_as_strong() -> None:
    facts = the_facts()
    facts = replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, 4)))
    desk = Desk.of(a_plan(facts=facts), a_registry()).until("ds-added")
    update = only_update(desk.frames("ds-added"))
    assert update.add is not None
    kinds = {(each.ds.key_tag, each.ds.digest_type) for each in update.add.ds}
    losing, gaining = LOSING_KEYS[0].key_tag, GAINING_KEYS[0].key_tag
    assert kinds == {(losing, 2), (gaining, 2), (gaining, 4)}


def test_without_an_answer_to_info_what_the_plan_has_is_taken_and_that_is_told() -> None:
    desk = Desk.of(a_plan(facts=sha1_facts()), a_registry()).until("ds-added")
    found = desk.frames("ds-added", registered=None)
    assert only_update(found) == only_update(desk.frames("ds-added"))
    assert [each.code for each in found.findings] == ["registry-not-shown"]


@pytest.mark.parametrize("interface", Interface)
def test_what_is_on_record_is_what_the_registry_has_where_it_shows_nothing(interface: Interface) -> None:
    desk = Desk.of(a_plan(facts=sha1_facts()), a_registry(interface=interface)).until("losing-ds-removed")
    found = desk.frames("losing-ds-removed", registered=None)
    assert desk.record.after(*[each.command for each in found.frames]) == desk.record.after(
        *[each.command for each in desk.frames("losing-ds-removed").frames]
    )
    desk.done("losing-ds-removed")
    again = desk.frames("losing-ds-removed", registered=None, now=desk.plan.finished)
    assert not again.frames and again.after == found.after
    through = Desk.of(a_plan(Flow.THROUGH_INSECURE), a_registry(interface=interface)).until("ds-added")
    assert through.frames("ds-added", registered=None).after == through.frames("ds-added").after


def test_what_cannot_be_told_withholds_nothing() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ds-added")
    assert desk.frames("ds-added", losing_keys=()).frames


def test_urgent_and_max_sig_life_go_along_where_the_registry_takes_them() -> None:
    desk = Desk.of(a_plan(), a_registry(max_sig_life=True)).until("ds-added")
    update = only_update(desk.frames("ds-added", urgent=True, max_sig_life=604800))
    assert update.urgent and update.max_sig_life == 604800
    desk.take("ds-added")
    again = only_update(desk.frames("ds-added", max_sig_life=86400))
    assert again == SecDnsUpdate(max_sig_life=86400)
    for field, wanted in (("urgent", True), ("max_sig_life", 604800)):
        plain = Desk.of(a_plan(), a_registry(urgent=False)).until("ds-added")
        with pytest.raises(EppError, match=f"would answer 2102; leave it out; where it does, say {field}"):
            plain.frames("ds-added", **{field: wanted})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digest_types": frozenset({4})}, "does not take digest type 2"),
        (
            {"algorithms": frozenset({8, 15})},
            "does not take algorithm 13; use keys of an algorithm that it takes: 8, 15",
        ),
    ],
)
def test_what_the_registry_does_not_take_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(EppError, match=message):
        Desk.of(a_plan(), a_registry(**changes)).until("ds-added").frames("ds-added")


def test_a_registry_without_room_for_both_is_refused() -> None:
    with pytest.raises(EppError, match=r"there would be 2 DS records, and the registry of nl takes 1 at most"):
        Desk.of(a_plan(), a_registry(most=1)).until("ds-added").frames("ds-added")


def test_a_registry_that_shows_the_other_interface_is_refused() -> None:
    desk = Desk.of(a_plan(), a_registry(interface=Interface.KEY_DATA)).until("ds-added")
    shown = Desk.of(a_plan(), a_registry()).record.shown
    with pytest.raises(EppError, match=r"shows DS records, and its profile says key-data; mend interface"):
        desk.frames("ds-added", registered=shown)


def test_a_ds_that_the_plan_does_not_count_on_withholds_the_frame() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ds-added")
    desk.record = replace(desk.record, ds=desk.record.ds | {ds_data(LOSING_KEYS[1], 2)})
    with pytest.raises(FrameWithheld, match="which the plan does not count on"):
        desk.frames("ds-added")
    desk.record = replace(desk.record, ds=frozenset())
    with pytest.raises(FrameWithheld, match="which the plan counts on"):
        desk.frames("ds-added")
    assert isinstance(desk.frames("ds-added", override=OVERRIDE).decision, Overridden)


def test_the_losing_ds_is_removed_as_it_is_shown_and_the_gaining_one_stays() -> None:
    desk = Desk.of(a_plan(facts=sha1_facts()), a_registry()).until("losing-ds-removed")
    found = desk.frames("losing-ds-removed")
    update = only_update(found)
    assert update.add is None and update.remove is not None and not update.remove.everything
    assert {each.ds for each in update.remove.ds} == {ds_data(LOSING_KEYS[0], 1), ds_data(LOSING_KEYS[0], 2)}
    assert found.after is not None and found.after.ds == {ds_data(GAINING_KEYS[0], 2)}
    desk.record = replace(desk.record, ds=desk.record.ds - {ds_data(GAINING_KEYS[0], 2)})
    with pytest.raises(FrameWithheld, match="the gaining DS that the plan counts on; it does not show a DS"):
        desk.frames("losing-ds-removed")
    with pytest.raises(
        EppError, match="without the losing ones the domain would be insecure; add the gaining DS first"
    ):
        desk.frames("losing-ds-removed", override=OVERRIDE)


def test_keys_are_removed_by_key() -> None:
    desk = Desk.of(a_plan(), a_registry(interface=Interface.KEY_DATA)).until("losing-ds-removed")
    update = only_update(desk.frames("losing-ds-removed"))
    assert update.remove is not None and not update.remove.ds
    assert update.remove.keys == (KeyData.from_rdata(LOSING_KEYS[0].dnskey_rdata),)


def test_a_ds_of_nobody_goes_with_the_losing_ones_and_is_told() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("losing-ds-removed")
    stray = replace(ds_data(LOSING_KEYS[0], 2), key_tag=1, digest="AB" * 32)
    desk.record = replace(desk.record, ds=desk.record.ds | {stray})
    found = desk.frames("losing-ds-removed")
    assert "ds-of-nobody" in {each.code for each in found.findings}
    assert desk.record.after(*[each.command for each in found.frames]).ds == {ds_data(GAINING_KEYS[0], 2)}


@pytest.mark.parametrize("digest_type", [2, 4])
def test_a_malformed_ds_is_told_like_any_other_and_can_be_removed(digest_type: int) -> None:
    stray = MalformedDs(key_tag=1, alg=13, digest_type=digest_type, digest="AB")
    desk = Desk.of(a_plan(), a_registry()).until("ds-added")
    desk.record = replace(desk.record, ds=desk.record.ds | {stray})
    with pytest.raises(FrameWithheld, match="it shows a DS with key tag 1, algorithm 13"):
        desk.frames("ds-added")
    update = only_update(desk.frames("ds-added", override=OVERRIDE))
    assert update.add is not None and update.remove is None
    assert {each.ds for each in update.add.ds} == {ds_data(GAINING_KEYS[0], 2)}
    desk = Desk.of(a_plan(), a_registry()).until("losing-ds-removed")
    desk.record = replace(desk.record, ds=desk.record.ds | {stray})
    found = desk.frames("losing-ds-removed")
    assert "ds-of-nobody" in {each.code for each in found.findings}
    assert desk.record.after(*[each.command for each in found.frames]).ds == {ds_data(GAINING_KEYS[0], 2)}


def two_gaining_signers() -> tuple[Desk, Dnskey]:
    """A desk before the losing DS goes, where two gaining keys sign the DNSKEY RRset; and the second of them."""
    second = parse_dnskeys([ksk(number=2)])[0]
    facts = the_facts()
    first, *rest = facts.gaining.keys
    keys = [
        replace(first, key=replace(first.key, name=f"KSK {each.key_tag} of the gaining operator"))
        for each in (GAINING_KEYS[0], second)
    ]
    facts = replace(facts, gaining=replace(facts.gaining, keys=(*keys, *rest)))
    desk = Desk.of(a_plan(facts=facts), a_registry())
    for step_id in desk.in_order():
        if step_id == "losing-ds-removed":
            break
        desk.done(step_id)
    return desk, second


def test_the_losing_ds_stays_until_every_gaining_one_of_the_plan_is_shown() -> None:
    desk, second = two_gaining_signers()
    both = (*GAINING_KEYS, second)
    losing, one, other = ds_data(LOSING_KEYS[0], 2), ds_data(GAINING_KEYS[0], 2), ds_data(second, 2)
    for shown, lacks in (({losing, one}, second), ({losing, other}, GAINING_KEYS[0])):
        desk.record = replace(desk.record, ds=frozenset(shown))
        with pytest.raises(FrameWithheld, match=f"it does not show a DS with key tag {lacks.key_tag},"):
            desk.frames("losing-ds-removed", gaining_keys=both)
    desk.record = replace(desk.record, ds=frozenset({losing, one, other}))
    assert desk.frames("losing-ds-removed", gaining_keys=both).frames
    weaker = Desk.of(a_plan(), a_registry()).until("losing-ds-removed")
    weaker.record = replace(weaker.record, ds=frozenset({losing, ds_data(GAINING_KEYS[0], 1)}))
    with pytest.raises(FrameWithheld, match="and digest type 2, which is of the gaining operator"):
        weaker.frames("losing-ds-removed")
    keyed = Desk.of(a_plan(), a_registry(interface=Interface.KEY_DATA)).until("losing-ds-removed")
    keyed.record = replace(keyed.record, keys=frozenset({KeyData.from_rdata(LOSING_KEYS[0].dnskey_rdata)}))
    with pytest.raises(FrameWithheld, match="it does not show a key of algorithm 13 with flags 257"):
        keyed.frames("losing-ds-removed")


def test_the_ds_of_a_gaining_key_that_does_not_sign_yet_stays_and_is_told() -> None:
    facts = the_facts()
    first, *rest = facts.gaining.keys
    tagged = replace(first, key=replace(first.key, key_tag=GAINING_KEYS[0].key_tag))
    facts = replace(facts, gaining=replace(facts.gaining, keys=(tagged, *rest)))
    desk = Desk.of(a_plan(facts=facts), a_registry()).until("losing-ds-removed")
    standby = parse_dnskeys([ksk(number=2)])[0]
    kept = {ds_data(standby, 2), ds_data(GAINING_KEYS[0], 2)}
    desk.record = replace(desk.record, ds=desk.record.ds | kept)
    found = desk.frames("losing-ds-removed", gaining_keys=(*GAINING_KEYS, standby))
    assert desk.record.after(*[each.command for each in found.frames]).ds == kept
    assert [each.code for each in found.findings] == ["ds-kept"]
    merged = desk.frames("losing-ds-removed", gaining_keys=(*GAINING_KEYS, standby, *LOSING_KEYS))
    assert merged.after == found.after, "a losing key that is among the gaining ones is a losing key"


def test_what_is_added_is_added_once() -> None:
    facts = the_facts()
    facts = replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, 4)))
    for interface in (Interface.DS_DATA, Interface.DS_DATA_WITH_KEY):
        desk = Desk.of(a_plan(facts=facts), a_registry(interface=interface)).until("ds-added")
        desk.record = replace(desk.record, ds=desk.record.ds | {ds_data(GAINING_KEYS[0], 1)})
        update = only_update(desk.frames("ds-added", override=OVERRIDE))
        assert update.add is not None
        kinds = sorted((each.ds.key_tag, each.ds.digest_type) for each in update.add.ds)
        gaining = GAINING_KEYS[0].key_tag
        assert kinds == sorted([(LOSING_KEYS[0].key_tag, 2), (gaining, 2), (gaining, 4)])


@pytest.mark.parametrize(
    "changes", [{"digest_type": 1, "digest": "AB" * 20, "key_tag": 7}, {"digest_type": 3}, {"digest_type": 5}]
)
def test_a_stray_ds_of_a_kind_that_none_is_made_of_is_withheld_and_overridden(changes: dict[str, Any]) -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ds-added")
    stray = replace(ds_data(LOSING_KEYS[0], 2), **changes)
    desk.record = replace(desk.record, ds=desk.record.ds | {stray})
    with pytest.raises(FrameWithheld, match="which the plan does not count on"):
        desk.frames("ds-added")
    update = only_update(desk.frames("ds-added", override=OVERRIDE))
    assert update.add is not None and [each.ds for each in update.add.ds] == [ds_data(GAINING_KEYS[0], 2)]


def test_a_stray_ds_is_no_stronger_one_of_a_key_with_the_same_tag() -> None:
    desk = Desk.of(a_plan(facts=sha1_facts()), a_registry()).until("ds-added")
    stray = replace(ds_data(LOSING_KEYS[0], 2), digest="CD" * 32)
    desk.record = replace(desk.record, ds=desk.record.ds | {stray})
    update = only_update(desk.frames("ds-added", override=OVERRIDE))
    assert update.add is not None
    assert {each.ds for each in update.add.ds} == {ds_data(LOSING_KEYS[0], 2), ds_data(GAINING_KEYS[0], 2)}


def test_losing_keys_that_are_not_all_given_make_no_sha1_ds_one_of_nobody() -> None:
    desk = Desk.of(a_plan(facts=sha1_facts()), a_registry()).until("ds-added")
    with pytest.raises(EppError, match=r"has digest type 1 alone.*give the losing DNSKEYs"):
        desk.frames("ds-added", losing_keys=LOSING_KEYS[1:], override=OVERRIDE)


def test_a_registry_of_keys_makes_the_digest_types_that_the_plan_counts_on() -> None:
    registry = a_registry(interface=Interface.KEY_DATA, digest_types=frozenset({4}))
    with pytest.raises(EppError, match="makes DS of digest type 4, and the plan counts on 2; plan again with"):
        Desk.of(a_plan(), registry).until("ds-added").frames("ds-added")
    with pytest.raises(EppError, match="makes DS of digest type 4, and the plan counts on 2; plan again with"):
        Desk.of(a_plan(Flow.REGISTRY_FACILITATED), registry).until("keys-offered").frames("keys-offered")


def test_all_keys_are_removed_when_no_key_is_left_whether_or_not_they_were_shown() -> None:
    desk = Desk.of(a_plan(Flow.THROUGH_INSECURE), a_registry(interface=Interface.KEY_DATA)).until("all-ds-removed")
    for shown in (desk.record.shown, None):
        found = desk.frames("all-ds-removed", registered=shown)
        assert found.after == Delegation(keys=frozenset())
        assert confirms(found, desk.record.response(), at=NOW).standing is Standing.DIFFERS


def test_what_is_so_already_needs_no_frame() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ds-added")
    desk.take("ds-added")
    found = desk.frames("ds-added")
    assert not found.frames and found.decision is None
    assert [each.code for each in found.findings] == ["nothing-to-do"]
    through = Desk.of(a_plan(Flow.THROUGH_INSECURE), a_registry()).until("all-ds-removed")
    assert only_update(through.frames("all-ds-removed")).remove is not None
    through.take("all-ds-removed")
    with pytest.raises(FrameWithheld, match="it shows none, and none was removed by the record"):
        through.frames("all-ds-removed")
    asked = through.frames("all-ds-removed", override=OVERRIDE)
    assert only_update(asked).remove is not None and only_update(asked).remove.everything  # type: ignore[union-attr]
    through.done("all-ds-removed")
    assert not through.frames("all-ds-removed").frames


def test_the_keys_have_to_be_those_that_the_plan_counts_on() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ds-added")
    with pytest.raises(
        EppError, match=r"counts on KSK of the gaining operator, and no DNSKEY.*give the gaining DNSKEYs"
    ):
        desk.frames("ds-added", gaining_keys=GAINING_KEYS[1:])
    with pytest.raises(EppError, match=r"and keys \d+, \d+ could be it"):
        desk.frames("ds-added", gaining_keys=(*GAINING_KEYS, LOSING_KEYS[0]))
    with pytest.raises(EppError, match=r"is of other\.nl\.; give the keys of this domain"):
        desk.frames("ds-added", gaining_keys=parse_dnskeys([ksk(owner="other.nl")]))


def test_a_key_tag_in_the_plan_tells_which_key_it_is() -> None:
    facts = the_facts()
    first, *rest = facts.gaining.keys
    for tag, is_right in ((GAINING_KEYS[0].key_tag, True), (GAINING_KEYS[0].key_tag ^ 1, False)):
        key = replace(first, key=replace(first.key, name=f"KSK {tag} of the gaining operator"))
        tagged = replace(facts, gaining=replace(facts.gaining, keys=(key, *rest)))
        desk = Desk.of(a_plan(facts=tagged), a_registry())
        if is_right:
            assert desk.until("ds-added").frames("ds-added", gaining_keys=(*GAINING_KEYS, LOSING_KEYS[0])).frames
        else:
            with pytest.raises(EppError, match="no DNSKEY that is given is it"):
                desk.until("ds-added").frames("ds-added")


# ---- name servers ---------------------------------------------------------------------------------------------------


def servers_plan(losing: set[str], gaining: set[str]) -> Plan:
    facts = the_facts()
    ttl = Ttl(3600)
    return a_plan(
        facts=replace(
            facts,
            losing=replace(facts.losing, name_servers=frozenset(losing), address_ttl=ttl),
            gaining=replace(facts.gaining, name_servers=frozenset(gaining), address_ttl=ttl),
            parent=replace(facts.parent, glue_ttl=ttl),
        )
    )


def inside(*names: str) -> set[str]:
    return {f"{name}.{DOMAIN}" for name in names}


def test_host_objects_are_made_before_the_domain_names_them() -> None:
    plan = servers_plan(inside("ns1"), {*inside("ns1", "ns2"), "ns.gaining.example."})
    found = Desk.of(plan, a_registry()).until("ns-changed").frames("ns-changed")
    actions = [each.command.action for each in found.frames]
    assert actions[:3] == [
        HostCreate(name="ns.gaining.example."),
        HostCreate(name="ns2.example.nl.", addresses=("198.51.100.3",)),
        HostUpdate(name="ns1.example.nl.", add=("198.51.100.2",), remove=("192.0.2.1",)),
    ]
    assert isinstance(actions[3], DomainUpdate) and actions[3].remove is None
    assert [each.accepts for each in found.frames[:2]] == [{ResultCode.OBJECT_EXISTS}, frozenset()]


def test_a_host_object_whose_addresses_nobody_knows_is_not_changed_blindly() -> None:
    plan = servers_plan(inside("ns1"), inside("ns1"))
    desk = Desk.of(plan, a_registry()).until("ns-changed")
    with pytest.raises(EppError, match=r"ns1\.example\.nl\. is a host object already, and its addresses are not known"):
        desk.frames("ns-changed", hosts={})


def test_a_name_that_stays_gets_its_new_address_in_the_attribute_form() -> None:
    plan = servers_plan(inside("ns1"), inside("ns1"))
    (sent,) = Desk.of(plan, a_registry(form=NsForm.HOST_ATTRIBUTES)).until("ns-changed").frames("ns-changed").frames
    update = sent.command.action
    assert isinstance(update, DomainUpdate) and update.add is not None and update.remove is not None
    assert update.add.name_servers is not None and update.remove.name_servers is not None
    assert update.add.name_servers.servers == (NameServer(name="ns1.example.nl.", addresses=("198.51.100.1",)),)
    assert update.remove.name_servers.servers == (NameServer(name="ns1.example.nl.", addresses=("192.0.2.1",)),)


def test_a_host_that_is_left_and_one_of_another_domain_are_told() -> None:
    plan = servers_plan(inside("ns1"), {"ns1.hoster.nl."})
    found = Desk.of(plan, a_registry()).until("ns-changed").frames("ns-changed")
    assert {each.code for each in found.findings} == {"host-left", "host-of-another"}
    assert not any(isinstance(each.command.action, HostCreate) for each in found.frames)


def test_every_host_of_the_domain_that_is_left_is_told() -> None:
    plan = servers_plan(inside("ns1"), inside("ns2"))
    desk = Desk.of(plan, a_registry()).until("ns-changed")
    desk.record = replace(desk.record, hosts={**desk.record.hosts, "old.example.nl.": ("192.0.2.7",)})
    for hosts in (desk.record.hosts, {}):
        found = desk.frames("ns-changed", hosts=hosts)
        left = [each.owner for each in found.findings if each.code == "host-left"]
        assert left == ["ns1.example.nl.", "old.example.nl."]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gaining_servers": ()}, "the gaining name servers are not given"),
        ({"gaining_servers": (NameServer(name="ns9.example."),)}, "counts on other gaining name servers"),
        (
            {"gaining_servers": (NameServer(name="ns1.example.nl."), NameServer(name="ns.gaining.example."))},
            r"ns1\.example\.nl\. lies in the domain and no address of it is given",
        ),
    ],
)
def test_servers_that_do_not_fit_are_refused(changes: dict[str, object], message: str) -> None:
    plan = servers_plan({"ns.losing.example."}, {*inside("ns1"), "ns.gaining.example."})
    with pytest.raises(EppError, match=message):
        Desk.of(plan, a_registry()).until("ns-changed").frames("ns-changed", **changes)


def test_servers_that_nobody_knows_now_are_asked_for() -> None:
    facts = the_facts()
    unnamed = replace(facts, losing=replace(facts.losing, name_servers=NOT_GIVEN))
    named = replace(unnamed, gaining=replace(facts.gaining, name_servers=NOT_GIVEN))
    plan = plan_transfer(named, flow=Flow.OPERATOR_CHANGE, start=NOW)
    desk = Desk.of(plan, a_registry())
    desk.record = replace(desk.record, servers={"ns.losing.example.": ()})
    servers = (NameServer(name="ns.gaining.example.", addresses=("198.51.100.1",)),)
    for step_id in desk.in_order():
        if step_id == "ns-changed":
            break
        desk.done(step_id)
    with pytest.raises(EppError, match="it is not known which name servers the registry of nl has for it"):
        desk.frames("ns-changed", registered=None, gaining_servers=servers)
    found = desk.frames("ns-changed", gaining_servers=servers)
    assert desk.record.after(*[each.command for each in found.frames]).servers == {"ns.gaining.example.": ()}


def test_too_few_and_too_many_servers_are_refused() -> None:
    plan = servers_plan({"ns.losing.example."}, {"ns1.gaining.example.", "ns2.gaining.example."})
    for least, most in ((3, 5), (1, 1)):
        registry = a_registry(least=least, most_servers=most)
        with pytest.raises(
            EppError, match=f"there are 2 gaining name servers, and the registry of nl takes {least} to {most}"
        ):
            Desk.of(plan, registry).until("ns-changed").frames("ns-changed")


def test_a_registry_that_shows_the_other_form_is_refused() -> None:
    shown = Desk.of(a_plan(), a_registry(form=NsForm.HOST_ATTRIBUTES)).until("ns-changed").record.shown
    with pytest.raises(EppError, match="shows name servers as hostAttr, and its profile says hostObj"):
        Desk.of(a_plan(), a_registry()).until("ns-changed").frames("ns-changed", registered=shown)


def test_without_an_answer_to_info_the_servers_are_those_of_the_plan() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ns-changed")
    shown, planned = desk.frames("ns-changed"), desk.frames("ns-changed", registered=None)
    assert shown.after == planned.after
    last = planned.frames[-1].command.action
    assert isinstance(last, DomainUpdate) and last.remove is not None and last.remove.name_servers is not None
    assert {each.name for each in last.remove.name_servers.servers} == {"ns1.losing.example."}


def test_a_server_in_the_domain_that_the_plan_does_not_name_is_not_removed_unasked() -> None:
    stays = {"ns.example.nl.": ("192.0.2.9",)}
    for form in NsForm:
        desk = Desk.of(a_plan(), a_registry(form=form)).until("ns-changed")
        has = stays if form is NsForm.HOST_ATTRIBUTES else {"ns.example.nl.": ()}
        desk.record = replace(desk.record, servers={**desk.record.servers, **has}, hosts={**desk.record.hosts, **stays})
        with pytest.raises(FrameWithheld, match=r"it shows ns\.example\.nl\., which the plan has of neither side"):
            desk.frames("ns-changed")
        given = (*desk.material.gaining_servers, NameServer(name="ns.example.nl", addresses=("192.0.2.9",)))
        found = desk.frames("ns-changed", gaining_servers=given)
        assert "ns.example.nl." in desk.record.after(*[each.command for each in found.frames]).servers
        overridden = desk.frames("ns-changed", override=OVERRIDE)
        assert "ns.example.nl." not in desk.record.after(*[each.command for each in overridden.frames]).servers


def test_a_server_that_the_plan_does_not_name_is_taken_where_the_registry_shows_it() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ns-changed")
    more = (*desk.material.gaining_servers, NameServer(name="ns.elsewhere.example"))
    for shown, remedy in ((None, "give the answer to a domain info"), (desk.record.shown, "plan again with these$")):
        with pytest.raises(EppError, match=rf"ns\.elsewhere\.example\. is none of them.*{remedy}"):
            desk.frames("ns-changed", gaining_servers=more, registered=shown)


def test_an_answer_that_shows_no_name_servers_is_not_believed() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ns-changed")
    desk.record = replace(desk.record, servers={})
    with pytest.raises(FrameWithheld, match="the name servers that the plan counts on; it shows none"):
        desk.frames("ns-changed")


# ---- locks ----------------------------------------------------------------------------------------------------------


def locked(*statuses: str, step_id: str = "ds-added", flow: Flow = Flow.OPERATOR_CHANGE) -> Desk:
    desk = Desk.of(a_plan(flow), a_registry()).until(step_id)
    desk.record = replace(desk.record, statuses=statuses)
    return desk


def test_a_lock_of_the_sponsor_is_lifted_first_where_that_is_asked_for() -> None:
    desk = locked("clientUpdateProhibited", "clientTransferProhibited")
    with pytest.raises(FrameWithheld, match="clientUpdateProhibited stands in the way of the update") as refused:
        desk.frames("ds-added")
    assert len(refused.value.reasons) == 1
    found = desk.frames("ds-added", lift_locks=True)
    assert isinstance(found.decision, Confirmed) and len(found.frames) == 2
    assert desk.record.after(found.frames[0].command).statuses == ("clientTransferProhibited",)
    assert not found.frames[0].command.extensions
    assert "lock-lifted" in {each.code for each in found.findings}


def test_a_lock_of_the_registry_is_not_lifted_and_an_override_is_on_record() -> None:
    desk = locked("serverUpdateProhibited")
    with pytest.raises(FrameWithheld, match="ask the registry to lift it"):
        desk.frames("ds-added", lift_locks=True)
    found = desk.frames("ds-added", override=OVERRIDE)
    assert isinstance(found.decision, Overridden) and len(found.frames) == 1
    assert "serverUpdateProhibited" in str(found.decision.missing[0])


def test_what_only_asks_for_the_code_is_stopped_by_no_lock() -> None:
    desk = locked("clientUpdateProhibited", step_id="authinfo-given", flow=Flow.REGISTRAR_CHANGE)
    (sent,) = desk.frames("authinfo-given", auth_info=None, lift_locks=True).frames
    assert sent.command.action == DomainInfo(name=DOMAIN)
    for statuses, code in (
        (("clientUpdateProhibited",), CODE),
        (("clientUpdateProhibited", "clientTransferProhibited"), None),
    ):
        with pytest.raises(FrameWithheld, match="clientUpdateProhibited stands in the way"):
            locked(*statuses, step_id="authinfo-given", flow=Flow.REGISTRAR_CHANGE).frames(
                "authinfo-given", auth_info=code
            )


def test_what_is_pending_is_lifted_by_nobody() -> None:
    with pytest.raises(FrameWithheld, match="ds-added: pendingRenew gone; "):
        locked("pendingRenew").frames("ds-added")
    with pytest.raises(FrameWithheld, match="ds-added: clientUpdateProhibited lifted; "):
        locked("clientUpdateProhibited").frames("ds-added")


def test_a_domain_out_of_the_zone_and_an_unknown_status_are_told_and_stop_nothing() -> None:
    found = locked("clientHold", "somethingOwn").frames("ds-added")
    assert {each.code for each in found.findings} == {"not-delegated", "status-unknown"} and found.frames


# ---- the transfer of the sponsorship --------------------------------------------------------------------------------


def test_the_code_is_set_and_the_lock_against_transfers_lifted_in_one_update() -> None:
    desk = locked("clientTransferProhibited", step_id="authinfo-given", flow=Flow.REGISTRAR_CHANGE)
    found = desk.frames("authinfo-given")
    after = desk.record.after(*[each.command for each in found.frames])
    assert after.code == CODE.password and after.statuses == () and len(found.frames) == 1
    told = desk.frames("authinfo-given", auth_info=None)
    assert [type(each.command.action) for each in told.frames] == [DomainUpdate, DomainInfo]
    assert CODE.password not in repr(found)


def test_the_code_that_the_registry_hands_on_goes_by_itself() -> None:
    desk = locked("clientTransferProhibited", step_id="authinfo-given", flow=Flow.REGISTRY_FACILITATED)
    lifted, given = desk.frames("authinfo-given").frames
    assert given.command.action == DomainUpdate(name=DOMAIN, auth_info=CODE) and not given.command.extensions
    after = desk.record.after(lifted.command)
    assert after.statuses == () and after.code == desk.record.code
    (alone,) = replace_statuses(desk).frames("authinfo-given").frames
    assert alone.command.action == given.command.action
    with pytest.raises(EppError, match="an authinfo code to hand on, and it is not given"):
        desk.frames("authinfo-given", auth_info=None)


def test_the_gaining_registrar_asks_and_the_losing_one_answers() -> None:
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry()).until("domain-transferred")
    (asked,) = desk.frames("domain-transferred", actor=Actor.GAINING_REGISTRAR).frames
    assert asked.command.action == DomainTransfer(operation=TransferOperation.REQUEST, name=DOMAIN, auth_info=CODE)
    with pytest.raises(FrameWithheld, match="a transfer under way; the registry of nl shows no pendingTransfer"):
        desk.frames("domain-transferred", actor=Actor.LOSING_REGISTRAR)
    desk.record = replace(desk.record, statuses=("pendingTransfer",))
    (answered,) = desk.frames("domain-transferred", actor=Actor.LOSING_REGISTRAR).frames
    assert answered.command.action == DomainTransfer(operation=TransferOperation.APPROVE, name=DOMAIN)
    with pytest.raises(EppError, match="needs the authinfo code"):
        replace_statuses(desk).frames("domain-transferred", actor=Actor.GAINING_REGISTRAR, auth_info=None)
    with pytest.raises(EppError, match=r"its frames are for the gaining registrar and losing registrar to send"):
        desk.frames("domain-transferred", actor=Actor.REGISTRY)


def replace_statuses(desk: Desk) -> Desk:
    desk.record = replace(desk.record, statuses=("ok",))
    return desk


def test_a_transfer_is_rejected_and_cancelled_at_any_time_with_a_reason() -> None:
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry(on_transfer=OnTransfer.DROP))
    for actor, operation in (
        (Actor.LOSING_REGISTRAR, TransferOperation.REJECT),
        (Actor.GAINING_REGISTRAR, TransferOperation.CANCEL),
    ):
        with pytest.raises(EppError, match=f"{operation.value} is asked for without a reason"):
            desk.frames("domain-transferred", actor=actor, operation=operation, now=NOW)
        found = desk.frames(
            "domain-transferred", actor=actor, operation=operation, because="nobody asked for it", now=NOW
        )
        (sent,) = found.frames
        assert isinstance(sent.command.action, DomainTransfer) and sent.command.action.operation is operation
        assert "nobody asked for it" in sent.purpose and found.decision is None
    with pytest.raises(
        EppError, match="cancel is not for the losing registrar to send; it may send approve, reject, query"
    ):
        desk.frames(
            "domain-transferred", actor=Actor.LOSING_REGISTRAR, operation=TransferOperation.CANCEL, because="x", now=NOW
        )


def test_a_registry_that_drops_the_ds_withholds_the_transfer_and_the_ds_comes_back_after_it() -> None:
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry(on_transfer=OnTransfer.DROP)).until("domain-transferred")
    for actor in (Actor.GAINING_REGISTRAR, Actor.LOSING_REGISTRAR):
        with pytest.raises(
            FrameWithheld, match=r"drops it, and the domain is insecure from the transfer.*: 15m and"
        ) as refused:
            desk.frames("domain-transferred", actor=actor)
        assert refused.value.remedy.endswith("so that no waiting helps")
    found = desk.frames("domain-transferred", override=OVERRIDE)
    asked, restored = found.frames
    assert isinstance(asked.command.action, DomainTransfer) and restored.waits_for
    dropped = replace(desk.record, ds=frozenset())
    assert dropped.after(restored.command).ds == desk.record.ds
    assert "ds-dropped" in {each.code for each in found.findings}
    stray = MalformedDs(key_tag=1, alg=13, digest_type=2, digest="AB")
    shown = replace(desk.record, ds=desk.record.ds | {stray}).shown
    *_, restored = desk.frames("domain-transferred", registered=shown, override=OVERRIDE).frames
    assert dropped.after(restored.command).ds == desk.record.ds, "a malformed one does not come back"


@pytest.mark.parametrize("on_transfer", OnTransfer)
def test_a_query_is_never_withheld_and_changes_nothing(on_transfer: OnTransfer) -> None:
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry(on_transfer=on_transfer))
    for actor in (Actor.GAINING_REGISTRAR, Actor.LOSING_REGISTRAR):
        found = desk.frames("domain-transferred", actor=actor, operation=TransferOperation.QUERY, now=NOW)
        assert [each.command.action for each in found.frames] == [
            DomainTransfer(operation=TransferOperation.QUERY, name=DOMAIN)
        ]
        assert found.decision is None and found.after is None and not found.frames[0].command.extensions


@pytest.mark.parametrize("digest_types", [None, frozenset({2, 4})])
def test_a_sha1_ds_that_the_registry_drops_does_not_come_back(digest_types: frozenset[int] | None) -> None:
    registry = a_registry(on_transfer=OnTransfer.DROP, digest_types=digest_types)
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE, facts=sha1_facts()), registry).until("domain-transferred")
    assert ds_data(LOSING_KEYS[0], 1) in desk.record.ds
    _, restored = desk.frames("domain-transferred", override=OVERRIDE).frames
    dropped = replace(desk.record, ds=frozenset())
    wanted = desk.record.ds - {ds_data(LOSING_KEYS[0], 1)}
    assert dropped.after(restored.command).ds == wanted
    after = desk.frames("domain-transferred", registered=replace(dropped, sponsor="gaining").shown, client="gaining")
    assert dropped.after(*[each.command for each in after.frames]).ds == wanted


def test_a_ds_comes_back_with_its_key_where_the_registry_wants_that() -> None:
    registry = a_registry(on_transfer=OnTransfer.DROP, interface=Interface.DS_DATA_WITH_KEY)
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), registry).until("domain-transferred")
    _, restored = desk.frames("domain-transferred", override=OVERRIDE).frames
    assert replace(desk.record, ds=frozenset()).after(restored.command).ds == desk.record.ds
    shown = desk.record.shown
    keyed = SecDns(
        ds=tuple(replace(each, key=KeyData.from_rdata(GAINING_KEYS[0].dnskey_rdata)) for each in shown.dnssec.ds)
    )  # type: ignore[union-attr]
    plain = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry(on_transfer=OnTransfer.DROP)).until("domain-transferred")
    _, without = plain.frames("domain-transferred", override=OVERRIDE, registered=replace(shown, dnssec=keyed)).frames
    assert replace(plain.record, ds=frozenset()).after(without.command).ds == desk.record.ds
    with pytest.raises(EppError, match=r"takes a DS with its key, and that of a DS with key tag .* is not given"):
        desk.frames("domain-transferred", override=OVERRIDE, losing_keys=())


@pytest.mark.parametrize("on_transfer", OnTransfer)
@pytest.mark.parametrize("client", ["gaining", None])
def test_a_ds_that_is_gone_after_the_transfer_is_added_again_whatever_the_profile_says(
    on_transfer: OnTransfer, client: str | None
) -> None:
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry(on_transfer=on_transfer)).until("domain-transferred")
    had = desk.record.ds
    desk.done("domain-transferred")
    desk.record = replace(desk.record, ds=frozenset(), sponsor="gaining")
    found = desk.frames("domain-transferred", auth_info=None, client=client)
    (restored,) = found.frames
    assert desk.record.after(restored.command).ds == had and not restored.waits_for
    assert "ds-dropped" in {each.code for each in found.findings}
    blind = desk.frames("domain-transferred", auth_info=None, registered=None)
    if on_transfer is OnTransfer.DROP:
        assert desk.record.after(*[each.command for each in blind.frames]).ds == had
    else:
        assert not blind.frames
    desk.record = replace(desk.record, ds=had)
    assert not desk.frames("domain-transferred", auth_info=None, client=client).frames


def test_a_transfer_needs_no_keys_and_says_of_the_ds_after_it_what_can_be_told() -> None:
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry()).until("domain-transferred")
    shown, hidden = (
        desk.frames("domain-transferred", registered=registered, losing_keys=(), gaining_keys=())
        for registered in (desk.record.shown, None)
    )
    assert shown.after == Delegation(ds=desk.record.ds) and hidden.after is None
    assert [each.command for each in shown.frames] == [each.command for each in hidden.frames]


# ---- keys relayed and offered ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", [Flow.OPERATOR_CHANGE, Flow.REGISTRAR_CHANGE])
def test_keys_may_go_by_key_relay_until_the_plan_is_done(flow: Flow) -> None:
    desk = Desk.of(a_plan(flow), a_registry()).until("keys-exchanged")
    (sent,) = desk.frames("keys-exchanged").frames
    relay = sent.command.action
    assert isinstance(relay, KeyRelayCreate) and relay.auth_info == CODE
    assert {each.key for each in relay.keys} == {KeyData.from_rdata(key.dnskey_rdata) for key in GAINING_KEYS}
    assert {each.expiry for each in relay.keys} == {desk.plan.finished}
    (other,) = desk.frames("keys-exchanged", relay_expiry=Duration(days=30)).frames
    assert isinstance(other.command.action, KeyRelayCreate)
    assert {each.expiry for each in other.command.action.keys} == {Duration(days=30)}
    with pytest.raises(EppError, match="relays no keys"):
        Desk.of(a_plan(flow), a_registry(key_relay=False, facilitated=False)).until("keys-exchanged").frames(
            "keys-exchanged"
        )


@pytest.mark.parametrize("form", NsForm)
def test_the_offer_has_keys_ds_and_name_servers(form: NsForm) -> None:
    desk = Desk.of(a_plan(Flow.REGISTRY_FACILITATED), a_registry(form=form)).until("keys-offered")
    (sent,) = desk.frames("keys-offered").frames
    (offer,) = sent.command.extensions
    assert isinstance(sent.command.action, KeyRelayCreate) and isinstance(offer, Offer)
    assert offer.ds == (ds_data(GAINING_KEYS[0], 2),) and offer.ttl == desk.plan.facts.timing.lowered_ttl
    assert {each.name for each in offer.name_servers.servers} == desk.plan.facts.gaining.name_servers
    with pytest.raises(EppError, match="does not carry the registry-facilitated flow"):
        Desk.of(a_plan(Flow.REGISTRY_FACILITATED), a_registry(facilitated=False)).until("keys-offered").frames(
            "keys-offered"
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithms": frozenset({8})}, "does not take algorithm 13"),
        ({"digest_types": frozenset({4})}, "does not take digest type 2"),
        ({"most": 1}, "there would be 2 DS records, and the registry of nl takes 1 at most"),
        (
            {"interface": Interface.KEY_DATA, "most": 1},
            "there would be 2 keys, and the registry of nl takes 1 at most",
        ),
    ],
)
def test_an_offer_is_held_to_what_the_registry_takes(changes: dict[str, Any], message: str) -> None:
    desk = Desk.of(a_plan(Flow.REGISTRY_FACILITATED), a_registry(**changes)).until("keys-offered")
    with pytest.raises(EppError, match=message):
        desk.frames("keys-offered")


# ---- who sends what -------------------------------------------------------------------------------------------------


def test_a_step_without_frames_says_by_what_it_is_done() -> None:
    desk = Desk.of(a_plan(), a_registry())
    for step_id in ("frozen", "losing-merged", "losing-unreachable"):
        with pytest.raises(EppError, match=f"{step_id}: no frame carries it: "):
            desk.frames(step_id, actor=Actor.REGISTRAR)
    scanned = Desk.of(a_plan(Flow.SCANNING_PARENT), a_registry())
    with pytest.raises(EppError, match="the parent's scanner takes it"):
        scanned.frames("ds-added", actor=Actor.REGISTRAR)
    with pytest.raises(EppError, match="its frames are for the registrar to send, and not for the gaining operator"):
        desk.frames("ds-added", actor=Actor.GAINING)


def test_the_registry_has_to_be_that_of_the_domain() -> None:
    for zone in ("example", "example.nl"):
        with pytest.raises(EppError, match="give the profile of its registry"):
            Desk.of(a_plan(), a_registry(zone=zone)).frames("ds-added", actor=Actor.REGISTRAR)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hosts": ()}, "hosts of the material of frames is no mapping"),
        ({"hosts": {"ns1.example.nl": ("192.0.2.999",)}}, "and not an IPv4 or IPv6 address"),
        ({"max_sig_life": 0}, "max_sig_life of the material of frames"),
        ({"because": "two\nlines"}, "because of the material of frames"),
    ],
)
def test_material_is_checked_when_it_is_made(changes: dict[str, object], message: str) -> None:
    with pytest.raises(EppError, match=message):
        replace(Desk.of(a_plan(), a_registry()).material, **changes)


def test_a_sender_has_a_function_for_its_identifiers() -> None:
    with pytest.raises(EppError, match="transactions is no function"):
        Sender(actor=Actor.REGISTRAR, registry=a_registry(), transactions="ABC-1")  # type: ignore[arg-type]


def test_a_key_tag_that_the_facts_say_outweighs_the_name() -> None:
    facts = the_facts()
    first, *rest = facts.gaining.keys
    key = Key(name="KSK 1 of the gaining operator", algorithm=13, key_tag=GAINING_KEYS[0].key_tag)
    tagged = replace(facts, gaining=replace(facts.gaining, keys=(replace(first, key=key), *rest)))
    assert tag_of(key) == GAINING_KEYS[0].key_tag
    assert Desk.of(a_plan(facts=tagged), a_registry()).until("ds-added").frames("ds-added").frames
    revoked = replace(GAINING_KEYS[0], flags=GAINING_KEYS[0].flags | 0x80)
    with pytest.raises(EppError, match="no DNSKEY that is given is it"):
        Desk.of(a_plan(), a_registry()).until("ds-added").frames("ds-added", gaining_keys=(revoked,))


def test_a_profile_with_longer_times_than_the_plan_is_told() -> None:
    desk = Desk.of(a_plan(), a_registry(propagation_delay=timedelta(hours=1), negative_ttl=Ttl(901)))
    (finding,) = desk.until("ds-added").frames("ds-added").findings
    assert finding.code == "plan-too-quick"
    assert finding.message.endswith("counts on: negative_ttl 15m1s and not 15m, propagation_delay 1h and not 0s")
    dropping = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry(on_transfer=OnTransfer.DROP, negative_ttl=Ttl(7200)))
    with pytest.raises(FrameWithheld, match=": 2h and as long as it takes"):
        dropping.until("domain-transferred").frames("domain-transferred")


def test_identifiers_are_those_of_the_caller() -> None:
    transactions = numbered("ABC", first=7)
    assert [transactions(), transactions()] == ["ABC-7", "ABC-8"]
    for prefix in ("", "x" * 58, "a\nb"):
        with pytest.raises(EppError, match="the prefix of transaction identifiers"):
            numbered(prefix)


def test_what_only_asks_is_never_withheld() -> None:
    desk = Desk.of(a_plan(), a_registry())
    sender = desk.sender(Actor.REGISTRAR)
    info, poll = asking_frames(desk.plan, sender=sender, auth_info=CODE)
    assert info.command.action == DomainInfo(name=DOMAIN, auth_info=CODE)
    assert poll.command.action == PollRequest() and ResultCode.NO_MESSAGES in poll.accepts
    assert acknowledging_frame("12", sender=sender).command.action == PollAcknowledge(message_id="12")


def test_once_the_ds_is_dropped_the_frame_that_adds_it_again_is_alone() -> None:
    desk = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry(on_transfer=OnTransfer.DROP)).until("domain-transferred")
    before = desk.record.ds
    desk.record = replace(desk.record, ds=frozenset(), sponsor="gaining")
    found = desk.frames("domain-transferred", client="gaining")
    (restored,) = found.frames
    assert isinstance(found.decision, Confirmed)
    assert restored.purpose == "add the DS again that the registry drops in the transfer"
    locked = replace(desk.record, statuses=("serverUpdateProhibited",))
    with pytest.raises(FrameWithheld, match="serverUpdateProhibited"):
        desk.frames("domain-transferred", client="gaining", registered=locked.shown)
    desk.record = desk.record.after(restored.command)
    assert desk.record.ds == before and not desk.frames("domain-transferred", client="gaining").frames


def test_who_is_not_the_sponsor_changes_nothing_and_who_is_asks_for_nothing() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ds-added")
    assert desk.frames("ds-added", client="losing").frames
    with pytest.raises(FrameWithheld, match="to be the sponsor of the domain; the registry of nl names losing"):
        desk.frames("ds-added", client="gaining")
    moved = Desk.of(a_plan(Flow.REGISTRAR_CHANGE), a_registry()).until("domain-transferred")
    assert moved.frames("domain-transferred", client="gaining").frames
    assert not moved.frames("domain-transferred", client="losing").frames


def test_what_the_registry_shows_of_another_domain_is_refused() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ds-added")
    shown = desk.record.shown
    other = replace(shown, info=replace(shown.info, name="example.com"))
    with pytest.raises(
        EppError, match=r"what the registry shows is of example\.com\.; give its answer about this domain"
    ):
        desk.frames("ds-added", registered=other)


def test_the_offer_is_that_which_the_gaining_side_makes_of_its_zone() -> None:
    desk = Desk.of(a_plan(Flow.REGISTRY_FACILITATED), a_registry()).until("keys-offered")
    finished, ttl = desk.plan.finished, desk.plan.facts.timing.lowered_ttl
    of_zone = make_offer(GAINING, LOSING, auth_info=CODE, form=NsForm.HOST_OBJECTS, ttl=ttl, now=NOW, expiry=finished)
    servers = tuple(NameServer(name=name) for name in GAINING_SERVERS)
    facts = desk.plan.facts
    named = replace(facts, gaining=replace(facts.gaining, name_servers=frozenset(GAINING_SERVERS)))
    desk.plan = plan_transfer(named, flow=Flow.REGISTRY_FACILITATED, start=NOW)
    desk.evidence = []
    desk = desk.until("keys-offered")
    (sent,) = desk.frames("keys-offered", gaining_servers=servers, relay_expiry=finished).frames
    assert isinstance(of_zone.action, KeyRelayCreate) and isinstance(sent.command.action, KeyRelayCreate)
    assert set(sent.command.action.keys) == set(of_zone.action.keys)
    (offer,), (other,) = sent.command.extensions, of_zone.extensions
    assert isinstance(offer, Offer) and isinstance(other, Offer)
    assert set(offer.name_servers.servers) == set(other.name_servers.servers)
    assert (offer.ds, offer.ttl) == (other.ds, other.ttl)


def test_an_offer_is_withheld_where_a_status_would_stop_the_transfer() -> None:
    desk = Desk.of(a_plan(Flow.REGISTRY_FACILITATED), a_registry()).until("keys-offered")
    desk.record = replace(desk.record, statuses=("clientTransferProhibited", "serverUpdateProhibited"))
    with pytest.raises(FrameWithheld) as refused:
        desk.frames("keys-offered", lift_locks=True)
    assert len(refused.value.reasons) == 2 and "have the sponsor remove it" in refused.value.reasons[1]


def test_the_losing_side_sends_its_receipt_and_when_it_is_so_its_report() -> None:
    desk = Desk.of(a_plan(Flow.REGISTRY_FACILITATED), a_registry()).until("keys-exchanged")
    receipt = make_receipt(LOSING, GAINING_KEYS, by="the losing operator", at=NOW)
    with pytest.raises(EppError, match="the receipt for the gaining keys is not given"):
        desk.frames("keys-exchanged")
    (sent,) = desk.frames("keys-exchanged", receipt=receipt).frames
    assert sent.command.action == DomainUpdate(name=DOMAIN) and sent.command.extensions == (receipt,)
    low = Ttl(600)
    report = Report(name=DOMAIN, serial=8, merged=NOW, lowered=NOW, ns_ttl=low, dnskey_ttl=low)
    desk = desk.until("losing-merged")
    later = desk.plan.finished
    with pytest.raises(FrameWithheld, match="nothing confirms that, and the report says it") as refused:
        desk.frames("losing-merged", report=report, now=later)
    assert [each.split(":")[0] for each in refused.value.reasons] == ["losing-merged", "ttls-lowered"]
    for step_id in ("losing-merged", "ttls-lowered"):
        desk.done(step_id)
    seen = desk.evidence
    desk.evidence = iter(seen)  # type: ignore[assignment]  # what can be gone through once is all there is as well
    (told,) = desk.frames("ttls-lowered", report=report, now=later).frames
    desk.evidence = seen
    assert told.command.extensions == (report,)
    with pytest.raises(EppError, match=r"the report of the losing side is not given"):
        desk.frames("losing-merged", now=later)
    with pytest.raises(EppError, match=r"what is to be told is of example\.com\."):
        desk.frames("losing-merged", now=later, report=replace(report, name="example.com"))


@pytest.mark.parametrize("changes", [{"urgent": True}, {"max_sig_life": 604800}])
def test_only_a_change_of_the_ds_is_urgent(changes: dict[str, object]) -> None:
    desk = Desk.of(a_plan(), a_registry(max_sig_life=True)).until("ns-changed")
    with pytest.raises(EppError, match="ns-changed does not change the DS, and nothing else is urgent"):
        desk.frames("ns-changed", **changes)


def test_an_override_of_the_future_is_none() -> None:
    desk = Desk.of(a_plan(), a_registry()).until("ns-changed")
    early = desk.plan.step("ns-changed").not_before - timedelta(seconds=1)
    with pytest.raises(PlanError, match="comes after the decision"):
        desk.frames("ns-changed", now=early, override=replace(OVERRIDE, when=early + timedelta(hours=1)))
