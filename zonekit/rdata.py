"""Record data: presentation form <-> wire form <-> canonical form.

dnspython parses and prints every type. The types that fill real zones have a short way here as well, which takes only
the plain spelling and leaves everything else, and every error, to dnspython; a test holds each short way equal to
dnspython's answer.

The canonical form (RFC 4034 section 6.2, RFC 6840 section 5.1) writes the names inside the data of some types in lower
case. Everywhere else the data is kept as it was given.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import re
import struct
from collections.abc import Callable, Iterable
from typing import Final

from dns.rdatatype import RdataType

from zonekit.errors import RdataError, TimeError, ZonekitError
from zonekit.instants import parse_rrsig_time, rrsig_time_text
from zonekit.names import (
    MAX_LABEL_OCTETS,
    MAX_NAME_OCTETS,
    ROOT,
    WireName,
    is_plain_name,
    name_end,
    name_text,
    parse_plain_name,
)
from zonekit.ttl import parse_ttl

# The numbers of RFC 1035, 3596, 4034, 5155, 6844, 7344, 7477, 8976 and the IANA table as plain ints, which compare and
# hash faster than the members of an enum.
A: Final = int(RdataType.A)
NS: Final = int(RdataType.NS)
CNAME: Final = int(RdataType.CNAME)
SOA: Final = int(RdataType.SOA)
PTR: Final = int(RdataType.PTR)
MX: Final = int(RdataType.MX)
TXT: Final = int(RdataType.TXT)
SIG: Final = int(RdataType.SIG)
KEY: Final = int(RdataType.KEY)
AAAA: Final = int(RdataType.AAAA)
SRV: Final = int(RdataType.SRV)
NAPTR: Final = int(RdataType.NAPTR)
DNAME: Final = int(RdataType.DNAME)
DS: Final = int(RdataType.DS)
RRSIG: Final = int(RdataType.RRSIG)
NSEC: Final = int(RdataType.NSEC)
DNSKEY: Final = int(RdataType.DNSKEY)
NSEC3: Final = int(RdataType.NSEC3)
NSEC3PARAM: Final = int(RdataType.NSEC3PARAM)
CDS: Final = int(RdataType.CDS)
CDNSKEY: Final = int(RdataType.CDNSKEY)
CSYNC: Final = int(RdataType.CSYNC)
ZONEMD: Final = int(RdataType.ZONEMD)
CAA: Final = int(RdataType.CAA)
HINFO: Final = int(RdataType.HINFO)
RP: Final = int(RdataType.RP)
AFSDB: Final = int(RdataType.AFSDB)
KX: Final = int(RdataType.KX)
SSHFP: Final = int(RdataType.SSHFP)
TLSA: Final = int(RdataType.TLSA)
SMIMEA: Final = int(RdataType.SMIMEA)
CERT: Final = int(RdataType.CERT)
OPENPGPKEY: Final = int(RdataType.OPENPGPKEY)
SVCB: Final = int(RdataType.SVCB)
HTTPS: Final = int(RdataType.HTTPS)
URI: Final = int(RdataType.URI)

# What a KSK signs rather than a ZSK: the RRsets that a parent's DS has to reach (RFC 4035 section 2.2, RFC 7344 section 4.1).
KSK_SIGNED_TYPES: Final = frozenset((DNSKEY, CDS, CDNSKEY))

_NXT: Final = int(RdataType.NXT)

MAX_RDATA_OCTETS: Final = 65535
RRSIG_FIXED_OCTETS: Final = 18
_RRSIG_TIMES_AT: Final = 8
"""What an RRSIG's data has before the signer's name (RFC 4034 section 3.1)."""

# Where the names begin in the data of the types whose names RFC 4034 section 6.2 lowers, when nothing follows.
# A length octet is at most 63 and so never looks like a capital letter.
_NAMES_FROM: Final = {
    NS: 0,
    int(RdataType.MD): 0,
    int(RdataType.MF): 0,
    CNAME: 0,
    int(RdataType.MB): 0,
    int(RdataType.MG): 0,
    int(RdataType.MR): 0,
    PTR: 0,
    int(RdataType.MINFO): 0,
    MX: 2,
    RP: 0,
    AFSDB: 2,
    int(RdataType.RT): 2,
    int(RdataType.PX): 2,
    KX: 2,
    SRV: 6,
    DNAME: 0,
}
_SOA_NUMBERS_OCTETS: Final = 20
# What is longer is worked out each time and not kept, so that no file fills the caches here with texts of its own length.
_MAX_CACHED_OCTETS: Final = 320
_MAX_CACHED_TYPES: Final = 64
_MAX_CACHED_BITMAP_OCTETS: Final = 64
_MAX_CACHED_TYPE_TEXT: Final = 16
_DNSKEY_FIXED_OCTETS: Final = 4


def parse_type(text: str) -> int:
    """Return the number of a record type given by mnemonic or as ``TYPE123`` (RFC 3597 section 5), in either case.

    Raises:
        RdataError: no such type, or one that only a query can have.

    >>> parse_type("dnskey"), parse_type("TYPE65534")
    (48, 65534)
    """
    rdtype = _TYPE_NUMBERS.get(text.upper())
    if rdtype is not None:
        return rdtype
    return (_parse_rare_type if len(text) <= _MAX_CACHED_TYPE_TEXT else _parse_rare_type.__wrapped__)(text)


@functools.lru_cache(maxsize=1024)
def _parse_rare_type(text: str) -> int:
    import dns.exception
    import dns.rdatatype

    try:
        rdtype = dns.rdatatype.from_text(text if text.isascii() else "")  # else "\u00df" would read as "SS"
    except (dns.exception.DNSException, ValueError):
        raise RdataError(f"{text[:32]!r} is not a record type", rule="RFC 3597 section 5") from None
    if dns.rdatatype.is_metatype(rdtype) or rdtype == 0:
        raise RdataError(f"{text[:32]!r} is a type for queries and messages only", rule="RFC 6895 section 3.1")
    return int(rdtype)


@functools.lru_cache(maxsize=1024)
def type_text(rdtype: int) -> str:
    """Return the mnemonic of a record type, or ``TYPE123`` where it has none (RFC 3597 section 5)."""
    import dns.rdatatype

    return dns.rdatatype.to_text(RdataType.make(rdtype))


_TYPE_NUMBERS: Final = {
    member.name.replace("_", "-"): int(member)
    for member in (
        *(RdataType.A, RdataType.NS, RdataType.CNAME, RdataType.SOA, RdataType.PTR, RdataType.MX, RdataType.TXT),
        *(RdataType.AAAA, RdataType.SRV, RdataType.NAPTR, RdataType.DNAME, RdataType.DS, RdataType.RRSIG),
        *(RdataType.NSEC, RdataType.DNSKEY, RdataType.NSEC3, RdataType.NSEC3PARAM, RdataType.TLSA, RdataType.CDS),
        *(RdataType.CDNSKEY, RdataType.CSYNC, RdataType.ZONEMD, RdataType.SVCB, RdataType.HTTPS, RdataType.CAA),
    )
}


# ---- presentation to wire ------------------------------------------------------------------------------------------


class NotPlain(ValueError):
    """The text is not in the plain spelling that a short parser takes."""


NOT_PLAIN: Final = (ValueError, LookupError, OverflowError, struct.error, ZonekitError)
"""What a short parser raises when the text is not plain, or is wrong: somebody else has to look."""

_ODD_SPACE: Final = re.compile(rb"[\n\v\f\r]")


def parse_rdata(rdtype: int, text: bytes, origin: WireName) -> bytes:
    """Return the wire form of record data given as in a zone file: one line, no parentheses, no comment.

    Args:
        rdtype: the record type's number.
        text: the data in presentation form, or in the generic form of RFC 3597 section 5 (``\\# 4 C0000201``).
        origin: what completes relative names.

    Raises:
        RdataError: the data does not fit its type.
        DomainNameError: a name in the data breaks a limit.

    >>> parse_rdata(MX, b"10 mail", b"\\x02nl\\x00")
    b'\\x00\\n\\x04mail\\x02nl\\x00'
    """
    parser = PLAIN_PARSERS.get(rdtype)
    if parser is None and _is_opaque(rdtype):
        parser = _parse_generic
    if parser is not None and not _ODD_SPACE.search(text):
        try:
            return parser(text.strip(), origin)
        except NOT_PLAIN:
            pass  # not the plain spelling, or wrong: dnspython decides and words the error
    return _parse_with_dnspython(rdtype, text, origin)


def _parse_with_dnspython(rdtype: int, text: bytes, origin: WireName) -> bytes:
    import dns.exception
    import dns.rdata
    import dns.rdataclass

    from zonekit.names import from_wire_name

    # dnspython would encode characters outside ASCII as UTF-8; a zone file holds octets (RFC 1035 section 5.1).
    line = _BEYOND_ASCII.sub(lambda match: match[1] or b"\\%d" % match[2][0], text).decode("ascii")
    if "\n" in line:  # where dnspython would stop and forget the rest
        raise RdataError(
            f"bad {type_text(rdtype)} data {_shortened(line)}: it has more than one line",
            remedy="give one record's data at a time",
            rule="RFC 1035 section 5.1",
        )
    given = _with_times_as_numbers(line) if rdtype == RRSIG else line
    try:
        rdata = dns.rdata.from_text(
            dns.rdataclass.IN, RdataType.make(rdtype), given, from_wire_name(origin), relativize=False
        )
        wire = rdata.to_wire()
    except Exception as error:  # dnspython raises many kinds here, not only its own
        raise RdataError(f"bad {type_text(rdtype)} data {_shortened(line)}: {_reason(error)}") from None
    assert wire is not None
    _check_has_key(rdtype, wire)
    if len(wire) > MAX_RDATA_OCTETS:
        raise RdataError(
            f"{type_text(rdtype)} data of {len(wire)} octets, more than {MAX_RDATA_OCTETS}",
            rule="RFC 1035 section 3.2.1",
        )
    return wire


# An octet beyond ASCII, with the backslash that escapes it if there is one; and to pass over, any other escape.
_BEYOND_ASCII: Final = re.compile(rb"(\\[\x00-\x7f])|\\?([\x80-\xff])")


def _with_times_as_numbers(line: str) -> str:
    """The text of an RRSIG with its times as numbers, for dnspython does not take them modulo 2^32 (RFC 4034 section 3.2)."""
    fields = line.split(None, 6)
    for place in (4, 5):
        with contextlib.suppress(LookupError, TimeError):
            fields[place] = str(parse_rrsig_time(fields[place]))
    return " ".join(fields)


def _shortened(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def _reason(error: Exception) -> str:
    """What an exception of dnspython's says, with nothing in it that a terminal would obey."""
    text = str(error) or type(error).__name__
    return "".join([character if character.isprintable() else "?" for character in text[:200]])


_OCTETS: Final = {str(octet).encode(): octet for octet in range(256)}


def _parse_a(text: bytes, origin: WireName) -> bytes:
    a, b, c, d = text.split(b".")
    return b"%c%c%c%c" % (_OCTETS[a], _OCTETS[b], _OCTETS[c], _OCTETS[d])


def _parse_aaaa(text: bytes, origin: WireName) -> bytes:
    """An address in groups of hexadecimal digits; one that ends in dotted decimal is left to dnspython."""
    head, gap, tail = text.partition(b"::")
    groups = head.split(b":") if head else []
    groups_after = tail.split(b":") if tail else []
    missing = 8 - len(groups) - len(groups_after)
    if (missing < 1 if gap else missing != 0) or b"" in groups or b"" in groups_after:
        raise NotPlain
    groups += [b"0"] * missing + groups_after
    address = binascii.unhexlify(b"".join([group.zfill(4) for group in groups]))
    if len(address) != 16:
        raise NotPlain
    return address


def _parse_one_name(text: bytes, origin: WireName) -> bytes:
    (name,) = text.split()
    return _plain_name(name, origin)


@functools.lru_cache(maxsize=8192)
def _plain_name(text: bytes, origin: WireName) -> WireName:
    if text == b"@":
        return origin
    if not is_plain_name(text):
        raise NotPlain
    return parse_plain_name(text, origin)


def _uint16(text: bytes) -> bytes:
    if not text.isdigit() or len(text) > 5:
        raise NotPlain
    return int(text).to_bytes(2, "big")


def _uint8(text: bytes) -> int:
    if not text.isdigit() or len(text) > 3:
        raise NotPlain
    return int(text)


def _parse_mx(text: bytes, origin: WireName) -> bytes:
    preference, exchange = text.split()
    return _uint16(preference) + _plain_name(exchange, origin)


def _parse_srv(text: bytes, origin: WireName) -> bytes:
    priority, weight, port, target = text.split()
    return _uint16(priority) + _uint16(weight) + _uint16(port) + _plain_name(target, origin)


# A quoted string may have escapes in it, and what is special elsewhere; a bare one has neither.
_QUOTED: Final = rb'"(?:[^"\\\n]|\\(?:[0-9]{3}|[^0-9\n]))*"'
_BARE: Final = rb'[^"\\\s;()]+'
_STRINGS: Final = re.compile(b"(?:%b|%b)(?:[ \t]+(?:%b|%b))*[ \t]*" % (_QUOTED, _BARE, _QUOTED, _BARE))
_STRING: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\S+)')
_ESCAPE: Final = re.compile(rb"\\(?:([0-9]{3})|(.))")


