"""The codes of a transfer check's findings: what each means, how grave it is, which clause decides, and what to do.

They are of the same kind as the verifier's (:mod:`zonekit.verifying.codes`), which a transfer check reports too. A code never
changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zonekit.findings import Severity
from zonekit.transfer.claims import Claim
from zonekit.verifying.codes import Code

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
_COOPERATING: Final = "RFC 6781 section 4.3.5.1"
_MODEL_2: Final = "RFC 8901 section 2.1.2"


def _code(name: str, severity: Severity, meaning: str, rule: str, remedy: str = "") -> Code:
    return Code(name=name, severity=severity, meaning=meaning, rule=rule, remedy=remedy)


CLAIM_CODES: Final[Mapping[Claim, Code]] = MappingProxyType(
    {
        Claim.LOSING_VERIFIES: _code(
            "losing-zone-faulty",
            _ERROR,
            "the losing zone does not verify",
            "RFC 4035 section 5",
            "have the losing operator mend its zone first; the other findings say what is wrong",
        ),
        Claim.GAINING_VERIFIES: _code(
            "gaining-zone-faulty",
            _ERROR,
            "the gaining zone does not verify",
            "RFC 4035 section 5",
            "mend the gaining zone before anybody is sent there; the other findings say what is wrong",
        ),
        Claim.KEYS_ACCEPTABLE: _code(
            "keys-not-acceptable",
            _ERROR,
            "one side cannot take a key of the other",
            _COOPERATING,
            "ask for another key, and exchange keys again",
        ),
        Claim.LOSING_HAS_GAINING_KEYS: _code(
            "gaining-keys-not-published",
            _ERROR,
            "the losing zone lacks a gaining key that data is signed with, or may be",
            f"{_COOPERATING}, {_MODEL_2}",
            "have the losing operator publish it and re-sign its DNSKEY RRset",
        ),
        Claim.LOSING_SIGNS_DNSKEY: _code(
            "losing-dnskey-not-resigned",
            _ERROR,
            "no losing key that the DS leads to has signed the losing DNSKEY RRset as it is",
            "RFC 4035 section 5.2",
            "have the losing operator re-sign its DNSKEY RRset with its KSK",
        ),
        Claim.GAINING_HAS_LOSING_KEYS: _code(
            "losing-keys-not-published",
            _ERROR,
            "the gaining zone lacks a losing key that data is signed with, or may be",
            f"{_COOPERATING}, {_MODEL_2}",
            "publish it in the gaining zone and re-sign its DNSKEY RRset",
        ),
        Claim.GAINING_SIGNS_DNSKEY: _code(
            "gaining-dnskey-not-resigned",
            _ERROR,
            "no gaining key that the DS leads to, or is to, has signed the gaining DNSKEY RRset as it is",
            "RFC 4035 section 5.2",
            "re-sign the gaining DNSKEY RRset with the gaining KSK",
        ),
        Claim.LOSING_TTLS_LOW: _code(
            "losing-ttls-not-lowered",
            _WARNING,
            "a TTL at the losing apex, or that of its signature, is above what it was to be lowered to",
            _COOPERATING,
            "have the losing operator lower it and re-sign, or reckon with the longer waits",
        ),
        Claim.BOTH_DS: _code(
            "ds-not-of-both",
            _ERROR,
            "the parent lacks the DS of a key that signs one of the two DNSKEY RRsets",
            f"{_COOPERATING}, RFC 4035 section 5.2",
            "have the DS of both sides at the parent until no resolver asks the losing servers",
        ),
        Claim.DS_DIGESTS: _code(
            "ds-digest-outdone",
            _ERROR,
            "a key has no DS with the strongest digest that another key has: validators may pass over the ones that it has",
            "RFC 4509 section 3",
            "add the DS of that key with the same digest type, SHA-256 beside SHA-1, in the same update",
        ),
        Claim.GAINING_ANSWERS: _code(
            "gaining-servers-silent",
            _ERROR,
            "a gaining server does not answer with the gaining zone",
            "RFC 1034 section 4.2.2",
            "load the gaining zone on all its servers before the NS change",
        ),
        Claim.SHARED_ANSWER: _code(
            "shared-servers-not-switched",
            _ERROR,
            "a server that is asked already does not answer from the gaining zone",
            _COOPERATING,
            "load the gaining zone there",
        ),
        Claim.GAINING_NS: _code(
            "gaining-ns-wrong",
            _ERROR,
            "the gaining zone names other servers than the gaining ones",
            "RFC 1034 section 4.2.2",
            "change the apex NS RRset of the gaining zone",
        ),
        Claim.PARENT_NS: _code(
            "parent-ns-not-changed",
            _ERROR,
            "the parent names other servers than the gaining ones",
            "RFC 1034 section 4.2.2",
            "have the NS RRset changed at the parent",
        ),
        Claim.LOSING_NS: _code(
            "losing-ns-not-changed",
            _WARNING,
            "the losing zone names other servers than the gaining ones: resolvers stay there for longer",
            _COOPERATING,
            "have the losing operator change its apex NS RRset, or wait for the longer time",
        ),
        Claim.GAINING_DS_ALONE: _code(
            "gaining-ds-not-alone",
            _ERROR,
            "the parent has a DS of other keys than the gaining ones, or none of those",
            _COOPERATING,
            "have the gaining DS, and no other, at the parent",
        ),
        Claim.NO_DS: _code(
            "ds-still-there",
            _ERROR,
            "the parent still has a DS",
            "RFC 6781 section 4.3.5.2",
            "have it removed, and wait until it has left the caches before the NS change",
        ),
        Claim.LOSING_KEYS_GONE: _code(
            "losing-keys-not-withdrawn",
            _WARNING,
            "the gaining zone still publishes a losing key",
            _COOPERATING,
            "withdraw it and re-sign the DNSKEY RRset",
        ),
        Claim.LOSING_SILENT: _code(
            "losing-still-answers",
            _WARNING,
            "the losing servers still answer for the zone",
            _COOPERATING,
            "have the losing operator take the zone out of service",
        ),
        Claim.GAINING_TTLS_RESTORED: _code(
            "gaining-ttls-low",
            _WARNING,
            "a TTL at the gaining apex is not the one that is to stay",
            "RFC 2181 section 5.2",
            "restore it and re-sign",
        ),
        Claim.NO_ONE_SIDED_CDS: _code(
            "cds-one-sided",
            _ERROR,
            "a CDS or CDNSKEY RRset asks for the DS of one side alone: a parent that scans would remove the other",
            "RFC 7344 section 4.1, RFC 8901 section 8",
            "publish CDS and CDNSKEY of both sides in both zones, or none, until the transfer is over",
        ),
        Claim.NO_CSYNC: _code(
            "csync-too-early",
            _ERROR,
            "a CSYNC record asks a parent that scans to change the NS RRset at once",
            "RFC 7477 section 2.1.1.2",
            "remove it until the NS may change",
        ),
        Claim.LOSING_CDS_OF_BOTH: _code(
            "losing-cds-incomplete",
            _ERROR,
            "CDS or CDNSKEY in the losing zone is missing, or lacks the keys of one side",
            "RFC 7344 section 4.1, RFC 8901 section 8",
            "have the losing operator publish both, for the keys of both sides",
        ),
        Claim.GAINING_CDS_OF_BOTH: _code(
            "gaining-cds-incomplete",
            _ERROR,
            "CDS or CDNSKEY in the gaining zone is missing, or lacks the keys of one side",
            "RFC 7344 section 4.1, RFC 8901 section 8",
            "publish both, for the keys of both sides",
        ),
        Claim.GAINING_CDS_ALONE: _code(
            "gaining-cds-not-alone",
            _WARNING,
            "CDS or CDNSKEY in the gaining zone is missing, or asks for other keys than the gaining ones",
            "RFC 7344 section 4.1",
            "publish both for the gaining KSK alone: the parent keeps the losing DS until then",
        ),
        Claim.LOSING_CSYNC: _code(
            "csync-missing",
            _WARNING,
            "no CSYNC record in the losing zone asks the parent to take its NS RRset at once",
            "RFC 7477 section 2.1",
            "have the losing operator publish it with the new NS RRset",
        ),
        Claim.GAINING_VALIDATES: _code(
            "gaining-zone-invalid",
            _ERROR,
            "the gaining zone does not validate from the DS at the parent",
            "RFC 4035 section 5",
            "the other findings say what is wrong; mend that first",
        ),
        Claim.GAINING_UNSIGNED: _code(
            "unsigned-end-faulty",
            _ERROR,
            "the gaining zone is signed, or the parent has a DS",
            "RFC 4035 section 5.2",
            "a zone that is not signed and has a DS is bogus: have the DS removed",
        ),
    }
)
"""By claim, the code of what is found where it is not true."""

NOT_SEEN: Final = _code(
    "claim-not-seen",
    _INFO,
    "whether a claim is true does not show in what was looked at",
    _COOPERATING,
    "look at that as well",
)
WOULD_BREAK: Final = _code(
    "ns-change-breaks",
    _ERROR,
    "some resolvers would find the domain bogus, or get no answer, if the NS changed now",
    "RFC 4035 section 5, RFC 6781 section 4.3.5.1",
    "do not change the NS before what is missing is there",
)
BREAKS_NOW: Final = _code(
    "broken-now",
    _ERROR,
    "some resolvers find the domain bogus, or get no answer, with what is served now",
    "RFC 4035 section 5",
    "mend it before anything else",
)
DELEGATION_DIFFERS: Final = _code(
    "delegation-differs",
    _WARNING,
    "the NS RRset at the parent is not that of the zone",
    "RFC 1034 section 4.2.2",
    "make the two the same",
)
TTLS_LOW: Final = _code(
    "apex-ttls-low",
    _INFO,
    "the TTLs of the apex NS and DNSKEY RRsets are low",
    _COOPERATING,
)
KEY_OF_BOTH: Final = _code(
    "key-signs-both-zones",
    _ERROR,
    "one key signs both zones, as where a gaining server still answers with the losing zone",
    _MODEL_2,
    "load the gaining zone, signed with keys of the gaining operator's own",
)
KEY_NOT_TAKEN: Final = _code(
    "silent-key-not-taken",
    _INFO,
    "a losing key with the SEP flag that signs nothing is not in the gaining zone",
    _MODEL_2,
    "take it as well, unless it is a KSK on stand-by: a CSK that was retired may have signed what caches still hold",
)
TTL_ABOVE_PLAN: Final = _code(
    "ttl-above-plan",
    _ERROR,
    "a TTL is served that is above the largest that the plan or the facts know of, so that caches hold it for longer than"
    " is waited for",
    "RFC 2181 section 8, RFC 7583 section 3.3.2",
    "give it in the facts, and plan again with what is on record",
)

TRANSFER_CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        code.name: code
        for code in (
            *CLAIM_CODES.values(),
            *(
                NOT_SEEN,
                WOULD_BREAK,
                BREAKS_NOW,
                DELEGATION_DIFFERS,
                TTLS_LOW,
                KEY_OF_BOTH,
                KEY_NOT_TAKEN,
                TTL_ABOVE_PLAN,
            ),
        )
    }
)
"""Every code that a transfer check has besides the verifier's, by its name."""
