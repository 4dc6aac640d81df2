"""Files: zones, text and keys on disk. The only module that touches one.

Whatever is replaced is replaced whole: the new text goes to a temporary file in the same directory, is flushed to the
disk, and takes the old one's name in one step. A reader sees the old file or the new one, and a write that fails leaves
the old one and nothing beside it. A path that is a symbolic link stays one: the file that it leads to is replaced. Where
somebody else has to agree to the new file, :func:`replacing` keeps the old one until then.

A private key is never replaced at all, by another key as little as by a zone. Its file is readable by its owner alone from
the moment it exists, and there is whole or not at all.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias

from zonekit.algorithms import may_sign
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.errors import FileError, KeyFileError, KeyFileExists, RenderError, ZonekitError
from zonekit.findings import Finding, Severity
from zonekit.instants import instant_text, utc
from zonekit.keyfiles import parse_key_files, render_key_file, render_private_file
from zonekit.keys import KeyRole, SigningKey, key_file_stem
from zonekit.names import WireName, name_text, order_key, parse_origin
from zonekit.sealing import iter_sealed_signed_text, iter_sealed_text
from zonekit.zonefile import DEFAULT_GENERATE_LIMIT, Misfits, Opener, ParsedZone, parse_zone_with_findings
from zonekit.zones import Zone

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import dns.name

    from zonekit.signing import PreparedZone

StrPath: TypeAlias = str | os.PathLike[str]

PUBLIC_MODE: Final = 0o644
PRIVATE_MODE: Final = 0o600
COPIED_OCTETS: Final = 2**19  # what is written in large pieces is kept in large pages
_PIECE_OCTETS: Final = 2**18

_LONGEST_KEY_FILE: Final = 2**16
_TEMPORARY_PREFIX: Final = ".zonekit-"
_KEY_SUFFIX: Final = ".key"
_PRIVATE_SUFFIX: Final = ".private"
_KEY_FILE_END: Final = re.compile(r"\+\d{3}\+\d{5}\.private", re.ASCII)
_PRIVATE_FILE: Final = re.compile(r"K.*\+\d{3}\+\d{5}\.private", re.ASCII | re.DOTALL)
_PRIVATE_START: Final = b"Private-key-format"
_PEM_PRIVATE: Final = b"PRIVATE KEY-----"
_LOOKED_AT: Final = 4096
NO_HARD_LINKS: Final = frozenset({errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK})
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
    include: Opener | None = None,
    default_ttl: int | None = None,
    generate_limit: int = DEFAULT_GENERATE_LIMIT,
    misfits: Misfits = Misfits.REFUSE,
) -> ParsedZone:
    """Return the zone in a master file and the findings about it. See :func:`read_zone`.

    Args:
        path: the file.
        origin: as in :func:`read_zone`.
        include_root: as in :func:`read_zone`.
        include: what opens the files that ``$INCLUDE`` names in place of :func:`opener_within` ``include_root``.
        default_ttl: as in :func:`read_zone`.
        generate_limit: as in :func:`read_zone`.
        misfits: whether records that may not stand where they stand are refused, or kept for a verifier to tell of.

    Raises:
        FileError: the file cannot be read.
        ZoneFileError: everything that is refused, with file, line and reason.
        DomainNameError: ``origin`` is not a domain name.
        TtlError: ``default_ttl`` is outside 0 to 2^31-1.
    """
    if include is None and include_root is not None:
        include = opener_within(include_root)
    with contextlib.closing(_pieces_of(path)) as pieces:
        return parse_zone_with_findings(
            pieces,
            origin,
            file=shown_path(path),
            default_ttl=default_ttl,
            include=include,
            generate_limit=generate_limit,
            misfits=misfits,
        )


def opener_within(include_root: StrPath) -> Opener:
    """Return what opens files for ``$INCLUDE`` and never leaves a directory, by links neither.

    Symbolic links inside the directory are followed where they lead inside it too. What a path leads to is found out first;
    then it is opened from the directory downwards, name by name and without following any link, so that a link which takes
    the place of a file or a directory in between is refused.

    Raises:
        FileError: it is not a directory.
    """
    with file_errors(include_root, "cannot be read"):
        root = os.path.realpath(plain_path(include_root))
    if not os.path.isdir(root):
        raise FileError(
            "is not a directory to include from",
            path=shown_path(include_root),
            remedy="give the directory that $INCLUDE counts from",
        )

    def open_inside(name: str, including: str) -> tuple[str, Iterable[bytes]]:
        with file_errors(name, "cannot be read"):
            path = os.path.realpath(os.path.join(root, plain_path(name)))
        if os.path.commonpath([root, path]) != root:
            raise FileError(
                f"is outside {shown_path(root)}, from where files may be included",
                path=shown_path(name),
                remedy="move the file there, or include from a directory above both",
            )
        with file_errors(path, "cannot be read"):
            descriptor = _open_below(root, os.path.relpath(path, root))
        return path, _started(_read_plain_file(path, descriptor))

    return open_inside


def _open_below(root: str, path: str) -> int:
    """Open a file below a directory, and return its descriptor; nothing on the way there may be a link."""
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        *above, name = path.split(os.sep)
        for each in above:
            inner = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
            os.close(directory)
            directory = inner
        # O_NONBLOCK: a pipe must not wait.
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    finally:
        os.close(directory)


def _pieces_of(path: StrPath) -> Generator[bytes, None, None]:
    """Open a file and yield its octets, some at a time; an error in opening it is raised here and now."""
    with file_errors(path, "cannot be read"):
        descriptor = os.open(plain_path(path), os.O_RDONLY | os.O_CLOEXEC)
    return _started(_read_pieces(path, descriptor))


def _started(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """Run it up to the first piece, which is empty: from then on it closes the file whatever happens."""
    next(pieces)
    return pieces


def _read_plain_file(path: str, descriptor: int) -> Generator[bytes, None, None]:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        os.close(descriptor)
        raise FileError(
            "is not a plain file", path=shown_path(path), remedy="include a plain file, no pipe and no device"
        )
    yield from _read_pieces(path, descriptor)


def _read_pieces(path: StrPath, descriptor: int) -> Generator[bytes, None, None]:
    with file_errors(path, "cannot be read"), _opened(descriptor, "rb") as file:
        yield b""
        while piece := file.read(_PIECE_OCTETS):
            yield piece


def _opened(descriptor: int, mode: str) -> IO[bytes]:
    """The file of a descriptor, which is closed when it is none."""
    try:
        return open(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise


class OpenFile:
    """A plain file that is open for reading parts of it; :func:`open_file` opens it.

    Attributes:
        octets: how long it was when it was opened.
    """

    def __init__(self, path: StrPath, descriptor: int, octets: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.octets = octets

    def part(self, start: int, end: int) -> bytes:
        """Return the octets from one place to another, as far as there are any.

        Raises:
            FileError: they cannot be read.
        """
        return b"".join(self.pieces(start, end))

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the octets from one place to another, some at a time.

        Raises:
            FileError: they cannot be read.
        """
        with file_errors(self._path, "cannot be read"):
            while start < end and (piece := os.pread(self._descriptor, min(COPIED_OCTETS, end - start), start)):
                start += len(piece)
                yield piece


