"""``zonekit merge`` and ``zonekit withdraw``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from zonekit import rdata as rd
from zonekit.apex import ParentRecords, merge_dnskeys, withdraw_dnskeys
from zonekit.cli.arguments import (
    clock,
    json_option,
    key_options,
    now_option,
    origin_option,
    output_options,
    quiet_option,
    serial_option,
    usage_error,
    validity_from,
    validity_option,
)
from zonekit.cli.exits import BadInput, Refused
from zonekit.cli.inputs import open_zone, own_key_files, place, read_dnskeys, read_foreign, read_own_keys
from zonekit.cli.outputs import Target, Voice, dnskey_objects, dnskeys_text, finding_objects, print_json
from zonekit.cli.progress import Progress
from zonekit.cli.publish import publish_option, published_object, published_text, service_options
from zonekit.dnskeys import MAX_RESPONSE_OCTETS, Dnskey, Intake, check_intake, dnskeys_of
from zonekit.findings import Finding
from zonekit.keys import KeyRole
from zonekit.names import name_text
from zonekit.publishing import Published, Service, publish_zone
from zonekit.rewriting import OpenZone, ZoneOctets
from zonekit.serials import SerialChange, SerialPolicy, change_serial
from zonekit.zones import Zone


def _parse_octets(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise click.BadParameter(f"{ascii(text[:40])} is neither a number of octets nor none")
    return int(text)


_key_tag_option = click.option(
    "--key-tag",
    "key_tags",
    type=click.IntRange(0, 65535),
    multiple=True,
    metavar="TAG",
    help="Only the keys with this key tag; can be given more than once.",
)
_publish_cds_option = click.option(
    "--publish-cds",
    "parent_records",
    is_flag=True,
    callback=lambda _ctx, _parameter, asked: ParentRecords.PUBLISH if asked else ParentRecords.LEAVE,
    help="Publish CDS and CDNSKEY for every SEP key that the DNSKEY RRset then has, for a parent that scans.",
)


@click.command(short_help="Add another operator's DNSKEYs.")
@click.argument("zone_file", metavar="SIGNED")
@click.argument("key_names", metavar="[KEY]...", nargs=-1)
@click.option(
    "--foreign",
    "foreign_files",
    multiple=True,
    metavar="FILE",
    help="The other operator's DNSKEY records: .key files, or text as dig prints it. Can be given more than once.",
)
@click.option(
    "--foreign-zone",
    "foreign_zones",
    multiple=True,
    metavar="FILE",
    help="The other operator's signed zone: take the keys from it that must be in ours while its data may be in"
    " caches, all but those that sign nothing but DNSKEYs.",
)
@_key_tag_option
@click.option(
    "--foreign-csk",
    "csk_tags",
    type=click.IntRange(0, 65535),
    multiple=True,
    metavar="TAG",
    help="The other operator's key with this key tag is a CSK: it signs the data too, so that no smaller merge is offered"
    " without it. Can be given more than once.",
)
@origin_option
@key_options
@output_options
@publish_option
@service_options
@_publish_cds_option
@click.option(
    "--max-response",
    "max_response_octets",
    type=_parse_octets,
    default=str(MAX_RESPONSE_OCTETS),
    show_default=True,
    metavar="OCTETS|none",
    help="Refuse what would make the DNSKEY response larger than this.",
)
@serial_option(SerialPolicy.INCREMENT)
@validity_option
@now_option
@json_option
@quiet_option
def merge(
    *,
    zone_file: str,
    key_names: tuple[str, ...],
    foreign_files: tuple[str, ...],
    foreign_zones: tuple[str, ...],
    key_tags: tuple[int, ...],
    csk_tags: tuple[int, ...],
    origin: str | None,
    key_directory: str | None,
    as_csk: bool,
    output: str | None,
    in_place: bool,
    publish: bool,
    service: Service | None,
    parent_records: ParentRecords,
    max_response_octets: int | None,
    policy: SerialPolicy,
    signatures_validity: timedelta,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Add another operator's DNSKEYs to the signed zone SIGNED and re-sign the DNSKEY RRset.

    Only the DNSKEY RRset, the SOA serial and their signatures change, and ZONEMD where there is one; with --publish-cds
    CDS and CDNSKEY too. The keys are your own: the KSK signs the DNSKEY RRset, the ZSK the SOA. With --serial keep the SOA
    stays and the KSK is enough. Nobody else's private key is asked for or taken.

    Every foreign key is checked first: owner, protocol, flags, algorithm, the key itself, key tag, and the size of the
    DNSKEY response. If one is refused nothing is written, each reason is a line, and the exit code is 1.

    \b
    Examples, at the losing and at the gaining operator:
      zonekit merge example.nl.signed -K keys --foreign gaining.txt -i
      zonekit merge example.nl.signed -K keys --foreign-zone losing.signed -i

    With --publish SIGNED is the file that named serves, and the one command does it all: the merged zone takes its place,
    named reloads it, and every --server answers it, or the old file is back; see "zonekit publish --help".

    With --json, when it is refused too: {"zone", "serial", "merged": [{"role", "key_tag", "algorithm", "flags"}],
    "refused": [{"reason", "key_tag", "algorithm", "message"}], "response_octets", "output", "published": {"path",
    "old_serial", "outcome", "servers"}, "findings": [...]}; output is null when nothing was written, published without
    --publish.
    """
    if not foreign_files and not foreign_zones:
        raise usage_error("say which keys to add: give --foreign or --foreign-zone")
    if service is not None and not publish:
        raise usage_error("--server, --timeout, --view, --ixfr-from-differences and --rndc-* go with --publish")
    target = Target.chosen(
        source=zone_file,
        output=output,
        in_place=in_place or publish,
        as_json=as_json,
        inputs=(*foreign_files, *foreign_zones, *own_key_files(key_names, key_directory)),
    )
    now = clock(given_now)
    voice = Voice(quiet=quiet)
    with Progress(quiet=quiet) as progress, ExitStack() as stack:
        with progress.working("reading"):
            opened = stack.enter_context(open_zone(zone_file, origin, target.way))
            foreign = _chosen(read_foreign(foreign_files, foreign_zones, origin=opened.apex), key_tags)
            roles = dict.fromkeys(_with_tags(foreign, csk_tags), KeyRole.CSK)
            own = read_own_keys(key_names, key_directory, origin=opened.apex, as_csk=as_csk, now=now)
        signers = [key for key in own.signing if key.signs_dnskey]

        def merged_into(zone: Zone) -> _Merged:
            change = change_serial(_signed(zone, zone_file).serial, policy, now)
            intake = check_intake(zone, foreign, signers=signers, roles=roles, max_response_octets=max_response_octets)
            if intake.refused:
                raise _Unmergeable(zone, intake, change)
            merged = merge_dnskeys(
                zone,
                foreign,
                signers=own.signing,
                validity=validity_from(now, signatures_validity),
                serial=change.new,
                parent_records=parent_records,
                roles=roles,
                max_response_octets=max_response_octets,
            )
            return _Merged(zone=merged, intake=intake, change=change)

        def write(done: _Merged, octets: ZoneOctets) -> None:
            target.write_octets(octets, progress=progress)

        published: Published | None = None
        told: tuple[Finding, ...] = ()

        def put_into_service(done: _Merged, octets: ZoneOctets) -> None:
            nonlocal published, told
            found = _merge_findings(opened, done)
            voice.report(finding for finding in found if finding not in told)  # this may be the second time
            told = found
            with progress.working("publishing"):
                published = publish_zone(done.zone, zone_file, service=service, octets=octets.pieces)

        if publish:
            opened.settle()
        try:
            done = opened.change(merged_into, put_into_service if publish else write)
        except _Unmergeable as refused:
            findings = _merge_findings(opened, refused)
            voice.report(findings)
            if as_json:
                print_json(
                    _merge_object(refused.zone, refused.intake, [], None)
                    | {"published": None, "findings": finding_objects(findings)}
                )
            raise Refused(*map(str, refused.intake.refused)) from None
        findings = _merge_findings(opened, done)
        voice.report(findings if published is None else published.findings)
    merged = done.zone
    voice.say(
        f"{name_text(merged.apex)}: DNSKEY {dnskeys_text(done.intake.accepted)} merged, serial {merged.serial},"
        f" to {target}"
    )
    if published is not None:
        voice.say(published_text(published))
    if as_json:
        print_json(
            _merge_object(merged, done.intake, done.intake.accepted, target.path)
            | {
                "published": None if published is None else published_object(published),
                "findings": finding_objects((*findings, *(() if published is None else published.findings))),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Merged:
    """What a merge comes to."""

    zone: Zone
    intake: Intake
    change: SerialChange


class _Unmergeable(Exception):
    """Keys that the intake refuses, and how the zone is without them."""

    def __init__(self, zone: Zone, intake: Intake, change: SerialChange) -> None:
        super().__init__(intake.refused)
        self.zone = zone
        self.intake = intake
        self.change = change


def _merge_findings(opened: OpenZone, came: _Merged | _Unmergeable) -> tuple[Finding, ...]:
    return (*opened.findings, *came.intake.findings, *came.change.findings(opened.apex))


def _chosen(keys: Iterable[Dnskey], key_tags: Sequence[int]) -> list[Dnskey]:
    """The keys with these key tags; all when none are given."""
    return _with_tags(keys, key_tags) if key_tags else list(keys)


def _with_tags(keys: Iterable[Dnskey], key_tags: Sequence[int]) -> list[Dnskey]:
    """The keys with these key tags, each of which one has to have."""
    held = list(keys)
    for tag in key_tags:
        if tag not in {key.key_tag for key in held}:
            raise BadInput(f"no DNSKEY with key tag {tag} is there to choose")
    return [key for key in held if key.key_tag in key_tags]


def _signed(zone: Zone, path: str) -> Zone:
    """The zone, which has to be signed: only then are there DNSKEYs to add to or to take from."""
    if zone.get("@", rd.DNSKEY) is None:
        raise Refused(f"{place(path)}: {name_text(zone.apex)} has no DNSKEY RRset; sign it first with zonekit sign")
    return zone


def _merge_object(zone: Zone, intake: Intake, merged: Iterable[Dnskey], output: str | None) -> dict[str, Any]:
    return {
        "zone": name_text(zone.apex),
        "serial": zone.serial,
        "merged": dnskey_objects(merged),
        "refused": [
            {
                "reason": type(refusal).__name__,
                "key_tag": refusal.key_tag,
                "algorithm": refusal.algorithm,
                "message": str(refusal),
            }
            for refusal in intake.refused
        ],
        "response_octets": intake.response_octets,
        "output": output,
    }


@click.command(short_help="Take another operator's DNSKEYs out.")
@click.argument("zone_file", metavar="SIGNED")
@click.argument("key_names", metavar="[KEY]...", nargs=-1)
@click.option(
    "--foreign",
    "foreign_files",
    multiple=True,
    metavar="FILE",
    help="The DNSKEY records to withdraw: .key files, or text as dig prints it. Can be given more than once.",
)
@_key_tag_option
@origin_option
@key_options
@output_options
@_publish_cds_option
@serial_option(SerialPolicy.INCREMENT)
@validity_option
@now_option
@json_option
@quiet_option
def withdraw(
    *,
    zone_file: str,
    key_names: tuple[str, ...],
    foreign_files: tuple[str, ...],
    key_tags: tuple[int, ...],
    origin: str | None,
    key_directory: str | None,
    as_csk: bool,
    output: str | None,
    in_place: bool,
    parent_records: ParentRecords,
    policy: SerialPolicy,
    signatures_validity: timedelta,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take another operator's DNSKEYs out of the signed zone SIGNED and re-sign the DNSKEY RRset.

    It undoes "zonekit merge" and changes nothing more than that did. The keys to withdraw are those in --foreign, or those
    of the zone with a --key-tag. A key that signs the zone, or that is not in it, is refused, and nothing is written.

    \b
    Example, at the gaining operator, when no cache holds the losing operator's data any more:
      zonekit withdraw example.nl.signed -K keys --key-tag 34277 -i

    With --json: {"zone", "serial", "withdrawn": [{"role", "key_tag", "algorithm", "flags"}], "output", "findings":
    [...]}.
    """
    if not foreign_files and not key_tags:
        raise usage_error("say which keys to withdraw: give --foreign or --key-tag")
    target = Target.chosen(
        source=zone_file,
        output=output,
        in_place=in_place,
        as_json=as_json,
        inputs=(*foreign_files, *own_key_files(key_names, key_directory)),
    )
    now = clock(given_now)
    voice = Voice(quiet=quiet)
    with Progress(quiet=quiet) as progress, ExitStack() as stack:
        with progress.working("reading"):
            opened = stack.enter_context(open_zone(zone_file, origin, target.way))
            named = read_dnskeys(foreign_files, owner=opened.apex)
            own = read_own_keys(key_names, key_directory, origin=opened.apex, as_csk=as_csk, now=now)

        def without_keys(zone: Zone) -> _Withdrawn:
            offered = named or dnskeys_of(_signed(zone, zone_file).apex_rrset(rd.DNSKEY))
            leaving = _chosen(offered, key_tags)
            change = change_serial(zone.serial, policy, now)
            changed = withdraw_dnskeys(
                zone,
                leaving,
                signers=own.signing,
                validity=validity_from(now, signatures_validity),
                serial=change.new,
                parent_records=parent_records,
            )
            return _Withdrawn(zone=changed, leaving=leaving, change=change)

        def write(done: _Withdrawn, octets: ZoneOctets) -> None:
            target.write_octets(octets, progress=progress)

        done = opened.change(without_keys, write)
        findings = (*opened.findings, *done.change.findings(opened.apex))
    changed = done.zone
    voice.report(findings)
    voice.say(
        f"{name_text(changed.apex)}: DNSKEY {dnskeys_text(done.leaving)} withdrawn, serial {changed.serial}, to {target}"
    )
    if as_json:
        print_json(
            {
                "zone": name_text(changed.apex),
                "serial": changed.serial,
                "withdrawn": dnskey_objects(done.leaving),
                "output": target.path,
                "findings": finding_objects(findings),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Withdrawn:
    """What withdrawing keys comes to."""

    zone: Zone
    leaving: Sequence[Dnskey]
    change: SerialChange
