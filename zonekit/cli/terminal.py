"""Whether somebody looks on: rich's console where a stream is a terminal, and rich not even loaded where it is none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import rich.console

_FORCED_BY: Final = ("FORCE_COLOR", "TTY_COMPATIBLE")
"""What may make a terminal of a pipe for rich; rich decides how."""


def terminal(*, stderr: bool = False) -> rich.console.Console | None:
    """Return the console of standard output, or of standard error; None where that is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty() and not any(name in os.environ for name in _FORCED_BY):
        return None
    import rich.console

    console = rich.console.Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else None
