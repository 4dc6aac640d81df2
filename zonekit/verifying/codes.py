"""The codes of the verifier's findings: what each means, how grave it is, which clause decides, and what to do.

A code never changes its meaning. README.md lists them all, from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from zonekit import rdata as rd
from zonekit.findings import Finding, Severity
from zonekit.names import WireName, name_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A kind of finding.

    Attributes:
        name: the stable word.
        severity: how grave it is, unless the case makes it more or less so: an ERROR is what some validator, resolver or
            secondary can fail on, a WARNING what works and should be mended, an INFO what is good to know.
        meaning: what is wrong, in a line.
        rule: the clause that decides.
        remedy: what to do about it.
    """

    name: str
    severity: Severity
    meaning: str
    rule: str
    remedy: str = ""

    def found(
        self, owner: WireName, rdtype: int | str, message: str, *, severity: Severity | None = None, remedy: str = ""
    ) -> Finding:
        """Return the finding of this kind at an owner; ``rdtype`` is a number, a mnemonic, or empty."""
        return Finding(
            code=self.name,
            severity=self.severity if severity is None else severity,
            owner=name_text(owner),
            rdtype=rdtype if isinstance(rdtype, str) else rd.type_text(rdtype),
            message=message,
            rule=self.rule,
            remedy=remedy or self.remedy,
        )


_CODES: dict[str, Code] = {}


def _code(name: str, severity: Severity, meaning: str, rule: str, remedy: str = "") -> Code:
    made = Code(name=name, severity=severity, meaning=meaning, rule=rule, remedy=remedy)
    assert name not in _CODES, name
    _CODES[name] = made
    return made


_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
_RESIGN: Final = "sign the RRset again"
_WHILE_BOTH: Final = "a transfer that has come to its step ds-added and not yet to losing-ds-removed"

# ---- signatures -----------------------------------------------------------------------------------------------------

ZONE_NOT_SIGNED: Final = _code(
    "zone-not-signed",
    _ERROR,
    "the zone has no DNSKEY that validators use",
    "RFC 4035 section 2.1",
    "sign the zone",
)
RRSIG_MISSING: Final = _code(
    "rrsig-missing",
    _ERROR,
    "an authoritative RRset has no signature of an algorithm that the zone is signed with",
    "RFC 4035 section 2.2",
    _RESIGN,
)
ALGORITHM_SIGNS_NOTHING: Final = _code(
    "algorithm-signs-nothing",
    _ERROR,
    "no RRset is signed with an algorithm of the DNSKEY RRset",
    "RFC 4035 section 2.2, RFC 6840 section 5.11",
    "sign the zone with that algorithm too, or remove its DNSKEYs",
)
RRSIG_BOGUS: Final = _code(
    "rrsig-bogus", _ERROR, "a signature is not good over the data", "RFC 4035 section 5.3.3", _RESIGN
)
RRSIG_NOT_TRIED: Final = _code(
    "rrsig-not-tried",
    _ERROR,
    "so many signatures over an RRset are not good that this one was not tried, and validators stop earlier",
    "RFC 4035 section 5.3.3",
    "drop the signatures that are not good",
)
RRSIG_EXPIRED: Final = _code("rrsig-expired", _ERROR, "a signature has expired", "RFC 4035 section 5.3.1", _RESIGN)
RRSIG_NOT_YET_VALID: Final = _code(
    "rrsig-not-yet-valid",
    _ERROR,
    "a signature's inception lies ahead",
    "RFC 4035 section 5.3.1",
    "check the signer's clock, or publish the zone later",
)
RRSIG_NEVER_VALID: Final = _code(
    "rrsig-never-valid",
    _ERROR,
    "a signature's expiration lies before its inception",
    "RFC 4034 section 3.1.5",
    _RESIGN,
)
RRSIG_EXPIRES_IN_CACHE: Final = _code(
    "rrsig-expires-in-cache",
    _WARNING,
    "a signature expires before what it covers has left the caches",
    "RFC 6781 section 4.4.2",
    "sign again while more than the TTL is left",
)
RRSIG_LABELS: Final = _code(
    "rrsig-labels", _ERROR, "a signature's labels field is not that of its owner", "RFC 4034 section 3.1.3", _RESIGN
)
RRSIG_ORIGINAL_TTL: Final = _code(
    "rrsig-original-ttl",
    _ERROR,
    "a signature's Original TTL is not the TTL of what it covers",
    "RFC 4035 section 2.2",
    _RESIGN,
)
RRSIG_TTL: Final = _code(
    "rrsig-ttl",
    _WARNING,
    "the TTL of an RRSIG record is not that of what it covers",
    "RFC 4034 section 3",
    "give it the TTL of what it covers; the signature itself stays good",
)
RRSIG_SIGNER: Final = _code(
    "rrsig-signer", _ERROR, "a signature's signer is not the zone", "RFC 4035 section 5.3.1", _RESIGN
)
RRSIG_WITHOUT_DNSKEY: Final = _code(
    "rrsig-without-dnskey",
    _ERROR,
    "a signature names a key that the DNSKEY RRset does not have",
    "RFC 4035 section 5.3.1",
    "publish the key, or drop the signature",
)
RRSIG_BY_UNUSABLE_KEY: Final = _code(
    "rrsig-by-unusable-key",
    _ERROR,
    "a signature is by a key that is revoked, malformed, no zone key, or of another protocol",
    "RFC 4034 section 2.1.1, RFC 5011 section 2.1",
    "sign the RRset with a zone key that is in service",
)
RRSIG_KEYLESS: Final = _code(
    "rrsig-keyless",
    _INFO,
    "signatures are of an algorithm that no DNSKEY has, as while an algorithm comes or goes",
    "RFC 6781 section 4.1.4",
    "drop the signatures, unless the algorithm is about to come or has just gone",
)
RRSIG_UNCHECKED: Final = _code(
    "rrsig-unchecked",
    _INFO,
    "signatures are of an algorithm that cannot be checked here",
    "RFC 4035 section 5.2",
)
RRSIG_NOT_ALLOWED: Final = _code(
    "rrsig-not-allowed",
    _ERROR,
    "something that is not authoritative in the zone is signed: NS at a delegation, glue, occluded data, or an RRSIG",
    "RFC 4035 section 2.2",
    "drop the signature",
)
RRSIG_COVERS_NOTHING: Final = _code(
    "rrsig-covers-nothing",
    _ERROR,
    "a signature covers an RRset that is not there; a warning where the name has other data",
    "RFC 4035 section 2.2",
    "drop the signature, or add what it covers",
)