@contextlib.contextmanager
def open_file(path: StrPath) -> Generator[OpenFile | None, None, None]:
    """Open a plain file to read parts of it; None where it is something else, such as a pipe, which is left unopened.

    Raises:
        FileError: it cannot be opened.
    """
    with file_errors(path, "cannot be read"):
        plain = stat.S_ISREG(os.stat(plain_path(path)).st_mode)
        descriptor = os.open(plain_path(path), os.O_RDONLY | os.O_CLOEXEC) if plain else None
    if descriptor is None:
        yield None
        return
    try:
        yield OpenFile(path, descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def read_text(path: StrPath) -> str:
    """Return the text of a small file, such as a key or a DS set.

    Raises:
        FileError: it cannot be read, is not UTF-8, or is larger than any file of its kind.
    """
    with file_errors(path, "cannot be read"), open(plain_path(path), "rb") as file:
        octets = file.read(_LONGEST_KEY_FILE + 1)
    if len(octets) > _LONGEST_KEY_FILE:
        raise FileError(
            f"is larger than {_LONGEST_KEY_FILE} octets",
            path=shown_path(path),
            remedy="see whether it is a key file at all",
        )
    # The exception of the decoder carries all of the text along, a private key too: nothing is raised while it is there.
    with contextlib.suppress(UnicodeDecodeError):
        return octets.decode()
    raise FileError("is not text in UTF-8", path=shown_path(path), remedy="convert it to UTF-8")


# ---- writing --------------------------------------------------------------------------------------------------------


def write_zone(zone: Zone, path: StrPath, *, executor: Executor | None = None) -> None:
    """Write a zone as a master file, in one step: whoever opens ``path`` finds the old zone or the new one.

    Its last line is a comment by which zonekit knows its own work again (:mod:`zonekit.sealing`). A file that is there
    already keeps its mode, and its owner and group as far as the system allows. With an ``executor`` its workers print the
    zone.

    Raises:
        KeyFileExists: a private key is there; it is left as it is.
        FileError: the file could not be written, and what was there before still is; or it is written, as the message then
            says, and only that it would outlive a loss of power is not sure.
    """
    write_text(path, iter_sealed_text(zone, executor=executor))


def write_signed_zone(prepared: PreparedZone, path: StrPath, *, executor: Executor | None = None) -> None:
    """Sign a zone and write it as :func:`write_zone` does, each part as soon as it is signed.

    The file is the one that signing the zone and then writing it gives; but the signed zone is never held as a whole, and
    with an ``executor`` what is signed by a worker is printed there too: for a big zone the fastest way to a signed file.

    Raises:
        SigningError: as :func:`zonekit.sign_zone`; what was there before still is.
        KeyFileExists: as :func:`write_zone`.
        FileError: as :func:`write_zone`.
    """
    write_text(path, iter_sealed_signed_text(prepared, executor=executor))


def write_text(path: StrPath, text: str | Iterable[str], *, mode: int = PUBLIC_MODE) -> None:
    """Write text, whole or in pieces, as UTF-8, in one step: whoever opens ``path`` finds the old text or the new one.

    Args:
        path: where; a symbolic link is followed.
        text: what.
        mode: the permissions of a file that was not there, less what the umask takes away. One that was there keeps its
            own, and its owner and group as far as the system allows.

    Raises:
        KeyFileExists: what is there is a private key, by its name or by what it begins with; it is left as it is.
        RenderError: half of a surrogate pair, which UTF-8 cannot say; what was there before still is.
        FileError: the file could not be written, and what was there before still is; or it is written, as the message then
            says, and only that it would outlive a loss of power is not sure. What the pieces raise passes through, and what
            was there before still is.
    """
    pieces = (text,) if isinstance(text, str) else text
    write_octets(path, (_encoded(piece, path) for piece in pieces), mode=mode)


def write_octets(path: StrPath, pieces: Iterable[bytes], *, mode: int = PUBLIC_MODE) -> None:
    """Write octets in pieces, in one step, as :func:`write_text` writes text.

    Raises:
        KeyFileExists: what is there is a private key; it is left as it is.
        FileError: as from :func:`write_text`. What the pieces raise passes through, and what was there before still is.
    """
    with file_errors(path, "cannot be written"):
        target = os.path.realpath(plain_path(path))
        replaced = _status_of_replaceable(target, path)
        temporary, descriptor = _create_temporary(os.path.dirname(target), mode if replaced is None else PRIVATE_MODE)
    try:
        _fill_beside(path, descriptor, pieces, replaced)
        with file_errors(path, "cannot be written"):
            _status_of_replaceable(target, path)  # a key may have come there since
            os.replace(temporary, target)
    except BaseException:
        _remove(temporary)
        raise
    with file_errors(path, "is written, but may not outlive a loss of power"):
        sync_directory(os.path.dirname(target))


def _fill_beside(path: StrPath, descriptor: int, pieces: Iterable[bytes], replaced: os.stat_result | None) -> None:
    """Write what is to take a file's place, flush it to the disk, and close it."""
    with file_errors(path, "cannot be written"), _opened(descriptor, "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        if replaced is not None:
            take_over(descriptor, replaced)
        os.fsync(descriptor)


def _encoded(text: str, path: StrPath) -> bytes:
    # As for reading: the exception of the encoder carries the text along.
    with contextlib.suppress(UnicodeEncodeError):
        return text.encode()
    raise RenderError(
        f"{shown_path(path)}: the text has half of a surrogate pair in it, which is no character",
        remedy="decode what went into the text as UTF-8",
    )


def _status_of_replaceable(target: str, path: StrPath) -> os.stat_result | None:
    """What is there to be replaced, or None; anything but a plain file, and a private key, is refused."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise FileError(
            "is not a plain file and is not replaced",
            path=shown_path(path),
            remedy="give another path, or remove what is there first",
        )
    if _is_private_key(target):
        raise KeyFileExists(
            "holds a private key, and keys are never replaced",
            path=shown_path(path),
            remedy="write to another file, or move the key away",
        )
    return status


def _is_private_key(path: str) -> bool:
    if _PRIVATE_FILE.fullmatch(os.path.basename(path)):
        return True
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with _opened(descriptor, "rb") as file:
        return looks_like_private_key(file.read(_LOOKED_AT))


def looks_like_private_key(start: bytes) -> bool:
    """Whether a file that begins so holds a private key."""
    return start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(_PRIVATE_START) or _PEM_PRIVATE in start


def _create_temporary(directory: str, mode: int) -> tuple[str, int]:
    """Create a new file beside the one to be written."""
    temporary = os.path.join(directory, f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}.tmp")
    return temporary, _create(temporary, mode)


def _create(path: str, mode: int) -> int:
    """Create a file that is not there, and return its descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


def take_over(descriptor: int, replaced: os.stat_result) -> None:
    """Give the new file the owner, group and mode of the old one, as far as the system allows."""
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, -1, replaced.st_gid)
        os.fchown(descriptor, replaced.st_uid, -1)
    os.fchmod(descriptor, stat.S_IMODE(replaced.st_mode))


def sync_directory(directory: str) -> None:
    """Make sure that the names in a directory outlive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems have nothing to sync here, and say so
            raise
    finally:
        os.close(descriptor)


# ---- replacing with a way back --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A file that is being replaced, and can be put back until that is settled; :func:`replacing` begins it.

    The three files stand side by side in one directory, so that each step is one change of a name. What is found under
    the name ``kept`` at the beginning was left by a process that was killed before it settled.

    Attributes:
        path: the path, as given.
        target: the file that it leads to.
        staged: where the new file waits.
        kept: where the old file is kept.
        has_old: whether there was an old file at the beginning.
    """

    path: str
    target: str
    staged: str
    kept: str
    has_old: bool

    @classmethod
    def of(cls, path: StrPath) -> Replacement:
        """Return the names that go with a path; nothing is touched.

        Raises:
            FileError: it is no path, or no plain file.
            KeyFileExists: what is there is a private key.
        """
        with file_errors(path, "cannot be written"):
            target = os.path.realpath(plain_path(path))
            _status_of_replaceable(target, path)
        beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.zonekit-")
        kept = f"{beside}old"
        has_old = os.path.lexists(target) or os.path.lexists(kept)
        return cls(path=shown_path(path), target=target, staged=f"{beside}new", kept=kept, has_old=has_old)

    @property
    def has_target(self) -> bool:
        """Whether there is a file in place."""
        return os.path.lexists(self.target)

    @property
    def is_staged(self) -> bool:
        """Whether the new file is there and not yet in place."""
        return os.path.lexists(self.staged)

    @property
    def is_kept(self) -> bool:
        """Whether an old file is kept."""
        return os.path.lexists(self.kept)

    def stage(self, pieces: Iterable[bytes]) -> None:
        """Write the new file beside the one in place, flushed to the disk and with the same owner and mode.

        Raises:
            FileError: it cannot be written; nothing of it is left.
            KeyFileExists: what is in place is a private key.
        """
        with file_errors(self.path, "cannot be written"):
            replaced = _status_of_replaceable(self.target, self.path)
            _remove(self.staged)  # of a process that was killed; it never was in service
            descriptor = _create(self.staged, PUBLIC_MODE if replaced is None else PRIVATE_MODE)
        try:
            _fill_beside(self.path, descriptor, pieces, replaced)
        except BaseException:
            _remove(self.staged)
            raise

    def put_in_place(self) -> None:
        """Keep the old file under its second name, and give the staged one its first.

        Raises:
            FileError: it cannot be done, and the old file is still in place; or it is done, as the message then says, and
                only that it would outlive a loss of power is not sure.
            KeyFileExists: what is in place is a private key.
        """
        with file_errors(self.path, "cannot be written"):
            if _status_of_replaceable(self.target, self.path) is not None:
                self._keep()
            try:
                os.replace(self.staged, self.target)
            except OSError:  # and nothing else: only then the old file has kept its first name
                _remove(self.kept)
                raise
        with file_errors(self.path, "is written, but may not outlive a loss of power"):
            sync_directory(os.path.dirname(self.target))

    def _keep(self) -> None:
        try:
            os.link(self.target, self.kept)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            self._keep_copy()
        sync_directory(os.path.dirname(self.target))

    def _keep_copy(self) -> None:
        temporary, descriptor = _create_temporary(os.path.dirname(self.target), PRIVATE_MODE)
        try:
            _fill_beside(self.path, descriptor, octets_of(self.target), os.stat(self.target))
            os.replace(temporary, self.kept)
        except BaseException:
            _remove(temporary)
            raise

    def put_back(self) -> None:
        """Put the old file back; where there was none, take the new one away.

        The old file counts as changed now, for a server that reads a file again only when it is newer than what it has.

        Raises:
            FileError: it cannot be done, and the old file is where :attr:`kept` says; or it is done, as the message then says,
                and only that it would outlive a loss of power is not sure.
        """
        if self.has_old:
            with file_errors(self.path, f"cannot be put back; the old file is kept as {shown_path(self.kept)}"):
                _touch(self.kept)
                os.replace(self.kept, self.target)
        else:
            with file_errors(self.path, "cannot be removed again"):
                os.unlink(self.target)
        with file_errors(self.path, "is as before, but may not outlive a loss of power"):
            sync_directory(os.path.dirname(self.target))

    def touch(self) -> None:
        """Let the file in place count as changed now, as far as the system allows."""
        _touch(self.target)

    def settle(self) -> None:
        """Give up the way back: the old file goes. One that cannot be removed is left for the next time."""
        _remove(self.kept)


def _touch(path: str) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)


