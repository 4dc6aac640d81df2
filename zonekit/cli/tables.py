"""Tables on standard output: rich's on a terminal, plain aligned text in a pipe or a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from zonekit.cli.terminal import terminal

if TYPE_CHECKING:
    import rich.table


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        title: what stands above it.
        numbers: whether it holds numbers, which stand to the right.
    """

    title: str
    numbers: bool = False


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, indent: str = "") -> None:
    """Print a table to standard output; an ``indent`` stands before each line."""
    console = terminal()
    if console is None:
        for line in plain_table(columns, rows):
            click.echo(f"{indent}{line}")
        return
    import rich.padding

    console.print(rich.padding.Padding(rich_table(columns, rows), (0, 0, 0, len(indent)), expand=False))


def rich_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> rich.table.Table:
    """Return a table for a terminal."""
    import rich.box
    import rich.table
    import rich.text

    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column.title, justify="right" if column.numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(rich.text.Text, row))
    return table


def print_facts(rows: Sequence[tuple[str, str]]) -> None:
    """Print what is what to standard output, one fact a line."""
    for line in fact_lines(rows):
        click.echo(line)


def fact_lines(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return what is what, one fact a line.

    >>> fact_lines([("zone", "example.nl."), ("serial", "1")])
    ['zone    example.nl.', 'serial  1']
    """
    width = max(len(what) for what, _ in rows)
    return [f"{what:<{width}}  {text}" for what, text in rows]


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table as plain text.

    >>> plain_table([Column(title="type"), Column(title="TTL", numbers=True)], [["NS", "600"], ["DNSKEY", "86400"]])
    ['type      TTL', 'NS        600', 'DNSKEY  86400']
    """
    held = [[column.title for column in columns], *rows]
    widths = [max(len(row[index]) for row in held) for index in range(len(columns))]
    return [
        "  ".join(
            [
                cell.rjust(width) if column.numbers else cell.ljust(width)
                for column, width, cell in zip(columns, widths, row, strict=True)
            ]
        ).rstrip()
        for row in held
    ]
