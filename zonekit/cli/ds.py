"""``zonekit ds``."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

import click

from zonekit import rdata as rd
from zonekit.algorithms import DigestType, parse_digest_type
from zonekit.cli.arguments import TTL, include_option, json_option, origin_option, parsed_by
from zonekit.cli.inputs import place, read_dnskeys_or_zone
from zonekit.cli.outputs import print_json
from zonekit.dnskeys import Dnskey, dnskeys_of
from zonekit.ds import DEFAULT_TTL, dsset_text, make_ds, registry_ds, registry_keys
from zonekit.errors import ZonekitError
from zonekit.names import name_text, order_key
from zonekit.ttl import Ttl
from zonekit.zonefile import ParsedZone
from zonekit.zones import RRset


class _Form(enum.Enum):
    """What the DS is printed as."""

    RECORD = "record"
    DSSET = "dsset"
    REGISTRY = "registry"
    REGISTRY_KEY = "registry-key"


@click.command(short_help="Print the DS of keys.")
@click.argument("sources", metavar="KEYFILE|ZONE...", nargs=-1, required=True)
@click.option(
    "--digest",
    "digests",
    type=parsed_by(parse_digest_type),
    multiple=True,
    default=[DigestType.SHA256.name],
    metavar="DIGEST",
    help="SHA-256 (2) or SHA-384 (4); can be given more than once.  [default: SHA-256]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in _Form]),
    default=_Form.RECORD.value,
    show_default=True,
    callback=lambda _ctx, _parameter, value: _Form(value),
    help="DS records; the dsset- file of dnssec-signzone; the four fields that a registry asks for (RFC 5910); or, for"
    " a registry that makes the DS itself, the fields of the DNSKEY.",
)
@click.option(
    "--ttl", type=TTL, default=str(DEFAULT_TTL), show_default=True, metavar="TTL", help="The TTL of the records."
)
@origin_option
@include_option
@json_option
def ds(
    *,
    sources: tuple[str, ...],
    digests: tuple[DigestType, ...],
    form: _Form,
    ttl: Ttl,
    origin: str | None,
    include_root: str | None,
    as_json: bool,
) -> None:
    """Print the DS of keys, for the registry or the parent zone.

    A source is a key file (K*.key, with or without its extension), DNSKEY records as dig prints them, or a zone; - is
    standard input. Of a zone or a list of records the keys with the SEP flag are taken and revoked ones left out: after
    a merge those of both operators, which is what belongs at the parent during a move. SHA-1 is refused.

    \b
    Examples:
      zonekit ds keys/Kexample.nl.+013+12345 --format registry
      dig example.nl DNSKEY | zonekit ds - --digest SHA-256 --digest SHA-384

    With --json: {"ds": [{"zone", "record", "keyTag", "alg", "digestType", "digest"}], "keys": [{"zone", "flags",
    "protocol", "alg", "pubKey"}]}; the names in it are RFC 5910's.
    """
    by_zone: dict[bytes, list[Dnskey]] = {}
    for source in sources:
        for key in _keys_in(source, origin, include_root):
            by_zone.setdefault(order_key(key.owner), []).append(key)
    dnskeys = [_as_rrset(keys, ttl) for keys in by_zone.values()]
    made = [make_ds(keys, digest_types=digests, ttl=ttl) for keys in dnskeys]
    if as_json:
        print_json(
            {
                "ds": [each for rrset in made for each in _ds_objects(rrset)],
                "keys": [each for rrset in dnskeys for each in _key_objects(rrset)],
            }
        )
        return
    match form:
        case _Form.RECORD:
            click.echo("\n".join(rrset.text() for rrset in made))
        case _Form.DSSET:
            click.echo("".join(dsset_text(rrset) for rrset in made), nl=False)
        case _Form.REGISTRY:
            click.echo("\n\n".join(each.text() for rrset in made for each in registry_ds(rrset)))
        case _Form.REGISTRY_KEY:
            click.echo("\n\n".join(each.text() for rrset in dnskeys for each in registry_keys(rrset)))


def _keys_in(source: str, origin: str | None, include_root: str | None) -> Iterable[Dnskey]:
    found = read_dnskeys_or_zone(source, origin, include_root)
    if not isinstance(found, ParsedZone):
        return found
    try:
        return dnskeys_of(found.zone.apex_rrset(rd.DNSKEY))
    except ZonekitError as error:
        raise error.within(place(source)) from None


def _as_rrset(keys: Iterable[Dnskey], ttl: Ttl) -> RRset:
    held = tuple(keys)
    return RRset(owner=held[0].owner, rdtype=rd.DNSKEY, ttl=ttl, rdatas=tuple(key.dnskey_rdata for key in held))


def _ds_objects(rrset: RRset) -> list[dict[str, Any]]:
    return [
        {
            "zone": name_text(rrset.owner),
            "record": record,
            "keyTag": each.key_tag,
            "alg": each.alg,
            "digestType": each.digest_type,
            "digest": each.digest,
        }
        for record, each in zip(rrset.text().split("\n"), registry_ds(rrset), strict=True)
    ]


def _key_objects(rrset: RRset) -> list[dict[str, Any]]:
    return [
        {
            "zone": name_text(rrset.owner),
            "flags": each.flags,
            "protocol": each.protocol,
            "alg": each.alg,
            "pubKey": each.pub_key,
        }
        for each in registry_keys(rrset)
    ]