def _strings(text: bytes) -> list[bytes]:
    """Character-strings without their quotes and escapes (RFC 1035 section 5.1)."""
    if _STRINGS.fullmatch(text) is None:
        raise NotPlain
    return [_unescaped(match[1]) if match[2] is None else match[2] for match in _STRING.finditer(text)]


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: bytes((int(match[1]),)) if match[2] is None else match[2], text)


def _counted(octets: bytes) -> bytes:
    """A character-string in wire form."""
    return len(octets).to_bytes(1, "big") + octets


def _parse_txt(text: bytes, origin: WireName) -> bytes:
    if text[0] == 0x22 and text.find(b'"', 1) == len(text) - 1 and b"\\" not in text:
        if len(text) < 2:
            raise NotPlain
        return (len(text) - 2).to_bytes(1, "big") + text[1:-1]
    data = b"".join(map(_counted, _strings(text)))
    if len(data) > MAX_RDATA_OCTETS:
        raise NotPlain
    return data


@functools.lru_cache(maxsize=1024)
def _soa_time(text: bytes) -> int:
    return parse_ttl(text.decode("ascii"))


def _parse_hinfo(text: bytes, origin: WireName) -> bytes:
    cpu, system = _strings(text)
    return _counted(cpu) + _counted(system)


def _parse_caa(text: bytes, origin: WireName) -> bytes:
    flags, tag, value = text.split(None, 2)
    (value_octets,) = _strings(value)
    if not tag.isalnum():
        raise NotPlain
    return bytes((_uint8(flags),)) + _counted(tag) + value_octets


