"""Progress on long work: bars on standard error, on a terminal only, gone when the work is done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from zonekit.cli.terminal import terminal

if TYPE_CHECKING:
    import rich.progress

_Item = TypeVar("_Item")

_SMALL: Final = 4  # blocks; what has fewer is done before anyone could read a bar


class Progress:
    """The bars of one command; nothing at all where standard error is no terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._bars: rich.progress.Progress | None = None
        if not quiet and (console := terminal(stderr=True)) is not None:
            import rich.progress

            self._bars = rich.progress.Progress(console=console, transient=True)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    @property
    def is_shown(self) -> bool:
        """Whether there are bars at all."""
        return self._bars is not None

    @contextlib.contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show that work of unknown length goes on."""
        if self._bars is None:
            yield
            return
        task = self._bars.add_task(what, total=None)
        try:
            yield
        finally:
            self._bars.remove_task(task)

    def counted(self, what: str, items: Iterable[_Item], *, total: int) -> Iterator[_Item]:
        """Yield the items, with a bar that moves with each."""
        if self._bars is None or total < _SMALL:
            yield from items
            return
        task = self._bars.add_task(what, total=total)
        for item in items:
            yield item
            self._bars.advance(task)
        self._bars.remove_task(task)

    @contextlib.contextmanager
    def counting(self, what: str) -> Iterator[Callable[[int, int], None] | None]:
        """Yield what moves a bar when it is told how much is done and how much there is; None where there are no bars."""
        if self._bars is None:
            yield None
            return
        bars, task = self._bars, self._bars.add_task(what, total=None)

        def count(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        try:
            yield count
        finally:
            bars.remove_task(task)
