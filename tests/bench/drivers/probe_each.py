"""Ask all the servers of one transfer after the other with zonekit. Arguments: how many transfers, the ports.

Prints how many questions were answered, and for each transfer the CPU and the wall seconds that the asking took.
"""

from __future__ import annotations

import sys
import time

from tests.bench.drivers.probe import answered, questions
from zonekit.probe import probe


def main(transfers: int, *ports: int) -> None:
    count, times = 0, []
    for question in questions(transfers, ports):
        cpu, wall = time.process_time(), time.perf_counter()
        found = probe(question)
        times += [time.process_time() - cpu, time.perf_counter() - wall]
        count += answered(found)
    print(count, *times)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
