"""Zones and RRsets as immutable values.

A :class:`Zone` holds its RRsets packed, in canonical order of owner names (RFC 4034 section 6.1). Nothing changes a
zone: ``replace``, ``add`` and ``remove`` return a new one that shares with the old all that is the same, so replacing
an RRset at the apex of a million-name zone costs no more than in a small one.

An :class:`RRset` is one owner, one type, one TTL and its data; unlike dnspython's it cannot be changed, and two are
equal only when their TTLs are. Both convert to and from dnspython's classes.
"""

from __future__ import annotations

import bisect
import enum
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, Self, TypeAlias

from zonekit import rdata as rd
from zonekit.errors import RdataError, ZoneError
from zonekit.names import (
    ROOT,
    WILDCARD_LABEL,
    WireName,
    ancestors_of,
    check_wire_name,
    from_wire_name,
    name_text,
    order_key,
    parse_origin,
    to_wire_name,
)
from zonekit.nodes import (
    Node,
    PackedRRset,
    find_rrset,
    join_node,
    pack_record,
    rdata_of,
    signature_tags,
    split_node,
    ttl_of,
)
from zonekit.ttl import Ttl, to_ttl

if TYPE_CHECKING:
    import dns.name
    import dns.rrset
    import dns.zone

BLOCK_OWNERS: Final = 1024
# What may stand beside a CNAME: its signature, its denial, and a KEY for secure dynamic update (RFC 2181 section 10.1,
# RFC 4034 section 3, RFC 4035 section 2.5); and an NSEC3, whose owner is a hash that may be a name of the zone as well.
BESIDE_CNAME: Final = frozenset((rd.CNAME, rd.RRSIG, rd.NSEC, rd.NSEC3, rd.SIG, rd.KEY))
# OPT, and the meta-types and types of questions (RFC 6895 section 3.1).
_NO_DATA_TYPES: Final = frozenset((41, *range(128, 256)))
# Of these types a name has one record (RFC 1035 section 5.2, RFC 2181 section 10.1, RFC 6672 section 2.4).
SINGLETONS: Final = frozenset((rd.SOA, rd.CNAME, rd.DNAME))


# ---- RRsets --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RRset:
    """The records of one owner and one type (RFC 2181 section 5).

    Attributes:
        owner: the owner name in wire form, letter case as given.
        rdtype: the type's number.
        ttl: the TTL of all the records, in seconds.
        rdatas: the data of each record in wire form, in canonical order and without duplicates, whatever order they
            are given in (RFC 4034 section 6.3).
        covers: for RRSIGs the type they cover, else 0. Signatures over two types make two RRsets.

    Raises:
        RdataError: no data, or data that does not fit the type.
        TtlError: a TTL outside 0 to 2^31-1.
        DomainNameError: the owner is not a name in wire form.

    >>> RRset.from_text("example.nl.", 3600, "MX", "10 mail.example.nl.").text()
    'example.nl. 3600 IN MX 10 mail.example.nl.'
    """

    owner: WireName
    rdtype: int
    ttl: Ttl
    rdatas: tuple[bytes, ...]
    covers: int = 0

    def __post_init__(self) -> None:
        check_wire_name(self.owner)
        if not 0 < self.rdtype < 2**16 or self.rdtype in _NO_DATA_TYPES:
            raise RdataError(
                f"{name_text(self.owner)}: {self.rdtype} is not a type of records in a zone",
                rule="RFC 6895 section 3.1",
            )
        object.__setattr__(self, "ttl", to_ttl(self.ttl))
        if not self.rdatas:
            raise RdataError(f"{self._place()}: an RRset has at least one record")
        for rdata in self.rdatas:
            rd.check_rdata(self.rdtype, rdata)
        by_canonical_form = {rd.canonical_rdata(self.rdtype, rdata): rdata for rdata in self.rdatas}
        object.__setattr__(self, "rdatas", tuple(by_canonical_form[key] for key in sorted(by_canonical_form)))
        covered = {int.from_bytes(rdata[:2], "big") for rdata in self.rdatas} if self.rdtype == rd.RRSIG else {0}
        if covered != {self.covers}:
            raise RdataError(
                f"{self._place()}: covers is {self.covers} and the data says {sorted(covered)}",
                remedy="make one RRset for each type that the RRSIGs cover",
            )
        if self.rdtype in SINGLETONS and len(self.rdatas) > 1:
            raise RdataError(f"{self._place()}: there can be only one", rule="RFC 2181 section 10.1")

    def _place(self) -> str:
        return f"{name_text(self.owner)} {rd.type_text(self.rdtype)}"

    @classmethod
    def from_text(cls, owner: str | dns.name.Name, ttl: int, rdtype: str, *rdatas: str) -> Self:
        """Return the RRset that the presentation form of its data says; every name in it is absolute or under the root.

        Raises:
            RdataError: an unknown type, or data that does not fit it.
            DomainNameError: the owner or a name in the data is not a domain name.
            TtlError: a TTL outside 0 to 2^31-1.
        """
        number = rd.parse_type(rdtype)
        wires = tuple(rd.parse_rdata(number, text.encode(), ROOT) for text in rdatas)
        covers = int.from_bytes(wires[0][:2], "big") if number == rd.RRSIG and wires else 0
        return cls(owner=parse_origin(owner), rdtype=number, ttl=to_ttl(ttl), rdatas=wires, covers=covers)

    @classmethod
    def from_dnspython(cls, rrset: dns.rrset.RRset) -> Self:
        """Return dnspython's RRset as a value; it must be of class IN.

        Raises:
            RdataError: another class, or no records.
            DomainNameError: its owner is relative.
        """
        if int(rrset.rdclass) != 1:
            raise RdataError(f"{rrset.name}: class {int(rrset.rdclass)}; zonekit handles class IN")
        if not rrset.name.is_absolute():
            raise RdataError(f"{rrset.name}: the owner is relative", remedy="read the zone with relativize=False")
        wires = tuple(_dnspython_wire(rdata) for rdata in rrset)
        return cls(
            owner=parse_origin(rrset.name),
            rdtype=int(rrset.rdtype),
            ttl=to_ttl(rrset.ttl),
            rdatas=wires,
            covers=int(rrset.covers),
        )

    def to_dnspython(self) -> dns.rrset.RRset:
        """Return a dnspython RRset of its own, absolute, for the caller to do with as it likes."""
        import dns.rdata
        import dns.rdataclass
        import dns.rrset
        from dns.rdatatype import RdataType

        rdclass, rdtype = dns.rdataclass.IN, RdataType.make(self.rdtype)
        rdatas = [dns.rdata.from_wire(rdclass, rdtype, wire, 0, len(wire)) for wire in self.rdatas]
        return dns.rrset.from_rdata_list(from_wire_name(self.owner), self.ttl, rdatas)

    @property
    def name(self) -> dns.name.Name:
        """The owner name as dnspython's."""
        return from_wire_name(self.owner)

    @property
    def type_text(self) -> str:
        """The type's mnemonic."""
        return rd.type_text(self.rdtype)

    def text(self) -> str:
        """Return the records as zone-file lines with absolute names, without a final newline."""
        head = f"{name_text(self.owner)} {self.ttl} IN {self.type_text}"
        return "\n".join([f"{head} {rd.print_rdata(self.rdtype, rdata)}" for rdata in self.rdatas])

    def with_ttl(self, ttl: int) -> RRset:
        """Return the same records with another TTL."""
        checked = to_ttl(ttl)
        records = [pack_record(self.rdtype, checked, rdata) for rdata in self.rdatas]
        return view_rrset(self.owner, (self.rdtype, self.covers, records))

    def same_data(self, other: RRset) -> bool:
        """Whether owner, type and data are the same, letter case of names and TTL aside."""
        return (self.rdtype, self.covers, order_key(self.owner)) == (
            other.rdtype,
            other.covers,
            order_key(other.owner),
        ) and _canonical(self) == _canonical(other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RRset):
            return NotImplemented
        return self.ttl == other.ttl and self.same_data(other)

    def __hash__(self) -> int:
        return hash((order_key(self.owner), self.rdtype, self.covers, self.ttl, _canonical(self)))


