"""``zonekit verify``."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import click

from zonekit import rdata as rd
from zonekit.cli.arguments import clock, include_option, json_option, now_option, origin_option, severity_option
from zonekit.cli.exits import OK, REFUSED, one_line
from zonekit.cli.inputs import read_rrset, read_zone
from zonekit.cli.outputs import finding_objects, print_json
from zonekit.cli.progress import Progress
from zonekit.cli.tables import Column, print_facts, print_table
from zonekit.cli.workers import jobs_option, workers_for
from zonekit.ds import DEFAULT_TTL
from zonekit.findings import Finding, Severity
from zonekit.instants import instant_text
from zonekit.names import WireName, name_text, order_key, parse_name
from zonekit.ttl import duration_text
from zonekit.verifying import Verification, verify_zone
from zonekit.zonefile import Misfits
from zonekit.zones import RRset, Zone

_SHOWN: Final = 20


@click.command(short_help="Verify a signed zone: would it break now?")
@click.argument("zone_file", metavar="ZONE")
@origin_option
@click.option(
    "--ds",
    "ds_file",
    metavar="FILE",
    help="The DS records at the parent: a dsset file, or records as in a zone file or as dig prints them. Without it, and"
    " without --ds-record, the way from the parent is not looked at.",
)
@click.option(
    "--ds-record",
    "ds_records",
    multiple=True,
    metavar="'TAG ALGORITHM DIGEST-TYPE DIGEST'",
    help="A DS record at the parent, by its four fields; may be given again.",
)
@click.option(
    "--previous",
    metavar="FILE",
    help="The zone as it was verified before. A signature that it has too, over the same data and by the same key, is"
    " held against the clock and not computed again.",
)
@jobs_option("verify")
@severity_option(Severity.ERROR, "From which severity on a finding makes the exit code 1.")
@click.option("--all", "show_all", is_flag=True, help=f"Show more than {_SHOWN} findings of a code.")
@include_option
@now_option
@json_option
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="Print nothing but errors, and what --json asks for: the exit code tells the rest.",
)
def verify(
    *,
    zone_file: str,
    origin: str | None,
    ds_file: str | None,
    ds_records: Sequence[str],
    previous: str | None,
    jobs: int,
    severity: Severity,
    show_all: bool,
    include_root: str | None,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Verify ZONE, and tell everything in it that a validator, a resolver or a secondary can fail on. - is standard input.

    Every signature is computed, and held against the time, the keys and the data; so are the NSEC and NSEC3 chains, the
    DNSKEYs, what CDS and CDNSKEY ask for, ZONEMD, delegations and their glue. A record that may not stand where it stands,
    such as an address beside a CNAME, is a finding here, though every other command refuses the zone. With the DS records of
    the parent the whole way from there is verified.

    The exit code is 1 where there is a finding of --severity or graver. Findings of severity error can break something,
    warnings should be mended, infos are good to know. The README lists every code.

    \b
    Examples:
      zonekit verify example.nl.signed
      dig example.nl DS | zonekit verify example.nl.signed --ds - --severity warning
      zonekit verify today/example.nl.signed --previous yesterday/example.nl.signed --jobs 4 --json

    With --json: {"zone", "serial", "now", "clean", "names", "rrsets", "signatures", "carried_over", "first_expiration",
    "findings": [{"code", "severity", "owner", "type", "message", "remedy", "rule"}]}. "clean" says that no finding is an
    error, whatever --severity is. Of the "signatures" those that are "carried_over" were not computed again.
    """
    now = clock(given_now)
    with Progress(quiet=quiet) as progress, workers_for(jobs, "verified") as workers:
        with progress.working("reading"):
            parsed = read_zone(zone_file, origin, include_root, misfits=Misfits.KEEP)
            zone = parsed.zone
            ds = _ds_of(zone.apex, ds_file, ds_records)
            earlier = _read_earlier(previous, zone)
        with progress.counting("verifying") as count:
            found = verify_zone(zone, now=now, ds=ds, previous=earlier, executor=workers, progress=count)
    result = dataclasses.replace(found, findings=_with_those_of_the_text(found.findings, parsed.findings))
    if as_json:
        print_json(_verification_object(result))
    elif not quiet:
        _print_verification(result, severity, show_all=show_all)
    return REFUSED if result.at_least(severity) else OK