@contextlib.contextmanager
def replacing(path: StrPath) -> Iterator[Replacement]:
    """Begin to replace a file; only one process does at a time. Nothing staged is left at the end.

    Raises:
        FileError: another process is replacing it, or it cannot be replaced at all.
        KeyFileExists: what is there is a private key.
    """
    replacement = Replacement.of(path)
    with _locked(path, replacement.staged.removesuffix("new") + "lock"):
        try:
            yield replacement
        finally:
            _remove(replacement.staged)


@contextlib.contextmanager
def _locked(path: StrPath, lock: str) -> Iterator[None]:
    with file_errors(path, "cannot be locked"):
        descriptor = _lock(path, lock)
    try:
        yield
    finally:
        _remove(lock)
        os.close(descriptor)


def _lock(path: StrPath, lock: str) -> int:
    """Create the lock file, lock it, and return its descriptor."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before has removed it by now: a lock counts only on the file that bears the name.
            if os.path.samestat(os.fstat(descriptor), os.stat(lock)):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise FileError(
                "is being published by another process",
                path=shown_path(path),
                remedy="wait until it is done, and see what it says",
            ) from None
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def octets_of(path: StrPath) -> Generator[bytes, None, None]:
    """Return the octets of a file, some at a time; an error in opening it is raised here and now.

    Raises:
        FileError: it cannot be read.
    """
    return _pieces_of(path)


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

    The public one gets mode 0644, the private one 0600, whatever the umask. Both are written and flushed to the disk under
    temporary names, with which nobody but their owner may read them, and only then get their own, the public one first:
    when two write the same key at once, the one that names it goes on, and the other is refused. So a crash leaves at worst
    a whole public file alone and the private one under its temporary name, ``.zonekit-*.tmp``, with mode 0600.

    Where the file system has no hard links, each file is written under its own name at once; there a crash may leave half
    of one, which its owner alone may read if it is the private one.

    Raises:
        KeyFileExists: one of the files is already there; it is left as it is.
        FileError: they could not be written; neither is there.
        SigningKeyError: the private key cannot be had, because a device keeps it.
    """
    stem = Path(plain_path(directory)) / key.name
    paths = KeyPaths(key=Path(f"{stem}{_KEY_SUFFIX}"), private=Path(f"{stem}{_PRIVATE_SUFFIX}"))
    texts = (
        (paths.key, render_key_file(key).encode(), PUBLIC_MODE),
        (paths.private, render_private_file(key).encode(), PRIVATE_MODE),
    )
    with contextlib.ExitStack() as temporaries, contextlib.ExitStack() as undo:
        prepared = []
        for path, octets, mode in texts:
            with file_errors(path, "cannot be written"):
                temporary, descriptor = _create_temporary(str(stem.parent), PRIVATE_MODE)
                temporaries.callback(_remove, temporary)
                _fill(descriptor, octets, mode)
            prepared.append((temporary, path, octets, mode))
        for temporary, path, octets, mode in prepared:
            with file_errors(path, "cannot be written"):
                _give_name(temporary, path, octets, mode)
            undo.callback(_remove, path)
        with file_errors(directory, "cannot be written"):
            sync_directory(str(stem.parent))
        undo.pop_all()
    return paths


