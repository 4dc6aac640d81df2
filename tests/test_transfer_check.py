"""The check of a transfer: what is claimed and so is true, what is not is named, and what is legal raises no alarm."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.keyring import NOW, VALIDITY, csk
from tests.strategies import zones
from tests.test_foreign_signatures import colliding_keys
from tests.transfer_worlds import (
    DAY,
    GAINING,
    GAINING_KEYS,
    GAINING_SERVERS,
    LOSING,
    LOSING_KEYS,
    LOSING_SERVERS,
    LOW,
    World,
    keys,
    ns_of,
    signed,
    start_of,
    unsigned,
    walk,
    with_apex,
    world_at,
)
from zonekit import rdata as rd
from zonekit.algorithms import Algorithm, digest
from zonekit.dnskeys import parse_dnskeys, union
from zonekit.ds import CsyncFlag, make_cdnskey, make_cds, make_csync, make_ds
from zonekit.errors import PlanError, RdataError, TimeError
from zonekit.findings import Severity
from zonekit.keys import SigningKey
from zonekit.names import name_text
from zonekit.signing import sign_rrset, sign_zone
from zonekit.transfer import codes
from zonekit.transfer.checking import TransferCheck, check_transfer
from zonekit.transfer.claims import Claim, Rest, claims_of, rest_of, standing_claims
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.gate import may_begin, see_step
from zonekit.transfer.journal import Confirmed, Evidence, Missing
from zonekit.transfer.judging import JUDGES, Truth
from zonekit.transfer.parties import Capability, Channel
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.sightings import NOT_LOOKED_AT, THERE_IS_NONE, Sighting
from zonekit.transfer.steps import STEPS, Actor, Flow, with_shared_servers
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.verifying import CODES, verify_zone
from zonekit.zones import RRset, Zone

COOPERATING = (Flow.OPERATOR_CHANGE, Flow.REGISTRAR_CHANGE, Flow.REGISTRY_FACILITATED, Flow.SCANNING_PARENT)
HOUR = timedelta(hours=1)
ZONE_CLAIMS = {Claim.LOSING_VERIFIES, Claim.GAINING_VERIFIES}


def false_claims(check: TransferCheck) -> set[Claim]:
    assert not check.that_are(Truth.NOT_SEEN)
    return {each.claim for each in check.that_are(Truth.FALSE)}


def the_facts(**more: Any) -> Facts:
    known: dict[str, Any] = {
        "ds_ttl": 2 * DAY,
        "ns_ttl": 2 * DAY,
        "negative_ttl": 900,
        "losing_delay": timedelta(0),
        "gaining_delay": timedelta(0),
        "parent_delay": timedelta(0),
        "registration_delay": timedelta(0),
        "timing": Timing(lowered_ttl=Ttl(LOW)),
    }
    gaining = signed(unsigned(GAINING_SERVERS), GAINING_KEYS)
    return Facts.from_zones(LOSING, gaining, make_ds(LOSING_KEYS[:1]), **(known | more))


# ---- the tables -----------------------------------------------------------------------------------------------------

ALL_TABLES = [table for steps in STEPS.values() for table in (steps, with_shared_servers(steps))]


def test_every_step_of_every_flow_has_a_check_or_is_told_by_people_or_time() -> None:
    for table in ALL_TABLES:
        for step in table:
            rest = rest_of(step)
            assert claims_of(step, table) or rest is not Rest.NOTHING, step.id
            assert (rest is Rest.TIME) is (step.actor is Actor.NOBODY)


def test_every_claim_is_made_by_some_step_and_has_a_judge_and_a_code() -> None:
    made = {claim for table in ALL_TABLES for step in table for claim in claims_of(step, table)}
    assert made == set(Claim) == set(JUDGES) == set(codes.CLAIM_CODES)


def test_the_codes_are_words_of_their_own_with_a_rule_and_a_remedy() -> None:
    assert not codes.TRANSFER_CODES.keys() & CODES.keys()
    assert len(codes.TRANSFER_CODES) == len(Claim) + 8
    for code in codes.TRANSFER_CODES.values():
        assert code.rule and (code.remedy or code.severity is Severity.INFO)
        assert code.name == code.name.lower() and " " not in code.name


def test_what_a_later_step_supersedes_is_claimed_no_more() -> None:
    steps = STEPS[Flow.OPERATOR_CHANGE]
    at = {step.id: {each.claim for each in standing_claims(steps, [step.id])} for step in steps}
    assert Claim.BOTH_DS in at["losing-unreachable"]
    assert Claim.BOTH_DS not in at["losing-ds-removed"] and Claim.GAINING_DS_ALONE in at["losing-ds-removed"]
    assert Claim.GAINING_HAS_LOSING_KEYS not in at["losing-keys-withdrawn"]
    assert not {claim for claim in at["losing-stopped"] if claim.name.startswith("LOSING")} - {Claim.LOSING_SILENT}
    assert not {Claim.NO_CSYNC, Claim.NO_ONE_SIDED_CDS} & at["thawed"]


# ---- what is legal --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_ksks", [True, False], ids=["with KSKs", "ZSKs alone"])
@pytest.mark.parametrize("is_shared", [False, True], ids=["", "shared servers"])
@pytest.mark.parametrize("flow", Flow)
def test_at_every_step_of_every_flow_all_is_true_and_nothing_is_an_alarm(
    flow: Flow, is_shared: bool, with_ksks: bool
) -> None:
    for step, world in walk(flow, is_shared=is_shared, start=replace(start_of(flow), with_ksks=with_ksks)):
        for claimed in (world.taken, (step.id,)):
            if is_shared and "shared-serve" not in claimed:
                continue
            check = check_transfer(world.seen(), step=claimed, flow=flow)
            assert [str(each) for each in check.claims if each.truth is not Truth.TRUE] == [], step.id
            assert [str(each) for each in check.at_least(Severity.WARNING)] == [], step.id
            assert check.is_true and check.is_clean
            if {"ns-changed", "losing-ns-changed"} & set(check.done):
                assert check.missing == ()


@pytest.mark.parametrize(
    "servers",
    [
        (LOSING_SERVERS[0], GAINING_SERVERS[0]),
        LOSING_SERVERS,
        (*LOSING_SERVERS, GAINING_SERVERS[0]),
    ],
    ids=["one of both", "the same", "the same and one more"],
)
@pytest.mark.parametrize("flow", COOPERATING)
def test_servers_of_both_operators_raise_no_alarm(flow: Flow, servers: tuple[str, ...]) -> None:
    zone = unsigned(GAINING_SERVERS, ttl=LOW)
    ns = RRset.from_text("example.nl.", LOW, "NS", *servers)
    made = signed(zone.replace(ns), GAINING_KEYS, dnskey_ttl=LOW)
    plan = plan_transfer(shared_facts(made), flow=flow, start=NOW)
    assert [step.id for step in with_shared_servers(STEPS[flow])] == [planned.id for planned in plan.steps]
    for step, world in walk(flow, is_shared=True, start=replace(start_of(flow), made=made)):
        check = check_transfer(world.seen(), step=world.taken, plan=plan)
        assert [str(each) for each in check.claims if each.truth is not Truth.TRUE] == [], step.id
        assert [str(each) for each in check.at_least(Severity.WARNING)] == [], step.id


def shared_facts(made: Zone) -> Facts:
    facts = the_facts()
    names = frozenset(name_text(name) for name in made.apex_rrset(rd.NS).rdatas)
    parent = replace(facts.parent, channels=frozenset(Channel), scan_delay=timedelta(0), check_delay=timedelta(0))
    return replace(facts, gaining=replace(facts.gaining, name_servers=names), parent=parent)


@pytest.mark.parametrize("flow", Flow)
def test_a_checker_of_one_zone_alone_raises_alarms_in_every_flow(flow: Flow) -> None:
    alarms = set()
    for step, world in walk(flow):
        check = check_transfer(world.seen(), step=world.taken, flow=flow)
        told = {(finding.code, finding.severity): finding.message for finding in check.findings}
        ds = world.ds if isinstance(world.ds, RRset) else None
        for zone in (world.losing, world.gaining):
            if not isinstance(zone, Zone):
                continue
            for finding in verify_zone(zone, now=NOW, ds=ds).findings:
                if finding.severity > Severity.INFO:
                    alarms.add(finding.code)
                    assert f": expected at step {step.id}" in told[finding.code, Severity.INFO]
    assert alarms


def test_what_is_expected_says_until_when() -> None:
    world = world_at(Flow.OPERATOR_CHANGE, "ds-added", start=World(with_ksks=False))
    check = check_transfer(world.seen(), step="ds-added")
    told = [finding.message for finding in check.findings if finding.code == "ds-without-dnskey"]
    tags = {ksk.key_tag for ksk in (LOSING_KEYS[0], GAINING_KEYS[0])}
    assert sorted(told) == sorted(
        f"the {side} zone: the DS of key {tag} (algorithm 13, digest type 2) is of no key in the DNSKEY RRset: expected at step ds-added"
        f" (until step {until})"
        for side, tag, until in (
            ("losing", GAINING_KEYS[0].key_tag, "losing-stopped"),
            ("gaining", LOSING_KEYS[0].key_tag, "losing-ds-removed"),
        )
    )
    assert len(tags) == 2


def test_the_same_finding_at_a_step_that_does_not_explain_it_stays_what_it_is() -> None:
    broken = replace(world_at(Flow.OPERATOR_CHANGE, "ns-changed"), ds=make_ds(LOSING_KEYS[:1]))
    early = replace(world_at(Flow.OPERATOR_CHANGE, "gaining-merged"))
    codes_at = {
        step: {(each.code, each.severity) for each in check_transfer(world.seen(), step=step).findings}
        for step, world in (("ns-changed", broken), ("gaining-merged", early))
    }
    assert ("chain-broken", Severity.ERROR) in codes_at["ns-changed"]
    assert ("chain-broken", Severity.INFO) in codes_at["gaining-merged"]
    assert ("chain-broken", Severity.ERROR) not in codes_at["gaining-merged"]


def test_a_ds_of_a_key_that_nobody_has_is_never_expected() -> None:
    stray = make_ds([LOSING_KEYS[0], GAINING_KEYS[0], keys(7)[0]])
    world = replace(world_at(Flow.OPERATOR_CHANGE, "ds-added", start=World(with_ksks=False)), ds=stray)
    findings = check_transfer(world.seen(), step="ds-added").findings
    told = [finding for finding in findings if f"key {keys(7)[0].key_tag} " in finding.message]
    assert {finding.code for finding in told} == {"ds-without-dnskey"}
    assert not any("expected" in finding.message for finding in told)
    others = [finding for finding in findings if finding.code == "ds-without-dnskey" and finding not in told]
    assert others and all("expected" in finding.message for finding in others)


def test_parent_and_child_may_name_different_servers_only_while_they_change() -> None:
    half = replace(world_at(Flow.OPERATOR_CHANGE, "losing-ns-changed"), ns=ns_of(LOSING_SERVERS))
    check = check_transfer(half.seen(), step="losing-ns-changed")
    found = [each for each in check.findings if each.code == "delegation-differs"]
    assert {each.severity for each in found} == {Severity.INFO}
    assert check.is_true
    done = check_transfer(half.seen(), step=["losing-ns-changed", "ns-changed"])
    assert {each.severity for each in done.findings if each.code == "delegation-differs"} == {Severity.WARNING}
    assert false_claims(done) == {Claim.PARENT_NS}


# ---- what is not true -----------------------------------------------------------------------------------------------


def tampered(zone: Zone | Any) -> Zone:
    """The zone with another address at www than the one that is signed."""
    assert isinstance(zone, Zone)
    return zone.replace(RRset.from_text("www.example.nl.", 7200, "A", "192.0.2.66"))


def not_resigned(zone: Zone | Any, others: list[SigningKey]) -> Zone:
    """The zone with the other keys in its DNSKEY RRset, and the signature from before."""
    assert isinstance(zone, Zone)
    return zone.replace(union(zone.apex_rrset(rd.DNSKEY), parse_dnskeys(others)))


def without(zone: Zone | Any, with_keys: list[SigningKey], rdtype: str) -> Zone:
    assert isinstance(zone, Zone)
    bare = zone.remove("@", rdtype)
    return sign_zone(bare.remove("@", "RRSIG", rdtype), with_keys, validity=VALIDITY)


def sha1_ds(key: SigningKey) -> bytes:
    head = key.key_tag.to_bytes(2, "big") + bytes((int(key.algorithm), 1))
    return head + digest(1, key.owner + key.dnskey_rdata)


def as_ds(*rdatas: bytes) -> RRset:
    return RRset(owner=LOSING.apex, rdtype=rd.DS, ttl=Ttl(DAY), rdatas=rdatas)


def wrong_digest(key: SigningKey) -> bytes:
    (rdata,) = make_ds([key]).rdatas
    return rdata[:-1] + bytes((rdata[-1] ^ 1,))


(LOSING_DS,) = make_ds(LOSING_KEYS[:1]).rdatas
MERGED = world_at(Flow.OPERATOR_CHANGE, "losing-merged").losing
assert isinstance(MERGED, Zone)
LOSING_CDS = with_apex(LOSING, LOSING_KEYS, make_cds(LOSING_KEYS[:1]))
AT_ONCE = make_csync("example.nl", serial=7, types=["NS"], flags=CsyncFlag.IMMEDIATE)


@dataclass(frozen=True, kw_only=True)
class Lie:
    """A claim that is not true.

    Attributes:
        step: the claimed step.
        world: what is served then instead of what should be.
        false: the claims that are false; more than one where one follows from the other.
        breaks: words of the story of what would break, or is broken, where something is.
        flow: the flow.
    """

    step: str
    world: Callable[[World], World]
    false: set[Claim]
    breaks: tuple[str, ...] = ()
    flow: Flow = Flow.OPERATOR_CHANGE


LIES = {
    "losing data is not signed": Lie(
        step="losing-merged",
        world=lambda world: replace(world, losing=tampered(world.losing)),
        false={Claim.LOSING_VERIFIES},
    ),
    "gaining data is not signed": Lie(
        step="gaining-serves",
        world=lambda world: replace(world, gaining=tampered(world.gaining)),
        false={Claim.GAINING_VERIFIES},
    ),
    "keys collide": Lie(
        step="keys-exchanged",
        world=lambda world: _with_colliding_keys(world),  # noqa: PLW0108  # which comes further down
        false={Claim.KEYS_ACCEPTABLE},
    ),
    "the losing side has not merged": Lie(
        step="losing-merged",
        world=lambda world: replace(world, losing=LOSING),
        false={Claim.LOSING_HAS_GAINING_KEYS},
        breaks=("DNSKEY of the losing operator + data of the gaining operator",),
    ),
    "the losing side has merged and not signed": Lie(
        step="losing-merged",
        world=lambda world: replace(world, losing=not_resigned(LOSING, GAINING_KEYS)),
        false={Claim.LOSING_SIGNS_DNSKEY, Claim.LOSING_VERIFIES},
        breaks=("DNSKEY of the losing operator + data of the losing operator",),
    ),
    "the gaining side has not merged": Lie(
        step="gaining-merged",
        world=lambda world: replace(world, gaining=GAINING),
        false={Claim.GAINING_HAS_LOSING_KEYS},
        breaks=("DNSKEY of the gaining operator + data of the losing operator",),
    ),
    "the gaining side has merged and not signed": Lie(
        step="gaining-merged",
        world=lambda world: replace(world, gaining=not_resigned(GAINING, LOSING_KEYS[1:])),
        false={Claim.GAINING_SIGNS_DNSKEY, Claim.GAINING_VERIFIES},
        breaks=("DNSKEY of the gaining operator + data of the gaining operator",),
    ),
    "the TTLs are not lowered": Lie(
        step="ttls-lowered",
        world=lambda world: replace(world, losing=MERGED),
        false={Claim.LOSING_TTLS_LOW},
    ),
    "the TTLs are lowered and not signed": Lie(
        step="ttls-lowered",
        world=lambda world: replace(world, losing=MERGED.replace(MERGED.apex_rrset(rd.NS).with_ttl(LOW))),
        false={Claim.LOSING_TTLS_LOW, Claim.LOSING_VERIFIES},
    ),
    "the gaining DS is missing": Lie(
        step="ds-added",
        world=lambda world: replace(world, ds=make_ds(LOSING_KEYS[:1])),
        false={Claim.BOTH_DS},
        breaks=("DNSKEY of the gaining operator + data of the losing operator", "DNSKEY of the gaining operator"),
    ),
    "the losing DS is gone too early": Lie(
        step="ds-added",
        world=lambda world: replace(world, ds=make_ds(GAINING_KEYS[:1])),
        false={Claim.BOTH_DS, Claim.LOSING_SIGNS_DNSKEY},
        breaks=("DNSKEY of the losing operator",),
    ),
    "the digest of a DS is wrong": Lie(
        step="ds-added",
        world=lambda world: replace(world, ds=as_ds(LOSING_DS, wrong_digest(GAINING_KEYS[0]))),
        false={Claim.BOTH_DS},
        breaks=("DNSKEY of the gaining operator",),
    ),
    "the losing DS is SHA-1 alone": Lie(
        step="ds-added",
        world=lambda world: replace(world, ds=as_ds(sha1_ds(LOSING_KEYS[0]), *make_ds(GAINING_KEYS[:1]).rdatas)),
        false={Claim.DS_DIGESTS},
        breaks=("DNSKEY of the losing operator",),
    ),
    "the gaining zone names the losing servers": Lie(
        step="gaining-serves",
        world=lambda world: replace(
            world,
            gaining=world.merged_into(
                signed(unsigned(LOSING_SERVERS, ttl=LOW), GAINING_KEYS, dnskey_ttl=LOW), GAINING_KEYS, LOSING_KEYS
            ),
        ),
        false={Claim.GAINING_NS},
        flow=Flow.REGISTRAR_CHANGE,
    ),
    "the parent has not changed": Lie(
        step="ns-changed",
        world=lambda world: replace(world, ns=ns_of(LOSING_SERVERS)),
        false={Claim.PARENT_NS},
    ),
    "the losing zone has not changed": Lie(
        step="losing-ns-changed",
        world=lambda world: replace(world, losing=world_at(Flow.OPERATOR_CHANGE, "ds-added").losing),
        false={Claim.LOSING_NS},
    ),
    "the losing DS is still there": Lie(
        step="losing-ds-removed",
        world=lambda world: replace(world, ds=make_ds([LOSING_KEYS[0], GAINING_KEYS[0]])),
        false={Claim.GAINING_DS_ALONE},
    ),
    "a DS is still there": Lie(
        step="all-ds-removed",
        world=lambda world: replace(world, ds=make_ds(LOSING_KEYS[:1])),
        false={Claim.NO_DS},
        breaks=("DNSKEY of the gaining operator",),
        flow=Flow.THROUGH_INSECURE,
    ),
    "the losing keys are still there": Lie(
        step="losing-keys-withdrawn",
        world=lambda world: replace(world, gaining=world_at(Flow.OPERATOR_CHANGE, "ns-changed").gaining),
        false={Claim.LOSING_KEYS_GONE},
    ),
    "the losing servers still answer": Lie(
        step="losing-stopped",
        world=lambda world: replace(world, losing=world_at(Flow.OPERATOR_CHANGE, "losing-ns-changed").losing),
        false={Claim.LOSING_SILENT},
    ),
    "CDS of one side": Lie(
        step="frozen",
        world=lambda world: replace(world, losing=LOSING_CDS),
        false={Claim.NO_ONE_SIDED_CDS},
    ),
    "CSYNC too early": Lie(
        step="frozen",
        world=lambda world: replace(world, losing=with_apex(LOSING, LOSING_KEYS, AT_ONCE)),
        false={Claim.NO_CSYNC},
    ),
    "no CDNSKEY in the losing zone": Lie(
        step="cds-published",
        world=lambda world: replace(world, losing=without(world.losing, LOSING_KEYS, "CDNSKEY")),
        false={Claim.LOSING_CDS_OF_BOTH},
        flow=Flow.SCANNING_PARENT,
    ),
    "no CDS in the gaining zone": Lie(
        step="cds-published",
        world=lambda world: replace(world, gaining=without(world.gaining, GAINING_KEYS, "CDS")),
        false={Claim.GAINING_CDS_OF_BOTH},
        flow=Flow.SCANNING_PARENT,
    ),
    "CDS of both where it should be one": Lie(
        step="cds-alone",
        world=lambda world: replace(world, gaining=world_at(Flow.SCANNING_PARENT, "ns-changed").gaining),
        false={Claim.GAINING_CDS_ALONE},
        flow=Flow.SCANNING_PARENT,
    ),
    "no CSYNC": Lie(
        step="losing-ns-changed",
        world=lambda world: replace(world, losing=without(world.losing, LOSING_KEYS, "CSYNC")),
        false={Claim.LOSING_CSYNC},
        flow=Flow.SCANNING_PARENT,
    ),
    "the end does not validate": Lie(
        step="end-verified",
        world=lambda world: replace(world, gaining=tampered(world.gaining)),
        false={Claim.GAINING_VALIDATES},
    ),
    "the resolution does not validate": Lie(
        step="resolution-verified",
        world=lambda world: replace(world, gaining=tampered(world.gaining)),
        false={Claim.GAINING_VALIDATES},
        flow=Flow.REGISTRAR_CHANGE,
    ),
    "signed where it should not be": Lie(
        step="end-verified",
        world=lambda world: replace(world, gaining=GAINING),
        false={Claim.GAINING_UNSIGNED},
        flow=Flow.TO_UNSIGNED,
    ),
}


def _with_colliding_keys(world: World) -> World:
    ours, theirs = ([*keys(number, Algorithm.ED25519)[:1], zsk] for number, zsk in enumerate(colliding_keys()))
    return replace(
        world,
        losing=signed(unsigned(LOSING_SERVERS), ours),
        gaining=signed(unsigned(GAINING_SERVERS, ttl=LOW), theirs, dnskey_ttl=LOW),
        losing_keys=tuple(ours),
        gaining_keys=tuple(theirs),
        ds=make_ds(ours[:1]),
    )


@pytest.mark.parametrize("name", LIES)
def test_a_claim_that_is_not_true_is_the_one_that_is_false(name: str) -> None:
    lie = LIES[name]
    world = lie.world(world_at(lie.flow, lie.step))
    check = check_transfer(world.seen(), step=world.taken, flow=lie.flow)
    assert false_claims(check) == lie.false
    for claim in lie.false:
        assert codes.CLAIM_CODES[claim].name in {finding.code for finding in check.findings}
    stories = "\n".join(map(str, check.breaks or ()))
    for words in lie.breaks:
        assert words in stories
    if lie.breaks:
        assert "(named)" in stories and "puts the three together" in stories


def test_every_claim_has_a_lie() -> None:
    of_their_own = {Claim.GAINING_ANSWERS, Claim.SHARED_ANSWER, Claim.GAINING_TTLS_RESTORED}
    assert set().union(*[lie.false for lie in LIES.values()]) | of_their_own == set(Claim)


def test_one_gaining_server_that_does_not_answer_is_enough() -> None:
    for is_shared, claim in ((False, Claim.GAINING_ANSWERS), (True, Claim.SHARED_ANSWER)):
        last = "shared-serve" if is_shared else "gaining-serves"
        world = next(each for step, each in walk(Flow.OPERATOR_CHANGE, is_shared=is_shared) if step.id == last)
        one, other = GAINING_SERVERS
        sighting = replace(
            world.seen(),
            giving={Source.GAINING: frozenset({one})},
            lacking={Source.GAINING: frozenset({other})},
        )
        assert claim in false_claims(check_transfer(sighting, step=world.taken))
        unknown = check_transfer(replace(sighting, lacking={}), step=world.taken)
        assert {each.claim for each in unknown.that_are(Truth.NOT_SEEN)} >= {claim}
        assert unknown.is_clean and not unknown.is_true


def test_the_ttls_that_are_to_stay_are_those_of_the_facts() -> None:
    world = world_at(Flow.OPERATOR_CHANGE, "ttls-restored")
    assert check_transfer(world.seen(), step="ttls-restored", facts=the_facts()).is_true
    low = replace(world, gaining=world_at(Flow.OPERATOR_CHANGE, "end-verified").gaining)
    check = check_transfer(low.seen(), step="ttls-restored", facts=the_facts())
    assert false_claims(check) == {Claim.GAINING_TTLS_RESTORED}
    assert {finding.code for finding in check.at_least(Severity.WARNING)} == {"gaining-ttls-low"}
    (unknown,) = check_transfer(low.seen(), step="ttls-restored").that_are(Truth.NOT_SEEN)
    assert unknown.claim is Claim.GAINING_TTLS_RESTORED and "nobody says which are to stay" in unknown.found


def test_differing_algorithms_break_though_all_is_published_that_should_be() -> None:
    ed448 = keys(1, Algorithm.ED448)
    start = World(gaining_keys=tuple(ed448))
    gaining = signed(unsigned(GAINING_SERVERS, ttl=LOW), ed448, dnskey_ttl=LOW)
    world = start.after(STEPS[Flow.OPERATOR_CHANGE][0], STEPS[Flow.OPERATOR_CHANGE])
    world = replace(world, gaining=gaining)
    for step in STEPS[Flow.OPERATOR_CHANGE][2:8]:
        world = world.after(step, STEPS[Flow.OPERATOR_CHANGE])
    check = check_transfer(world.seen(), step=(*world.taken, "keys-made"))
    assert check.breaks and all(need.claim in ZONE_CLAIMS for need in check.missing if need.claim)
    assert "algorithm-signs-nothing" in {finding.code for finding in check.at_least(Severity.ERROR)}
    profiles = {profile for each in check.breaks for profile in each.profiles}
    assert "a validator without ED448" in profiles and "unbound, harden-algo-downgrade" in profiles
    assert "named" not in profiles
    assert {"ns-change-breaks"} <= {finding.code for finding in check.at_least(Severity.ERROR)}


# ---- what is missing ------------------------------------------------------------------------------------------------


def test_what_is_missing_until_the_ns_may_change_is_at_somebodys_hands() -> None:
    world = world_at(Flow.REGISTRAR_CHANGE, "gaining-merged")
    check = check_transfer(world.seen(), step=world.taken, flow=Flow.REGISTRAR_CHANGE)
    assert check.is_true and check.is_clean
    missing = {(need.step_id, need.actor, need.claim) for need in check.missing}
    assert missing == {
        ("losing-merged", Actor.LOSING, Claim.LOSING_HAS_GAINING_KEYS),
        ("ttls-lowered", Actor.LOSING, Claim.LOSING_TTLS_LOW),
        ("ds-added", Actor.LOSING_REGISTRAR, Claim.BOTH_DS),
        ("authinfo-given", Actor.LOSING_REGISTRAR, None),
        ("ns-changed", Actor.NOBODY, None),
    }
    assert check.by_people == ("requested", "frozen")
    assert "authinfo-given (losing registrar): the gaining side has the code; only people can say so" in map(
        str, check.missing
    )
    would = [finding for finding in check.findings if finding.code == "ns-change-breaks"]
    assert would and {finding.severity for finding in would} == {Severity.INFO}, "nobody says that it may change"
    assert all("expected at step gaining-merged (until step ns-changed)" in finding.message for finding in would)


def test_what_would_break_is_an_error_once_the_ns_change_is_claimed_to_be_due() -> None:
    world = replace(world_at(Flow.OPERATOR_CHANGE, "gaining-serves"), gaining=GAINING)
    check = check_transfer(world.seen(), step=world.taken)
    assert {need.claim for need in check.missing if need.claim} == {Claim.GAINING_HAS_LOSING_KEYS}
    (broken,) = check.breaks or ()
    assert broken.records[1:] == ("DNSKEY of the gaining operator", "data of the losing operator")
    assert "no key that signed the data is in this DNSKEY RRset" in broken.story and not broken.is_so_already
    assert len(broken.profiles) == 7
    assert "ns-change-breaks" in {finding.code for finding in check.at_least(Severity.ERROR)}


@pytest.mark.parametrize("with_ksks", [True, False])
def test_something_would_break_just_where_something_is_missing(with_ksks: bool) -> None:
    """With one algorithm on both sides, the claims and the cache model agree on when the NS may change."""
    steps = STEPS[Flow.OPERATOR_CHANGE]
    taken_by_id = {step.id: step for step in steps}
    for taken in itertools.product((False, True), repeat=3):
        world = replace(start_of(Flow.OPERATOR_CHANGE), gaining=GAINING, with_ksks=with_ksks)
        for step_id, is_taken in zip(("losing-merged", "gaining-merged", "ds-added"), taken, strict=True):
            world = world.after(taken_by_id[step_id], steps) if is_taken else world
        check = check_transfer(world.seen(), step="keys-exchanged")
        missing = {need.step_id for need in check.missing if need.claim is not None}
        assert missing == {
            step_id
            for step_id, is_taken in zip(("losing-merged", "gaining-merged", "ds-added"), taken, strict=True)
            if not is_taken
        }
        assert bool(check.breaks) is bool(missing)


def test_what_is_broken_already_is_told_as_that_at_any_step() -> None:
    world = replace(start_of(Flow.OPERATOR_CHANGE), ds=make_ds(keys(7)[:1]))
    check = check_transfer(world.seen(), step="frozen")
    assert {"broken-now", "chain-broken"} <= {finding.code for finding in check.at_least(Severity.ERROR)}


def test_the_servers_of_a_zone_that_is_not_served_are_an_outage() -> None:
    world = replace(world_at(Flow.OPERATOR_CHANGE, "ds-added"), gaining=THERE_IS_NONE)
    check = check_transfer(world.seen(), step="ds-added")
    assert ("NS at the parent to the gaining operator",) in [each.records for each in check.breaks or ()]


def test_what_was_not_looked_at_is_said_and_is_no_error() -> None:
    full = world_at(Flow.OPERATOR_CHANGE, "ds-added").seen()
    blank = Sighting(at=NOW, losing=full.losing)
    check = check_transfer(blank, step="ds-added")
    assert check.is_clean and not check.is_true and check.breaks is None
    assert {each.claim for each in check.that_are(Truth.NOT_SEEN)} >= {
        Claim.BOTH_DS,
        Claim.GAINING_VERIFIES,
        Claim.KEYS_ACCEPTABLE,
    }
    assert {finding.code for finding in check.findings if finding.code == "claim-not-seen"}
    assert {need.claim for need in check.missing} >= {Claim.BOTH_DS}
    known = replace(blank, keys={Source.GAINING: parse_dnskeys(GAINING_KEYS)})
    told = check_transfer(known, step="losing-merged")
    by_claim = {each.claim: each.truth for each in told.claims}
    assert by_claim[Claim.LOSING_HAS_GAINING_KEYS] is Truth.TRUE


def test_the_keys_of_a_csk_are_published_in_whole() -> None:
    one = csk()
    gaining = signed(unsigned(GAINING_SERVERS, ttl=LOW), [one], dnskey_ttl=LOW)
    start = World(gaining_keys=(one,), gaining=gaining)
    world = start.after(STEPS[Flow.OPERATOR_CHANGE][4], STEPS[Flow.OPERATOR_CHANGE])
    assert check_transfer(world.seen(), step="losing-merged").is_true
    check = check_transfer(start.seen(), step="losing-merged")
    assert false_claims(check) == {Claim.LOSING_HAS_GAINING_KEYS}


def test_the_ksk_is_wanted_only_where_somebody_said_that_it_is_taken() -> None:
    world = world_at(Flow.OPERATOR_CHANGE, "losing-merged", start=World(with_ksks=False))
    facts = the_facts()
    assert check_transfer(world.seen(), step=world.taken, facts=facts).is_true
    said = replace(facts, losing=replace(facts.losing, can=frozenset(Capability)))
    check = check_transfer(world.seen(), step=world.taken, facts=said)
    assert false_claims(check) == {Claim.LOSING_HAS_GAINING_KEYS}


# ---- with a plan ----------------------------------------------------------------------------------------------------


def test_the_waits_of_the_plan_that_are_not_over_come_with_their_dates() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    world = world_at(Flow.OPERATOR_CHANGE, "gaining-serves")
    check = check_transfer(world.seen(), step=world.taken, plan=plan)
    assert check.is_true
    assert {wait.until for wait in check.waits} == {NOW + timedelta(days=1), NOW + timedelta(days=2)}
    assert isinstance(check.decision, Missing)
    assert {each.step_id for each in check.decision.missing} == {"ns-changed", "frozen"}
    later = replace(world.seen(), at=plan.switchover)
    said = [Evidence(step_id="frozen", seen=NOW, by="both operators")]
    for step_id in ("losing-merged", "ds-added"):
        plan = plan.record(step_id, started=NOW, completed=NOW)
    over = check_transfer(later, step=world.taken, plan=plan, evidence=said)
    assert over.waits == () and over.missing == () and over.breaks == ()
    assert isinstance(over.decision, Confirmed)


EVIDENCE_WORLDS = list(walk(Flow.OPERATOR_CHANGE))


def evidence_of_all() -> list[Evidence]:
    """One look after each step until the NS may change, and what people say of the rest."""
    plan = plan_transfer(the_facts(), start=NOW)
    found = []
    for step, world in EVIDENCE_WORLDS[:8]:
        if rest_of(step) is Rest.NOTHING:
            found.append(see_step(plan, step.id, world.seen(), by="the check"))
        else:
            found.append(Evidence(step_id=step.id, seen=NOW, by="both operators"))
    return found


@given(st.permutations(evidence_of_all()))
@settings(max_examples=20)
def test_looks_are_evidence_that_the_gate_takes_in_any_order(evidence: list[Evidence]) -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    servers = {Source.LOSING: frozenset(LOSING_SERVERS), Source.GAINING: frozenset(GAINING_SERVERS)}
    for step_id in ("ns-changed", "losing-ns-changed"):
        assert isinstance(may_begin(plan, step_id, evidence, now=plan.switchover, servers=servers), Confirmed)
        lacking = [each for each in evidence if each.step_id != "losing-merged"]
        assert isinstance(may_begin(plan, step_id, lacking, now=plan.switchover), Missing)


@given(st.permutations(("losing-merged", "gaining-serves", "ds-added", "ttls-lowered")))
@settings(max_examples=10)
def test_the_order_of_the_claimed_steps_does_not_matter(claimed: list[str]) -> None:
    seen = world_at(Flow.OPERATOR_CHANGE, "gaining-serves").seen()
    first = check_transfer(seen, step=sorted(claimed))
    assert replace(check_transfer(seen, step=claimed), claimed=first.claimed) == first


@pytest.mark.parametrize("flow", COOPERATING)
def test_each_confirmation_of_a_published_flow_is_one_look(flow: Flow) -> None:
    facts = the_facts()
    parent = replace(facts.parent, channels=frozenset(Channel), scan_delay=timedelta(0), check_delay=timedelta(0))
    plan = plan_transfer(replace(facts, parent=parent), flow=flow, start=NOW)
    for step, world in walk(flow):
        if rest_of(step) is Rest.NOTHING:
            seen = see_step(plan, step.id, world.seen(), by="the check")
            assert seen.confirming and not seen.lacking, step.id
        else:
            with pytest.raises(PlanError, match="does not show in zones"):
                see_step(plan, step.id, world.seen(), by="the check")


def test_a_look_that_finds_it_not_so_is_evidence_too_and_a_later_one_takes_its_place() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    before = world_at(Flow.OPERATOR_CHANGE, "keys-exchanged").seen()
    after = world_at(Flow.OPERATOR_CHANGE, "losing-merged").seen()
    lacks = see_step(plan, "losing-merged", replace(before, at=NOW), by="the check")
    assert lacks.lacking == {"the losing zone", *LOSING_SERVERS} and not lacks.confirming
    gives = see_step(plan, "losing-merged", replace(after, at=NOW + HOUR, giving={}), by="the check")
    assert gives.confirming == {"the losing zone"}
    one = replace(after, at=NOW, giving={}, lacking={Source.LOSING: frozenset(LOSING_SERVERS[:1])})
    assert see_step(plan, "losing-merged", one, by="the check").lacking == {LOSING_SERVERS[0]}


# ---- refusals -------------------------------------------------------------------------------------------------------


def test_what_makes_no_sighting_is_refused() -> None:
    other = unsigned(LOSING_SERVERS)
    elsewhere = RRset.from_text("example.com.", 60, "NS", "ns.example.com.")
    good: dict[str, Any] = {"at": NOW, "losing": other}
    for bad, words in (
        ({"losing": NOT_LOOKED_AT}, "nothing was seen of any domain"),
        ({"losing": THERE_IS_NONE}, "nothing was seen of any domain"),
        ({"parent_ns": elsewhere}, "the losing zone is of example.nl. and the NS RRset of example.com."),
        ({"parent_ds": ns_of(LOSING_SERVERS)}, "parent_ds of what was seen of example.nl. is of type NS"),
        ({"parent_ns": make_ds(LOSING_KEYS[:1])}, "parent_ns of what was seen of example.nl. is of type DS"),
        ({"losing": "example.nl"}, "losing of what was seen is of type str"),
        ({"parent_ds": None}, "parent_ds of what was seen is of type NoneType"),
        ({"keys": {"losing": ()}}, "not a member of Source"),
        ({"keys": [1]}, "keys of what was seen is of type list"),
        ({"keys": {Source.LOSING: ["a key"]}}, "not of type Dnskey"),
        (
            {"giving": {Source.LOSING: {"ns1.nl"}}, "lacking": {Source.LOSING: {"NS1.nl."}}},
            "that ns1.nl. gives what was seen and does not",
        ),
    ):
        with pytest.raises(PlanError, match=words):
            Sighting(**(good | bad))
    with pytest.raises(TimeError):
        Sighting(**(good | {"at": NOW.replace(tzinfo=None)}))


def test_what_cannot_be_checked_is_refused() -> None:
    seen = world_at(Flow.OPERATOR_CHANGE, "ds-added").seen()
    plan = plan_transfer(the_facts(), start=NOW)
    with pytest.raises(PlanError, match="the flow has no step 'coffee'"):
        check_transfer(seen, step="coffee")
    with pytest.raises(PlanError, match="no step is claimed to be done"):
        check_transfer(seen, step=())
    with pytest.raises(PlanError, match="a plan and facts are given"):
        check_transfer(seen, step="frozen", plan=plan, facts=plan.facts)
    with pytest.raises(PlanError, match="a plan and another flow are given"):
        check_transfer(seen, step="frozen", plan=plan, flow=Flow.TO_UNSIGNED)
    with pytest.raises(PlanError, match="no resolver profile"):
        check_transfer(seen, step="frozen", profiles=())
    elsewhere = Sighting(at=NOW, parent_ns=RRset.from_text("example.com.", 60, "NS", "ns.example.com."))
    for call in (
        lambda: check_transfer(elsewhere, step="frozen", plan=plan),
        lambda: check_transfer(elsewhere, step="frozen", facts=plan.facts),
        lambda: see_step(plan, "frozen", elsewhere, by="a"),
    ):
        with pytest.raises(PlanError, match=r"the facts are of example\.nl\., and what was seen is of example\.com\."):
            call()
    with pytest.raises(PlanError, match="no step 'coffee'"):
        see_step(plan, "coffee", seen, by="a")
    with pytest.raises(PlanError, match="says not who saw it"):
        see_step(plan, "ds-added", seen, by=" ")
    with pytest.raises(PlanError, match="was not looked at"):
        see_step(plan, "ds-added", replace(seen, parent_ds=NOT_LOOKED_AT), by="a")
    with pytest.raises(PlanError, match="superseded by what is on record"):
        done = plan.record("ds-added", started=NOW, completed=NOW)
        done = done.record("losing-ds-removed", started=NOW + 30 * 24 * HOUR, completed=NOW + 30 * 24 * HOUR)
        see_step(done, "ds-added", seen, by="a")


def test_every_pair_of_worlds_and_claims_is_answered() -> None:
    """Whatever is claimed and whatever is served: an answer, and no crash."""
    worlds = [*[world for _, world in walk(Flow.SCANNING_PARENT)][::4], start_of(Flow.FROM_UNSIGNED)]
    for world, (flow, steps) in itertools.product(worlds, STEPS.items()):
        for step in steps[:: max(1, len(steps) // 5)]:
            check = check_transfer(world.seen(), step=step.id, flow=flow)
            assert list(check.findings) == sorted(check.findings, key=lambda finding: -finding.severity)


@st.composite
def odd_sightings(draw: st.DrawFn) -> Sighting:
    """Zones with anything in them, among it DNSSEC records that nobody could validate, and a DS RRset of any sort."""
    zones_or_none = st.one_of(
        zones(), zones(), st.sampled_from((LOSING, GAINING, MERGED, THERE_IS_NONE, NOT_LOOKED_AT))
    )
    ds = st.builds(
        lambda tag, rest, number: tag.to_bytes(2, "big") + bytes(rest) + bytes([number]) * 32,
        st.sampled_from((LOSING_KEYS[0].key_tag, GAINING_KEYS[0].key_tag, 0)),
        st.tuples(st.sampled_from((0, 5, 13, 200)), st.sampled_from((0, 1, 2, 3, 4))),
        st.integers(0, 255),
    )
    rdatas = draw(st.lists(st.one_of(ds, st.just(LOSING_DS)), min_size=1, max_size=3))
    try:
        parent_ds: Any = as_ds(*rdatas)
    except RdataError:
        parent_ds = THERE_IS_NONE
    keys_known = draw(st.sampled_from(((), parse_dnskeys(GAINING_KEYS))))
    return Sighting(
        at=NOW,
        losing=draw(zones_or_none),
        gaining=draw(zones_or_none),
        parent_ds=draw(st.sampled_from((parent_ds, NOT_LOOKED_AT, THERE_IS_NONE))),
        parent_ns=ns_of(LOSING_SERVERS),
        keys={Source.GAINING: keys_known},
    )


@given(odd_sightings(), st.sampled_from(Flow), st.data())
@settings(max_examples=150)
def test_whatever_is_seen_there_is_an_answer(sighting: Sighting, flow: Flow, data: st.DataObject) -> None:
    steps = [step.id for step in STEPS[flow]]
    claimed = data.draw(st.lists(st.sampled_from(steps), min_size=1, max_size=2))
    check = check_transfer(sighting, step=claimed, flow=flow)
    assert len({each.claim for each in check.claims}) == len(check.claims)
    for judged in check.claims:
        assert judged.found and judged.found.isprintable()


def in_domain(servers: tuple[str, str], address: str, *, ttl: int = DAY) -> Zone:
    hosts = [RRset.from_text(server, 3600, "A", address) for server in servers]
    return unsigned(servers, ttl=ttl).replace(*hosts)


def test_servers_in_the_domain_need_their_addresses_at_the_parent() -> None:
    names = ("ns1.example.nl.", "ns2.example.nl.")
    gaining = signed(in_domain(names, "192.0.2.2", ttl=LOW), GAINING_KEYS, dnskey_ttl=LOW)
    losing = signed(in_domain(names, "192.0.2.1"), LOSING_KEYS)
    steps = STEPS[Flow.OPERATOR_CHANGE]
    world = World(losing=losing, gaining=gaining, ns=ns_of(names))
    for step in steps[3:9]:
        world = world.after(step, steps)
    glue = {
        address: tuple(RRset.from_text(name, 3600, "A", address) for name in names)
        for address in ("192.0.2.1", "192.0.2.2")
    }

    def judged(**more: Any) -> tuple[Truth, TransferCheck]:
        check = check_transfer(replace(world.seen(), **more), step=world.taken)
        (told,) = [each for each in check.claims if each.claim is Claim.PARENT_NS]
        return told.truth, check

    assert judged()[0] is Truth.NOT_SEEN
    assert judged(parent_glue=THERE_IS_NONE)[0] is Truth.FALSE
    assert judged(parent_glue=glue["192.0.2.1"])[0] is Truth.FALSE
    is_true, check = judged(parent_glue=glue["192.0.2.2"])
    assert is_true is Truth.TRUE and check.is_clean and check.breaks == ()
    unchanged = check_transfer(world.seen(), step=[*world.taken, "losing-ns-changed"])
    assert Claim.LOSING_NS in {each.claim for each in unchanged.that_are(Truth.FALSE)}, "its addresses are the old ones"
    known = replace(the_facts(), gaining=replace(the_facts().gaining, name_servers=frozenset(names)))
    for glue_seen, words in (
        (NOT_LOOKED_AT, "what addresses the parent has was not looked at"),
        (THERE_IS_NONE, "the parent has no address of ns1.example.nl., ns2.example.nl."),
        (glue["192.0.2.2"][:1], "the parent has no address of ns2.example.nl."),
        (glue["192.0.2.2"], "shows in the gaining zone alone"),
    ):
        unseen = replace(world.seen(), gaining=NOT_LOOKED_AT, parent_glue=glue_seen)
        truth, found = truth_of(Claim.PARENT_NS, unseen, "ns-changed", facts=known)
        assert truth is (Truth.FALSE if "no address" in words else Truth.NOT_SEEN) and words in found
    plan = plan_transfer(known, start=NOW)
    none = replace(world.seen(), gaining=NOT_LOOKED_AT, parent_glue=THERE_IS_NONE)
    assert "the parent" in see_step(plan, "ns-changed", none, by="the check").lacking
    with pytest.raises(PlanError, match=r"parent_glue of what was seen of example\.nl\. has example\.nl\. NS"):
        replace(world.seen(), parent_glue=(ns_of(names),))


def test_a_ds_of_a_key_that_signs_nothing_is_nobodys_where_the_losing_keys_are_not_known() -> None:
    """The losing KSK is still in the gaining zone, and its DS at the parent, and the losing zone is gone."""
    world = world_at(Flow.OPERATOR_CHANGE, "ns-changed")
    seen = replace(world.seen(), losing=THERE_IS_NONE, keys={})
    check = check_transfer(seen, step="end-verified")
    truths = {each.claim: each.truth for each in check.claims}
    assert truths[Claim.GAINING_DS_ALONE] is Truth.NOT_SEEN and truths[Claim.LOSING_KEYS_GONE] is Truth.NOT_SEEN


def test_what_is_on_record_counts_as_said() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    for step_id in ("frozen", "losing-merged", "ds-added"):
        plan = plan.record(step_id, started=NOW, completed=NOW)
    world = world_at(Flow.OPERATOR_CHANGE, "gaining-serves")
    check = check_transfer(replace(world.seen(), at=plan.switchover), step=world.taken, plan=plan)
    assert check.missing == () and isinstance(check.decision, Confirmed)


def truth_of(claim: Claim, sighting: Sighting, step: str, **more: Any) -> tuple[Truth, str]:
    (told,) = [each for each in check_transfer(sighting, step=step, **more).claims if each.claim is claim]
    assert str(told) == f"{told.step_id}: {claim.value}: {told.truth.value}: {told.found}"
    return told.truth, told.found


@pytest.mark.parametrize("step_id", ["losing-merged", "ds-added", "losing-ds-removed"])
def test_one_side_alone_is_enough_to_confirm_what_it_shows(step_id: str) -> None:
    """Where nobody knows the other side's keys, one of them that is published here is not taken for this side's KSK."""
    full = world_at(Flow.OPERATOR_CHANGE, step_id).seen()
    for source, claim, step in (
        ("losing", Claim.LOSING_SIGNS_DNSKEY, "losing-merged"),
        ("gaining", Claim.GAINING_SIGNS_DNSKEY, "gaining-merged"),
    ):
        other = "gaining" if source == "losing" else "losing"
        alone = replace(full, keys={}, **{other: NOT_LOOKED_AT})
        is_led_there = source == "gaining" or step_id != "losing-ds-removed"
        assert truth_of(claim, alone, step)[0] is (Truth.TRUE if is_led_there else Truth.FALSE)


def test_a_ksk_that_the_ds_does_not_lead_to_is_not_enough() -> None:
    """The losing operator has rolled its KSK, and the DS is still of the old one, which it publishes and does not sign with."""
    rolled = [keys(5)[0], LOSING_KEYS[1]]
    published = [LOSING_KEYS[0], *GAINING_KEYS]
    zone = sign_zone(unsigned(LOSING_SERVERS), rolled, validity=VALIDITY, published=published)
    seen = replace(world_at(Flow.OPERATOR_CHANGE, "losing-merged"), losing=zone).seen()
    truth, found = truth_of(Claim.LOSING_SIGNS_DNSKEY, seen, "losing-merged")
    old, new = LOSING_KEYS[0].key_tag, keys(5)[0].key_tag
    assert truth is Truth.FALSE and found == f"the DS leads to key {old}, and key {new} signed the DNSKEY RRset"


@pytest.mark.parametrize(
    ("flags", "serial", "types", "words"),
    [
        (CsyncFlag.IMMEDIATE, 1, ["A"], "does not ask for the NS RRset"),
        (CsyncFlag.SOAMINIMUM, 1, ["NS"], "is not to be acted on at once"),
        (CsyncFlag.IMMEDIATE | CsyncFlag.SOAMINIMUM, 4000, ["NS"], "counts from serial 4000"),
    ],
)
def test_a_csync_that_a_parent_would_not_take_is_none(
    flags: CsyncFlag, serial: int, types: list[str], words: str
) -> None:
    world = world_at(Flow.SCANNING_PARENT, "losing-ns-changed")
    csync = make_csync("example.nl", serial=serial, types=types, flags=flags)
    assert isinstance(world.losing, Zone)
    seen = replace(world, losing=with_apex(world.losing, LOSING_KEYS, csync)).seen()
    truth, found = truth_of(Claim.LOSING_CSYNC, seen, "losing-ns-changed", flow=Flow.SCANNING_PARENT)
    assert truth is Truth.FALSE and words in found


def test_a_cds_of_a_third_key_is_one_too_many() -> None:
    world = world_at(Flow.SCANNING_PARENT, "cds-published")
    assert isinstance(world.gaining, Zone)
    third = make_cds([LOSING_KEYS[0], GAINING_KEYS[0], keys(7)[0]])
    seen = replace(world, gaining=with_apex(world.gaining, GAINING_KEYS, third)).seen()
    truth, found = truth_of(Claim.GAINING_CDS_OF_BOTH, seen, "cds-published", flow=Flow.SCANNING_PARENT)
    assert truth is Truth.FALSE and "asks for another than key" in found


def test_the_name_servers_of_the_facts_count_where_the_gaining_zone_was_not_seen() -> None:
    facts = the_facts()
    seen = replace(world_at(Flow.OPERATOR_CHANGE, "losing-ns-changed").seen(), gaining=NOT_LOOKED_AT)
    for claim, step in ((Claim.PARENT_NS, "ns-changed"), (Claim.LOSING_NS, "losing-ns-changed")):
        assert truth_of(claim, seen, step, facts=facts)[0] is Truth.TRUE
        truth, found = truth_of(claim, seen, step)
        assert truth is Truth.NOT_SEEN and "the gaining servers are not known" in found
    elsewhere = replace(facts.gaining, name_servers=frozenset({"ns9.gaining.example."}))
    world = world_at(Flow.OPERATOR_CHANGE, "gaining-serves")
    truth, found = truth_of(Claim.GAINING_NS, world.seen(), "gaining-serves", facts=replace(facts, gaining=elsewhere))
    assert truth is Truth.FALSE and "and not ns9.gaining.example." in found


def test_a_gaining_zone_that_names_what_everybody_names_may_be_either() -> None:
    world = world_at(Flow.OPERATOR_CHANGE, "losing-ns-changed")
    claimed = ("gaining-serves", "ds-added", "losing-merged")
    check = check_transfer(world.seen(), step=claimed)
    assert {each.claim for each in check.that_are(Truth.NOT_SEEN)} == {Claim.GAINING_NS}
    assert check_transfer(world.seen(), step=claimed, facts=the_facts()).is_true


def test_a_domain_that_is_not_delegated_or_has_no_zone_is_false_and_no_crash() -> None:
    seen = world_at(Flow.OPERATOR_CHANGE, "ns-changed").seen()
    truth, found = truth_of(Claim.PARENT_NS, replace(seen, parent_ns=THERE_IS_NONE), "ns-changed")
    assert truth is Truth.FALSE and found == "the parent does not delegate the domain"
    gone = replace(seen, parent_ds=THERE_IS_NONE)
    for claim in (Claim.BOTH_DS,):
        assert truth_of(claim, gone, "ns-changed")[0] is Truth.FALSE
    end = replace(world_at(Flow.OPERATOR_CHANGE, "end-verified").seen(), parent_ds=THERE_IS_NONE)
    check = check_transfer(end, step="end-verified")
    assert {each.claim for each in check.that_are(Truth.FALSE)} == {Claim.GAINING_DS_ALONE, Claim.GAINING_VALIDATES}


def test_a_ds_that_no_resolver_goes_by_leaves_the_domain_insecure() -> None:
    unknown = as_ds(LOSING_DS[:2] + b"\x00" + LOSING_DS[3:])
    world = replace(world_at(Flow.OPERATOR_CHANGE, "keys-made"), ds=unknown)
    assert check_transfer(world.seen(), step="keys-made").breaks == ()


def test_after_the_last_step_nothing_comes_next() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    world = world_at(Flow.OPERATOR_CHANGE, "thawed")
    check = check_transfer(world.seen(), step="thawed", plan=plan)
    assert check.is_true and check.decision is None and check.waits == () and check.breaks is None


def test_one_key_on_both_sides_is_said() -> None:
    both = signed(unsigned(GAINING_SERVERS, ttl=LOW), LOSING_KEYS, dnskey_ttl=LOW)
    found = check_transfer(replace(start_of(Flow.OPERATOR_CHANGE), gaining=both).seen(), step="keys-made").findings
    told = [finding.severity for finding in found if finding.code == "key-signs-both-zones"]
    assert told == [Severity.ERROR, Severity.ERROR]


OF_GAINING_KEYS = {
    Claim.GAINING_VERIFIES,
    Claim.KEYS_ACCEPTABLE,
    Claim.LOSING_HAS_GAINING_KEYS,
    Claim.GAINING_SIGNS_DNSKEY,
    Claim.BOTH_DS,
    Claim.DS_DIGESTS,
}
MERGES = ("losing-merged", "gaining-merged", "ds-added")


@pytest.mark.parametrize("zone", [LOSING, MERGED], ids=["as before", "merged"])
def test_a_gaining_server_that_still_gives_the_losing_zone_confirms_nothing(zone: Zone) -> None:
    ds, ns = make_ds(LOSING_KEYS[:1]), ns_of(LOSING_SERVERS)
    seen = Sighting(at=NOW, losing=zone, gaining=zone, parent_ds=ds, parent_ns=ns)
    check = check_transfer(seen, step=MERGES)
    assert false_claims(check) == OF_GAINING_KEYS
    tags = ", ".join(map(str, sorted(key.key_tag for key in parse_dnskeys(zone.apex_rrset(rd.DNSKEY)))))
    told = f"the gaining zone has no key of the gaining operator: keys {tags} are of the losing operator, as in its own zone"
    assert {each.found for each in check.that_are(Truth.FALSE)} == {told}
    assert check.breaks == (), "the zone is what it was, wherever it is served"
    known = replace(seen, keys={Source.GAINING: parse_dnskeys(GAINING_KEYS)})
    assert Claim.GAINING_SIGNS_DNSKEY in false_claims(check_transfer(known, step=MERGES))


def test_a_key_of_both_zones_is_of_the_side_that_it_is_known_of() -> None:
    ds = make_ds([LOSING_KEYS[0], GAINING_KEYS[0]])
    seen = Sighting(at=NOW, losing=GAINING, gaining=GAINING, parent_ds=ds)
    known = replace(seen, keys={Source.GAINING: parse_dnskeys(GAINING_KEYS)})
    told = check_transfer(known, step=MERGES).that_are(Truth.FALSE)
    found = {each.claim: each.found for each in told}
    assert "the losing zone has no key of the losing operator: keys " in found[Claim.LOSING_SIGNS_DNSKEY]
    assert Claim.GAINING_SIGNS_DNSKEY not in found


def test_an_unsigned_end_with_a_ds_is_bogus() -> None:
    world = replace(world_at(Flow.TO_UNSIGNED, "end-verified"), ds=make_ds(LOSING_KEYS[:1]))
    check = check_transfer(world.seen(), step="end-verified", flow=Flow.TO_UNSIGNED)
    assert {each.claim for each in check.that_are(Truth.FALSE)} == {Claim.NO_DS, Claim.GAINING_UNSIGNED}


@pytest.mark.parametrize("flow", [Flow.THROUGH_INSECURE, Flow.TO_UNSIGNED, Flow.FROM_UNSIGNED])
def test_whether_the_parent_scans_is_nothing_to_be_seen(flow: Flow) -> None:
    start = start_of(flow)
    losing = LOSING_CDS if start.losing_keys else start.losing
    gaining = with_apex(GAINING, GAINING_KEYS, AT_ONCE) if flow is Flow.FROM_UNSIGNED else THERE_IS_NONE
    check = check_transfer(replace(start, losing=losing, gaining=gaining).seen(), step="frozen", flow=flow)
    assert [each.found.split("; ")[1] for each in check.that_are(Truth.NOT_SEEN)] == [
        "whether the parent scans is not seen"
    ]


def test_a_check_travels_between_processes() -> None:
    world = world_at(Flow.OPERATOR_CHANGE, "ds-added")
    check = check_transfer(world.seen(), step="ds-added")
    again = pickle.loads(pickle.dumps(check))
    assert again == check and again.sighting.giving == check.sighting.giving


def test_servers_that_answer_are_confirmed_beside_one_that_does_not() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    one, other = GAINING_SERVERS
    seen = world_at(Flow.OPERATOR_CHANGE, "gaining-serves").seen()
    partly = replace(seen, giving={Source.GAINING: frozenset({one})}, lacking={Source.GAINING: frozenset({other})})
    evidence = see_step(plan, "gaining-serves", partly, by="the check")
    assert evidence.confirming == {one, "the gaining zone"} and evidence.lacking == {other}


def test_what_is_on_record_and_not_seen_to_be_so_opens_no_gate() -> None:
    """A plan says that the key sets were merged, and neither zone has the keys of the other."""
    unmerged = world_at(Flow.OPERATOR_CHANGE, "keys-exchanged").seen()
    plan = plan_transfer(the_facts(), start=NOW)
    for planned in plan.steps[: [each.id for each in plan.steps].index("ns-changed")]:
        at = plan.step(planned.id).not_before
        plan = plan.record(planned.id, started=at, completed=at)
    after = replace(unmerged, at=plan.step("ns-changed").not_before)
    check = check_transfer(after, step="frozen", plan=plan)
    assert {"losing-merged", "gaining-merged"} <= set(check.claimed)
    assert isinstance(check.decision, Missing)
    assert {each.step_id for each in check.decision.missing} >= {"losing-merged", "gaining-merged"}


# ---- servers that give something else --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step_id", "source", "server", "false"),
    [
        ("losing-merged", Source.LOSING, "ns2.losing.example.", {Claim.LOSING_HAS_GAINING_KEYS}),
        ("losing-merged", Source.LOSING, "ns2.losing.example.", {Claim.LOSING_SIGNS_DNSKEY, Claim.LOSING_VERIFIES}),
        ("ttls-lowered", Source.LOSING, "ns2.losing.example.", {Claim.LOSING_TTLS_LOW}),
        ("losing-ns-changed", Source.LOSING, "ns2.losing.example.", {Claim.LOSING_NS}),
        ("ds-added", Source.PARENT, "ns1.dns.example.", {Claim.BOTH_DS, Claim.DS_DIGESTS}),
        ("ns-changed", Source.PARENT, "ns1.dns.example.", {Claim.PARENT_NS}),
        ("losing-ds-removed", Source.PARENT, "ns1.dns.example.", {Claim.GAINING_DS_ALONE}),
        ("losing-keys-withdrawn", Source.GAINING, "ns2.gaining.example.", {Claim.LOSING_KEYS_GONE}),
        ("ttls-restored", Source.GAINING, "ns2.gaining.example.", {Claim.GAINING_TTLS_RESTORED}),
    ],
)
def test_what_one_server_does_not_give_is_not_so(step_id: str, source: Source, server: str, false: set[Claim]) -> None:
    seen = replace(world_at(Flow.OPERATOR_CHANGE, step_id).seen(), giving={})
    lacking = replace(seen, lacking={source: frozenset({server})})
    check = check_transfer(lacking, step=step_id)
    told = {each.claim: each for each in check.that_are(Truth.FALSE)}
    assert false <= set(told)
    for claim in false:
        assert told[claim].found.startswith(f"{server} does not give it; elsewhere ")
        assert told[claim].lacking == {server}
    assert check_transfer(seen, step=step_id).that_are(Truth.FALSE) == ()
    evidence = see_step(plan_transfer(the_facts(), start=NOW), step_id, lacking, by="the check")
    assert evidence.lacking == {server} and len(evidence.confirming) == 1, "the others do give it"


def test_losing_servers_that_still_answer_are_not_silent_and_may_stop_one_by_one() -> None:
    seen = world_at(Flow.OPERATOR_CHANGE, "losing-stopped").seen()
    answering = replace(seen, lacking={Source.LOSING: frozenset(LOSING_SERVERS)})
    truth, found = truth_of(Claim.LOSING_SILENT, answering, "losing-stopped")
    assert truth is Truth.FALSE and found == f"{', '.join(LOSING_SERVERS)} still answer for the zone"
    world = world_at(Flow.OPERATOR_CHANGE, "losing-unreachable")
    one = replace(world.seen(), giving={}, lacking={Source.LOSING: frozenset(LOSING_SERVERS[1:])})
    assert check_transfer(one, step=world.taken).that_are(Truth.FALSE) == ()


# ---- whose DS it is --------------------------------------------------------------------------------------------------


def signed_by(zone: Zone | Any, present: list[SigningKey], signing: list[SigningKey]) -> Zone:
    """The zone with these keys alone in its DNSKEY RRset, and signatures of those over it."""
    assert isinstance(zone, Zone)
    old = zone.apex_rrset(rd.DNSKEY)
    rrset = RRset(owner=old.owner, rdtype=rd.DNSKEY, ttl=old.ttl, rdatas=tuple(key.dnskey_rdata for key in present))
    return zone.replace(rrset).replace(sign_rrset(rrset, signing, validity=VALIDITY))


def test_a_dnskey_rrset_that_the_ds_was_not_looked_at_for_is_not_seen_to_be_led_to() -> None:
    seen = world_at(Flow.OPERATOR_CHANGE, "losing-merged").seen()
    not_looked = replace(seen, parent_ds=NOT_LOOKED_AT)
    truth, found = truth_of(Claim.LOSING_SIGNS_DNSKEY, not_looked, "losing-merged")
    assert truth is Truth.NOT_SEEN and found.endswith("; the DS RRset at the parent was not looked at")
    truth, found = truth_of(Claim.LOSING_SIGNS_DNSKEY, replace(seen, parent_ds=THERE_IS_NONE), "losing-merged")
    assert truth is Truth.FALSE and found.endswith(", and the parent has no DS")


@pytest.mark.parametrize("signing", [LOSING_KEYS[1], keys(3)[0]], ids=["the ZSK signs", "another KSK signs"])
def test_a_losing_ksk_that_the_losing_zone_has_dropped_is_not_put_on_the_gaining_side(signing: SigningKey) -> None:
    """The DS leads to a key that signs nothing any more and stands in the gaining zone alone."""
    dropped = LOSING_KEYS[0].key_tag
    for step_id in ("losing-merged", "ds-added"):
        world = world_at(Flow.OPERATOR_CHANGE, step_id)
        present = list(dict.fromkeys([signing, LOSING_KEYS[1], *GAINING_KEYS]))
        zone = signed_by(world.losing, present, [signing])
        check = check_transfer(replace(world.seen(), losing=zone, keys={}), step=world.taken)
        told = {each.claim: each.found for each in check.that_are(Truth.FALSE)}
        assert set(told) <= {Claim.LOSING_SIGNS_DNSKEY, Claim.BOTH_DS}
        assert "to no losing key, and key " in told[Claim.LOSING_SIGNS_DNSKEY]
        assert not any(f"{dropped} of the gaining operator" in each.message for each in check.findings)
        assert {each.claim for each in check.missing if each.claim} >= {Claim.LOSING_SIGNS_DNSKEY}


def test_a_ds_of_a_key_that_is_nobodys_is_not_said_to_be_the_gaining_one() -> None:
    """The losing DS is still there, its key in the gaining zone alone, and the losing zone has another KSK."""
    world = world_at(Flow.OPERATOR_CHANGE, "losing-unreachable")
    zone = signed_by(world.losing, [keys(3)[0], LOSING_KEYS[1], *GAINING_KEYS], [keys(3)[0]])
    seen = replace(world.seen(), losing=zone, keys={})
    for claim, step_id in (
        (Claim.GAINING_DS_ALONE, "losing-ds-removed"),
        (Claim.LOSING_KEYS_GONE, "losing-keys-withdrawn"),
    ):
        truth, found = truth_of(claim, replace(seen, losing=zone), step_id)
        if claim is Claim.GAINING_DS_ALONE:
            assert truth is Truth.NOT_SEEN and "whose it is is not known" in found
        else:
            assert truth is Truth.FALSE, "the losing ZSK is there as well"
    bare = signed_by(seen.gaining, [LOSING_KEYS[0], *GAINING_KEYS], GAINING_KEYS[:1])
    truth, found = truth_of(Claim.LOSING_KEYS_GONE, replace(seen, gaining=bare), "losing-keys-withdrawn")
    assert truth is Truth.NOT_SEEN and "whose it is is not known" in found


def test_once_the_losing_ds_is_gone_nothing_needs_to_lead_to_the_losing_zone() -> None:
    steps = STEPS[Flow.OPERATOR_CHANGE]
    held = {each.claim for each in standing_claims(steps, ["losing-ds-removed"])}
    assert Claim.LOSING_SIGNS_DNSKEY not in held and Claim.LOSING_VERIFIES in held


# ---- one path is enough ----------------------------------------------------------------------------------------------


def test_two_losing_ksks_that_sign_need_one_ds() -> None:
    more = keys(3)[0]
    world = world_at(Flow.OPERATOR_CHANGE, "ds-added")
    zone = signed_by(world.losing, [more, *LOSING_KEYS, *GAINING_KEYS], [LOSING_KEYS[0], more])
    check = check_transfer(replace(world.seen(), losing=zone, keys={}), step=world.taken)
    assert check.is_true and check.is_clean and check.breaks == ()
    (told,) = [each.found for each in check.claims if each.claim is Claim.BOTH_DS]
    assert told.endswith(f"; none of key {more.key_tag}, which signs besides")


def test_two_gaining_ksks_that_sign_need_one_ds() -> None:
    more = keys(3)[0]
    world = world_at(Flow.OPERATOR_CHANGE, "losing-ds-removed")
    zone = signed_by(world.gaining, [more, *LOSING_KEYS, *GAINING_KEYS], [GAINING_KEYS[0], more])
    check = check_transfer(replace(world.seen(), gaining=zone), step=world.taken)
    assert check.is_true and check.is_clean


@pytest.mark.parametrize("source", ["losing", "gaining"])
def test_a_ksk_that_stands_by_need_not_be_in_the_other_zone(source: str) -> None:
    more = keys(3)[0]
    world = world_at(Flow.OPERATOR_CHANGE, "ds-added")
    own = LOSING_KEYS if source == "losing" else GAINING_KEYS
    zone = signed_by(getattr(world, source), [more, *LOSING_KEYS, *GAINING_KEYS], own[:1])
    facts = replace(the_facts(), losing=replace(the_facts().losing, can=frozenset(Capability)))
    for known in (None, facts):
        check = check_transfer(replace(world.seen(), keys={}, **{source: zone}), step=world.taken, facts=known)
        assert check.is_true and check.is_clean and check.breaks == ()
        # A retired CSK looks the same, and may have signed what caches still hold.
        told = [each for each in check.findings if each.code == "silent-key-not-taken"]
        assert len(told) == (source == "losing")
        assert all(each.severity is Severity.INFO and f"key {more.key_tag} " in each.message for each in told)


def test_a_zsk_that_stands_by_has_to_be_in_the_other_zone() -> None:
    more = keys(3)[1]
    world = world_at(Flow.OPERATOR_CHANGE, "ds-added")
    zone = signed_by(world.losing, [more, *LOSING_KEYS, *GAINING_KEYS], LOSING_KEYS[:1])
    check = check_transfer(replace(world.seen(), losing=zone), step=world.taken)
    assert false_claims(check) == {Claim.GAINING_HAS_LOSING_KEYS}


def test_a_ds_of_an_algorithm_that_signs_nothing_is_no_path_of_it() -> None:
    """RFC 4035 section 2.2: each algorithm in the DS RRset has to sign the DNSKEY RRset."""
    other = keys(1, Algorithm.ED25519)[0]
    world = world_at(Flow.OPERATOR_CHANGE, "ds-added")
    zone = signed_by(world.losing, [other, *LOSING_KEYS, *GAINING_KEYS], LOSING_KEYS[:1])
    ds = make_ds([LOSING_KEYS[0], GAINING_KEYS[0], other])
    truth, found = truth_of(Claim.BOTH_DS, replace(world.seen(), losing=zone, parent_ds=ds), "ds-added")
    assert truth is Truth.FALSE
    assert f"key {other.key_tag} has a DS of an algorithm that signs no losing DNSKEY RRset" in found


def test_cds_of_one_of_two_ksks_are_enough() -> None:
    more = keys(3)[0]
    world = world_at(Flow.SCANNING_PARENT, "cds-published")
    zone = signed_by(world.losing, [more, *LOSING_KEYS, *GAINING_KEYS], [LOSING_KEYS[0], more])
    seen = replace(world.seen(), losing=zone)
    for claim in (Claim.LOSING_CDS_OF_BOTH, Claim.GAINING_CDS_OF_BOTH):
        assert truth_of(claim, seen, "cds-published", flow=Flow.SCANNING_PARENT)[0] is Truth.TRUE


def test_a_ds_of_a_gaining_ksk_that_stands_by_alone_is_no_path() -> None:
    more = keys(3)[0]
    world = world_at(Flow.OPERATOR_CHANGE, "losing-ds-removed")
    zone = signed_by(world.gaining, [more, *LOSING_KEYS, *GAINING_KEYS], GAINING_KEYS[:1])
    known = {Source.GAINING: parse_dnskeys([more, *GAINING_KEYS])}
    seen = replace(world.seen(), gaining=zone, parent_ds=make_ds([more]), keys=known)
    truth, found = truth_of(Claim.GAINING_DS_ALONE, seen, "losing-ds-removed")
    assert truth is Truth.FALSE and found.endswith(f", and none of key {GAINING_KEYS[0].key_tag}")
    truth, found = truth_of(Claim.GAINING_SIGNS_DNSKEY, seen, "gaining-merged")
    assert truth is Truth.FALSE and found.startswith(f"the DS leads to key {more.key_tag}, and key ")


def test_a_key_that_signed_the_dnskey_rrset_and_is_not_in_it_signs_it_no_more() -> None:
    world = world_at(Flow.OPERATOR_CHANGE, "losing-merged")
    zone = signed_by(world.losing, [LOSING_KEYS[1], *GAINING_KEYS], LOSING_KEYS[:1])
    truth, found = truth_of(Claim.LOSING_SIGNS_DNSKEY, replace(world.seen(), losing=zone), "losing-merged")
    assert truth is Truth.FALSE and found.endswith(f", key {LOSING_KEYS[0].key_tag} has signed another")


def test_keys_that_sign_nothing_may_be_losing_ones_where_those_are_not_known() -> None:
    seen = world_at(Flow.OPERATOR_CHANGE, "losing-ds-removed").seen()
    alone = replace(seen, losing=NOT_LOOKED_AT, keys={})
    truth, found = truth_of(Claim.LOSING_KEYS_GONE, alone, "losing-keys-withdrawn")
    tags = ", ".join(map(str, sorted(key.key_tag for key in LOSING_KEYS)))
    assert truth is Truth.NOT_SEEN
    assert found == f"keys {tags} sign nothing, and the keys of the losing operator are not known"


# ---- CDS of one side -------------------------------------------------------------------------------------------------


def asking_for(zone: Zone | Any, with_keys: list[SigningKey], *asked: SigningKey) -> Zone:
    assert isinstance(zone, Zone)
    return with_apex(zone, with_keys, make_cds(asked), make_cdnskey(asked))


def test_cds_for_a_key_that_nobody_knows_are_not_seen_to_be_one_sided() -> None:
    ksks = (LOSING_KEYS[0], GAINING_KEYS[0])
    for zone in (LOSING, MERGED):
        seen = Sighting(at=NOW, losing=asking_for(zone, LOSING_KEYS, *ksks), parent_ds=make_ds(LOSING_KEYS[:1]))
        check = check_transfer(seen, step="frozen")
        told = {each.claim: each for each in check.claims}[Claim.NO_ONE_SIDED_CDS]
        assert told.truth is Truth.NOT_SEEN and "the keys of the gaining side are not known" in told.found
        assert check.is_clean
        alone = replace(seen, losing=asking_for(zone, LOSING_KEYS, LOSING_KEYS[0]))
        assert truth_of(Claim.NO_ONE_SIDED_CDS, alone, "frozen")[0] is Truth.FALSE, "it asks for its own key alone"


@pytest.mark.parametrize("flow", COOPERATING[:3])
def test_when_the_losing_ds_is_gone_the_gaining_zone_asks_for_its_own_key_alone(flow: Flow) -> None:
    world = world_at(flow, "losing-ds-removed")
    right = replace(world, gaining=asking_for(world.gaining, GAINING_KEYS, GAINING_KEYS[0]))
    check = check_transfer(right.seen(), step=world.taken, flow=flow)
    assert check.is_true and check.is_clean
    unsaid = [step for step in world.taken if step != "losing-ds-removed"]
    assert check_transfer(right.seen(), step=unsaid, flow=flow).is_true, "nobody says that it is gone"
    for asked in ((LOSING_KEYS[0],), (LOSING_KEYS[0], GAINING_KEYS[0])):
        wrong = replace(world, gaining=asking_for(world.gaining, GAINING_KEYS, *asked))
        truth, found = truth_of(Claim.NO_ONE_SIDED_CDS, wrong.seen(), "losing-ds-removed", flow=flow)
        assert truth is Truth.FALSE and "asks for another key than the gaining ones" in found
    early = world_at(flow, "ds-added")
    early = replace(early, gaining=asking_for(early.gaining, GAINING_KEYS, GAINING_KEYS[0]))
    assert false_claims(check_transfer(early.seen(), step="ds-added", flow=flow)) == {Claim.NO_ONE_SIDED_CDS}


# ---- words -----------------------------------------------------------------------------------------------------------


def test_what_is_found_is_said_in_whole_sentences() -> None:
    world = world_at(Flow.OPERATOR_CHANGE, "gaining-serves")
    one, other = GAINING_SERVERS
    assert truth_of(Claim.GAINING_ANSWERS, replace(world.seen(), giving={}), "gaining-serves")[1] == (
        f"{one}, {other} were not asked"
    )
    zone_alone = Sighting(at=NOW, parent_ns=world.ns if isinstance(world.ns, RRset) else ns_of(LOSING_SERVERS))
    assert truth_of(Claim.NO_CSYNC, zone_alone, "frozen")[1] == "the losing and the gaining zones were not looked at"
    losing = ", ".join(map(str, sorted(key.key_tag for key in LOSING_KEYS[1:])))
    gaining = ", ".join(map(str, sorted(key.key_tag for key in GAINING_KEYS)))
    assert truth_of(Claim.KEYS_ACCEPTABLE, world.seen(), "keys-exchanged")[1] == (
        f"keys {gaining} may go into the losing zone; key {losing} may go into the gaining zone"
    )
    both = replace(world.seen(), losing=signed(unsigned(LOSING_SERVERS), [*LOSING_KEYS, keys(3)[1]]), gaining=GAINING)
    truth, found = truth_of(Claim.GAINING_HAS_LOSING_KEYS, both, "gaining-merged")
    assert truth is Truth.FALSE and found.startswith("keys ") and found.endswith("operator are not in the gaining zone")


def test_no_full_stop_stands_before_what_is_expected() -> None:
    world = world_at(Flow.OPERATOR_CHANGE, "keys-exchanged")
    expected = [each.message for each in check_transfer(world.seen(), step="keys-exchanged").findings]
    assert any(": expected at step" in each for each in expected)
    assert not any(".: expected" in each for each in expected)