# ---- DNSKEYs --------------------------------------------------------------------------------------------------------

DNSKEY_NOT_SIGNED_BY_SEP: Final = _code(
    "dnskey-not-signed-by-sep",
    _WARNING,
    "no key with the SEP flag signs the DNSKEY RRset",
    "RFC 4034 section 2.1.1",
    "sign it with a KSK, which is what the parent's DS is usually made of",
)
DNSKEY_MALFORMED: Final = _code(
    "dnskey-malformed",
    _ERROR,
    "a DNSKEY's public key is none",
    "RFC 4034 section 2.1.4, RFC 3110 section 2, RFC 6605 section 4, RFC 8080 section 3",
    "remove the DNSKEY",
)
DNSKEY_WEAK: Final = _code(
    "dnskey-weak",
    _WARNING,
    "a DNSKEY's public key is too small or otherwise unsound",
    "RFC 6781 section 3.4.2",
    "roll to a sound key",
)
DNSKEY_PROTOCOL: Final = _code(
    "dnskey-protocol", _ERROR, "a DNSKEY's protocol is not 3", "RFC 4034 section 2.1.2", "remove the DNSKEY"
)
DNSKEY_NOT_ZONE_KEY: Final = _code(
    "dnskey-not-zone-key",
    _WARNING,
    "a DNSKEY lacks the zone key flag and validates nothing",
    "RFC 4034 section 2.1.1",
    "remove the DNSKEY",
)
DNSKEY_REVOKED: Final = _code(
    "dnskey-revoked", _INFO, "a DNSKEY is revoked", "RFC 5011 section 2.1", "remove it once the hold-down is over"
)
DNSKEY_REVOKED_SILENTLY: Final = _code(
    "dnskey-revoked-silently",
    _ERROR,
    "a revoked KSK does not sign the DNSKEY RRset, so that nobody takes it for revoked",
    "RFC 5011 section 2.1",
    "sign the DNSKEY RRset with it, or remove it",
)
DNSKEY_STAND_BY: Final = _code(
    "dnskey-stand-by", _INFO, "a DNSKEY signs nothing in the zone", "RFC 6781 section 4.1.1, RFC 8901 section 2.1"
)
DNSKEY_BELOW_APEX: Final = _code(
    "dnskey-below-apex", _ERROR, "a zone key stands below the apex", "RFC 4034 section 2.1.1", "remove it"
)
KEY_TAG_COLLISION: Final = _code(
    "key-tag-collision",
    _WARNING,
    "two DNSKEYs of one algorithm share a key tag: validators have to try both, and may refuse to",
    "RFC 4034 appendix B",
    "roll one of them to a key with another tag",
)
ALGORITHM_DATED: Final = _code(
    "algorithm-dated",
    _WARNING,
    "DNSKEYs are of an algorithm that must no longer be signed with",
    "RFC 9904, RFC 9905 section 2",
    "roll to algorithm 13",
)
ALGORITHM_UNKNOWN: Final = _code(
    "algorithm-unknown",
    _WARNING,
    "DNSKEYs are of an algorithm that is not known here: validators pass it over",
    "RFC 4035 section 5.2",
    "sign with an algorithm that validators know",
)

