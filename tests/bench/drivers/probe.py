"""Ask all the servers of many transfers with zonekit. Arguments: how many transfers, how many sockets, the ports.

Prints the wall seconds of the asking alone, the questions that were answered, and the most sockets that were open at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from zonekit.probe import probe_many
from zonekit.transfer.answers import Question, Server
from zonekit.transfer.versions import Source

_PARTIES = (Source.LOSING, Source.LOSING, Source.GAINING, Source.GAINING, Source.PARENT, Source.PARENT)


def questions(transfers: int, ports: list[int]) -> Iterator[Question]:
    servers = tuple(
        Server(source=source, name=f"ns{number}.{source.value}.example", address="127.0.0.1", port=port)
        for number, (source, port) in enumerate(zip(_PARTIES, ports, strict=True))
    )
    for number in range(transfers):
        yield Question(domain=f"d{number:05}.example", servers=servers)


def main(transfers: int, at_most: int, *ports: int) -> None:
    answered = 0
    start = time.perf_counter()
    for found in probe_many(questions(transfers, list(ports)), at_most=at_most):
        answered += sum(answer.outcome.is_answer for each in found.found for answer in each.answers)
    print(time.perf_counter() - start, answered)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
