"""The figures as a table, and as JSON.

The JSON document is an object:

``format``
    1. It goes up when something here changes its meaning.
``scale``, ``rounds``
    How much there was to do, and how many turns each contender had.
``machine``, ``versions``
    What the figures depend on.
``load``
    ``average_before`` and ``average_after`` (one minute), and ``others_cpus``: how many of the CPUs work that was not
    ours kept busy on average.
``least_peak_kib``
    The memory of the harness itself. A child's count begins with it, so a peak that is not above this is only known to
    be at most this.
``missing``
    Programs that were looked for and are not here, each with its Debian package.
``sections``
    By name. Each has ``title``, ``notes``, ``processes``, ``figures`` (numbers by name, often none) and ``rows``; a row has

    ``name``, ``kind``
        The contender; "zonekit", "peer" or "floor".
    ``items``
        How many of what the title speaks of one sample is about; may be a fraction.
    ``remark``
        What else should be known; often empty.
    ``samples``
        Each turn as it was measured: ``cpu_seconds``, ``wall_seconds``, ``peak_kib``.
    ``cpu_seconds``, ``wall_seconds``
        The medians, for one item.
    ``peak_kib``
        The median; of the largest process.
    ``peak_of_all_processes_kib``
        The most that all processes had together, pages that they share counted once; from a run of its own, or null.
    ``cpu_to_fastest_peer``, ``wall_to_fastest_peer``, ``cpu_to_floor``, ``wall_to_floor``
        Ratios, each the median over the rounds; below 1 is better than the other. Null where there is no other.
        The fastest peer is the one with the least CPU time, or for the wall ratio the least wall time. The floor's wall
        time is first divided by the section's ``processes``; the ratio is null for the floor itself.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, assert_never

from tests.bench.lab import Lab, Section, Unit
from tests.bench.measuring import Kind, Row

FORMAT: Final = 1
_COLUMNS: Final = 118
_SMALL_RATIO: Final = 0.01
_HEADINGS: Final = ("", "CPU", "wall", "peak", "together", "CPU/peer", "wall/peer", "CPU/floor", "wall/floor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What else the machine did meanwhile."""

    average_before: float
    average_after: float
    others_cpus: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that one run found."""

    lab: Lab
    machine: dict[str, object]
    versions: dict[str, str]
    load: Load
    least_peak_kib: int
    sections: Sequence[Section]

    def as_json(self) -> str:
        """Return the document that the module describes."""
        document = {
            "format": FORMAT,
            "scale": asdict(self.lab.scale),
            "rounds": self.lab.rounds,
            "machine": self.machine,
            "versions": self.versions,
            "load": asdict(self.load),
            "least_peak_kib": self.least_peak_kib,
            "missing": self.lab.missing,
            "sections": {section.name: _section_document(section) for section in self.sections},
        }
        return json.dumps(document, indent=2)

    def as_text(self) -> str:
        """Return tables for a person."""
        facts = self.machine
        lines = [
            f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_mib']} MiB, Linux {facts['kernel']},"
            f" {facts['file_system']}, Python {facts['python']}",
            *textwrap.wrap(", ".join([f"{name} {number}" for name, number in self.versions.items()]), _COLUMNS),
            f"medians of {self.lab.rounds} rounds; load average {self.load.average_before:.2f} before and"
            f" {self.load.average_after:.2f} after; other work kept {self.load.others_cpus:.2f} CPUs busy meanwhile",
        ]
        lines += [f"missing: {program} (Debian package {package})" for program, package in self.lab.missing.items()]
        for section in self.sections:
            lines += ["", *_section_lines(section, self.least_peak_kib)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Ratios:
    """A row beside the best of the others; None where there is none."""

    cpu_to_peer: float | None
    wall_to_peer: float | None
    cpu_to_floor: float | None
    wall_to_floor: float | None

    @classmethod
    def of(cls, row: Row, section: Section) -> _Ratios:
        peers = [other for other in section.rows if other.kind is Kind.PEER]
        floor = next((other for other in section.rows if other.kind is Kind.FLOOR), None)
        return cls(
            row.cpu_ratio(min(peers, key=lambda peer: peer.cpu_seconds)) if peers else None,
            row.wall_ratio(min(peers, key=lambda peer: peer.wall_seconds)) if peers else None,
            row.cpu_ratio(floor) if floor is not None else None,
            row.wall_ratio(floor) * section.processes if floor is not None and row.kind is not Kind.FLOOR else None,
        )


def _section_document(section: Section) -> dict[str, object]:
    return {
        "title": section.title,
        "notes": list(section.notes),
        "processes": section.processes,
        "figures": dict(section.figures),
        "rows": [_row_document(row, section) for row in section.rows],
    }


def _row_document(row: Row, section: Section) -> dict[str, object]:
    ratios = _Ratios.of(row, section)
    return {
        "name": row.name,
        "kind": row.kind.value,
        "items": row.items,
        "remark": row.remark,
        "samples": [asdict(sample) for sample in row.samples],
        "cpu_seconds": row.cpu_seconds,
        "wall_seconds": row.wall_seconds,
        "peak_kib": row.peak_kib,
        "peak_of_all_processes_kib": row.together_kib,
        "cpu_to_fastest_peer": ratios.cpu_to_peer,
        "wall_to_fastest_peer": ratios.wall_to_peer,
        "cpu_to_floor": ratios.cpu_to_floor,
        "wall_to_floor": ratios.wall_to_floor,
    }


def _section_lines(section: Section, least_peak_kib: int) -> Iterable[str]:
    table = [_HEADINGS, *[_cells(row, section, least_peak_kib) for row in section.rows]]
    columns = [cells for cells in zip(*table, strict=True) if any(cells[1:])]
    widths = [max(map(len, cells)) for cells in columns]
    yield section.title
    for name, *cells in zip(*columns, strict=True):
        figures = "  ".join([cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)])
        yield f"  {name.ljust(widths[0])}  {figures}".rstrip()
    remarks = [f"{row.name}: {row.remark}" for row in section.rows if row.remark]
    for note in (*remarks, *section.notes):
        yield from textwrap.wrap(note, _COLUMNS, initial_indent="  - ", subsequent_indent="    ")


def _cells(row: Row, section: Section, least_peak_kib: int) -> tuple[str, ...]:
    ratios = _Ratios.of(row, section)
    at_most = "<= " if row.peak_kib <= least_peak_kib else ""
    return (
        row.name,
        _time_text(row.cpu_seconds, section.unit),
        _time_text(row.wall_seconds, section.unit),
        f"{at_most}{max(row.peak_kib, least_peak_kib) / 1024:.0f} MiB",
        "" if row.together_kib is None else f"{row.together_kib / 1024:.0f} MiB",
        *[
            _ratio_text(ratio)
            for ratio in (ratios.cpu_to_peer, ratios.wall_to_peer, ratios.cpu_to_floor, ratios.wall_to_floor)
        ],
    )


def _ratio_text(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio >= _SMALL_RATIO or not ratio else f"1/{1 / ratio:,.0f}"


def _time_text(seconds: float, unit: Unit) -> str:
    match unit:
        case Unit.SECONDS:
            return f"{seconds:.2f} s"
        case Unit.MILLISECONDS:
            return f"{seconds * 1000:.2f} ms"
        case Unit.MICROSECONDS:
            return f"{seconds * 1_000_000:.1f} us"
        case Unit.A_SECOND:
            return f"{1 / seconds:,.0f}/s" if seconds else ""
        case _:
            assert_never(unit)
