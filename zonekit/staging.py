"""Many files written at once: staged in a hidden directory, flushed with one sync, and only then given their names.

``write_zone`` and ``write_key`` of :mod:`zonekit.files` flush each file by itself, which is right for one file and takes
longer than all the rest for ten thousand. Here a *batch* of files costs one sync. The promise is the same for each file:
whoever opens it finds the old one or the new one, never half of one. A crash may lose a whole batch that was under way.

A directory that is being worked on has a *workplace*, ``.zonekit-fleet``. Whoever holds its lock (:func:`claimed`) has
the directory to itself; what a run that was killed left in it is put right first. A worker holds the lock of its batch
(:func:`begun`), so that no batch is done twice at once, and it is known of each whether it was begun before. Each batch
stages its files in a directory of the workplace, under the names that they are to get, in three steps:

1. the files are written and synced: what a crash leaves is thrown away;
2. where they belong together, as the keys of a zone do, the batch is *sealed* by renaming its directory: from then on they
   all come, by the next run after a crash;
3. they are moved out of the workplace. A key never takes the place of a file that is there.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from zonekit.errors import FileError, KeyFileExists
from zonekit.files import (
    NO_HARD_LINKS,
    PRIVATE_MODE,
    PUBLIC_MODE,
    StrPath,
    file_error,
    file_errors,
    plain_path,
    shown_path,
    sync_directory,
    take_over,
)

WORKPLACE: Final = ".zonekit-fleet"

_LOCK: Final = "lock"
_WORKERS: Final = "workers"
_BEGUN: Final = ".begun"
_SEALED: Final = ".sealed"
_WORKPLACE_MODE: Final = 0o700
_RUN_OCTETS: Final = 16
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1

# Nothing else in a workplace is touched: whatever it is, no run of ours made it.
_STAGED_NAME: Final = re.compile(r"\d+(?:-\d+)*\.(?:zones|keys)(?:\.sealed)?", re.ASCII)
_BEGUN_NAME: Final = re.compile(r"\d+(?:-\d+)*\.begun", re.ASCII)
_CANNOT_SYNC: Final = frozenset({errno.ENOSYS, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP})
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_locks: Final[set[int]] = set()  # descriptors of locks that this process holds, and no copy of it


# ---- one run at a time ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def claimed(directory: StrPath) -> Iterator[str]:
    """Have a directory to oneself, and yield the name of this run, by which its workers know that it goes on.

    What a run that was killed left behind is put right first: keys that it had settled on get their names, everything else
    that it staged is removed.

    Raises:
        FileError: another run is at work in the directory, or it cannot be written to.
        KeyFileExists: a key that an earlier run settled on has a name that another file took since.
    """
    path = plain_path(directory)
    with contextlib.ExitStack() as held:
        with file_errors(directory, "cannot be worked in"):
            workplace, lock = _locked(directory, held)
        run = secrets.token_hex(_RUN_OCTETS // 2)
        with file_errors(directory, "cannot be worked in"):
            _name_run(lock, run)
            with _without_workers(workplace, directory):
                _put_right(path, workplace)
        try:
            yield run
        finally:
            if lock in _locks:  # a copy of the process that ends here has no part in it
                with contextlib.suppress(OSError, FileError):  # then the next run puts it right
                    _name_run(lock, "")  # no batch of it begins any more
                    with _without_workers(workplace, directory):
                        _clear(path, workplace)


def finish_killed_run(directory: StrPath) -> None:
    """Put right what a run that was killed left in a directory, if there is something; a run that goes on is left alone.

    Raises:
        FileError: the directory cannot be written to.
        KeyFileExists: as from :func:`claimed`.
    """
    if os.path.lexists(os.path.join(plain_path(directory), WORKPLACE)):
        with contextlib.suppress(_AtWork), claimed(directory):
            pass


def _leave_locks() -> None:
    """Leave locks to the process that this one is a copy of, so that they are free when that one ends."""
    while _locks:
        os.close(_locks.pop())


os.register_at_fork(after_in_child=_leave_locks)


def _hold(lock: int, held: contextlib.ExitStack) -> None:
    _locks.add(lock)
    held.callback(_let_go, lock)


def _let_go(lock: int) -> None:
    if lock in _locks:
        _locks.remove(lock)
        os.close(lock)


class _AtWork(FileError):
    """Somebody else is at work."""


def _open_lock(name: str, workplace: int) -> int:
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_MODE, dir_fd=workplace)


def _name_run(lock: int, run: str) -> None:
    """Say which run holds the lock, to workers of other machines as well."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, run.encode(), 0)
    os.fsync(lock)


