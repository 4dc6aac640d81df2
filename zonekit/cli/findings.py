"""Findings as a table, and what there is of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import click

from zonekit.cli.exits import one_line
from zonekit.cli.tables import Column, print_table
from zonekit.findings import Finding, Severity

FINDING_COLUMNS: Final = tuple(Column(title=title) for title in ("severity", "owner", "type", "finding"))


def print_findings(findings: Sequence[Finding], *, most: int | None) -> None:
    """Print findings as a table; of a code that has more than ``most`` the first, and how many there are."""
    counts = Counter(finding.code for finding in findings)
    print_table(FINDING_COLUMNS, [finding_row(finding) for finding in _first(findings, most)])
    for code, count in counts.items():
        if most is not None and count > most:
            click.echo(f"{code}: {count - most} more, {count} in all; --all shows them")


def _first(findings: Iterable[Finding], most: int | None) -> Iterator[Finding]:
    """Yield the findings, of each code no more than so many."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.code] += 1
        if most is None or seen[finding.code] <= most:
            yield finding


def finding_row(finding: Finding) -> tuple[str, ...]:
    """Return a finding as a row under :data:`FINDING_COLUMNS`."""
    return finding.severity.name.lower(), one_line(finding.owner), finding.rdtype, one_line(finding.text())


def counts_text(findings: Iterable[Finding]) -> str:
    """Return how many findings there are of each severity."""
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(_plural(counts[severity], severity) for severity in sorted(counts, reverse=True)) or "none"


def _plural(count: int, severity: Severity) -> str:
    return f"{count} {severity.name.lower()}{'' if count == 1 else 's'}"