# ---- NSEC -----------------------------------------------------------------------------------------------------------

DENIAL_MISSING: Final = _code(
    "denial-missing",
    _ERROR,
    "the zone is signed and has neither an NSEC nor an NSEC3 chain",
    "RFC 4035 section 2.3",
    "sign the zone again",
)
DENIAL_TWICE: Final = _code(
    "denial-twice",
    _INFO,
    "the zone has both an NSEC and an NSEC3 chain, as on the way from one to the other",
    "RFC 5155 section 10.4",
    "remove the older chain once the newer is complete",
)
NSEC_MISSING: Final = _code(
    "nsec-missing", _ERROR, "a name has no NSEC", "RFC 4035 section 2.3", "make the NSEC chain again"
)
NSEC_NOT_ALLOWED: Final = _code(
    "nsec-not-allowed",
    _ERROR,
    "an NSEC stands at a name that has no place in the chain; a warning where the zone has no NSEC chain",
    "RFC 4035 section 2.3",
    "remove it",
)
NSEC_NEXT: Final = _code(
    "nsec-next",
    _ERROR,
    "an NSEC's next name is not the next one in canonical order, or the last one's not the apex",
    "RFC 4034 section 4.1.1",
    "make the NSEC chain again",
)
NSEC_BITMAP: Final = _code(
    "nsec-bitmap",
    _ERROR,
    "an NSEC's type bitmap is not what the name has",
    "RFC 4034 section 4.1.2, RFC 4035 section 2.3",
    "make the NSEC chain again",
)
NSEC_TTL: Final = _code(
    "nsec-ttl",
    _WARNING,
    "the TTL of an NSEC is not min(SOA TTL, SOA MINIMUM)",
    "RFC 9077 section 3.2",
    "sign with a signer that follows RFC 9077",
)
NSEC_DUPLICATE: Final = _code(
    "nsec-duplicate", _ERROR, "a name has more than one NSEC", "RFC 4035 section 2.3", "make the NSEC chain again"
)

# ---- NSEC3 ----------------------------------------------------------------------------------------------------------

