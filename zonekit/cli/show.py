"""``zonekit show``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import click

from zonekit.cli.arguments import (
    DURATION,
    clock,
    include_option,
    json_option,
    now_option,
    origin_option,
    severity_option,
)
from zonekit.cli.exits import OK, REFUSED, one_line
from zonekit.cli.facts import KeyFacts, KeyFileFacts, TypeFacts, ZoneFacts, key_facts, key_file_facts, zone_facts
from zonekit.cli.inputs import is_key_name, read_dnskeys_or_zone, read_key_pair
from zonekit.cli.outputs import finding_objects, print_json
from zonekit.cli.progress import Progress
from zonekit.cli.tables import Column, print_facts, print_table
from zonekit.dnskeys import MAX_RESPONSE_OCTETS
from zonekit.findings import Severity
from zonekit.ttl import duration_text
from zonekit.zonefile import ParsedZone


@click.command(short_help="Show a zone or a key, and what is odd.")
@click.argument("source", metavar="ZONE|KEYFILE")
@click.option("--check", is_flag=True, help="Leave with exit code 1 when there is a finding.")
@severity_option(Severity.WARNING, "With --check: from which severity on a finding counts.")
@click.option(
    "--expires-within",
    type=DURATION,
    default="3d",
    show_default=True,
    metavar="DURATION",
    help="Warn of a signature that expires sooner than this.",
)
@origin_option
@include_option
@now_option
@json_option
def show(
    *,
    source: str,
    check: bool,
    severity: Severity,
    expires_within: timedelta,
    origin: str | None,
    include_root: str | None,
    given_now: datetime | None,
    as_json: bool,
) -> int:
    """Show a zone, DNSKEY records or a key file, and what is odd about it. Never anything of a private key.

    Of a zone: its size, the keys with what each signs, their DS, from when until when the signatures are valid, TTLs,
    and findings. Signatures are not verified: zonekit verify does that.

    A file named K*.key or K*.private is a key: its role, key tag, timing metadata and DS. Any other file is DNSKEY records
    if there is nothing else in it, else a zone; - is standard input.

    With --json one of
    {"kind": "zone", "zone", "serial", "names", "rrsets", "delegations", "secure_delegations", "denial", "keys": [KEY],
    "signatures": {"count", "earliest_inception", "latest_inception", "earliest_expiration", "first_expires",
    "latest_expiration"}, "dnskey_response_octets", "negative_ttl", "largest_ttl", "types": [{"type", "rrsets",
    "least_ttl", "largest_ttl"}], "findings": [...]},
    {"kind": "key", "zone", "key": KEY, "private", "use", "timing", "findings": [...]}
    or {"kind": "dnskeys", "keys": [KEY]}, where KEY is {"role", "key_tag", "algorithm", "algorithm_name", "flags",
    "bits", "signs", "ds", "dnskey"}. What there is not is null.
    """
    now = clock(given_now)
    with Progress() as progress, progress.working("reading"):
        facts = _facts_of(source, origin, include_root, now, expires_within)
    match facts:
        case ZoneFacts():
            _print_json("zone", facts) if as_json else _print_zone(facts)
            findings = facts.findings
        case KeyFileFacts():
            _print_json("key", facts) if as_json else _print_key_file(facts)
            findings = facts.findings
        case _:
            print_json({"kind": "dnskeys", "keys": list(map(asdict, facts))}) if as_json else _print_keys(facts)
            findings = ()
    if not as_json:
        for finding in findings:
            click.echo(one_line(str(finding)))
    return REFUSED if check and any(finding.severity >= severity for finding in findings) else OK


def _facts_of(
    source: str, origin: str | None, include_root: str | None, now: datetime, expires_within: timedelta
) -> ZoneFacts | KeyFileFacts | tuple[KeyFacts, ...]:
    if is_key_name(source):
        return key_file_facts(read_key_pair(source), now)
    found = read_dnskeys_or_zone(source, origin, include_root)
    if isinstance(found, ParsedZone):
        return zone_facts(found, now=now, expires_within=expires_within)
    return tuple(map(key_facts, found))


def _print_json(kind: str, facts: ZoneFacts | KeyFileFacts) -> None:
    print_json({"kind": kind} | asdict(facts) | {"findings": finding_objects(facts.findings)})


# ---- as text --------------------------------------------------------------------------------------------------------


def _print_zone(facts: ZoneFacts) -> None:
    cuts = (
        f"{facts.delegations} delegations, {facts.secure_delegations} of them signed"
        if facts.delegations
        else "no delegations"
    )
    rows = [
        ("zone", facts.zone),
        ("serial", str(facts.serial)),
        ("size", f"{facts.names} names, {facts.rrsets} RRsets, {cuts}"),
        ("denial", facts.denial or "none: the zone is not signed"),
    ]
    if facts.dnskey_response_octets is not None:
        rows.append(("DNSKEY response", f"{facts.dnskey_response_octets} octets of {MAX_RESPONSE_OCTETS}"))
    if (signatures := facts.signatures) is not None:
        rows += [
            ("signatures", str(signatures.count)),
            ("inceptions", _span(signatures.earliest_inception, signatures.latest_inception)),
            ("expirations", _span(signatures.earliest_expiration, signatures.latest_expiration)),
        ]
        if signatures.earliest_expiration != signatures.latest_expiration:
            rows.append(("first to expire", signatures.first_expires))
    rows += [("negative TTL", _ttl_text(facts.negative_ttl)), ("largest TTL", _ttl_text(facts.largest_ttl))]
    print_facts(rows)
    if facts.keys:
        click.echo()
        _print_keys(facts.keys)
    click.echo()
    columns = [Column(title="type"), Column(title="RRsets", numbers=True), Column(title="TTL")]
    print_table(columns, [(each.type, str(each.rrsets), _ttl_span(each)) for each in facts.types])
    if facts.findings:
        click.echo()


def _print_keys(keys: Sequence[KeyFacts]) -> None:
    columns = [Column(title="key"), Column(title="tag", numbers=True), Column(title="algorithm")]
    columns += [Column(title="bits", numbers=True), Column(title="signs")]
    print_table(columns, [_key_row(key) for key in keys])
    if any(key.ds for key in keys):
        click.echo()
    for key in keys:
        if key.ds is not None:
            click.echo(key.ds)


def _key_row(key: KeyFacts) -> tuple[str, ...]:
    algorithm = f"{key.algorithm} {key.algorithm_name}" if key.algorithm_name != str(key.algorithm) else "unknown"
    return key.role, str(key.key_tag), algorithm, str(key.bits or "unsound"), " and ".join(key.signs) or "-"


def _print_key_file(facts: KeyFileFacts) -> None:
    key = facts.key
    rows = [
        ("zone", facts.zone),
        ("role", key.role + (" (or CSK: the files do not tell)" if key.role == "KSK" else "")),
        ("key tag", str(key.key_tag)),
        ("algorithm", f"{key.algorithm} {key.algorithm_name}, {key.bits or 'unsound'} bits"),
        ("flags", str(key.flags)),
        ("private file", facts.private),
    ]
    rows += [(name.replace("_", " "), text) for name, text in facts.timing.items()]
    if facts.use is not None:
        rows.append(("for now it is to", {"sign": "sign", "publish": "be published", "none": "do nothing"}[facts.use]))
    rows += [("DNSKEY", key.dnskey)] + ([("DS", key.ds)] if key.ds is not None else [])
    print_facts(rows)


def _span(earliest: str, latest: str) -> str:
    return earliest if earliest == latest else f"{earliest} to {latest}"


def _ttl_text(seconds: int) -> str:
    return f"{seconds} ({duration_text(seconds)})"


def _ttl_span(each: TypeFacts) -> str:
    return str(each.least_ttl) if each.least_ttl == each.largest_ttl else f"{each.least_ttl} to {each.largest_ttl}"