def _give_name(temporary: str, path: Path, octets: bytes, mode: int) -> None:
    """Make a file that is ready appear under its own name, which must be free."""
    taken = False
    try:
        os.link(temporary, path)
    except FileExistsError:
        taken = True
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        taken = not _write_new(path, octets, mode)
    if taken:
        raise KeyFileExists(
            "is already there, and keys are never replaced",
            path=shown_path(path),
            remedy="move it away, or generate another key",
        )


def _write_new(path: Path, octets: bytes, mode: int) -> bool:
    """Create a file with these octets, or leave none; return False where there is one already."""
    try:
        descriptor = _create(str(path), PRIVATE_MODE)
    except FileExistsError:
        return False
    try:
        _fill(descriptor, octets, mode)
    except BaseException:
        _remove(path)
        raise
    return True


def _fill(descriptor: int, octets: bytes, mode: int) -> None:
    """Write a new file, flush it to the disk, and close it; it has exactly this mode then."""
    with _opened(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)


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
        refusal = error.within(shown_path(stem))
    raise refusal


def read_keys(
    directory: StrPath, origin: str | dns.name.Name, *, now: datetime | None = None
) -> tuple[SigningKey, ...]:
    """Return the signing keys of a zone in a directory, ordered by algorithm and key tag; none when there are none.

    Left out are: a public file without a private one beside it, which is somebody else's key or one kept elsewhere; a key
    that is revoked (RFC 5011 section 2.1); one of an algorithm that must not sign any more or that zonekit does not know;
    and, where ``now`` is given, one whose time of deletion has come. :func:`read_keys_with_findings` says which. The letter
    case of file names does not matter: ldns writes the zone's name as it was typed, BIND in lower case.

    Args:
        directory: where the ``K*.key`` and ``K*.private`` files are.
        origin: the apex of the zone.
        now: when the keys shall be used. Without it nothing is left out for its timing. Either way the keys may be for
            later or for publishing only: ask :meth:`zonekit.keys.KeyTiming.use_at` of each.

    Raises:
        DomainNameError: ``origin`` is not a domain name.
        TimeError: ``now`` is naive or not in whole seconds.
        FileError: the directory or a file cannot be read.
        KeyFileError: a text that is no key, a key of another zone than its file name says, or one key in two pairs of files.
        SigningKeyError: the files of a pair are of different keys.
    """
    return read_keys_with_findings(directory, origin, now=now)[0]


