"""What all the measurements share: the place, the size, the peers, the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from tests.bench.inputs import DenialKind
from tests.bench.measuring import BenchError, Row
from tests.peers import PACKAGE_OF, find_peer
from zonekit.instants import SignatureValidity, instant_text

VALIDITY: Final = timedelta(days=14)
VERIFIER: Final = "dnssec-verify"
_MORE_PACKAGES: Final = {"ldns-keygen": "ldnsutils", "ldns-read-zone": "ldnsutils"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much there is to do.

    Attributes:
        big_rrsets: RRsets in the big zone.
        huge_rrsets: RRsets in the huge zone, which shows what grows faster than the zone.
        huge_denials: what denies existence in the huge zone, one run with each.
        hosting_zones: small zones signed by whoever signs all in one process.
        fleet_zones: small zones signed by one command.
        hosting_sample: small zones signed by those that need several processes for each.
        verified_zones: how many of the small zones of each signer are verified.
        floor_signatures: how many signatures the floor is measured by.
        floor_zones: how many small zones' keys and signatures the floor is measured by.
        apex_rrsets: RRsets in the zone whose apex is changed in memory and from file to file.
        apex_repetitions: how often each apex step is done in memory.
        probed_transfers: transfers whose servers are asked by whoever asks many at once.
        probed_sample: transfers whose servers are asked one query after the other.
        rounds: how many turns each contender has, unless ``--runs`` says otherwise.
    """

    big_rrsets: int
    huge_rrsets: int
    huge_denials: tuple[DenialKind, ...]
    hosting_zones: int
    fleet_zones: int
    hosting_sample: int
    verified_zones: int
    floor_signatures: int
    floor_zones: int
    apex_rrsets: int
    apex_repetitions: int
    probed_transfers: int
    probed_sample: int
    rounds: int


SCALES: Final = {
    "full": Scale(
        big_rrsets=100_000,
        huge_rrsets=1_000_000,
        huge_denials=(DenialKind.NSEC,),
        hosting_zones=1000,
        fleet_zones=10_000,
        hosting_sample=50,
        verified_zones=10,
        floor_signatures=40_000,
        floor_zones=500,
        apex_rrsets=1_000_000,
        apex_repetitions=20,
        probed_transfers=1000,
        probed_sample=50,
        rounds=3,
    ),
    "small": Scale(
        big_rrsets=600,
        huge_rrsets=1200,
        huge_denials=(DenialKind.NSEC3,),
        hosting_zones=6,
        fleet_zones=6,
        hosting_sample=2,
        verified_zones=2,
        floor_signatures=200,
        floor_zones=5,
        apex_rrsets=900,
        apex_repetitions=2,
        probed_transfers=8,
        probed_sample=2,
        rounds=1,
    ),
}


@dataclass(slots=True, kw_only=True)
class Lab:
    """Where a run of the benchmark takes place.

    Attributes:
        directory: where everything is written; it is empty, and goes afterwards.
        scale: how much there is to do.
        rounds: how many turns each contender has.
        now: when the run began; signatures are valid from an hour before.
        find_program: returns the path of a program, or None.
        missing: the programs that were looked for and are not here, and the Debian package of each.
    """

    directory: Path
    scale: Scale
    rounds: int
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    find_program: Callable[[str], str | None] = find_peer
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def validity(self) -> SignatureValidity:
        """Of every signature that can be told."""
        return SignatureValidity.starting(self.now, VALIDITY)

    @property
    def inception_text(self) -> str:
        """As zonekit's drivers read it."""
        return instant_text(self.validity.inception)

    @property
    def expiration_text(self) -> str:
        """As zonekit's drivers read it."""
        return instant_text(self.validity.expiration)

    @property
    def peer_inception(self) -> str:
        """As BIND and ldns read it: YYYYMMDDHHMMSS."""
        return self.validity.inception.strftime("%Y%m%d%H%M%S")

    @property
    def peer_expiration(self) -> str:
        """As BIND and ldns read it: YYYYMMDDHHMMSS."""
        return self.validity.expiration.strftime("%Y%m%d%H%M%S")

    def find(self, *programs: str) -> list[str] | None:
        """Return the paths of these programs, or None when one is not here; which one goes into ``missing``."""
        paths = [self.find_program(program) for program in programs]
        lacking = {
            program: PACKAGE_OF.get(program, _MORE_PACKAGES.get(program, ""))
            for program, path in zip(programs, paths, strict=True)
            if path is None
        }
        self.missing |= lacking
        return None if lacking else [path for path in paths if path is not None]

    def verifier(self) -> str:
        """Return the path of what decides whether a signed zone is right.

        Raises:
            BenchError: it is not here.
        """
        found = self.find(VERIFIER)
        if found is None:
            raise BenchError(f"{VERIFIER} is missing, and no figure counts without it: run `make peers`")
        return found[0]


class Unit(Enum):
    """How a table shows what one item cost."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    A_SECOND = "a second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One job, and what it cost each contender.

    Attributes:
        name: for programs.
        title: for people.
        unit: how times are shown.
        rows: the contenders.
        processes: how many processes or threads each contender has; what the floor's wall time is divided by.
        notes: what a reader should know.
        figures: what else was found, by name, for programs.
    """

    name: str
    title: str
    unit: Unit
    rows: tuple[Row, ...]
    processes: int = 1
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


def rows_named(rows: Iterable[Row], names: Iterable[str]) -> tuple[Row, ...]:
    """Return the rows with these names, in the order of the rows."""
    wanted = set(names)
    return tuple(row for row in rows if row.name in wanted)
