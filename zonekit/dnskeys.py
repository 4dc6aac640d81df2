"""DNSKEY sets: reading foreign keys, checking them before they are let in, union and withdrawal.

In a transfer each operator publishes the other's keys beside its own (RFC 6781 section 4.3.5, RFC 8901 section 2.1.2). What
the other side hands over is untrusted text; :func:`parse_dnskeys` makes :class:`Dnskey` values of it, which hold public
keys and nothing else, and :func:`check_intake` says which of them may go into the zone, why the others may not, and how
large the DNSKEY response gets.

A DNSKEY RRset is a set: :func:`union` and :func:`difference` are the set's own, the same key is the same rdata, and the
TTL of the set that is already there stays.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from zonekit import rdata as rd
from zonekit.algorithms import check_public_key, require_may_sign, signature_length
from zonekit.ds import DnskeyHolder
from zonekit.errors import (
    AlgorithmError,
    DnskeyRefused,
    DomainNameError,
    DuplicateKey,
    KeyFileError,
    KeyTagCollision,
    MalformedKey,
    NotZoneKey,
    RdataError,
    ResponseTooLarge,
    RevokedKey,
    RoleMismatch,
    SigningKeyError,
    TtlError,
    UnsupportedKey,
    WrongOwner,
    WrongProtocol,
    ZoneError,
)
from zonekit.findings import Finding, Severity
from zonekit.keys import DNSKEY_PROTOCOL, REVOKE_FLAG, SEP_FLAG, ZONE_KEY_FLAG, KeyRole, key_tag
from zonekit.names import WireName, check_wire_name, name_text, order_key, parse_origin
from zonekit.nodes import HEADER_OCTETS, split_node
from zonekit.ttl import parse_ttl
from zonekit.zones import RRset, Zone

if TYPE_CHECKING:
    import dns.name
    import dns.rdata
    import dns.rrset

MAX_RESPONSE_OCTETS: Final = 1232
"""What one UDP datagram carries over any IPv6 path without being cut: 1280 octets less the IPv6 and UDP headers."""

_RESPONSE_RULE: Final = "DNS Flag Day 2020, RFC 9715"
_TAG_RULE: Final = "RFC 4034 appendix B"
_HEAD: Final = struct.Struct(">HBB")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dnskey:
    """A public zone key as a DNSKEY record shows it, of any operator (RFC 4034 section 2.1).

    Whether it is a sound key that belongs into a zone is for :func:`check_intake` to say. Two are equal when owner and
    rdata are; the letter case of the owner does not matter.

    Attributes:
        owner: the owner name in wire form.
        flags: the flags field: 256 for a ZSK, 257 for a KSK or CSK.
        protocol: the protocol field, 3 in every DNSKEY that counts.
        algorithm: the algorithm number, which zonekit need not know.
        public_key: the public key field.
        dnskey_rdata: all of it in wire form.
        key_tag: the key tag (RFC 4034 appendix B).

    Raises:
        DomainNameError: the owner is not a name in wire form.
        MalformedKey: a field out of range, or no public key.
    """

    owner: WireName
    flags: int
    protocol: int
    algorithm: int
    public_key: bytes = field(repr=False)
    dnskey_rdata: bytes = field(init=False, repr=False)
    key_tag: int = field(init=False)

    def __post_init__(self) -> None:
        check_wire_name(self.owner)
        try:
            head = _HEAD.pack(self.flags, self.protocol, self.algorithm)
        except struct.error:
            raise MalformedKey(
                f"flags {self.flags}, protocol {self.protocol}, algorithm {self.algorithm} do not fit into a DNSKEY",
                owner=name_text(self.owner),
                rule="RFC 4034 section 2.1",
            ) from None
        if not self.public_key:
            raise MalformedKey(
                "a DNSKEY without a public key", owner=name_text(self.owner), rule="RFC 4034 section 2.1"
            )
        object.__setattr__(self, "dnskey_rdata", head + self.public_key)
        object.__setattr__(self, "key_tag", key_tag(self.dnskey_rdata))

    @classmethod
    def from_rdata(cls, owner: WireName, rdata: bytes) -> Dnskey:
        """Return the key in a DNSKEY's rdata.

        Raises:
            MalformedKey: cut short before the public key.
        """
        if len(rdata) <= _HEAD.size:
            raise MalformedKey(
                f"a DNSKEY of {len(rdata)} octets is cut short", owner=name_text(owner), rule="RFC 4034 section 2.1"
            )
        flags, protocol, algorithm = _HEAD.unpack_from(rdata)
        return cls(
            owner=owner, flags=flags, protocol=protocol, algorithm=algorithm, public_key=bytes(rdata[_HEAD.size :])
        )

    @property
    def is_zone_key(self) -> bool:
        """Whether the zone key flag is set (RFC 4034 section 2.1.1)."""
        return bool(self.flags & ZONE_KEY_FLAG)

    @property
    def is_sep(self) -> bool:
        """Whether the SEP flag is set, as in a KSK or CSK (RFC 4034 section 2.1.1)."""
        return bool(self.flags & SEP_FLAG)

    @property
    def is_revoked(self) -> bool:
        """Whether the revoke flag is set (RFC 5011 section 2.1)."""
        return bool(self.flags & REVOKE_FLAG)

    def text(self) -> str:
        """Return the record as one zone-file line with an absolute name and no TTL, without a final newline.

        >>> Dnskey(owner=b"\\x02nl\\x00", flags=257, protocol=3, algorithm=15, public_key=bytes(32)).text()
        'nl. IN DNSKEY 257 3 15 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
        """
        return f"{name_text(self.owner)} IN DNSKEY {rd.print_rdata(rd.DNSKEY, self.dnskey_rdata)}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dnskey):
            return NotImplemented
        return self.dnskey_rdata == other.dnskey_rdata and (
            self.owner == other.owner or order_key(self.owner) == order_key(other.owner)
        )

    def __hash__(self) -> int:
        return hash(self.dnskey_rdata)  # that of one key in two zones is the same; there are few such


def dnskeys_of(dnskeys: RRset) -> tuple[Dnskey, ...]:
    """Return the keys of a DNSKEY RRset, in canonical order.

    Raises:
        RdataError: not a DNSKEY RRset.
        MalformedKey: one of them has no public key.
    """
    if dnskeys.rdtype != rd.DNSKEY:
        raise RdataError(
            f"{name_text(dnskeys.owner)} {dnskeys.type_text}: a DNSKEY RRset is asked for, this is none",
            remedy='give zone.apex_rrset("DNSKEY")',
        )
    return tuple(Dnskey.from_rdata(dnskeys.owner, rdata) for rdata in dnskeys.rdatas)


# ---- reading foreign keys -------------------------------------------------------------------------------------------

DnskeySource: TypeAlias = (
    "str | bytes | RRset | DnskeyHolder | dns.rrset.RRset | dns.rdata.Rdata | Iterable[DnskeySource]"
)

_TOKEN: Final = re.compile(r';[^\n]*|[^\S\n]+|([()])|(\n)|((?:\\[^\n]|[^\s\\;()"])+)')
_PARENTHESIS, _NEWLINE, _WORD = 1, 2, 3
_CLASS: Final = re.compile(r"IN|CH|HS|NONE|ANY|CLASS\d{1,5}", re.ASCII | re.IGNORECASE)
_CLASS_IN: Final = frozenset(("IN", "CLASS1"))
_NUMBER: Final = re.compile(r"\d{1,5}", re.ASCII)
# What only the text of a private key has: BIND's K*.private (which PowerDNS writes too), PEM, and DER of PKCS#8 or PKCS#1.
_PRIVATE_TEXT: Final = re.compile(
    rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|Private-key-format|\b(?:PrivateKey|PrivateExponent|Prime[12]|Exponent[12]|Coefficient)[ \t]*:",
    re.IGNORECASE,
)
# No text has these, and every sound DNSKEY in wire form has: its flags begin with octet 1 and its protocol is 3.
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_DNSKEY_WORD: Final = re.compile(rb"DNSKEY", re.IGNORECASE)
_BYTE_ORDER_MARK: Final = "\ufeff"
_PRIVATE_DER: Final = re.compile(rb"\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01]", re.DOTALL)


def parse_dnskeys(source: DnskeySource, *, owner: str | dns.name.Name | None = None) -> tuple[Dnskey, ...]:
    """Return the public keys that ``source`` holds, in the order in which they stand there.

    Text is DNSKEY records as in a zone file, such as a BIND ``.key`` file or the answer section that ``dig`` prints: one
    or many, TTL and class or none, comments, parentheses. RRSIG records are passed over, directives and records of other
    types refused; so is CDNSKEY, which names the keys for the DS RRset and so leaves out the ZSK that a merge is about. A
    name without a final dot is absolute all the same.

    Octets without control characters are the text of a file, in UTF-8; all others are the rdata of one key.

    Args:
        source: text, as str or bytes; an RRset of ours or dnspython's; rdata in wire form or dnspython's; a key with a private half, of
            which only the public one is read; or an iterable of these.
        owner: the owner of what comes without one: wire form, rdata, text with ``@`` or no name.

    Raises:
        RdataError: not DNSKEY records, none at all, or no owner said. Text is never quoted in the message.
        KeyFileError: ``source`` is the text of a private key.
        MalformedKey: a DNSKEY that is cut short.
        DomainNameError: ``owner`` is not a domain name.

    >>> key, = parse_dnskeys("example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=")
    >>> key.key_tag, key.is_sep
    (3613, True)
    """
    keys = tuple(_read_source(source, None if owner is None else parse_origin(owner)))
    if not keys:
        raise RdataError(
            "there is no DNSKEY record in what was given",
            remedy="give the records themselves, as dig prints them or a .key file holds them",
        )
    return keys


def _read_source(source: object, owner: WireName | None) -> Iterator[Dnskey]:
    if isinstance(source, str):
        yield from _read_text(source, owner)
    elif isinstance(source, bytes):
        yield from _read_octets(source, owner)
    elif isinstance(source, RRset):
        yield from dnskeys_of(source)
    elif isinstance(source, Dnskey):
        yield source
    elif isinstance(source, DnskeyHolder):
        yield Dnskey.from_rdata(source.owner, source.dnskey_rdata)
    elif isinstance(source, list | tuple):  # none of dnspython's, which costs its time to load
        for each in source:
            yield from _read_source(each, owner)
    else:
        yield from _read_dnspython(source, owner)


def _read_dnspython(source: object, owner: WireName | None) -> Iterator[Dnskey]:
    import dns.rdata
    import dns.rrset

    if isinstance(source, dns.rrset.RRset):
        yield from dnskeys_of(RRset.from_dnspython(source))
    elif isinstance(source, dns.rdata.Rdata):
        if int(source.rdtype) != rd.DNSKEY or int(source.rdclass) != 1:
            raise RdataError(
                f"{rd.type_text(int(source.rdtype))} data where that of a DNSKEY of class IN is due",
                remedy="give the DNSKEY records of the zone's apex",
            )
        wire = source.to_wire()
        assert wire is not None
        yield Dnskey.from_rdata(_require_owner(owner, "a DNSKEY's rdata"), wire)
    elif isinstance(source, Iterable):
        for each in source:
            yield from _read_source(each, owner)
    else:
        raise RdataError(
            f"a DNSKEY cannot be read from {type(source).__name__}",
            remedy="give text, octets, an RRset, rdata, a key, or an iterable of these",
        )


def _require_owner(owner: WireName | None, what: str) -> WireName:
    if owner is None:
        raise RdataError(f"{what} has no owner name", remedy="say which zone it is of, with owner=")
    return owner


def _refuse_private_key(octets: bytes) -> None:
    if _PRIVATE_TEXT.search(octets) or _PRIVATE_DER.match(octets):
        raise KeyFileError(
            "this is a private key where the other operator's DNSKEY is due",
            remedy="nobody else's private key belongs here: delete this copy, tell its owner, and take the .key file",
        )


def _read_octets(octets: bytes, owner: WireName | None) -> Iterator[Dnskey]:
    """Read the text of a file, or else the rdata of one key; text is never taken for rdata."""
    _refuse_private_key(octets)
    # Zero octets between the letters are text in UTF-16.
    if _CONTROL.search(octets) and not _DNSKEY_WORD.search(octets.replace(b"\x00", b"")):
        yield Dnskey.from_rdata(_require_owner(owner, "a DNSKEY in wire form"), octets)
        return
    text = octets.decode(errors="replace")
    if text.encode() != octets:
        raise RdataError("DNSKEY records were asked for, and this is not text in UTF-8", remedy="convert it to UTF-8")
    yield from _read_text(text, owner)


def _read_text(text: str, owner: WireName | None) -> Iterator[Dnskey]:
    # A codec's exception would carry the whole text along, so that none is let happen.
    octets = text.encode(errors="replace")
    _refuse_private_key(octets)
    if octets.decode() != text:
        raise RdataError(
            "DNSKEY records were asked for, and this is not text", remedy="decode it as UTF-8, or give its octets"
        )
    text = text.removeprefix(_BYTE_ORDER_MARK)
    last = owner
    for line, words in _split_records(text):
        given, rdata = _split_record(line, words)
        if given is not None:
            last = owner if given == "@" else _read_owner(line, given)
        if rdata is not None:
            named = _require_owner(last, f"line {line}: a DNSKEY record")
            yield Dnskey.from_rdata(named, _read_rdata(line, rdata))


def _split_records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each record with the line on which it begins (RFC 1035 section 5.1)."""
    line, first_line, depth, position = 1, 1, 0, 0
    words: list[str] = []
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(line, "a character that no DNSKEY record has")
        position = match.end()
        if match.lastindex == _WORD:
            first_line = first_line if words else line
            words.append(match[_WORD])
        elif match.lastindex == _PARENTHESIS:
            depth += 1 if match[_PARENTHESIS] == "(" else -1
            if depth not in (0, 1):
                raise _unreadable(line, "parentheses that do not match")
        elif match.lastindex == _NEWLINE:
            line += 1
            if words and not depth:
                yield first_line, words
                words = []
    if depth:
        raise _unreadable(first_line, "a parenthesis that is never closed")
    if words:
        yield first_line, words


