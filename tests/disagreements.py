"""Where a peer's verdict on a fault is not zonekit's, what the peer does there, and which clause says who is right.

The verdict is clean or not clean, which for zonekit means no finding of severity ERROR, and for a peer that it accepts the
zone. The peers are dnssec-verify of BIND 9.18.49, ldns-verify-zone of ldns 1.8.3, and kzonecheck of Knot DNS 3.2.6, each
as :mod:`tests.peers` calls it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

BIND: Final = "dnssec-verify"
LDNS: Final = "ldns-verify-zone"
KNOT: Final = "kzonecheck"
PEERS: Final = (BIND, LDNS, KNOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Faults on which a peer's verdict is not zonekit's.

    Attributes:
        peer: the peer.
        faults: the faults.
        what: what the peer does.
        rule: the clause that zonekit's verdict rests on.
    """

    peer: str
    faults: tuple[str, ...]
    what: str
    rule: str


def _by(peers: tuple[str, ...], what: str, rule: str, *faults: str) -> Iterator[Disagreement]:
    for peer in peers:
        yield Disagreement(peer=peer, faults=faults, what=what, rule=rule)


DISAGREEMENTS: Final = (
    # -- signatures
    *_by(
        (LDNS, KNOT),
        "takes a labels field above the number of the owner's labels; a validator must not",
        "RFC 4034 section 3.1.3, RFC 4035 section 5.3.1",
        "labels-too-many",
    ),
    *_by(
        (BIND, LDNS),
        "takes a record for the expansion of a wildcard that is not in the zone",
        "RFC 4035 section 2.2",
        "labels-too-few",
    ),
    *_by(
        (BIND, LDNS, KNOT),
        "lets the asterisk be counted as a label; what is expanded from the wildcard then fails",
        "RFC 4034 section 3.1.3",
        "labels-count-the-asterisk",
    ),
    *_by(
        (LDNS,),
        "does not hold the Original TTL against the TTL",
        "RFC 4035 section 2.2",
        *("ttl-raised-above-original", "ttl-lowered-below-original", "ttls-differ"),
    ),
    *_by(
        (LDNS, KNOT),
        "does not hold the signer's name against the zone",
        "RFC 4035 section 5.3.1",
        *("wrong-signer", "signer-is-the-parent"),
    ),
    *_by(
        (LDNS, KNOT),
        "is content with one algorithm where the zone has two",
        "RFC 4035 section 2.2, RFC 6840 section 5.11",
        "signature-of-one-algorithm-missing",
    ),
    *_by(
        (LDNS,),
        "is content with one good signature where an algorithm has none",
        "RFC 4035 section 2.2, RFC 6840 section 5.11",
        "signature-of-one-algorithm-bogus",
    ),
    *_by(
        (KNOT,),
        "refuses any bad signature, also where validators find a good one of the same algorithm beside it",
        "RFC 4035 section 5.3.3, RFC 6840 section 5.4",
        *("bad-signature-beside-a-good-one", "expired-signature-beside-a-good-one"),
    ),
    *_by((BIND,), "does not look at what lies below a zone cut", "RFC 4035 section 2.2", "glue-is-signed"),
    *_by(
        (BIND, LDNS),
        "accepts it; dnssec-verify warns",
        "RFC 4035 section 2.2",
        "delegation-ns-is-signed",
    ),
    *_by((BIND, LDNS), "does not see it", "RFC 4035 section 2.2", "signature-over-signatures"),
    # -- DNSKEYs
    *_by(
        (BIND, KNOT),
        "asks for a key with the SEP flag; validation must not depend on that flag",
        "RFC 4034 section 2.1.1",
        "dnskeys-signed-by-the-zsk-alone",
    ),
    *_by(
        (BIND, LDNS, KNOT),
        "takes a DNSKEY of an algorithm that signs nothing for a key on stand-by",
        "RFC 4035 section 2.2, RFC 6840 section 5.11",
        "algorithm-that-signs-nothing",
    ),
    *_by(
        (LDNS, KNOT),
        "does not ask a revoked key for the signature that revokes it",
        "RFC 5011 section 2.1",
        "revoked-ksk-that-signs-nothing",
        "revoked-ksk-that-signs-data-and-not-the-dnskeys",
        "revoked-ksk-whose-own-signature-is-bogus",
    ),
    *_by(
        (BIND, LDNS, KNOT),
        "takes a revoked key's signature for any other; it counts for the revocation alone",
        "RFC 5011 section 2.1",
        "signed-by-a-revoked-key",
    ),
    *_by((BIND, LDNS), "does not look at the protocol", "RFC 4034 section 2.1.2", "dnskey-of-another-protocol"),
    *_by(
        (KNOT,),
        "refuses a DNSKEY without the zone key flag, which may stand at the apex and validates nothing",
        "RFC 4034 section 2.1.1",
        "dnskey-without-zone-flag",
    ),
    *_by(
        (BIND, LDNS),
        "does not look at the zone key flag",
        "RFC 4034 section 2.1.1",
        "signed-by-a-key-without-zone-flag",
    ),
    *_by(
        (BIND, LDNS),
        "does not look at a public key that signs nothing",
        "RFC 4034 section 2.1.4, RFC 6605 section 4",
        *("malformed-dnskey", "dnskey-that-is-no-point-of-the-curve"),
    ),
    *_by((LDNS, KNOT), "does not see it", "RFC 4034 section 2.1.1", "dnskey-below-the-apex"),
    *_by(
        (KNOT,),
        "cannot check a zone with a DNSKEY of an algorithm it does not know; validators pass it over",
        "RFC 4035 section 5.2",
        "signed-with-an-unknown-algorithm-too",
    ),
    *_by(
        (BIND,),
        "asks for a ZSK, unless it is given the option -z",
        "RFC 6781 section 3.1",
        "signed-with-a-csk",
    ),
    # -- NSEC
    *_by(
        (BIND, LDNS, KNOT),
        "takes an empty non-terminal with an NSEC for a name; signing must not make one of it",
        "RFC 4035 section 2.3",
        "nsec-at-an-empty-non-terminal",
    ),
    *_by(
        (LDNS,),
        "does not look at bitmaps",
        "RFC 4034 section 4.1.2, RFC 4035 section 2.3",
        *("nsec-bitmap-type-too-many", "nsec-bitmap-type-too-few", "nsec-bitmap-without-rrsig"),
        *("nsec-bitmap-without-nsec", "nsec-bitmap-lists-glue", "nsec-bitmap-without-ns-at-delegation"),
    ),
    # -- NSEC3
    *_by(
        (LDNS,),
        "does not look at bitmaps",
        "RFC 5155 section 7.1",
        *("nsec3-bitmap-type-too-many", "nsec3-bitmap-type-too-few", "nsec3-bitmap-without-rrsig"),
        *("nsec3-bitmap-lists-nsec3", "nsec3-bitmap-with-rrsig-at-insecure-delegation"),
        "nsec3-bitmap-of-an-empty-non-terminal",
    ),
    *_by(
        (LDNS,),
        "does not ask for the NSEC3 of an empty non-terminal",
        "RFC 5155 section 7.1",
        "nsec3-missing-of-an-empty-non-terminal",
    ),
    *_by(
        (BIND,),
        "does not ask for the NSEC3 of an insecure delegation, whether or not the span opts out",
        "RFC 5155 section 6",
        *("nsec3-missing-of-an-insecure-delegation", "opt-out-flag-missing"),
    ),
    *_by((LDNS,), "does not look at the flag of the span", "RFC 5155 section 6", "opt-out-flag-missing"),
    *_by(
        (BIND,),
        "goes by the apex NSEC3 for the whole zone; the flag speaks for its own span",
        "RFC 5155 section 6",
        "opt-out-flag-where-it-is-needed-alone",
    ),
    *_by(
        (KNOT,),
        "does not see an NSEC3 of no name while the chain is closed; that name's absence cannot be proved",
        "RFC 5155 section 7.1",
        *("orphan-nsec3-in-the-chain", "removed-name-whose-nsec3-stays"),
    ),
    *_by(
        (LDNS,),
        "does not hold the parameters against each other and the NSEC3PARAM",
        "RFC 5155 section 4, section 7.1",
        *("nsec3-with-other-iterations", "nsec3-with-another-salt", "nsec3-with-another-hash-algorithm"),
        *("nsec3param-missing", "nsec3param-with-another-salt"),
    ),
    *_by(
        (BIND, LDNS, KNOT),
        "does not look at the flags; validators ignore an NSEC3 with others than Opt-Out",
        "RFC 5155 section 8.2",
        "nsec3-with-unknown-flags",
    ),
    *_by(
        (LDNS, KNOT),
        "takes any number of iterations; servers and validators do not",
        "RFC 9276 section 3.2",
        "nsec3-iterations-beyond-what-is-taken",
    ),
    *_by(
        (BIND, LDNS, KNOT),
        "goes by an NSEC3PARAM with flags, which servers must ignore",
        "RFC 5155 section 4.1.2",
        "nsec3param-with-flags",
    ),
    *_by(
        (KNOT,),
        "cannot check a zone with a second NSEC3PARAM; one with flags is to be ignored",
        "RFC 5155 section 4.1.2",
        "nsec3param-with-flags-beside-a-good-one",
    ),
    *_by(
        (BIND, LDNS),
        "passes over a hash algorithm that it does not know; the chain that it promises is not there",
        "RFC 5155 section 4",
        "nsec3param-of-an-unknown-hash",
    ),
    # -- data
    *_by(
        (KNOT,),
        "gives all records of an RRset the TTL of the first while it reads them",
        "RFC 2181 section 5.2",
        "ttls-differ",
    ),
    *_by(
        (LDNS,),
        "does not look at what stands beside a CNAME, nor at how many there are",
        "RFC 1034 section 3.6.2, RFC 2181 section 10.1, RFC 6672 section 2.4",
        *("cname-beside-other-data", "two-cnames", "two-dnames"),
    ),
    *_by((LDNS,), "does not look at it", "RFC 1035 section 5.2", "soa-below-the-apex"),
    *_by((LDNS, KNOT), "does not look at it", "RFC 4035 section 2.4", "ds-at-the-apex"),
    *_by((BIND, LDNS), "does not look at it", "RFC 6672 section 2.3", "dname-beside-ns"),
    *_by((LDNS, KNOT), "does not look at it; named does not load the zone", "RFC 4592 section 4.2", "wildcard-ns"),
    *_by(
        (BIND, LDNS, KNOT),
        "does not look at it; to validators the name is the apex of a signed zone",
        "RFC 4034 section 5",
        "ds-without-ns",
    ),
    *_by(
        (BIND, LDNS),
        "does not look at it; knotd does not load the zone, as it may",
        "RFC 6672 section 2.4",
        *("data-below-a-dname",),
    ),
    *_by(
        (BIND, LDNS),
        "does not look for the addresses of name servers",
        "RFC 1034 section 4.2.1, RFC 9471 section 2.1",
        *("glue-missing", "name-server-without-address"),
    ),
    *_by(
        (KNOT,),
        "asks for the glue of every server, also where another can be reached",
        "RFC 1034 section 5.3.3",
        "glue-missing-for-one-of-two",
    ),
    *_by(
        (BIND, LDNS),
        "does not look whether name servers are aliases",
        "RFC 2181 section 10.3",
        *("name-server-is-an-alias", "name-server-of-a-delegation-is-an-alias"),
        *("name-server-by-a-wildcard-alias", "name-server-below-a-dname"),
    ),
    *_by(
        (KNOT,),
        "refuses a DS digest that it does not know; validators pass it over",
        "RFC 4035 section 5.2",
        "delegation-with-a-ds-of-an-unknown-digest",
    ),
    # -- CDS, CDNSKEY and ZONEMD
    *_by(
        (BIND, LDNS),
        "does not look at CDS and CDNSKEY",
        "RFC 7344 section 4.1, RFC 8078 section 4",
        *("cds-of-an-unknown-key", "cdnskey-of-an-unknown-key", "cds-of-a-key-that-does-not-sign"),
        *("cds-and-cdnskey-differ", "cds-delete-beside-others", "cds-delete-malformed"),
    ),
    *_by(
        (KNOT,),
        "does not look whether the key signs the DNSKEY RRset",
        "RFC 7344 section 4.1",
        "cds-of-a-key-that-does-not-sign",
    ),
    *_by(
        (KNOT,),
        "asks for a CDNSKEY beside every CDS; a child may publish either",
        "RFC 7344 section 4",
        *("cds-without-cdnskey", "cds-delete"),
    ),
    *_by(
        (KNOT,),
        "refuses any CDS without DNSKEY, also where the DS RRset that is asked for keeps a key that signs",
        "RFC 7344 section 4.1",
        "cds-of-an-unknown-key-beside-a-good-one",
    ),
    *_by(
        (BIND, KNOT),
        "does not check ZONEMD",
        "RFC 8976 section 4",
        *("zonemd-digest-wrong", "zonemd-serial-wrong", "two-zonemds-of-one-scheme"),
    ),
    *_by(
        (LDNS,),
        "asks for a ZONEMD that it can check, which is the receiver's own policy",
        "RFC 8976 section 4",
        "zonemd-of-an-unknown-scheme",
    ),
)


def disagreement(fault: str, peer: str) -> Disagreement | None:
    """Return why a peer's verdict on a fault is not zonekit's, or None where it is."""
    found = [each for each in DISAGREEMENTS if each.peer == peer and fault in each.faults]
    assert len(found) <= 1, f"{fault} stands twice under {peer}"
    return found[0] if found else None
