"""A zone file that is changed: by its apex alone where that will do, else as a whole.

A step of :mod:`zonekit.apex` needs most often nothing but the apex. Where zonekit has sealed the file
(:mod:`zonekit.sealing`), the step is then done on the apex, the new head is written, and the body is copied as octets
while its checksum is taken. What does not fit is found before the new file gets its name, and everything is read and
written after all. The result is the same, octet for octet, and so is every refusal.

The file stays open meanwhile, and who replaces it by renaming does not disturb; where it has to be read as a whole after
all, it is the one that bears the name by then. One that somebody writes into while it
is copied breaks its seal.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from zonekit.files import COPIED_OCTETS, OpenFile, StrPath, open_file, read_zone_with_findings, write_octets
from zonekit.findings import Finding
from zonekit.names import WireName
from zonekit.sealing import (
    LONGEST_HEAD,
    LONGEST_SEAL,
    BrokenSeal,
    SealedZone,
    iter_sealed_text,
    read_sealed,
)
from zonekit.zonefile import ParsedZone
from zonekit.zones import BeyondApex, Zone

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import dns.name


class HasZone(Protocol):
    """What a step comes to: a zone, and perhaps more, such as :class:`zonekit.ChangedTtls`."""

    @property
    def zone(self) -> Zone:
        """The zone."""


_Done = TypeVar("_Done", bound=HasZone)


class Way(enum.Enum):
    """How a file was changed.

    APEX: the head was written anew, and the body copied.
    WHOLE: everything was read and written.
    """

    APEX = "apex"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneOctets:
    """The octets of a zone file that is to be written.

    Attributes:
        pieces: the octets, to be taken once.
        count: about how many pieces there will be.
    """

    pieces: Iterator[bytes]
    count: int

    @classmethod
    def of(cls, zone: Zone, *, executor: Executor | None = None) -> ZoneOctets:
        """Return those of a zone; with an ``executor`` its workers print them."""
        pieces = iter_sealed_text(zone, executor=executor)
        return cls(pieces=(piece.encode("ascii") for piece in pieces), count=len(zone.blocks) + 2)


def rewrite_zone(
    source: StrPath,
    step: Callable[[Zone], Zone],
    target: StrPath | None = None,
    *,
    origin: str | dns.name.Name | None = None,
) -> Way:
    """Change the zone in a file by a step, and return which way it went; the file that comes of it is the same either way.

    The new file takes its name in one step, as with :func:`zonekit.write_zone`.

    Args:
        source: the file.
        step: makes the new zone from the old one, such as ``lambda zone: merge_dnskeys(zone, ...)``. It may be called a
            second time, with the whole zone, where it turns out that the apex alone will not do.
        target: where the new zone goes; ``source`` itself when not given.
        origin: the apex; without it the first record must be the SOA, and its owner is the apex.

    Raises:
        FileError: the file cannot be read, or the new one not written; what was there before still is.
        KeyFileExists: a private key is where the new zone should go; it is left as it is.
        ZoneFileError: everything that is refused in the file, with line and reason.
        DomainNameError: ``origin`` is not a domain name.
        ZonekitError: whatever ``step`` refuses; nothing is written then.
    """

    def write(done: _Stepped, octets: ZoneOctets) -> None:
        write_octets(source if target is None else target, octets.pieces)

    with open_zone(source, origin=origin) as opened:
        opened.change(lambda zone: _Stepped(zone=step(zone)), write)
        return opened.way


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stepped:
    zone: Zone


@contextlib.contextmanager
def open_zone(
    path: StrPath, *, origin: str | dns.name.Name | None = None, way: Way = Way.APEX
) -> Generator[OpenZone, None, None]:
    """Open a zone file that is to be changed: by its apex if that will do, unless ``way`` says otherwise.

    Raises:
        FileError: it cannot be read.
        ZoneFileError: everything that is refused in it, with line and reason.
        DomainNameError: ``origin`` is not a domain name.
    """

    def read_all() -> ParsedZone:
        return read_zone_with_findings(path, origin=origin)

    if way is Way.WHOLE:
        yield OpenZone(read_all)
        return
    with open_file(path) as file:
        sealed = None if file is None else _read_ends(file, origin)
        yield OpenZone(read_all) if file is None or sealed is None else OpenZone(read_all, _Sealed(sealed, file))


def _read_ends(file: OpenFile, origin: str | dns.name.Name | None) -> SealedZone | None:
    last = file.part(max(file.octets - LONGEST_SEAL, 0), file.octets)
    return read_sealed(file.part(0, min(LONGEST_HEAD, file.octets)), last, file.octets, origin=origin)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed zone file that is open."""

    ends: SealedZone
    file: OpenFile

    @property
    def zone(self) -> Zone:
        """The zone, of which the apex alone was read."""
        return self.ends.zone

    @property
    def body(self) -> Iterator[bytes]:
        return self.file.pieces(self.ends.body_at, self.ends.body_at + self.ends.body_octets)

    def check(self) -> None:
        """Check that the seal holds, or raise BrokenSeal."""
        self.ends.check(self.body)

    def with_apex(self, changed: Zone) -> ZoneOctets:
        """The octets of the file with another apex."""
        return ZoneOctets(
            pieces=self.ends.with_apex(changed, self.body), count=self.ends.body_octets // COPIED_OCTETS + 3
        )


