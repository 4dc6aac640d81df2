"""What a run of consecutive names shows: the unit of work, here or in another process.

All that can be told from the names themselves is judged at once. What takes the whole zone, such as the order of hashes
or whether a name server has an address, is collected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from zonekit import rdata as rd
from zonekit.algorithms import DigestType
from zonekit.denial import is_insecure_delegation, nsec3_bitmap, nsec3_hash, types_to_list
from zonekit.findings import Finding, Severity
from zonekit.keys import ZONE_KEY_FLAG
from zonekit.names import WILDCARD_LABEL, WireName, name_end
from zonekit.nodes import HEADER_OCTETS, Node, PackedRRset, Record, rdata_of, split_node, ttl_of
from zonekit.signing import is_signed_here
from zonekit.verifying import codes
from zonekit.verifying.nsec import NsecOrder
from zonekit.verifying.rrsigs import SignatureRules, Tally, judge_rrset
from zonekit.zones import BESIDE_CNAME, SINGLETONS, Block, NameStatus, walk_block

_NO_NAME_MADE: Final = frozenset((rd.RRSIG, rd.NSEC, rd.NSEC3))
"""What signing adds; it makes no name of an owner that has nothing else (RFC 4035 section 2.3)."""
_AT_DELEGATION: Final = frozenset((rd.NS, rd.DS, rd.NSEC, rd.NSEC3))
"""What the parent's side of a delegation may have (RFC 4035 section 2.6)."""
_DENIALS: Final = frozenset((rd.NSEC, rd.NSEC3))
_PARENTS_TYPES: Final = frozenset((rd.CDS, rd.CDNSKEY))
KNOWN_DIGESTS: Final = frozenset(map(int, DigestType))
_DATED_DIGESTS: Final[Mapping[int, str]] = {1: "SHA-1", 3: "GOST R 34.11-94"}

Nsec3Parameters: TypeAlias = tuple[int, bytes]
"""Iterations and salt."""