def _parse_naptr(text: bytes, origin: WireName) -> bytes:
    order, preference, rest = text.split(None, 2)
    strings, replacement = rest.rsplit(None, 1)
    flags, services, regexp = map(_counted, _strings(strings))
    return _uint16(order) + _uint16(preference) + flags + services + regexp + _plain_name(replacement, origin)


def _parse_uri(text: bytes, origin: WireName) -> bytes:
    priority, weight, rest = text.split(None, 2)
    (target,) = _strings(rest)
    if not target:
        raise NotPlain
    return _uint16(priority) + _uint16(weight) + target


def _parse_rp(text: bytes, origin: WireName) -> bytes:
    mailbox, texts = text.split()
    return _plain_name(mailbox, origin) + _plain_name(texts, origin)


def _parse_soa(text: bytes, origin: WireName) -> bytes:
    mname, rname, serial, refresh, retry, expire, minimum = text.split()
    if not serial.isdigit() or len(serial) > 10:
        raise NotPlain
    times = [_soa_time(field) for field in (refresh, retry, expire, minimum)]
    return _plain_name(mname, origin) + _plain_name(rname, origin) + struct.pack(">5I", int(serial), *times)


_DIGEST_OCTETS: Final = {1: 20, 2: 32, 4: 48}


def _parse_ds(text: bytes, origin: WireName) -> bytes:
    tag, algorithm, digest_type, *digest = text.split()
    digest_octets = binascii.unhexlify(b"".join(digest))
    if len(digest_octets) != _DIGEST_OCTETS.get(_uint8(digest_type)):
        raise NotPlain
    return _uint16(tag) + bytes((_uint8(algorithm), _uint8(digest_type))) + digest_octets


_FINGERPRINT_OCTETS: Final = {1: 20, 2: 32}
_ASSOCIATION_OCTETS: Final = {1: 32, 2: 64}


def _parse_sshfp(text: bytes, origin: WireName) -> bytes:
    algorithm, fingerprint_type, *digits = text.split()
    return bytes((_uint8(algorithm),)) + _digest(fingerprint_type, digits, _FINGERPRINT_OCTETS)


def _parse_tlsa(text: bytes, origin: WireName) -> bytes:
    usage, selector, matching_type, *digits = text.split()
    return bytes((_uint8(usage), _uint8(selector))) + _digest(matching_type, digits, _ASSOCIATION_OCTETS)


def _digest(digest_type: bytes, digits: list[bytes], octets_of_type: dict[int, int]) -> bytes:
    """The number of a digest, and the digest, from hexadecimal in one piece or several."""
    number, octets = _uint8(digest_type), binascii.unhexlify(b"".join(digits))
    if not octets or len(octets) != octets_of_type.get(number, len(octets)):
        raise NotPlain
    return bytes((number,)) + octets


