"""Exit codes and error lines.

| code | meaning |
|---|---|
| 0 | done |
| 1 | something was checked and refused or found; what is refused writes and changes no output file |
| 2 | wrong usage or unusable input |
| 70 | an error in zonekit itself |
| 130 | interrupted |

One refusal comes after the fact: a zone that was published is in service, and some server is late; its file stays.

An error is one line on standard error: ``zonekit: what is wrong, and where; what to do about it (rule)``. A command that
finds several reasons for one refusal gives each a line. An error in zonekit itself is a line too, without the text of the
exception, which may hold anything that was read; with ``ZONEKIT_TRACEBACK=1`` in the environment it is a traceback.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final

import click

from zonekit.errors import (
    DnskeyRefused,
    DsError,
    FrameWithheld,
    KeyFileExists,
    PublishingError,
    SerialError,
    SigningError,
    ZonekitError,
)

OK: Final = 0
REFUSED: Final = 1
BAD_INPUT: Final = 2
INTERNAL: Final = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED: Final = 130

TRACEBACK_VARIABLE: Final = "ZONEKIT_TRACEBACK"

# What is understood and not done. Everything else that zonekit raises is about what it was given to read.
_REFUSALS: Final = (DnskeyRefused, DsError, KeyFileExists, PublishingError, SerialError, SigningError)


class Refused(click.ClickException):
    """What was asked is not done, for these reasons."""

    exit_code = REFUSED

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(map(one_line, reasons)))


class BadInput(click.ClickException):
    """Something that was given cannot be used."""

    exit_code = BAD_INPUT

    def __init__(self, reason: str) -> None:
        super().__init__(one_line(reason))


def as_click(error: ZonekitError) -> click.ClickException:
    """Return the exception that ends a command as this refusal should."""
    if isinstance(error, DnskeyRefused):
        return Refused(str(error), *map(str, error.others))
    if isinstance(error, FrameWithheld):
        return Refused(*(error.reasons or [error.problem]), error.remedy)
    return Refused(str(error)) if isinstance(error, _REFUSALS) else BadInput(str(error))


def one_line(text: str) -> str:
    """Return the text with nothing in it that breaks a line or that a terminal would obey."""
    return "".join([char if char.isprintable() else ascii(char)[1:-1] for char in text])


class Tidy(click.Command):
    """A command whose every error is a line, and whose exit codes are those of this module."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run the command and leave with its exit code."""
        try:
            sys.exit(self._run(*arguments, **(settings | {"standalone_mode": False})))
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(BAD_INPUT)
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else "zonekit"
            _say([f"{one_line(error.format_message()).removesuffix('.')}; see {command} --help"])
            sys.exit(BAD_INPUT)
        except click.ClickException as error:
            _say(error.message.split("\n"))
            sys.exit(error.exit_code)
        except click.Abort:
            _say(["interrupted"])
            sys.exit(INTERRUPTED)
        except ModuleNotFoundError:
            raise  # the caller knows which extra to install
        except Exception as error:
            if os.environ.get(TRACEBACK_VARIABLE) == "1":
                raise
            _say([_internal_error(error)])
            sys.exit(INTERNAL)

    def _run(self, *arguments: Any, **settings: Any) -> int:
        try:
            result = super().main(*arguments, **settings)
        except ZonekitError as error:
            raise as_click(error) from None
        except OSError as error:
            raise BadInput(str(error)) from None
        return result if isinstance(result, int) else OK


def _internal_error(error: Exception) -> str:
    """Return the line for an error in zonekit itself: its type and place, and nothing of what was read."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frame.filename)} line {frame.lineno}"
    return f"internal error: {type(error).__name__} at {place} (please report; {TRACEBACK_VARIABLE}=1 shows where from)"


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(f"zonekit: {one_line(line)}", err=True)