def _canonical(rrset: RRset) -> tuple[bytes, ...]:
    return tuple([rd.canonical_rdata(rrset.rdtype, rdata) for rdata in rrset.rdatas])


def _dnspython_wire(rdata: dns.rdata.Rdata) -> bytes:
    import dns.name

    try:
        wire = rdata.to_wire()
    except dns.name.NeedAbsoluteNameOrOrigin:
        raise RdataError(f"a name in {rdata} is relative", remedy="read the zone with relativize=False") from None
    assert wire is not None
    return wire


def view_rrset(owner: WireName, packed: PackedRRset) -> RRset:
    """Return the RRset of packed records that are known to be good: held by a zone, or just made."""
    rdtype, covers, records = packed
    rrset = object.__new__(RRset)
    object.__setattr__(rrset, "owner", owner)
    object.__setattr__(rrset, "rdtype", rdtype)
    object.__setattr__(rrset, "ttl", ttl_of(records[0]))
    object.__setattr__(rrset, "rdatas", tuple([rdata_of(record) for record in records]))
    object.__setattr__(rrset, "covers", covers)
    return rrset


def pack_rrset(rrset: RRset) -> PackedRRset:
    """Return the RRset as a node holds it."""
    return rrset.rdtype, rrset.covers, [pack_record(rrset.rdtype, rrset.ttl, rdata) for rdata in rrset.rdatas]


# ---- what a name is in a zone ---------------------------------------------------------------------------------------


class NameStatus(enum.Enum):
    """What a name is in a zone; only the first three have authoritative data (RFC 4035 section 2).

    NSEC3 records make no name: an owner of nothing but NSEC3 records and their signatures is what it would be without
    them, so ``ABSENT`` unless names lie below it (RFC 5155 section 7.2.8).
    """

    APEX = "apex"
    AUTHORITATIVE = "authoritative"
    DELEGATION = "delegation"
    EMPTY_NON_TERMINAL = "empty non-terminal"
    OCCLUDED = "occluded"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Block:
    """A run of owners in canonical order, with their nodes: the unit that is shared, copied, reused and worked on."""

    owners: tuple[WireName, ...]
    nodes: tuple[Node, ...]


_Held: TypeAlias = tuple[WireName, Node]
"""An owner as the zone spells it, and its node."""


class _BelowApex(Protocol):
    """All owners of a zone but the apex."""

    @property
    def blocks(self) -> tuple[Block, ...]: ...

    def find(self, key: bytes) -> tuple[int, int, bool]: ...

    def get(self, key: bytes) -> _Held | None: ...

    def get_rrset(self, key: bytes, rdtype: int, covers: int) -> RRset | None: ...

    def signature_tags(self) -> frozenset[int]: ...

    def with_nodes(self, changed: dict[bytes, _Held]) -> _BelowApex: ...


