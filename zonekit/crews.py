"""Crews: batches of zones, who does them, and what became of each zone.

A batch is a value, and so is the work that is done with it: both travel to an executor that was given, or to processes of
our own. Those are copies of this process, end with it, and are made anew when one of them is ended from outside; the
batches that were lost with it are done again, each alone.
"""

from __future__ import annotations

import enum
import gc
import itertools
import multiprocessing
import multiprocessing.context
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import connection
from types import TracebackType
from typing import Final, Protocol, Self

from zonekit.errors import FleetError, ZonekitError
from zonekit.findings import Finding

_BATCHES_A_PROCESS: Final = 3
_MOST_BATCHES: Final = 256  # under way in an executor that is not ours, whose size nobody knows
_MOST_RENEWALS: Final = 20


class ZoneResult(enum.Enum):
    """What became of one zone."""

    DONE = "done"
    CURRENT = "up to date"
    LEFT_ALONE = "left alone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneOutcome:
    """What became of one zone of a fleet.

    Attributes:
        zone: its name, as its file has it.
        result: what became of it.
        problem: why it failed, in one line; else empty.
        findings: what should be known about it.
        new_keys: the names of the files, without extension, of keys that were generated for it.
    """

    zone: str
    result: ZoneResult
    problem: str = ""
    findings: tuple[Finding, ...] = ()
    new_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Zones that are worked on together.

    Attributes:
        number: by which it is known in its run.
        zones: the zones, each with the names of the key files that it had when the run began.
        part_of: the number of the batch that it is a part of, and whose worker died; else empty.
    """

    number: str
    zones: tuple[tuple[str, tuple[str, ...]], ...]
    part_of: str = ""

    def apart(self) -> Iterator[Batch]:
        """Yield each zone as a batch of its own."""
        for index, zone in enumerate(self.zones):
            yield Batch(number=f"{self.number}-{index}", zones=(zone,), part_of=self.number)


class Work(Protocol):
    """What is to be done with each batch: a value that travels to wherever it is done."""

    def outcomes(self, batch: Batch) -> list[ZoneOutcome]:
        """Do it, and return what became of each zone."""
        ...


def _do(work: Work, batch: Batch) -> list[ZoneOutcome]:
    """Do the work. A function at the top of a module, so that a worker process can be told of it."""
    try:
        return work.outcomes(batch)
    except ZonekitError as error:
        return failed(batch, str(error))
    except Exception as error:
        return failed(batch, internal_error(error))


def failed(batch: Batch, problem: str) -> list[ZoneOutcome]:
    """Return the outcomes of a batch of which nothing came."""
    return [ZoneOutcome(zone=zone, result=ZoneResult.FAILED, problem=problem) for zone, _ in batch.zones]


def internal_error(error: Exception) -> str:
    """What an error of zonekit itself is told as: its type and place, and nothing of what was read."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)} line {frames[-1].lineno}" if frames else ""
    return f"internal error: {type(error).__name__}{place} (please report)"


def carried_out(
    work: Work, batches: Iterable[Batch], executor: Executor | None, processes: int | None
) -> Iterator[ZoneOutcome]:
    """Have the batches done, and yield the outcomes as they come.

    Args:
        work: what to do.
        batches: with what.
        executor: what does it; processes of our own when not given.
        processes: how many of those, one for each processor when not given. One is this process.

    Raises:
        FleetError: ``processes`` is less than 1, they are ended from outside again and again, or the executor is broken.
    """
    if processes is not None and processes < 1:
        raise FleetError(f"{processes} processes can do nothing", remedy="give at least one")
    count = processes or os.cpu_count() or 1
    if executor is None and count == 1:
        for batch in batches:
            yield from _do(work, batch)
        return
    with _Crew(executor, count, type(work).__module__) as crew:
        yield from crew.carry_out(work, iter(batches))


