"""Work on an executor: given a little at a time, taken back in order.

An executor is any :class:`concurrent.futures.Executor`: processes, threads, or a cluster's. How much is under way at once is
bounded, so that what is made of a million names never lies in memory as a whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

UNDER_WAY: Final = 128

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def done_in_order(
    work: Callable[[_Given], _Made], jobs: Iterable[_Given], executor: Executor | None
) -> Iterator[_Made]:
    """Yield what ``work`` makes of each of ``jobs``, in their order.

    Args:
        work: what is done; with an executor of processes a function at the top of a module, or a partial of one.
        jobs: what it is done with; each is asked for when there is room for it.
        executor: where; here and now when there is none.

    What ``work`` and ``jobs`` raise passes through, and what had not begun by then is not begun any more.
    """
    if executor is None:
        yield from map(work, jobs)
        return
    under_way: deque[Future[_Made]] = deque()
    try:
        for job in jobs:
            if len(under_way) == UNDER_WAY:
                yield under_way.popleft().result()
            under_way.append(executor.submit(work, job))
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()