@dataclass(frozen=True, slots=True)
class BlockRules:
    """What names are held against.

    Attributes:
        signatures: what their signatures are held against; None where the zone is not signed.
        nsec: whether there is an NSEC chain.
        denial_ttl: the TTL that NSEC and NSEC3 should have (RFC 9077).
        nsec3: the parameters of each NSEC3 chain.
    """

    signatures: SignatureRules | None
    nsec: bool
    denial_ttl: int
    nsec3: tuple[Nsec3Parameters, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A block and what of its surroundings is needed to judge it.

    Attributes:
        block: the block.
        cut: the topmost delegation or DNAME above its first name.
        earlier: the nodes of its names in a zone that was verified before, by owner in lower case.
    """

    block: Block
    cut: WireName | None
    earlier: Mapping[WireName, Node]


Link: TypeAlias = tuple[bytes, WireName, bytes, bool, bytes]
"""What an NSEC3 has to be of: a hash, its name, the type bitmap, whether the NSEC3 may be left out under opt-out, and a
type bitmap that will do as well."""


@dataclass(slots=True)
class Seen:
    """What a run of names shows.

    Attributes:
        findings: what is wrong with the names themselves.
        tally: what was counted.
        order: the NSEC chain through them.
        links: for each NSEC3 chain what it has to hold.
        nsec3s: the NSEC3 RRsets, by owner.
        servers: the owner of each NS RRset and the names in it.
        targets: the hosts that MX and SRV records name, with the owner and type of each that does.
        occluded: what lies at or below a delegation, or below a DNAME, and is not the zone's, with its types.
        good: for each type at the apex, the DNSKEYs whose signatures over that RRset are good.
    """

    findings: list[Finding] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    order: NsecOrder = field(default_factory=NsecOrder)
    links: list[list[Link]] = field(default_factory=list)
    nsec3s: list[tuple[WireName, list[Record]]] = field(default_factory=list)
    servers: list[tuple[WireName, tuple[WireName, ...]]] = field(default_factory=list)
    targets: dict[WireName, list[tuple[WireName, int]]] = field(default_factory=dict)
    occluded: list[tuple[WireName, tuple[int, ...]]] = field(default_factory=list)
    good: dict[int, frozenset[bytes]] = field(default_factory=dict)

    def add(self, other: Seen) -> None:
        """Take in what the next run of names shows."""
        self.findings += other.findings
        self.tally.add(other.tally)
        out_of_order = self.order.join(other.order)
        if out_of_order is not None:
            self.findings.append(out_of_order)
        for held, more in zip(self.links, other.links, strict=True):
            held += more
        self.nsec3s += other.nsec3s
        self.servers += other.servers
        for target, places in other.targets.items():
            self.targets.setdefault(target, []).extend(places)
        self.occluded += other.occluded


def see_block(rules: BlockRules, job: Job) -> Seen:
    """Return what a block shows."""
    return see_names(rules, walk_block(job.block, job.cut), job.earlier)


def see_names(
    rules: BlockRules,
    names: Iterable[tuple[WireName, NameStatus, list[PackedRRset]]],
    earlier: Mapping[WireName, Node],
) -> Seen:
    """Return what consecutive names show."""
    seen = Seen(links=[[] for _ in rules.nsec3])
    looker = _Looker(rules, seen)
    for owner, status, rrsets in names:
        looker.look(owner, status, rrsets, earlier.get(owner.lower()) if earlier else None)
    return seen


def _has_place(status: NameStatus, types: set[int]) -> bool:
    """Whether a name has a place in a chain of denial: there is more than what signing adds, and it can be seen."""
    return status is not NameStatus.OCCLUDED and status is not NameStatus.ABSENT and not types <= _NO_NAME_MADE


@dataclass(slots=True)
class _Looker:
    """Looks at one name after the other, in canonical order."""

    rules: BlockRules
    seen: Seen

    def look(
        self,
        owner: WireName,
        status: NameStatus,
        rrsets: list[PackedRRset],
        before: Node | None,
    ) -> None:
        """Judge one name."""
        rrsigs: dict[int, list[Record]] = {}
        data: list[PackedRRset] = []
        for rrset in rrsets:
            if rrset[0] == rd.RRSIG:
                rrsigs[rrset[1]] = rrset[2]
            else:
                data.append(rrset)
                if len(rrset[2]) > 1:
                    self._judge_ttls(owner, rrset)
        types = {rrset[0] for rrset in data}
        if status is NameStatus.OCCLUDED:
            self._note_occluded(owner, types)
        elif status is NameStatus.DELEGATION:
            self._judge_delegation(owner, data, types)
        elif not _LOOKED_AT.isdisjoint(types):
            self._judge_content(owner, status, data, types)
        if self.rules.signatures is None:
            return
        has_place = _has_place(status, types)
        in_chain = has_place and self.rules.nsec
        if in_chain:
            self._judge_nsec(owner, status, rrsets, data)
        elif rd.NSEC in types:
            self._refuse_nsec(owner, status)
        self._judge_signatures(self.rules.signatures, owner, status, data, rrsigs, before, in_chain)
        if rd.NSEC3 in types:
            self._collect_nsec3(owner, data)
        if has_place and self.rules.nsec3:
            self._link_nsec3(owner, status, rrsets)

    def _judge_ttls(self, owner: WireName, rrset: PackedRRset) -> None:
        ttls = sorted(set(map(ttl_of, rrset[2])))
        if len(ttls) > 1:
            shown = f"{', '.join(map(str, ttls[:-1]))} and {ttls[-1]}"
            self._add(codes.TTL_DIFFERS, owner, rrset[0], f"the records have TTLs {shown}")

    # -- signatures

    def _judge_signatures(
        self,
        rules: SignatureRules,
        owner: WireName,
        status: NameStatus,
        data: Sequence[PackedRRset],
        rrsigs: dict[int, list[Record]],
        before: Node | None,
        in_chain: bool,
    ) -> None:
        earlier = {} if before is None else {found[:2]: found[2] for found in split_node(before)}
        for rrset in data:
            over = rrsigs.pop(rrset[0], ())
            if is_signed_here(status, rrset[0]):
                if rrset[0] == rd.NSEC and not in_chain:
                    continue  # an NSEC that should not be there is that, whoever signed it
                found, good = judge_rrset(rules, self.seen.tally, owner, rrset, over, earlier)
                self.seen.findings += found
                if status is NameStatus.APEX:
                    self.seen.good[rrset[0]] = good
            elif over and rrset[0] != rd.NSEC:
                what = "an NS RRset at a delegation" if status is NameStatus.DELEGATION else "data below a zone cut"
                if status is NameStatus.DELEGATION and rrset[0] != rd.NS:
                    what = "data at a delegation that belongs to the child zone"
                self.seen.findings.append(codes.RRSIG_NOT_ALLOWED.found(owner, rrset[0], f"{what} is signed"))
        for covered in rrsigs:
            if covered == rd.RRSIG:
                self.seen.findings.append(codes.RRSIG_NOT_ALLOWED.found(owner, covered, "an RRSIG covers RRSIGs"))
            else:
                # Where there is nothing else it makes a name that no chain of denial knows.
                is_alone = {rrset[0] for rrset in data} <= _NO_NAME_MADE
                self.seen.findings.append(
                    codes.RRSIG_COVERS_NOTHING.found(
                        owner,
                        covered,
                        f"an RRSIG covers {rd.type_text(covered)}, which the name does not have",
                        severity=Severity.ERROR if is_alone else Severity.WARNING,
                    )
                )

    # -- denial

    def _refuse_nsec(self, owner: WireName, status: NameStatus) -> None:
        why, severity = "the name owns nothing else", Severity.ERROR
        if status is NameStatus.OCCLUDED:
            why = "the name lies below a zone cut"
        elif not self.rules.nsec:  # nobody is given it as a proof
            why, severity = "the zone has no NSEC chain", Severity.WARNING
        else:
            self.seen.order.meet_lone(owner)
        self.seen.findings.append(
            codes.NSEC_NOT_ALLOWED.found(owner, rd.NSEC, f"an NSEC stands here: {why}", severity=severity)
        )

    def _judge_nsec(
        self, owner: WireName, status: NameStatus, rrsets: Sequence[PackedRRset], data: Sequence[PackedRRset]
    ) -> None:
        """Judge the NSEC of a name that has a place in the chain."""
        next_name = None
        records = next((rrset[2] for rrset in reversed(data) if rrset[0] == rd.NSEC), ())
        if len(records) == 1:
            record = records[0]
            end = name_end(record, HEADER_OCTETS)
            next_name = record[HEADER_OCTETS:end].lower()
            self._judge_denial_ttl(codes.NSEC_TTL, owner, rd.NSEC, record)
            expected = rd.type_bitmap((*types_to_list(status, rrsets), rd.RRSIG, rd.NSEC))
            if record[end:] != expected:
                self._add(codes.NSEC_BITMAP, owner, rd.NSEC, bitmap_difference(record[end:], expected))
        elif records:
            self._add(codes.NSEC_DUPLICATE, owner, rd.NSEC, f"there are {len(records)} NSEC records")
        else:
            self._add(codes.NSEC_MISSING, owner, rd.NSEC, "the name has no NSEC")
        out_of_order = self.seen.order.meet(owner, next_name)
        if out_of_order is not None:
            self.seen.findings.append(out_of_order)

    def _judge_denial_ttl(self, code: codes.Code, owner: WireName, rdtype: int, record: Record) -> None:
        ttl = ttl_of(record)
        if ttl != self.rules.denial_ttl:
            wanted = f"min(SOA TTL, SOA MINIMUM) is {self.rules.denial_ttl}"
            self._add(code, owner, rdtype, f"its TTL is {ttl}, {wanted}")

    def _collect_nsec3(self, owner: WireName, data: Sequence[PackedRRset]) -> None:
        for rdtype, _, records in data:
            if rdtype == rd.NSEC3:
                self.seen.nsec3s.append((owner, records))
                self._judge_denial_ttl(codes.NSEC3_TTL, owner, rd.NSEC3, records[0])

    def _link_nsec3(self, owner: WireName, status: NameStatus, rrsets: Sequence[PackedRRset]) -> None:
        bitmap = lax_bitmap = nsec3_bitmap(status, rrsets)
        if any(rrset[0] == rd.NSEC for rrset in rrsets):
            # Of a name in both chains the NSEC3 lists the NSEC too (RFC 5155 section 7.1). BIND leaves it out while it
            # goes from one chain to the other, by which nobody is led astray.
            bitmap = rd.type_bitmap((*rd.bitmap_types(bitmap), rd.NSEC, rd.RRSIG))
        optional = is_insecure_delegation(status, rrsets)
        for (iterations, salt), links in zip(self.rules.nsec3, self.seen.links, strict=True):
            digest = nsec3_hash(owner, salt=salt, iterations=iterations)
            links.append((digest, owner, bitmap, optional, lax_bitmap))

    # -- data

    def _note_occluded(self, owner: WireName, types: set[int]) -> None:
        hidden = tuple(sorted(types - _DENIALS))
        if hidden:
            self.seen.occluded.append((owner, hidden))

    def _judge_delegation(self, owner: WireName, data: Sequence[PackedRRset], types: set[int]) -> None:
        """Judge what is the parent's at a delegation, and note what is the child's."""
        hidden = tuple(sorted(types - _AT_DELEGATION - SINGLETONS))
        if hidden:
            self.seen.occluded.append((owner, hidden))
        if rd.CNAME in types or rd.DNAME in types:
            self._judge_alias(owner, types)
        for rdtype, _, records in data:
            if rdtype in (rd.NS, rd.DS) or rdtype in SINGLETONS:
                self._judge_rrset(owner, NameStatus.DELEGATION, rdtype, records, types)

    def _judge_alias(self, owner: WireName, types: set[int]) -> None:
        if rd.CNAME in types and not types <= BESIDE_CNAME:
            others = ", ".join(rd.type_text(rdtype) for rdtype in sorted(types - BESIDE_CNAME))
            self._add(codes.CNAME_AND_OTHER_DATA, owner, rd.CNAME, f"a CNAME stands beside {others}")

    def _judge_content(self, owner: WireName, status: NameStatus, data: Sequence[PackedRRset], types: set[int]) -> None:
        self._judge_alias(owner, types)
        for rdtype, _, records in data:
            if rdtype in _LOOKED_AT:
                self._judge_rrset(owner, status, rdtype, records, types)

    def _judge_rrset(
        self, owner: WireName, status: NameStatus, rdtype: int, records: Sequence[Record], types: set[int]
    ) -> None:
        at_apex = status is NameStatus.APEX
        if rdtype in SINGLETONS and len(records) > 1:
            text = rd.type_text(rdtype)
            self._add(codes.SINGLETON_TWICE, owner, rdtype, f"there are {len(records)} {text} records")
        if rdtype == rd.NS:
            if owner.startswith(WILDCARD_LABEL):
                self._add(codes.WILDCARD_NS, owner, rdtype, "an NS RRset stands at a wildcard")
            self.seen.servers.append((owner, tuple(rdata_of(record) for record in records)))
            if rd.DNAME in types and not at_apex:
                self._add(codes.DNAME_BESIDE_NS, owner, rd.DNAME, "a DNAME stands beside NS, and this is not the apex")
        elif rdtype == rd.DS:
            self._judge_ds(owner, status, records, types)
        elif rdtype in _HOST_AT:
            for record in records:
                target = record[HEADER_OCTETS + _HOST_AT[rdtype] :].lower()
                self.seen.targets.setdefault(target, []).append((owner, rdtype))
        elif rdtype == rd.DNAME and owner.startswith(WILDCARD_LABEL):
            self._add(codes.WILDCARD_DNAME, owner, rdtype, "a DNAME stands at a wildcard")
        elif not at_apex:
            if rdtype == rd.SOA:
                self._add(codes.SOA_BELOW_APEX, owner, rdtype, "an SOA stands below the apex")
            elif rdtype == rd.DNSKEY:
                if any(record[HEADER_OCTETS] << 8 & ZONE_KEY_FLAG for record in records):
                    self._add(
                        codes.DNSKEY_BELOW_APEX, owner, rdtype, "a DNSKEY that is a zone key stands below the apex"
                    )
            elif rdtype in _PARENTS_TYPES:
                text = rd.type_text(rdtype)
                self._add(codes.CDS_NOT_AT_APEX, owner, rdtype, f"a {text} RRset stands below the apex")
            elif rdtype == rd.NSEC3PARAM:
                self._add(codes.NSEC3PARAM_NOT_AT_APEX, owner, rdtype, "an NSEC3PARAM stands below the apex")
            elif rdtype == rd.ZONEMD:
                self._add(codes.ZONEMD_NOT_AT_APEX, owner, rdtype, "a ZONEMD stands below the apex")

    def _judge_ds(self, owner: WireName, status: NameStatus, records: Sequence[Record], types: set[int]) -> None:
        if status is NameStatus.APEX:
            self._add(codes.DS_AT_APEX, owner, rd.DS, "a DS RRset stands at the apex")
            return
        if rd.NS not in types:
            self._add(codes.DS_WITHOUT_NS, owner, rd.DS, "a DS RRset stands here, and there is no NS RRset")
        self.seen.findings += ds_findings(owner, [rdata_of(record) for record in records])

    def _add(self, code: codes.Code, owner: WireName, rdtype: int, message: str) -> None:
        self.seen.findings.append(code.found(owner, rdtype, message))


_HOST_AT: Final[Mapping[int, int]] = {rd.MX: 2, rd.SRV: 6}
"""Where the name of a host begins in the data."""
_LOOKED_AT: Final = frozenset(
    (rd.NS, rd.DS, *_HOST_AT, *SINGLETONS, rd.DNSKEY, *_PARENTS_TYPES, rd.NSEC3PARAM, rd.ZONEMD)
)


def ds_findings(owner: WireName, rdatas: Iterable[bytes]) -> Iterator[Finding]:
    """Yield what is wrong with DS records by themselves, wherever they stand."""
    for rdata in rdatas:
        tag, algorithm, digest_type = rdata[0] << 8 | rdata[1], rdata[2], rdata[3]
        place = f"the DS of key {tag} (algorithm {algorithm})"
        if digest_type in _DATED_DIGESTS:
            yield codes.DS_DIGEST_DATED.found(owner, rd.DS, f"{place} has a {_DATED_DIGESTS[digest_type]} digest")
        elif digest_type not in KNOWN_DIGESTS:
            yield codes.DS_DIGEST_UNKNOWN.found(owner, rd.DS, f"{place} has a digest of type {digest_type}")


def bitmap_difference(found: bytes, expected: bytes) -> str:
    """Return in words how a type bitmap differs from what it should be."""
    there, wanted = set(rd.bitmap_types(found)), set(rd.bitmap_types(expected))
    parts = []
    for what, rdtypes in (("lists", there - wanted), ("does not list", wanted - there)):
        if rdtypes:
            parts.append(f"{what} {', '.join(rd.type_text(rdtype) for rdtype in sorted(rdtypes))}")
    return f"its bitmap {' and '.join(parts)}" if parts else "its bitmap is not in the shortest form"
