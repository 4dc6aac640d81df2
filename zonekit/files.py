"""Files: zones, text and keys on disk. The only module that touches one.

Whatever is replaced is replaced whole: the new text goes to a temporary file in the same directory, is flushed to the
disk, and takes the old one's name in one step. A reader sees the old file or the new one, and a write that fails leaves
the old one and nothing beside it. A path that is a symbolic link stays one: the file that it leads to is replaced.

A private key is never replaced at all. Its file is readable by its owner alone from the moment it exists.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias

from zonekit.errors import FileError, KeyFileError, KeyFileExists, ZonekitError
from zonekit.findings import Finding, Severity
from zonekit.keyfiles import parse_key_files, render_key_file, render_private_file
from zonekit.keys import KeyRole, SigningKey, key_file_stem
from zonekit.names import WireName, name_text, order_key, parse_origin
from zonekit.render import iter_zone_text
from zonekit.zonefile import DEFAULT_GENERATE_LIMIT, Opener, ParsedZone, parse_zone_with_findings
from zonekit.zones import Zone

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import dns.name

StrPath: TypeAlias = str | os.PathLike[str]

PUBLIC_MODE: Final = 0o644
PRIVATE_MODE: Final = 0o600

_PIECE_OCTETS: Final = 2**18
_LONGEST_KEY_FILE: Final = 2**16
_TEMPORARY_PREFIX: Final = ".zonekit-"
_KEY_SUFFIX: Final = ".key"
_PRIVATE_SUFFIX: Final = ".private"
_KEY_FILE_END: Final = re.compile(r"\+\d{3}\+\d{5}\.private", re.ASCII)
_OTHERS_MAY: Final = stat.S_IRWXG | stat.S_IRWXO


# ---- reading --------------------------------------------------------------------------------------------------------


def read_zone(
    path: StrPath,
    *,
    origin: str | dns.name.Name | None = None,
    include_root: StrPath | None = None,
    default_ttl: int | None = None,
    generate_limit: int = DEFAULT_GENERATE_LIMIT,
) -> Zone:
    """Return the zone in a master file.

    Args:
        path: the file.
        origin: the apex; without it the first record must be the SOA, and its owner is the apex.
        include_root: where ``$INCLUDE`` may take files from, and what relative names there count from, as from named's
            ``directory``; without it the directive is refused. Links that lead out of it are refused too.
        default_ttl: the TTL in seconds of records that have none until a ``$TTL``.
        generate_limit: how many records all ``$GENERATE`` directives may make together.

    Raises:
        FileError: the file cannot be read.
        ZoneFileError: everything that is refused, with file, line and reason.
        DomainNameError: ``origin`` is not a domain name.
        TtlError: ``default_ttl`` is outside 0 to 2^31-1.
    """
    return read_zone_with_findings(
        path, origin=origin, include_root=include_root, default_ttl=default_ttl, generate_limit=generate_limit
    ).zone


def read_zone_with_findings(
    path: StrPath,
    *,
    origin: str | dns.name.Name | None = None,
    include_root: StrPath | None = None,
    default_ttl: int | None = None,
    generate_limit: int = DEFAULT_GENERATE_LIMIT,
) -> ParsedZone:
    """Return the zone in a master file and the findings about it. See :func:`read_zone`.

    Raises:
        FileError: the file cannot be read.
        ZoneFileError: everything that is refused, with file, line and reason.
        DomainNameError: ``origin`` is not a domain name.
        TtlError: ``default_ttl`` is outside 0 to 2^31-1.
    """
    with contextlib.closing(_pieces_of(path, os.O_RDONLY)) as pieces:
        return parse_zone_with_findings(
            pieces,
            origin,
            file=_shown(path),
            default_ttl=default_ttl,
            include=None if include_root is None else opener_within(include_root),
            generate_limit=generate_limit,
        )


def opener_within(include_root: StrPath) -> Opener:
    """Return what opens files for ``$INCLUDE`` and never leaves a directory, by links neither.

    Raises:
        FileError: it is not a directory.
    """
    root = os.path.realpath(_plain(include_root))
    if not os.path.isdir(root):
        raise FileError("is not a directory to include from", path=_shown(include_root))

    def open_inside(name: str, including: str) -> tuple[str, Iterable[bytes]]:
        path = os.path.realpath(os.path.join(root, _plain(name)))
        if os.path.commonpath([root, path]) != root:
            raise FileError(
                f"is outside {_shown(root)}, from where files may be included",
                path=_shown(name),
                remedy="move the file there, or include from a directory above both",
            )
        # Nothing but a plain file, and not a link that took its place just now. O_NONBLOCK: a pipe must not wait.
        return path, _pieces_of(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, plain_file=True)

    return open_inside


def _pieces_of(path: StrPath, flags: int, *, plain_file: bool = False) -> Generator[bytes, None, None]:
    """Open a file and yield its octets, some at a time; an error in opening it is raised here and now."""
    pieces = _read_pieces(path, flags, plain_file)
    next(pieces)
    return pieces


def _read_pieces(path: StrPath, flags: int, plain_file: bool) -> Generator[bytes, None, None]:
    with _file_errors(path, "cannot be read"), open(os.open(_plain(path), flags | os.O_CLOEXEC), "rb") as file:
        if plain_file and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileError("is not a plain file", path=_shown(path))
        yield b""
        while piece := file.read(_PIECE_OCTETS):
            yield piece


def read_text(path: StrPath) -> str:
    """Return the text of a small file, such as a key or a DS set.

    Raises:
        FileError: it cannot be read, is not UTF-8, or is larger than any file of its kind.
    """
    with _file_errors(path, "cannot be read"), open(_plain(path), "rb") as file:
        octets = file.read(_LONGEST_KEY_FILE + 1)
    if len(octets) > _LONGEST_KEY_FILE:
        raise FileError(f"is larger than {_LONGEST_KEY_FILE} octets", path=_shown(path))
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise FileError("is not text in UTF-8", path=_shown(path)) from None


# ---- writing --------------------------------------------------------------------------------------------------------


def write_zone(zone: Zone, path: StrPath, *, executor: Executor | None = None) -> None:
    """Write a zone as a master file, in one step: whoever opens ``path`` finds the old zone or the new one.

    A file that is there already keeps its mode, and its owner and group as far as the system allows. With an
    ``executor`` its workers print the zone.

    Raises:
        FileError: the file could not be written; what was there before still is.
    """
    write_text(path, iter_zone_text(zone, executor=executor))


def write_text(path: StrPath, text: str | Iterable[str], *, mode: int = PUBLIC_MODE) -> None:
    """Write text, whole or in pieces, as UTF-8, in one step: whoever opens ``path`` finds the old text or the new one.

    Args:
        path: where; a symbolic link is followed.
        text: what.
        mode: the permissions of a file that was not there, less what the umask takes away. One that was there keeps its
            own, and its owner and group as far as the system allows.

    Raises:
        FileError: the file could not be written; what was there before still is. What the pieces raise passes through,
            with the same promise.
    """
    with _file_errors(path, "cannot be written"):
        target = os.path.realpath(_plain(path))
        replaced = _status_of_plain_file(target, path)
        temporary, descriptor = _create_temporary(os.path.dirname(target), mode if replaced is None else PRIVATE_MODE)
    try:
        with _file_errors(path, "cannot be written"), open(descriptor, "wb") as file:
            _write_pieces(file, text)
            if replaced is not None:
                _take_over(descriptor, replaced)
            os.fsync(descriptor)
        with _file_errors(path, "cannot be written"):
            os.replace(temporary, target)
    except BaseException:
        _remove(temporary)
        raise
    with _file_errors(path, "is written, but may not outlive a loss of power"):
        _sync_directory(os.path.dirname(target))


def _write_pieces(file: IO[bytes], text: str | Iterable[str]) -> None:
    for piece in (text,) if isinstance(text, str) else text:
        file.write(piece.encode())
    file.flush()


def _status_of_plain_file(target: str, path: StrPath) -> os.stat_result | None:
    """What is there to be replaced, or None."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise FileError("is not a plain file and is not replaced", path=_shown(path))
    return status


