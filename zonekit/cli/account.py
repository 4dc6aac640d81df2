"""An account of what was done, for people: collected once, printed to a terminal and kept as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

import click

from zonekit.cli.tables import Column, fact_lines, plain_table, print_table
from zonekit.cli.terminal import terminal

_COLUMNS: Final = 100


class Account:
    """Headings, paragraphs, facts and tables, printed as they come; all of it is kept as plain text.

    A blank line stands between any two of them, and none below a heading.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._console = terminal()
        self._gap = False

    def heading(self, text: str) -> None:
        """Begin a part."""
        self._block()
        rule = "-" * len(text)
        self._lines += [text, rule]
        if self._console is None:
            click.echo(f"{text}\n{rule}")
        else:
            import rich.text

            self._console.print(rich.text.Text(text, style="bold"))
        self._gap = False

    def say(self, text: str) -> None:
        """Say a paragraph, wrapped to what is comfortable to read, or to what fits."""
        self._block()
        self._lines.append(_wrapped(text, _COLUMNS))
        click.echo(_wrapped(text, _COLUMNS if self._console is None else min(_COLUMNS, self._console.width)))

    def lines(self, lines: Sequence[str]) -> None:
        """Say lines as they are."""
        self._block()
        self._lines += lines
        for line in lines:
            click.echo(line)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Say what is what, one fact a line."""
        self.lines(fact_lines(rows))

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Show a table."""
        self._block()
        self._lines += [f"  {line}" for line in plain_table(columns, rows)]
        print_table(columns, rows, indent="  ")

    def text(self) -> str:
        """Return everything that was said, as plain text."""
        return "\n".join(self._lines) + "\n"

    def _block(self) -> None:
        if self._gap:
            self._lines.append("")
            click.echo()
        self._gap = True


def _wrapped(text: str, columns: int) -> str:
    return textwrap.fill(text, columns, break_on_hyphens=False, break_long_words=False)
