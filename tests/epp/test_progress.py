"""How far a party knows a transfer to be: what it sees counts from when it was seen, and what it is told only where nobody can see."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.epp.operators import DAY, DELAY, GAINING, LONG, LOSING, LOSING_DS, MINUTE, Delegation, Servers, the_facts
from tests.epp.registry import GAINING as GAINING_CLIENT
from tests.epp.registry import LOSING as LOSING_CLIENT
from tests.epp.registry import Registry
from tests.epp.stages import SETTLED, Course
from tests.keyring import NOW
from tests.transfer_worlds import GAINING_KEYS, LOSING_KEYS, LOW
from zonekit import rdata as rd
from zonekit.apex import lower_ttls, merge_dnskeys
from zonekit.dnskeys import parse_dnskeys
from zonekit.ds import registry_ds
from zonekit.epp.domains import DomainTransferData, NameServer, NameServers, NsForm, TransferStatus
from zonekit.epp.facilitated import announce_wait, change_ns
from zonekit.epp.frames import Data
from zonekit.epp.offers import NsNotice, RemovalNotice, WaitNotice
from zonekit.epp.progress import Progress, withhold
from zonekit.errors import EppError, FrameWithheld, PlanError
from zonekit.signing import sign_zone
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.proof import Safe
from zonekit.transfer.receipts import Receipt
from zonekit.transfer.steps import Flow
from zonekit.transfer.timelines import Event
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zones import Zone

BEGUN = Progress(plan=plan_transfer(the_facts(), flow=Flow.REGISTRY_FACILITATED, start=NOW))
AGREED = BEGUN.said(
    *("requested", "frozen", "keys-made", "keys-offered", "keys-relayed", "keys-exchanged"), at=NOW, by="everybody"
)


def merged_servers() -> Servers:
    """Both zones merged from a minute on, the losing TTLs low, and the gaining servers answering."""
    servers = Servers()
    merged = merge_dnskeys(LOSING, parse_dnskeys(GAINING_KEYS), signers=LOSING_KEYS, validity=LONG)
    low = lower_ttls(merged, LOW, signers=LOSING_KEYS, validity=LONG).zone
    servers.give(Source.LOSING, low, NOW + MINUTE)
    servers.give(
        Source.GAINING,
        merge_dnskeys(GAINING, parse_dnskeys(LOSING_KEYS), signers=GAINING_KEYS, validity=LONG),
        NOW + MINUTE,
    )
    return servers


def test_a_step_is_done_when_it_was_first_seen_on_every_server() -> None:
    servers = merged_servers()
    early = AGREED.seen(servers.look(NOW + 2 * MINUTE), by="us")
    assert "losing-merged" not in early.plan.events, "the last server lacks it"
    late = early.seen(servers.look(NOW + SETTLED), by="us")
    done = late.plan.step("losing-merged")
    assert (done.started, done.completed) == (NOW + 2 * MINUTE, NOW + SETTLED), "it was lacking when looked at before"
    again = late.seen(servers.look(NOW + DAY), by="us")
    assert again.plan.step("losing-merged").completed == NOW + SETTLED


def test_a_step_is_not_done_on_servers_that_were_not_asked() -> None:
    sighting = merged_servers().look(NOW + SETTLED)
    part = replace(sighting, giving={**sighting.giving, Source.LOSING: frozenset(("ns1.losing.example.",))})
    found = AGREED.seen(part, by="us")
    assert "gaining-merged" in found.plan.events and "losing-merged" not in found.plan.events
    assert "losing-merged" in found.seen(sighting, by="us").plan.events


def test_where_nobody_looked_before_it_may_have_begun_as_soon_as_what_goes_before() -> None:
    found = AGREED.seen(merged_servers().look(NOW + SETTLED), by="us")
    assert found.plan.step("losing-merged").started == NOW


def test_what_is_known_to_be_begun_counts_from_there() -> None:
    begun = AGREED.begin("losing-merged", NOW + MINUTE)
    assert begun.is_begun("losing-merged") and not AGREED.is_begun("losing-merged")
    found = begun.seen(merged_servers().look(NOW + SETTLED), by="us")
    assert found.plan.step("losing-merged").started == NOW + MINUTE
    assert found.is_begun("losing-merged") and not found.begun


@given(minutes=st.lists(st.integers(0, 60), min_size=1, max_size=5, unique=True).map(sorted))
def test_looking_more_often_records_no_step_sooner_than_it_was_done(minutes: list[int]) -> None:
    servers = merged_servers()
    found = AGREED
    for minute in minutes:
        found = found.seen(servers.look(NOW + minute * MINUTE), by="us")
    events = found.plan.events
    assert ("losing-merged" in events) is (NOW + minutes[-1] * MINUTE >= NOW + MINUTE + DELAY)
    if "losing-merged" in events:
        first = min(minute for minute in minutes if NOW + minute * MINUTE >= NOW + MINUTE + DELAY)
        assert events["losing-merged"].completed == NOW + first * MINUTE
        assert events["losing-merged"].started <= NOW + max(MINUTE, minutes[-1] * MINUTE)


def test_looking_often_does_not_make_the_evidence_grow() -> None:
    servers = merged_servers()
    first = AGREED.seen(servers.look(NOW + SETTLED), by="us")
    found = first
    for hour in range(1, 30):
        found = found.seen(servers.look(NOW + SETTLED + timedelta(hours=hour)), by="us")
    assert len(found.evidence) == len(first.seen(servers.look(NOW + 2 * SETTLED), by="us").evidence)


def test_what_is_undone_later_does_not_count_as_undone_before_it_is_done() -> None:
    """Long after, the gaining zone that has not taken the losing keys looks like one that has withdrawn them."""
    servers = Servers()
    servers.give(Source.GAINING, GAINING, NOW)
    for progress in (BEGUN, AGREED):
        found = progress.seen(servers.look(progress.plan.finished + 99 * DAY), by="us")
        assert found.plan.events == progress.plan.events


def test_a_wait_that_is_over_by_the_calendar_is_not_while_what_it_follows_is_not_done() -> None:
    course = Course.begun(Registry())
    course.run("given")
    case = course.registry.case
    assert case is not None
    servers = course.registry.servers
    servers.give(Source.GAINING, GAINING, course.now)
    found = case.progress.seen(servers.look(case.progress.plan.finished + DAY), by="us")
    assert "losing-keys-withdrawn" not in found.plan.events
    assert any("gaining-merged" in each for each in found.lacks("ns-changed", case.progress.plan.finished + DAY))


def test_what_is_done_too_early_goes_on_record_as_it_was() -> None:
    course = Course.begun(Registry())
    course.run("ns-changed")
    servers = course.registry.servers
    servers.give(Source.GAINING, GAINING, course.now)
    course.settle()
    for progress in (course.registry.case.progress, course.gaining.progress):  # type: ignore[union-attr]
        assert progress.plan.step("losing-keys-withdrawn").completed == course.now
        assert not isinstance(prove(progress.plan), Safe)


def test_what_is_said_is_on_record_once() -> None:
    again = AGREED.said("frozen", at=NOW + DAY, by="somebody")
    assert again.plan.step("frozen").completed == NOW
    assert len(again.evidence) == len(AGREED.evidence) + 1
    assert again.said("frozen", at=NOW + 2 * DAY, by="somebody") == again


def test_a_message_says_what_it_says_and_no_more() -> None:
    wait = WaitNotice(name="example.nl", until=NOW + DAY, record="DS at the parent", ttl=Ttl(60))
    assert BEGUN.heard(wait, gaining=GAINING_CLIENT, at=NOW).plan.events.keys() == {"wait-announced"}
    transfer = DomainTransferData(
        name="example.nl",
        status=TransferStatus.PENDING,
        requester="gaining-rar",
        requested=NOW,
        actor="losing-rar",
        acted=NOW + DAY,
    )
    assert BEGUN.heard(transfer, gaining=GAINING_CLIENT, at=NOW) is BEGUN
    approved = BEGUN.heard(
        replace(transfer, status=TransferStatus.CLIENT_APPROVED), gaining=GAINING_CLIENT, at=NOW + 2 * DAY
    )
    assert approved.plan.step("domain-transferred").completed == NOW + DAY


def approved_transfer(**fields: Any) -> DomainTransferData:
    known: dict[str, Any] = {
        "status": TransferStatus.CLIENT_APPROVED,
        "requester": GAINING_CLIENT,
        "actor": LOSING_CLIENT,
    }
    dates = {"requested": NOW + DAY, "acted": NOW + 2 * DAY}
    return DomainTransferData(**({"name": "example.nl"} | known | dates | fields))


def test_what_an_earlier_transfer_left_in_the_queue_says_nothing_of_this_one() -> None:
    old = NOW - 400 * DAY
    servers = NameServers(form=NsForm.HOST_OBJECTS, servers=(NameServer(name="ns1.gaining.example"),))
    left: tuple[Data, ...] = (
        approved_transfer(requested=old, acted=old + DAY),
        approved_transfer(requester="stranger-rar"),
        WaitNotice(name="example.nl", until=old, record="DS at the parent", ttl=Ttl(60)),
        RemovalNotice(name="example.nl", not_before=old, ds=registry_ds(LOSING_DS)),
        NsNotice(name="example.nl", at=old, name_servers=servers),
    )
    for data in left:
        assert AGREED.heard(data, gaining=GAINING_CLIENT, at=NOW + 3 * DAY) is AGREED, data


def test_a_message_about_another_domain_is_refused() -> None:
    course = Course.begun(Registry())
    course.run("removal-allowed")
    kinds = set()
    for side in (course.losing, course.gaining):
        for data in (data for response in side.heard for data in response.data):
            owner = "example.com"
            if isinstance(data, Receipt):
                keys = tuple(replace(key, owner=owner) for key in data.keys)
                other: Data = replace(data, domain=owner, keys=keys)
            else:
                other = replace(data, name=owner)
            with pytest.raises(EppError, match=r"example\.com"):
                side.progress.heard(other, gaining=GAINING_CLIENT, at=course.now)
            kinds.add(type(data))
    assert len(kinds) == 8


def test_an_ns_change_that_is_told_twice_is_begun_once() -> None:
    course = Course.begun(Registry())
    course.run("ns-changed")
    notice = course.losing.told(NsNotice)
    for side in (course.losing, course.gaining):
        assert side.progress.heard(notice, gaining=GAINING_CLIENT, at=course.now) == side.progress


def test_each_party_comes_to_the_same_by_its_own_looks() -> None:
    course = Course.begun(Registry())
    course.run("ended")
    case = course.registry.case
    assert case is not None
    seen = {
        step_id for step_id in case.progress.plan.events if case.progress.plan.step(step_id).step.effect is not None
    }
    not_told = {
        "losing-ds-removed",
        "ttls-restored",
    }  # nobody tells the losing side that the DS may go, and what follows
    for side, steps in ((course.losing, seen - not_told), (course.gaining, seen)):
        for step_id in steps:
            completed = case.progress.plan.events[step_id].completed
            assert side.progress.plan.events[step_id].completed == completed, (side.client, step_id)
    assert len(seen) == 11


def test_what_is_of_another_domain_or_step_is_refused() -> None:
    with pytest.raises(EppError, match=r"example\.com"):
        BEGUN.check_name("example.com.")
    BEGUN.check_name("example.nl.")
    with pytest.raises(PlanError, match="no step"):
        BEGUN.begin("nothing", NOW)
    with pytest.raises(PlanError, match="no step"):
        BEGUN.said("nothing", at=NOW, by="us")


def test_what_withholds_a_frame_is_told_whole() -> None:
    withhold("a frame", ())
    with pytest.raises(FrameWithheld) as caught:
        withhold("a frame", ("one", "two"))
    assert caught.value.reasons == ("one", "two") and "one; two" in str(caught.value)
    with pytest.raises(FrameWithheld) as caught:
        BEGUN.withhold("ns-changed", NOW, "besides")
    assert caught.value.reasons[0] == "besides" and len(caught.value.reasons) > 10


def test_it_is_kept_whole() -> None:
    course = Course.begun(Registry())
    course.run("ns-changed")
    assert pickle.loads(pickle.dumps(course.gaining.progress)) == course.gaining.progress


UNMERGED: Final = lower_ttls(LOSING, LOW, signers=LOSING_KEYS, validity=LONG).zone


@pytest.mark.parametrize("unmerged", [LOSING, UNMERGED])
def test_a_step_that_came_undone_counts_from_when_it_is_seen_done_again(unmerged: Zone) -> None:
    servers = merged_servers()
    merged = servers.zone(Source.LOSING)
    done = AGREED.seen(servers.look(NOW + SETTLED), by="us")
    servers.give(Source.LOSING, unmerged, NOW + DAY)
    undone = done.seen(servers.look(NOW + DAY + SETTLED), by="us")
    assert any("losing-merged" in each for each in undone.lacks("ns-changed", NOW + DAY + SETTLED))
    servers.give(Source.LOSING, merged, NOW + 2 * DAY)
    again = undone.seen(servers.look(NOW + 2 * DAY + SETTLED), by="us")
    step = again.plan.step("losing-merged")
    assert (step.started, step.completed) == (NOW + DAY + SETTLED, NOW + 2 * DAY + SETTLED)
    assert again.plan.switchover >= step.completed + timedelta(seconds=unmerged.apex_rrset(rd.DNSKEY).ttl)
    assert again.seen(servers.look(NOW + 3 * DAY), by="us").plan.step("losing-merged").completed == step.completed
    late = again.seen(servers.look(NOW + DAY + SETTLED), by="us")
    assert late.plan.events == again.plan.events and set(late.evidence) == set(again.evidence), (
        "an old look shows nothing new"
    )


def test_a_larger_ttl_that_is_served_meanwhile_counts() -> None:
    servers = merged_servers()
    merged = servers.zone(Source.LOSING)
    done = AGREED.seen(servers.look(NOW + SETTLED), by="us")
    ttl = 3 * LOSING.apex_rrset(rd.DNSKEY).ttl
    raised = LOSING.replace(LOSING.apex_rrset(rd.DNSKEY).with_ttl(ttl))
    servers.give(Source.LOSING, sign_zone(raised, LOSING_KEYS, validity=LONG), NOW + DAY)
    undone = done.seen(servers.look(NOW + DAY + SETTLED), by="us")
    assert undone.plan.facts.losing.dnskey_ttl == ttl
    servers.give(Source.LOSING, merged, NOW + 2 * DAY)
    again = undone.seen(servers.look(NOW + 2 * DAY + SETTLED), by="us")
    assert again.plan.switchover >= NOW + 2 * DAY + SETTLED + timedelta(seconds=ttl)


@pytest.mark.parametrize("source", [Source.LOSING, Source.PARENT])
def test_what_comes_undone_after_the_announcement_makes_the_wait_void(source: Source) -> None:
    """The losing servers drop the gaining keys, or the parent its new DS; caches that took that hold it beyond the old wait."""
    course = Course.begun(Registry())
    course.run("given")
    registry = course.registry
    assert registry.case is not None and registry.case.wait is not None
    until = registry.case.wait.until
    present = registry.servers.last(source)
    before = LOSING if source is Source.LOSING else Delegation(LOSING_DS, registry.servers.delegation().ns)
    registry.now = until - timedelta(hours=2)
    registry.servers.give(source, before, course.now)
    course.settle()
    registry.now = until - 20 * MINUTE
    ended = registry.servers.give(source, present, course.now)
    course.settle()
    course.wait_until(until)
    assert registry.case.wait is None and "wait-announced" not in registry.case.progress.plan.events
    with pytest.raises(FrameWithheld, match="not announced"):
        registry.decide_by_sight(change_ns)
    registry.decide_by_sight(announce_wait)
    course.poll()
    assert registry.case.wait.until > ended + timedelta(hours=20)
    course.run_from("given", "ns-changed")
    assert course.now > registry.case.wait.until
    steps = ("losing-merged", "ttls-lowered") if source is Source.LOSING else ("ds-added",)
    events = {step_id: Event(until - 20 * MINUTE, ended) for step_id in steps}
    plan = registry.case.progress.plan
    assert isinstance(prove(plan.with_events(plan.events | events)), Safe)
