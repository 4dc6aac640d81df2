"""``zonekit verify``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import click

from zonekit.cli.arguments import (
    clock,
    include_option,
    json_option,
    now_option,
    origin_option,
    parsed_by,
    severity_option,
    usage_error,
)
from zonekit.cli.exits import OK, REFUSED
from zonekit.cli.findings import counts_text, print_findings
from zonekit.cli.inputs import read_ds, read_zone
from zonekit.cli.outputs import finding_objects, print_json
from zonekit.cli.progress import Progress
from zonekit.cli.tables import print_facts
from zonekit.cli.verify_transfer import Look, refuse_transfer_options, transfer_options, verify_transfer
from zonekit.cli.workers import jobs_option, workers_for
from zonekit.errors import RdataError, ZonekitError
from zonekit.findings import Severity
from zonekit.instants import instant_text
from zonekit.names import name_text
from zonekit.ttl import duration_text
from zonekit.verifying import Verification, verify_zone
from zonekit.verifying.verification import joined
from zonekit.zonefile import Misfits
from zonekit.zones import RRset, Zone

_SHOWN: Final = 20


def _parse_ds_record(text: str) -> str:
    """The fields of a DS record as they were given, once they are known to be some."""
    try:
        RRset.from_text(".", 0, "DS", text)
    except ZonekitError as error:
        remedy = (
            "write TAG ALGORITHM DIGEST-TYPE DIGEST, the digest whole and in hexadecimal, as dig +short prints them"
        )
        raise RdataError(error.problem, remedy=remedy, rule="RFC 4034 section 5.3") from None
    return text


@click.command(short_help="Verify a signed zone, or a transfer: would it break now?")
@click.argument("zone_file", metavar="[ZONE]", required=False)
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
    type=parsed_by(_parse_ds_record),
    metavar="'TAG ALGORITHM DIGEST-TYPE DIGEST'",
    help="A DS record at the parent, by its four fields; may be given again.",
)
@click.option(
    "--previous",
    metavar="FILE",
    help="The zone as it was verified before, when nothing was found about its signatures. One that it has too, over the"
    " same data and by the same key, is held against the clock and not computed again.",
)
@jobs_option("verify")
@severity_option(Severity.ERROR, "From which severity on a finding makes the exit code 1.")
@click.option("--all", "show_all", is_flag=True, help=f"Show more than {_SHOWN} findings of a code.")
@transfer_options
@include_option
@now_option
@json_option
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="Print nothing but errors, and what --json or --receipt asks for: the exit code tells the rest.",
)
def verify(
    *,
    zone_file: str | None,
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
    **transfer: Any,
) -> int:
    """Verify ZONE, and tell everything in it that a validator, a resolver or a secondary can fail on. - is standard input.

    Every signature is computed, and held against the time, the keys and the data; so are the NSEC and NSEC3 chains, the
    DNSKEYs, what CDS and CDNSKEY ask for, ZONEMD, delegations and their glue. A record that may not stand where it stands,
    such as an address beside a CNAME, is a finding here, though every other command refuses the zone. With the DS records of
    the parent the whole way from there is verified.

    The exit code is 1 where there is a finding of --severity or graver. Findings of severity error can break something,
    warnings should be mended, infos are good to know. The README lists every code.

    With --transfer there is no ZONE: what is served, as --losing, --gaining, --ds and --ns show it, is held against what a
    transfer claims that has come to STEP. Each claim is true, false or not to be seen; then comes what is still missing until
    the name servers may change, and at whose hands it is, what would break if they changed now, and what is wrong with both
    zones, where what STEP makes legal counts as expected. The exit code is 0 only when every claim is seen to be true, too, but
    for what was not looked at of a step that is --said to be done, and no key is refused in the receipt.

    \b
    Examples:
      zonekit verify example.nl.signed
      dig example.nl DS | zonekit verify example.nl.signed --ds - --severity warning
      zonekit verify today/example.nl.signed --previous yesterday/example.nl.signed --jobs 4 --json
      zonekit verify --transfer losing-merged --transfer ds-added --plan plan.json \\
          --losing losing.zone --gaining gaining.zone --ds parent.ds --ns parent.ns
      zonekit verify --transfer keys-exchanged --losing losing.zone --gaining-keys received.txt --plan plan.json \\
          --receipt receipt.json

    With --json: {"zone", "serial", "now", "clean", "names", "rrsets", "signatures", "carried_over", "first_expiration",
    "findings": [{"code", "severity", "owner", "type", "message", "remedy", "rule"}]}. "clean" says that no finding is an
    error, whatever --severity is. Of the "signatures" those that are "carried_over" were not computed again.

    With --transfer and --json: {"domain", "now", "claimed": [STEP], "done": [STEP], "true", "clean", "claims": [{"claim",
    "truth", "found", "step", "actor", "until": [STEP]}], "by_people": [STEP], "said": [STEP], "missing": [{"step", "actor",
    "needed", "found"}], "breaks": [{"records", "profiles", "is_so_already", "story"}], "waits": [{"until", "record", "since",
    "rule"}], "decision": {"step", "decision", "missing"}, "receipt", "findings"}. "true" says that every claim was seen to be
    true, whatever is --said; "by_people" are steps that people still have to confirm. "breaks" is null where too little was
    looked at, and where the losing side cannot be reached any more; "decision" without a plan, "receipt" without --receipt. A
    receipt is {"format": "zonekit-receipt", "version": 1, "domain", "by", "at", "keys"}; zonekit/transfer/receipts.py documents
    it.
    """
    now = clock(given_now)
    most = None if show_all else _SHOWN
    if transfer["steps"]:
        if zone_file is not None or previous is not None:
            raise usage_error("--transfer looks at --losing and --gaining: it takes no ZONE and no --previous")
        look = Look(origin=origin, ds=ds_file, ds_records=ds_records, include_root=include_root, **transfer)
        return verify_transfer(look, now=now, jobs=jobs, severity=severity, most=most, as_json=as_json, quiet=quiet)
    refuse_transfer_options(transfer)
    if zone_file is None:
        raise usage_error("give a ZONE, or --transfer")
    with Progress(quiet=quiet) as progress, workers_for(jobs, "verified") as workers:
        with progress.working("reading"):
            parsed = read_zone(zone_file, origin, include_root, misfits=Misfits.KEEP)
            zone = parsed.zone
            ds = read_ds(ds_file, ds_records, zone.apex)
            earlier = _read_earlier(previous, zone)
        with progress.counting("verifying") as count:
            found = verify_zone(zone, now=now, ds=ds, previous=earlier, executor=workers, progress=count)
    result = dataclasses.replace(found, findings=joined(found.findings, parsed.findings))
    if as_json:
        print_json(_verification_object(result))
    elif not quiet:
        _print_verification(result, severity, most)
    return REFUSED if result.at_least(severity) else OK


def _read_earlier(previous: str | None, zone: Zone) -> Zone | None:
    """The zone that was verified before, which may have had its faults too."""
    return None if previous is None else read_zone(previous, name_text(zone.apex), None, misfits=Misfits.KEEP).zone


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


def _print_verification(result: Verification, severity: Severity, most: int | None) -> None:
    if result.findings:
        print_findings(result.findings, most=most)
        click.echo()
    print_facts(_facts(result, severity))


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
        ("findings", counts_text(result.findings)),
        ("verdict", _verdict_text(result, severity)),
    ]


def _with_time_left(instant: datetime, now: datetime) -> str:
    return f"{instant_text(instant)} (in {duration_text(instant - now)})"


def _verdict_text(result: Verification, severity: Severity) -> str:
    verdict = f"{'clean' if result.is_clean else 'not clean'} at {instant_text(result.now)}"
    if result.is_clean and result.at_least(severity):
        verdict += f", and refused: there are findings of severity {severity.name.lower()} or graver"
    return verdict