def _parse_openpgpkey(text: bytes, origin: WireName) -> bytes:
    return _base64(text)


def _base64(text: bytes) -> bytes:
    """Octets from base64, whole or in pieces."""
    if b" " in text or b"\t" in text:
        text = b"".join(text.split())
    if not text:
        raise NotPlain
    return binascii.a2b_base64(text, strict_mode=True)


def _parse_dnskey(text: bytes, origin: WireName) -> bytes:
    flags, protocol, algorithm, key = text.split(None, 3)
    return _uint16(flags) + bytes((_uint8(protocol), _uint8(algorithm))) + _base64(key)


_CERTIFICATE_TYPES: Final = {
    b"PKIX": 1,
    b"SPKI": 2,
    b"PGP": 3,
    b"IPKIX": 4,
    b"ISPKI": 5,
    b"IPGP": 6,
    b"ACPKIX": 7,
    b"IACPKIX": 8,
    b"URI": 253,
    b"OID": 254,
}
_CERTIFICATE_TYPE_TEXTS: Final = {number: text.decode("ascii") for text, number in _CERTIFICATE_TYPES.items()}


def _parse_cert(text: bytes, origin: WireName) -> bytes:
    """A certificate (RFC 4398 section 2), its type and algorithm by mnemonic or number."""
    kind, tag, algorithm, certificate = text.split(None, 3)
    kind_octets = _CERTIFICATE_TYPES[kind].to_bytes(2, "big") if kind in _CERTIFICATE_TYPES else _uint16(kind)
    number = _uint8(algorithm) if algorithm.isdigit() else _algorithm_numbers()[algorithm.decode("ascii")]
    return kind_octets + _uint16(tag) + bytes((number,)) + _base64(certificate)


@functools.cache
def _algorithm_numbers() -> dict[str, int]:
    """The algorithms of certificates, all that dnspython knows and not only those that sign zones."""
    import dns.dnssectypes

    return {algorithm.name: int(algorithm) for algorithm in dns.dnssectypes.Algorithm}


def _parse_rrsig(text: bytes, origin: WireName) -> bytes:
    head, signature = text.rsplit(None, 1)
    if head.endswith(b".") and len(head) <= _MAX_CACHED_OCTETS:  # the signer's, so that the signature is in one piece
        return _rrsig_head(head, origin) + binascii.a2b_base64(signature, strict_mode=True)
    *fields, signature = text.split(None, 8)
    head = b" ".join(fields)
    if len(head) > _MAX_CACHED_OCTETS:
        raise NotPlain
    return _rrsig_head(head, origin) + _base64(signature)


@functools.lru_cache(maxsize=4096)
def _rrsig_head(text: bytes, origin: WireName) -> bytes:
    """The fields of an RRSIG before the signature, which many records of a zone share unless expirations jitter."""
    covered, algorithm, labels, ttl, expires, starts, tag, signer = text.split()
    return (
        _rrsig_fields_before_times(covered, algorithm, labels, ttl)
        + _rrsig_time(expires)
        + _rrsig_time(starts)
        + _rrsig_fields_after_times(tag, signer, origin)
    )


@functools.lru_cache(maxsize=4096)
def _rrsig_fields_before_times(covered: bytes, algorithm: bytes, labels: bytes, ttl: bytes) -> bytes:
    return (
        parse_type(covered.decode("ascii")).to_bytes(2, "big")
        + bytes((_uint8(algorithm), _uint8(labels)))
        + parse_ttl(ttl.decode("ascii")).to_bytes(4, "big")
    )


@functools.lru_cache(maxsize=4096)
def _rrsig_fields_after_times(tag: bytes, signer: bytes, origin: WireName) -> bytes:
    return _uint16(tag) + _plain_name(signer, origin)


def _rrsig_time(text: bytes) -> bytes:
    """A time to the second; its day is looked up, for jitter gives a zone more seconds than a cache should hold."""
    hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:])
    if len(text) != 14 or not text.isdigit() or hour > 23 or minute > 59 or second > 59:
        raise NotPlain
    return ((_midnight(text[:8]) + hour * 3600 + minute * 60 + second) % 2**32).to_bytes(4, "big")


@functools.lru_cache(maxsize=8192)
def _midnight(day: bytes) -> int:
    return parse_rrsig_time(day.decode("ascii") + "000000")


def _parse_nsec(text: bytes, origin: WireName) -> bytes:
    next_name, types = text.split(None, 1)
    if not is_plain_name(next_name):
        raise NotPlain
    return parse_plain_name(next_name, origin) + _bitmap_of(types)


_SHA1_TEXT_OCTETS: Final = 32


def _parse_nsec3(text: bytes, origin: WireName) -> bytes:
    algorithm, flags, iterations, salt, next_hash, *types = text.split(None, 5)
    if len(next_hash) != _SHA1_TEXT_OCTETS or not next_hash.isalnum():
        raise NotPlain
    salt_octets = b"" if salt == b"-" else binascii.unhexlify(salt)
    head = bytes((_uint8(algorithm), _uint8(flags))) + _uint16(iterations) + bytes((len(salt_octets),)) + salt_octets
    digest = int(next_hash, 32).to_bytes(20, "big")  # the digits of base32hex are those of a number in base 32
    return head + b"\x14" + digest + (_bitmap_of(types[0]) if types else b"")


def _bitmap_of(types: bytes) -> bytes:
    return (_bitmap_of_texts if len(types) <= _MAX_CACHED_OCTETS else _bitmap_of_texts.__wrapped__)(types)


@functools.lru_cache(maxsize=4096)
def _bitmap_of_texts(types: bytes) -> bytes:
    return type_bitmap([parse_type(text.decode("ascii")) for text in types.split()])


