"""What commands read: zones, DNSKEYs of another operator, the operator's own keys."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from zonekit import rdata as rd
from zonekit import rewriting
from zonekit.cli.arguments import STANDARD_STREAM
from zonekit.cli.exits import BadInput, Refused
from zonekit.dnskeys import Dnskey, keys_to_take, parse_dnskeys
from zonekit.ds import DEFAULT_TTL
from zonekit.errors import DnskeyRefused, KeyFileError, ZonekitError
from zonekit.files import check_key, octets_of, opener_within, read_key, read_keys, read_text, read_zone_with_findings
from zonekit.findings import Finding
from zonekit.instants import instant_text
from zonekit.keys import KeyRole, KeyUse, SigningKey, key_file_stem
from zonekit.names import WireName, name_text, order_key, parse_origin
from zonekit.rewriting import OpenZone, Way
from zonekit.zonefile import Misfits, Opener, ParsedZone, parse_rrsets, parse_zone_with_findings
from zonekit.zones import RRset

_STANDARD_INPUT: Final = "<stdin>"
_PIECE_OCTETS: Final = 2**18


def _standard_input() -> Generator[bytes, None, None]:
    """Yield the octets of standard input, which can be read once.

    Raises:
        UsageError: it was read before.
    """
    context = click.get_current_context()
    if context.meta.get(__name__):
        raise click.UsageError("standard input can be read once: give - once", context)
    context.meta[__name__] = True
    stream = sys.stdin.buffer
    while piece := stream.read(_PIECE_OCTETS):
        yield piece


def place(path: str) -> str:
    """Return a path as messages name it."""
    return _STANDARD_INPUT if path == STANDARD_STREAM else path


def read_zone(
    path: str, origin: str | None, include_root: str | None, *, misfits: Misfits = Misfits.REFUSE
) -> ParsedZone:
    """Return the zone in a file or on standard input, and the findings about it."""
    return read_zone_and_included(path, origin, include_root, misfits=misfits)[0]


def read_zone_and_included(
    path: str, origin: str | None, include_root: str | None, *, misfits: Misfits = Misfits.REFUSE
) -> tuple[ParsedZone, tuple[str, ...]]:
    """Return the same as :func:`read_zone`, and the files that the zone includes."""
    included: list[str] = []
    include = None if include_root is None else _noting(opener_within(include_root), included)
    if path == STANDARD_STREAM:
        parsed = parse_zone_with_findings(
            _standard_input(), origin, file=_STANDARD_INPUT, include=include, misfits=misfits
        )
    else:
        parsed = read_zone_with_findings(path, origin=origin, include=include, misfits=misfits)
    return parsed, tuple(included)


@contextlib.contextmanager
def open_zone(path: str, origin: str | None, way: Way) -> Iterator[OpenZone]:
    """Open the zone in a file or on standard input to change it; see :func:`zonekit.rewriting.open_zone`."""
    if path == STANDARD_STREAM:
        yield OpenZone(lambda: read_zone(path, origin, None))
        return
    with rewriting.open_zone(path, origin=origin, way=way) as opened:
        yield opened


def _noting(include: Opener, files: list[str]) -> Opener:
    """An opener that does the same and notes what it opened."""

    def open_and_note(name: str, including: str) -> tuple[str, Iterable[bytes]]:
        file, pieces = include(name, including)
        files.append(file)
        return file, pieces

    return open_and_note


def _parse_zone(pieces: Iterable[bytes], origin: str | None, include_root: str | None) -> ParsedZone:
    include = None if include_root is None else opener_within(include_root)
    return parse_zone_with_findings(pieces, origin, file=_STANDARD_INPUT, include=include)


def read_rrsets(path: str, apex: WireName) -> tuple[RRset, ...]:
    """Return the RRsets at and below a name in a file of records: a dsset file, a delegation, what dig prints."""
    return parse_rrsets(read_input(path), name_text(apex), file=place(path), default_ttl=DEFAULT_TTL)


def rrset_in(rrsets: Iterable[RRset], path: str, rdtype: int, owner: WireName) -> RRset:
    """Return the RRset of this type at a name, of those that were read from a file."""
    for rrset in rrsets:
        if rrset.rdtype == rdtype and order_key(rrset.owner) == order_key(owner):
            return rrset
    raise BadInput(
        f"{place(path)}: there is no {rd.type_text(rdtype)} record of {name_text(owner)} in it;"
        " give the records with their owner, as dig prints them"
    )


def read_ds(file: str | None, records: Sequence[str], apex: WireName) -> RRset | None:
    """Return the DS RRset at the parent, in a file and by the fields of its records, as far as either is given."""
    given = [] if file is None else [rrset_in(read_rrsets(file, apex), file, rd.DS, apex)]
    if records:
        given.append(RRset.from_text(name_text(apex), DEFAULT_TTL, "DS", *records))
    if not given:
        return None
    rdatas = tuple(rdata for rrset in given for rdata in rrset.rdatas)
    return RRset(owner=apex, rdtype=rd.DS, ttl=given[0].ttl, rdatas=rdatas)


# ---- DNSKEYs --------------------------------------------------------------------------------------------------------


def read_dnskeys(paths: Iterable[str], *, owner: WireName | None = None) -> list[Dnskey]:
    """Return the DNSKEYs in files of DNSKEY records, in the order in which they stand there.

    Args:
        paths: the files; ``-`` is standard input.
        owner: the owner of records that do not say it.
    """
    keys: list[Dnskey] = []
    for path in paths:
        keys += _parse_dnskeys(path, read_input(path), owner)
    return keys


def read_input(path: str) -> str:
    """Return the text in a file or on standard input."""
    if path != STANDARD_STREAM:
        return read_text(path)
    octets = b"".join(_standard_input())
    with contextlib.suppress(UnicodeDecodeError):
        return octets.decode()
    # Outside the handler, so that the new error does not carry the old one, which holds the octets.
    raise BadInput(f"{_STANDARD_INPUT}: is not text in UTF-8")


def read_octets(path: str, most: int) -> bytes:
    """Return the octets in a file or on standard input, at most so many of them."""
    found = bytearray()
    with contextlib.closing(_standard_input() if path == STANDARD_STREAM else octets_of(path)) as pieces:
        while len(found) < most and (piece := next(pieces, b"")):
            found += piece
    return bytes(found[:most])


def _parse_dnskeys(path: str, text: str, owner: WireName | None) -> tuple[Dnskey, ...]:
    try:
        return parse_dnskeys(text, owner=None if owner is None else name_text(owner))
    except ZonekitError as error:
        raise error.within(place(path)) from None


def read_foreign(files: Iterable[str], zones: Iterable[str], *, origin: WireName) -> list[Dnskey]:
    """Return the keys of another operator: those in the files, and those that the zones say have to be taken."""
    keys = read_dnskeys(files, owner=origin)
    for path in zones:
        zone = read_zone(path, name_text(origin), None).zone
        try:
            keys += keys_to_take(zone)
        except ZonekitError as error:
            raise error.within(place(path)) from None
    return keys


def read_dnskeys_or_zone(path: str, origin: str | None, include_root: str | None) -> tuple[Dnskey, ...] | ParsedZone:
    """Return what is in a file that may hold either: DNSKEY records alone, or a whole zone."""
    owner = None if origin is None else parse_origin(origin)
    if is_key_name(path):
        return _parse_dnskeys(path, read_text(public_path(path)), owner)
    pieces = list(_standard_input()) if path == STANDARD_STREAM else None
    try:
        return _parse_dnskeys(path, read_text(path) if pieces is None else b"".join(pieces).decode(), owner)
    except (ZonekitError, UnicodeDecodeError) as error:
        refused = error if isinstance(error, KeyFileError | DnskeyRefused) else None
    try:
        if pieces is None:
            return read_zone_with_findings(path, origin=origin, include_root=include_root)
        return _parse_zone(pieces, origin, include_root)
    except ZonekitError as error:
        # A zone may hold a text that looks like a private key; what is no zone either is what it looked like at first.
        raise (refused or error) from None


# ---- key files ------------------------------------------------------------------------------------------------------


def is_key_name(path: str) -> bool:
    """Whether a path names the files of a key: ``K*.key``, ``K*.private``, or what their names have in common."""
    name = Path(path).name
    return name.startswith("K") and (
        name.endswith((".key", ".private")) or (not Path(path).exists() and Path(public_path(path)).exists())
    )


def public_path(path: str) -> str:
    """Return the public file of the key whose files a path names."""
    return path.removesuffix(".key").removesuffix(".private") + ".key"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """The two files of a key, as far as they are there.

    Attributes:
        public_key: what the public file holds.
        signing_key: both halves; None where the private file is absent or may not be read.
        private: present, absent or unreadable.
        findings: what should be known about the files.
    """

    public_key: Dnskey
    signing_key: SigningKey | None
    private: str
    findings: tuple[Finding, ...] = ()


def read_key_pair(path: str) -> KeyPair:
    """Return the key whose files a path names. The private one need not be there, or be anyone's to read."""
    public = public_path(path)
    public_key, *more = _parse_dnskeys(public, read_text(public), None)
    if more:
        raise BadInput(f"{public}: there is more than one DNSKEY record in it")
    private = Path(public.removesuffix(".key") + ".private")
    if not private.exists():
        return KeyPair(public_key=public_key, signing_key=None, private="absent")
    if not os.access(private, os.R_OK):
        return KeyPair(public_key=public_key, signing_key=None, private="unreadable")
    signing_key = read_key(public)
    return KeyPair(public_key=public_key, signing_key=signing_key, private="present", findings=check_key(public))


