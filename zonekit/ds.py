"""What a child tells its parent: DS, CDS, CDNSKEY and CSYNC records, and the same as registry input.

A DS is a digest of a DNSKEY with its owner name in front (RFC 4034 section 5.1.4). It is made with SHA-256 or SHA-384;
SHA-1 is only ever compared with a DS that is already there, by :func:`matches_ds`. CDS and CDNSKEY say in the child's own
zone what the parent's DS RRset should become (RFC 7344), CSYNC does it for NS and glue (RFC 7477).

DS text is read with ``RRset.from_text(owner, ttl, "DS", ...)``, and a DS RRset is printed with its ``text()``.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hmac
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self, runtime_checkable

from zonekit import rdata as rd
from zonekit.algorithms import DigestType, digest, parse_digest_type, require_may_sign
from zonekit.errors import AlgorithmError, DsError
from zonekit.keys import DNSKEY_PROTOCOL, REVOKE_FLAG, SEP_FLAG, ZONE_KEY_FLAG, key_tag
from zonekit.names import WireName, name_text, order_key, parse_origin
from zonekit.ttl import Ttl, to_ttl
from zonekit.zones import RRset

if TYPE_CHECKING:
    import dns.name

DEFAULT_TTL: Final = Ttl(3600)

_DS_HEAD: Final = struct.Struct(">HBB")
_DNSKEY_HEAD: Final = struct.Struct(">HBB")
_CSYNC_HEAD: Final = struct.Struct(">IH")
# RFC 8078 section 4, with erratum 5049: ``CDS 0 0 0 00`` and ``CDNSKEY 0 3 0 AA==``, so one zero octet as the digest and
# as the public key.
_DELETE_CDS: Final = bytes.fromhex("0000000000")
_DELETE_CDNSKEY: Final = bytes.fromhex("0000030000")
_CSYNC_TYPES: Final = frozenset((rd.A, rd.NS, rd.AAAA))
_KNOWN_DIGESTS: Final = frozenset(DigestType)
_MAX_SERIAL: Final = 2**32 - 1


@runtime_checkable
class DnskeyHolder(Protocol):
    """What has the public half of a zone key: a :class:`~zonekit.keys.SigningKey`, a ``Dnskey`` of somebody else."""

    @property
    def owner(self) -> WireName:
        """The apex of the zone, in wire form."""
        ...

    @property
    def dnskey_rdata(self) -> bytes:
        """The rdata of the DNSKEY (RFC 4034 section 2.1)."""
        ...


# ---- DS -------------------------------------------------------------------------------------------------------------


def make_ds(
    keys: Iterable[DnskeyHolder] | RRset,
    *,
    digest_types: Iterable[DigestType | str | int] = (DigestType.SHA256,),
    ttl: int = DEFAULT_TTL,
) -> RRset:
    """Return the DS RRset that delegates to these keys, one record for each key and digest type.

    Args:
        keys: KSKs and CSKs, each with the SEP flag; or a DNSKEY RRset, of which only the keys with the SEP flag are
            taken.
        digest_types: SHA-256 unless told otherwise, and SHA-384.
        ttl: the TTL of the RRset in seconds; in service the parent decides on it.

    Raises:
        DsError: no keys, keys of two zones, a key without the SEP flag, SHA-1 or an unknown digest, or a key that no DS
            may point to (see :func:`ds_rdata`).
        TtlError: a TTL outside 0 to 2^31-1.

    >>> dnskey = RRset.from_text("example.net.", 3600, "DNSKEY", "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb"
    ...     "krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==")
    >>> make_ds(dnskey).text()
    'example.net. 3600 IN DS 55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17'
    """
    return _make_digests(rd.DS, keys, digest_types, ttl)


def _make_digests(
    rdtype: int, keys: Iterable[DnskeyHolder] | RRset, digest_types: Iterable[DigestType | str | int], ttl: int
) -> RRset:
    owner, dnskeys = _delegated_keys(keys)
    wanted = [_digest_type(each, owner) for each in digest_types]
    if not wanted:
        raise DsError(f"{name_text(owner)}: no digest types given", remedy="use SHA-256")
    rdatas = tuple(ds_rdata(owner, dnskey, digest_type) for dnskey in dnskeys for digest_type in wanted)
    return RRset(owner=owner, rdtype=rdtype, ttl=to_ttl(ttl), rdatas=rdatas)


def _delegated_keys(keys: Iterable[DnskeyHolder] | RRset) -> tuple[WireName, list[bytes]]:
    """Return the owner and the DNSKEY rdatas that a delegation is to point to."""
    if isinstance(keys, RRset):
        return keys.owner, _sep_keys(keys)
    holders = list(keys)
    if not holders:
        raise DsError("no keys given", remedy="give the zone's KSK or CSK")
    owner = holders[0].owner
    for holder in holders:
        if order_key(holder.owner) != order_key(owner):
            raise DsError(
                f"{name_text(owner)} and {name_text(holder.owner)}: keys of two zones make no one DS RRset",
                remedy="make the DS RRset of each zone by itself",
            )
        if not _flags(holder.dnskey_rdata) & SEP_FLAG:
            raise DsError(
                f"{_place(owner, holder.dnskey_rdata)} has no SEP flag: it is a ZSK, which no DS points to",
                remedy="give the KSK or CSK; where the key without SEP does sign the DNSKEY RRset, use ds_rdata",
                rule="RFC 4034 section 2.1.1, RFC 6781 section 3.1",
            )
    return owner, [holder.dnskey_rdata for holder in holders]


def _sep_keys(dnskeys: RRset) -> list[bytes]:
    place = f"{name_text(dnskeys.owner)} {dnskeys.type_text}"
    if dnskeys.rdtype != rd.DNSKEY:
        raise DsError(
            f"{place}: a DS is made from a DNSKEY RRset, and this is none", remedy='give zone.apex_rrset("DNSKEY")'
        )
    chosen = [rdata for rdata in dnskeys.rdatas if _flags(rdata) & SEP_FLAG and not _flags(rdata) & REVOKE_FLAG]
    if not chosen:
        raise DsError(
            f"{place}: no key has the SEP flag and is not revoked",
            remedy="find the key that signs the DNSKEY RRset and give it to ds_rdata",
            rule="RFC 4034 section 2.1.1",
        )
    return chosen


def _digest_type(value: DigestType | str | int, owner: WireName) -> DigestType:
    try:
        digest_type = parse_digest_type(value)
    except AlgorithmError as error:
        raise DsError(f"{name_text(owner)}: {error.problem}", remedy=error.remedy, rule=error.rule) from None
    if digest_type is DigestType.SHA1:
        raise DsError(
            f"{name_text(owner)}: a DS with SHA-1 must not be made any more",
            remedy="use SHA-256",
            rule="RFC 9904",
        )
    return digest_type


def ds_rdata(owner: WireName, dnskey_rdata: bytes, digest_type: DigestType | str | int) -> bytes:
    """Return the rdata of the DS for a DNSKEY: key tag, algorithm, digest type, digest (RFC 4034 section 5.1).

    Args:
        owner: the owner of the DNSKEY, in wire form.
        dnskey_rdata: the rdata of the DNSKEY; unlike for :func:`make_ds` the SEP flag does not matter.
        digest_type: SHA-256 or SHA-384.

    Raises:
        DsError: SHA-1 or an unknown digest; a DNSKEY that is no zone key, revoked, not of protocol 3, cut short, or of
            an algorithm that is unknown or retired (RFC 9905 section 2).
    """
    _check_may_delegate(owner, dnskey_rdata)
    return digest_dnskey(owner, dnskey_rdata, _digest_type(digest_type, owner))


def _check_may_delegate(owner: WireName, dnskey_rdata: bytes) -> None:
    if len(dnskey_rdata) <= _DNSKEY_HEAD.size:
        raise DsError(f"{name_text(owner)}: a DNSKEY is cut short before its public key", rule="RFC 4034 section 2.1")
    flags, protocol, algorithm = _DNSKEY_HEAD.unpack_from(dnskey_rdata)
    if not flags & ZONE_KEY_FLAG or protocol != DNSKEY_PROTOCOL:
        raise DsError(
            f"{_place(owner, dnskey_rdata)} is no zone key: flags {flags}, protocol {protocol}",
            rule="RFC 4034 section 5.2",
        )
    if flags & REVOKE_FLAG:
        raise DsError(
            f"{_place(owner, dnskey_rdata)} is revoked", remedy="use the new key", rule="RFC 5011 section 2.1"
        )
    try:
        require_may_sign(algorithm)
    except AlgorithmError as error:
        raise DsError(f"{_place(owner, dnskey_rdata)}: {error.problem}", remedy=error.remedy, rule=error.rule) from None


def digest_dnskey(owner: WireName, dnskey_rdata: bytes, digest_type: int) -> bytes:
    """Return the data of the DS of a DNSKEY, whatever key and digest, for DS records that are there already.

    The owner goes into the digest in lower case (RFC 4034 sections 5.1.4 and 6.2). What may be published is for
    :func:`ds_rdata` to say.

    Raises:
        AlgorithmError: an unknown digest type.
    """
    head = _DS_HEAD.pack(key_tag(dnskey_rdata), dnskey_rdata[3], digest_type)
    return head + digest(digest_type, owner.lower() + dnskey_rdata)


def matches_ds(ds_rdata: bytes, owner: WireName, dnskey_rdata: bytes) -> bool:
    """Whether a DS that is there points to this DNSKEY (RFC 4034 section 5.2); SHA-1 is understood here as well.

    False for a digest that zonekit does not know, since nothing can be said of it, and for a DNSKEY that is no zone key
    or is revoked, since validators do not follow a DS there.
    """
    if len(dnskey_rdata) <= _DNSKEY_HEAD.size or len(ds_rdata) <= _DS_HEAD.size:
        return False
    flags, protocol, _ = _DNSKEY_HEAD.unpack_from(dnskey_rdata)
    if flags & (ZONE_KEY_FLAG | REVOKE_FLAG) != ZONE_KEY_FLAG or protocol != DNSKEY_PROTOCOL:
        return False
    try:
        expected = digest_dnskey(owner, dnskey_rdata, ds_rdata[3])
    except AlgorithmError:
        return False
    return hmac.compare_digest(expected, ds_rdata)


def _flags(dnskey_rdata: bytes) -> int:
    return int.from_bytes(dnskey_rdata[:2], "big")


def _place(owner: WireName, dnskey_rdata: bytes) -> str:
    return f"{name_text(owner)}: key {key_tag(dnskey_rdata)}"


# ---- CDS, CDNSKEY, CSYNC --------------------------------------------------------------------------------------------


def make_cds(
    keys: Iterable[DnskeyHolder] | RRset,
    *,
    digest_types: Iterable[DigestType | str | int] = (DigestType.SHA256,),
    ttl: int = DEFAULT_TTL,
) -> RRset:
    """Return the CDS RRset that asks the parent for the DS RRset of these keys (RFC 7344 section 3.1).

    Raises:
        DsError: for the same reasons as in :func:`make_ds`.
        TtlError: a TTL outside 0 to 2^31-1.
    """
    return _make_digests(rd.CDS, keys, digest_types, ttl)


def make_cdnskey(keys: Iterable[DnskeyHolder] | RRset, *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the CDNSKEY RRset that asks the parent to make the DS RRset of these keys (RFC 7344 section 3.2).

    Raises:
        DsError: for the same reasons as in :func:`make_ds`.
        TtlError: a TTL outside 0 to 2^31-1.
    """
    owner, dnskeys = _delegated_keys(keys)
    for dnskey in dnskeys:
        _check_may_delegate(owner, dnskey)
    return RRset(owner=owner, rdtype=rd.CDNSKEY, ttl=to_ttl(ttl), rdatas=tuple(dnskeys))


