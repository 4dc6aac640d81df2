"""Whether NSEC3 records make one closed chain of the hashes of a zone's names (RFC 5155 section 7.1)."""

from __future__ import annotations

import base64
import binascii
import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from zonekit import rdata as rd
from zonekit.denial import MAX_ITERATIONS, NSEC3_SHA1, apex_nsec3, hashed_owner, nsec3_hash
from zonekit.findings import Finding, Severity
from zonekit.names import WireName, name_text, order_key, parent_of
from zonekit.nodes import Record, rdata_of, split_node
from zonekit.verifying import codes
from zonekit.verifying.blocks import Link, Nsec3Parameters, bitmap_difference
from zonekit.zones import Zone, missing_ancestors

_OPT_OUT: Final = 1
_HASH_OCTETS: Final = 20
_PREFIX_OCTETS: Final = 5
_EMPTY: Final = rd.type_bitmap(())
Nsec3s: TypeAlias = Iterable[tuple[WireName, Sequence[Record]]]


@dataclass(frozen=True, slots=True)
class Chains:
    """Which NSEC3 chains a zone should have.

    Attributes:
        parameters: the parameters of each.
        findings: what is wrong with the NSEC3PARAM RRset, or with its chain as a whole.
    """

    parameters: tuple[Nsec3Parameters, ...]
    findings: tuple[Finding, ...]


def chains_of(zone: Zone, *, has_nsec: bool) -> Chains:
    """Return the NSEC3 chains that a zone should have: those of its NSEC3PARAMs, or what its NSEC3 records make.

    Args:
        zone: the zone.
        has_nsec: whether it has an NSEC chain, beside which an NSEC3 chain may be on its way in or out.
    """
    params = zone.get("@", rd.NSEC3PARAM)
    findings: list[Finding] = []
    counting: list[bytes] = []
    for rdata in () if params is None else params.rdatas:
        if rdata[1]:
            findings.append(
                codes.NSEC3PARAM_FLAGS.found(zone.apex, rd.NSEC3PARAM, f"an NSEC3PARAM has flags {rdata[1]}")
            )
        elif rdata[0] != NSEC3_SHA1:
            findings.append(
                codes.NSEC3PARAM_UNKNOWN.found(zone.apex, rd.NSEC3PARAM, f"an NSEC3PARAM has hash algorithm {rdata[0]}")
            )
        else:
            counting.append(rdata)
    wanted = [_parameters(rdata) for rdata in counting]
    if (wanted or not has_nsec) and all(apex_nsec3(zone, rdata) is None for rdata in counting):
        made = _most_common(zone)
        if made is not None and made not in wanted and not has_nsec:
            findings.append(_without_param(zone, made, wanted))
            wanted = [made]
    checked = []
    for iterations, salt in dict.fromkeys(wanted):
        findings += _advice(zone, iterations, salt)
        if iterations <= MAX_ITERATIONS:
            checked.append((iterations, salt))
    return Chains(tuple(checked), tuple(findings))


def _parameters(rdata: bytes) -> Nsec3Parameters:
    """The iterations and salt that an NSEC3 or NSEC3PARAM tells."""
    return int.from_bytes(rdata[2:4], "big"), rdata[_PREFIX_OCTETS : _PREFIX_OCTETS + rdata[4]]


def _most_common(zone: Zone) -> Nsec3Parameters | None:
    """The parameters that most NSEC3 records have."""
    counts = Counter(
        _parameters(rdata_of(record))
        for _, node in zone.nodes()
        for rdtype, _, records in split_node(node)
        if rdtype == rd.NSEC3
        for record in records
        if rdata_of(record)[0] == NSEC3_SHA1
    )
    return counts.most_common(1)[0][0] if counts else None