_ALPN_IDS: Final = re.compile(rb"[\w./+-]+(?:,[\w./+-]+)*", re.ASCII)


def _parse_alpn(value: bytes) -> bytes:
    if _ALPN_IDS.fullmatch(value) is None:
        raise NotPlain
    return b"".join(map(_counted, value.split(b",")))


def _parse_ipv4_hints(value: bytes) -> bytes:
    return b"".join([_parse_a(address, ROOT) for address in value.split(b",")])


def _parse_ipv6_hints(value: bytes) -> bytes:
    return b"".join([_parse_aaaa(address, ROOT) for address in value.split(b",")])


_SVC_PARAMETERS: Final[dict[bytes, tuple[int, Callable[[bytes], bytes]]]] = {
    b"alpn": (1, _parse_alpn),
    b"port": (3, _uint16),
    b"ipv4hint": (4, _parse_ipv4_hints),
    b"ipv6hint": (6, _parse_ipv6_hints),
}


def _parse_svcb(text: bytes, origin: WireName) -> bytes:
    """A service binding with the parameters that most have (RFC 9460 section 2.1); any other is left to dnspython."""
    priority, target, *parameters = text.split()
    head = _uint16(priority) + _plain_name(target, origin)
    values: dict[int, bytes] = {}
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        key, parse = _SVC_PARAMETERS[name]
        if key in values or (value[:1] == b'"') != (value[1:][-1:] == b'"'):
            raise NotPlain
        values[key] = parse(value[1:-1] if value[:1] == b'"' else value)
    if values and head[:2] == b"\x00\x00":  # an alias has no parameters
        raise NotPlain
    return head + b"".join([struct.pack(">HH", key, len(values[key])) + values[key] for key in sorted(values)])


def _parse_generic(text: bytes, origin: WireName) -> bytes:
    """Data in the generic form (RFC 3597 section 5)."""
    mark, octets, *digits = text.split()
    data = binascii.unhexlify(b"".join(digits))
    if mark != b"\\#" or int.from_bytes(_uint16(octets), "big") != len(data):
        raise NotPlain
    return data


@functools.lru_cache(maxsize=1024)
def _is_opaque(rdtype: int) -> bool:
    """Whether the data of a type is octets and nothing more to dnspython, which has no class for it."""
    import dns.rdata
    import dns.rdataclass

    made = dns.rdata.get_rdata_class(dns.rdataclass.IN, RdataType.make(rdtype))  # type: ignore[no-untyped-call]
    return made is dns.rdata.GenericRdata


PLAIN_PARSERS: Final[dict[int, Callable[[bytes, WireName], bytes]]] = {
    A: _parse_a,
    AAAA: _parse_aaaa,
    NS: _parse_one_name,
    CNAME: _parse_one_name,
    PTR: _parse_one_name,
    DNAME: _parse_one_name,
    MX: _parse_mx,
    SRV: _parse_srv,
    TXT: _parse_txt,
    SOA: _parse_soa,
    DS: _parse_ds,
    CDS: _parse_ds,
    DNSKEY: _parse_dnskey,
    CDNSKEY: _parse_dnskey,
    RRSIG: _parse_rrsig,
    NSEC: _parse_nsec,
    NSEC3: _parse_nsec3,
    HINFO: _parse_hinfo,
    RP: _parse_rp,
    AFSDB: _parse_mx,
    KX: _parse_mx,
    NAPTR: _parse_naptr,
    SSHFP: _parse_sshfp,
    TLSA: _parse_tlsa,
    SMIMEA: _parse_tlsa,
    CERT: _parse_cert,
    OPENPGPKEY: _parse_openpgpkey,
    SVCB: _parse_svcb,
    HTTPS: _parse_svcb,
    URI: _parse_uri,
    CAA: _parse_caa,
}
"""The short parsers by type: from data text and the origin to wire form, or one of NOT_PLAIN.

They take one line without line ends or other odd white space, and nothing that a tokenizer would have to look at: text with
a comment or a parenthesis in it is never plain, nor is one with an escape, but for what is in a quoted string.
"""


# ---- wire to presentation ------------------------------------------------------------------------------------------


def print_rdata(rdtype: int, rdata: bytes) -> str:
    """Return record data in presentation form, on one line, every name absolute.

    Types that dnspython does not know come in the generic form of RFC 3597 section 5.

    >>> print_rdata(MX, b"\\x00\\n\\x04mail\\x02nl\\x00")
    '10 mail.nl.'
    """
    printer = _PRINTERS.get(rdtype)
    if printer is None and len(rdata) <= _MAX_GENERIC_OCTETS and _is_opaque(rdtype):
        printer = _print_generic
    return _print_with_dnspython(rdtype, rdata) if printer is None else printer(rdata)


def _print_with_dnspython(rdtype: int, rdata: bytes) -> str:
    import dns.rdata
    import dns.rdataclass

    # Where dnspython reads data its own way back differently, the generic form is the one that is always right.
    try:
        parsed = dns.rdata.from_wire(dns.rdataclass.IN, RdataType.make(rdtype), rdata, 0, len(rdata))
        text = parsed.to_text().rstrip()  # it leaves a blank after generic data of no octets
        if "\n" not in text and _parse_with_dnspython(rdtype, text.encode(), b"\x00") == rdata:
            return text
    except Exception:  # dnspython raises many kinds here, not only its own
        pass
    return f"\\# {len(rdata)} {rdata.hex().upper()}".rstrip()


_OCTET_TEXTS: Final = [str(octet) for octet in range(256)]
_TEXT_PLAIN: Final = re.compile(rb"[ !#-\[\]-~]*")


def _print_a(rdata: bytes) -> str:
    a, b, c, d = rdata
    return f"{a}.{b}.{c}.{d}"


_ZERO_RUNS: Final = [":".join("0" * count) for count in range(8, 1, -1)]


