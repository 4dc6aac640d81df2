"""The files of a fleet: which zone a file is named by, which key files a zone has, and what is there at all.

A zone file is named by its zone in lower case, without a final dot. Whatever a directory holds is looked at by its own name
alone: a file that is not there is told from a directory that is not there, and from a pipe that would never end.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from typing import Final

from zonekit.errors import DomainNameError, FileError, FleetError, ZonekitError
from zonekit.files import StrPath, file_errors, plain_path, shown_path
from zonekit.keys import key_file_stem
from zonekit.names import name_text, parse_origin
from zonekit.recipes import Recipe

KEY_SUFFIXES: Final = (".key", ".private")
LOOKED_AT: Final = 4096  # octets in which a recipe stands, or the mark of a private key

_PIECE_OCTETS: Final = 2**18
_KEY_FILE: Final = re.compile(r"K(.+)\.\+\d{3}\+\d{5}\.(?:key|private)", re.ASCII | re.DOTALL)
_ESCAPED_SLASH: Final = r"\047"
_PLAIN_ZONE: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_TO_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not wait


# ---- names -----------------------------------------------------------------------------------------------------------


def zones_in(directory: StrPath, suffix: str) -> Iterator[str]:
    """Yield the names of the zones, as the file names have them."""
    with file_errors(directory, "cannot be read"), os.scandir(plain_path(directory)) as entries:
        for entry in entries:
            name = entry.name
            if name.endswith(suffix) and len(name) > len(suffix) and name[0] != "." and not _is_directory(entry):
                yield name[: len(name) - len(suffix)]


def _is_directory(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):  # such as links in a loop, which are told of when their turn comes
        return entry.is_dir()
    return False


def key_files_in(directory: StrPath) -> dict[str, tuple[str, ...]]:
    """The names of key files by the zone that they name, in lower case and escaped as they are."""
    found: dict[str, tuple[str, ...]] = {}
    with file_errors(directory, "cannot be read"):
        for name in os.listdir(plain_path(directory)):
            if match := _KEY_FILE.fullmatch(name):
                zone = match[1].lower()
                found[zone] = (*found.get(zone, ()), name)
    return found


def name_in_key_files(zone: str) -> str:
    """How the names of key files name a zone."""
    if _PLAIN_ZONE.fullmatch(zone):
        return zone
    try:
        return key_file_stem(parse_origin(zone), 0, 0).removesuffix(".+000+00000")[1:].lower()
    except DomainNameError:
        return ""  # what the file is named is told when its turn comes


def origin_of(zone: str) -> str:
    """The zone that a file name says, which has to be how zonekit prints it: one zone has one file.

    A slash, as in the zones of RFC 2317, no file name can have: it is written in its escaped form.
    """
    if _PLAIN_ZONE.fullmatch(zone):
        return zone
    shown = name_text(parse_origin(zone)).removesuffix(".").lower().replace("/", _ESCAPED_SLASH)
    if zone != shown:
        raise FleetError(
            f"{ascii(zone)[1:-1]}: a zone file is named by its zone in lower case, without a final dot",
            remedy=f"rename it to {shown}",
        )
    return zone


def is_named_by_zone(zone: str) -> bool:
    """Whether this is how a file names a zone."""
    with contextlib.suppress(ZonekitError):
        return bool(origin_of(zone))
    return False


# ---- what is there ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def opened_directory(path: str) -> Iterator[int]:
    """Have a directory open. What is not in it is told from a directory that is not there."""
    with file_errors(path, "cannot be read"):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_there(name: str, directory: int, path: str) -> bool:
    """Whether a directory has a file of this name."""
    with file_errors(path, "cannot be read"):
        try:
            os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
    return True


def octets_of(path: str) -> bytes:
    """Return what is in a plain file.

    Raises:
        FileError: it cannot be read, or is something else.
    """
    with file_errors(path, "cannot be read"):
        descriptor = os.open(path, _TO_READ)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                return _octets_in(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    raise FileError("is not a plain file", path=shown_path(path), remedy="put a zone file there")


def _octets_in(descriptor: int, expected: int) -> bytes:
    octets = os.read(descriptor, expected + 1)
    if len(octets) == expected:
        return octets
    pieces = [octets]  # one that grew meanwhile, or is larger than the system reads at once
    while piece := os.read(descriptor, _PIECE_OCTETS):
        pieces.append(piece)
    return b"".join(pieces)


def recipe_in(path: str) -> Recipe | None:
    """Return the recipe with which a file begins, if it does."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, _TO_READ | os.O_NOFOLLOW)
        try:
            return Recipe.parse(os.read(descriptor, LOOKED_AT))
        finally:
            os.close(descriptor)
    return None
