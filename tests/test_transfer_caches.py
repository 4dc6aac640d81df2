"""What caches may hold: the theorems of the model, and which DS records count to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekit.errors import PlanError, TimeError, TtlError
from zonekit.transfer.caches import counted_entries, held, outages
from zonekit.transfer.profiles import (
    NAMED,
    PDNS_RECURSOR,
    PROFILES,
    STICKY,
    UNBOUND,
    UNBOUND_HARDENED,
    WITHOUT_ED448,
    WITHOUT_SHA1,
    DigestRule,
    ResolverProfile,
)
from zonekit.transfer.proof import Bogus, Outage, Safe, prove_schedule
from zonekit.transfer.spans import ALWAYS, EVER, NEVER, Spans, span
from zonekit.transfer.timelines import Event
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsEntry,
    DsVersion,
    Key,
    NsVersion,
    Overlap,
    Schedule,
    Serving,
    Signature,
    Source,
)
from zonekit.ttl import Ttl

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOSING, GAINING = frozenset((Source.LOSING,)), frozenset((Source.GAINING,))
ttls = st.sampled_from((0, 1, 60, 3600, 86400, 172800)).map(Ttl)
NO_DS = DsVersion(source=Source.PARENT, record="no DS", ttl=Ttl(60), entries=frozenset())


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ns(source: Source, leads_to: frozenset[Source], ttl: int, start: int | None, end: int | None) -> NsVersion:
    return NsVersion(
        source=source,
        record=f"NS of {source.value}",
        ttl=Ttl(ttl),
        leads_to=leads_to,
        start=None if start is None else later(start),
        end=None if end is None else later(end),
    )


NS_TO_LOSING = ns(Source.PARENT, LOSING, 172800, None, None)
HOSTS = frozenset({"ns1.example.nl."})


def address(source: Source, ttl: int, *, end: datetime | None = None) -> AddressVersion:
    """The address of the losing name server, given by a source."""
    record = f"address at the {source.value} side"
    return AddressVersion(source=source, record=record, ttl=Ttl(ttl), hosts=HOSTS, leads_to=Source.LOSING, end=end)


def switch(parent_ttl: int, child_ttl: int, child_change: int | None) -> Schedule:
    """The parent's NS changes now; the losing zone's own after ``child_change`` seconds, or never."""
    child = [ns(Source.LOSING, LOSING, child_ttl, None, child_change)]
    if child_change is not None:
        child.append(ns(Source.LOSING, GAINING, child_ttl, child_change, None))
    return Schedule(
        versions=(
            ns(Source.PARENT, LOSING, parent_ttl, None, 0),
            ns(Source.PARENT, GAINING, parent_ttl, 0, None),
            *child,
            ns(Source.GAINING, GAINING, child_ttl, None, None),
            NO_DS,
        ),
        servings=(Serving(operator=Source.LOSING), Serving(operator=Source.GAINING)),
    )


# ---- reachability ---------------------------------------------------------------------------------------------------


@given(ttls, ttls, st.integers(0, 200000))
def test_the_losing_servers_are_reached_until_both_ns_rrsets_have_run_out(
    parent_ttl: Ttl, child_ttl: Ttl, child_change: int
) -> None:
    reach = held(switch(parent_ttl, child_ttl, child_change), NAMED).reach[Source.LOSING]
    until = max(parent_ttl, min(child_change, parent_ttl) + child_ttl)
    assert reach == span(None, later(until))


@given(ttls, ttls)
def test_a_losing_zone_that_goes_on_naming_itself_keeps_resolvers_for_one_ttl_more(
    parent_ttl: Ttl, child_ttl: Ttl
) -> None:
    assert held(switch(parent_ttl, child_ttl, None), NAMED).reach[Source.LOSING] == span(
        None, later(parent_ttl + child_ttl)
    )


@given(ttls, ttls)
def test_a_sticky_resolver_never_leaves_it(parent_ttl: Ttl, child_ttl: Ttl) -> None:
    assert held(switch(parent_ttl, child_ttl, None), STICKY).reach[Source.LOSING] == ALWAYS
    changed = held(switch(parent_ttl, child_ttl, 100), STICKY).reach[Source.LOSING]
    assert changed == span(None, later(max(parent_ttl, 100 + child_ttl)))


@given(ttls, ttls, st.integers(-5000, 5000))
def test_the_gaining_servers_open_with_the_first_ns_rrset_that_names_them(
    parent_ttl: Ttl, child_ttl: Ttl, child_change: int
) -> None:
    reach = held(switch(parent_ttl, child_ttl, child_change), NAMED).reach[Source.GAINING]
    # The losing servers are still reached when their own NS RRset changes, unless the parent's has long run out.
    assert reach[0][0] == min(0, child_change) + NOW.timestamp()
    assert reach[-1][1] == EVER


@given(ttls, st.integers(0, 3600), st.integers(0, 3600), st.integers(0, 3600))
def test_a_cache_keeps_what_it_has_for_the_ttl_or_its_own_minimum_and_its_margins(
    ttl: Ttl, minimum: int, stale: int, latency: int
) -> None:
    profile = ResolverProfile(
        name="x",
        minimum_ttl=Ttl(minimum),
        stale_margin=timedelta(seconds=stale),
        latency=timedelta(seconds=latency),
    )
    old, new = (
        DsVersion(source=Source.PARENT, record="DS", ttl=ttl, entries=frozenset(), start=start, end=end)
        for start, end in ((None, NOW), (NOW, None))
    )
    schedule = Schedule(versions=(ns(Source.PARENT, LOSING, 60, None, None), old, new), servings=())
    live = held(schedule, profile).live
    assert live[id(old)] == span(None, later(latency + max(ttl, minimum) + stale))
    assert live[id(new)] == span(NOW, None)


def test_nothing_is_fetched_from_servers_that_nobody_is_sent_to() -> None:
    data = DataVersion(source=Source.GAINING, record="data", ttl=Ttl(60), signatures=())
    schedule = Schedule(
        versions=(ns(Source.PARENT, LOSING, 60, None, None), NO_DS, data),
        servings=(Serving(operator=Source.LOSING), Serving(operator=Source.GAINING)),
    )
    assert held(schedule, NAMED).live[id(data)] == NEVER


def test_servers_in_the_zone_are_reached_while_somebody_has_an_address_for_them() -> None:
    base = switch(172800, 172800, 0)
    assert held(base, NAMED).reach[Source.LOSING] == span(None, later(345600 - 172800))
    named = replace(NS_TO_LOSING, leads_to=frozenset(), hosts=HOSTS)

    def reach(*addresses: AddressVersion) -> Spans:
        others = [each for each in base.versions if not isinstance(each, NsVersion)]
        schedule = Schedule(versions=(named, *others, *addresses), servings=base.servings)
        return held(schedule, NAMED).reach[Source.LOSING]

    assert reach() == NEVER
    glue = address(Source.PARENT, 600, end=NOW)
    assert reach(glue) == span(None, later(600))
    assert reach(replace(glue, hosts=frozenset({"ns2.example.nl."}))) == NEVER, "nobody names that one"
    assert reach(replace(glue, leads_to=Source.GAINING)) == NEVER
    own = address(Source.LOSING, 60, end=later(3600))
    assert reach(own) == NEVER, "an address that only its own server gives leads nobody there"
    assert reach(glue, own) == span(None, later(3660)), "but who is there stays for as long as it gives it"
    assert reach(glue, replace(own, end=None)) == ALWAYS
    assert reach(glue, replace(own, start=later(601))) == span(None, later(600)), "too late: nobody is there any more"


def test_addresses_that_send_resolvers_to_and_fro_come_to_an_end() -> None:
    there = replace(address(Source.LOSING, 60), leads_to=Source.GAINING)
    back = replace(address(Source.GAINING, 60), leads_to=Source.LOSING)
    named = replace(NS_TO_LOSING, leads_to=frozenset(), hosts=HOSTS)
    schedule = Schedule(
        versions=(named, NO_DS, address(Source.PARENT, 600, end=NOW), there, back),
        servings=(Serving(operator=Source.LOSING), Serving(operator=Source.GAINING)),
    )
    assert held(schedule, NAMED).reach == {Source.LOSING: ALWAYS, Source.GAINING: ALWAYS}


def test_an_old_address_of_a_server_that_has_stopped_is_an_outage() -> None:
    named = replace(NS_TO_LOSING, leads_to=frozenset(), hosts=HOSTS)
    new = replace(address(Source.PARENT, 600), leads_to=Source.GAINING, start=NOW)
    schedule = Schedule(
        versions=(named, NO_DS, address(Source.PARENT, 600, end=NOW), new),
        servings=(Serving(operator=Source.LOSING, end=later(599)), Serving(operator=Source.GAINING)),
    )
    assert list(outages(schedule, held(schedule, NAMED))) == [(named, span(later(599), later(600)))]
    kept_up = replace(schedule, servings=(Serving(operator=Source.LOSING, end=later(600)), schedule.servings[1]))
    assert list(outages(kept_up, held(kept_up, NAMED))) == []


def test_addresses_are_of_somebody_and_lead_to_an_operator() -> None:
    with pytest.raises(PlanError, match=r"the addresses of no name server at the losing side"):
        replace(address(Source.PARENT, 600), hosts=frozenset())
    with pytest.raises(PlanError, match=r"the addresses of ns1\.example\.nl\. at the parent side"):
        replace(address(Source.PARENT, 600), leads_to=Source.PARENT)


def test_a_server_that_answers_for_another_does_so_from_when_it_has_the_zone() -> None:
    base = Schedule(
        versions=(NS_TO_LOSING, NO_DS), servings=(Serving(operator=Source.LOSING), Serving(operator=Source.GAINING))
    )
    for start in (None, NOW):
        overlap = Overlap(asked=Source.LOSING, answers=Source.GAINING, start=start)
        assert held(replace(base, overlaps=(overlap,)), NAMED).reach[Source.GAINING] == span(start, None)


# ---- which DS records count -----------------------------------------------------------------------------------------


def entry(name: str, algorithm: int, digest: int) -> DsEntry:
    return DsEntry(key=Key(name=name, algorithm=algorithm), digest_type=digest)


@pytest.mark.parametrize(
    ("profile", "given_entries", "counted"),
    [
        (NAMED, [("a", 13, 1), ("b", 13, 2)], ["b"]),
        (NAMED, [("a", 13, 1)], ["a"]),
        (NAMED, [("a", 13, 2), ("b", 13, 4)], ["a", "b"]),
        (UNBOUND, [("a", 13, 1), ("b", 13, 2)], ["a", "b"]),
        (UNBOUND_HARDENED, [("a", 13, 2), ("b", 13, 4)], ["b"]),
        (PDNS_RECURSOR, [("a", 13, 2), ("b", 13, 4)], ["a", "b"]),
        (ResolverProfile(name="x", digest_rule=DigestRule.ALL), [("a", 13, 1), ("b", 13, 2)], ["a", "b"]),
        (WITHOUT_ED448, [("a", 16, 2)], []),
        (WITHOUT_SHA1, [("a", 5, 2), ("b", 8, 2)], ["b"]),
        (NAMED, [("a", 13, 3)], []),
        (NAMED, [], []),
    ],
)
def test_the_ds_records_that_count(
    profile: ResolverProfile, given_entries: list[tuple[str, int, int]], counted: list[str]
) -> None:
    ds = DsVersion(
        source=Source.PARENT, record="DS", ttl=Ttl(60), entries=frozenset(entry(*each) for each in given_entries)
    )
    assert sorted(each.key.name for each in counted_entries(ds, profile)) == counted


# ---- one operator ---------------------------------------------------------------------------------------------------

KSK, ZSK = Key(name="KSK", algorithm=13), Key(name="ZSK", algorithm=13)


def alone(
    ds: frozenset[DsEntry], dnskeys: frozenset[Key], signatures: tuple[Signature, ...], data: tuple[Signature, ...]
) -> Schedule:
    """A domain at one operator, where nothing ever changes."""
    return Schedule(
        versions=(
            ns(Source.PARENT, LOSING, 60, None, None),
            DsVersion(source=Source.PARENT, record="DS", ttl=Ttl(60), entries=ds),
            DnskeyVersion(source=Source.LOSING, record="DNSKEY", ttl=Ttl(60), keys=dnskeys, signatures=signatures),
            DataVersion(source=Source.LOSING, record="data", ttl=Ttl(60), signatures=data),
        ),
        servings=(Serving(operator=Source.LOSING),),
    )


DS = frozenset((DsEntry(key=KSK, digest_type=2),))
BOTH = frozenset((KSK, ZSK))
BY_KSK, BY_ZSK = (Signature(key=KSK),), (Signature(key=ZSK),)


def test_a_domain_that_is_signed_right_is_safe_for_everyone() -> None:
    verdict = prove_schedule(alone(DS, BOTH, BY_KSK, BY_ZSK), PROFILES)
    assert verdict == Safe(profiles=tuple(profile.name for profile in PROFILES))


@pytest.mark.parametrize(
    "schedule",
    [
        alone(DS, frozenset((ZSK,)), BY_KSK, BY_ZSK),
        alone(DS, frozenset((KSK,)), BY_KSK, BY_ZSK),
        alone(DS, BOTH, BY_ZSK, BY_ZSK),
        alone(DS, BOTH, BY_KSK, ()),
        alone(DS, frozenset(), (), ()),
    ],
    ids=["KSK missing", "ZSK missing", "DNSKEY not signed by the KSK", "data unsigned", "zone unsigned"],
)
def test_a_domain_that_is_not_is_bogus_for_ever(schedule: Schedule) -> None:
    verdict = prove_schedule(schedule, [NAMED])
    assert isinstance(verdict, Bogus)
    assert verdict.at is None and verdict.bogus_for is None
    assert "Long before" in verdict.story


def test_an_unsigned_domain_is_insecure_for_ever() -> None:
    verdict = prove_schedule(alone(frozenset(), frozenset(), (), ()), [NAMED])
    assert isinstance(verdict, Safe)
    assert [(window.start, window.end) for window in verdict.insecure] == [(None, None)]


def test_a_signature_is_good_from_its_inception_until_its_expiration() -> None:
    data = (Signature(key=ZSK, inception=later(0), expiration=later(10)),)
    verdict = prove_schedule(alone(DS, BOTH, BY_KSK, data), [NAMED])
    assert isinstance(verdict, Bogus) and verdict.at is None
    two = (*data, Signature(key=ZSK, expiration=later(0)))
    verdict = prove_schedule(alone(DS, BOTH, BY_KSK, two), [NAMED])
    assert isinstance(verdict, Bogus) and verdict.at == later(10)


def test_servers_that_do_not_answer_are_an_outage() -> None:
    schedule = Schedule(
        versions=(ns(Source.PARENT, LOSING, 60, None, None), NO_DS),
        servings=(Serving(operator=Source.LOSING, all_end=later(0), end=later(60)),),
    )
    verdict = prove_schedule(schedule, [NAMED])
    assert isinstance(verdict, Outage)
    assert verdict.at == later(0) and verdict.out_for is None


# ---- refusals -------------------------------------------------------------------------------------------------------


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(PlanError, match="its end 2026-11-21T12:00:00Z lies before its start 2026-11-21T12:00:05Z"):
        ns(Source.PARENT, LOSING, 60, 5, 0)
    with pytest.raises(TtlError, match="outside 0 to"):
        ns(Source.PARENT, LOSING, -1, None, None)
    with pytest.raises(TimeError, match="has no time zone"):
        Signature(key=KSK, expiration=datetime(2026, 11, 21))
    with pytest.raises(PlanError, match="no NS version of the parent; say what it serves"):
        Schedule(versions=(NO_DS,), servings=())
    with pytest.raises(PlanError, match="no DS version of the parent"):
        Schedule(versions=(ns(Source.PARENT, LOSING, 60, None, None),), servings=())
    with pytest.raises(PlanError, match="stale_margin of profile x is"):
        ResolverProfile(name="x", stale_margin=timedelta(seconds=-1))
    with pytest.raises(PlanError, match="cannot have completed before"):
        Event(later(5), later(0))