def read_keys_with_findings(
    directory: StrPath, origin: str | dns.name.Name, *, now: datetime | None = None
) -> tuple[tuple[SigningKey, ...], tuple[Finding, ...]]:
    """Return the signing keys of a zone in a directory and a finding about each that was left out. See :func:`read_keys`.

    The codes are ``key-revoked``, ``key-algorithm-retired`` and ``key-deleted``.

    Raises:
        DomainNameError: ``origin`` is not a domain name.
        TimeError: ``now`` is naive or not in whole seconds.
        FileError: the directory or a file cannot be read.
        KeyFileError: a text that is no key, a key of another zone than its file name says, or one key in two pairs of files.
        SigningKeyError: the files of a pair are of different keys.
    """
    with file_errors(directory, "cannot be read"):
        names = os.listdir(plain_path(directory))
    return read_keys_among(names, directory, origin, now=now)


def read_keys_among(
    names: Iterable[str], directory: StrPath, origin: str | dns.name.Name, *, now: datetime | None = None
) -> tuple[tuple[SigningKey, ...], tuple[Finding, ...]]:
    """Return the same as :func:`read_keys_with_findings` when ``names`` are the files in the directory, which is not listed.

    Raises:
        DomainNameError: ``origin`` is not a domain name.
        TimeError: ``now`` is naive or not in whole seconds.
        FileError: a file cannot be read.
        KeyFileError: a text that is no key, a key of another zone than its file name says, or one key in two pairs of files.
        SigningKeyError: the files of a pair are of different keys.
    """
    owner = parse_origin(origin)
    instant = None if now is None else utc(now)
    start = _file_name_start(owner)
    keys: dict[bytes, tuple[str, SigningKey]] = {}
    findings: list[Finding] = []
    for name in sorted(names):
        if not _is_private_file_of(name, start):
            continue
        path = os.path.join(plain_path(directory), name)
        public = _public_key_beside(path)
        if public is not None:
            _require_owner(public.owner, owner, name)
            if unusable := _unusable(public, name):
                findings.append(unusable)
                continue
        key = read_key(path)
        _require_owner(key.owner, owner, name)
        if instant is not None and key.timing.delete is not None and key.timing.delete <= instant:
            findings.append(_deleted(key, key.timing.delete, name))
            continue
        other, _ = keys.setdefault(key.dnskey_rdata, (name, key))
        if other != name:
            raise KeyFileError(
                f"{shown_path(other)} and {shown_path(name)} hold the same key",
                remedy="move one of the pairs away; their timing may differ",
            )
    found = sorted((key for _, key in keys.values()), key=lambda key: (key.algorithm, key.key_tag, key.dnskey_rdata))
    return tuple(found), tuple(findings)