def _locked(directory: StrPath, held: contextlib.ExitStack) -> tuple[int, int]:
    """Make the workplace and lock it; return the descriptors of it and of its lock, which are held."""
    while True:
        with contextlib.ExitStack() as opened:
            with contextlib.suppress(FileExistsError):
                os.mkdir(os.path.join(plain_path(directory), WORKPLACE), _WORKPLACE_MODE)
            try:
                workplace = opened.enter_context(_open_workplace(directory))
                lock = _open_lock(_LOCK, workplace)
                _hold(lock, opened)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Whoever held it before may have removed it by now: a lock counts only on the file that bears the name.
                if _bears_name(lock, _LOCK, workplace):
                    held.push(opened.pop_all())
                    return workplace, lock
            except BlockingIOError:
                raise _AtWork(
                    "another run is at work here", path=shown_path(directory), remedy="wait until it is done"
                ) from None
            except FileNotFoundError:
                continue  # the run that has just ended took the workplace away


def _bears_name(descriptor: int, name: str, directory: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(name, dir_fd=directory, follow_symlinks=False))
    return False


@contextlib.contextmanager
def _open_workplace(directory: StrPath) -> Iterator[int]:
    """Open the workplace of a directory, which has to be one: a link could lead to what is somebody else's."""
    path = os.path.join(plain_path(directory), WORKPLACE)
    try:
        descriptor = os.open(path, _DIRECTORY)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise FileError("is not a directory", path=shown_path(path), remedy="remove it") from None
    try:
        owner = os.fstat(descriptor).st_uid
        if owner not in (os.geteuid(), os.stat(plain_path(directory)).st_uid):
            raise FileError("is somebody else's", path=shown_path(path), remedy="remove it")
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _without_workers(workplace: int, directory: StrPath) -> Iterator[None]:
    """Do something when no worker is at a batch."""
    with contextlib.ExitStack() as opened:
        workers = _open_lock(_WORKERS, workplace)
        _hold(workers, opened)
        _wait_for_workers(workers, directory)
        yield