def _ds_of(apex: WireName, file: str | None, records: Sequence[str]) -> RRset | None:
    """The DS RRset at the parent, as far as it is given."""
    given = [] if file is None else [read_rrset(file, rd.DS, apex)]
    if records:
        given.append(RRset.from_text(name_text(apex), DEFAULT_TTL, "DS", *records))
    if not given:
        return None
    rdatas = tuple(rdata for rrset in given for rdata in rrset.rdatas)
    return RRset(owner=apex, rdtype=rd.DS, ttl=given[0].ttl, rdatas=rdatas)


def _read_earlier(previous: str | None, zone: Zone) -> Zone | None:
    """The zone that was verified before, which may have had its faults too."""
    return None if previous is None else read_zone(previous, name_text(zone.apex), None, misfits=Misfits.KEEP).zone


def _with_those_of_the_text(findings: Sequence[Finding], of_text: Iterable[Finding]) -> tuple[Finding, ...]:
    """The verifier's findings and the reader's, the gravest first and then by owner; what both found is told once."""

    def told(finding: Finding) -> tuple[str, str, str]:
        return finding.code, finding.owner, finding.rdtype

    of_reader = {told(finding): finding for finding in of_text}
    both = [finding for finding in findings if told(finding) not in of_reader] + list(of_reader.values())
    return tuple(sorted(both, key=_rank))


def _rank(finding: Finding) -> tuple[int, bytes, str, str]:
    return -finding.severity, order_key(parse_name(finding.owner)), finding.code, finding.rdtype


def _verification_object(result: Verification) -> dict[str, Any]:
    return {
        "zone": result.zone,
        "serial": result.serial,
        "now": instant_text(result.now),
        "clean": result.is_clean,
        "names": result.names,
        "rrsets": result.rrsets,
        "signatures": result.signatures,
        "carried_over": result.carried_over,
        "first_expiration": None if result.first_expiration is None else instant_text(result.first_expiration),
        "findings": finding_objects(result.findings),
    }


# ---- as text --------------------------------------------------------------------------------------------------------


def _print_verification(result: Verification, severity: Severity, *, show_all: bool) -> None:
    if result.findings:
        print_findings(result.findings, most=None if show_all else _SHOWN)
        click.echo()
    print_facts(_facts(result, severity))


def print_findings(findings: Sequence[Finding], *, most: int | None) -> None:
    """Print findings as a table; of a code that has more than ``most`` the first, and how many there are."""
    counts = Counter(finding.code for finding in findings)
    columns = [Column(title=title) for title in ("severity", "owner", "type", "finding")]
    print_table(columns, [_row(finding) for finding in _first(findings, most)])
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


def _row(finding: Finding) -> tuple[str, ...]:
    return finding.severity.name.lower(), one_line(finding.owner), finding.rdtype, one_line(finding.text())


def _facts(result: Verification, severity: Severity) -> list[tuple[str, str]]:
    """What a verification comes to, fact by fact."""
    signatures = f"{result.signatures} checked"
    if result.carried_over:
        signatures += f", {result.carried_over} of them carried over from the zone of before"
    first = result.first_expiration
    return [
        ("zone", result.zone),
        ("serial", str(result.serial)),
        ("size", f"{result.names} names, {result.rrsets} RRsets that have to be signed"),
        ("signatures", signatures),
        ("first to expire", "none is good" if first is None else _with_time_left(first, result.now)),
        ("findings", _counts_text(result.findings)),
        ("verdict", _verdict_text(result, severity)),
    ]


def _with_time_left(instant: datetime, now: datetime) -> str:
    return f"{instant_text(instant)} (in {duration_text(instant - now)})"


def _counts_text(findings: Iterable[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(_plural(counts[severity], severity) for severity in sorted(counts, reverse=True)) or "none"


def _plural(count: int, severity: Severity) -> str:
    return f"{count} {severity.name.lower()}{'' if count == 1 else 's'}"


def _verdict_text(result: Verification, severity: Severity) -> str:
    verdict = f"{'clean' if result.is_clean else 'not clean'} at {instant_text(result.now)}"
    if result.is_clean and result.at_least(severity):
        verdict += f", and refused: there are findings of severity {severity.name.lower()} or graver"
    return verdict
