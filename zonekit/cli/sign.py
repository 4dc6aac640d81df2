"""``zonekit sign``."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from zonekit.cli.arguments import (
    DURATION,
    TTL,
    clock,
    include_option,
    json_option,
    key_options,
    now_option,
    origin_option,
    output_options,
    parsed_by,
    quiet_option,
    serial_option,
    usage_error,
    validity_from,
    validity_option,
)
from zonekit.cli.inputs import own_key_files, read_own_keys, read_zone, read_zone_and_included
from zonekit.cli.outputs import Target, Voice, denial_text, finding_objects, key_objects, keys_text, print_json
from zonekit.cli.progress import Progress
from zonekit.cli.workers import jobs_option, workers_for
from zonekit.denial import MAX_ITERATIONS, Denial, Nsec, Nsec3, OptOut
from zonekit.errors import SigningError
from zonekit.instants import instant_text
from zonekit.names import name_text
from zonekit.serials import SerialPolicy, change_serial, latest_serial, not_raised, serial_gt
from zonekit.signing import DEFAULT_DNSKEY_TTL, ForeignRecords, Jitter, Reuse, prepare_signing
from zonekit.ttl import Ttl
from zonekit.zones import Zone


def _parse_salt(text: str) -> bytes:
    try:
        return b"" if text == "-" else bytes.fromhex(text)
    except ValueError:
        raise SigningError(f"{ascii(text[:40])} is not hexadecimal", remedy="write - for no salt") from None


@click.command(short_help="Sign a zone.")
@click.argument("zone_file", metavar="ZONE")
@click.argument("key_names", metavar="[KEY]...", nargs=-1)
@origin_option
@key_options
@output_options
@click.option("--nsec", is_flag=True, help="Deny by NSEC, whatever the zone has.")
@click.option(
    "--nsec3", is_flag=True, help="Deny by NSEC3 (RFC 5155).  [default: what the zone or --previous has, else NSEC]"
)
@click.option("--opt-out", is_flag=True, help="With --nsec3: leave insecure delegations out of the chain.")
@click.option(
    "--iterations", type=click.IntRange(0, MAX_ITERATIONS), help="With --nsec3: extra hash iterations.  [default: 0]"
)
@click.option("--salt", type=parsed_by(_parse_salt), metavar="HEX", help="With --nsec3: a salt.  [default: none]")
@validity_option
@click.option(
    "--previous",
    metavar="SIGNED",
    help="The zone as it was signed before. Its signatures stay, byte for byte, where they still fit and do not expire"
    " within --signatures-refresh. May be the file that is written.",
)
@click.option(
    "--signatures-refresh",
    type=DURATION,
    default="5d",
    show_default=True,
    metavar="DURATION",
    help="With --previous: how long before its expiration a signature is made anew.",
)
@click.option(
    "--jitter",
    "jitter_interval",
    type=DURATION,
    metavar="DURATION",
    help="Let signatures expire up to this much earlier, each by another amount, so that re-signing is spread.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="With --jitter: choose other amounts.")
@click.option(
    "--foreign",
    type=click.Choice([each.value.replace(" ", "-") for each in ForeignRecords]),
    default=ForeignRecords.KEEP.value,
    show_default=True,
    help="What becomes of DNSKEYs and signatures in ZONE that are not of these keys.",
)
@serial_option(SerialPolicy.KEEP)
@click.option(
    "--dnskey-ttl",
    type=TTL,
    metavar="TTL",
    help=f"The TTL of the DNSKEY RRset, where the zone has none yet.  [default: {DEFAULT_DNSKEY_TTL}]",
)
@jobs_option("sign")
@include_option
@now_option
@json_option
@quiet_option
def sign(
    *,
    zone_file: str,
    key_names: tuple[str, ...],
    origin: str | None,
    key_directory: str | None,
    as_csk: bool,
    output: str | None,
    in_place: bool,
    nsec: bool,
    nsec3: bool,
    opt_out: bool,
    iterations: int | None,
    salt: bytes | None,
    signatures_validity: timedelta,
    previous: str | None,
    signatures_refresh: timedelta,
    jitter_interval: timedelta | None,
    seed: int | None,
    foreign: str,
    policy: SerialPolicy,
    dnskey_ttl: Ttl | None,
    jobs: int,
    include_root: str | None,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Sign ZONE with the keys that are named, or with those of the zone in -K DIR that are in use now.

    A KEY is a pair of BIND's files, K*.key and K*.private, named with or without extension. The DNSKEY and CDS RRsets are
    signed by KSKs, everything else by ZSKs; a key in DIR that is published and not yet or no longer used joins the DNSKEY
    RRset and signs nothing. DNSKEYs and signatures of others that the zone has stay, unless --foreign says otherwise.

    The serial is the zone file's own unless --serial says otherwise; with --previous the new one is after that of SIGNED.

    \b
    Examples:
      zonekit sign example.nl.zone -o example.nl -K keys -f example.nl.signed
      zonekit sign example.nl.zone -o example.nl -K keys -f example.nl.signed \\
          --previous example.nl.signed --serial unixtime --jitter 1d --jobs 4

    With --json: {"zone", "serial", "keys": [{"role", "key_tag", "algorithm"}], "published": [the same], "denial",
    "inception", "expiration", "output", "findings": [{"code", "severity", "owner", "type", "message", "remedy", "rule"}]}.
    """
    target = Target.chosen(
        source=zone_file,
        output=output,
        in_place=in_place,
        as_json=as_json,
        inputs=own_key_files(key_names, key_directory),
    )
    denial = _denial(nsec, nsec3, opt_out, iterations, salt)
    jitter = _jitter(jitter_interval, seed)
    foreign_records = ForeignRecords(foreign.replace("-", " "))
    now = clock(given_now)
    validity = validity_from(now, signatures_validity)
    voice = Voice(quiet=quiet)
    with Progress(quiet=quiet) as progress, workers_for(jobs, "signed") as workers:
        with progress.working("reading"):
            parsed, included = read_zone_and_included(zone_file, origin, include_root)
            target.spare(included)
            own = read_own_keys(key_names, key_directory, origin=parsed.zone.apex, as_csk=as_csk, now=now)
            earlier = _read_previous(previous, target, parsed.zone)
        latest = latest_serial(parsed.zone.serial, None if earlier is None else earlier.serial, policy)
        change = change_serial(latest, policy, now)
        prepared = prepare_signing(
            parsed.zone,
            own.signing,
            published=own.published,
            validity=validity,
            denial=denial,
            dnskey_ttl=DEFAULT_DNSKEY_TTL if dnskey_ttl is None else dnskey_ttl,
            serial=change.new,
            reuse=None if earlier is None else Reuse(previous=earlier, now=now, signatures_refresh=signatures_refresh),
            jitter=jitter,
            foreign_records=foreign_records,
        )
        findings = (*parsed.findings, *change.findings(prepared.apex))
        if earlier is None or serial_gt(prepared.serial, earlier.serial):
            target.write_signed(prepared, progress=progress, executor=workers)
        else:  # it may be right where nothing changed, so it is signed as a whole, once, and compared
            with progress.working("signing"):
                signed = prepared.sign(executor=workers)
            if signed != earlier:
                findings += (not_raised(signed.apex, signed.serial, earlier.serial),)
            target.write(signed, progress=progress, executor=workers)
    made_denial = denial_text(prepared.denial)
    voice.report(findings)
    voice.say(
        f"{name_text(prepared.apex)}: signed by {keys_text(own.signing)} with {made_denial} until"
        f" {instant_text(validity.expiration)}, serial {prepared.serial}, to {target}"
    )
    if as_json:
        print_json(
            {
                "zone": name_text(prepared.apex),
                "serial": prepared.serial,
                "keys": key_objects(own.signing),
                "published": key_objects(own.published),
                "denial": made_denial,
                "inception": instant_text(validity.inception),
                "expiration": instant_text(validity.expiration),
                "output": target.path,
                "findings": finding_objects(findings),
            }
        )


def _denial(nsec: bool, nsec3: bool, opt_out: bool, iterations: int | None, salt: bytes | None) -> Denial | None:
    if nsec and nsec3:
        raise usage_error("--nsec and --nsec3 exclude each other")
    if nsec3:
        return Nsec3(opt_out=OptOut.ON if opt_out else OptOut.OFF, iterations=iterations or 0, salt=salt or b"")
    if opt_out or iterations is not None or salt is not None:
        raise usage_error("--opt-out, --iterations and --salt go with --nsec3")
    return Nsec() if nsec else None


def _jitter(interval: timedelta | None, seed: int | None) -> Jitter | None:
    if interval is not None:
        return Jitter(interval=interval, seed=seed or 0)
    if seed is not None:
        raise usage_error("--seed goes with --jitter")
    return None


def _read_previous(previous: str | None, target: Target, zone: Zone) -> Zone | None:
    """The zone as it was signed before; none where the file that is written is not there yet."""
    if previous is None or (previous == target.path and not Path(previous).exists()):
        return None
    return read_zone(previous, name_text(zone.apex), None).zone