def _split_record(line: int, words: list[str]) -> tuple[str | None, list[str] | None]:
    """Return the owner as given, and the words of the data; None for data that is passed over."""
    if words[0].startswith("$"):
        raise _unreadable(line, "a directive", remedy="give the records alone, with absolute names")
    if _is_bare_rdata(words):
        return None, words
    given = None
    if not _is_ttl(words[0]) and not _CLASS.fullmatch(words[0]) and words[0].upper() != "DNSKEY":
        given, words = words[0], words[1:]
    ttls = classes = 0
    while words and max(ttls, classes) < 2:
        if _CLASS.fullmatch(words[0]):
            classes += 1
            if words[0].upper() not in _CLASS_IN:
                raise _unreadable(line, "a class that is not IN")
        elif _is_ttl(words[0]):
            ttls += 1
        else:
            break
        words = words[1:]
    if not words or max(ttls, classes) > 1:
        raise _unreadable(line, "no record")
    rdtype = _read_type(line, words[0])
    if rdtype == rd.RRSIG:
        return given, None
    if rdtype != rd.DNSKEY:
        raise _unreadable(
            line, f"a record of type {rd.type_text(rdtype)}", remedy="give the DNSKEY records of the zone's apex"
        )
    return given, words[1:]


def _is_bare_rdata(words: list[str]) -> bool:
    """Whether the line is flags, protocol, algorithm and key without anything in front, or RFC 3597's generic form."""
    if words[0] == "\\#":
        return True
    numbers = [_NUMBER.fullmatch(word) is not None for word in words[:2]]
    return (
        numbers == [True, True] and len(words) > 3 and not _CLASS.fullmatch(words[2]) and words[2].upper() != "DNSKEY"
    )