def _is_private_file_of(name: str, start: str) -> bool:
    """Whether a file name is that of a private key of the zone whose files begin so, in any letter case."""
    head = name[: len(start)]
    return head.isascii() and head.lower() == start.lower() and _KEY_FILE_END.fullmatch(name, len(start)) is not None


def _public_key_beside(private: str) -> Dnskey | None:
    """The key that the public file says; None where it says none, for :func:`read_key` to refuse in its own words."""
    text = read_text(_stem_of(private) + _KEY_SUFFIX)
    with contextlib.suppress(ZonekitError):
        return parse_dnskeys(text)[0]
    return None


def _require_owner(found: WireName, owner: WireName, name: str) -> None:
    if order_key(found) != order_key(owner):
        raise KeyFileError(
            f"{shown_path(name)} holds a key of {name_text(found)}",
            remedy="read it with the origin that it is for, or give that zone's own key file",
        )


def _unusable(key: Dnskey, name: str) -> Finding | None:
    """Why a key in a file cannot sign at all, or None."""
    if key.is_revoked:
        return Finding(
            code="key-revoked",
            severity=Severity.WARNING,
            owner=name_text(key.owner),
            rdtype="DNSKEY",
            message=f"{shown_path(name)} holds a key that is revoked, and is left out",
            rule="RFC 5011 section 2.1",
            remedy="move its files away when the key has left the zone",
        )
    if not may_sign(key.algorithm):
        return Finding(
            code="key-algorithm-retired",
            severity=Severity.WARNING,
            owner=name_text(key.owner),
            rdtype="DNSKEY",
            message=f"{shown_path(name)} holds a key of algorithm {key.algorithm}, which may not sign, and is left out",
            rule="RFC 9905 section 2",
            remedy="move its files away, and generate a key of algorithm 13 if none signs yet",
        )
    return None


