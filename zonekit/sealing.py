"""The seal: by the last line of a zone file zonekit knows its own work again, and changes the apex alone.

A zone file that zonekit writes has a *head*, the records of the apex, which come first in canonical order; a *body*,
everything below the apex; and the seal, a comment::

    ; seal of zonekit, form 1: 541937900 octets below the apex, key tags 48372, checksum 8c3f0e5f...

The checksum is over the body and what the seal says of it. While it holds, nobody has touched the body since zonekit wrote it: no record of the apex
stands further down, no directive, and nothing that a reader would stop at. So a step that needs nothing but the apex gives
a new head, and body and seal are copied as they are; the result is, octet for octet, what reading all, doing the step and
writing all would give. Where the head is not as zonekit writes it, the seal is absent or does not hold, or the step asks
for more than the apex, it has to be done that long way.

The seal is no signature. It finds every slip of an editor, and who means to deceive can write any zone file anyway.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from zonekit import rdata as rd
from zonekit.denial import apex_nsec3_owner
from zonekit.errors import SigningError, ZonekitError
from zonekit.names import WireName, name_text, order_key, parse_origin
from zonekit.render import block_text, head_text, iter_zone_text
from zonekit.signing import PreparedZone, Recipe, Segment, sign_segment, signed_key_tags
from zonekit.zonefile import parse_rrsets, parse_zone_with_findings
from zonekit.zones import RRset, Zone

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import dns.name

LONGEST_HEAD: Final = 2**20
LONGEST_SEAL: Final = 2**16
# It goes up when a zone is printed in another way: what an older zonekit wrote is then read and written anew.
_FORM: Final = 1
_MOST_KEY_TAGS: Final = 64
_NSEC3_LINE: Final = "; NSEC3 of the apex: "

_HEAD: Final = re.compile(rb"; zone [^\n]*+\n\$ORIGIN ([^\n]++)\n[@.] [^\n]*+\n(?: [^\n]*+\n)*+")
_SEAL: Final = re.compile(
    rb"(((?:^; NSEC3 of the apex: [^\n]*+\n)*+)"
    rb"^; seal of zonekit, form %d: (\d{1,18}) octets below the apex, key tags ([^\n,]*+), checksum )([0-9a-f]{32})\n\Z"
    % _FORM,
    re.MULTILINE,
)


class BrokenSeal(Exception):
    """The body of a zone file is not the one that its seal was made for."""


# ---- writing --------------------------------------------------------------------------------------------------------


def iter_sealed_text(zone: Zone, *, executor: Executor | None = None) -> Iterator[str]:
    """Yield the text of a zone file in pieces: head, body and seal. The same zone gives the same text.

    Args:
        zone: the zone.
        executor: as in :func:`zonekit.iter_zone_text`, which prints head and body.
    """
    pieces = iter_zone_text(zone, executor=executor)
    yield next(pieces)
    checksum = Checksum(zone.apex)
    for piece in pieces:
        checksum.update(piece.encode("ascii"))
        yield piece
    yield _seal_text(checksum, zone.signature_tags(), _nsec3s_at(_nsec3_owners(zone), zone))


def iter_sealed_signed_text(prepared: PreparedZone, *, executor: Executor | None = None) -> Iterator[str]:
    """Yield the text of :func:`iter_sealed_text` for the signed zone.

    Each part of the zone is signed and printed in one go, by the workers of an ``executor`` where there is one, and is text
    when it comes back: the signed zone is never held as a whole. One with a ZONEMD is signed first and printed then.

    Raises:
        SigningError: as :func:`zonekit.sign_zone`, between two pieces as well.
    """
    if prepared.has_zonemd:
        yield from iter_sealed_text(prepared.sign(executor=executor), executor=executor)
        return
    segments = prepared.segments(executor=executor)
    apex = prepared.sign_apex(next(segments))
    yield head_text(apex)
    checksum = Checksum(prepared.apex)
    tags: set[int] = set()
    nsec3s: list[RRset] = []
    work = functools.partial(_sign_part, tuple(_nsec3_owners(apex)))
    for part in prepared.run(work, segments, executor=executor):
        checksum.update(part.text.encode("ascii"))
        tags |= part.key_tags
        nsec3s += part.nsec3s
        yield part.text
    yield _seal_text(checksum, tags, nsec3s)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a signed zone: its text, and what of it goes into the seal."""

    text: str
    key_tags: frozenset[int]
    nsec3s: tuple[RRset, ...]


def _sign_part(nsec3_owners: Sequence[WireName], recipe: Recipe, segment: Segment) -> _Part:
    """Sign and print a part. A function at the top of a module, so that a worker process can be told of it."""
    block = sign_segment(recipe, segment)
    part = Zone.from_blocks(recipe.apex, b"", (block,))
    return _Part(block_text(recipe.apex, block), signed_key_tags(segment, block), tuple(_nsec3s_at(nsec3_owners, part)))


def _nsec3s_at(owners: Iterable[WireName], zone: Zone) -> list[RRset]:
    return [rrset for owner in owners if (rrset := zone.find(owner, rd.NSEC3)) is not None]


def _seal_text(checksum: Checksum, key_tags: Collection[int], nsec3s: Iterable[RRset]) -> str:
    """The seal of the body that the checksum was taken of."""
    shown = "too many" if len(key_tags) > _MOST_KEY_TAGS else " ".join(map(str, sorted(key_tags))) or "none"
    ordered = sorted(nsec3s, key=lambda rrset: order_key(rrset.owner))
    lines = [f"{_NSEC3_LINE}{rrset.text()}\n" for rrset in ordered if len(rrset.rdatas) == 1]
    facts = f"; seal of zonekit, form {_FORM}: {checksum.octets} octets below the apex, key tags {shown}, checksum "
    facts = "".join([*lines, facts])
    checksum.update(facts.encode("ascii"))
    return f"{facts}{checksum.hex()}\n"