def _wait_for_workers(workers: int, directory: StrPath) -> None:
    """Wait until the workers of a run that is over have ended the batch that they were at; they begin no other."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(workers, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise FileError(
                    "processes of a run that was killed are still at work here",
                    path=shown_path(directory),
                    remedy="end them, then run this again",
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _put_right(path: str, workplace: int) -> None:
    for name in sorted(os.listdir(workplace)):
        if _STAGED_NAME.fullmatch(name):
            _put_batch_right(path, workplace, name)
        elif _BEGUN_NAME.fullmatch(name):
            os.unlink(name, dir_fd=workplace)


def _put_batch_right(path: str, workplace: int, name: str) -> None:
    """Finish what a crash interrupted after it was sealed, and throw away what it interrupted before."""
    if name.endswith(_SEALED):
        with _open_directory(name, workplace) as source, _open_directory(path) as target:
            for file in sorted(os.listdir(source)):
                _move_new(file, source, target, path)
        sync_directory(path)
    shutil.rmtree(name, dir_fd=workplace)


def _clear(path: str, workplace: int) -> None:
    """Take the workplace away, but for what an error left that the next run has to put right."""
    names = os.listdir(workplace)
    if not any(_STAGED_NAME.fullmatch(name) for name in names):
        for name in names:
            if _BEGUN_NAME.fullmatch(name):
                os.unlink(name, dir_fd=workplace)
        for name in (_WORKERS, _LOCK):
            os.unlink(name, dir_fd=workplace)
        os.rmdir(os.path.join(path, WORKPLACE))


@contextlib.contextmanager
def joined(directory: StrPath, run: str) -> Iterator[None]:
    """Work on a batch of a run, for as long as that run holds the directory.

    Raises:
        FileError: it does not hold it any more, or one may not work there.
    """
    with contextlib.ExitStack() as opened:
        going_on = False
        with file_errors(directory, "cannot be worked in"), contextlib.suppress(FileNotFoundError):
            workplace = opened.enter_context(_open_workplace(directory))
            workers = os.open(_WORKERS, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=workplace)
            _hold(workers, opened)
            # A run that takes over names itself before it waits for this lock.
            fcntl.flock(workers, fcntl.LOCK_SH)
            lock = os.open(_LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=workplace)
            opened.callback(os.close, lock)
            going_on = os.pread(lock, _RUN_OCTETS, 0) == run.encode()
        if not going_on:
            raise FileError(
                "the run that this batch belongs to has ended", path=shown_path(directory), remedy="start a run anew"
            )
        yield


@contextlib.contextmanager
def begun(directory: StrPath, number: str) -> Iterator[bool]:
    """Have a batch of this run to oneself; yield whether somebody began it before, who has died or was taken for dead.

    Raises:
        FileError: another worker is at this batch.
    """
    with contextlib.ExitStack() as opened:
        with file_errors(directory, "cannot be worked in"):
            workplace = opened.enter_context(_open_workplace(directory))
            again = False
            try:
                lock = os.open(number + _BEGUN, _NEW, PRIVATE_MODE, dir_fd=workplace)
            except FileExistsError:
                again = True
                lock = os.open(number + _BEGUN, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=workplace)
            _hold(lock, opened)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _AtWork(
                    f"another worker is at batch {number}",
                    path=shown_path(directory),
                    remedy="run this again when it is done",
                ) from None
        yield again


# ---- one batch ------------------------------------------------------------------------------------------------------


class Staging:
    """The staged files of one batch in one directory, to be used as a context: what was not moved at its end is removed.

    An interrupt that comes when the files are sealed leaves those that were not moved yet, for the next run to move.

    Args:
        directory: where the files are to get their names.
        name: of the batch and of what is staged, such as ``12.keys``.
        part_of: the name of what was staged of a batch that this one is a part of, and whose worker died.

    Raises:
        FileError: nothing can be staged.
    """

    def __init__(self, directory: StrPath, name: str, *, part_of: str = "") -> None:
        self._shown = directory
        self._path = plain_path(directory)
        self._name = name
        self._left = (part_of, part_of + _SEALED, name, name + _SEALED) if part_of else (name, name + _SEALED)
        self._opened = contextlib.ExitStack()
        self._staged: set[str] = set()
        self._umask_takes: dict[int, bool] = {}
        self._workplace = self._source = self._target = -1
        self._is_sealed = False

    def __enter__(self) -> Self:
        with file_errors(self._shown, "cannot be worked in"), contextlib.ExitStack() as opened:
            self._workplace = opened.enter_context(_open_workplace(self._shown))
            for left in self._left:  # by a worker that died at this very batch
                if _is_there(left, self._workplace):
                    _put_batch_right(self._path, self._workplace, left)
            os.mkdir(self._name, _WORKPLACE_MODE, dir_fd=self._workplace)
            self._target = opened.enter_context(_open_directory(self._path))
            self._source = opened.enter_context(_open_directory(self._name, self._workplace))
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_interrupted = kind is not None and not issubclass(kind, Exception)
        if not (self._is_sealed and is_interrupted):
            for name in (self._name, self._name + _SEALED):
                shutil.rmtree(name, ignore_errors=True, dir_fd=self._workplace)
        self._opened.close()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is staged."""
        return not self._staged

    def write(
        self,
        name: str,
        octets: bytes,
        *,
        mode: int = PUBLIC_MODE,
        exact: bool = False,
        like: os.stat_result | None = None,
    ) -> None:
        """Stage a file.

        Args:
            name: the name that it is to get.
            octets: what is in it.
            mode: its permissions, less what the umask takes away.
            exact: whether the umask takes nothing away.
            like: a file that it is to replace, whose permissions, owner and group it takes over as far as it may.

        Raises:
            FileError: it cannot be written; nothing of it is left.
        """
        try:
            descriptor = os.open(name, _NEW, mode, dir_fd=self._source)
            try:
                if os.write(descriptor, octets) < len(octets):
                    _write_rest(descriptor, octets)
                if like is not None:
                    take_over(descriptor, like)
                elif exact and self._umask_takes_from(mode, descriptor):
                    os.fchmod(descriptor, mode)
                if not _SYNCS_FILE_SYSTEMS:
                    os.fsync(descriptor)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=self._source)
                raise
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._refusal(name, error) from error
        self._staged.add(name)

    def _umask_takes_from(self, mode: int, descriptor: int) -> bool:
        """Whether the umask takes something away from a mode, as the first new file that has it shows."""
        if mode not in self._umask_takes:
            self._umask_takes[mode] = stat.S_IMODE(os.fstat(descriptor).st_mode) != mode
        return self._umask_takes[mode]

    def drop(self, name: str) -> None:
        """Throw away a file, if it is staged."""
        if name in self._staged:
            self._staged.discard(name)
            with file_errors(os.path.join(self._path, name), "cannot be dropped"):
                os.unlink(name, dir_fd=self._source)

    def sync(self) -> None:
        """Flush what is staged to the disk.

        Raises:
            FileError: it cannot be done.
        """
        with file_errors(self._shown, "cannot be flushed to the disk"):
            try:
                _sync_file_system(self._source)
            except OSError as error:
                if error.errno not in _CANNOT_SYNC:
                    raise
                for name in self._staged:
                    _sync_file(name, self._source)

    def seal(self) -> None:
        """Settle that all the staged files come, whatever happens.

        Raises:
            FileError: it cannot be done.
        """
        self._is_sealed = True  # before it is: what is not is thrown away by the next run
        with file_errors(self._shown, "cannot be written to"):
            os.rename(self._name, self._name + _SEALED, src_dir_fd=self._workplace, dst_dir_fd=self._workplace)
            sync_directory(os.path.join(self._path, WORKPLACE))

    def move_new(self, names: Sequence[str]) -> None:
        """Give staged files their names, which must be free: all of them or none, or after an interrupt the next run does.

        Raises:
            KeyFileExists: a name is taken; that file is left as it is.
            FileError: it cannot be done.
        """
        moved: list[str] = []
        try:
            for name in names:
                _move_new(name, self._source, self._target, self._path)
                moved.append(name)
        except Exception as error:
            for done in moved:
                _remove_at(done, self._target)
            if isinstance(error, OSError):
                raise self._refusal(names[len(moved)], error) from error
            raise
        finally:
            self._staged.difference_update(moved)

    def move(self, name: str) -> None:
        """Give a staged file its name, in place of what may be there.

        Raises:
            FileError: it cannot be done, and what was there still is.
        """
        try:
            os.rename(name, name, src_dir_fd=self._source, dst_dir_fd=self._target)
        except OSError as error:
            raise self._refusal(name, error) from error
        self._staged.discard(name)

    def _refusal(self, name: str, error: OSError) -> FileError:
        return file_error(os.path.join(self._path, name), "cannot be written", error)

    def sync_names(self) -> None:
        """Make sure that the names given outlive a loss of power.

        Raises:
            FileError: it is not sure.
        """
        with file_errors(self._shown, "is written to, but may not outlive a loss of power"):
            sync_directory(self._path)