def _is_ttl(word: str) -> bool:
    try:
        parse_ttl(word)
    except TtlError:
        return False
    return True


def _read_type(line: int, word: str) -> int:
    try:
        return rd.parse_type(word)
    except RdataError:
        pass
    raise _unreadable(line, "no record")


def _read_owner(line: int, word: str) -> WireName:
    try:
        return parse_origin(word)
    except DomainNameError:
        pass
    raise _unreadable(line, "an owner that is no domain name")


def _read_rdata(line: int, words: list[str]) -> bytes:
    try:
        return rd.parse_rdata(rd.DNSKEY, " ".join(words).encode(), b"\x00")
    except RdataError:
        pass
    raise _unreadable(line, "DNSKEY data that is not flags, protocol, algorithm and a key in base64")


def _unreadable(line: int, what: str, *, remedy: str = "") -> RdataError:
    """The refusal of a line. It never quotes the text, in which somebody may have put what nobody should see."""
    return RdataError(
        f"line {line}: DNSKEY records were asked for, and this is {what}", remedy=remedy, rule="RFC 1035 section 5.1"
    )


# ---- the algebra ----------------------------------------------------------------------------------------------------


def union(dnskeys: RRset, more: RRset | Iterable[DnskeyHolder]) -> RRset:
    """Return the DNSKEY RRset with ``more`` keys in it; keys that are in it already stay one. Its TTL stays.

    No key is checked here but for its owner: that is :func:`check_intake`'s.

    Raises:
        WrongOwner: a key of another zone.
        RdataError: not a DNSKEY RRset.
    """
    rdatas = {key.dnskey_rdata for key in dnskeys_of(dnskeys)} | _rdatas_of(dnskeys.owner, more)
    return RRset(owner=dnskeys.owner, rdtype=rd.DNSKEY, ttl=dnskeys.ttl, rdatas=tuple(rdatas))