NSEC3_MISSING: Final = _code(
    "nsec3-missing",
    _ERROR,
    "a name, which may be an empty non-terminal, has no NSEC3",
    "RFC 5155 section 7.1",
    "make the NSEC3 chain again",
)
NSEC3_ORPHAN: Final = _code(
    "nsec3-orphan",
    _ERROR,
    "an NSEC3 is of no name in the zone",
    "RFC 5155 section 7.1",
    "make the NSEC3 chain again",
)
NSEC3_OWNER: Final = _code(
    "nsec3-owner",
    _ERROR,
    "the owner of an NSEC3 is not a hash right below the apex",
    "RFC 5155 section 3",
    "make the NSEC3 chain again",
)
NSEC3_NEXT: Final = _code(
    "nsec3-next",
    _ERROR,
    "an NSEC3's next hash is not the next one of the chain",
    "RFC 5155 section 3.1.7",
    "make the NSEC3 chain again",
)
NSEC3_BITMAP: Final = _code(
    "nsec3-bitmap",
    _ERROR,
    "an NSEC3's type bitmap is not what the name has",
    "RFC 5155 section 7.1",
    "make the NSEC3 chain again",
)
NSEC3_TTL: Final = _code(
    "nsec3-ttl",
    _WARNING,
    "the TTL of an NSEC3 is not min(SOA TTL, SOA MINIMUM)",
    "RFC 9077 section 3.3",
    "sign with a signer that follows RFC 9077",
)
NSEC3_DUPLICATE: Final = _code(
    "nsec3-duplicate",
    _ERROR,
    "a hash has more than one NSEC3 of one chain",
    "RFC 5155 section 7.1",
    "make the NSEC3 chain again",
)
NSEC3_PARAMETERS: Final = _code(
    "nsec3-parameters",
    _ERROR,
    "an NSEC3 has other parameters than any NSEC3PARAM",
    "RFC 5155 section 7.1",
    "make the NSEC3 chain again",
)
NSEC3_FLAGS: Final = _code(
    "nsec3-flags",
    _ERROR,
    "an NSEC3 has flags that are not defined: validators pass it over",
    "RFC 5155 section 8.2",
    "make the NSEC3 chain again",
)
NSEC3_OPT_OUT: Final = _code(
    "nsec3-opt-out",
    _ERROR,
    "a delegation has no NSEC3, and the one whose span covers its hash lacks the Opt-Out flag",
    "RFC 5155 section 6",
    "make the NSEC3 chain again, with opt-out throughout or not at all",
)
NSEC3_COLLISION: Final = _code(
    "nsec3-collision", _ERROR, "two names have one hash", "RFC 5155 section 7.1", "sign with another salt"
)
NSEC3_ITERATIONS: Final = _code(
    "nsec3-iterations",
    _WARNING,
    "an NSEC3 chain has extra hash iterations, which validators may take for insecure or fail on",
    "RFC 9276 section 3.1",
    "sign with 0 iterations",
)
NSEC3_SALT: Final = _code(
    "nsec3-salt",
    _INFO,
    "an NSEC3 chain has a salt, which protects nothing",
    "RFC 9276 section 3.1",
    "sign without a salt",
)
NSEC3PARAM_MISSING: Final = _code(
    "nsec3param-missing",
    _ERROR,
    "the zone has NSEC3 records and no NSEC3PARAM that servers may go by",
    "RFC 5155 section 4",
    "add the NSEC3PARAM of the chain",
)
NSEC3PARAM_FLAGS: Final = _code(
    "nsec3param-flags",
    _WARNING,
    "an NSEC3PARAM has flags: servers pass it over",
    "RFC 5155 section 4.1.2",
    "remove it, unless a signer keeps its notes there",
)
NSEC3PARAM_UNKNOWN: Final = _code(
    "nsec3param-unknown",
    _ERROR,
    "an NSEC3PARAM names a hash that is not defined",
    "RFC 5155 section 11",
    "sign with NSEC or SHA-1 NSEC3",
)
NSEC3PARAM_NOT_AT_APEX: Final = _code(
    "nsec3param-not-at-apex", _WARNING, "an NSEC3PARAM stands below the apex", "RFC 5155 section 4", "remove it"
)

# ---- data -----------------------------------------------------------------------------------------------------------

