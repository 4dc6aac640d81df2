"""The verifier before everything that can be wrong with a zone: each fault is found, and nothing else is."""

from __future__ import annotations

import functools
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.drafts import ALL, ANY_DENIAL, NSEC, NSEC3, base
from tests.faults import FAULTS, Fault, Injected, inject
from tests.keyring import NOW
from zonekit.findings import Severity
from zonekit.verifying import verify_zone
from zonekit.verifying.codes import CODES
from zonekit.verifying.verification import Verification
from zonekit.zones import Block, Zone

CASES = [(fault, name) for fault in FAULTS.values() for name in fault.bases]


@functools.cache
def clean_zone(name: str) -> Zone:
    """A base zone with nothing wrong."""
    return inject(base(name), [], Random(0)).zone


def verified(injected: Injected, previous: Zone | None = None) -> Verification:
    return verify_zone(injected.zone, now=NOW, ds=injected.ds, previous=previous)


def grave_codes(verification: Verification) -> set[str]:
    return {finding.code for finding in verification.at_least(Severity.WARNING)}


def expected_codes(fault: Fault) -> set[str]:
    """The codes of a fault that are findings of severity WARNING or above."""
    grave = {code for code in fault.codes if CODES[code].severity >= Severity.WARNING}
    return grave if fault.severity is not None and fault.severity >= Severity.WARNING else set()


@pytest.mark.parametrize("name", ALL)
def test_a_base_zone_is_clean(name: str) -> None:
    verification = verify_zone(clean_zone(name), now=NOW)
    assert verification.at_least(Severity.WARNING) == ()
    assert verification.signatures > verification.names > 30


@pytest.mark.parametrize(("fault", "name"), CASES, ids=str)
def test_a_fault_is_found_and_nothing_else(fault: Fault, name: str) -> None:
    injected = inject(base(name), [fault], Random(fault.name))
    verification = verified(injected)
    told = "\n".join(map(str, verification.findings))
    assert grave_codes(verification) == expected_codes(fault), told
    found = [finding for finding in verification.findings if finding.code in fault.codes]
    assert {finding.code for finding in found} == set(fault.codes), told
    assert max((finding.severity for finding in found), default=None) == fault.severity, told
    assert verification.is_clean is fault.is_clean
    if fault.codes:
        assert injected.places[fault.name] in {each.owner for each in found if each.code == fault.codes[0]}, told
    for finding in found:
        assert finding.message and finding.rule == CODES[finding.code].rule


@pytest.mark.parametrize("name", ANY_DENIAL)
def test_a_fault_is_found_where_a_zone_was_verified_before_and_however_it_is_cut(name: str) -> None:
    for fault in FAULTS.values():
        if name in fault.bases:
            injected = inject(base(name), [fault], Random(fault.name))
            again = verified(injected, previous=clean_zone(name))
            assert grave_codes(again) == expected_codes(fault), fault
            assert {finding.code for finding in again.findings} >= set(fault.codes), fault
            for owners in (1, 3):
                cut = replace(injected, zone=cut_into_blocks(injected.zone, owners))
                assert verified(cut, previous=clean_zone(name)).findings == again.findings, fault


def cut_into_blocks(zone: Zone, owners: int) -> Zone:
    """The same zone, held in small blocks."""
    pairs = [pair for pair in zone.nodes() if pair[0] != zone.apex]
    runs = [pairs[start : start + owners] for start in range(0, len(pairs), owners)]
    return Zone.from_blocks(
        zone.apex,
        zone.apex_node,
        [Block(tuple(owner for owner, _ in run), tuple(node for _, node in run)) for run in runs],
    )


# ---- several at once ------------------------------------------------------------------------------------------------


@st.composite
def compatible_faults(draw: DrawFn, name: str) -> list[Fault]:
    """Faults of a base that do not get in each other's way: no two claim the same."""
    able = [fault for fault in FAULTS.values() if name in fault.bases and "zone" not in fault.claims]
    chosen = draw(st.lists(st.sampled_from(able), min_size=2, max_size=8, unique_by=lambda fault: fault.name))
    compatible: list[Fault] = []
    for fault in chosen:
        if all(fault.claims.isdisjoint(other.claims) for other in compatible):
            compatible.append(fault)
    return compatible


@pytest.mark.parametrize("name", [*NSEC, *NSEC3])
def test_no_fault_hides_another(name: str) -> None:
    @given(faults=compatible_faults(name), seed=st.integers(0, 2**16))
    def no_fault_hides_another(faults: list[Fault], seed: int) -> None:
        injected = inject(base(name), faults, Random(seed))
        verification = verified(injected)
        found = {(finding.code, finding.owner) for finding in verification.findings}
        for fault in faults:
            assert not fault.codes or (fault.codes[0], injected.places[fault.name]) in found, fault
            assert {code for code, _ in found} >= set(fault.codes), fault

    no_fault_hides_another()


def test_every_code_is_caused_by_a_fault() -> None:
    caused = {code for fault in FAULTS.values() for code in fault.codes}
    # verify_zone is never told that the parent has no DS; and nobody has found two names with one SHA-1 hash.
    assert set(CODES) - caused == {"ds-none", "nsec3-collision"}