def asks_for(rdtype: int, rdata: bytes, owner: WireName, dnskey_rdatas: Iterable[bytes]) -> bool:
    """Whether a record of a CDS or CDNSKEY RRset asks the parent for the DS of one of these keys (RFC 7344 section 3).

    Of a CDS with a digest that zonekit does not know, key tag and algorithm tell.
    """
    if rdtype == rd.CDNSKEY:
        return rdata in dnskey_rdatas
    if rdata[3] in _KNOWN_DIGESTS:
        return any(matches_ds(rdata, owner, dnskey_rdata) for dnskey_rdata in dnskey_rdatas)
    return any(rdata[:3] == _DS_HEAD.pack(key_tag(key), key[3], 0)[:3] for key in dnskey_rdatas)


def asks_for_removal(rdtype: int, rdata: bytes) -> bool:
    """Whether a record of a CDS or CDNSKEY RRset has algorithm 0, which asks for no DS at all (RFC 8078 section 4).

    It need not have the one form that parents take for that: see :func:`is_removal`.
    """
    return rdata[3 if rdtype == rd.CDNSKEY else 2] == 0


def is_removal(rdtype: int, rdatas: Sequence[bytes]) -> bool:
    """Whether a CDS or CDNSKEY RRset is the one that has the DS RRset removed (RFC 8078 section 4)."""
    return tuple(rdatas) == ((_DELETE_CDNSKEY if rdtype == rd.CDNSKEY else _DELETE_CDS),)


