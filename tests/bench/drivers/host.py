"""Many zones, one after the other: generate and keep keys, read, sign, write.

Arguments: directory of zone files, directory of results, inception, expiration, and "flushed" or "unflushed": whether
files are written as zonekit writes them, flushed to the disk before they count, or in the plainest way.
"""

from __future__ import annotations

import sys
from pathlib import Path

from zonekit.files import read_zone, write_key, write_zone
from zonekit.instants import SignatureValidity, parse_instant
from zonekit.keyfiles import render_key_file, render_private_file
from zonekit.keys import KeyTiming, SigningKey, generate_ksk, generate_zsk
from zonekit.render import render_zone
from zonekit.signing import sign_zone
from zonekit.zones import Zone


def main(zones: str, results: str, inception: str, expiration: str, writing: str) -> None:
    validity = SignatureValidity(inception=parse_instant(inception), expiration=parse_instant(expiration))
    timing = KeyTiming.starting(validity.inception)
    write = {"flushed": write_flushed, "unflushed": write_unflushed}[writing]
    for path in sorted(Path(zones).glob("*.zone")):
        ksk = generate_ksk(path.stem, timing=timing)
        keys = (ksk, generate_zsk(path.stem, timing=timing, avoid=[ksk.key_tag]))
        signed = sign_zone(read_zone(path, origin=path.stem), keys, validity=validity)
        directory = Path(results, path.stem)
        directory.mkdir()
        write(signed, keys, directory)


def write_flushed(zone: Zone, keys: tuple[SigningKey, ...], directory: Path) -> None:
    for key in keys:
        write_key(key, directory)
    write_zone(zone, directory / "signed")


def write_unflushed(zone: Zone, keys: tuple[SigningKey, ...], directory: Path) -> None:
    for key in keys:
        (directory / f"{key.name}.key").write_text(render_key_file(key), encoding="ascii")
        (directory / f"{key.name}.private").write_text(render_private_file(key), encoding="ascii")
    (directory / "signed").write_text(render_zone(zone), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
