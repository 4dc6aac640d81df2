"""The DS records of both sides in the registry-facilitated flow: what is offered and what the parent has, held against the facts.

A plan that is proven safe counts on one DS RRset before the gaining DS join and on another after that, each record by its key
and its digest type (:func:`~zonekit.transfer.timelines.ds_with_gaining`). What a registry adds has to be just that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from zonekit.dnskeys import Dnskey
from zonekit.ds import DsData, digest_dnskey, matches_ds
from zonekit.epp.materials import signers_of, tag_of
from zonekit.epp.registries import MADE_DIGESTS
from zonekit.errors import EppError
from zonekit.names import parse_origin
from zonekit.transfer.facts import Facts
from zonekit.transfer.steps import STEPS, Flow
from zonekit.transfer.timelines import ds_with_gaining
from zonekit.transfer.versions import DsEntry, Key

_STEPS: Final = STEPS[Flow.REGISTRY_FACILITATED]
_BESIDE_RULE: Final = "RFC 4509 section 3"


def key_differences(facts: Facts, keys: Iterable[Dnskey]) -> Iterator[str]:
    """Yield in what the keys that are offered are not those that the facts have of the gaining operator."""
    offered = tuple(keys)
    known = {each.key for each in facts.gaining.keys}
    algorithms = sorted({key.algorithm for key in offered} ^ {key.algorithm for key in known})
    for algorithm in algorithms:
        whose = "is offered" if any(key.algorithm == algorithm for key in offered) else "signs the gaining zone"
        other = "signs nothing in the gaining zone" if whose == "is offered" else "is not offered"
        yield f"a key of algorithm {algorithm} {whose}, and {other}; offer the keys that sign it"
    if algorithms:
        return
    relayed = {(key.algorithm, key.key_tag) for key in offered}
    for key in sorted(known, key=lambda each: each.name):
        tag = tag_of(key)
        if tag is not None and (key.algorithm, tag) not in relayed:
            yield f"{key.name} is not offered; relay it as well"


def ds_differences(facts: Facts, ds: Iterable[DsData], keys: Iterable[Dnskey]) -> Iterator[str]:
    """Yield in what the DS records that are offered are not those that the plan adds for the gaining keys."""
    try:
        signers = signers_of(facts.gaining, keys, facts.domain, "gaining")
    except EppError as error:
        yield error.problem
        return
    offered = tuple(ds)
    wanted = {
        (signers[entry.key], entry.digest_type)
        for entry in _wanted(facts)
        if entry.key in signers and entry.digest_type in MADE_DIGESTS
    }
    found = {each: _key_of(each, facts, signers) for each in offered}
    pairs = {(signers[key], each.digest_type) for each, key in found.items() if key is not None}
    for signer, kind in sorted(wanted - pairs, key=lambda pair: (pair[0].key_tag, pair[1])):
        yield f"there is no DS of key {signer.key_tag} with digest type {kind}; offer it ({_BESIDE_RULE})"
    for each, key in found.items():
        if key is None or (signers[key], each.digest_type) not in wanted:
            yield (
                f"the DS of key {each.key_tag} with digest type {each.digest_type} is none that is to join the losing DS; leave it"
                f" out ({_BESIDE_RULE})"
            )


def held_differences(facts: Facts, held: Iterable[DsData], losing_keys: Iterable[Dnskey]) -> Iterator[str]:
    """Yield in what the DS records of the parent are not those of the facts, or get none beside them that has to be there."""
    try:
        signers = signers_of(facts.losing, losing_keys, facts.domain, "losing")
    except EppError as error:
        yield error.problem
        return
    entries = set()
    for each in held:
        key = _key_of(each, facts, signers)
        if key is None:
            yield f"the DS of key {each.key_tag} at the parent is of no key that signs the losing DNSKEY RRset"
        else:
            entries.add(DsEntry(key=key, digest_type=each.digest_type))
    for entry in sorted(facts.parent.ds - entries, key=_order):
        yield f"the parent has no DS of {entry.key.name} with digest type {entry.digest_type}, and the facts have"
    for entry in sorted(entries - facts.parent.ds, key=_order):
        yield f"the parent has a DS of {entry.key.name} with digest type {entry.digest_type}, and the facts have none"
    for kind in sorted({entry.digest_type for entry in _wanted(facts) - facts.parent.ds} - set(MADE_DIGESTS)):
        yield f"beside the DS of digest type {kind} at the parent others of it would be needed, and none is made (RFC 9904)"


def beside_gaining(facts: Facts, held: Iterable[DsData], losing_keys: Iterable[Dnskey]) -> tuple[DsData, ...]:
    """Return the DS records of losing keys that have to join in the same update as the gaining ones, so that all are as strong.

    Raises:
        EppError: a losing key that the plan counts on is not given.
    """
    signers = signers_of(facts.losing, losing_keys, facts.domain, "losing")
    apex, there = parse_origin(facts.domain), set(held)
    wanted = sorted((entry for entry in _wanted(facts) - facts.parent.ds if entry.key in signers), key=_order)
    records = [
        DsData.from_rdata(digest_dnskey(apex, signers[entry.key].dnskey_rdata, entry.digest_type)) for entry in wanted
    ]
    return tuple(each for each in records if each not in there)


def _wanted(facts: Facts) -> frozenset[DsEntry]:
    """The DS RRset that the plan counts on when the gaining DS have joined."""
    return ds_with_gaining(facts, _STEPS, facts.parent.ds)


def _key_of(ds: DsData, facts: Facts, signers: dict[Key, Dnskey]) -> Key | None:
    """Which of these keys a DS record is of."""
    apex = parse_origin(facts.domain)
    return next((key for key, each in signers.items() if matches_ds(ds.rdata, apex, each.dnskey_rdata)), None)


def _order(entry: DsEntry) -> tuple[str, int]:
    return (entry.key.name, entry.digest_type)
