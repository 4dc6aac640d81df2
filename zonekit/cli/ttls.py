"""``zonekit lower-ttl``."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from zonekit import rdata as rd
from zonekit.apex import (
    DEFAULT_LOWERED_TTL,
    LOWERED_TYPES,
    ChangedTtls,
    TtlChange,
    TtlScope,
    lower_ttls,
    restore_ttls,
)
from zonekit.cli.arguments import (
    TTL,
    clock,
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
from zonekit.cli.exits import BadInput, Refused
from zonekit.cli.inputs import open_zone, own_key_files, read_own_keys
from zonekit.cli.outputs import (
    Target,
    Voice,
    finding_objects,
    json_text,
    print_json,
    refuse_key_file,
    same_file,
)
from zonekit.cli.progress import Progress
from zonekit.errors import ZonekitError
from zonekit.files import read_text, write_text
from zonekit.names import WireName, name_text, order_key, parse_origin
from zonekit.rewriting import ZoneOctets
from zonekit.serials import SerialChange, SerialPolicy, change_serial
from zonekit.ttl import Ttl, to_ttl
from zonekit.zones import Zone


@click.command("lower-ttl", short_help="Lower TTLs for a move, or restore them.")
@click.argument("zone_file", metavar="SIGNED")
@click.argument("key_names", metavar="[KEY]...", nargs=-1)
@click.option("--ttl", type=TTL, metavar="TTL", help=f"No TTL stays above this.  [default: {DEFAULT_LOWERED_TTL}]")
@click.option(
    "--type",
    "types",
    type=parsed_by(rd.parse_type),
    multiple=True,
    metavar="TYPE",
    help=f"Lower this type; can be given more than once.  [default: {' and '.join(LOWERED_TYPES)}]",
)
@click.option("--all", "all_types", is_flag=True, help="Lower every type.")
@click.option("--zone", "whole_zone", is_flag=True, help="Lower in the whole zone, not only at the apex.")
@click.option(
    "--save",
    metavar="FILE",
    help="Write what was changed here, as JSON, for --restore. A file that is there is not written over: it may hold the"
    " only trace of the old TTLs.",
)
@click.option(
    "--restore", metavar="FILE", help="Give the RRsets the TTLs back that they had before, from a --save file."
)
@origin_option
@key_options
@output_options
@serial_option(SerialPolicy.INCREMENT)
@validity_option
@now_option
@json_option
@quiet_option
def lower_ttl(
    *,
    zone_file: str,
    key_names: tuple[str, ...],
    ttl: Ttl | None,
    types: tuple[int, ...],
    all_types: bool,
    whole_zone: bool,
    save: str | None,
    restore: str | None,
    origin: str | None,
    key_directory: str | None,
    as_csk: bool,
    output: str | None,
    in_place: bool,
    policy: SerialPolicy,
    signatures_validity: timedelta,
    given_now: datetime | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Lower TTLs in the zone SIGNED and re-sign exactly the RRsets touched; restore them later.

    Lowers the apex NS and DNSKEY RRsets to 600 seconds unless told otherwise. A TTL is never raised. Without keys an
    unsigned zone can be changed. What was changed is printed, to standard error where the zone goes to standard output:
    the old TTL is how long caches may go on holding the record, and no plan may count with less.

    \b
    Examples:
      zonekit lower-ttl example.nl.signed -K keys --save example.nl.ttls -i
      zonekit lower-ttl example.nl.signed -K keys --restore example.nl.ttls -i

    With --json: {"zone", "serial", "changes": [{"owner", "type", "old_ttl", "new_ttl"}], "left": [the same; what --restore
    left alone, because the RRset is gone or has another TTL since], "output", "findings": [...]}. A --save file has "zone",
    "serial" and "changes".
    """
    lowering = ttl is not None or types or all_types or whole_zone or save is not None
    if restore is not None and lowering:
        raise usage_error("--restore goes without --ttl, --type, --all, --zone and --save")
    if types and all_types:
        raise usage_error("give --type or --all, not both")
    if save is not None and os.path.lexists(save):
        raise Refused(f"{save}: is already there, and may hold the only trace of old TTLs; name another file")
    target = Target.chosen(
        source=zone_file,
        output=output,
        in_place=in_place,
        as_json=as_json,
        inputs=(*(() if restore is None else (restore,)), *own_key_files(key_names, key_directory)),
    )
    if save is not None:
        refuse_key_file(save)
        if target.path is not None and same_file(save, target.path):
            raise usage_error("--save and -f name the same file")
    now = clock(given_now)
    voice = Voice(quiet=quiet)
    with Progress(quiet=quiet) as progress, contextlib.ExitStack() as stack:
        with progress.working("reading"):
            opened = stack.enter_context(open_zone(zone_file, origin, target.way))
            asked = () if restore is None else _read_changes(restore, opened.apex)
            own = read_own_keys(key_names, key_directory, origin=opened.apex, as_csk=as_csk, now=now)
        validity = validity_from(now, signatures_validity)

        def with_ttls(zone: Zone) -> _NewTtls:
            change = change_serial(zone.serial, policy, now)
            if restore is not None:
                changed = restore_ttls(zone, asked, signers=own.signing, validity=validity, serial=change.new)
            else:
                changed = lower_ttls(
                    zone,
                    DEFAULT_LOWERED_TTL if ttl is None else ttl,
                    types=None if all_types else types or LOWERED_TYPES,
                    scope=TtlScope.ZONE if whole_zone else TtlScope.APEX,
                    signers=own.signing,
                    validity=validity,
                    serial=change.new,
                )
            return _NewTtls(changed=changed, change=change)

        def write(done: _NewTtls, octets: ZoneOctets) -> None:
            with _saved(save, done.changed):
                target.write_octets(octets, progress=progress)

        done = opened.change(with_ttls, write)
        changed = done.changed
        findings = (*opened.findings, *(done.change.findings(opened.apex) if changed.changes else ()))
    left = _left_alone(asked, changed.changes)
    voice.report(findings)
    if as_json:
        print_json(
            _changes_object(changed)
            | {
                "left": _change_objects(left),
                "output": target.path,
                "findings": finding_objects(findings),
            }
        )
    elif not quiet:
        _print_changes(changed, left, to_stderr=target.path is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _NewTtls:
    """What lowering or restoring TTLs comes to."""

    changed: ChangedTtls
    change: SerialChange

    @property
    def zone(self) -> Zone:
        """The zone with the new TTLs."""
        return self.changed.zone


def _print_changes(changed: ChangedTtls, left: Iterable[TtlChange], *, to_stderr: bool) -> None:
    apex = name_text(changed.zone.apex)
    if changed.changes:
        rows = [(each.owner, each.rdtype, str(each.old_ttl), str(each.new_ttl)) for each in changed.changes]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for owner, rdtype, old, new in rows:
            line = f"{owner:<{widths[0]}}  {rdtype:<{widths[1]}}  {old:>{widths[2]}} -> {new}"
            click.echo(line, err=to_stderr)
        click.echo(f"{apex}: {len(changed.changes)} RRsets changed, serial {changed.zone.serial}", err=to_stderr)
    else:
        click.echo(f"{apex}: nothing to change, serial {changed.zone.serial} stays", err=to_stderr)
    for each in left:
        click.echo(f"{each.owner} {each.rdtype}: left alone, it is gone or has another TTL since", err=to_stderr)


def _left_alone(asked: Iterable[TtlChange], done: Iterable[TtlChange]) -> list[TtlChange]:
    restored = {(each.owner, each.rdtype) for each in done}
    return [each for each in asked if (each.owner, each.rdtype) not in restored]


# ---- the file of changes --------------------------------------------------------------------------------------------


def _changes_object(changed: ChangedTtls) -> dict[str, Any]:
    return {
        "zone": name_text(changed.zone.apex),
        "serial": changed.zone.serial,
        "changes": _change_objects(changed.changes),
    }


def _change_objects(changes: Iterable[TtlChange]) -> list[dict[str, Any]]:
    return [
        {"owner": each.owner, "type": each.rdtype, "old_ttl": each.old_ttl, "new_ttl": each.new_ttl} for each in changes
    ]


@contextlib.contextmanager
def _saved(path: str | None, changed: ChangedTtls) -> Iterator[None]:
    """Write the file of changes before the zone, and take it away again if the zone cannot be written."""
    if path is None:
        yield
        return
    write_text(path, json_text(_changes_object(changed)))
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise


def _read_changes(path: str, origin: WireName) -> list[TtlChange]:
    """Return the changes in a --save file of this zone."""
    text = read_text(path)
    read: tuple[WireName, list[TtlChange]] | None = None
    try:
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            saved = json.loads(text)
            read = parse_origin(saved["zone"]), [_read_change(each) for each in saved["changes"]]
    except ZonekitError as error:
        raise error.within(path) from None
    if read is None:
        # Outside the handler, so that the new error does not carry the old one, which holds the text.
        raise BadInput(f"{path}: this is not a file that lower-ttl --save wrote")
    apex, changes = read
    if order_key(apex) != order_key(origin):
        raise BadInput(f"{path}: these are the TTLs of {name_text(apex)}, not of {name_text(origin)}")
    return changes


def _read_change(saved: dict[str, Any]) -> TtlChange:
    return TtlChange(
        owner=name_text(parse_origin(saved["owner"])),
        rdtype=rd.type_text(rd.parse_type(saved["type"])),
        old_ttl=to_ttl(saved["old_ttl"]),
        new_ttl=to_ttl(saved["new_ttl"]),
    )