def _deleted(key: SigningKey, since: datetime, name: str) -> Finding:
    return Finding(
        code="key-deleted",
        severity=Severity.INFO,
        owner=name_text(key.owner),
        rdtype="DNSKEY",
        message=f"{shown_path(name)} holds a key that is deleted since {instant_text(since)} by its timing, and is left out",
        remedy="move its files away when the key has left the zone",
    )


def check_key(path: StrPath) -> tuple[Finding, ...]:
    """Return what should be known about the files of a key: code ``private-key-exposed``.

    Raises:
        FileError: a file cannot be read.
        ZonekitError: whatever :func:`read_key` refuses.
    """
    key = read_key(path)
    private = _stem_of(path) + _PRIVATE_SUFFIX
    with file_errors(private, "cannot be read"):
        mode = stat.S_IMODE(os.stat(private).st_mode)
    if not mode & _OTHERS_MAY:
        return ()
    return (
        Finding(
            code="private-key-exposed",
            severity=Severity.WARNING,
            owner=name_text(key.owner),
            message=f"{shown_path(private)} has mode {mode:04o}: others than its owner may read or change a private key",
            remedy=f"chmod {PRIVATE_MODE:o} it, or keep it readable to the name server's group alone on purpose",
        ),
    )


def _stem_of(path: StrPath) -> str:
    return plain_path(path).removesuffix(_KEY_SUFFIX).removesuffix(_PRIVATE_SUFFIX)


