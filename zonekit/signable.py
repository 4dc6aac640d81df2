"""What a zone must not hold to be signed.

A :class:`~zonekit.zones.Zone` holds what name servers load, and they load some things that make no sense to a validator:
signed, the zone would not be served, would not verify, or would be bogus in part. ``sign_zone`` refuses those and nothing
more; what is merely odd is signed like any other data.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from zonekit import rdata as rd
from zonekit.dnskeys import signer_of
from zonekit.errors import SigningError
from zonekit.keys import DNSKEY_PROTOCOL, REVOKE_FLAG, SEP_FLAG, ZONE_KEY_FLAG, key_tag
from zonekit.names import WILDCARD_LABEL, WireName, name_text
from zonekit.nodes import CLASS_IN, split_node
from zonekit.signatures import PublishedKeys
from zonekit.zones import Zone

_REVOKED_KSK: Final = ZONE_KEY_FLAG | SEP_FLAG | REVOKE_FLAG
# How the records begin that may be out of place below the apex.
_NS, _DS, _DNSKEY, _DNAME = (
    rdtype.to_bytes(2, "big") + CLASS_IN.to_bytes(2, "big") for rdtype in (rd.NS, rd.DS, rd.DNSKEY, rd.DNAME)
)


def check_signable(zone: Zone, *, since: int) -> None:
    """Check that a zone, with the DNSKEY RRset it is to be signed with, holds nothing that signing would make worse.

    Args:
        zone: the zone with the signatures of others, as far as they are to stay.
        since: seconds since 1970: when the signatures begin to be valid that are made beside those.

    Raises:
        SigningError: an NS RRset at a wildcard (RFC 4592 section 4.2), or beside a DNAME below the apex (RFC 6672 section
            2.3); a DS RRset without a delegation (RFC 4034 section 5); DNSKEYs below the apex (RFC 4034 section 2.1.1);
            at the apex a DNSKEY of another protocol than 3 (RFC 4034 section 2.1.2), or a KSK that is revoked and
            does not sign the DNSKEY RRset (RFC 5011 section 2.1).
    """
    if zone.apex.startswith(WILDCARD_LABEL):
        raise _wildcard_refusal(zone.apex)
    _check_dnskeys(zone, since)
    for block in zone.blocks:
        # A search through all octets of a block spares most zones the look at each owner. What is found may also be in
        # other data: it is only a reason to look closer.
        octets = b"".join(block.nodes)
        redirects, wild = _DNAME in octets, WILDCARD_LABEL in b"".join(block.owners)
        secures = _DS in octets or _DNSKEY in octets
        if redirects or wild or secures:
            for owner, node in zip(block.owners, block.nodes, strict=True):
                if (
                    (secures and node[:4] != _NS and (_DS in node or _DNSKEY in node))  # most delegations begin with NS
                    or (redirects and _DNAME in node)
                    or (wild and owner[:2] == WILDCARD_LABEL)
                ):
                    _check_owner(zone, owner, {rdtype for rdtype, _, _ in split_node(node)})


def _check_owner(zone: Zone, owner: WireName, types: Collection[int]) -> None:
    """Check what stands at an owner below the apex."""
    place = name_text(owner)
    if rd.NS in types:
        if owner.startswith(WILDCARD_LABEL):
            raise _wildcard_refusal(owner)
        if rd.DNAME in types:
            raise SigningError(
                f"{place}: a DNAME stands beside NS, and this is not the apex",
                remedy="remove one of the two; the DNAME of a child zone stands at the apex of that",
                rule="RFC 6672 section 2.3",
            )
    elif (rd.DS in types or rd.DNSKEY in types) and zone.cut_above(owner) is None:
        if rd.DS in types:
            # Whoever sees it takes the name for the apex of a signed zone, and what is there and below for bogus.
            raise SigningError(
                f"{place}: a DS RRset without an NS RRset",
                remedy="add the NS RRset of the child zone, or remove the DS",
                rule="RFC 4034 section 5",
            )
        # RFC 4035 section 2.1 would let keys that are no zone keys stand there, and dnssec-verify does not.
        raise SigningError(
            f"{place}: a DNSKEY RRset below the apex {name_text(zone.apex)}",
            remedy="remove it; the keys of a zone stand at its apex, those of a child in the child zone",
            rule="RFC 4034 section 2.1.1",
        )


def _wildcard_refusal(owner: WireName) -> SigningError:
    return SigningError(
        f"{name_text(owner)}: an NS RRset at a wildcard, whose meaning is undefined; named does not load it",
        remedy="delegate every name by itself",
        rule="RFC 4592 section 4.2",
    )


def _check_dnskeys(zone: Zone, since: int) -> None:
    dnskeys, rrsigs = zone.get("@", rd.DNSKEY), zone.get("@", rd.RRSIG, rd.DNSKEY)
    if dnskeys is None:
        return
    published = PublishedKeys.of(dnskeys)
    kept = () if rrsigs is None else (rdata for rdata in rrsigs.rdatas if published.may_stay(rdata, dnskeys, since))
    signing = {signer_of(rdata) for rdata in kept}
    for rdata in dnskeys.rdatas:
        flags, protocol, algorithm, tag = int.from_bytes(rdata[:2], "big"), rdata[2], rdata[3], key_tag(rdata)
        place = f"{name_text(zone.apex)}: DNSKEY {tag} (algorithm {algorithm})"
        if protocol != DNSKEY_PROTOCOL:
            raise SigningError(
                f"{place} has protocol {protocol}",
                remedy=f"remove it; a DNSKEY has protocol {DNSKEY_PROTOCOL}",
                rule="RFC 4034 section 2.1.2",
            )
        # A key of this signer is never revoked, so this is about a signature that another left over the same RRset.
        if flags & _REVOKED_KSK == _REVOKED_KSK and (algorithm, tag) not in signing:
            raise SigningError(
                f"{place} is a revoked KSK that does not sign the DNSKEY RRset, so that nobody takes it for revoked",
                remedy="remove it, or let the program that revoked it sign",
                rule="RFC 5011 section 2.1",
            )