def _create_temporary(directory: str, mode: int) -> tuple[str, int]:
    """Create a new file beside the one to be written."""
    temporary = os.path.join(directory, f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}.tmp")
    return temporary, _create(temporary, mode)


def _create(path: str, mode: int) -> int:
    """Create a file that is not there, and return its descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


def _take_over(descriptor: int, replaced: os.stat_result) -> None:
    """Give the new file the owner, group and mode of the old one, as far as the system allows."""
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, -1, replaced.st_gid)
        os.fchown(descriptor, replaced.st_uid, -1)
    os.fchmod(descriptor, stat.S_IMODE(replaced.st_mode))


def _sync_directory(directory: str) -> None:
    """Make sure that the names in a directory outlive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems have nothing to sync here, and say so
            raise
    finally:
        os.close(descriptor)


# ---- keys -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPaths:
    """The two files of a key, as BIND names them.

    Attributes:
        key: the public one, ``K*.key``.
        private: the private one, ``K*.private``.
    """

    key: Path
    private: Path


def write_key(key: SigningKey, directory: StrPath) -> KeyPaths:
    """Write a key's two files into a directory, both or neither, and return where they are.

    The public one gets mode 0644, the private one 0600, whatever the umask. The public one comes first: when two write
    the same key at once, the one that creates it goes on, and the other is refused. So a crash in between leaves a public
    file alone, never a private one that somebody else may read.

    Raises:
        KeyFileExists: one of the files is already there; it is left as it is.
        FileError: they could not be written; neither is there.
        SigningKeyError: the private key cannot be had, because a device keeps it.
    """
    stem = Path(_plain(directory)) / key.name
    paths = KeyPaths(key=Path(f"{stem}{_KEY_SUFFIX}"), private=Path(f"{stem}{_PRIVATE_SUFFIX}"))
    key_text, private_text = render_key_file(key), render_private_file(key)
    with contextlib.ExitStack() as undo:
        _write_new(paths.key, key_text, PUBLIC_MODE)
        undo.callback(_remove, paths.key)
        _write_new(paths.private, private_text, PRIVATE_MODE)
        undo.callback(_remove, paths.private)
        with _file_errors(directory, "cannot be written"):
            _sync_directory(str(stem.parent))
        undo.pop_all()
    return paths