TTL_DIFFERS: Final = _code(
    "ttl-differs",
    _WARNING,
    "the records of an RRset differ in TTL",
    "RFC 2181 section 5.2",
    "give all records of the RRset the same TTL",
)
CNAME_AND_OTHER_DATA: Final = _code(
    "cname-and-other-data",
    _ERROR,
    "a CNAME stands beside other data",
    "RFC 1034 section 3.6.2, RFC 2181 section 10.1",
    "a name that is an alias owns nothing else",
)
SINGLETON_TWICE: Final = _code(
    "singleton-twice",
    _ERROR,
    "a name has two records of a type of which it can have one: SOA, CNAME or DNAME",
    "RFC 1035 section 5.2, RFC 2181 section 10.1, RFC 6672 section 2.4",
    "remove all but one",
)
SOA_BELOW_APEX: Final = _code(
    "soa-below-apex", _ERROR, "an SOA stands below the apex", "RFC 1035 section 5.2", "remove it"
)
DS_AT_APEX: Final = _code(
    "ds-at-apex", _ERROR, "a DS RRset stands at the apex", "RFC 4035 section 2.4", "move it to the parent"
)
DNAME_BESIDE_NS: Final = _code(
    "dname-beside-ns",
    _ERROR,
    "a DNAME stands beside NS below the apex",
    "RFC 6672 section 2.3",
    "remove one of the two; the DNAME of a child zone stands at the apex of that",
)
WILDCARD_NS: Final = _code(
    "wildcard-ns",
    _ERROR,
    "an NS RRset stands at a wildcard, whose meaning is undefined",
    "RFC 4592 section 4.2",
    "delegate every name by itself",
)
WILDCARD_DNAME: Final = _code(
    "wildcard-dname",
    _WARNING,
    "a DNAME stands at a wildcard, which makes answers depend on the server",
    "RFC 6672 section 3.3, RFC 4592 section 4.4",
    "redirect every name by itself",
)
DS_WITHOUT_NS: Final = _code(
    "ds-without-ns",
    _ERROR,
    "a DS RRset stands where there is no delegation",
    "RFC 4034 section 5",
    "add the NS RRset of the child zone, or remove the DS",
)
OCCLUDED_DATA: Final = _code(
    "occluded-data",
    _WARNING,
    "data stands at or below a delegation and is no glue, or below a DNAME, where it is an error: no resolver sees it",
    "RFC 1034 section 4.2.1, RFC 6672 section 2.4",
    "remove it, or move it to the zone that it belongs to",
)
GLUE_MISSING: Final = _code(
    "glue-missing",
    _ERROR,
    "a name server in its own delegation has no address in the zone",
    "RFC 1034 section 4.2.1, RFC 9471 section 2.1",
    "add its A and AAAA records",
)
NS_WITHOUT_ADDRESS: Final = _code(
    "ns-without-address",
    _ERROR,
    "a name server whose name lies in the zone has no address there",
    "RFC 1034 section 4.2.1",
    "add its A and AAAA records",
)
NS_IS_ALIAS: Final = _code(
    "ns-is-alias", _ERROR, "a name server's name is an alias", "RFC 2181 section 10.3", "name the host itself"
)
TARGET_IS_ALIAS: Final = _code(
    "target-is-alias",
    _WARNING,
    "an MX or SRV record leads to an alias",
    "RFC 2181 section 10.3, RFC 2782",
    "name the host itself",
)
DS_DIGEST_DATED: Final = _code(
    "ds-digest-dated",
    _WARNING,
    "a DS digest is SHA-1, or one that must no longer be published",
    "RFC 9904, RFC 9905 section 2",
    "publish a SHA-256 DS",
)
DS_DIGEST_UNKNOWN: Final = _code(
    "ds-digest-unknown",
    _WARNING,
    "a DS digest type is not known here: validators pass it over",
    "RFC 4035 section 5.2",
    "publish a SHA-256 DS",
)

# ---- what the child asks the parent for -----------------------------------------------------------------------------

CDS_NOT_AT_APEX: Final = _code(
    "cds-not-at-apex", _WARNING, "CDS or CDNSKEY stands below the apex", "RFC 7344 section 4.1", "remove it"
)
CDS_CDNSKEY_DIFFER: Final = _code(
    "cds-cdnskey-differ",
    _ERROR,
    "CDS and CDNSKEY ask for different DS RRsets",
    "RFC 7344 section 4",
    "make both from the same keys",
)
CDS_WITHOUT_DNSKEY: Final = _code(
    "cds-without-dnskey",
    _INFO,
    "a CDS or CDNSKEY asks for the DS of a key that the DNSKEY RRset does not have",
    "RFC 7344 section 4.1, RFC 8901 section 2.1.2",
    "drop the record, unless the key is a coming one or another operator's",
)
CDS_MISMATCH: Final = _code(
    "cds-mismatch",
    _WARNING,
    "a CDS names a key that the zone has, and its digest is not of that key",
    "RFC 7344 section 4.1",
    "make the CDS again from the DNSKEY",
)
CDS_DIGEST: Final = _code(
    "cds-digest",
    _WARNING,
    "a CDS has a digest that is SHA-1 or not known here",
    "RFC 9904, RFC 9905 section 2",
    "ask for a SHA-256 DS",
)
CDS_BREAKS_CHAIN: Final = _code(
    "cds-breaks-chain",
    _ERROR,
    "the DS RRset that CDS or CDNSKEY ask for would not validate the DNSKEY RRset",
    "RFC 7344 section 4.1",
    "ask for the DS of a KSK that signs the DNSKEY RRset",
)
CDS_DELETE: Final = _code(
    "cds-delete",
    _WARNING,
    "CDS or CDNSKEY ask the parent to remove the DS RRset: the domain becomes insecure",
    "RFC 8078 section 4",
    "remove the record unless that is meant",
)
CDS_DELETE_NOT_ALONE: Final = _code(
    "cds-delete-not-alone",
    _ERROR,
    "the CDS or CDNSKEY that asks for the removal of the DS RRset stands beside others, or is malformed",
    "RFC 8078 section 4",
    "publish it alone, as 0 0 0 00 or 0 3 0 AA==, or not at all",
)
CDS_SIGNER: Final = _code(
    "cds-signer",
    _WARNING,
    "CDS or CDNSKEY is not signed by a key that the DNSKEY and the parent's DS RRset both have",
    "RFC 7344 section 4.1",
    "sign it with the KSK that the DS is of",
)

