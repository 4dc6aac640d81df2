"""Versions: an RRset as one source serves it, from when until when.

A change that begins at ``started`` and is complete on every server at ``completed`` starts the new version at the one
and ends the old one at the other; between the two a resolver may get either. A :class:`Schedule` is all the versions of
a domain, whoever made them: a plan, what really happened, or the times in somebody else's scripts.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from zonekit.errors import PlanError
from zonekit.instants import instant_text, utc
from zonekit.transfer import values
from zonekit.ttl import Ttl, to_ttl

SIGNING_ALGORITHMS: Final = frozenset((3, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16, 17, 23, 253, 254))
"""The algorithm numbers that IANA has assigned for signing zones, also those that few resolvers support, or none any more."""


class Source(enum.Enum):
    """Who serves a version."""

    PARENT = "parent"
    LOSING = "losing"
    GAINING = "gaining"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """A DNSKEY as far as time goes: which one it is, and its algorithm.

    Attributes:
        name: what people know it by, such as ``KSK 4711 of the losing operator``; two keys have two names.
        algorithm: the algorithm number.
        key_tag: its key tag (RFC 4034 appendix B), where it is known; two keys may share one.

    Raises:
        PlanError: a field has the wrong type or is out of bounds, or no zone is signed with such an algorithm.
    """

    name: str
    algorithm: int
    key_tag: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _KEY_FIELDS.check(self, f"key {self.name}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DsEntry:
    """A DS record: the key it points to, and the digest type it does so by.

    Raises:
        PlanError: a field has the wrong type or is out of bounds.
    """

    key: Key
    digest_type: int

    def __post_init__(self) -> None:
        _DS_FIELDS.check(self, "a DS record")


def _algorithm(value: object, where: str) -> object:
    number = values.number(0, 255)(value, where)
    if number not in SIGNING_ALGORITHMS:
        raise PlanError(
            f"{where} is {number}, and no zone is signed with such an algorithm",
            remedy="give the algorithm number of its DNSKEY, such as 13",
            rule="RFC 4034 appendix A.1",
        )
    return number


_KEY_FIELDS: Final = values.Fields(
    needed={"name": values.text, "algorithm": _algorithm}, optional={"key_tag": values.number(0, 65535)}
)
_DS_FIELDS: Final = values.Fields(needed={"key": values.a(Key), "digest_type": values.number(0, 255)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """An RRSIG: which key made it, and when it is valid.

    Attributes:
        key: the key that made it.
        inception: the first instant in which it is valid; None where it lies before all that matters.
        expiration: the instant from which it is not; None where the operator goes on renewing it.
    """

    key: Key
    inception: datetime | None = None
    expiration: datetime | None = None

    def __post_init__(self) -> None:
        _in_utc(self, "inception", "expiration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An RRset as one source serves it.

    Attributes:
        source: who serves it.
        record: what it is, for people: ``DNSKEY of the losing operator with the gaining keys``.
        ttl: how long a cache may keep it, in seconds.
        start: when the first server of the source began to serve it; None where that was before all that matters.
        end: when the last one stopped; None where it does not.

    Raises:
        TimeError: an instant is naive.
        TtlError: ``ttl`` is not a TTL.
        PlanError: the end lies before the start.
    """

    source: Source
    record: str
    ttl: Ttl
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ttl", to_ttl(self.ttl))
        _in_utc(self, "start", "end")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise PlanError(
                f"{self.record}: its end {instant_text(self.end)} lies before its start {instant_text(self.start)}",
                remedy="check the two instants",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class NsVersion(Version):
    """An NS RRset: the parent's, or the one at the apex of an operator's zone.

    Attributes:
        leads_to: whose name servers it names, as far as their names lead there whatever the zone itself says.
        hosts: the name servers among them whose names lie in the domain and lead where their addresses do, each of which
            is a version of its own.
    """

    leads_to: frozenset[Source]
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressVersion(Version):
    """The addresses of name servers whose names lie in the domain; at the parent their glue.

    Attributes:
        hosts: the name servers.
        leads_to: whose servers have these addresses.

    Raises:
        PlanError: no name server is named, or the parent is led to.
    """

    hosts: frozenset[str]
    leads_to: Source

    def __post_init__(self) -> None:
        Version.__post_init__(self)
        if not self.hosts or self.leads_to is Source.PARENT:
            raise PlanError(
                f"{self.record}: the addresses of {', '.join(sorted(self.hosts)) or 'no name server'} at the"
                f" {self.leads_to.value} side",
                remedy="name the name servers, and the operator whose they are",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DsVersion(Version):
    """A DS RRset; without entries the proof that there is none.

    Attributes:
        entries: its records.
    """

    entries: frozenset[DsEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class DnskeyVersion(Version):
    """A DNSKEY RRset; without keys the proof that there is none.

    Attributes:
        keys: the keys in it.
        signatures: the RRSIGs over it.
    """

    keys: frozenset[Key]
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVersion(Version):
    """Every other RRset of an operator's zone, the apex NS and negative answers among them.

    Attributes:
        signatures: the RRSIGs over each of them.
    """

    signatures: tuple[Signature, ...]


def is_expiring(version: Version) -> bool:
    """Return whether a version has signatures that its operator lets expire."""
    return isinstance(version, DnskeyVersion | DataVersion) and any(
        signature.expiration is not None for signature in version.signatures
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """When an operator's servers answer for the zone.

    Attributes:
        operator: whose servers.
        start: when the first of them begins to; None where that was before all that matters.
        all_start: when the last of them has begun.
        all_end: when the first of them stops; None where none does.
        end: when the last of them stops.

    Where one of a pair is not given, all servers begin or stop at once.

    Raises:
        TimeError: an instant is naive.
        PlanError: the instants are not in this order.
    """

    operator: Source
    start: datetime | None = None
    all_start: datetime | None = None
    all_end: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        _in_utc(self, "start", "all_start", "all_end", "end")
        for one, other in (("start", "all_start"), ("all_end", "end")):
            given = getattr(self, one) or getattr(self, other)
            for name in (one, other):
                object.__setattr__(self, name, getattr(self, name) or given)
        instants = [each for each in (self.start, self.all_start, self.all_end, self.end) if each is not None]
        if instants != sorted(instants):
            raise PlanError(
                f"the servers of the {self.operator.value} operator cannot begin and stop in this order",
                remedy="give start, all_start, all_end and end in the order of time",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Servers of one source that answer for another as well, as soon as that one has loaded the zone.

    Attributes:
        asked: whose servers are asked.
        answers: which operator answers: both on one server, or one on a server of the parent zone.
        start: when the first of these servers has loaded the zone; None where they have had it for as long as any other.
        end: when the last of them has dropped it; None where they have it for as long as any other.

    Raises:
        PlanError: the parent answers, or who is asked does, which they do anyhow; or the end lies before the start.
        TimeError: an instant is naive.
    """

    asked: Source
    answers: Source
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        _OVERLAP_FIELDS.check(self, "an overlap")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise PlanError(
                f"an overlap that ends at {instant_text(self.end)}, before it begins at {instant_text(self.start)}",
                remedy="check the two instants",
            )
        if self.answers in (self.asked, Source.PARENT):
            raise PlanError(
                f"an overlap in which the {self.asked.value} side is asked and the {self.answers.value} side answers",
                remedy="say which operator answers at servers of another",
            )


_OVERLAP_FIELDS: Final = values.Fields(
    needed={"asked": values.a(Source), "answers": values.a(Source)},
    optional={"start": values.instant, "end": values.instant},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All that is served for a domain over time.

    Attributes:
        versions: every version of every source.
        servings: when each operator's servers answer.
        overlaps: servers that answer for more than one.

    Raises:
        PlanError: no NS or DS version of the parent, from which all else follows.
    """

    versions: tuple[Version, ...]
    servings: tuple[Serving, ...]
    overlaps: tuple[Overlap, ...] = ()

    def __post_init__(self) -> None:
        for kind, what in ((NsVersion, "NS"), (DsVersion, "DS")):
            if not any(isinstance(version, kind) and version.source is Source.PARENT for version in self.versions):
                raise PlanError(f"the schedule has no {what} version of the parent", remedy="say what it serves")


def _in_utc(value: object, *names: str) -> None:
    for name in names:
        instant = getattr(value, name)
        if instant is not None:
            object.__setattr__(value, name, utc(instant))
