"""The processes that share a command's work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from zonekit.cli.exits import BadInput

if TYPE_CHECKING:
    from concurrent.futures import Executor

_MOST_JOBS: Final = 256


def jobs_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option ``--jobs`` of a command whose help says what the processes do."""
    return click.option(
        "-n", "--jobs", type=click.IntRange(1, _MOST_JOBS), default=1, show_default=True, help=f"Processes that {what}."
    )


@contextmanager
def workers_for(jobs: int, what: str) -> Iterator[Executor | None]:
    """The processes that do the work; none where one is asked for, which is this one.

    Args:
        jobs: how many.
        what: what they did, for the message when one of them is gone.

    Raises:
        BadInput: one was ended from outside.
    """
    if jobs == 1:
        yield None
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    try:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["zonekit.render"])
        with ProcessPoolExecutor(jobs, mp_context=context) as workers:
            for _ in range(jobs):
                workers.submit(_nothing)  # so that they start while the zone is being read
            yield workers
    except BrokenProcessPool:
        raise BadInput(f"a process that {what} was ended from outside; try fewer --jobs") from None


def _nothing() -> None:
    pass