def difference(dnskeys: RRset, keys: RRset | Iterable[DnskeyHolder]) -> RRset:
    """Return the DNSKEY RRset without ``keys``; those that are not in it change nothing. Its TTL stays.

    Whether the keys that are left can sign the zone is for the caller to know.

    Raises:
        ZoneError: no key would be left.
        WrongOwner: a key of another zone.
        RdataError: not a DNSKEY RRset.
    """
    left = {key.dnskey_rdata for key in dnskeys_of(dnskeys)} - _rdatas_of(dnskeys.owner, keys)
    if not left:
        raise ZoneError(
            f"{name_text(dnskeys.owner)} DNSKEY: no key would be left",
            remedy="remove the RRset itself where the zone is to go unsigned, after its DS",
        )
    return RRset(owner=dnskeys.owner, rdtype=rd.DNSKEY, ttl=dnskeys.ttl, rdatas=tuple(left))


def _rdatas_of(apex: WireName, keys: RRset | Iterable[DnskeyHolder]) -> set[bytes]:
    found = [Dnskey.from_rdata(key.owner, key.dnskey_rdata) for key in _holders(keys)]
    for key in found:
        if order_key(key.owner) != order_key(apex):
            raise _wrong_owner(key, apex)
    return {key.dnskey_rdata for key in found}