def _without_param(zone: Zone, made: Nsec3Parameters, wanted: Sequence[Nsec3Parameters]) -> Finding:
    if not wanted:
        return codes.NSEC3PARAM_MISSING.found(
            zone.apex, rd.NSEC3PARAM, f"the NSEC3 records have {_text(made)}, and no NSEC3PARAM says so"
        )
    return codes.NSEC3_PARAMETERS.found(
        zone.apex,
        rd.NSEC3PARAM,
        f"the NSEC3 records have {_text(made)}, the NSEC3PARAM says {' and '.join(map(_text, wanted))}",
    )


def _text(parameters: Nsec3Parameters) -> str:
    iterations, salt = parameters
    return f"{iterations} iterations and {f'salt {salt.hex()}' if salt else 'no salt'}"


def _advice(zone: Zone, iterations: int, salt: bytes) -> Iterator[Finding]:
    if iterations > MAX_ITERATIONS:
        yield codes.NSEC3_ITERATIONS.found(
            zone.apex,
            rd.NSEC3PARAM,
            f"the NSEC3 chain has {iterations} extra iterations, more than the {MAX_ITERATIONS} that servers and"
            " validators take at most; it was not checked further",
            severity=Severity.ERROR,
        )
    elif iterations:
        yield codes.NSEC3_ITERATIONS.found(
            zone.apex, rd.NSEC3PARAM, f"the NSEC3 chain has {iterations} extra iterations"
        )
    if salt:
        yield codes.NSEC3_SALT.found(zone.apex, rd.NSEC3PARAM, f"the NSEC3 chain has salt {salt.hex()}")


# ---- one chain ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a chain has to hold of one hash."""

    name: WireName
    bitmap: bytes
    optional: bool


@dataclass(frozen=True, slots=True)
class _Nsec3:
    """One NSEC3 record."""

    owner: WireName
    flags: int
    following: bytes
    bitmap: bytes


def check_chains(
    zone: Zone, parameters: Sequence[Nsec3Parameters], links: Sequence[Sequence[Link]], nsec3s: Nsec3s
) -> Iterator[Finding]:
    """Yield what is wrong with the NSEC3 chains of a zone.

    Args:
        zone: the zone.
        parameters: of each chain.
        links: for each chain what it has to hold, but for empty non-terminals.
        nsec3s: the NSEC3 RRsets that there are.
    """
    chains: dict[Nsec3Parameters, dict[bytes, _Nsec3]] = {each: {} for each in parameters}
    strayed: set[bytes] = set()
    for owner, records in nsec3s:
        digest = _digest_in(owner, zone.apex)
        if digest is None:
            yield codes.NSEC3_OWNER.found(owner, rd.NSEC3, "the owner is not a hash right below the apex")
            continue
        for record in records:
            rdata = rdata_of(record)
            chain = chains.get(_parameters(rdata)) if rdata[0] == NSEC3_SHA1 else None
            if chain is None:
                strayed.add(digest)
                yield codes.NSEC3_PARAMETERS.found(
                    owner, rd.NSEC3, f"it has {_text(_parameters(rdata))}, which no NSEC3PARAM of the zone has"
                )
            elif digest in chain:
                yield codes.NSEC3_DUPLICATE.found(
                    owner, rd.NSEC3, f"there is more than one with {_text(_parameters(rdata))}"
                )
            else:
                chain[digest] = _parsed(owner, rdata)
    for each, wanted_links in zip(parameters, links, strict=True):
        wanted, collisions = _wanted(zone, each, wanted_links)
        yield from collisions
        yield from _check_chain(zone, chains[each], wanted, strayed)


def _digest_in(owner: WireName, apex: WireName) -> bytes | None:
    """The hash that the owner of an NSEC3 is; None where it is none."""
    if order_key(parent_of(owner)) != order_key(apex):
        return None
    try:
        digest = base64.b32hexdecode(owner[1 : 1 + owner[0]].upper())
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == _HASH_OCTETS else None


def _parsed(owner: WireName, rdata: bytes) -> _Nsec3:
    at = _PREFIX_OCTETS + rdata[4]
    end = at + 1 + rdata[at]
    return _Nsec3(owner, rdata[1], rdata[at + 1 : end], rdata[end:])


