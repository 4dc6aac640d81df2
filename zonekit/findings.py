"""Findings: what should be reported but does not stop the work.

What must not be ignored raises (see :mod:`zonekit.errors`); everything else that a person should know is a
:class:`Finding`. A checker returns all of them, never only the first.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.IntEnum):
    """How much a finding matters; ordered, so that ``finding.severity >= Severity.WARNING`` reads as it should."""

    INFO = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a checker saw.

    Attributes:
        code: a stable word for programs, such as ``ttl-differs``.
        severity: how much it matters.
        owner: the owner name in presentation form.
        rdtype: the record type in presentation form; empty when it is about the name or the zone.
        message: what was seen, with the facts.
        rule: the clause that decides, such as ``RFC 2181 section 5.2``; empty when none does.
        remedy: what to do about it; empty when nothing needs doing.
    """

    code: str
    severity: Severity
    owner: str
    message: str
    rdtype: str = ""
    rule: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        subject = f"{self.owner} {self.rdtype}".rstrip()
        return f"{self.severity.name.lower()}: {subject}: {self.text()}"

    def text(self) -> str:
        """Return the message with the remedy, the rule and the code, for where severity and subject stand apart."""
        text = self.message
        if self.remedy:
            text += f"; {self.remedy}"
        if self.rule:
            text += f" ({self.rule})"
        return f"{text} [{self.code}]"