def _file_name_start(owner: WireName) -> str:
    """What the names of a zone's key files begin with."""
    return key_file_stem(owner, 0, 0).removesuffix("+000+00000")


# ---- paths and errors -----------------------------------------------------------------------------------------------


def plain_path(path: StrPath) -> str:
    """The path as a string that the system takes.

    Raises:
        FileError: it has a NUL octet or half of a surrogate pair in it.
    """
    text = os.fspath(path)
    encodable = False
    with contextlib.suppress(UnicodeEncodeError):
        encodable = bool(os.fsencode(text)) or not text
    if not encodable:
        raise FileError("is no path: there is half of a surrogate pair in it", path=shown_path(text))
    if "\0" in text:
        raise FileError("is no path: there is a NUL in it", path=shown_path(text))
    return text


def shown_path(path: StrPath) -> str:
    """The path for a message, with nothing in it that a terminal would obey."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)


@contextlib.contextmanager
def file_errors(path: StrPath, problem: str) -> Iterator[None]:
    """Raise what the system says as a FileError."""
    try:
        yield
    except OSError as error:
        raise file_error(path, problem, error) from error


def file_error(path: StrPath, problem: str, error: OSError) -> FileError:
    """Return what the system says as a FileError."""
    reason = error.strerror or str(error)
    return FileError(f"{problem}: {reason[:1].lower()}{reason[1:]}", path=shown_path(path))
