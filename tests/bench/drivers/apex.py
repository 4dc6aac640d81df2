"""What a transfer does to a signed zone in memory: each step of :mod:`tests.bench.steps_at_apex`.

Arguments: signed zone, origin, own key directory, the other operator's key directory, inception, expiration, repetitions.
Prints JSON: for each step its CPU and wall seconds, as often as it was done.
"""

from __future__ import annotations

import json
import sys
import time

from tests.bench.steps_at_apex import STEPS, Operator
from zonekit.files import read_zone
from zonekit.zones import Zone


def main(path: str, origin: str, own: str, other: str, inception: str, expiration: str, repetitions: str) -> None:
    operator = Operator.of(origin, own, other, inception, expiration)
    signed = read_zone(path, origin=origin)
    made: dict[str | None, Zone] = {None: signed}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in STEPS}
    for name, step in STEPS.items():
        for _ in range(int(repetitions)):
            cpu, wall = time.process_time(), time.perf_counter()
            made[name] = step.carry_out(operator, made[step.after])
            times[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    print(json.dumps(times))


if __name__ == "__main__":
    main(*sys.argv[1:])