class OpenZone:
    """A zone file that is to be changed; :func:`open_zone` opens it."""

    def __init__(self, read_all: Callable[[], ParsedZone], sealed: _Sealed | None = None) -> None:
        self._read_all = read_all
        self._sealed = sealed
        self._parsed = read_all() if sealed is None else None

    @property
    def way(self) -> Way:
        """Which way it goes, or went."""
        return Way.WHOLE if self._sealed is None else Way.APEX

    @property
    def apex(self) -> WireName:
        """The apex name."""
        return (self._whole if self._sealed is None else self._sealed).zone.apex

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What should be known about the text of the file, once it is changed: nothing where the seal held."""
        return self._whole.findings if self._sealed is None else ()

    def settle(self) -> None:
        """Find out now which way it goes, as far as the file decides, so that :meth:`change` need not begin again."""
        if self._sealed is not None:
            try:
                self._sealed.check()
            except BrokenSeal:
                self._sealed = None

    def change(self, step: Callable[[Zone], _Done], write: Callable[[_Done, ZoneOctets], None]) -> _Done:
        """Do a step, write what came of it, and return that.

        Args:
            step: makes the new zone. It may be called twice, with the apex and with the whole zone.
            write: writes the new file. It may be called twice; the first time the pieces then end in an exception, which
                it has to let through.

        Raises:
            ZoneFileError: the whole file had to be read, and something in it is refused.
            ZonekitError: what ``step`` and ``write`` refuse.
        """
        if self._sealed is not None:
            with contextlib.suppress(BeyondApex, BrokenSeal):
                done = _step_at_apex(self._sealed, step)
                # A zone that comes from elsewhere has another body, and a step that asked for more was not answered.
                if done.zone.shares_all_but_apex(self._sealed.zone) and not done.zone.was_asked_beyond_apex:
                    write(done, self._sealed.with_apex(done.zone))
                    return done
            self._sealed = None
        done = step(self._whole.zone)
        write(done, ZoneOctets.of(done.zone))
        return done

    @property
    def _whole(self) -> ParsedZone:
        if self._parsed is None:
            self._parsed = self._read_all()
        return self._parsed


def _step_at_apex(sealed: _Sealed, step: Callable[[Zone], _Done]) -> _Done:
    """Do a step on the apex; what it refuses counts where the seal holds, and else was said too early."""
    try:
        return step(sealed.zone)
    except BeyondApex:
        raise
    except Exception:
        if sealed.zone.was_asked_beyond_apex:
            raise BeyondApex("the step was not answered") from None
        sealed.check()
        raise
