"""One step of a transfer, from file to file.

Arguments: step, signed zone, output, origin, own key directory, the other operator's key directory, inception, expiration.
Prints which way the file was changed, and the CPU and wall seconds of that call.
"""

from __future__ import annotations

import sys
import time

from tests.bench.steps_at_apex import BOTH, STEPS, Operator
from zonekit.rewriting import rewrite_zone


def main(name: str, source: str, target: str, origin: str, *whose: str) -> None:
    operator, step = Operator.of(origin, *whose), (STEPS | {BOTH.name: BOTH})[name]
    cpu, wall = time.process_time(), time.perf_counter()
    way = rewrite_zone(source, lambda zone: step.carry_out(operator, zone), target, origin=origin)
    print(way.value, time.process_time() - cpu, time.perf_counter() - wall)


if __name__ == "__main__":
    main(*sys.argv[1:])
