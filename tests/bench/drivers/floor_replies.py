"""The floor: nothing but reading as many replies as the job has into messages, by the same library.

Argument: how many transfers. Prints the CPU and the wall seconds that it took.
"""

from __future__ import annotations

import sys
import time

import dns.message

from tests.bench.drivers.answer import replies
from tests.bench.probing import OPERATORS, PARENTS


def main(transfers: int) -> None:
    octets = [
        reply
        for (of_parent, _), reply in replies("d00000.example.").items()
        for _ in range(PARENTS if of_parent else OPERATORS)
    ]
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(transfers):
        for reply in octets:
            dns.message.from_wire(reply)
    print(time.process_time() - cpu, time.perf_counter() - wall)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
