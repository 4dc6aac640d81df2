"""Hypothesis strategies that tests share: names, rdata, RRsets and zones.

Small alphabets on purpose, so that names meet, nest and differ only in letter case; and among them the labels that break
readers and printers: escapes, NUL octets, labels that look like a TTL, a class or a directive, labels of 63 octets.

- :func:`labels`, :func:`names`: names in wire form at or below an origin.
- :func:`rdatas`, :func:`rrsets`: data of one type, and an RRset at an owner.
- :func:`signable_zones`: hosting zones without DNSSEC records, ready for signing, and nothing in them that is refused.
- :func:`zones`: the same, and some of them with DNSSEC records of all sorts, which nobody could validate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from zonekit import rdata as rd
from zonekit.names import MAX_NAME_OCTETS, ROOT, WireName, label_count, name_text, order_key, parse_name
from zonekit.ttl import MAX_TTL, Ttl
from zonekit.zones import RRset, Zone

ORIGIN: Final[WireName] = parse_name("example.nl.")

_ODD_LABELS: Final = (
    *(b"\x00", b"\x01", b"a\x00", b"\x00a", b"\x01\x01", b"a.b", b".", b"\\", b'"', b";", b"@", b"$", b"(", b")", b" "),
    *(b"\t", b"\n", b"\r\n", b"\x7f", b"\xff", b"\xc3\xa9", b"a b", b"\\#", b"$TTL", b"$ORIGIN", b"'", b"{", b","),
    *(b"IN", b"CH", b"A", b"NS", b"3600", b"1d", b"TYPE1", b"CLASS1", b"-", b"--", b"a*", b"**", b"a" * 63, b"Z" * 63),
)

# The types that any name with data may have, those with names in their data and those without.
PLAIN_TYPES: Final = (
    *(rd.A, rd.AAAA, rd.MX, rd.TXT, rd.SRV, rd.CAA, rd.PTR, rd.NAPTR),
    *(rd.parse_type(text) for text in ("HINFO", "RP", "SSHFP", "TLSA", "SVCB", "HTTPS", "URI", "SPF", "AFSDB", "KX")),
    *(rd.parse_type(text) for text in ("LOC", "OPENPGPKEY", "CERT", "APL", "EUI48", "TYPE65280", "TYPE65534")),
)


# ---- names ----------------------------------------------------------------------------------------------------------


def labels() -> SearchStrategy[bytes]:
    """Labels in wire form without their length: mostly plain, some of them awkward."""
    plain = st.text("abcABC019_-", min_size=1, max_size=4).map(str.encode)
    return st.one_of(plain, plain, st.sampled_from(_ODD_LABELS), st.binary(min_size=1, max_size=4))


def names(origin: WireName = ORIGIN, *, max_labels: int = 3) -> SearchStrategy[WireName]:
    """Names in wire form at or below ``origin``, a wildcard now and then."""
    return st.builds(_join, st.lists(labels(), max_size=max_labels), st.booleans(), st.just(origin))


def _join(parts: Sequence[bytes], wild: bool, origin: WireName) -> WireName:
    name = origin
    for part in [*parts, *([b"*"] if wild and parts else [])]:
        name = child(name, part)
    return name


def child(name: WireName, label: bytes) -> WireName:
    """The name with this label before it, or the name itself where that would be too long."""
    made = bytes((len(label),)) + label + name
    return made if len(made) <= MAX_NAME_OCTETS else name


def targets(origin: WireName = ORIGIN) -> SearchStrategy[WireName]:
    """Names as they stand in record data: in the zone, outside it, or the root."""
    outside = names(parse_name("Example.NET."), max_labels=2)
    return st.one_of(names(origin), names(origin), outside, st.just(ROOT))


# ---- record data ----------------------------------------------------------------------------------------------------


def ttls() -> SearchStrategy[Ttl]:
    """TTLs: a few that are usual, so that RRsets share them, and any other."""
    usual = st.sampled_from((0, 300, 3600, 86400, 172800, MAX_TTL))
    return st.one_of(usual, usual, st.integers(0, MAX_TTL)).map(Ttl)


def _uint(octets: int) -> SearchStrategy[bytes]:
    return st.integers(0, 256**octets - 1).map(lambda number: number.to_bytes(octets, "big"))


def _string(max_size: int = 255) -> SearchStrategy[bytes]:
    """A character-string: a length octet and as many octets (RFC 1035 section 3.3)."""
    texts = st.sampled_from((b"", b"v=spf1 -all", b'say "hi"', b"back\\slash", b"semi;colon", b"a" * max_size))
    octets = st.one_of(texts, st.binary(max_size=6))
    return octets.map(lambda text: bytes((len(text),)) + text)


def _joined(*parts: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


def _fixed(octets: int) -> SearchStrategy[bytes]:
    return st.binary(min_size=octets, max_size=octets)


def _bitmap() -> SearchStrategy[bytes]:
    types = st.sets(st.sampled_from((1, 2, 6, 15, 16, 28, 46, 47, 48, 257, 1234, 65534)), min_size=1)
    return types.map(rd.type_bitmap)


def _ds() -> SearchStrategy[bytes]:
    digest = st.one_of(_joined(st.just(b"\x02"), _fixed(32)), _joined(st.just(b"\x04"), _fixed(48)))
    return _joined(_uint(2), st.sampled_from((b"\x08", b"\x0d", b"\x0f")), digest)


def _dnskey() -> SearchStrategy[bytes]:
    flags = st.sampled_from((b"\x01\x00", b"\x01\x01", b"\x01\x81", b"\x00\x00"))
    key = st.one_of(_joined(st.just(b"\x0d"), _fixed(64)), _joined(st.just(b"\x0f"), _fixed(32)))
    return _joined(flags, st.just(b"\x03"), key)


def _substitution() -> SearchStrategy[bytes]:
    """The regexp field of a NAPTR, which has to be one (RFC 3403 section 4.1)."""
    return st.sampled_from((b"", b"!^.*$!sip:info@example.nl!", rb"/^\+31(.*)$/tel:\\1/i")).map(
        lambda text: bytes((len(text),)) + text
    )


def _svcb() -> SearchStrategy[bytes]:
    alias = _joined(st.just(b"\x00\x00"), targets())
    parameters = (
        b"\x00\x01\x00\x06\x02h2\x02h3",
        b"\x00\x01\x00\x05\x04a,b\\",
        b"\x00\x02\x00\x00",
        b"\x00\x03\x00\x02\x01\xbb",
        b"\x00\x04\x00\x08\xc0\x00\x02\x01\xc0\x00\x02\x02",
        b"\x00\x06\x00\x10\x20\x01\x0d\xb8" + bytes(11) + b"\x01",
        b"\x00\x06\x00\x10" + bytes(10) + b"\xff\xff\xc0\x00\x02\x01",
        b"\x02\x9b\x00\x03abc",  # key667
    )
    chosen = st.sets(st.sampled_from(parameters), max_size=4).map(_without_what_contradicts)
    service = _joined(st.just(b"\x00\x01"), targets(), chosen)
    return st.one_of(alias, service)


def _without_what_contradicts(parameters: Set[bytes]) -> bytes:
    """Parameters in order, one of a key, and no-default-alpn beside alpn only (RFC 9460 sections 2.2 and 7.1.1)."""
    by_key = {parameter[:2]: parameter for parameter in sorted(parameters)}
    if b"\x00\x01" not in by_key:
        by_key.pop(b"\x00\x02", None)
    return b"".join(by_key.values())


def _rdata_strategies() -> dict[int, SearchStrategy[bytes]]:
    name = targets()
    by_text: dict[str, SearchStrategy[bytes]] = {
        "HINFO": _joined(_string(20), _string(20)),
        "RP": _joined(name, name),
        "SSHFP": _joined(_uint(1), st.just(b"\x02"), _fixed(32)),
        "TLSA": _joined(st.just(b"\x03\x01\x01"), _fixed(32)),
        "SMIMEA": st.one_of(
            _joined(st.just(b"\x03\x00\x02"), _fixed(64)),
            _joined(st.just(b"\x03\x00\x00"), st.binary(min_size=1, max_size=90)),
        ),
        "SVCB": _svcb(),
        "HTTPS": _svcb(),
        "URI": _joined(_uint(2), _uint(2), st.sampled_from((b"https://example.nl/", b"ftp://a/'b"))),
        "SPF": _joined(_string()),
        "AFSDB": _joined(_uint(2), name),
        "KX": _joined(_uint(2), name),
        "LOC": st.just(bytes.fromhex("0012161389173d4071b7001000989a80")),
        "OPENPGPKEY": st.binary(min_size=1, max_size=40),
        "CERT": _joined(
            st.sampled_from([number.to_bytes(2, "big") for number in (0, *range(1, 10), 253, 254, 9999)]),
            _uint(2),
            _uint(1),
            st.binary(min_size=1, max_size=40),
        ),
        "APL": st.sampled_from((b"", bytes.fromhex("00011803c00002"), bytes.fromhex("00011883c00002"))),
        "EUI48": _fixed(6),
        "TYPE65280": st.binary(max_size=40),
        "TYPE65534": st.one_of(_fixed(5), st.binary(max_size=40)),
    }
    return {rd.parse_type(text): strategy for text, strategy in by_text.items()} | {
        rd.A: _fixed(4),
        rd.AAAA: st.one_of(_fixed(16), st.sampled_from((bytes(16), bytes(15) + b"\x01", bytes(10) + b"\xff\xff" * 3))),
        rd.NS: name,
        rd.CNAME: name,
        rd.DNAME: name,
        rd.PTR: name,
        rd.MX: _joined(_uint(2), name),
        rd.SRV: _joined(_uint(2), _uint(2), _uint(2), name),
        rd.TXT: st.lists(_string(), min_size=1, max_size=3).map(b"".join),
        rd.CAA: _joined(
            st.sampled_from((b"\x00", b"\x80")),
            st.sampled_from((b"\x05issue", b"\x09issuewild", b"\x05iodef")),
            st.sampled_from((b"ca.example.net", b";", b'ca"; x=\\')),
        ),
        rd.NAPTR: _joined(_uint(2), _uint(2), st.just(b"\x01u"), _string(20), _substitution(), name),
        rd.SOA: _joined(name, name, _uint(4), *[st.integers(0, MAX_TTL).map(lambda n: n.to_bytes(4, "big"))] * 4),
        rd.DS: _ds(),
        rd.CDS: st.one_of(_ds(), st.just(b"\x00\x00\x00\x00\x00")),
        rd.DNSKEY: _dnskey(),
        rd.CDNSKEY: st.one_of(_dnskey(), st.just(b"\x00\x00\x03\x00\x00")),
        rd.CSYNC: _joined(_uint(4), st.sampled_from((b"\x00\x01", b"\x00\x03")), _bitmap()),
        rd.ZONEMD: _joined(_uint(4), st.just(b"\x01\x01"), _fixed(48)),
        rd.NSEC: _joined(name, _bitmap()),
        rd.NSEC3: _joined(
            st.sampled_from((b"\x01\x00\x00\x00\x00", b"\x01\x01\x00\x05\x02\xab\xcd")),
            st.just(b"\x14"),
            _fixed(20),
            st.one_of(st.just(b""), _bitmap()),
        ),
        rd.NSEC3PARAM: st.sampled_from((b"\x01\x00\x00\x00\x00", b"\x01\x00\x00\x05\x02\xab\xcd")),
    }


_RDATAS: Final = _rdata_strategies()


def rdatas(rdtype: int) -> SearchStrategy[bytes]:
    """Well-formed data of one type, in wire form."""
    return _RDATAS[rdtype]


def signatures(owner: WireName, covered: int, signer: WireName = ORIGIN) -> SearchStrategy[bytes]:
    """Data of an RRSIG over ``covered`` at ``owner``; every field has its form, and the signature is of nothing."""
    head = st.just(covered.to_bytes(2, "big"))
    labels_field = st.just(bytes((label_count(owner),)))
    algorithm = st.sampled_from((b"\x08", b"\x0d"))
    times = st.sampled_from((bytes.fromhex("6b01fb406aef8640"), bytes.fromhex("b000000050000000")))
    octets = st.one_of(_fixed(64), st.binary(min_size=1, max_size=3))
    # Few of each, so that many signatures of a zone begin alike, as they do.
    original_ttls, tags = st.sampled_from((b"\0\0\x0e\x10", b"\0\1\x51\x80")), st.sampled_from((b"\0\0", b"\x30\x39"))
    return _joined(head, algorithm, labels_field, original_ttls, times, tags, st.just(signer), octets)


# ---- RRsets ---------------------------------------------------------------------------------------------------------


@st.composite
def rrsets(
    draw: DrawFn, owner: WireName, *, rdtypes: Sequence[int] = PLAIN_TYPES, ttl: SearchStrategy[Ttl] | None = None
) -> RRset:
    """An RRset at ``owner`` of one of ``rdtypes``, of one to three records."""
    rdtype = draw(st.sampled_from(rdtypes))
    single = rdtype in (rd.SOA, rd.CNAME, rd.DNAME, rd.NSEC)
    data = draw(st.lists(rdatas(rdtype), min_size=1, max_size=1 if single else 3))
    return RRset(owner=owner, rdtype=rdtype, ttl=draw(ttl or ttls()), rdatas=tuple(data))


@st.composite
def signature_rrsets(draw: DrawFn, over: RRset) -> RRset:
    """An RRset of one or two RRSIGs over an RRset, most often with its TTL."""
    data = draw(st.lists(signatures(over.owner, over.rdtype), min_size=1, max_size=2))
    ttl = draw(st.one_of(st.just(over.ttl), ttls()))
    return RRset(owner=over.owner, rdtype=rd.RRSIG, ttl=ttl, rdatas=tuple(data), covers=over.rdtype)


# ---- zones ----------------------------------------------------------------------------------------------------------


class _Growing:
    """A zone under way: its RRsets by owner, with what is refused together kept apart."""

    def __init__(self, draw: DrawFn, origin: WireName) -> None:
        self.draw = draw
        self.origin = origin
        self.held: dict[bytes, dict[int, RRset]] = {}
        self.owners: list[WireName] = [origin]

    def put(self, owner: WireName, *rdtypes: int) -> None:
        """An RRset at ``owner`` of one of the types, unless something stands there that it cannot stand beside."""
        there = self.held.setdefault(order_key(owner), {})
        rrset = self.draw(rrsets(owner, rdtypes=rdtypes))
        if rrset.rdtype in there or rd.CNAME in there or (rrset.rdtype == rd.CNAME and there):
            return
        if {rrset.rdtype, *there} >= {rd.NS, rd.DNAME} and owner != self.origin:
            return
        there[rrset.rdtype] = rrset
        self.owners.append(owner)

    def new_owner(self, *before: bytes) -> WireName:
        """A name below one that is there, perhaps with names between that own nothing, and ``before`` in front."""
        name = self.draw(st.sampled_from(self.owners))
        for label in (*self.draw(st.lists(labels(), min_size=1, max_size=2)), *before):
            name = child(name, label)
        return name

    def all(self) -> list[RRset]:
        return [rrset for there in self.held.values() for rrset in there.values()]


def _host(zone: _Growing) -> None:
    owner = zone.new_owner()
    for _ in range(zone.draw(st.integers(1, 3))):
        zone.put(owner, *PLAIN_TYPES)


def _service(zone: _Growing) -> None:
    zone.put(zone.new_owner(b"_tcp", b"_imap"), rd.SRV)


def _alias(zone: _Growing) -> None:
    zone.put(zone.new_owner(), rd.CNAME)


def _wildcard(zone: _Growing) -> None:
    zone.put(zone.new_owner(b"*"), *PLAIN_TYPES, rd.CNAME)


def _redirection(zone: _Growing) -> None:
    owner = zone.new_owner()
    zone.put(owner, rd.DNAME)
    if zone.draw(st.booleans()):
        zone.put(child(owner, b"below"), rd.A)


def _delegation(zone: _Growing) -> None:
    owner = zone.new_owner()
    if owner[:2] == b"\x01*" or order_key(owner) == order_key(zone.origin):
        return
    zone.put(owner, rd.NS)
    if rd.NS not in zone.held[order_key(owner)]:
        return
    if zone.draw(st.booleans()):
        zone.put(owner, rd.DS)
    if zone.draw(st.booleans()):
        zone.put(child(owner, b"ns1"), rd.A, rd.AAAA)
    if zone.draw(st.booleans()):
        zone.put(owner, rd.A, rd.AAAA)


_SHAPES: Final[tuple[Callable[[_Growing], None], ...]] = (
    *(_host, _host, _service, _alias, _wildcard, _redirection, _delegation),
)


def _grow(draw: DrawFn, origin: WireName, max_names: int) -> list[RRset]:
    zone = _Growing(draw, origin)
    zone.put(origin, rd.SOA)
    zone.put(origin, rd.NS)
    for rdtype in draw(st.lists(st.sampled_from(PLAIN_TYPES), max_size=3)):
        zone.put(origin, rdtype)
    if draw(st.integers(0, 7)) == 7:  # seldom, for everything below it is occluded
        zone.put(origin, rd.DNAME)
    for grow in draw(st.lists(st.sampled_from(_SHAPES), max_size=max_names)):
        grow(zone)
    return zone.all()


@st.composite
def signable_zones(draw: DrawFn, *, origin: WireName = ORIGIN, max_names: int = 6) -> Zone:
    """Hosting zones without DNSSEC records (a DS at a delegation apart): aliases, wildcards, delegations with and
    without DS and glue, names below them, DNAMEs, empty non-terminals, odd labels, unknown types, several TTLs."""
    return Zone.from_rrsets(name_text(origin), _grow(draw, origin, max_names))


@st.composite
def zones(draw: DrawFn, *, origin: WireName = ORIGIN, max_names: int = 6) -> Zone:
    """Zones of any content: as :func:`signable_zones`, and some of them with DNSSEC records of every type, in their
    form right and otherwise random."""
    made = _grow(draw, origin, max_names)
    if draw(st.booleans()):
        made += _dnssec_records(draw, origin, made)
    return Zone.from_rrsets(name_text(origin), made)


def _dnssec_records(draw: DrawFn, origin: WireName, held: Sequence[RRset]) -> list[RRset]:
    apex_types = (rd.DNSKEY, rd.CDS, rd.CDNSKEY, rd.CSYNC, rd.NSEC3PARAM, rd.ZONEMD)
    chosen = draw(st.lists(st.sampled_from(apex_types), unique=True, max_size=3))
    made = [draw(rrsets(origin, rdtypes=[rdtype])) for rdtype in chosen]
    owners = {order_key(rrset.owner): rrset.owner for rrset in held}
    if draw(st.booleans()):
        made += [draw(rrsets(owner, rdtypes=[rd.NSEC])) for owner in owners.values()]
    else:
        for digest in draw(st.sets(_fixed(20), max_size=3)):
            # Any name may be a hash, and names may lie below one.
            hashed = child(origin, rd.base32_text(digest).encode())
            owner = draw(st.sampled_from([hashed, hashed, *owners.values()]))
            below = child(owner, b"below")
            if owner == hashed and draw(st.booleans()):
                made.append(draw(rrsets(below, rdtypes=[rd.A, rd.NSEC3])))
            if owner == hashed or (owner != origin and all(rrset.owner != owner for rrset in made)):
                made.append(draw(rrsets(owner, rdtypes=[rd.NSEC3])))
    for rrset in [*held, *made]:
        if draw(st.booleans()):
            made.append(draw(signature_rrsets(rrset)))
    return made