def _holders(keys: RRset | Iterable[DnskeyHolder]) -> Iterable[DnskeyHolder]:
    return dnskeys_of(keys) if isinstance(keys, RRset) else keys


# ---- key tags -------------------------------------------------------------------------------------------------------


def key_tag_collision(key: Dnskey, others: Iterable[Dnskey]) -> KeyTagCollision | None:
    """Return the refusal of ``key`` when another key of its algorithm has its key tag, or None.

    The one rule about key tags, for foreign keys and our own. A validator that meets such keys has to try each of them,
    and some give up (RFC 4034 appendix B, CVE-2023-50387). The same key twice does not collide with itself. What the tag
    becomes if a key is ever revoked does not count: that is a reason to choose another key while generating one, which
    costs nothing, and none to send another operator's key back.
    """
    for other in others:
        if other.algorithm == key.algorithm and other.key_tag == key.key_tag and other != key:
            return KeyTagCollision(
                f"two different DNSKEYs of algorithm {key.algorithm} share key tag {key.key_tag}",
                owner=name_text(key.owner),
                key_tag=key.key_tag,
                algorithm=key.algorithm,
                remedy="have a new key generated, or drop one of the two",
                rule=_TAG_RULE,
            )
    return None


def key_tag_collisions(keys: RRset | Iterable[DnskeyHolder]) -> tuple[KeyTagCollision, ...]:
    """Return a refusal for each of ``keys`` that collides with one before it. See :func:`key_tag_collision`."""
    seen: defaultdict[tuple[int, int], list[Dnskey]] = defaultdict(list)
    collisions = []
    for holder in _holders(keys):
        key = Dnskey.from_rdata(holder.owner, holder.dnskey_rdata)
        alike = seen[key.algorithm, key.key_tag]
        collision = key_tag_collision(key, alike)
        if collision is not None:
            collisions.append(collision)
        alike.append(key)
    return tuple(collisions)


def key_tags(keys: RRset | Iterable[DnskeyHolder], algorithm: int) -> frozenset[int]:
    """Return the key tags of the keys of one algorithm: what ``avoid`` of ``generate_zsk`` and its like takes."""
    found = [holder.dnskey_rdata for holder in _holders(keys)]
    return frozenset(key_tag(rdata) for rdata in found if rdata[3] == algorithm)


def _revoked_key_tag(key: Dnskey) -> int:
    return key_tag(_HEAD.pack(key.flags | REVOKE_FLAG, key.protocol, key.algorithm) + key.public_key)


# ---- the size of the response ---------------------------------------------------------------------------------------

_MESSAGE_HEADER_OCTETS: Final = 12
_QUESTION_FIXED_OCTETS: Final = 4
_OPT_OCTETS: Final = 11
_POINTER_OCTETS: Final = 2


def dnskey_response_octets(dnskeys: RRset, signers: Iterable[DnskeyHolder]) -> int:
    """Return the octets of the response to a DNSKEY query with the DO bit, as an authoritative server sends it.

    Header, question, the DNSKEY RRset, one RRSIG by each signer and the OPT record. Owner names are pointers to the
    question's (RFC 1035 section 4.1.4), signers' names in RRSIGs are not compressed (RFC 4034 section 3.1.7). EDNS
    options come on top where a client asks for them: a cookie takes 28 octets (RFC 9018).

    Args:
        dnskeys: the DNSKEY RRset.
        signers: the keys that sign it: the zone's own KSKs or CSKs.

    Raises:
        AlgorithmError, SigningKeyError: a signer whose signatures' length cannot be told.
    """
    record = _POINTER_OCTETS + HEADER_OCTETS
    question = len(dnskeys.owner) + _QUESTION_FIXED_OCTETS
    keys = sum(record + len(rdata) for rdata in dnskeys.rdatas)
    signatures = sum(
        record + rd.RRSIG_FIXED_OCTETS + len(dnskeys.owner) + signature_length(rdata[3], rdata[_HEAD.size :])
        for rdata in {signer.dnskey_rdata for signer in signers}
    )
    return _MESSAGE_HEADER_OCTETS + question + keys + signatures + _OPT_OCTETS


# ---- intake ---------------------------------------------------------------------------------------------------------

