"""An executor whose work can be watched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

from zonekit.cli.progress import Progress


class CountingExecutor(Executor):
    """An executor whose ``map`` moves a bar."""

    def __init__(self, progress: Progress, what: str, inner: Executor | None) -> None:
        self._progress = progress
        self._what = what
        self._inner = inner

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do one piece of work."""
        if self._inner is not None:
            return self._inner.submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Any]:
        """Do many pieces of work, in order."""
        columns = [list(iterable) for iterable in iterables]
        results = map(fn, *columns) if self._inner is None else self._inner.map(fn, *columns, timeout=timeout)
        return self._progress.counted(self._what, results, total=min(map(len, columns), default=0))
