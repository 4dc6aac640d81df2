"""``python -m tests.bench``: see :mod:`tests.bench`."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.bench import apex_step, big_zone, hosting, planning, probing, reading, reuse, startup, status, verifying
from tests.bench.lab import SCALES, Lab, Section
from tests.bench.machine import machine_facts, versions
from tests.bench.measuring import BenchError, CpuClock, progress
from tests.bench.report import Load, Report

_STANDARD_OUTPUT: Final = "-"
MEASUREMENTS: Final[dict[str, Callable[[Lab], list[Section]]]] = {
    "big-zone": big_zone.measure,
    "huge-zone": big_zone.measure_huge,
    "reuse": reuse.measure,
    "hosting": hosting.measure,
    "reading": reading.measure,
    "verifying": verifying.measure,
    "apex": apex_step.measure,
    "planning": planning.measure,
    "probing": probing.measure,
    "status": status.measure,
    "start-up": startup.measure,
}


def measure(lab: Lab, names: Sequence[str]) -> Report:
    """Do the measurements of these names.

    Raises:
        BenchError: a contender failed, or what one wrote is not right.
    """
    lab.verifier()
    clock, start, average_before = CpuClock.read(), time.perf_counter(), os.getloadavg()[0]
    sections = [section for name in names for section in MEASUREMENTS[name](lab)]
    others = CpuClock.read().others_since(clock) / (time.perf_counter() - start)
    return Report(
        lab=lab,
        machine=machine_facts(lab.directory),
        versions=versions(),
        load=Load(average_before=average_before, average_after=os.getloadavg()[0], others_cpus=others),
        least_peak_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        sections=sections,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="zonekit and its peers, side by side")
    parser.add_argument(
        "--json",
        metavar="FILE",
        nargs="?",
        const=_STANDARD_OUTPUT,
        help="write JSON to FILE beside printing tables, or with no FILE or - to standard output in place of them",
    )
    parser.add_argument("--runs", metavar="N", type=int, help="how many turns each contender has")
    parser.add_argument("--only", metavar="NAME", action="append", choices=MEASUREMENTS, help=", ".join(MEASUREMENTS))
    parser.add_argument("--scale", choices=SCALES, default="full")
    given = parser.parse_args(arguments)
    scale = SCALES[given.scale]
    rounds = scale.rounds if given.runs is None else given.runs
    if rounds < 1:
        parser.error("--runs takes a number from 1 up")
    try:
        with tempfile.TemporaryDirectory(prefix="zonekit-bench-") as directory:
            report = measure(
                Lab(directory=Path(directory), scale=scale, rounds=rounds), given.only or tuple(MEASUREMENTS)
            )
    except BenchError as error:
        progress(f"No figures: {error}")
        return 1
    if given.json == _STANDARD_OUTPUT:
        print(report.as_json())
        return 0
    if given.json is not None:
        Path(given.json).write_text(report.as_json() + "\n", encoding="utf-8")
    print(report.as_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