def delete_cds(owner: str | dns.name.Name, *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the CDS RRset that asks the parent to remove the DS RRset: the zone goes insecure (RFC 8078 section 4).

    Raises:
        DomainNameError: ``owner`` is not a domain name.
        TtlError: a TTL outside 0 to 2^31-1.

    >>> delete_cds("example.nl").text(), delete_cds("example.nl").rdatas[0].hex()
    ('example.nl. 3600 IN CDS 0 0 0 00', '0000000000')
    """
    return RRset(owner=parse_origin(owner), rdtype=rd.CDS, ttl=to_ttl(ttl), rdatas=(_DELETE_CDS,))


def delete_cdnskey(owner: str | dns.name.Name, *, ttl: int = DEFAULT_TTL) -> RRset:
    """Return the CDNSKEY RRset that asks the parent to remove the DS RRset (RFC 8078 section 4). See :func:`delete_cds`.

    >>> delete_cdnskey("example.nl").text(), delete_cdnskey("example.nl").rdatas[0].hex()
    ('example.nl. 3600 IN CDNSKEY 0 3 0 AA==', '0000030000')
    """
    return RRset(owner=parse_origin(owner), rdtype=rd.CDNSKEY, ttl=to_ttl(ttl), rdatas=(_DELETE_CDNSKEY,))


class CsyncFlag(enum.IntFlag):
    """What a CSYNC asks of the parent (RFC 7477 section 2.1.1.2)."""

    IMMEDIATE = 1
    """Act without waiting for a confirmation by other means."""
    SOAMINIMUM = 2
    """Act only while the child's SOA serial is at least the one in the CSYNC."""


def make_csync(
    owner: str | dns.name.Name,
    *,
    serial: int,
    types: Iterable[str | int],
    flags: CsyncFlag,
    ttl: int = DEFAULT_TTL,
) -> RRset:
    """Return the CSYNC RRset that asks the parent to copy NS or glue from the child (RFC 7477).

    Args:
        owner: the apex of the child.
        serial: the SOA serial of the child's zone from which the request counts.
        types: what to copy, of NS, A and AAAA.
        flags: whether to act at once, and whether ``serial`` is a lower bound.
        ttl: the TTL of the RRset in seconds.

    Raises:
        DsError: no types, or one that no parent processes; a serial or flags out of range.
        DomainNameError: ``owner`` is not a domain name.
        RdataError: not a record type.
        TtlError: a TTL outside 0 to 2^31-1.

    >>> make_csync("example.nl", serial=66, types=["NS", "A"], flags=CsyncFlag.IMMEDIATE | CsyncFlag.SOAMINIMUM).text()
    'example.nl. 3600 IN CSYNC 66 3 A NS'
    """
    name = parse_origin(owner)
    numbers = {rd.parse_type(each) if isinstance(each, str) else int(each) for each in types}
    if not numbers or not numbers <= _CSYNC_TYPES:
        given = " ".join(rd.type_text(number) for number in sorted(numbers)) or "none"
        raise DsError(
            f"{name_text(name)}: a CSYNC is about NS, A and AAAA, not {given}",
            remedy="ask for a new DS with CDS or CDNSKEY",
            rule="RFC 7477 section 2.1.2",
        )
    if not 0 <= serial <= _MAX_SERIAL:
        raise DsError(f"{name_text(name)}: {serial} is not an SOA serial", rule="RFC 1035 section 3.3.13")
    if not 0 <= int(flags) <= int(CsyncFlag.IMMEDIATE | CsyncFlag.SOAMINIMUM):
        raise DsError(f"{name_text(name)}: CSYNC flags {int(flags)} are not defined", rule="RFC 7477 section 2.1.1.2")
    data = _CSYNC_HEAD.pack(serial, flags) + rd.type_bitmap(numbers)
    return RRset(owner=name, rdtype=rd.CSYNC, ttl=to_ttl(ttl), rdatas=(data,))


# ---- for the parent: dsset files and registry input -----------------------------------------------------------------

_TAB: Final = 8
_CLASS_COLUMN: Final = 24
_DIGEST_CHUNK: Final = 56


def dsset_text(ds: RRset) -> str:
    """Return a DS RRset as dnssec-signzone writes it to its ``dsset-`` file, with a final newline.

    No TTL, the class in column 24, the digest in pieces of 56 digits.

    Raises:
        DsError: not a DS RRset.

    >>> ds = RRset.from_text("example.net.", 3600, "DS",
    ...     "55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17")
    >>> print(dsset_text(ds).expandtabs(), end="")
    example.net.            IN DS 55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E3 7DF61D17
    """
    head = _aligned(name_text(_require_ds(ds).owner), "IN", "DS", "")
    lines = []
    for rdata in ds.rdatas:
        fields, hexadecimal = rd.print_rdata(rd.DS, rdata).rsplit(" ", 1)
        pieces = [hexadecimal[start : start + _DIGEST_CHUNK] for start in range(0, len(hexadecimal), _DIGEST_CHUNK)]
        lines.append(f"{head}{fields} {' '.join(pieces)}\n")
    return "".join(lines)


def _aligned(owner: str, *fields: str) -> str:
    """The fields at the columns where BIND's printer puts them: tabs as far as they reach, then spaces."""
    text, column = owner, len(owner)
    for index, field in enumerate(fields):
        target = max(_CLASS_COLUMN if index == 0 else 0, column + 1)
        tabs = target // _TAB - column // _TAB
        spaces = target % _TAB if tabs else target - column
        text += "\t" * tabs + " " * spaces + field
        column = target + len(field)
    return text


def _require_ds(ds: RRset) -> RRset:
    if ds.rdtype != rd.DS:
        raise DsError(
            f"{name_text(ds.owner)} {ds.type_text}: a DS RRset is asked for, and this is none",
            remedy="make it with make_ds",
        )
    return ds


@dataclass(frozen=True, slots=True, kw_only=True)
class DsData:
    """A DS as a registry takes it: the ``secDNS:dsData`` of RFC 5910 section 4.1, field by field.

    Attributes:
        key_tag: ``keyTag``, the key tag of the DNSKEY.
        alg: ``alg``, its algorithm number.
        digest_type: ``digestType``, the number of the digest type; 1 (SHA-1) where an old DS is to be removed.
        digest: ``digest``, hexadecimal in capitals, whatever case it is given in.

    Raises:
        DsError: a number out of range, or a digest that is not hexadecimal or of the wrong length for its type.
    """

    key_tag: int
    alg: int
    digest_type: int
    digest: str

    def __post_init__(self) -> None:
        _check_numbers(keyTag=(self.key_tag, 0xFFFF), alg=(self.alg, 0xFF), digestType=(self.digest_type, 0xFF))
        octets = _digest_octets(self.digest)
        known = self.digest_type in DigestType.__members__.values()
        due = len(digest(self.digest_type, b"")) if known else max(len(octets), 1)
        if len(octets) != due:
            raise DsError(
                f"a digest of type {self.digest_type} has {due} octets, not {len(octets)}",
                remedy="compare it with the DS that the zone's operator gave",
                rule="RFC 4034 section 5.1.4",
            )
        object.__setattr__(self, "digest", octets.hex().upper())

    @classmethod
    def from_rdata(cls, rdata: bytes) -> Self:
        """Return the fields of a DS in wire form.

        Raises:
            DsError: cut short, or a digest of the wrong length.
        """
        if len(rdata) <= _DS_HEAD.size:
            raise DsError(f"a DS of {len(rdata)} octets is cut short", rule="RFC 4034 section 5.1")
        tag, alg, digest_type = _DS_HEAD.unpack_from(rdata)
        return cls(key_tag=tag, alg=alg, digest_type=digest_type, digest=rdata[_DS_HEAD.size :].hex())

    @property
    def rdata(self) -> bytes:
        """The DS in wire form."""
        return _DS_HEAD.pack(self.key_tag, self.alg, self.digest_type) + bytes.fromhex(self.digest)

    def text(self) -> str:
        """Return the fields one a line, under their names in RFC 5910, without a final newline.

        >>> print(DsData(key_tag=55648, alg=13, digest_type=2, digest="b4" * 32).text())
        keyTag: 55648
        alg: 13
        digestType: 2
        digest: B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4B4
        """
        return f"keyTag: {self.key_tag}\nalg: {self.alg}\ndigestType: {self.digest_type}\ndigest: {self.digest}"


def _digest_octets(text: str) -> bytes:
    try:
        return binascii.unhexlify(text if isinstance(text, str) else b"?")
    except ValueError:
        raise DsError("the digest of a DS is not hexadecimal", rule="RFC 4034 section 5.3") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyData:
    """A DNSKEY as a registry takes it: the ``secDNS:keyData`` of RFC 5910 section 4.2, field by field.

    Attributes:
        flags: ``flags``, 257 for a KSK or CSK.
        protocol: ``protocol``, 3.
        alg: ``alg``, the algorithm number.
        pub_key: ``pubKey``, base64 without white space.

    Raises:
        DsError: a number out of range, or a public key that is empty or not base64.
    """

    flags: int
    protocol: int
    alg: int
    pub_key: str

    def __post_init__(self) -> None:
        _check_numbers(flags=(self.flags, 0xFFFF), protocol=(self.protocol, 0xFF), alg=(self.alg, 0xFF))
        text = self.pub_key if isinstance(self.pub_key, str) else ""
        try:
            octets = base64.b64decode("".join(text.split()), validate=True)
        except ValueError:
            octets = b""
        if not octets:
            raise DsError("the public key of a DNSKEY is not base64", rule="RFC 4034 section 2.2")
        object.__setattr__(self, "pub_key", base64.b64encode(octets).decode("ascii"))

    @classmethod
    def from_rdata(cls, rdata: bytes) -> Self:
        """Return the fields of a DNSKEY in wire form.

        Raises:
            DsError: cut short before the public key.
        """
        if len(rdata) <= _DNSKEY_HEAD.size:
            raise DsError(f"a DNSKEY of {len(rdata)} octets is cut short", rule="RFC 4034 section 2.1")
        flags, protocol, alg = _DNSKEY_HEAD.unpack_from(rdata)
        pub_key = base64.b64encode(rdata[_DNSKEY_HEAD.size :]).decode("ascii")
        return cls(flags=flags, protocol=protocol, alg=alg, pub_key=pub_key)

    @property
    def rdata(self) -> bytes:
        """The DNSKEY in wire form."""
        return _DNSKEY_HEAD.pack(self.flags, self.protocol, self.alg) + base64.b64decode(self.pub_key)

    def text(self) -> str:
        """Return the fields one a line, under their names in RFC 5910, without a final newline.

        >>> print(KeyData(flags=257, protocol=3, alg=15, pub_key="l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=").text())
        flags: 257
        protocol: 3
        alg: 15
        pubKey: l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=
        """
        return f"flags: {self.flags}\nprotocol: {self.protocol}\nalg: {self.alg}\npubKey: {self.pub_key}"


def _check_numbers(**fields: tuple[int, int]) -> None:
    for name, (value, largest) in fields.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise DsError(f"{name} is no whole number but a {type(value).__name__}", rule="RFC 5910 section 4")
        if not 0 <= value <= largest:
            raise DsError(f"{name} {value} is outside 0 to {largest}", rule="RFC 5910 section 4")


def registry_ds(ds: RRset) -> tuple[DsData, ...]:
    """Return the records of a DS RRset as a registry takes them.

    Raises:
        DsError: not a DS RRset.
    """
    return tuple(DsData.from_rdata(rdata) for rdata in _require_ds(ds).rdatas)


def registry_keys(keys: Iterable[DnskeyHolder] | RRset) -> tuple[KeyData, ...]:
    """Return KSKs and CSKs as a registry takes them that makes the DS records itself.

    Raises:
        DsError: for the same reasons as in :func:`make_ds`.
    """
    return tuple(KeyData.from_rdata(rdata) for rdata in make_cdnskey(keys).rdatas)
