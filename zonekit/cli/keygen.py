"""``zonekit keygen``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from zonekit.algorithms import Algorithm, parse_algorithm
from zonekit.cli.arguments import INSTANT, clock, json_option, parsed_by
from zonekit.cli.inputs import public_keys_in, read_dnskeys
from zonekit.cli.outputs import print_json
from zonekit.dnskeys import Dnskey, key_tags
from zonekit.files import KeyPaths, write_key
from zonekit.keys import KeyRole, KeyTiming, SigningKey, generate_csk, generate_ksk, generate_zsk
from zonekit.names import name_text, parse_origin

_GENERATE = {KeyRole.KSK: generate_ksk, KeyRole.ZSK: generate_zsk, KeyRole.CSK: generate_csk}


@click.command(short_help="Generate a zone's keys.")
@click.argument("origin")
@click.option("--ksk", is_flag=True, help="Make a KSK.")
@click.option("--zsk", is_flag=True, help="Make a ZSK.")
@click.option("--csk", is_flag=True, help="Make a CSK.")
@click.option(
    "-a",
    "--algorithm",
    type=parsed_by(parse_algorithm),
    default=Algorithm.ECDSAP256SHA256.name,
    show_default=True,
    metavar="ALGORITHM",
    help="The algorithm, by mnemonic or number: RSASHA256 (8), RSASHA512 (10), ECDSAP256SHA256 (13), ECDSAP384SHA384"
    " (14), ED25519 (15) or ED448 (16).",
)
@click.option("-b", "--bits", type=int, help="The size of RSA keys, 2048 to 4096.  [default: 2048]")
@click.option(
    "-K",
    "--key-directory",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    default=".",
    show_default=True,
    help="Write the key files here. The key tags of the zone's keys that are here already are avoided.",
)
@click.option(
    "--avoid",
    "avoided",
    metavar="FILE",
    multiple=True,
    help="DNSKEY records whose key tags the new keys must not have: the other operator's, as .key files or as dig"
    " prints them. Can be given more than once.",
)
@click.option(
    "--now",
    "given_now",
    type=INSTANT,
    metavar="INSTANT",
    help="The instant from which the keys are published and used, for their timing metadata; now if not given.",
)
@json_option
def keygen(
    *,
    origin: str,
    ksk: bool,
    zsk: bool,
    csk: bool,
    algorithm: Algorithm,
    bits: int | None,
    key_directory: str,
    avoided: tuple[str, ...],
    given_now: datetime | None,
    as_json: bool,
) -> None:
    """Generate keys for the zone ORIGIN: a KSK and a ZSK, or those that --ksk, --zsk and --csk ask for.

    Writes BIND's files, K*.key and K*.private (mode 0600), and prints the name of each pair without extension, one a
    line. No file is ever written over. Two key tags never clash: not with each other, not with the zone's keys in DIR,
    not with those in --avoid, and not with what one of these becomes when it is revoked.

    \b
    Example, at the gaining operator:
      dig @ns1.losing.example DNSKEY example.nl | zonekit keygen example.nl -K keys --avoid -

    With --json: {"zone", "keys": [{"name", "role", "algorithm", "key_tag", "flags", "key_file", "private_file",
    "dnskey"}]}.
    """
    name = parse_origin(origin)
    timing = KeyTiming.starting(clock(given_now))
    present = [*public_keys_in(key_directory, name), *read_dnskeys(avoided, owner=name)]
    keys: list[SigningKey] = []
    chosen = [role for role, asked in ((KeyRole.KSK, ksk), (KeyRole.ZSK, zsk), (KeyRole.CSK, csk)) if asked]
    for role in chosen or (KeyRole.KSK, KeyRole.ZSK):
        tags = key_tags([*present, *keys], algorithm)
        keys.append(_GENERATE[role](origin, algorithm=algorithm, bits=bits, avoid=tags, timing=timing))
    written = [(key, write_key(key, key_directory)) for key in keys]
    if as_json:
        print_json({"zone": name_text(name), "keys": [_key_object(key, paths) for key, paths in written]})
        return
    for key in keys:
        click.echo(key.name)


def _key_object(key: SigningKey, paths: KeyPaths) -> dict[str, Any]:
    return {
        "name": key.name,
        "role": key.role.value,
        "algorithm": int(key.algorithm),
        "key_tag": key.key_tag,
        "flags": key.flags,
        "key_file": str(paths.key),
        "private_file": str(paths.private),
        "dnskey": Dnskey.from_rdata(key.owner, key.dnskey_rdata).text(),
    }
