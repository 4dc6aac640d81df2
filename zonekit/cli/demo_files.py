"""The directory that the demo makes: a directory for each stage, and in it what each party then serves.

Everything is written beside the place where it belongs and moved there as a whole. What an earlier demo left there is
replaced; anything else is not touched.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from zonekit.cli.move import Delegation, Side
from zonekit.ds import dsset_text
from zonekit.errors import FileError
from zonekit.files import write_key, write_text, write_zone
from zonekit.names import name_text
from zonekit.render import render_presigned_stanza
from zonekit.zones import Zone

MARK: Final = ".made-by-zonekit-demo"


@contextlib.contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """Give a directory to write into, which becomes ``path`` when all went well and is gone when not.

    Raises:
        FileError: something is at ``path`` that no earlier demo made, or the directory cannot be made.
    """
    place = Path.cwd() / path
    _check_replaceable(place, str(path))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as temporary:
            fresh = Path(temporary) / "new"
            fresh.mkdir()
            (fresh / MARK).touch()
            yield fresh
            if place.exists():
                place.rename(Path(temporary) / "old")  # and goes with the temporary directory
            fresh.rename(place)
    except OSError as error:
        raise FileError(f"cannot be made: {error.strerror or error}", path=str(path)) from error


def _check_replaceable(place: Path, shown: str) -> None:
    if not place.is_symlink():
        if not place.exists():
            return
        if place.is_dir() and ((place / MARK).is_file() or not any(place.iterdir())):
            return
    raise FileError(
        "is already there and not an earlier demo's, so it stays as it is",
        path=shown,
        remedy="name another directory, or move it away",
    )


def write_served(directory: Path, zone: Zone) -> Path:
    """Write what an operator needs to serve a signed zone, and return where the zone file is."""
    directory.mkdir(parents=True)
    file = directory / f"{_plain_name(zone)}.zone"
    write_zone(zone, file)
    write_text(directory / "named.conf", render_presigned_stanza(zone.origin, file=file.name))
    return file


def write_keys(directory: Path, side: Side) -> list[str]:
    """Write an operator's key files, and return their names without extension."""
    directory.mkdir(parents=True)
    for key in side.keys:
        write_key(key, directory)
    return [key.name for key in side.keys]


def write_delegation(directory: Path, delegation: Delegation) -> None:
    """Write what the parent publishes: the records, and the DS as a dsset file."""
    directory.mkdir(parents=True)
    name = name_text(delegation.ds.owner)
    write_text(directory / f"{name}delegation", delegation.text())
    write_text(directory / f"dsset-{name}", dsset_text(delegation.ds))


def _plain_name(zone: Zone) -> str:
    return name_text(zone.apex).removesuffix(".")