def _write_new(path: Path, text: str, mode: int) -> None:
    """Create a file with exactly this mode, which must not be there, or leave none."""
    with _file_errors(path, "cannot be written"):
        try:
            descriptor = _create(str(path), mode)
        except FileExistsError:
            raise KeyFileExists(
                "is already there, and keys are never replaced",
                path=_shown(path),
                remedy="move it away, or generate another key",
            ) from None
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                _write_pieces(file, text)
                os.fsync(descriptor)
        except BaseException:
            _remove(path)
            raise


def _remove(path: StrPath) -> None:
    """Take away a file that should not be there; called when there is an error already to tell of."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def read_key(path: StrPath, *, role: KeyRole | None = None) -> SigningKey:
    """Return the signing key in a pair of files, named by either of them or by what their names have in common.

    The permissions of the private file are not looked at: BIND does not either, and a backup or a secret that is mounted
    may come with others. :func:`check_key` reports them.

    Args:
        path: such as ``Kexample.nl.+013+12345``, with or without ``.key`` or ``.private``.
        role: what the key signs; CSK has to be said, because the files do not tell it from a KSK.

    Raises:
        FileError: a file cannot be read.
        KeyFileError: a text that is no key; the message says which file and line, and never what stood there.
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: the two files are of different keys, a revoked key, or flags that do not fit ``role``.
    """
    stem = _stem_of(path)
    key_text, private_text = read_text(stem + _KEY_SUFFIX), read_text(stem + _PRIVATE_SUFFIX)
    try:
        return parse_key_files(key_text, private_text, role=role)
    except ZonekitError as error:
        raise error.within(_shown(stem)) from None


def read_keys(directory: StrPath, origin: str | dns.name.Name) -> tuple[SigningKey, ...]:
    """Return the signing keys of a zone in a directory, ordered by algorithm and key tag; none when there are none.

    A public file without a private one beside it is left out: it is somebody else's key, or one kept elsewhere.

    Raises:
        DomainNameError: ``origin`` is not a domain name.
        FileError: the directory or a file cannot be read.
        KeyFileError: a text that is no key, or a key of another zone than its file name says.
        AlgorithmError: an unknown algorithm, or one that must not sign any more (RFC 9905 section 2).
        SigningKeyError: the files of a pair are of different keys, or a revoked key.
    """
    owner = parse_origin(origin)
    start = _file_name_start(owner)
    with _file_errors(directory, "cannot be read"):
        names = sorted(os.listdir(_plain(directory)))
    keys = []
    for name in names:
        if name.startswith(start) and _KEY_FILE_END.fullmatch(name, len(start)):
            key = read_key(os.path.join(_plain(directory), name))
            if order_key(key.owner) != order_key(owner):
                raise KeyFileError(f"{_shown(name)} holds a key of {name_text(key.owner)}")
            keys.append(key)
    return tuple(keys)


def check_key(path: StrPath) -> tuple[Finding, ...]:
    """Return what should be known about the files of a key: code ``private-key-exposed``.

    Raises:
        FileError: a file cannot be read.
        ZonekitError: whatever :func:`read_key` refuses.
    """
    key = read_key(path)
    private = _stem_of(path) + _PRIVATE_SUFFIX
    with _file_errors(private, "cannot be read"):
        mode = stat.S_IMODE(os.stat(private).st_mode)
    if not mode & _OTHERS_MAY:
        return ()
    return (
        Finding(
            code="private-key-exposed",
            severity=Severity.WARNING,
            owner=name_text(key.owner),
            message=f"{_shown(private)} has mode {mode:04o}: others than its owner may read or change a private key",
            remedy=f"chmod {PRIVATE_MODE:o} it, or keep it readable to the name server's group alone on purpose",
        ),
    )


def _stem_of(path: StrPath) -> str:
    return _plain(path).removesuffix(_KEY_SUFFIX).removesuffix(_PRIVATE_SUFFIX)


def _file_name_start(owner: WireName) -> str:
    """What the names of a zone's key files begin with."""
    return key_file_stem(owner, 0, 0).removesuffix("+000+00000")


# ---- paths and errors -----------------------------------------------------------------------------------------------


def _plain(path: StrPath) -> str:
    """The path as a string that the system takes.

    Raises:
        FileError: it has a NUL octet in it.
    """
    text = os.fspath(path)
    if "\0" in text:
        raise FileError("is no path: there is a NUL in it", path=_shown(text))
    return text


def _shown(path: StrPath) -> str:
    """The path for a message, with nothing in it that a terminal would obey."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)


@contextlib.contextmanager
def _file_errors(path: StrPath, problem: str) -> Iterator[None]:
    """Raise what the system says as a FileError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(f"{problem}: {reason[:1].lower()}{reason[1:]}", path=_shown(path)) from error
