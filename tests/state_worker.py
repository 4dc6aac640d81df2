"""Processes that use a state file as others do, or die over it: ``python -m tests.state_worker WHAT PATH``.

- ``add WHO COUNT``: adds to the course so often, and prints each number when that is on the disk.
- ``die``: dies by SIGKILL while it has read the course and not yet written.
- ``cut OCTETS``: is killed by the first write beyond so many octets of a file, the state's or its journal's.
- ``full OCTETS``: has no room beyond so many octets, and prints the refusal.
- ``reader``: as a user who may not write, prints how long the course is, and then the refusal of an update.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from datetime import timedelta

from tests.courses import NOW, further, length
from zonekit.errors import StateError
from zonekit.state import State
from zonekit.transfer.course import Course

DOMAIN = "example.nl"
NOBODY = 65534
PATIENCE = timedelta(seconds=100)
"""However slow the disk is: whoever waits for a lock is not always the next to get it."""


def add(path: str, who: str, count: str) -> None:
    for number in range(int(count)):
        State(path, PATIENCE).update(DOMAIN, lambda course: further(course, who), at=NOW)
        print(number, flush=True)


def die(path: str) -> None:
    def dying(course: Course) -> Course:
        os.kill(os.getpid(), signal.SIGKILL)
        return course

    State(path).update(DOMAIN, dying, at=NOW)


def cut(path: str, octets: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(octets), int(octets)))
    State(path).update(DOMAIN, lambda course: further(course, "cut"), at=NOW)


def full(path: str, octets: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(octets), int(octets)))
    refused_update(path)


def reader(path: str) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    course = State(path).course(DOMAIN)
    assert course is not None
    print(length(course), State(path).domains(), len(State(path).history(DOMAIN)))
    refused_update(path)


def refused_update(path: str) -> None:
    try:
        State(path).update(DOMAIN, lambda course: further(course, "refused"), at=NOW)
    except StateError as error:
        print(error)


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    {"add": add, "die": die, "cut": cut, "full": full, "reader": reader}[what](*words)