@dataclass(slots=True)
class _Crew:
    """Those who do the batches: an executor that was given, or processes of our own, which are made anew when one dies."""

    given: Executor | None
    processes: int
    module: str
    renewals: int = 0
    _own: Executor | None = None
    _under_way: dict[Future[list[ZoneOutcome]], Batch] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        begun = [future for future in self._under_way if not future.cancel()]
        if self._own is not None:
            self._own.shutdown(cancel_futures=True)
        wait(begun)  # the directories in which they work are claimed until they end

    def carry_out(self, work: Work, batches: Iterator[Batch]) -> Iterator[ZoneOutcome]:
        """Have the batches done, some at a time."""
        most = _BATCHES_A_PROCESS * self.processes if self.given is None else _MOST_BATCHES
        while True:
            lost: list[Batch] = []
            for batch in itertools.islice(batches, most - len(self._under_way)):
                if not self._submitted(work, batch):
                    lost.append(batch)
                    break
            if not self._under_way and not lost:
                return
            # When it is broken, all that is under way is done, or broken too.
            done = set(self._under_way) if lost else wait(self._under_way, return_when=FIRST_COMPLETED).done
            while done:
                future = done.pop()
                outcomes = self._outcomes(future)
                batch = self._under_way.pop(future)
                if outcomes is None:
                    lost.append(batch)
                    done = set(self._under_way)
                else:
                    yield from outcomes
            if lost:
                self._renew()
                yield from self._one_by_one(work, lost)

    def _one_by_one(self, work: Work, batches: Iterable[Batch]) -> Iterator[ZoneOutcome]:
        """Have batches done of which one ended a process: alone, and if that ends it again, each of its zones alone."""
        left = deque(batches)
        while left:
            batch = left.popleft()
            future = self._submitted(work, batch)
            if future is None:
                left.appendleft(batch)
                self._renew()
                continue
            outcomes = self._outcomes(future)
            del self._under_way[future]
            if outcomes is not None:
                yield from outcomes
                continue
            self._renew()
            if len(batch.zones) > 1:
                left.extendleft(reversed(list(batch.apart())))
            else:
                yield from failed(batch, "the process that worked on it was ended, and so was the next one")

    def _submitted(self, work: Work, batch: Batch) -> Future[list[ZoneOutcome]] | None:
        """Have a batch begun; None where the executor has broken."""
        try:
            future = self._executor.submit(_do, work, batch)
        except BrokenExecutor:
            return None
        except Exception as error:  # whatever an executor that was given may raise of its own
            raise FleetError(
                f"the executor takes no work: {type(error).__name__}",
                remedy="run this again when it does; it goes on where it stopped",
            ) from error
        self._under_way[future] = batch
        return future

    def _outcomes(self, future: Future[list[ZoneOutcome]]) -> list[ZoneOutcome] | None:
        """What became of a batch; None where the process that did it has died."""
        try:
            return future.result()
        except BrokenExecutor:
            return None
        except Exception as error:  # whatever an executor that was given may raise of its own
            problem = f"the executor did not do it: {type(error).__name__}; run this again"
            return failed(self._under_way[future], problem)

    @property
    def _executor(self) -> Executor:
        if self.given is not None:
            return self.given
        if self._own is None:
            self._own = ProcessPoolExecutor(
                self.processes, mp_context=_process_context(self.module), initializer=_begin_process
            )
        return self._own

    def _renew(self) -> None:
        self.renewals += 1
        if self.given is not None:
            raise FleetError(
                "the executor is broken: a process of it was ended from outside",
                remedy="run this again with another one; it goes on where it stopped",
            )
        if self.renewals > _MOST_RENEWALS:
            raise FleetError(
                f"processes were ended from outside {self.renewals} times",
                remedy="try fewer, or see whether the machine has memory left; the next run goes on where this one stopped",
            )
        if self._own is not None:
            self._own.shutdown(cancel_futures=True)
            self._own = None


def _process_context(module: str) -> multiprocessing.context.BaseContext:
    """How processes begin: as copies of this one, which has all loaded; with the module by themselves where it has threads.

    A copy made while another thread holds a lock would wait for it for ever.
    """
    if threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context


def _begin_process() -> None:
    """Leave interrupts to the process that began this one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # modules stay: they need not be looked at again and again
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