def _print_aaaa(rdata: bytes) -> str:
    """An address as RFC 5952 writes it; one that may end in dotted decimal is left to dnspython."""
    if rdata.startswith(bytes(10)):
        return _print_with_dnspython(AAAA, rdata)
    text = ":".join([f"{group:x}" for group in struct.unpack(">8H", rdata)])
    for run in _ZERO_RUNS:
        before, found, after = f":{text}:".partition(f":{run}:")
        if found:
            return f"{before[1:]}::{after[:-1]}"
    return text


def _print_caa(rdata: bytes) -> str:
    value_at = 2 + rdata[1]
    return f"{rdata[0]} {rdata[2:value_at].decode('ascii')} {quoted_string(rdata[value_at:])}"


def _print_one_name(rdata: bytes) -> str:
    return name_text(rdata)


def _print_mx(rdata: bytes) -> str:
    return f"{rdata[0] << 8 | rdata[1]} {name_text(rdata[2:])}"


def _print_srv(rdata: bytes) -> str:
    priority, weight, port = struct.unpack_from(">3H", rdata)
    return f"{priority} {weight} {port} {name_text(rdata[6:])}"


def _print_txt(rdata: bytes) -> str:
    texts = []
    position = 0
    while position < len(rdata):
        end = position + 1 + rdata[position]
        texts.append(quoted_string(rdata[position + 1 : end]))
        position = end
    return " ".join(texts)


def quoted_string(octets: bytes) -> str:
    """Return octets as a quoted character-string (RFC 1035 section 5.1)."""
    if _TEXT_PLAIN.fullmatch(octets):
        return f'"{octets.decode("ascii")}"'
    return '"' + "".join(_ESCAPED_OCTETS[octet] for octet in octets) + '"'


_ESCAPED_OCTETS: Final = [
    f"\\{chr(octet)}" if octet in b'"\\' else chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03}"
    for octet in range(256)
]


def _print_rrsig(rdata: bytes) -> str:
    signature_at = name_end(rdata, RRSIG_FIXED_OCTETS)
    signature = binascii.b2a_base64(rdata[signature_at:], newline=False).decode("ascii")
    return rrsig_head_text(rdata[:signature_at]) + signature


def rrsig_head_text(head: bytes) -> str:
    """An RRSIG's fields up to the signature as text."""
    covered, algorithm, labels, ttl = struct.unpack_from(">HBBI", head)
    return f"{type_text(covered)} {algorithm} {labels} {ttl} {_rrsig_tail_text(head[_RRSIG_TIMES_AT:])}"


@functools.lru_cache(maxsize=4096)
def _rrsig_tail_text(tail: bytes) -> str:
    """The times, key tag and signer, which all signatures of a zone by one key share unless expirations jitter."""
    expires, starts, tag = struct.unpack_from(">IIH", tail)
    signer = name_text(tail[RRSIG_FIXED_OCTETS - _RRSIG_TIMES_AT :])
    return f"{rrsig_time_text(expires)} {rrsig_time_text(starts)} {tag} {signer} "


def _print_nsec(rdata: bytes) -> str:
    bitmap_at = name_end(rdata)
    return name_text(rdata[:bitmap_at]) + bitmap_text(rdata[bitmap_at:])


def bitmap_text(bitmap: bytes) -> str:
    """Return the mnemonics of the types that a type bit maps field lists, a blank before each.

    >>> bitmap_text(type_bitmap([A, RRSIG, NSEC]))
    ' A RRSIG NSEC'
    """
    return (_bitmap_text if len(bitmap) <= _MAX_CACHED_BITMAP_OCTETS else _bitmap_text.__wrapped__)(bitmap)


@functools.lru_cache(maxsize=1024)
def _bitmap_text(bitmap: bytes) -> str:
    return "".join([f" {type_text(rdtype)}" for rdtype in bitmap_types(bitmap)])


def _print_nsec3(rdata: bytes) -> str:
    hash_at = 5 + rdata[4]
    bitmap_at = hash_at + 1 + rdata[hash_at]
    next_hash = base32_text(rdata[hash_at + 1 : bitmap_at])
    return f"{_nsec3_parameters_text(rdata[:hash_at])}{next_hash}{bitmap_text(rdata[bitmap_at:])}"


@functools.lru_cache(maxsize=64)  # they are the same all over a chain
def _nsec3_parameters_text(octets: bytes) -> str:
    algorithm, flags, iterations, _ = struct.unpack_from(">BBHB", octets)
    return f"{algorithm} {flags} {iterations} {octets[5:].hex().upper() or '-'} "


@functools.lru_cache(maxsize=4096)  # a hash is the owner of one NSEC3 and stands in the one before it
def base32_text(octets: bytes) -> str:
    """Return octets in lower-case, unpadded base32 with the extended hex alphabet (RFC 4648 section 7, RFC 5155)."""
    if len(octets) != _SHA1_OCTETS:
        return base64.b32hexencode(octets).decode("ascii").rstrip("=").lower()
    # The hashes of a zone, ten bits at a time: in a third of that time.
    n, pairs = int.from_bytes(octets, "big"), _BASE32_PAIRS
    return (
        f"{pairs[n >> 150]}{pairs[n >> 140 & 1023]}{pairs[n >> 130 & 1023]}{pairs[n >> 120 & 1023]}"
        f"{pairs[n >> 110 & 1023]}{pairs[n >> 100 & 1023]}{pairs[n >> 90 & 1023]}{pairs[n >> 80 & 1023]}"
        f"{pairs[n >> 70 & 1023]}{pairs[n >> 60 & 1023]}{pairs[n >> 50 & 1023]}{pairs[n >> 40 & 1023]}"
        f"{pairs[n >> 30 & 1023]}{pairs[n >> 20 & 1023]}{pairs[n >> 10 & 1023]}{pairs[n & 1023]}"
    )


_SHA1_OCTETS: Final = 20
_BASE32_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"
_BASE32_PAIRS: Final = tuple([high + low for high in _BASE32_DIGITS for low in _BASE32_DIGITS])


