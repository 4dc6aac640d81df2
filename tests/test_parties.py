"""What facts are made of: each field that is wrong or not known is refused by its name, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.test_transfer_plan import NOW, ds_of, signed_keys, the_facts
from zonekit.algorithms import Algorithm, DigestType
from zonekit.errors import PlanError, TimeError, TtlError, ZonekitError
from zonekit.findings import Severity
from zonekit.transfer.facts import Timing
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.parties import OperatorKey
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.profiles import NAMED, ResolverProfile
from zonekit.transfer.proof import Safe
from zonekit.transfer.readiness import preflight
from zonekit.transfer.steps import Flow
from zonekit.transfer.values import OPERATOR_HOW_TO_FIND, PARENT_HOW_TO_FIND
from zonekit.transfer.versions import SIGNING_ALGORITHMS, DsEntry, Key, Overlap, Source
from zonekit.ttl import Ttl

FACTS = the_facts()
SEEN = Observation(source=Source.PARENT, record=Record.DS, ttl=Ttl(60), until=NOW)


def operator(**fields: Any) -> Callable[[], object]:
    return lambda: replace(FACTS.losing, **fields)


def parent(**fields: Any) -> Callable[[], object]:
    return lambda: replace(FACTS.parent, **fields)


def facts(**fields: Any) -> Callable[[], object]:
    return lambda: replace(FACTS, **fields)


def key(**fields: Any) -> Callable[[], object]:
    return lambda: Key(**{"name": "K", "algorithm": 13, **fields})


def plan(**fields: Any) -> Callable[[], object]:
    return lambda: plan_transfer(**{"facts": FACTS, "start": NOW, **fields})


def seen(**fields: Any) -> Callable[[], object]:
    return lambda: replace(SEEN, **fields)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (operator(ns_ttl=-1), TtlError, "ns_ttl of an operator: TTL -1 is outside 0 to 2147483647; give whole seconds"),
        (
            operator(address_ttl="1h"),
            TtlError,
            "address_ttl of an operator: a TTL is a whole number of seconds, not str",
        ),
        (
            operator(propagation_delay=5),
            PlanError,
            "propagation_delay of an operator is 5, of type int, and not a timedelta",
        ),
        (operator(propagation_delay=-timedelta(1)), PlanError, "propagation_delay of an operator is -1 day"),
        (operator(keys=None), PlanError, "keys of an operator is not known; name its keys, or give an empty list"),
        (operator(keys=7), PlanError, "keys of an operator is 7, of type int, and not several values; give a tuple"),
        (operator(keys=[None]), PlanError, "an element of keys of an operator is None, of type NoneType"),
        (operator(can={"import-zsk"}), PlanError, "an element of can of an operator is 'import-zsk', of type str"),
        (operator(can={"re-sign"}), PlanError, "not a member of Capability; give one of Capability.IMPORT_ZSK, "),
        (operator(can=[[]]), PlanError, "an element of can of an operator is []"),
        (operator(name_servers="ns1.example.nl"), PlanError, "name_servers of an operator is 'ns1.example.nl'"),
        (operator(name_servers=[1]), ZonekitError, "an element of name_servers of an operator: a name is a str or"),
        (operator(signatures_expire="soon"), TimeError, "signatures_expire of an operator: 'soon' is str"),
        (parent(ds_ttl=2**31), TtlError, "ds_ttl of the parent: TTL 2147483648 is outside"),
        (parent(glue_ttl=-1), TtlError, "glue_ttl of the parent: TTL -1 is outside"),
        (parent(scan_delay=60), PlanError, "scan_delay of the parent is 60, of type int"),
        (parent(channels={"request"}), PlanError, "an element of channels of the parent is 'request', of type str"),
        (parent(ds=[1]), PlanError, "an element of ds of the parent is 1, of type int, and not of type DsEntry"),
        (
            parent(digest_type=99),
            PlanError,
            "digest_type of the parent is 99, and no DS record is to be added with that",
        ),
        (parent(digest_type=0), PlanError, "digest_type of the parent is 0"),
        (parent(digest_type=1), PlanError, "give 2 (SHA-256) or 4 (SHA-384) (RFC 9904)"),
        (parent(digest_type=3), PlanError, "digest_type of the parent is 3"),
        (parent(ds=ds_of(FACTS.losing, 3)), PlanError, "the DS of KSK of the losing operator has digest type 3, which"),
        (facts(losing=None), PlanError, "losing of the facts is not known"),
        (facts(losing=FACTS.parent), PlanError, "not of type OperatorFacts"),
        (facts(parent=FACTS.losing), PlanError, "not of type ParentFacts"),
        (facts(ledger=[]), PlanError, "ledger of the facts is [], of type list, and not of type Ledger"),
        (
            facts(overlaps=[("losing", "gaining")]),
            PlanError,
            "an element of overlaps of the facts is ('losing', 'gaining')",
        ),
        (facts(domain=None), PlanError, "domain of the facts is not known"),
        (facts(domain=".."), ZonekitError, "domain of the facts: "),
        (key(algorithm="13"), PlanError, "algorithm of key K is '13', of type str, and not a whole number from"),
        (key(algorithm=True), PlanError, "algorithm of key K is True"),
        (
            key(algorithm=0),
            PlanError,
            "algorithm of key K is 0, and no zone is signed with such an algorithm; give the alg",
        ),
        (key(algorithm=252), PlanError, "algorithm of key K is 252, and no zone is signed"),
        (key(algorithm=99), PlanError, "algorithm of key K is 99, and no zone is signed"),
        (key(algorithm=999), PlanError, "algorithm of key K is 999, of type int, and not a whole number from 0 to 255"),
        (key(name=None), PlanError, "name of key None is not known"),
        (key(key_tag=65536), PlanError, "key_tag of key K is 65536"),
        (lambda: OperatorKey(key="K"), PlanError, "key of a key of an operator is 'K'"),  # type: ignore[arg-type]
        (lambda: OperatorKey(key=Key(name="K", algorithm=8), signs_data="yes"), PlanError, "signs_data of a key"),  # type: ignore[arg-type]
        (lambda: DsEntry(key="K", digest_type=2), PlanError, "key of a DS record is 'K'"),  # type: ignore[arg-type]
        (lambda: Overlap(asked="losing", answers=Source.GAINING), PlanError, "asked of an overlap is 'losing'"),  # type: ignore[arg-type]
        (seen(ttl=None), TtlError, "ttl of an observation is not known; give the TTL that the servers gave then"),
        (seen(record="DS"), PlanError, "record of an observation is 'DS', of type str, and not a member of Record"),
        (seen(until=3), TimeError, "until of an observation: 3 is int and not a datetime"),
        (
            seen(source=Source.GAINING),
            PlanError,
            "an observation of DS of the gaining operator, from whom no cache has",
        ),
        (seen(source=Source.LOSING), PlanError, "an observation of DS of the losing operator, which serves none"),
        (
            seen(record=Record.DATA),
            PlanError,
            "data of the parent, which serves none that the transfer waits for; give NS, DS",
        ),
        (seen(record=Record.DNSKEY), PlanError, "an observation of DNSKEY of the parent"),
        (lambda: Ledger(observations=[None]), PlanError, "an element of observations of the ledger is None"),  # type: ignore[arg-type, list-item]
        (lambda: Timing(lowered_ttl=-5), TtlError, "lowered_ttl of the timing: TTL -5"),  # type: ignore[arg-type]
        (lambda: Timing(approval_delay=None), PlanError, "approval_delay of the timing is not known; ask"),  # type: ignore[arg-type]
        (lambda: ResolverProfile(name="x", latency=1), PlanError, "latency of profile x is 1, of type int"),  # type: ignore[arg-type]
        (lambda: ResolverProfile(name="x", algorithms="13"), PlanError, "algorithms of profile x is '13'"),  # type: ignore[arg-type]
        (plan(flow="operator-change"), PlanError, "flow is 'operator-change', of type str, and not a member of Flow"),
        (
            plan(profiles=[None]),
            PlanError,
            "an element of profiles is None, of type NoneType, and not of type Resolver",
        ),
        (plan(profiles=NAMED), PlanError, "of type ResolverProfile, and not several values"),
        (plan(profiles=()), PlanError, "no resolver profile is given"),
        (plan(start=None), TimeError, "start: None is NoneType and not a datetime"),
        (plan(facts=None), PlanError, "facts is None, of type NoneType, and not of type Facts"),
        (lambda: plan_transfer(FACTS, start=NOW).step(None), PlanError, "no step 'None'"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_refused_by_its_field_with_what_to_do(
    make: Callable[[], object], kind: type[ZonekitError], message: str
) -> None:
    with pytest.raises(kind) as refused:
        make()
    assert message in str(refused.value)
    assert refused.value.remedy or "domain" in message or "name is a str" in message


@pytest.mark.parametrize("name", ["ns_ttl", "dnskey_ttl", "data_ttl", "negative_ttl", "propagation_delay"])
def test_what_nobody_knows_of_an_operator_is_refused_with_the_way_to_find_it(name: str) -> None:
    with pytest.raises(ZonekitError, match=f"^{name} of an operator is not known; ") as refused:
        replace(FACTS.losing, **{name: None})
    assert refused.value.remedy == OPERATOR_HOW_TO_FIND[name]


@pytest.mark.parametrize("name", ["ds_ttl", "ns_ttl", "negative_ttl", "propagation_delay", "registration_delay"])
def test_what_nobody_knows_of_the_parent_is_refused_with_the_way_to_find_it(name: str) -> None:
    with pytest.raises(ZonekitError, match=f"^{name} of the parent is not known; ") as refused:
        replace(FACTS.parent, **{name: None})
    assert refused.value.remedy == PARENT_HOW_TO_FIND[name]
    assert isinstance(refused.value, TtlError) is name.endswith("_ttl")


def test_several_values_may_come_as_whatever_holds_them() -> None:
    keys = signed_keys("losing")
    same = replace(FACTS.losing, keys=list(keys), can=list(FACTS.losing.can), name_servers=["NS1.example.net"])  # type: ignore[arg-type]
    assert same == replace(FACTS.losing, keys=keys, name_servers=frozenset({"ns1.example.net."}))
    assert hash(same) == hash(replace(same, keys=(each for each in keys)))  # type: ignore[arg-type]


def test_the_numbers_that_facts_may_have_are_those_that_the_algorithms_have() -> None:
    assert set(Algorithm) < SIGNING_ALGORITHMS
    for digest_type in DigestType:
        assert replace(FACTS.parent, ds=ds_of(FACTS.losing, digest_type)).ds
        if digest_type is not DigestType.SHA1:
            assert replace(FACTS.parent, digest_type=digest_type).digest_type == digest_type


def test_a_gaining_ds_that_is_there_already_is_no_fault_of_the_losing_operator() -> None:
    known = ds_of(FACTS.losing) | ds_of(FACTS.gaining)
    with pytest.raises(
        PlanError, match=r"DS of KSK of the gaining operator already.*leave that DS where it is"
    ) as refused:
        replace(FACTS, parent=replace(FACTS.parent, ds=known))
    assert "mend" not in str(refused.value) and "ds-added" in refused.value.remedy
    begun = plan_transfer(FACTS, start=NOW).record("ds-added", started=NOW, completed=NOW)
    assert isinstance(prove(begun), Safe)


def test_what_no_resolver_supports_is_planned_and_told() -> None:
    """A resolver that does not know the algorithm finds the domain insecure, whatever it does."""
    keys = signed_keys("gaining", algorithm=23)
    known = replace(FACTS, gaining=replace(FACTS.gaining, keys=keys))
    finding = next(
        each for each in preflight(known, flow=Flow.THROUGH_INSECURE) if each.code == "algorithm-unsupported"
    )
    assert finding.severity is Severity.ERROR
    assert "the gaining side signs with algorithm 23, which no validator is known to support" in finding.message