# ---- ZONEMD ---------------------------------------------------------------------------------------------------------

ZONEMD_DIGEST: Final = _code(
    "zonemd-digest",
    _ERROR,
    "a ZONEMD digest is not that of the zone",
    "RFC 8976 section 4",
    "compute it again, after the last change",
)
ZONEMD_SERIAL: Final = _code(
    "zonemd-serial",
    _ERROR,
    "a ZONEMD's serial is not that of the SOA",
    "RFC 8976 section 4",
    "compute the ZONEMD again, after the last change",
)
ZONEMD_DUPLICATE: Final = _code(
    "zonemd-duplicate",
    _ERROR,
    "two ZONEMDs have one scheme and hash algorithm",
    "RFC 8976 section 4",
    "remove one of them",
)
ZONEMD_UNCHECKED: Final = _code(
    "zonemd-unchecked",
    _INFO,
    "a ZONEMD has a scheme or hash algorithm that is not known here",
    "RFC 8976 section 4",
)
ZONEMD_NOT_AT_APEX: Final = _code(
    "zonemd-not-at-apex",
    _INFO,
    "a ZONEMD stands below the apex, where it says nothing",
    "RFC 8976 section 2",
    "remove it",
)

# ---- the chain from the parent --------------------------------------------------------------------------------------

DS_NONE: Final = _code(
    "ds-none",
    _WARNING,
    "the parent has no DS: the domain is insecure",
    "RFC 4035 section 5.2",
    "add the DS at the parent, once the zone is served by all its servers",
)
DS_MISMATCH: Final = _code(
    "ds-mismatch",
    _ERROR,
    "a DS names a key that the zone has, and its digest is not of that key",
    "RFC 4035 section 5.2",
    "replace the DS by one made from the DNSKEY",
)
DS_WITHOUT_DNSKEY: Final = _code(
    "ds-without-dnskey",
    _INFO,
    "a DS is of no key in the zone",
    "RFC 4035 section 2.4, RFC 8901 section 2.1.2",
    f"remove the DS, unless its key is about to come, or the other operator's in {_WHILE_BOTH}",
)
DS_KEY_SILENT: Final = _code(
    "ds-key-silent",
    _INFO,
    "a DS is of a key that does not sign the DNSKEY RRset",
    "RFC 4035 section 2.4",
    f"sign the DNSKEY RRset with the key, or remove the DS, unless the key is about to sign, or the other operator's in"
    f" {_WHILE_BOTH}",
)
DS_KEY_UNUSABLE: Final = _code(
    "ds-key-unusable",
    _ERROR,
    "a DS is of a key that is revoked, no zone key, or of another protocol",
    "RFC 4034 section 5.2, RFC 5011 section 2.1",
    "replace the DS",
)
DS_ALGORITHM_UNKNOWN: Final = _code(
    "ds-algorithm-unknown",
    _WARNING,
    "a DS is of an algorithm that is not known here: validators pass it over",
    "RFC 4035 section 5.2",
    "sign with an algorithm that validators know",
)
DS_ALGORITHM_UNSIGNED: Final = _code(
    "ds-algorithm-unsigned",
    _ERROR,
    "the DNSKEY RRset has no signature of an algorithm in the DS RRset",
    "RFC 4035 section 2.2",
    "sign the DNSKEY RRset with that algorithm too, or remove its DS",
)
DS_SHA1_IGNORED: Final = _code(
    "ds-sha1-ignored",
    _WARNING,
    "a SHA-1 DS does not count beside stronger ones, and its key has no other that is good",
    "RFC 4509 section 3",
    "publish the SHA-256 DS of its key in the same update",
)
CHAIN_BROKEN: Final = _code(
    "chain-broken",
    _ERROR,
    "no DS leads to a key that signs the DNSKEY RRset: the whole domain is bogus",
    "RFC 4035 section 5.2",
    "publish the DS of a KSK that signs the DNSKEY RRset",
)
CHAIN_INSECURE: Final = _code(
    "chain-insecure",
    _WARNING,
    "no DS is of an algorithm and a digest that validators know: the domain is insecure to them",
    "RFC 4035 section 5.2",
    "publish a SHA-256 DS of a key of algorithm 13",
)

CODES: Final[Mapping[str, Code]] = MappingProxyType(_CODES)
"""Every code of the verifier by its name."""