def _print_dnskey(rdata: bytes) -> str:
    key = binascii.b2a_base64(rdata[4:], newline=False).decode("ascii")
    return f"{rdata[0] << 8 | rdata[1]} {rdata[2]} {rdata[3]} {key}"


def _print_ds(rdata: bytes) -> str:
    return f"{rdata[0] << 8 | rdata[1]} {rdata[2]} {rdata[3]} {rdata[4:].hex().upper()}"


_MAX_GENERIC_OCTETS: Final = 64  # dnspython breaks up what is longer


def _print_generic(rdata: bytes) -> str:
    return f"\\# {len(rdata)} {rdata.hex()}".rstrip()


def _print_rp(rdata: bytes) -> str:
    texts_at = name_end(rdata)
    return f"{name_text(rdata[:texts_at])} {name_text(rdata[texts_at:])}"


def _print_naptr(rdata: bytes) -> str:
    order, preference = struct.unpack_from(">HH", rdata)
    name_at = 4
    for _ in range(3):
        name_at += 1 + rdata[name_at]
    return f"{order} {preference} {_print_txt(rdata[4:name_at])} {name_text(rdata[name_at:])}"


def _print_uri(rdata: bytes) -> str:
    priority, weight = struct.unpack_from(">HH", rdata)
    return f"{priority} {weight} {quoted_string(rdata[4:])}"


def _print_sshfp(rdata: bytes) -> str:
    return f"{rdata[0]} {rdata[1]} {rdata[2:].hex()}"


def _print_tlsa(rdata: bytes) -> str:
    return f"{rdata[0]} {rdata[1]} {rdata[2]} {rdata[3:].hex()}"


def _print_openpgpkey(rdata: bytes) -> str:
    return binascii.b2a_base64(rdata, newline=False).decode("ascii")


def _print_cert(rdata: bytes) -> str:
    kind, tag, algorithm = struct.unpack_from(">HHB", rdata)
    certificate = binascii.b2a_base64(rdata[5:], newline=False).decode("ascii")
    return (
        f"{_CERTIFICATE_TYPE_TEXTS.get(kind, kind)} {tag} {_algorithm_texts().get(algorithm, algorithm)} {certificate}"
    )


@functools.cache
def _algorithm_texts() -> dict[int, str]:
    return {number: text for text, number in _algorithm_numbers().items()}


def _alpn_text(value: bytes) -> str:
    ids = []
    position = 0
    while position < len(value):
        end = position + 1 + value[position]
        ids.append(value[position + 1 : end])
        position = end
    joined = b",".join(ids)
    if _ALPN_IDS.fullmatch(joined) is None or joined.count(b",") != len(ids) - 1:
        raise NotPlain
    return joined.decode("ascii")


def _ipv4_hints_text(value: bytes) -> str:
    return ",".join([_print_a(value[start : start + 4]) for start in range(0, len(value), 4)])


def _ipv6_hints_text(value: bytes) -> str:
    return ",".join([_print_aaaa(value[start : start + 16]) for start in range(0, len(value), 16)])


_SVC_PARAMETER_TEXTS: Final[dict[int, tuple[str, Callable[[bytes], str]]]] = {
    1: ("alpn", _alpn_text),
    3: ("port", lambda value: str(int.from_bytes(value, "big"))),
    4: ("ipv4hint", _ipv4_hints_text),
    6: ("ipv6hint", _ipv6_hints_text),
}


def _print_svcb(rdata: bytes) -> str:
    """A service binding with the parameters that most have; one with any other is left to dnspython."""
    position = name_end(rdata, 2)
    texts = [str(rdata[0] << 8 | rdata[1]), name_text(rdata[2:position])]
    try:
        while position < len(rdata):
            key, octets = struct.unpack_from(">HH", rdata, position)
            name, text_of = _SVC_PARAMETER_TEXTS[key]
            texts.append(f'{name}="{text_of(rdata[position + 4 : position + 4 + octets])}"')
            position += 4 + octets
    except NOT_PLAIN:
        return _print_with_dnspython(SVCB, rdata)
    return " ".join(texts)


_PRINTERS: Final[dict[int, Callable[[bytes], str]]] = {
    A: _print_a,
    AAAA: _print_aaaa,
    CAA: _print_caa,
    NS: _print_one_name,
    CNAME: _print_one_name,
    PTR: _print_one_name,
    DNAME: _print_one_name,
    MX: _print_mx,
    SRV: _print_srv,
    TXT: _print_txt,
    DS: _print_ds,
    CDS: _print_ds,
    DNSKEY: _print_dnskey,
    CDNSKEY: _print_dnskey,
    RRSIG: _print_rrsig,
    NSEC: _print_nsec,
    NSEC3: _print_nsec3,
    HINFO: _print_txt,
    RP: _print_rp,
    AFSDB: _print_mx,
    KX: _print_mx,
    NAPTR: _print_naptr,
    SSHFP: _print_sshfp,
    TLSA: _print_tlsa,
    SMIMEA: _print_tlsa,
    CERT: _print_cert,
    OPENPGPKEY: _print_openpgpkey,
    SVCB: _print_svcb,
    HTTPS: _print_svcb,
    URI: _print_uri,
}


# ---- canonical form and checks -------------------------------------------------------------------------------------


def canonical_rdata(rdtype: int, rdata: bytes) -> bytes:
    """Return the canonical form of record data, the one that is signed (RFC 4034 section 6.2, RFC 6840 section 5.1).

    >>> canonical_rdata(MX, b"\\x00\\n\\x04MAIL\\x02NL\\x00")
    b'\\x00\\n\\x04mail\\x02nl\\x00'
    """
    names_from = _NAMES_FROM.get(rdtype)
    if names_from is not None:
        return rdata[:names_from] + rdata[names_from:].lower()
    if rdtype == SOA:
        return rdata[:-_SOA_NUMBERS_OCTETS].lower() + rdata[-_SOA_NUMBERS_OCTETS:]
    if rdtype in (RRSIG, SIG):
        return _lower_name_at(rdata, RRSIG_FIXED_OCTETS)
    if rdtype == _NXT:
        return _lower_name_at(rdata, 0)
    if rdtype == NAPTR:
        position = 4
        for _ in range(3):  # flags, services, regexp (RFC 3403 section 4.1)
            position += rdata[position] + 1
        return _lower_name_at(rdata, position)
    return rdata


