"""Preflight: what the facts, the zones and the timing of keys say before a transfer starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.keyring import VALIDITY, csk, ksk, zsk
from tests.test_foreign_signatures import colliding_keys
from tests.test_transfer_plan import (
    COOPERATING,
    DAY,
    NOW,
    SECOND,
    an_operator,
    ds_of,
    flows_with_facts,
    signed_keys,
    the_facts,
)
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm
from zonekit.denial import Nsec3
from zonekit.dnskeys import Dnskey, dnskey_response_octets
from zonekit.ds import CsyncFlag, delete_cds, make_cds, make_csync
from zonekit.errors import PlanError, TimeError, ZoneError
from zonekit.findings import Finding, Severity
from zonekit.keys import KeyTiming
from zonekit.signing import sign_zone
from zonekit.transfer.facts import Facts
from zonekit.transfer.parties import Capability, Channel, OperatorFacts, OperatorKey
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.planfile import plan_json, read_plan
from zonekit.transfer.proof import Safe
from zonekit.transfer.readiness import (
    MAX_DIFFERENCES,
    _response_octets,
    preflight,
    preflight_rollovers,
    preflight_zones,
)
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import Key, Overlap, Source
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

OTHERS = (Source.LOSING, Source.PARENT)


def codes(findings: Iterable[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def the_finding(findings: Iterable[Finding], code: str) -> Finding:
    (finding,) = [each for each in findings if each.code == code]
    return finding


def with_losing(**changes: object) -> Facts:
    facts = the_facts()
    losing = replace(facts.losing, **changes)  # type: ignore[arg-type]
    return replace(facts, losing=losing, parent=replace(facts.parent, ds=ds_of(losing)))


# ---- laws -----------------------------------------------------------------------------------------------------------


@given(flows_with_facts)
def test_every_finding_has_a_rule_and_a_remedy_and_the_gravest_comes_first(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    found = preflight(facts, flow=flow, start=NOW)
    for finding in found:
        assert finding.rule and finding.owner == "example.nl."
        assert finding.remedy or finding.severity is Severity.INFO
    assert [finding.severity for finding in found] == sorted((each.severity for each in found), reverse=True)


@st.composite
def troubled(draw: st.DrawFn) -> tuple[Flow, Facts]:
    """A flow and facts that may not fit it: other algorithms, what somebody cannot do, shared servers, signatures that end."""
    flow, facts = draw(flows_with_facts)
    algorithms = st.sampled_from((13, 13, 13, 13, 5, 8, 16))
    if facts.losing.is_signed and facts.gaining.is_signed:
        keys = signed_keys("gaining", draw(st.booleans()), algorithm=draw(algorithms))
        facts = replace(facts, gaining=replace(facts.gaining, keys=keys))
    lacking = st.frozensets(st.sampled_from(Capability), max_size=2)
    expire = draw(st.none() | st.integers(0, 30 * DAY).map(lambda seconds: NOW + timedelta(seconds=seconds)))
    can = facts.losing.can - draw(lacking | st.just(frozenset()))
    facts = replace(facts, losing=replace(facts.losing, can=can, signatures_expire=expire))
    overlaps = st.lists(st.sampled_from([Overlap(asked=asked, answers=Source.GAINING) for asked in OTHERS]), max_size=1)
    return flow, replace(facts, overlaps=tuple(draw(overlaps)))


@given(troubled())
@settings(max_examples=150)
def test_no_error_among_the_findings_means_that_there_is_a_plan_and_it_is_safe(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    found = preflight(facts, flow=flow, start=NOW)
    event("errors" if any(finding.severity is Severity.ERROR for finding in found) else "none")
    try:
        is_safe = isinstance(prove(plan_transfer(facts, flow=flow, start=NOW)), Safe)
    except PlanError:
        is_safe = False
    assert is_safe or any(finding.severity is Severity.ERROR for finding in found)


def test_nothing_is_found_where_all_is_well() -> None:
    assert preflight(the_facts(), start=NOW) == ()


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(TimeError):
        preflight(the_facts(), start=NOW.replace(tzinfo=None))


# ---- from the facts -------------------------------------------------------------------------------------------------


def test_differing_algorithms_are_an_error_where_keys_are_merged() -> None:
    facts = replace(the_facts(), gaining=replace(the_facts().gaining, keys=signed_keys("gaining", algorithm=15)))
    finding = the_finding(preflight(facts), "algorithms-differ")
    assert finding.severity is Severity.ERROR and "13" in finding.message and "15" in finding.message
    assert (
        "roll to another after the transfer; or roll on the losing side first; or go through insecure" in finding.remedy
    )
    through = the_finding(preflight(facts, flow=Flow.THROUGH_INSECURE), "algorithms-differ")
    assert through.severity is Severity.INFO


@pytest.mark.parametrize("algorithm", [5, 7])
def test_a_sha_1_algorithm_is_insecure_for_some_already(algorithm: int) -> None:
    finding = the_finding(preflight(with_losing(keys=signed_keys("losing", algorithm=algorithm))), "sha1-algorithm")
    assert "RFC 9905" in finding.rule and str(algorithm) in finding.message


def test_two_keys_of_one_tag_are_found_only_with_the_same_algorithm() -> None:
    def keys(who: str, algorithm: int) -> tuple[OperatorKey, ...]:
        return tuple(
            replace(each, key=replace(each.key, algorithm=algorithm, key_tag=tag))
            for tag, each in enumerate(signed_keys(who), start=4711)
        )

    facts = with_losing(keys=keys("losing", 13))
    same = replace(facts, gaining=replace(facts.gaining, keys=keys("gaining", 13)))
    collisions = [each for each in preflight(same) if each.code == "key-tag-collision"]
    assert len(collisions) == 2 and "4711" in collisions[0].message
    other = replace(facts, gaining=replace(facts.gaining, keys=keys("gaining", 15)))
    assert "key-tag-collision" not in codes(preflight(other))
    assert "key-tag-collision" not in codes(preflight(the_facts())), "tags that are not known do not collide"


def test_a_sha_1_ds_and_digests_of_different_strength_are_found() -> None:
    facts = the_facts()
    sha1 = replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, 1)))
    assert codes(preflight(sha1)) == {"sha1-ds", "ds-digests-differ"}
    assert "in the same update" in the_finding(preflight(sha1), "sha1-ds").remedy
    sha384 = replace(facts, parent=replace(facts.parent, ds=ds_of(facts.losing, 4)))
    assert "digest type 4" in the_finding(preflight(sha384), "ds-digests-differ").remedy
    assert isinstance(prove(plan_transfer(sha384, start=NOW)), Safe), "the plan adds what the finding asks for"


def test_ttls_far_apart_servers_in_the_zone_and_shared_servers_are_found() -> None:
    inside = frozenset({"ns1.example.nl", "ns.example.net"})
    skewed = with_losing(ns_ttl=Ttl(DAY), dnskey_ttl=Ttl(300), address_ttl=Ttl(600), name_servers=inside)
    shared = replace(skewed, overlaps=(Overlap(asked=Source.PARENT, answers=Source.GAINING),))
    found = preflight(shared)
    assert codes(found) == {"ttl-skew", "servers-in-zone", "servers-shared"}
    assert "the parent answer for the gaining zone" in the_finding(found, "servers-shared").message
    assert "10m" in the_finding(found, "servers-in-zone").message


def test_a_response_over_the_limit_is_found() -> None:
    rsa = with_losing(keys=signed_keys("losing", algorithm=8))
    both = replace(rsa, gaining=replace(rsa.gaining, keys=signed_keys("gaining", algorithm=8)))
    found = [each for each in preflight(both) if each.code == "response-too-large"]
    assert found and all("2048" in each.message for each in found)
    assert "response-too-large" not in codes(preflight(both, flow=Flow.THROUGH_INSECURE))
    unknown = with_losing(keys=signed_keys("losing", algorithm=253))
    assert "response-too-large" not in codes(preflight(unknown)), "nothing is guessed of an algorithm without a length"


@pytest.mark.parametrize(
    "algorithm",
    [Algorithm.ECDSAP256SHA256, Algorithm.ECDSAP384SHA384, Algorithm.ED25519, Algorithm.ED448, Algorithm.RSASHA256],
)
def test_the_size_of_a_response_is_what_the_zone_would_give(algorithm: Algorithm) -> None:
    signers = [ksk(algorithm), zsk(algorithm)]
    owner = signers[0].owner
    dnskeys = RRset(owner=owner, rdtype=rd.DNSKEY, ttl=Ttl(60), rdatas=tuple(key.dnskey_rdata for key in signers))
    names = [Key(name=str(number), algorithm=int(algorithm)) for number in range(2)]
    assert _response_octets("example.nl.", names, names[:1]) == dnskey_response_octets(dnskeys, signers[:1])


@pytest.mark.parametrize("flow", COOPERATING)
@pytest.mark.parametrize("capability", [Capability.IMPORT_ZSK, Capability.RE_SIGN, Capability.SERVE_ON])
def test_a_capability_that_a_flow_needs_is_missed(flow: Flow, capability: Capability) -> None:
    facts = with_losing(can=frozenset(Capability) - {capability})
    finding = the_finding(preflight(facts, flow=flow, start=NOW), "capability-missing")
    assert finding.severity is Severity.ERROR and capability.value in finding.message
    assert "capability-missing" not in codes(preflight(facts, flow=Flow.THROUGH_INSECURE))


def test_a_ksk_needs_to_be_taken_only_where_it_signs_data_or_the_parent_scans() -> None:
    without = frozenset(Capability) - {Capability.IMPORT_KSK}
    facts = with_losing(can=without)
    assert preflight(facts) == ()
    assert "capability-missing" in codes(preflight(facts, flow=Flow.SCANNING_PARENT))
    with_csk = replace(facts, gaining=an_operator("gaining", csk=True))
    assert "CSK" in the_finding(preflight(with_csk), "capability-missing").message


def test_a_parent_that_does_not_scan_and_a_losing_side_that_keeps_its_ns_are_missed() -> None:
    facts = the_facts()
    by_request = replace(facts, parent=replace(facts.parent, channels=frozenset({Channel.REQUEST})))
    assert codes(preflight(by_request, flow=Flow.SCANNING_PARENT)) == {"capability-missing"}
    assert codes(preflight(by_request, flow=Flow.REGISTRY_FACILITATED)) == {"capability-missing"}
    assert preflight(by_request) == ()
    fixed = with_losing(can=frozenset(Capability) - {Capability.CHANGE_NS, Capability.LOWER_TTLS})
    assert codes(preflight(fixed)) == {"capability-limited", "sticky-resolvers"}
    assert "capability-missing" in codes(preflight(fixed, flow=Flow.SCANNING_PARENT))
    leaving = with_losing(can=frozenset(Capability) - {Capability.SERVE_ON})
    assert the_finding(preflight(leaving, flow=Flow.THROUGH_INSECURE), "capability-limited").severity is Severity.ERROR


def test_signatures_that_expire_are_held_against_the_plan() -> None:
    done = plan_transfer(the_facts(), start=NOW).step("losing-keys-withdrawn").started
    in_time = with_losing(signatures_expire=done)
    finding = the_finding(preflight(in_time, start=NOW), "signatures-expire")
    assert finding.severity is Severity.INFO and "2026-11-21T12:00:00Z" in finding.message
    late = with_losing(signatures_expire=done - SECOND)
    finding = the_finding(preflight(late, start=NOW), "signatures-expire")
    assert finding.severity is Severity.ERROR and "2026-11-21T11:59:59Z" in finding.message
    plan = plan_transfer(in_time, start=NOW)
    switch = plan.step("ns-changed")
    delayed = plan.record("ns-changed", started=switch.started + SECOND, completed=switch.completed + SECOND)
    assert the_finding(preflight(in_time, plan=delayed), "signatures-expire").severity is Severity.ERROR


@pytest.mark.parametrize("who", ["losing", "gaining"])
def test_what_nobody_said_is_told_as_assumed(who: str) -> None:
    facts = the_facts()
    operator = getattr(facts, who)
    left_out = OperatorFacts(
        keys=operator.keys,
        ns_ttl=operator.ns_ttl,
        dnskey_ttl=operator.dnskey_ttl,
        data_ttl=operator.data_ttl,
        negative_ttl=operator.negative_ttl,
        propagation_delay=operator.propagation_delay,
    )
    assert left_out == operator, "what is assumed is planned with like anything else"
    assumed = replace(facts, **{who: left_out})
    found = preflight(assumed)
    assert [(each.code, each.severity) for each in found] == [
        ("capabilities-assumed", Severity.INFO),
        ("name-servers-not-given", Severity.INFO),
    ]
    assert all(f"{who} operator" in each.message and f"{who} operator" in each.remedy for each in found)
    assert "can import-zsk, import-ksk, re-sign, lower-ttls, change-ns, serve-on" in found[0].message
    told = replace(assumed, **{who: replace(left_out, can=frozenset(Capability), name_servers=frozenset())})
    assert preflight(told) == ()
    plan = plan_transfer(replace(assumed, **{who: replace(left_out, ns_ttl=Ttl(2 * DAY))}), start=NOW)
    assert codes(preflight(read_plan(plan_json(plan)).facts)) >= {"capabilities-assumed", "name-servers-not-given"}
    assert read_plan(plan_json(plan)) == plan


def test_a_gaining_side_that_does_not_renew_and_facts_that_no_plan_fits_are_errors() -> None:
    facts = the_facts()
    expiring = replace(facts, gaining=replace(facts.gaining, signatures_expire=NOW))
    assert the_finding(preflight(expiring), "signatures-expire").severity is Severity.ERROR
    insecure = replace(facts, parent=replace(facts.parent, ds=frozenset()))
    assert the_finding(preflight(insecure, start=NOW), "plan-impossible").severity is Severity.ERROR


# ---- from the two zones ---------------------------------------------------------------------------------------------


def a_zone(*more: RRset, ns: str = "ns1.losing.example.", serial: int = 1) -> Zone:
    return Zone.from_rrsets(
        "example.nl",
        [
            RRset.from_text("example.nl.", 3600, "SOA", f"{ns} admin.example.nl. {serial} 7200 3600 1209600 300"),
            RRset.from_text("example.nl.", 3600, "NS", ns),
            RRset.from_text("www.example.nl.", 3600, "A", "192.0.2.1"),
            *more,
        ],
    )


def losing_zone(*more: RRset) -> Zone:
    return sign_zone(a_zone(*more), [ksk(), zsk()], validity=VALIDITY)


def gaining_zone(*more: RRset, **how: object) -> Zone:
    zone = a_zone(*more, ns="ns1.gaining.example.", serial=7)
    return sign_zone(zone, [ksk(number=1), zsk(number=1)], validity=VALIDITY, **how)  # type: ignore[arg-type]


def test_the_same_zone_signed_by_two_operators_gives_no_findings() -> None:
    assert preflight_zones(losing_zone(), gaining_zone()) == ()
    assert preflight_zones(a_zone(), a_zone(ns="ns1.gaining.example.")) == ()


def test_zones_of_two_names_are_refused() -> None:
    rrsets = [
        RRset.from_text("example.org.", 3600, "SOA", "ns1.example. admin.example. 1 7200 3600 1209600 300"),
        RRset.from_text("example.org.", 3600, "NS", "ns1.example."),
    ]
    other = Zone.from_rrsets("example.org", rrsets)
    with pytest.raises(ZoneError, match="different zones"):
        preflight_zones(a_zone(), other)


def test_content_that_differs_is_found_by_rrset() -> None:
    extra = RRset.from_text("mail.example.nl.", 3600, "A", "192.0.2.2")
    found = preflight_zones(losing_zone(extra), gaining_zone())
    finding = the_finding(found, "content-differs")
    assert (finding.owner, finding.rdtype) == ("mail.example.nl.", "A") and "losing zone alone" in finding.message
    found = preflight_zones(losing_zone(), gaining_zone(extra))
    assert "gaining zone alone" in the_finding(found, "content-differs").message
    text = [RRset.from_text("example.nl.", ttl, "TXT", word) for ttl, word in ((60, "a"), (60, "b"), (300, "a"))]
    found = preflight_zones(losing_zone(text[0]), gaining_zone(text[1]))
    assert "other data" in the_finding(found, "content-differs").message
    found = preflight_zones(losing_zone(text[0]), gaining_zone(text[2]))
    assert codes(found) == {"content-ttl-differs"}


def test_many_differences_are_counted_beyond_a_hundred() -> None:
    many = [RRset.from_text(f"h{number}.example.nl.", 60, "A", "192.0.2.3") for number in range(MAX_DIFFERENCES + 5)]
    found = preflight_zones(a_zone(*many), a_zone())
    assert len(found) == MAX_DIFFERENCES + 1
    assert "5 more RRsets" in found[-1].message


def test_nsec_beside_nsec3_is_found() -> None:
    finding = the_finding(preflight_zones(losing_zone(), gaining_zone(denial=Nsec3())), "denial-mix")
    assert finding.severity is Severity.WARNING and "NSEC3 (0 iterations" in finding.message
    assert preflight_zones(gaining_zone(denial=Nsec3()), gaining_zone(denial=Nsec3())) == ()
    salted = preflight_zones(gaining_zone(denial=Nsec3()), gaining_zone(denial=Nsec3(salt=b"x")))
    assert the_finding(salted, "denial-mix").severity is Severity.INFO


def test_cds_of_one_side_and_an_immediate_csync_are_found() -> None:
    one = make_cds([ksk()])
    found = preflight_zones(losing_zone(one), gaining_zone())
    assert "gaining side" in the_finding(found, "cds-flips-ds").message
    unsigned = preflight_zones(losing_zone(one), a_zone())
    assert "bring back what was removed" in the_finding(unsigned, "cds-flips-ds").message
    both = make_cds([ksk(), ksk(number=1)])
    assert "cds-flips-ds" not in codes(preflight_zones(losing_zone(both), gaining_zone()))
    found = preflight_zones(losing_zone(delete_cds("example.nl")), gaining_zone())
    assert "losing or gaining" in the_finding(found, "cds-flips-ds").message
    csync = make_csync("example.nl", serial=1, types=["NS"], flags=CsyncFlag.IMMEDIATE)
    assert "csync-flips-ns" in codes(preflight_zones(losing_zone(csync), gaining_zone()))


def test_a_key_that_signs_nothing_and_keys_that_collide_are_found() -> None:
    next_key = Dnskey.from_rdata(zsk(number=2).owner, zsk(number=2).dnskey_rdata)
    losing = sign_zone(a_zone(), [ksk(), zsk()], validity=VALIDITY, published=[next_key])
    finding = the_finding(preflight_zones(losing, gaining_zone()), "rollover-under-way")
    assert str(next_key.key_tag) in finding.message


def test_a_merge_that_makes_the_response_too_large_is_found() -> None:
    algorithm = Algorithm.RSASHA256
    small = sign_zone(a_zone(), [csk(algorithm)], validity=VALIDITY)
    other = sign_zone(a_zone(), [csk(algorithm), zsk(algorithm)], validity=VALIDITY)
    large = sign_zone(a_zone(), [ksk(algorithm), zsk(algorithm, number=1)], validity=VALIDITY)
    assert "response-too-large" not in codes(preflight_zones(large, small))
    assert "response-too-large" in codes(preflight_zones(large, other))


def test_key_tags_that_collide_are_found_in_the_zones() -> None:
    first, twin = colliding_keys()
    losing = sign_zone(a_zone(), [ksk(Algorithm.ED25519), first], validity=VALIDITY)
    gaining = sign_zone(a_zone(), [ksk(number=1), zsk(number=1)], validity=VALIDITY, published=[twin])
    assert "key-tag-collision" in codes(preflight_zones(losing, gaining))


def test_name_servers_in_the_zone_need_their_addresses_on_both_sides() -> None:
    inside = Zone.from_rrsets(
        "example.nl",
        [
            RRset.from_text("example.nl.", 3600, "SOA", "ns1.example.nl. admin.example.nl. 1 7200 3600 1209600 300"),
            RRset.from_text("example.nl.", 3600, "NS", "ns1.example.nl."),
            RRset.from_text("ns1.example.nl.", 3600, "A", "192.0.2.53"),
            RRset.from_text("www.example.nl.", 3600, "A", "192.0.2.1"),
        ],
    )
    found = preflight_zones(inside, a_zone())
    assert codes(found) == {"servers-in-zone", "glue-missing", "content-differs"}
    assert "the gaining zone has no address" in the_finding(found, "glue-missing").message


# ---- from the timing of keys ----------------------------------------------------------------------------------------


def test_a_rollover_inside_the_plan_is_found() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    rolling = replace(zsk(), timing=KeyTiming(activate=NOW - timedelta(days=9), inactive=plan.switchover))
    (finding,) = preflight_rollovers([rolling, ksk()], plan)
    assert finding.code == "rollover-scheduled" and "inactive at 2026-11-23T12:00:00Z" in finding.message
    at_end = replace(zsk(), timing=KeyTiming(delete=plan.finished))
    after = replace(zsk(), timing=KeyTiming(delete=plan.finished + SECOND, publish=plan.start))
    assert len(preflight_rollovers([at_end], plan)) == 1
    assert preflight_rollovers([after], plan) == ()
