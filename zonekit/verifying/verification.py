"""What a verification came to."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from zonekit.findings import Finding, Severity
from zonekit.names import order_key, parse_name


class Extent(enum.Enum):
    """How much of a zone there is to look at."""

    WHOLE = "the whole zone"
    APEX = "what its servers gave of the apex"
    """RRsets that servers were asked for, one by one: what is not among them may be there all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The verdict on a zone at an instant.

    Attributes:
        zone: the apex name in presentation form.
        serial: the SOA serial.
        now: the instant that signatures were held against.
        findings: everything that was found, the gravest first and then in canonical order of owners.
        names: how many owner names the zone has.
        rrsets: how many RRsets in it have to be signed.
        signatures: how many signatures were checked over the data of what they cover.
        carried_over: how many of them were not computed again, because the zone that was verified before has them over
            the same data.
        first_expiration: when the first signature expires that is good now; None where none is.
    """

    zone: str
    serial: int
    now: datetime
    findings: tuple[Finding, ...]
    names: int
    rrsets: int
    signatures: int
    carried_over: int
    first_expiration: datetime | None

    @property
    def is_clean(self) -> bool:
        """Whether nothing of severity ERROR was found."""
        return not self.at_least(Severity.ERROR)

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of this severity or a graver one."""
        return tuple(finding for finding in self.findings if finding.severity >= severity)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings the gravest first, then in canonical order of owners (RFC 4034 section 6.1)."""
    keys: dict[str, bytes] = {}
    held = list(findings)
    for finding in held:
        if finding.owner not in keys:
            keys[finding.owner] = order_key(parse_name(finding.owner))
    return tuple(sorted(held, key=lambda each: (-each.severity, keys[each.owner], each.code, each.rdtype)))


def joined(findings: Iterable[Finding], of_text: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return a verifier's findings and the reader's, the gravest first and then by owner; what both found is told once."""
    of_reader = tuple(dict.fromkeys(of_text))
    told = {(finding.code, finding.owner, finding.rdtype) for finding in of_reader}
    others = [finding for finding in findings if (finding.code, finding.owner, finding.rdtype) not in told]
    return in_order([*others, *of_reader])