NO_ROLES: Final[Mapping[Dnskey, KeyRole]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What checking foreign keys came to.

    Attributes:
        accepted: the keys that may go into the zone, in the order they were offered; those already there are among them.
        refused: why the others may not: an exception for each check that a key failed, as values to raise or to report.
        findings: what to know besides.
        dnskeys: the DNSKEY RRset with the accepted keys in it.
        response_octets: the size of the DNSKEY response with that RRset. See :func:`dnskey_response_octets`.
        smaller_merge: where the keys were refused as too many for the response, those that would fit and do for a
            transfer; empty when there are none.
    """

    accepted: tuple[Dnskey, ...]
    refused: tuple[DnskeyRefused, ...]
    findings: tuple[Finding, ...]
    dnskeys: RRset
    response_octets: int
    smaller_merge: tuple[Dnskey, ...] = ()

    def raise_if_refused(self) -> None:
        """Raise the first refusal if there is one, and with it, as its ``others``, all the rest.

        Raises:
            DnskeyRefused: a key is refused.
        """
        if self.refused:
            first, *others = self.refused
            raise first.with_others(others)


def check_intake(
    zone: Zone,
    offered: Iterable[Dnskey],
    *,
    signers: Iterable[DnskeyHolder] | None = None,
    roles: Mapping[Dnskey, KeyRole] = NO_ROLES,
    max_response_octets: int | None = MAX_RESPONSE_OCTETS,
) -> Intake:
    """Return which of the keys another operator offers may go into the zone's DNSKEY RRset, and why the others may not.

    Every check has an exception type of its own: :class:`WrongOwner`, :class:`WrongProtocol`, :class:`NotZoneKey`,
    :class:`RevokedKey`, :class:`UnsupportedKey`, :class:`MalformedKey`, :class:`RoleMismatch`, :class:`DuplicateKey`,
    :class:`KeyTagCollision`, and over all keys together :class:`ResponseTooLarge`. A key that is already in the zone is no
    mistake, since merging twice is the same as merging once. Findings have the codes ``already-present``,
    ``algorithm-mismatch``, ``revoked-tag-collision``, ``response-size`` and ``response-too-large``.

    Args:
        zone: the zone with its DNSKEY RRset as it is now.
        offered: the keys, as :func:`parse_dnskeys` reads them.
        signers: the zone's own KSKs or CSKs, which will sign the RRset; those that sign it now when not given.
        roles: what the other operator says a key is, for those of which it says anything.
        max_response_octets: refuse to let the DNSKEY response grow beyond this; None lifts the limit.

    Raises:
        ZoneError: there is no DNSKEY RRset at the apex.
        AlgorithmError, SigningKeyError: a signer whose signatures' length cannot be told.
    """
    dnskeys = zone.apex_rrset(rd.DNSKEY)
    present = frozenset(dnskeys_of(dnskeys))
    sound, refused = _check_each(dnskeys, offered, roles)
    findings = [*_already_present(sound, present), *_algorithm_mismatch(dnskeys, sound)]
    findings += _revoked_tag_collisions(sound, present)
    own_signers: tuple[DnskeyHolder, ...] = dnskey_signers(zone) if signers is None else tuple(signers)
    merged = union(dnskeys, sound)
    octets = dnskey_response_octets(merged, own_signers)
    smaller: tuple[Dnskey, ...] = ()
    if max_response_octets is not None and octets > max_response_octets and not present.issuperset(sound):
        smaller = _smaller_merge(dnskeys, sound, own_signers, roles, max_response_octets)
        refused.append(_too_large(dnskeys, sound, smaller, octets, max_response_octets, own_signers))
        sound = [key for key in sound if key in present]
        merged, octets = dnskeys, dnskey_response_octets(dnskeys, own_signers)
    return Intake(
        accepted=tuple(sound),
        refused=tuple(refused),
        findings=(*findings, _response_size(merged, octets)),
        dnskeys=merged,
        response_octets=octets,
        smaller_merge=smaller,
    )


def _check_each(
    dnskeys: RRset, offered: Iterable[Dnskey], roles: Mapping[Dnskey, KeyRole]
) -> tuple[list[Dnskey], list[DnskeyRefused]]:
    """Return the keys that pass every check on a key, and a refusal for each check that one fails."""
    beside: defaultdict[tuple[int, int], list[Dnskey]] = defaultdict(list)
    for key in dnskeys_of(dnskeys):
        beside[key.algorithm, key.key_tag].append(key)
    sound: list[Dnskey] = []
    refused: list[DnskeyRefused] = []
    seen: set[Dnskey] = set()
    for key in offered:
        if key in seen:
            refused.append(_refusal(DuplicateKey, key, "is offered twice", remedy="give it once"))
            continue
        seen.add(key)
        refusals = list(_refusals(key, dnskeys.owner, roles.get(key)))
        alike = beside[key.algorithm, key.key_tag]
        collision = key_tag_collision(key, alike)
        if collision is not None:
            refusals.append(collision)
        if refusals:
            refused += refusals
        else:
            sound.append(key)
            alike.append(key)
    return sound, refused


def _refusals(key: Dnskey, apex: WireName, role: KeyRole | None) -> Iterator[DnskeyRefused]:
    """Yield what is wrong with one key by itself."""
    if order_key(key.owner) != order_key(apex):
        yield _wrong_owner(key, apex)
    if key.protocol != DNSKEY_PROTOCOL:
        yield _refusal(
            WrongProtocol,
            key,
            f"has protocol {key.protocol}, and validators ignore all but 3",
            rule="RFC 4034 section 2.1.2",
        )
    if not key.is_zone_key:
        yield _refusal(NotZoneKey, key, f"has flags {key.flags} and is no zone key", rule="RFC 4034 section 2.1.1")
    if key.is_revoked:
        yield _refusal(RevokedKey, key, "is revoked", remedy="ask for the new key", rule="RFC 5011 section 2.1")
    yield from _unusable(key)
    if role is not None and key.is_sep is not bool(role.flags & SEP_FLAG):
        yield _refusal(
            RoleMismatch,
            key,
            f"is offered as a {role.value} and has flags {key.flags}",
            remedy="check which key it is: a ZSK has flags 256, a KSK or CSK 257",
            rule="RFC 4034 section 2.1.1",
        )


def _unusable(key: Dnskey) -> Iterator[DnskeyRefused]:
    try:
        require_may_sign(key.algorithm)
        check_public_key(key.algorithm, key.public_key)
    except AlgorithmError as error:
        yield _refusal(UnsupportedKey, key, f"cannot be taken: {error.problem}", remedy=error.remedy, rule=error.rule)
    except SigningKeyError as error:
        yield _refusal(MalformedKey, key, f"is no sound key: {error.problem}", remedy=error.remedy, rule=error.rule)


def _refusal(
    kind: type[DnskeyRefused], key: Dnskey, problem: str, *, remedy: str = "", rule: str = ""
) -> DnskeyRefused:
    return kind(
        f"key {key.key_tag} {problem}",
        owner=name_text(key.owner),
        key_tag=key.key_tag,
        algorithm=key.algorithm,
        remedy=remedy,
        rule=rule,
    )


def _wrong_owner(key: Dnskey, apex: WireName) -> DnskeyRefused:
    return _refusal(
        WrongOwner,
        key,
        f"is not of the zone {name_text(apex)}",
        remedy="check which zone the key was made for",
        rule="RFC 4035 section 2.1",
    )


def _already_present(sound: Iterable[Dnskey], present: frozenset[Dnskey]) -> Iterator[Finding]:
    for key in sound:
        if key in present:
            yield Finding(
                code="already-present",
                severity=Severity.INFO,
                owner=name_text(key.owner),
                rdtype="DNSKEY",
                message=f"key {key.key_tag} is in the zone already",
            )


def _algorithm_mismatch(dnskeys: RRset, sound: Iterable[Dnskey]) -> Iterator[Finding]:
    own = {key.algorithm for key in dnskeys_of(dnskeys)}
    theirs = {key.algorithm for key in sound}
    if theirs and theirs != own:
        yield Finding(
            code="algorithm-mismatch",
            severity=Severity.WARNING,
            owner=name_text(dnskeys.owner),
            rdtype="DNSKEY",
            message=f"the zone has keys of algorithm {_listed(own)}, the keys offered are of {_listed(theirs)}:"
            " each side's data would lack signatures of an algorithm in the DNSKEY RRset",
            rule="RFC 6840 section 5.11, RFC 8901 section 4",
            remedy="let the gaining side use the losing side's algorithm and roll to another after the transfer",
        )


def _revoked_tag_collisions(sound: Iterable[Dnskey], present: frozenset[Dnskey]) -> Iterator[Finding]:
    for key in sound:
        for other in sorted(present, key=lambda known: known.dnskey_rdata):
            if other.algorithm == key.algorithm and other != key:
                for revoked, live in ((key, other), (other, key)):
                    if not revoked.is_revoked and _revoked_key_tag(revoked) == live.key_tag:
                        yield Finding(
                            code="revoked-tag-collision",
                            severity=Severity.INFO,
                            owner=name_text(key.owner),
                            rdtype="DNSKEY",
                            message=f"key {revoked.key_tag} would have key {live.key_tag}'s tag if it were revoked",
                            rule=f"{_TAG_RULE}, RFC 5011 section 2.1",
                        )


def _response_size(dnskeys: RRset, octets: int) -> Finding:
    fits = octets <= MAX_RESPONSE_OCTETS
    return Finding(
        code="response-size" if fits else "response-too-large",
        severity=Severity.INFO if fits else Severity.WARNING,
        owner=name_text(dnskeys.owner),
        rdtype="DNSKEY",
        message=f"the DNSKEY response has {octets} octets, {'of' if fits else 'more than'} {MAX_RESPONSE_OCTETS}",
        rule=_RESPONSE_RULE,
        remedy="" if fits else "resolvers will ask again over TCP: make sure that it is answered, or use ECDSA keys",
    )


def _smaller_merge(
    dnskeys: RRset,
    sound: Iterable[Dnskey],
    signers: tuple[DnskeyHolder, ...],
    roles: Mapping[Dnskey, KeyRole],
    max_response_octets: int,
) -> tuple[Dnskey, ...]:
    """Return the ZSKs, and what is known to be a CSK, if there is anything to leave out and the rest fits."""
    needed = tuple(key for key in sound if not key.is_sep or roles.get(key) is KeyRole.CSK)
    octets = dnskey_response_octets(union(dnskeys, needed), signers)
    return needed if octets <= max_response_octets else ()


def _too_large(
    dnskeys: RRset,
    sound: Iterable[Dnskey],
    smaller: tuple[Dnskey, ...],
    octets: int,
    max_response_octets: int,
    signers: tuple[DnskeyHolder, ...],
) -> ResponseTooLarge:
    if smaller:
        remedy = (
            f"merge key {_listed(key.key_tag for key in smaller)} alone, which makes"
            f" {dnskey_response_octets(union(dnskeys, smaller), signers)} octets: the other side's KSK need not be in the"
            " RRset, only its ZSK, unless it signs its data with a CSK"
        )
    else:
        remedy = "use ECDSA keys, or lift the limit with max_response_octets=None and answer over TCP"
    return ResponseTooLarge(
        f"with key {_listed(key.key_tag for key in sound)} the DNSKEY response would have {octets} octets,"
        f" more than {max_response_octets}",
        owner=name_text(dnskeys.owner),
        response_octets=octets,
        max_response_octets=max_response_octets,
        remedy=remedy,
        rule=_RESPONSE_RULE,
    )


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


# ---- what a signed zone's keys do -----------------------------------------------------------------------------------


def dnskey_signers(zone: Zone) -> tuple[Dnskey, ...]:
    """Return the keys of a zone whose signatures stand over its DNSKEY RRset, whether those still verify or not.

    Raises:
        ZoneError: there is no DNSKEY RRset at the apex.
    """
    signatures = zone.get("@", rd.RRSIG, rd.DNSKEY)
    signing = set() if signatures is None else {signer_of(rdata) for rdata in signatures.rdatas}
    return tuple(key for key in dnskeys_of(zone.apex_rrset(rd.DNSKEY)) if (key.algorithm, key.key_tag) in signing)


def keys_to_take(losing_zone: Zone) -> tuple[Dnskey, ...]:
    """Return the keys of the losing zone that the gaining zone has to publish: all but those that sign only DNSKEYs.

    While caches hold data of the losing operator and the DNSKEY RRset of the gaining one, the data validates only if the
    key that signed it is in that RRset. So every key goes in whose signatures may be met then: ZSKs and CSKs, also one
    that signs nothing yet and is published ahead of a rollover, and one that signs nothing any more and is kept until its
    signatures are gone from caches. A key with the SEP flag that signs the DNSKEY RRset, with CDS and CDNSKEY, and
    nothing else has signed nothing that the gaining zone's RRset must prove; leaving it out keeps the response small.
    While any key with the SEP flag signs data, the zone uses CSKs and might be rolling them, so none is left out; nor is
    any when the zone has no signatures over data, from which nothing can be told.

    Keys that no validator uses, because they are revoked or no zone keys, are not returned.

    Raises:
        ZoneError: there is no DNSKEY RRset at the apex.
    """
    keys = tuple(
        key
        for key in dnskeys_of(losing_zone.apex_rrset(rd.DNSKEY))
        if key.is_zone_key and not key.is_revoked and key.protocol == DNSKEY_PROTOCOL
    )
    ksks = frozenset(key for key in dnskey_signers(losing_zone) if key.is_sep)
    data_signers = _data_signers(losing_zone) if ksks else frozenset()
    if not data_signers or any((key.algorithm, key.key_tag) in data_signers for key in keys if key.is_sep):
        return keys
    return tuple(key for key in keys if key not in ksks)


def _data_signers(zone: Zone) -> frozenset[tuple[int, int]]:
    """The algorithms and key tags of all signatures in a zone but those that a KSK makes too."""
    return frozenset(
        signer_of(record[HEADER_OCTETS:])
        for _, node in zone.nodes()
        for rdtype, covers, records in split_node(node)
        if rdtype == rd.RRSIG and covers not in rd.KSK_SIGNED_TYPES
        for record in records
    )


def signer_of(rrsig_rdata: bytes) -> tuple[int, int]:
    """Return what a signature names its key by: algorithm and key tag (RFC 4034 section 3.1)."""
    return rrsig_rdata[2], int.from_bytes(rrsig_rdata[16:18], "big")