@dataclass(frozen=True, slots=True)
class _Blocks:
    """All owners of a zone but the apex: an immutable sequence of blocks, and the order key each begins with.

    ``known_tags`` are the key tags in their signatures, once somebody has asked for them.
    """

    blocks: tuple[Block, ...]
    starts: tuple[bytes, ...]
    known_tags: frozenset[int] | None = None

    def find(self, key: bytes) -> tuple[int, int, bool]:
        """Where ``key`` stands or would stand: block, place in it, and whether it is there."""
        index = max(bisect.bisect_right(self.starts, key) - 1, 0)
        if not self.blocks:
            return 0, 0, False
        owners = self.blocks[index].owners
        place = bisect.bisect_left(owners, key, key=order_key)
        return index, place, place < len(owners) and order_key(owners[place]) == key

    def get(self, key: bytes) -> _Held | None:
        """What stands at a key, or None."""
        index, place, there = self.find(key)
        if not there:
            return None
        block = self.blocks[index]
        return block.owners[place], block.nodes[place]

    def get_rrset(self, key: bytes, rdtype: int, covers: int) -> RRset | None:
        """The RRset of a type at a key, or None."""
        held = self.get(key)
        packed = None if held is None else find_rrset(held[1], rdtype, covers)
        return None if held is None or packed is None else view_rrset(held[0], packed)

    def signature_tags(self) -> frozenset[int]:
        """The key tags in the signatures here; a look at each of them the first time."""
        if self.known_tags is None:
            found = signature_tags(node for block in self.blocks for node in block.nodes)
            object.__setattr__(self, "known_tags", frozenset(found))
        assert self.known_tags is not None
        return self.known_tags

    def with_nodes(self, changed: dict[bytes, _Held]) -> _Blocks:
        """The same with these nodes in place; an empty node takes its owner away. Untouched blocks are shared."""
        touched: dict[int, dict[bytes, _Held]] = {}
        for key, pair in changed.items():
            touched.setdefault(self.find(key)[0], {})[key] = pair
        blocks: list[Block] = []
        starts: list[bytes] = []
        for index, block in enumerate(self.blocks or (Block((), ()),)):
            if index not in touched:
                blocks.append(block)
                starts.append(self.starts[index])
                continue
            pairs = dict(zip(map(order_key, block.owners), zip(block.owners, block.nodes, strict=True), strict=True))
            pairs |= touched[index]
            for made in _cut_evenly([pairs[key] for key in sorted(pairs) if pairs[key][1]]):
                blocks.append(made)
                starts.append(order_key(made.owners[0]))
        return _Blocks(tuple(blocks), tuple(starts), self._tags_with(changed))

    def _tags_with(self, changed: dict[bytes, _Held]) -> frozenset[int] | None:
        """The key tags once these nodes are in place; None where one may have gone with what they replace."""
        if self.known_tags is None:
            return None
        coming = signature_tags(node for _, node in changed.values())
        going = signature_tags(held[1] for key in changed if (held := self.get(key)) is not None)
        return self.known_tags | coming if going <= coming else None


class BeyondApex(Exception):
    """What was asked of a zone lies below its apex, and of this one the apex alone was read."""


@dataclass(frozen=True, slots=True)
class _Unread:
    """Stands for all owners but the apex where they were not read: what it does not know it never makes up.

    ``known`` has the RRsets that may be asked for, by order key and type; ``refused`` notes that something else was.
    """

    known: Mapping[tuple[bytes, int], RRset]
    known_tags: frozenset[int] | None
    refused: list[None] = field(default_factory=list)

    @property
    def blocks(self) -> tuple[Block, ...]:
        self._refuse()

    def find(self, key: bytes) -> tuple[int, int, bool]:
        self._refuse()

    def get(self, key: bytes) -> _Held | None:
        self._refuse()

    def get_rrset(self, key: bytes, rdtype: int, covers: int) -> RRset | None:
        return self._refuse() if covers or (key, rdtype) not in self.known else self.known[key, rdtype]

    def signature_tags(self) -> frozenset[int]:
        return self._refuse() if self.known_tags is None else self.known_tags

    def with_nodes(self, changed: dict[bytes, _Held]) -> _Blocks:
        self._refuse()

    def _refuse(self) -> NoReturn:
        self.refused.append(None)
        raise BeyondApex("of this zone the apex alone was read")


def _cut_evenly(pairs: list[tuple[WireName, Node]]) -> Iterator[Block]:
    """One block again while it is not too large, so that adding names one by one does not leave a trail of small ones."""
    if pairs and len(pairs) <= 2 * BLOCK_OWNERS:
        owners, nodes = zip(*pairs, strict=True)
        yield Block(owners, nodes)
    else:
        yield from cut_blocks(pairs)


def cut_blocks(pairs: Iterable[tuple[WireName, Node]]) -> Iterator[Block]:
    """Cut owners with their nodes, already in canonical order, into blocks."""
    iterator = iter(pairs)
    while run := tuple(itertools.islice(iterator, BLOCK_OWNERS)):
        owners, nodes = zip(*run, strict=True)
        yield Block(owners, nodes)


# ---- zones ----------------------------------------------------------------------------------------------------------