def _nsec3_owners(zone: Zone) -> Iterator[WireName]:
    """The owners of the apex's NSEC3 RRset in each chain: its bitmap tells of the apex, and it stands below it."""
    params = zone.get("@", rd.NSEC3PARAM)
    for param in () if params is None else params.rdatas:
        with contextlib.suppress(SigningError):  # an apex too long to have one
            yield apex_nsec3_owner(zone.apex, param)


class Checksum:
    """A checksum of 128 bits at the speed of memory: AES-GMAC (NIST SP 800-38D) under a key that is no secret.

    It is over the name of the zone first, on which the names in the body hang, and then over what is given.

    Attributes:
        octets: how many octets were given.
    """

    def __init__(self, apex: WireName) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        self._running = Cipher(algorithms.AES(bytes(16)), modes.GCM(bytes(12))).encryptor()
        self._running.authenticate_additional_data(apex)
        self.octets = 0

    def update(self, octets: bytes) -> None:
        """Take in some more octets."""
        self._running.authenticate_additional_data(octets)
        self.octets += len(octets)

    def hex(self) -> str:
        """Return the checksum of all octets so far, after which there can be no more."""
        self._running.finalize()
        return self._running.tag.hex()


# ---- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedZone:
    """What the first and the last octets of a sealed zone file tell.

    Attributes:
        zone: the zone, of which the apex alone was read; what would need more of it raises
            :class:`zonekit.zones.BeyondApex`.
        body_at: the octet at which the body begins.
        body_octets: the length of the body.
        facts: the lines of the seal up to the checksum.
        checksum: the checksum in the seal.
    """

    zone: Zone
    body_at: int
    body_octets: int
    facts: bytes
    checksum: str

    def with_apex(self, changed: Zone, body: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the octets of the file with another apex.

        Args:
            changed: what a step has made of ``zone``.
            body: the octets of the body, in pieces of any size.

        Raises:
            BrokenSeal: once all of the body has passed, unless the seal holds: what was yielded is of no use then.
        """
        yield head_text(changed).encode("ascii")
        yield from self._checked(body)
        yield b"%s%s\n" % (self.facts, self.checksum.encode("ascii"))

    def check(self, body: Iterable[bytes]) -> None:
        """Check that the seal holds.

        Raises:
            BrokenSeal: it does not.
        """
        for _ in self._checked(body):
            pass

    def _checked(self, body: Iterable[bytes]) -> Iterator[bytes]:
        checksum = Checksum(self.zone.apex)
        for piece in body:
            checksum.update(piece)
            yield piece
        checksum.update(self.facts)
        if checksum.hex() != self.checksum:
            raise BrokenSeal("the body of a zone file is not the one that was sealed")


def read_sealed(
    first: bytes, last: bytes, octets: int, *, origin: str | dns.name.Name | None = None
) -> SealedZone | None:
    """Return what a zone file tells by its ends, or None where it is not sealed or its head is not as zonekit writes it.

    Whether the seal holds is for :meth:`SealedZone.with_apex` and :meth:`SealedZone.check` to say.

    Args:
        first: its first octets, up to :data:`LONGEST_HEAD`.
        last: its last octets, up to :data:`LONGEST_SEAL`.
        octets: how long it is.
        origin: the apex that it shall have.

    Raises:
        DomainNameError: ``origin`` is not a domain name.
    """
    head, seal = _HEAD.match(first), _SEAL.search(last)
    if head is None or seal is None:
        return None
    facts, nsec3s, octets_text, tags, checksum = seal.groups()
    body_at, body_octets = head.end(), int(octets_text)
    apex = _apex_of(head)
    if apex is None or body_at + body_octets + len(seal[0]) != octets:
        return None
    if origin is not None and order_key(apex.apex) != order_key(parse_origin(origin)):
        return None
    known = _known_nsec3s(apex, nsec3s)
    if known is None:
        return None
    zone = Zone.from_apex(apex.apex, apex.apex_node, known=known, signature_tags=_key_tags(tags))
    return SealedZone(
        zone=zone, body_at=body_at, body_octets=body_octets, facts=facts, checksum=checksum.decode("ascii")
    )


def _apex_of(head: re.Match[bytes]) -> Zone | None:
    """The zone that a head is all of, if it is the one way in which zonekit writes it."""
    try:
        zone = parse_zone_with_findings(head[0]).zone
    except ZonekitError:
        return None
    return zone if head_text(zone).encode("ascii") == head[0] else None


def _known_nsec3s(apex: Zone, lines: bytes) -> tuple[RRset, ...] | None:
    """The NSEC3 RRsets of the apex that a seal tells; None unless there is one for each chain that the apex names."""
    texts = [line.removeprefix(_NSEC3_LINE.encode("ascii")) for line in lines.splitlines()]
    params = apex.get("@", rd.NSEC3PARAM)
    if len(texts) != (0 if params is None else len(params.rdatas)):
        return None
    try:
        return parse_rrsets(b"\n".join(texts), name_text(apex.apex))
    except ZonekitError:
        return None


def _key_tags(text: bytes) -> frozenset[int] | None:
    if text == b"none":
        return frozenset()
    tags = text.split(b" ")
    return frozenset(map(int, tags)) if all(map(bytes.isdigit, tags)) else None
