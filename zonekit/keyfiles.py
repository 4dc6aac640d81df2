"""BIND's key files: the text of ``K*.key`` and ``K*.private``, to and from signing keys.

Text in, values out: no file is touched here. What is written is what dnssec-keygen writes, so that dnssec-settime,
dnssec-dsfromkey, dnssec-signzone and named take it; what is read is theirs and that of ldns-keygen, which stops at
version 1.2 of the format and knows no timing.

A private key file says when a key is published and used. Where it says nothing of it, BIND never uses a key of version 1.3,
and uses one of version 1.2 as soon as its DNSKEY is in the zone. So a key without timing is written as version 1.2, as
``dnssec-keygen -C`` does (dnssec-settime changes it with ``-f`` only), and any other as version 1.3. A key that BIND shall
bring into the zone by itself needs a timing: :meth:`zonekit.keys.KeyTiming.starting`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from zonekit.algorithms import RSA_ALGORITHMS, Algorithm, PrivateKey, parse_algorithm, require_may_sign, rsa_private_key
from zonekit.arithmetic import ec, ed448, ed25519, rsa
from zonekit.errors import DomainNameError, KeyFileError, TtlError
from zonekit.instants import epoch_seconds, from_epoch_seconds, rrsig_time_text
from zonekit.keys import (
    DNSKEY_PROTOCOL,
    KeyRole,
    KeyTiming,
    LocalSigner,
    SigningKey,
    export_private_key,
    key_file_stem,
)
from zonekit.names import WireName, name_text, parse_origin
from zonekit.ttl import Ttl, parse_ttl

__all__ = ["key_file_stem", "parse_key_files", "render_key_file", "render_private_file"]

_PRIVATE_TIMES: Final[Sequence[tuple[str, str]]] = (
    ("Created", "created"),
    ("Publish", "publish"),
    ("Activate", "activate"),
    ("Revoke", "revoke"),
    ("Inactive", "inactive"),
    ("Delete", "delete"),
    ("DSPublish", "ds_publish"),
    ("SyncPublish", "sync_publish"),
    ("SyncDelete", "sync_delete"),
)
# BIND keeps DSRemoved in its state files and refuses a private key file that has it; a comment it does not mind.
_PUBLIC_TIMES: Final[Sequence[tuple[str, str]]] = (
    *(each for each in _PRIVATE_TIMES if each[0] != "DSPublish"),
    ("DSRemoved", "ds_removed"),
)
_TAG_FIELDS: Final = (("Predecessor", "predecessor"), ("Successor", "successor"))
_RSA_FIELDS: Final = (
    "Modulus",
    "PublicExponent",
    "PrivateExponent",
    "Prime1",
    "Prime2",
    "Exponent1",
    "Exponent2",
    "Coefficient",
)
_VERSION_FIELD: Final = "Private-key-format"
_DEVICE_FIELDS: Final = frozenset({"Engine", "Label"})
_KNOWN_FIELDS: Final = frozenset(
    {_VERSION_FIELD, "Algorithm", "PrivateKey", "MaxTTL", "RollPeriod", *_RSA_FIELDS, *_DEVICE_FIELDS}
    | {tag for tag, _ in (*_PRIVATE_TIMES, *_TAG_FIELDS)}
)
_LAST_KNOWN_MINOR: Final = 3

_VERSION: Final = re.compile(r"v1\.(\d{1,3})", re.ASCII)
_ALGORITHM: Final = re.compile(r"(\d{1,3})(?:\s.*)?", re.ASCII)
_TIME: Final = re.compile(r"(\d{14})(?:\s.*)?", re.ASCII)
_KEY_TAG: Final = re.compile(r"\d{1,5}", re.ASCII)
_DS_REMOVED: Final = re.compile(r";\s*DSRemoved:\s*(\d{14})\b.*", re.ASCII)
_RECORD_TOKEN: Final = re.compile(r";.*|((?:\\.|[^\s;()])+)")
_NUMBER: Final = re.compile(r"\d{1,5}", re.ASCII)
_KEY_CHUNK: Final = 56


def render_key_file(key: SigningKey) -> str:
    """Return the text of the key's ``.key`` file: the DNSKEY record, with BIND's comments in front.

    >>> from zonekit.keys import generate_ksk
    >>> print(render_key_file(generate_ksk("example.nl")))  # doctest: +ELLIPSIS
    ; This is a key-signing key, keyid ..., for example.nl.
    example.nl. IN DNSKEY 257 3 13 ...
    <BLANKLINE>
    """
    owner = name_text(key.owner)
    kind = "zone-signing" if key.role is KeyRole.ZSK else "key-signing"
    lines = [f"; This is a {kind} key, keyid {key.key_tag}, for {owner}"]
    for tag, attribute in _PUBLIC_TIMES:
        instant = getattr(key.timing, attribute)
        if instant is not None:
            lines.append(f"; {tag}: {_time_text(instant)} ({instant.ctime()})")
    ttl = "" if key.dnskey_ttl is None else f" {key.dnskey_ttl}"
    encoded = base64.b64encode(key.public_key).decode()
    chunks = " ".join(encoded[start : start + _KEY_CHUNK] for start in range(0, len(encoded), _KEY_CHUNK))
    lines.append(f"{owner}{ttl} IN DNSKEY {key.flags} {DNSKEY_PROTOCOL} {int(key.algorithm)} {chunks}")
    return "\n".join(lines) + "\n"


def render_private_file(key: SigningKey) -> str:
    """Return the text of the key's ``.private`` file. It holds the private key in the clear.

    Raises:
        SigningKeyError: the private key cannot be had, because a device keeps it.
    """
    material = _private_fields(export_private_key(key))
    extras = [
        f"{tag}: {value}" for tag, attribute in _TAG_FIELDS if (value := getattr(key.timing, attribute)) is not None
    ]
    extras += [
        f"{tag}: {_time_text(instant)}"
        for tag, attribute in _PRIVATE_TIMES
        if (instant := getattr(key.timing, attribute)) is not None
    ]
    lines = [
        f"{_VERSION_FIELD}: v1.{3 if extras else 2}",
        f"Algorithm: {int(key.algorithm)} ({key.algorithm.name})",
        *(f"{tag}: {base64.b64encode(octets).decode()}" for tag, octets in material.items()),
        *extras,
    ]
    return "\n".join(lines) + "\n"


def _time_text(instant: datetime) -> str:
    return rrsig_time_text(epoch_seconds(instant))


def _private_fields(private_key: PrivateKey) -> dict[str, bytes]:
    """Return the fields that hold the private key, in BIND's order."""
    if isinstance(private_key, rsa.RSAPrivateKey):
        numbers = private_key.private_numbers()
        public = numbers.public_numbers
        values = (public.n, public.e, numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
        return {
            tag: value.to_bytes((value.bit_length() + 7) // 8, "big")
            for tag, value in zip(_RSA_FIELDS, values, strict=True)
        }
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        octets = (private_key.key_size + 7) // 8
        return {"PrivateKey": private_key.private_numbers().private_value.to_bytes(octets, "big")}
    return {"PrivateKey": private_key.private_bytes_raw()}


def parse_key_files(key_text: str, private_text: str, *, role: KeyRole | None = None) -> SigningKey:
    """Return the signing key that a ``.key`` and a ``.private`` file hold together.

    The timing is that of the private file, as for BIND. A key with flags 257 is a KSK, unless ``role`` says CSK: the files
    do not tell the two apart.

    Raises:
        KeyFileError: a text that cannot be read; the message says which file and line, and never what stood there.
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: the two files are of different keys, a revoked key, or flags that do not fit ``role``.
    """
    record = _parse_dnskey_record(key_text)
    values = _read_private_fields(private_text)
    algorithm = _private_algorithm(values)
    if algorithm is not record.algorithm:
        raise KeyFileError(
            f"the public key file is of algorithm {record.algorithm} and the private one of algorithm {algorithm}",
            remedy="check that both files are of the same key",
        )
    return SigningKey(
        owner=record.owner,
        algorithm=algorithm,
        flags=record.flags,
        public_key=record.public_key,
        role=role or (KeyRole.ZSK if record.flags == KeyRole.ZSK.flags else KeyRole.KSK),
        signer=LocalSigner(_private_key(algorithm, values), algorithm),
        timing=_timing(values, key_text),
        dnskey_ttl=record.ttl,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _DnskeyRecord:
    """What the record of a ``.key`` file says."""

    owner: WireName
    ttl: Ttl | None
    flags: int
    algorithm: Algorithm
    public_key: bytes


def _parse_dnskey_record(key_text: str) -> _DnskeyRecord:
    """Return the one DNSKEY record of a ``.key`` file: owner, TTL and class in any order or absent, type, rdata."""
    tokens = [token for line in key_text.splitlines() for token in _RECORD_TOKEN.findall(line) if token]
    kinds = [token.upper() for token in tokens]
    place = kinds.index("DNSKEY") if "DNSKEY" in kinds else 0
    if not 1 <= place <= 3 or len(tokens) < place + 5:
        raise KeyFileError(
            "public key file: there is no DNSKEY record in it",
            remedy="give the text of a K*.key file: owner, TTL, class, DNSKEY, flags, protocol, algorithm and key",
            rule="RFC 4034 section 2.2",
        )
    flags, protocol, algorithm, *key = tokens[place + 1 :]
    if protocol != str(DNSKEY_PROTOCOL):
        raise KeyFileError("public key file: the protocol is not 3", rule="RFC 4034 section 2.1.2")
    if not _NUMBER.fullmatch(flags):
        raise KeyFileError("public key file: the flags are not a number", rule="RFC 4034 section 2.2")
    return _DnskeyRecord(
        owner=_parse_owner(tokens[0]),
        ttl=_parse_record_ttl(tokens[1:place]),
        flags=int(flags),
        algorithm=parse_algorithm(algorithm),
        public_key=_decode("".join(key), "public key file: the key"),
    )


def _parse_owner(text: str) -> WireName:
    with contextlib.suppress(DomainNameError, UnicodeError):
        return parse_origin(text)
    raise KeyFileError("public key file: the owner is not a domain name", rule="RFC 1035 section 3.1")


def _parse_record_ttl(tokens: list[str]) -> Ttl | None:
    """Return the TTL that stands between owner and type, beside the class IN or alone."""
    ttl = None
    for token in tokens:
        if token.upper() != "IN":
            ttl = None
            with contextlib.suppress(TtlError):
                ttl = parse_ttl(token)
            if ttl is None:
                raise KeyFileError(
                    "public key file: before DNSKEY stands what is neither a TTL nor the class IN",
                    rule="RFC 1035 section 5.1",
                )
    return ttl


def _decode(text: str, what: str) -> bytes:
    """Return the octets that base64 text holds, with whitespace anywhere.

    What is not ASCII is kept from the decoder: its exception would carry the whole text along.
    """
    octets = None
    if text.isascii():
        with contextlib.suppress(binascii.Error):
            octets = base64.b64decode("".join(text.split()), validate=True)
    if octets is None:
        raise KeyFileError(f"{what} is not in base64", rule="RFC 4648 section 4")
    return octets


@dataclass(frozen=True, slots=True, kw_only=True)
class _PrivateField:
    """One field of a ``.private`` file, and where it stood. What it says is in no repr."""

    line: int
    text: str = field(repr=False)


def _read_private_fields(private_text: str) -> dict[str, _PrivateField]:
    """Return the fields of a ``.private`` file by name."""
    values: dict[str, _PrivateField] = {}
    last_known = True
    for number, line in enumerate(private_text.splitlines(), start=1):
        if not line.strip():
            continue
        tag, colon, text = line.partition(":")
        if not values:
            last_known = _minor_version(tag, text.strip()) <= _LAST_KNOWN_MINOR
        if not colon or (tag not in _KNOWN_FIELDS and last_known):
            raise KeyFileError(
                f"private key file, line {number}: not a field of BIND's private key format",
                remedy="give a .private file, as dnssec-keygen and zonekit write it",
            )
        if tag in values:
            raise KeyFileError(
                f"private key file, line {number}: a second {tag}",
                remedy="take the file as it was when the key was made",
            )
        if tag in _KNOWN_FIELDS:
            values[tag] = _PrivateField(line=number, text=text.strip())
    return values


def _minor_version(tag: str, text: str) -> int:
    """Return the minor version of the format; a later one than ours may have fields we do not know and may skip."""
    version = _VERSION.fullmatch(text)
    if tag != _VERSION_FIELD or version is None:
        raise KeyFileError(
            f"private key file: it does not begin with {_VERSION_FIELD}: v1",
            remedy="give the text of a K*.private file of BIND or ldns; for PEM use load_pem",
        )
    return int(version[1])


def _private_algorithm(values: Mapping[str, _PrivateField]) -> Algorithm:
    value = _required(values, "Algorithm")
    number = _ALGORITHM.fullmatch(value.text)
    if number is None:
        raise _bad_field(value, "Algorithm", "does not begin with the number of one")
    return require_may_sign(int(number[1]))


def _required(values: Mapping[str, _PrivateField], tag: str) -> _PrivateField:
    if tag in values:
        return values[tag]
    if not _DEVICE_FIELDS.isdisjoint(values):
        raise KeyFileError(
            "private key file: it names a key in a device (Engine, Label) and holds none",
            remedy="wrap the device in a Signer and use from_signer",
        )
    raise KeyFileError(
        f"private key file: there is no {tag} in it", remedy="take the file as it was when the key was made"
    )


def _bad_field(value: _PrivateField, tag: str, fault: str) -> KeyFileError:
    return KeyFileError(
        f"private key file, line {value.line}: {tag} {fault}", remedy="take the file as it was when the key was made"
    )


def _private_key(algorithm: Algorithm, values: Mapping[str, _PrivateField]) -> PrivateKey:
    """Return the private key that the fields hold. No message here may quote one of them."""
    tags = _RSA_FIELDS if algorithm in RSA_ALGORITHMS else ("PrivateKey",)
    octets = [
        _decode(value.text, f"private key file, line {value.line}: {tag}")
        for tag in tags
        for value in [_required(values, tag)]
    ]
    if algorithm in RSA_ALGORITHMS:
        n, e, d, p, q, dmp1, dmq1, iqmp = (int.from_bytes(each, "big") for each in octets)
        public = rsa.RSAPublicNumbers(e, n)
        return rsa_private_key(
            rsa.RSAPrivateNumbers(p=p, q=q, d=d, dmp1=dmp1, dmq1=dmq1, iqmp=iqmp, public_numbers=public)
        )
    with contextlib.suppress(ValueError):
        match algorithm:
            case Algorithm.ED25519:
                return ed25519.Ed25519PrivateKey.from_private_bytes(octets[0])
            case Algorithm.ED448:
                return ed448.Ed448PrivateKey.from_private_bytes(octets[0])
            case Algorithm.ECDSAP256SHA256:
                return ec.derive_private_key(int.from_bytes(octets[0], "big"), ec.SECP256R1())
            case _:
                return ec.derive_private_key(int.from_bytes(octets[0], "big"), ec.SECP384R1())
    raise _bad_field(values["PrivateKey"], "PrivateKey", f"holds no key of {algorithm.name}")


def _timing(values: Mapping[str, _PrivateField], key_text: str) -> KeyTiming:
    """Return the timing of the private file, and of the public one what only that can hold."""
    found: dict[str, Any] = {
        attribute: _parse_time(values[tag], tag) for tag, attribute in _PRIVATE_TIMES if tag in values
    }
    found |= {attribute: _parse_key_tag(values[tag], tag) for tag, attribute in _TAG_FIELDS if tag in values}
    for line in key_text.splitlines():
        if removed := _DS_REMOVED.fullmatch(line.strip()):
            found["ds_removed"] = _instant(removed[1])
            if found["ds_removed"] is None:
                raise KeyFileError(
                    "public key file: DSRemoved is no time that there is",
                    remedy="set it anew with dnssec-settime -D ds",
                )
    return KeyTiming(**found)


def _parse_time(value: _PrivateField, tag: str) -> datetime:
    time = _TIME.fullmatch(value.text)
    if time is None:
        raise _bad_field(value, tag, "is not a time as YYYYMMDDHHMMSS")
    instant = _instant(time[1])
    if instant is None:
        raise _bad_field(value, tag, "is no time that there is")
    return instant


def _instant(text: str) -> datetime | None:
    """Return the instant that YYYYMMDDHHMMSS says, or None where there is none.

    BIND counts modulo 2^32 and prints what lies more than 68 years ahead as if it lay behind: 2100 as 1963. It is read
    back as what was meant.
    """
    month, day, hour, minute, second = (int(text[place : place + 2]) for place in range(4, 14, 2))
    try:
        seconds = epoch_seconds(datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC))
    except ValueError:
        return None
    return from_epoch_seconds(seconds % 2**32) if -(2**31) <= seconds < 2**32 else None


def _parse_key_tag(value: _PrivateField, tag: str) -> int:
    if not _KEY_TAG.fullmatch(value.text):
        raise _bad_field(value, tag, "is not a key tag")
    return int(value.text)
