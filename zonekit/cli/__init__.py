"""The command line: parse, call, print, exit code. It needs the extra ``cli``.

``zonekit --help`` says what the commands are, and each command's ``--help`` what it reads, writes and prints.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

__all__ = ["main"]

_NEEDED: Final = ("click", "rich")


def main() -> None:
    """Run the command that ``sys.argv`` says, and leave with its exit code."""
    run_guarded(_run)


def _run() -> None:
    from zonekit.cli.app import cli

    cli(prog_name="zonekit")


def run_guarded(run: Callable[[], None]) -> None:
    """Call ``run``; where the packages of the extra ``cli`` are missing, say so in one line and leave with 2."""
    try:
        run()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _NEEDED:
            raise
        print(
            f"zonekit: the command line needs {' and '.join(_NEEDED)}, and {missing} is not installed;"
            " run: pip install 'zonekit[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