def _wanted(
    zone: Zone, parameters: Nsec3Parameters, links: Sequence[Link]
) -> tuple[Mapping[bytes, _Wanted], list[Finding]]:
    """What the chain has to hold by hash, and the names that share one.

    An empty non-terminal above insecure delegations alone may be left out with them.
    """
    iterations, salt = parameters
    needed = sorted((link[1] for link in links if not link[3]), key=order_key)
    empty = {order_key(name) for name in missing_ancestors(needed, zone.apex)}
    everything = sorted((link[1] for link in links), key=order_key)
    more = [
        (nsec3_hash(name, salt=salt, iterations=iterations), name, _EMPTY, order_key(name) not in empty)
        for name in missing_ancestors(everything, zone.apex)
    ]
    wanted: dict[bytes, _Wanted] = {}
    collisions = []
    for digest, name, bitmap, optional in (*links, *more):
        if digest in wanted:
            other = wanted[digest].name
            collisions.append(
                codes.NSEC3_COLLISION.found(name, rd.NSEC3, f"it has the same hash as {name_text(other)}")
            )
        wanted[digest] = _Wanted(name, bitmap, optional)
    return wanted, collisions


def _check_chain(
    zone: Zone, chain: Mapping[bytes, _Nsec3], wanted: Mapping[bytes, _Wanted], strayed: set[bytes]
) -> Iterator[Finding]:
    if not chain:
        yield codes.NSEC3_MISSING.found(zone.apex, rd.NSEC3, "there is no NSEC3 record of this chain at all")
        return
    present = sorted(chain)
    # Whether the chain takes in an orphan, or passes over a hash that is missing: either is no second fault.
    expected = sorted({digest for digest, link in wanted.items() if not link.optional} | (chain.keys() & wanted.keys()))
    opts_out = any(nsec3.flags & _OPT_OUT for nsec3 in chain.values())
    for digest, nsec3 in chain.items():
        link = wanted.get(digest)
        if nsec3.flags & ~_OPT_OUT:
            yield codes.NSEC3_FLAGS.found(nsec3.owner, rd.NSEC3, f"its flags are {nsec3.flags}")
        if link is None:
            yield codes.NSEC3_ORPHAN.found(nsec3.owner, rd.NSEC3, "it is of no name in the zone")
            continue
        if nsec3.bitmap != link.bitmap:
            difference = bitmap_difference(nsec3.bitmap, link.bitmap)
            yield codes.NSEC3_BITMAP.found(nsec3.owner, rd.NSEC3, f"it is of {name_text(link.name)}: {difference}")
        following = _after(expected, digest)
        if nsec3.following not in (following, _after(present, digest)):
            yield codes.NSEC3_NEXT.found(
                nsec3.owner,
                rd.NSEC3,
                f"it leads to {rd.base32_text(nsec3.following)}, the next hash is {rd.base32_text(following)}"
                f", of {name_text(wanted[following].name)}",
            )
    uncovered: dict[bytes, list[WireName]] = {}
    for digest, link in wanted.items():
        if digest in chain or digest in strayed:
            continue
        if link.optional and opts_out:
            covering = present[bisect.bisect(present, digest) - 1]
            if not chain[covering].flags & _OPT_OUT:
                uncovered.setdefault(covering, []).append(link.name)
        else:
            kind = "empty non-terminal" if link.bitmap == _EMPTY else "name"
            yield codes.NSEC3_MISSING.found(
                link.name,
                rd.NSEC3,
                f"the {kind} has no NSEC3; it would be at {name_text(hashed_owner(digest, zone.apex))}",
            )
    for covering, names in uncovered.items():
        shown = ", ".join(map(name_text, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield codes.NSEC3_OPT_OUT.found(chain[covering].owner, rd.NSEC3, f"it covers {shown} without the Opt-Out flag")


def _after(ordered: Sequence[bytes], digest: bytes) -> bytes:
    """The hash after this one, the first after the last."""
    return ordered[bisect.bisect(ordered, digest) % len(ordered)]
