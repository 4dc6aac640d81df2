"""Ask all the servers of many transfers with zonekit. Arguments: how many transfers, how many sockets, the ports.

Prints how many questions were answered.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from zonekit.probe import probe_many
from zonekit.transfer.answers import Question, Round, Server
from zonekit.transfer.versions import Source

_PARTIES = (Source.LOSING, Source.LOSING, Source.GAINING, Source.GAINING, Source.PARENT, Source.PARENT)


def questions(transfers: int, ports: tuple[int, ...]) -> Iterator[Question]:
    servers = tuple(
        Server(source=source, name=f"ns{number}.{source.value}.example", address="127.0.0.1", port=port)
        for number, (source, port) in enumerate(zip(_PARTIES, ports, strict=True))
    )
    for number in range(transfers):
        yield Question(domain=f"d{number:05}.example", servers=servers)


def answered(found: Round) -> int:
    return sum(answer.outcome.is_answer for each in found.found for answer in each.answers)


def main(transfers: int, at_most: int, *ports: int) -> None:
    print(sum(answered(found) for found in probe_many(questions(transfers, ports), at_most=at_most)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