class Zone:
    """A zone of class IN: one SOA, an NS RRset at the apex, everything at or below the apex.

    Make one with :func:`zonekit.read_zone`, :func:`zonekit.parse_zone`, :meth:`from_rrsets` or :meth:`from_dnspython`.
    Names are given as in a zone file: ``"www"`` and ``"@"`` are relative to the origin, ``"www.example.nl."`` is
    absolute, a :class:`dns.name.Name` is either. Without its final dot a full name is relative too, so that nothing is
    found. Types are given by mnemonic or number.

    Two zones are equal when they have the same RRsets with the same TTLs.

    >>> soa = RRset.from_text("example.nl.", 3600, "SOA", "ns1.example.net. admin.example.nl. 1 7200 3600 1209600 300")
    >>> zone = Zone.from_rrsets("example.nl", [soa, RRset.from_text("example.nl.", 86400, "NS", "ns1.example.net.")])
    >>> zone.get("@", "NS").ttl
    86400
    >>> zone.get("example.nl.", "NS") == zone.get("@", "NS")
    True
    >>> zone.get("example.nl", "NS") is None  # it says example.nl.example.nl.
    True
    """

    __slots__ = ("_apex", "_apex_owner", "_blocks")

    _apex_owner: WireName
    _apex: Node
    _blocks: _BelowApex

    def __init__(self) -> None:
        raise TypeError("make a Zone with read_zone, parse_zone, Zone.from_rrsets or Zone.from_dnspython")

    # -- making one

    @classmethod
    def from_blocks(
        cls, origin: WireName, apex: Node, blocks: Iterable[Block], *, signature_tags: frozenset[int] | None = None
    ) -> Zone:
        """Return the zone of an apex node and blocks in canonical order, which the caller knows to make a zone.

        For the modules that build zones wholesale; everyone else uses :meth:`from_rrsets`. Who knows what
        :meth:`signature_tags` will return gives it along, and spares it looking.
        """
        held = tuple(blocks)
        starts = tuple([order_key(block.owners[0]) for block in held])
        return cls._make(origin, apex, _Blocks(held, starts, signature_tags))

    @classmethod
    def from_apex(
        cls, origin: WireName, apex: Node, *, known: Iterable[RRset] = (), signature_tags: frozenset[int] | None = None
    ) -> Zone:
        """Return a zone of which the apex alone was read. What would need more of it raises :class:`BeyondApex`.

        Args:
            origin: the apex name.
            apex: the apex node.
            known: RRsets below the apex that may be asked for all the same.
            signature_tags: what :meth:`signature_tags` returns; None where that is not known.
        """
        held = {(order_key(rrset.owner), rrset.rdtype): rrset for rrset in known}
        return cls._make(origin, apex, _Unread(held, signature_tags))

    @classmethod
    def _make(cls, origin: WireName, apex: Node, blocks: _BelowApex) -> Zone:
        zone = object.__new__(cls)
        zone._apex_owner = origin
        zone._apex = apex
        zone._blocks = blocks
        return zone

    @classmethod
    def from_rrsets(cls, origin: str | dns.name.Name, rrsets: Iterable[RRset]) -> Zone:
        """Return the zone at ``origin`` that these RRsets make, in whatever order they come.

        Raises:
            ZoneError: no SOA or no NS at the apex, an RRset outside the zone, an RRset given twice, a CNAME beside other
                data (RFC 1034 section 3.6.2), an SOA below the apex, or a DS at it.
        """
        apex = parse_origin(origin)
        nodes: dict[bytes, tuple[WireName, list[PackedRRset]]] = {}
        for rrset in rrsets:
            _check_in_zone(apex, rrset.owner)
            _, held = nodes.setdefault(order_key(rrset.owner), (rrset.owner, []))
            held.append(pack_rrset(rrset))
        return cls._from_packed(apex, nodes)

    @classmethod
    def _from_packed(cls, apex: WireName, nodes: dict[bytes, tuple[WireName, list[PackedRRset]]]) -> Zone:
        for owner, packed in nodes.values():
            check_node(apex, owner, packed)
        apex_rrsets = nodes.pop(order_key(apex), (apex, []))[1]
        check_apex(apex, apex_rrsets)
        pairs = [(nodes[key][0], join_node(nodes[key][1])) for key in sorted(nodes)]
        return cls.from_blocks(apex, join_node(apex_rrsets), cut_blocks(pairs))

    @classmethod
    def from_dnspython(cls, zone: dns.zone.Zone) -> Zone:
        """Return dnspython's zone as a value; it must be of class IN. Relative names are completed by its origin.

        Raises:
            ZoneError: it has no origin, is of another class, or does not make a zone.
        """
        import dns.rdataclass

        if zone.origin is None:
            raise ZoneError("the dnspython zone has no origin", remedy="give it one when reading it")
        if zone.rdclass != dns.rdataclass.IN:
            raise ZoneError(f"{zone.origin}: class {int(zone.rdclass)}; zonekit handles class IN")
        apex = parse_origin(zone.origin)
        rrsets = []
        for name, rdataset in zone.iterate_rdatasets():
            wires = tuple(rdata.to_wire(origin=zone.origin) or b"" for rdata in rdataset)
            rrsets.append(
                RRset(
                    owner=to_wire_name(name, apex),
                    rdtype=int(rdataset.rdtype),
                    ttl=to_ttl(rdataset.ttl),
                    rdatas=wires,
                    covers=int(rdataset.covers),
                )
            )
        return cls.from_rrsets(zone.origin, rrsets)

    def to_dnspython(self) -> dns.zone.Zone:
        """Return a dnspython zone of its own, with absolute names, for the caller to do with as it likes."""
        import dns.zone

        zone = dns.zone.Zone(self.origin, relativize=False)
        for rrset in self.rrsets():
            made = rrset.to_dnspython()
            zone.replace_rdataset(made.name, made.to_rdataset())
        return zone

    # -- what it holds

    @property
    def origin(self) -> dns.name.Name:
        """The apex name."""
        return from_wire_name(self._apex_owner)

    @property
    def apex(self) -> WireName:
        """The apex name in wire form."""
        return self._apex_owner

    @property
    def apex_node(self) -> Node:
        """The packed records of the apex."""
        return self._apex

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All other owners, packed, in canonical order."""
        return self._blocks.blocks

    @property
    def soa(self) -> RRset:
        """The SOA RRset."""
        return self.apex_rrset(rd.SOA)

    @property
    def serial(self) -> int:
        """The serial of the SOA."""
        return int.from_bytes(self.soa.rdatas[0][-20:-16], "big")

    @property
    def negative_ttl(self) -> Ttl:
        """The TTL, in seconds, of negative answers, NSEC and NSEC3: min(SOA TTL, SOA MINIMUM) (RFC 2308, RFC 9077)."""
        soa = self.soa
        return Ttl(min(soa.ttl, int.from_bytes(soa.rdatas[0][-4:], "big")))

    def apex_rrset(self, rdtype: int) -> RRset:
        """Return an apex RRset that is known to be there.

        Raises:
            ZoneError: it is not.
        """
        packed = find_rrset(self._apex, rdtype)
        if packed is None:
            raise ZoneError(f"{name_text(self._apex_owner)}: there is no {rd.type_text(rdtype)} RRset at the apex")
        return view_rrset(self._apex_owner, packed)

    def get(self, name: str | dns.name.Name, rdtype: str | int, covers: str | int = 0) -> RRset | None:
        """Return the RRset of this name and type, or None; for RRSIG also say which type they cover.

        Raises:
            DomainNameError: not a name.
            RdataError: not a type.
        """
        return self.find(self._wire(name), _type_number(rdtype), _type_number(covers))

    def signatures(self, name: str | dns.name.Name, rdtype: str | int) -> RRset | None:
        """Return the RRSIGs over the RRset of this name and type, or None."""
        return self.get(name, rd.RRSIG, rdtype)

    def rrsets_at(self, name: str | dns.name.Name) -> tuple[RRset, ...]:
        """Return all RRsets at this name, ordered by type; none when the name does not own any."""
        held = self._held(self._wire(name))
        return () if held is None else tuple([view_rrset(held[0], packed) for packed in split_node(held[1])])

    def rrsets(self) -> Iterator[RRset]:
        """Yield every RRset: owners in canonical order, the apex first, and types in ascending order within each."""
        for owner, node in self.nodes():
            for packed in split_node(node):
                yield view_rrset(owner, packed)

    def nodes(self) -> Iterator[tuple[WireName, Node]]:
        """Yield every owner with its packed records, in canonical order, the apex first."""
        yield self._apex_owner, self._apex
        for block in self._blocks.blocks:
            yield from zip(block.owners, block.nodes, strict=True)

    def nodes_between(self, first: WireName, last: WireName) -> Iterator[tuple[WireName, Node]]:
        """Yield the owners from ``first`` to ``last``, the apex aside, with their packed records."""
        low, high = order_key(first), order_key(last)
        index, place, _ = self._blocks.find(low)
        for block in self._blocks.blocks[index:]:
            stop = bisect.bisect_right(block.owners, high, key=order_key)
            yield from zip(block.owners[place:stop], block.nodes[place:stop], strict=True)
            if stop < len(block.owners):
                return
            place = 0

    def node(self, name: WireName) -> Node | None:
        """Return the packed records at a name in wire form, or None."""
        held = self._held(name)
        return None if held is None else held[1]

    def signature_tags(self) -> frozenset[int]:
        """Return the key tags in the signatures below the apex (RFC 4034 section 3.1.6).

        The first time this looks at each of them; what is made from a zone by a step at its apex shares the answer.
        """
        return self._blocks.signature_tags()

    def shares_all_but_apex(self, other: Zone) -> bool:
        """Whether one of the two was made from the other by changing nothing but the apex, or both were from a third."""
        return self._blocks is other._blocks and self._apex_owner == other._apex_owner

    @property
    def was_asked_beyond_apex(self) -> bool:
        """Whether more was asked of a zone of which the apex alone was read, be the exception passed on or not."""
        return isinstance(self._blocks, _Unread) and bool(self._blocks.refused)

    def _held(self, name: WireName) -> _Held | None:
        """The owner as the zone spells it, and its node."""
        if name == self._apex_owner:
            return self._apex_owner, self._apex
        key = order_key(name)
        if key == order_key(self._apex_owner):
            return self._apex_owner, self._apex
        return self._blocks.get(key)

    def __contains__(self, name: str | dns.name.Name) -> bool:
        """Whether the name owns any records."""
        return self.node(self._wire(name)) is not None

    def __len__(self) -> int:
        """The number of owner names."""
        return 1 + sum([len(block.owners) for block in self._blocks.blocks])

    def __repr__(self) -> str:
        known = "of which the apex was read" if isinstance(self._blocks, _Unread) else f"{len(self)} names"
        return f"<Zone {name_text(self._apex_owner)} serial {self.serial}, {known}>"

    def _wire(self, name: str | dns.name.Name) -> WireName:
        return self._apex_owner if name == "@" else to_wire_name(name, self._apex_owner)

    def find(self, name: WireName, rdtype: int, covers: int = 0) -> RRset | None:
        """Return the RRset of this name in wire form and type, or None; what :meth:`get` comes to."""
        key = b"" if name == self._apex_owner else order_key(name)
        if name != self._apex_owner and key != order_key(self._apex_owner):
            return self._blocks.get_rrset(key, rdtype, covers)
        packed = find_rrset(self._apex, rdtype, covers)
        return None if packed is None else view_rrset(self._apex_owner, packed)

    # -- what its names are

    def status(self, name: str | dns.name.Name) -> NameStatus:
        """Return what a name is in this zone.

        ``OCCLUDED`` is a name below a delegation (see :meth:`glue`) or below a DNAME (RFC 6672 section 2.4); ``ABSENT``
        a name that neither exists nor has names below it, or lies outside the zone.
        """
        return self.status_of(self._wire(name))

    def status_of(self, wire: WireName) -> NameStatus:
        """Return what a name in wire form is in this zone."""
        key, apex_key = order_key(wire), order_key(self._apex_owner)
        if key == apex_key:
            return NameStatus.APEX
        if not _key_is_below(key, apex_key):
            return NameStatus.ABSENT
        index, place, there = self._blocks.find(key)
        rrsets = split_node(self._blocks.blocks[index].nodes[place]) if there else []
        if _has_nothing_but_nsec3(rrsets):
            return self._status_without_data(wire, index, place + there)
        if self.cut_above(wire) is not None:
            return NameStatus.OCCLUDED
        return NameStatus.DELEGATION if any(packed[0] == rd.NS for packed in rrsets) else NameStatus.AUTHORITATIVE

    def _status_without_data(self, name: WireName, index: int, place: int) -> NameStatus:
        """What a name is that stands or would stand right before this place and has no data that makes a name of it."""
        if not self._has_names_below(order_key(name), index, place):
            return NameStatus.ABSENT
        return NameStatus.EMPTY_NON_TERMINAL if self.cut_above(name) is None else NameStatus.OCCLUDED

    def _has_names_below(self, key: bytes, index: int, place: int) -> bool:
        """Whether a name lies below ``key``, which stands or would stand right before this place."""
        for block in itertools.islice(self._blocks.blocks, index, None):
            for at in range(place, len(block.owners)):
                if not _key_is_below(order_key(block.owners[at]), key):
                    return False
                if not _has_nothing_but_nsec3(split_node(block.nodes[at])):
                    return True
            place = 0
        return False

    def cut_above(self, name: WireName) -> WireName | None:
        """Return the topmost delegation or DNAME above a name in wire form, the one that occludes it, or None."""
        cut = None
        for ancestor in ancestors_of(name, self._apex_owner):
            node = self.node(ancestor)
            if node is not None and not _CUT_TYPES.isdisjoint([packed[0] for packed in split_node(node)]):
                cut = ancestor
        if any(packed[0] == rd.DNAME for packed in split_node(self._apex)) and name != self._apex_owner:
            cut = self._apex_owner
        return cut

    def walk(self) -> Iterator[tuple[WireName, NameStatus, list[PackedRRset]]]:
        """Yield every owner in canonical order with what it is and its RRsets, packed."""
        yield self._apex_owner, NameStatus.APEX, split_node(self._apex)
        for index, block in enumerate(self._blocks.blocks):
            cut = self.cut_above(block.owners[0])
            for place, (owner, status, rrsets) in enumerate(walk_block(block, cut), start=1):
                if status is NameStatus.ABSENT:  # unless names lie below it, which may be in the next block
                    status = self._status_without_data(owner, index, place)
                yield owner, status, rrsets

    def statuses(self) -> Iterator[tuple[NameStatus, RRset]]:
        """Yield every RRset with what its owner is, in canonical order."""
        for owner, status, rrsets in self.walk():
            for packed in rrsets:
                yield status, view_rrset(owner, packed)

    def names(self, status: NameStatus) -> tuple[dns.name.Name, ...]:
        """Return the names that have this status, in canonical order: the delegations, the empty non-terminals, ...

        Raises:
            ZoneError: for ``ABSENT``, which is every other name there is.
        """
        match status:
            case NameStatus.ABSENT:
                raise ZoneError("the names that are absent from a zone cannot be listed")
            case NameStatus.EMPTY_NON_TERMINAL:
                return tuple(from_wire_name(owner) for owner in self.empty_non_terminals())
            case _:
                return tuple(from_wire_name(owner) for owner, found, _ in self.walk() if found is status)

    def empty_non_terminals(self) -> Iterator[WireName]:
        """Yield the names that own nothing and lie above authoritative names or delegations (RFC 5155 section 1.3)."""
        names = (
            owner for owner, status, _ in self.walk() if status in (NameStatus.AUTHORITATIVE, NameStatus.DELEGATION)
        )
        yield from missing_ancestors(names, self._apex_owner)

    def wildcards(self) -> tuple[dns.name.Name, ...]:
        """Return the wildcard names that are authoritative here (RFC 4592 section 2.1.1)."""
        return tuple(
            from_wire_name(owner)
            for owner, status, _ in self.walk()
            if owner.startswith(WILDCARD_LABEL) and status in (NameStatus.AUTHORITATIVE, NameStatus.DELEGATION)
        )

    def glue(self) -> Iterator[RRset]:
        """Yield the glue of all delegations, in canonical order; glue of several comes once.

        Glue is the A and AAAA RRsets at or below a delegation whose owner is a name server of a delegation of this
        zone: of the same one (in-domain, RFC 9471 section 2.1) or of another (sibling, section 2.2). Whatever else lies
        below a delegation is occluded and of no use.

        >>> soa = RRset.from_text("nl.", 3600, "SOA", "ns1.dns.nl. admin.dns.nl. 1 7200 3600 1209600 300")
        >>> ns = [RRset.from_text(owner, 3600, "NS", "ns1.dns.nl.") for owner in ("nl.", "dns.nl.", "example.nl.")]
        >>> hosts = [RRset.from_text(f"{label}.dns.nl.", 3600, "A", "192.0.2.1") for label in ("ns1", "www")]
        >>> zone = Zone.from_rrsets("nl", [soa, *ns, *hosts])
        >>> [rrset.text() for rrset in zone.glue()]
        ['ns1.dns.nl. 3600 IN A 192.0.2.1']
        >>> zone.glue_of("example") == zone.glue_of("dns") == tuple(zone.glue())
        True
        """
        servers = {
            order_key(server): server
            for _, status, rrsets in self.walk()
            if status is NameStatus.DELEGATION
            for server in _servers_in(rrsets)
        }
        for key in sorted(servers):
            yield from self._addresses_at_cut(servers[key])

    def glue_of(self, delegation: str | dns.name.Name) -> tuple[RRset, ...]:
        """Return the glue of one delegation, as :meth:`glue` has it: what a referral has to bring along (RFC 9471).

        Raises:
            ZoneError: the name is no delegation of this zone.
        """
        wire = self._wire(delegation)
        held = self._held(wire)
        if held is None or self.status(delegation) is not NameStatus.DELEGATION:
            raise ZoneError(
                f"{name_text(wire)} is no delegation", remedy="ask for the glue of a name that status calls one"
            )
        servers = sorted(_servers_in(split_node(held[1])), key=order_key)
        return tuple(rrset for server in servers for rrset in self._addresses_at_cut(server))

    def _addresses_at_cut(self, server: WireName) -> Iterator[RRset]:
        """The address RRsets of a name at or below a delegation; none elsewhere."""
        held = self._held(server)
        if held is None or order_key(server) == order_key(self._apex_owner):
            return
        cut = self.cut_above(server)
        at_cut = held[1] if cut is None else self.node(cut)
        if cut != self._apex_owner and at_cut is not None and any(_servers_in(split_node(at_cut))):
            for packed in split_node(held[1]):
                if packed[0] in (rd.A, rd.AAAA):
                    yield view_rrset(held[0], packed)

    # -- another zone from this one

    def replace(self, *rrsets: RRset) -> Zone:
        """Return the zone with each of these RRsets in place of the one of the same owner and type, if there is one.

        Raises:
            ZoneError: an RRset outside the zone, or a CNAME beside other data (RFC 1034 section 3.6.2).
        """
        return self._edit((rrset.owner, rrset.rdtype, rrset.covers, rrset) for rrset in rrsets)

    def add(self, *rrsets: RRset) -> Zone:
        """Return the zone with these records added; records that are there already stay one.

        Raises:
            ZoneError: an RRset of this owner and type has another TTL (RFC 2181 section 5.2), or :meth:`replace`
                refuses.
            RdataError: a second SOA, CNAME or DNAME at a name, of which there can be only one.
        """
        zone = self
        for rrset in rrsets:
            there = zone.find(rrset.owner, rrset.rdtype, rrset.covers)
            if there is not None and there.ttl != rrset.ttl:
                raise ZoneError(
                    f"{name_text(rrset.owner)} {rrset.type_text}: the records there have TTL {there.ttl},"
                    f" those to add {rrset.ttl}",
                    remedy="add them with the same TTL",
                    rule="RFC 2181 section 5.2",
                )
            if there is not None:
                rrset = RRset(
                    owner=there.owner,
                    rdtype=there.rdtype,
                    ttl=there.ttl,
                    rdatas=there.rdatas + rrset.rdatas,
                    covers=there.covers,
                )
            zone = zone.replace(rrset)
        return zone

    def remove(self, name: str | dns.name.Name, rdtype: str | int, covers: str | int = 0) -> Zone:
        """Return the zone without the RRset of this name and type.

        Raises:
            ZoneError: there is none, or it is the SOA or NS RRset of the apex, without which there is no zone.
        """
        wire, number, covered = self._wire(name), _type_number(rdtype), _type_number(covers)
        if self.find(wire, number, covered) is None:
            raise ZoneError(f"{name_text(wire)}: there is no {rd.type_text(number)} RRset to remove")
        return self._edit([(wire, number, covered, None)])

    def _edit(self, changes: Iterable[tuple[WireName, int, int, RRset | None]]) -> Zone:
        apex_key = order_key(self._apex_owner)
        edited: dict[bytes, tuple[WireName, dict[tuple[int, int], PackedRRset]]] = {}
        for owner, rdtype, covers, rrset in changes:
            key = order_key(owner)
            if key not in edited:
                _check_in_zone(self._apex_owner, owner)
                there = self._held(owner)
                held = {} if there is None else {packed[:2]: packed for packed in split_node(there[1])}
                edited[key] = (owner if there is None else there[0], held)
            if rrset is None:
                edited[key][1].pop((rdtype, covers), None)
            else:
                edited[key][1][rdtype, covers] = pack_rrset(rrset)
        changed: dict[bytes, tuple[WireName, Node]] = {}
        apex = self._apex
        for key, (owner, held) in edited.items():
            check_node(self._apex_owner, owner, held.values())
            if key == apex_key:
                check_apex(self._apex_owner, held.values())
                apex = join_node(held.values())
            else:
                changed[key] = (owner, join_node(held.values()))
        return Zone._make(self._apex_owner, apex, self._blocks.with_nodes(changed) if changed else self._blocks)

    # -- comparison

    def diff(self, newer: Zone) -> ZoneDiff:
        """Return what has to be done to this zone's RRsets to get ``newer``; parts that the two share cost nothing.

        Raises:
            ZoneError: the two are zones of different names.
        """
        if order_key(self._apex_owner) != order_key(newer._apex_owner):
            raise ZoneError(f"{name_text(self._apex_owner)} and {name_text(newer._apex_owner)} are different zones")
        before, after = _differing_nodes(self, newer), _differing_nodes(newer, self)
        added: list[RRset] = []
        removed: list[RRset] = []
        changed: list[tuple[RRset, RRset]] = []
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) == after.get(key):
                continue
            old, new = _views_at(before.get(key)), _views_at(after.get(key))
            for identity in sorted(old.keys() | new.keys()):
                was, now = old.get(identity), new.get(identity)
                if was is None:
                    added.append(new[identity])
                elif now is None:
                    removed.append(was)
                elif was != now:
                    changed.append((was, now))
        return ZoneDiff(added=tuple(added), removed=tuple(removed), changed=tuple(changed))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Zone):
            return NotImplemented
        return all(itertools.starmap(_is_same_node, itertools.zip_longest(self.nodes(), other.nodes())))

    def __hash__(self) -> int:
        return hash((order_key(self._apex_owner), self.serial))


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneDiff:
    """How two versions of a zone differ; false when they do not.

    Attributes:
        added: the RRsets that only the newer zone has.
        removed: the RRsets that only the older zone has.
        changed: the RRsets of the same owner and type whose TTL or data differ, as (older, newer).
    """

    added: tuple[RRset, ...]
    removed: tuple[RRset, ...]
    changed: tuple[tuple[RRset, RRset], ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def text(self) -> str:
        """Return the difference as lines that begin with ``-`` and ``+``, in canonical order."""
        groups: list[tuple[list[RRset], list[RRset]]]
        groups = [([], [rrset]) for rrset in self.added] + [([rrset], []) for rrset in self.removed]
        groups += [([older], [newer]) for older, newer in self.changed]
        groups.sort(key=lambda group: _rrset_order((group[0] or group[1])[0]))
        lines = []
        for older, newer in groups:
            lines += [f"-{line}" for rrset in older for line in rrset.text().split("\n")]
            lines += [f"+{line}" for rrset in newer for line in rrset.text().split("\n")]
        return "\n".join(lines)


def _rrset_order(rrset: RRset) -> tuple[bytes, int, int]:
    return order_key(rrset.owner), rrset.rdtype, rrset.covers


def _differing_nodes(zone: Zone, other: Zone) -> dict[bytes, tuple[WireName, Node]]:
    """The nodes of ``zone`` in blocks that ``other`` does not share, by order key."""
    shared = {id(block) for block in other.blocks}
    pairs = {order_key(zone.apex): (zone.apex, zone.apex_node)}
    for block in zone.blocks:
        if id(block) not in shared:
            for owner, node in zip(block.owners, block.nodes, strict=True):
                pairs[order_key(owner)] = (owner, node)
    return pairs


def _is_same_node(pair: tuple[WireName, Node] | None, other: tuple[WireName, Node] | None) -> bool:
    """Whether two owners with their nodes are the same but for letter case; None is no owner."""
    if pair is None or other is None:
        return False
    if pair == other:
        return True
    return order_key(pair[0]) == order_key(other[0]) and _views_at(pair) == _views_at(other)


def _views_at(pair: tuple[WireName, Node] | None) -> dict[tuple[int, int], RRset]:
    return {} if pair is None else {packed[:2]: view_rrset(pair[0], packed) for packed in split_node(pair[1])}


def _type_number(rdtype: str | int) -> int:
    return rd.parse_type(rdtype) if isinstance(rdtype, str) else int(rdtype)


def _servers_in(rrsets: Iterable[PackedRRset]) -> Iterator[WireName]:
    """The names in the NS RRset among these."""
    return (rdata_of(record) for rdtype, _, records in rrsets if rdtype == rd.NS for record in records)


_CUT_TYPES: Final = frozenset((rd.NS, rd.DNAME))


def walk_block(block: Block, cut: WireName | None) -> Iterator[tuple[WireName, NameStatus, list[PackedRRset]]]:
    """Yield each owner of a block with what it is and its RRsets.

    One that has nothing but NSEC3 records is ``ABSENT``, whether or not names lie below it.

    Args:
        block: the block.
        cut: the topmost delegation or DNAME above its first owner, from :meth:`Zone.cut_above`.
    """
    below_cut = None if cut is None else _key_below(cut)
    for owner, node in zip(block.owners, block.nodes, strict=True):
        packed = split_node(node)
        if packed[0][0] >= rd.RRSIG and _has_nothing_but_nsec3(packed):  # the first look spares nearly all the second
            yield owner, NameStatus.ABSENT, packed
            continue
        if below_cut is not None:
            if order_key(owner).startswith(below_cut):
                yield owner, NameStatus.OCCLUDED, packed
                continue
            below_cut = None
        status = NameStatus.AUTHORITATIVE
        for rrset in packed:
            if rrset[0] in _CUT_TYPES:
                below_cut = _key_below(owner)
                if rrset[0] == rd.NS:
                    status = NameStatus.DELEGATION
        yield owner, status, packed


def _has_nothing_but_nsec3(rrsets: Iterable[PackedRRset]) -> bool:
    """Whether there is nothing, or nothing but NSEC3 records and their signatures."""
    return all(rd.NSEC3 in (rdtype, covers) for rdtype, covers, _ in rrsets)


def _key_below(name: WireName) -> bytes:
    """What the order key of every name below this one begins with."""
    return order_key(name) + b"\x00" if name != ROOT else b""


def missing_ancestors(names: Iterable[WireName], apex: WireName) -> Iterator[WireName]:
    """Yield the names between ``apex`` and ``names`` that are not among them; ``names`` come in canonical order."""
    previous, apex_octets = apex, len(apex)
    for name in names:
        if name[0] + 1 + apex_octets < len(name):  # else nothing stands between the two
            # Everything below a name follows it at once, so an ancestor that is among the names or was already yielded is
            # the name before this one or above it.
            key = order_key(previous)
            missing = [
                ancestor for ancestor in ancestors_of(name, apex) if not _key_is_at_or_below(key, order_key(ancestor))
            ]
            yield from reversed(missing)
        previous = name


def _key_is_below(key: bytes, above: bytes) -> bool:
    return key.startswith(above + b"\x00") if above else key != above


def _key_is_at_or_below(key: bytes, above: bytes) -> bool:
    return key == above or _key_is_below(key, above)


# ---- what makes a zone ----------------------------------------------------------------------------------------------


def _check_in_zone(apex: WireName, owner: WireName) -> None:
    if not _key_is_at_or_below(order_key(owner), order_key(apex)):
        raise ZoneError(f"{name_text(owner)} is outside the zone {name_text(apex)}", rule="RFC 1034 section 4.2")


def check_node(apex: WireName, owner: WireName, rrsets: Iterable[PackedRRset]) -> None:
    """Check what may stand at one owner, and together there.

    Raises:
        ZoneError: the same RRset twice, a CNAME beside other data (RFC 1034 section 3.6.2), an SOA below the apex (RFC
            1035 section 5.2), or a DS at the apex (RFC 4035 section 2.4).
    """
    seen: set[tuple[int, int]] = set()
    for rdtype, covers, _ in rrsets:
        if (rdtype, covers) in seen:
            raise ZoneError(
                f"{name_text(owner)}: the {rd.type_text(rdtype)} RRset is given twice", remedy="join the two"
            )
        seen.add((rdtype, covers))
    types = {rdtype for rdtype, _ in seen}
    if rd.SOA in types and order_key(owner) != order_key(apex):
        raise ZoneError(f"{name_text(owner)}: an SOA below the apex {name_text(apex)}", rule="RFC 1035 section 5.2")
    if rd.DS in types and order_key(owner) == order_key(apex):
        raise ds_at_apex(owner)
    if rd.CNAME in types and not types <= BESIDE_CNAME:
        others = ", ".join(rd.type_text(rdtype) for rdtype in sorted(types - BESIDE_CNAME))
        raise ZoneError(
            f"{name_text(owner)}: a CNAME stands beside {others}",
            remedy="a name that is an alias owns nothing else",
            rule="RFC 1034 section 3.6.2",
        )


def ds_at_apex(apex: WireName) -> ZoneError:
    """Return the refusal of a DS RRset at the apex."""
    return ZoneError(
        f"{name_text(apex)}: a DS RRset at the apex",
        remedy="the DS of a zone stands in its parent",
        rule="RFC 4035 section 2.4",
    )


def check_apex(apex: WireName, rrsets: Iterable[PackedRRset]) -> None:
    """Check that the apex has what makes a zone.

    Raises:
        ZoneError: no SOA or no NS RRset.
    """
    types = {rdtype for rdtype, _, _ in rrsets}
    for needed in (rd.SOA, rd.NS):
        if needed not in types:
            raise ZoneError(
                f"{name_text(apex)}: there is no {rd.type_text(needed)} RRset at the apex", rule="RFC 1035 section 5.2"
            )
