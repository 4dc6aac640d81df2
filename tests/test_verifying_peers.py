"""The verifier beside dnssec-verify, ldns-verify-zone and kzonecheck, and before zones that other signers made."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.disagreements import BIND, DISAGREEMENTS, KNOT, LDNS, PEERS, disagreement
from tests.drafts import base, zone_lines
from tests.faults import FAULTS, Fault, inject
from tests.keyring import NOW
from tests.peers import Verdict, dnssec_verify, kzonecheck, ldns_verify_zone
from zonekit.verifying import verify_zone


def verdict_of(peer: str, path: Path) -> Verdict:
    if peer == BIND:
        return dnssec_verify(path, "example.nl", NOW)
    return ldns_verify_zone(path, NOW) if peer == LDNS else kzonecheck(path, "example.nl", NOW)


# ---- every fault ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS.values(), ids=str)
def test_peers_agree_on_a_fault_or_the_disagreement_is_known(fault: Fault, tmp_path: Path) -> None:
    injected = inject(base(fault.bases[0]), [fault], Random(fault.name))
    if injected.ds is not None:
        return  # none of the peers is told what the parent has
    assert verify_zone(injected.zone, now=NOW).is_clean is fault.is_clean
    path = tmp_path / "zone"
    path.write_text("".join(zone_lines(injected.zone)))
    for peer in PEERS:
        verdict = verdict_of(peer, path)
        known = disagreement(fault.name, peer)
        if known is None:
            assert verdict.accepted is fault.is_clean, f"zonekit says {fault.severity}; {verdict}"
        else:
            assert verdict.accepted is not fault.is_clean, f"no disagreement any more: {known.what}; {verdict}"


def test_every_disagreement_is_on_a_fault() -> None:
    assert {name for each in DISAGREEMENTS for name in each.faults} <= FAULTS.keys()
    assert {each.peer for each in DISAGREEMENTS} == {BIND, LDNS, KNOT}
