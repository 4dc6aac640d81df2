"""Look at one transfer again and again with zonekit. Arguments: its file, how often.

Prints for each look the CPU and the wall seconds that it took, and the slowest server's round trip.
"""

from __future__ import annotations

import sys
import time

from tests.bench.drivers.look import is_right
from zonekit.status import look_at, open_transfer


def main(path: str, times: int) -> None:
    found = []
    for _ in range(times):
        cpu, wall = time.process_time(), time.perf_counter()
        score = look_at(open_transfer(path))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        assert is_right(score)
        slowest = max(each.round_trip for each in score.followed.found.found if each.round_trip is not None)
        found += [cpu, wall, slowest.total_seconds()]
    print(*found)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