def _is_there(name: str, directory: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        os.stat(name, dir_fd=directory, follow_symlinks=False)
        return True
    return False


@contextlib.contextmanager
def _open_directory(path: str, above: int | None = None) -> Iterator[int]:
    """Open a directory that was named to us, which may be a link, or one of a workplace, which may not."""
    flags = _DIRECTORY & ~os.O_NOFOLLOW if above is None else _DIRECTORY
    descriptor = os.open(path, flags, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _move_new(name: str, source: int, target: int, path: str) -> None:
    """Give a file its name in another directory, where nothing may be replaced."""
    try:
        os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        staged = os.stat(name, dir_fd=source, follow_symlinks=False)
        if not os.path.samestat(staged, os.stat(name, dir_fd=target, follow_symlinks=False)):
            raise _key_exists(path, name) from None
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        # There is no way there to refuse and rename in one step; the claim keeps other runs away.
        if os.path.lexists(os.path.join(path, name)):
            raise _key_exists(path, name) from None
        os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
        return
    os.unlink(name, dir_fd=source)


def _key_exists(path: str, name: str) -> KeyFileExists:
    return KeyFileExists(
        "is already there, and keys are never replaced",
        path=shown_path(os.path.join(path, name)),
        remedy="move it away, and run this again",
    )


def _remove_at(name: str, directory: int) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=directory)


def _write_rest(descriptor: int, octets: bytes) -> None:
    """Write again, from the start and to the end, what did not go in one piece."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    left = memoryview(octets)
    while left:
        left = left[os.write(descriptor, left) :]


# ---- one sync for many files ----------------------------------------------------------------------------------------

_LIBRARY: Final = ctypes.CDLL(None, use_errno=True)
_SYNCS_FILE_SYSTEMS: Final = hasattr(_LIBRARY, "syncfs")


def _sync_file_system(descriptor: int) -> None:
    """Flush the file system that a descriptor is on; where the system cannot, each file was flushed when it was written."""
    if _SYNCS_FILE_SYSTEMS and _LIBRARY.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number or errno.EIO, os.strerror(number or errno.EIO))


def _sync_file(name: str, directory: int) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