def public_keys_in(directory: str, origin: WireName) -> list[Dnskey]:
    """Return the public keys of a zone in a directory; their private halves are not looked at."""
    start = key_file_stem(origin, 0, 0).removesuffix("+000+00000")
    files = sorted(path for path in Path(directory).iterdir() if path.name.startswith(start) and path.suffix == ".key")
    return read_dnskeys(map(str, files))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeys:
    """The operator's own keys of a zone.

    Attributes:
        signing: those that sign.
        published: those that are in the DNSKEY RRset and sign nothing.
    """

    signing: tuple[SigningKey, ...]
    published: tuple[SigningKey, ...] = ()


def read_own_keys(
    names: Sequence[str], directory: str | None, *, origin: WireName, as_csk: bool, now: datetime
) -> OwnKeys:
    """Return the keys that are named, or else those in the directory, each for what it is for now."""
    if names:
        return OwnKeys(signing=tuple(_with_role(read_key(_key_path(name, directory)), as_csk) for name in names))
    if directory is None:
        return OwnKeys(signing=())
    keys = [_with_role(key, as_csk) for key in read_keys(directory, name_text(origin))]
    if not keys:
        raise Refused(f"{directory}: there is no key of {name_text(origin)} here; make some with zonekit keygen")
    signing = tuple(key for key in keys if key.timing.use_at(now) is KeyUse.SIGN)
    if not signing:
        raise Refused(
            f"{directory}: by its timing no key of {name_text(origin)} here is in use at {instant_text(now)};"
            " name the keys that are to sign all the same, or see their timing with zonekit show"
        )
    return OwnKeys(signing=signing, published=tuple(key for key in keys if key.timing.use_at(now) is KeyUse.PUBLISH))


def own_key_files(names: Sequence[str], directory: str | None) -> list[str]:
    """Return the files of keys in which :func:`read_own_keys` looks."""
    if names:
        public = [public_path(_key_path(name, directory)) for name in names]
        return [*public, *(path.removesuffix(".key") + ".private" for path in public)]
    return [] if directory is None else sorted(str(path) for path in Path(directory).glob("K*"))


def _key_path(name: str, directory: str | None) -> str:
    return name if directory is None or Path(name).name != name else str(Path(directory) / name)


def _with_role(key: SigningKey, as_csk: bool) -> SigningKey:
    return dataclasses.replace(key, role=KeyRole.CSK) if as_csk and key.role is KeyRole.KSK else key