def has_names_to_lower(rdtype: int) -> bool:
    """Whether the canonical form of this type's data can differ from the data as given."""
    return rdtype in _MAY_HAVE_NAMES


_MAY_HAVE_NAMES: Final = frozenset((*_NAMES_FROM, SOA, RRSIG, SIG, NAPTR, _NXT))


def _lower_name_at(rdata: bytes, start: int) -> bytes:
    end = name_end(rdata, start)
    return rdata[:start] + rdata[start:end].lower() + rdata[end:]


def _check_has_key(rdtype: int, rdata: bytes) -> None:
    """Refuse a DNSKEY or CDNSKEY without a public key, which dnspython takes and name servers do not."""
    if rdtype in (DNSKEY, CDNSKEY) and len(rdata) <= _DNSKEY_FIXED_OCTETS:
        raise RdataError(f"a {type_text(rdtype)} without a public key", rule="RFC 4034 section 2.1")


def check_rdata(rdtype: int, rdata: bytes) -> None:
    """Check that ``rdata`` is well-formed data of its type; data of types that dnspython does not know always is.

    Raises:
        RdataError: it is not, or has over 65535 octets.
    """
    if len(rdata) > MAX_RDATA_OCTETS:
        raise RdataError(
            f"{type_text(rdtype)} data of {len(rdata)} octets, more than {MAX_RDATA_OCTETS}",
            rule="RFC 1035 section 3.2.1",
        )
    if rdtype in (DNSKEY, CDNSKEY) and len(rdata) > _DNSKEY_FIXED_OCTETS:
        return  # whatever the octets are: the last field takes them all
    if rdtype in _SHAPES and _has_shape(rdata, *_SHAPES[rdtype]):
        return
    import dns.rdata
    import dns.rdataclass

    try:
        parsed = dns.rdata.from_wire(dns.rdataclass.IN, RdataType.make(rdtype), rdata, 0, len(rdata))
    except Exception as error:  # dnspython raises many kinds here, not only its own
        raise RdataError(f"bad {type_text(rdtype)} data in wire form: {_reason(error)}") from None
    _check_has_key(rdtype, rdata)
    if parsed.to_wire() != rdata:
        raise RdataError(
            f"{type_text(rdtype)} data in wire form is not in its plain, uncompressed form",
            remedy="write every name in it out in full",
            rule="RFC 3597 section 4",
        )


# For the data of a step at the apex: how many octets stand before its names, how many names, and what is left to stand
# after them, where a signature may be of any length.
_SHAPES: Final = {
    NS: (0, 1, range(1)),
    CNAME: (0, 1, range(1)),
    SOA: (0, 2, range(_SOA_NUMBERS_OCTETS, _SOA_NUMBERS_OCTETS + 1)),
    RRSIG: (RRSIG_FIXED_OCTETS, 1, range(1, MAX_RDATA_OCTETS)),
}


def _has_shape(rdata: bytes, names_from: int, names: int, left: range) -> bool:
    """Whether data consists of so many octets, so many uncompressed names, and octets that may be left."""
    position = names_from
    for _ in range(names):
        begins = position
        while position < len(rdata) and 0 < rdata[position] <= MAX_LABEL_OCTETS:
            position += rdata[position] + 1
        if position >= len(rdata) or rdata[position] or position - begins >= MAX_NAME_OCTETS:
            return False
        position += 1
    return len(rdata) - position in left


# ---- type bitmaps --------------------------------------------------------------------------------------------------


def type_bitmap(rdtypes: Iterable[int]) -> bytes:
    """Return the type bit maps field of NSEC, NSEC3 and CSYNC (RFC 4034 section 4.1.2).

    >>> type_bitmap([A, RRSIG, NSEC]).hex()
    '0006400000000003'
    """
    listed = tuple(rdtypes)
    return (_type_bitmap if len(listed) <= _MAX_CACHED_TYPES else _type_bitmap.__wrapped__)(listed)


@functools.lru_cache(maxsize=4096)
def _type_bitmap(rdtypes: tuple[int, ...]) -> bytes:
    windows: dict[int, bytearray] = {}
    for rdtype in sorted(set(rdtypes)):
        window, bit = divmod(rdtype, 256)
        octets = windows.setdefault(window, bytearray())
        octets.extend(bytes(bit // 8 + 1 - len(octets)))
        octets[bit // 8] |= 0x80 >> bit % 8
    return b"".join([bytes((window, len(octets))) + octets for window, octets in windows.items()])


def bitmap_types(bitmap: bytes) -> list[int]:
    """Return the types that a type bit maps field lists, in ascending order (RFC 4034 section 4.1.2).

    Raises:
        RdataError: a window is empty, over 32 octets, out of order or cut short.
    """
    rdtypes: list[int] = []
    position, previous = 0, -1
    while position < len(bitmap):
        if len(bitmap) < position + 2:
            raise RdataError("a type bit map is cut short", rule="RFC 4034 section 4.1.2")
        window, length = bitmap[position], bitmap[position + 1]
        octets = bitmap[position + 2 : position + 2 + length]
        if window <= previous or not 1 <= length <= 32 or len(octets) != length:
            raise RdataError("a type bit map has a bad window", rule="RFC 4034 section 4.1.2")
        for index, octet in enumerate(octets):
            rdtypes.extend(window * 256 + index * 8 + bit for bit in range(8) if octet & 0x80 >> bit)
        position, previous = position + 2 + length, window
    return rdtypes
