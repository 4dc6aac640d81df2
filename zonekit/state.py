"""Transfers under way, in one SQLite file. The only module that touches a database.

The file holds the :class:`~zonekit.transfer.course.Course` of each transfer by its domain, and beside it a log of what
happened when. Every change is one transaction: whoever reads finds the old course or the new one, and so does whoever opens
the file after a crash or a loss of power. Processes may change it at once: one that reads in order to write has the file to
itself until it has written, so that none undoes what another did.

It is one file. SQLite's rollback journal stands beside it only while it is changed, and after a crash until somebody opens
the file again, which takes back what was half done: until then the two belong together. SQLite's write-ahead log would
be faster, but leaves more files beside this one, which are forgotten when it is copied, and fails where two machines share
a file system. With ``synchronous=EXTRA`` a change is on the disk when the call returns, the directory included. Nothing stays
open between two calls: each opens the file that is there then.

The tables are for people too; the instants are in UTC::

    sqlite3 -readonly STATE "SELECT domain, step, done_since FROM watched WHERE done_since IS NOT NULL"
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from zonekit.errors import PlanError, StateError, ZonekitError
from zonekit.instants import utc
from zonekit.transfer import values
from zonekit.transfer.course import Course
from zonekit.transfer.courserows import TABLES, Row, Rows, course_of, domain_key, happening_of, happening_row, rows_of
from zonekit.transfer.history import Happening, beginning, happenings

StrPath: TypeAlias = str | os.PathLike[str]
Fold: TypeAlias = Callable[[Course], Course]
"""What makes a course of a transfer out of the one before."""

APPLICATION_ID: Final = int.from_bytes(b"zkit", "big")
"""What SQLite's header says that the file is of."""
SCHEMA_VERSION: Final = 1
PATIENCE: Final = timedelta(seconds=30)
_PATIENCE: Final = values.delay_up_to(timedelta(days=1), "a day")

_SCHEMA: Final = (
    """\
CREATE TABLE transfers (
    domain      TEXT NOT NULL PRIMARY KEY, -- in lower case, with the final dot
    plan        TEXT NOT NULL,             -- JSON, as zonekit plan --json prints it
    last_at     TEXT,                      -- the clock at the last round
    last_boot   TEXT,                      -- which start of which machine that was in
    last_uptime INTEGER                    -- for how long that had been running, in microseconds
)""",
    """\
CREATE TABLE watched (
    domain       TEXT NOT NULL,
    place        INTEGER NOT NULL,         -- the order of the rows of one domain, here and below
    step         TEXT NOT NULL,
    untouched_at TEXT,                     -- the last round in which no server gave it
    lacking_at   TEXT,                     -- the last round in which some server did not
    lacking      TEXT NOT NULL,            -- the servers that did not then, a JSON list
    done_since   TEXT,                     -- the present run of rounds in which all do: the first,
    done_at      TEXT,                     -- and the last
    confirming   TEXT NOT NULL,            -- the servers that gave it in the last round, a JSON list
    PRIMARY KEY (domain, place)
) WITHOUT ROWID""",
    """\
CREATE TABLE ttls (
    domain     TEXT NOT NULL,
    place      INTEGER NOT NULL,
    source     TEXT NOT NULL,              -- parent, losing or gaining
    record     TEXT NOT NULL,              -- NS, DNSKEY, DS, address or data
    ttl        INTEGER NOT NULL,           -- in seconds
    first_seen TEXT NOT NULL,
    last_seen  TEXT NOT NULL,
    until      TEXT,                       -- the first round that showed others alone
    PRIMARY KEY (domain, place)
) WITHOUT ROWID""",
    """\
CREATE TABLE keys (
    domain     TEXT NOT NULL,
    place      INTEGER NOT NULL,
    source     TEXT NOT NULL,              -- losing or gaining
    dnskey     TEXT NOT NULL,              -- the record as in a zone file
    first_seen TEXT NOT NULL,
    PRIMARY KEY (domain, place)
) WITHOUT ROWID""",
    """\
CREATE TABLE said (
    domain    TEXT NOT NULL,
    place     INTEGER NOT NULL,
    step      TEXT NOT NULL,
    said_by   TEXT NOT NULL,
    said_at   TEXT NOT NULL,
    started   TEXT NOT NULL,
    completed TEXT NOT NULL,
    PRIMARY KEY (domain, place)
) WITHOUT ROWID""",
    """\
CREATE TABLE servers (
    domain        TEXT NOT NULL,
    place         INTEGER NOT NULL,
    source        TEXT NOT NULL,
    name          TEXT NOT NULL,
    address       TEXT NOT NULL,
    port          INTEGER NOT NULL,
    last_answered TEXT,
    silent_since  TEXT,                    -- where it did not answer in the last round
    PRIMARY KEY (domain, place)
) WITHOUT ROWID""",
    """\
CREATE TABLE history (
    domain TEXT NOT NULL,
    place  INTEGER NOT NULL,
    at     TEXT NOT NULL,
    what   TEXT NOT NULL,                  -- begun, plan revised, step recorded, seen done and so on
    step   TEXT,
    told   TEXT NOT NULL,                  -- the rest of it, for people
    PRIMARY KEY (domain, place)
) WITHOUT ROWID""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

_TRY_ANOTHER: Final = "give the file that the transfers were begun with"
_KEEPABLE: Final = "give a course that can be written and read"
_MEND: Final = "take the file from a backup, or mend that row with sqlite3"
_REFUSALS: Final = {
    sqlite3.SQLITE_NOTADB: ("is no SQLite file", _TRY_ANOTHER),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "take it from a backup; sqlite3's .recover shows what is left"),
    sqlite3.SQLITE_FULL: ("is left as it was, for there is no room to write", "make room, and do it again"),
    sqlite3.SQLITE_READONLY: ("may not be written", "see who may write the file and its directory"),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened, or no journal beside it",
        "see that its directory is there, and who may write it",
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written, and is left as it was",
        "see whether the disk is full or broken",
    ),
}
"""What SQLite says by its primary result codes: what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class State:
    """The transfers in one file.

    A domain may be given in any form and letter case. Every method opens the file, does all that it does in one transaction,
    and closes it again; each raises :class:`~zonekit.errors.StateError` where the file is not there, is none of these, is
    damaged, cannot be read or written, or is kept locked by others for longer than ``patience``, and
    :class:`~zonekit.errors.DomainNameError` for a domain that is none.

    Attributes:
        path: the file. :meth:`begin` creates it, with mode 0644 less the umask: there are no secrets in it. An empty one is as
            good as none.
        patience: how long to wait for other processes that are using it, in whole seconds.

    Raises:
        PlanError: ``patience`` is no such time, or longer than a day.
    """

    path: StrPath
    patience: timedelta = PATIENCE

    def __post_init__(self) -> None:
        _PATIENCE(self.patience, "patience")

    def domains(self) -> tuple[str, ...]:
        """Return the domains of all transfers, in lower case and absolute, in order."""
        with self._reading() as connection:
            return tuple(row["domain"] for row in connection.execute("SELECT domain FROM transfers ORDER BY domain"))

    def course(self, domain: str) -> Course | None:
        """Return the course of a transfer; None where there is none of that domain."""
        key = domain_key(domain)
        with self._reading() as connection:
            rows = _rows(connection, key)
        return None if rows is None else self._course(key, rows)

    def history(self, domain: str) -> tuple[Happening, ...]:
        """Return what happened in a transfer, in the order in which it was noted; nothing where there is none."""
        key = domain_key(domain)
        with self._reading() as connection:
            rows = _rows_of_table(connection, "history", key)
        with self._refusing(key, _MEND):
            return tuple([happening_of(row, f"history[{index}]") for index, row in enumerate(rows)])

    def begin(self, course: Course, *, at: datetime) -> None:
        """Add a transfer, and create the file where it is not there.

        Args:
            course: its course.
            at: the instant that its history begins with.

        Raises:
            StateError: a transfer of that domain is there already, or the course does not read back as it is.
            TimeError: ``at`` is naive.
        """
        key = domain_key(course.plan.facts.domain)
        happened, rows = beginning(course, at=utc(at)), self._kept(key, course)
        with self._writing(may_create=True) as connection:
            if connection.execute("SELECT 1 FROM transfers WHERE domain = ?", (key,)).fetchone():
                raise self._refused(
                    f"a transfer of {key} is in there already", "go on with that one, or forget it first"
                )
            _replace(connection, key, dict.fromkeys(TABLES, ()), rows)
            _log(connection, key, happened)

    def update(self, domain: str, fold: Fold, *, at: datetime) -> Course:
        """Replace the course of a transfer by what a function makes of it, and return that.

        Nobody else changes the file from before the course is read until the new one is written, so the function should be
        quick: ask servers first, and fold in what they answered. What it raises passes through, and nothing is changed.

        Args:
            domain: the domain.
            fold: what makes the new course of the old one.
            at: the instant of the update, for what happened of which nothing else says when.

        Raises:
            StateError: there is no such transfer, the new course is of another domain or does not read back as it is, or
                what is kept does not read.
            TimeError: ``at`` is naive.
        """
        key, noted = domain_key(domain), utc(at)
        with self._writing() as connection:
            rows = _rows(connection, key)
            if rows is None:
                raise self._refused(f"no transfer of {key} is in there", "begin it first")
            before = self._course(key, rows)
            after = fold(before)
            if domain_key(after.plan.facts.domain) != key:
                raise self._refused(f"{key} cannot become {after.plan.facts.domain}", "begin a transfer of that domain")
            _replace(connection, key, rows, self._kept(key, after))
            _log(connection, key, happenings(before, after, at=noted))
        return after

    def forget(self, domain: str) -> None:
        """Take a transfer out, with its history; nobody else ever does.

        Raises:
            StateError: there is no such transfer.
        """
        key = domain_key(domain)
        with self._writing() as connection:
            if not connection.execute("DELETE FROM transfers WHERE domain = ?", (key,)).rowcount:
                raise self._refused(f"no transfer of {key} is in there", "look which there are")
            for table in (*TABLES, "history"):
                connection.execute(f"DELETE FROM {table} WHERE domain = ?", (key,))

    # ---- courses ----------------------------------------------------------------------------------------------------

    def _course(self, key: str, rows: Rows) -> Course:
        with self._refusing(key, _MEND):
            course = course_of(rows)
            if domain_key(course.plan.facts.domain) != key:
                raise PlanError(f"transfers.plan: facts.domain: is {course.plan.facts.domain}", remedy=_MEND)
        return course

    def _kept(self, key: str, course: Course) -> Rows:
        """The rows that a course is kept in; one that would not read back as it is is refused."""
        with self._refusing(f"{key} cannot be kept", _KEEPABLE):
            rows = rows_of(course)
            if course_of(rows) != course:
                raise PlanError("it does not read back as it is", remedy=_KEEPABLE)
        return rows

    # ---- transactions -----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The file as it is at one instant."""
        with self._opened(may_create=False) as connection:
            connection.execute("BEGIN")
            if self._is_new(connection):
                raise self._refused("is empty", _TRY_ANOTHER)
            yield connection

    @contextlib.contextmanager
    def _writing(self, *, may_create: bool = False) -> Iterator[sqlite3.Connection]:
        """The file for this process alone; what is done is done when this ends well, all of it or nothing."""
        with self._opened(may_create=may_create) as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("BEGIN IMMEDIATE")
            if self._is_new(connection):
                if not may_create:
                    raise self._refused("is empty", _TRY_ANOTHER)
                for statement in _SCHEMA:
                    connection.execute(statement)
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _opened(self, *, may_create: bool) -> Iterator[sqlite3.Connection]:
        self._check_place(may_be_missing=may_create)
        # Where the file may not be written, SQLite opens it for reading all the same.
        mode = "rwc" if may_create else "rw"
        name = urllib.parse.quote(os.fsencode(os.path.abspath(self.path)))
        try:
            connection = sqlite3.connect(
                f"file://{name}?mode={mode}", uri=True, isolation_level=None, timeout=self.patience.total_seconds()
            )
            # Closing takes back what was not committed.
            with contextlib.closing(connection):
                connection.row_factory = sqlite3.Row
                connection.text_factory = _text
                yield connection
        except sqlite3.Error as error:
            raise self._refused(*self._said_by_sqlite(error)) from error

    def _check_place(self, *, may_be_missing: bool) -> None:
        """Refuse what SQLite would wait for, or create somewhere else.

        The file itself is left to SQLite: closing it once would give up the locks that another thread has on it.
        """
        try:
            mode = os.stat(self.path).st_mode
        except FileNotFoundError:
            if os.path.islink(self.path):
                raise self._refused("is a link that leads nowhere", "remove it, or give another path") from None
            if may_be_missing:
                return
            raise self._refused("is not there", _TRY_ANOTHER) from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "there is a NUL in it"
            raise self._refused(f"cannot be opened: {reason}", "give another path") from None
        if not stat.S_ISREG(mode):
            raise self._refused("is not a plain file", "give the path of a file")

    def _is_new(self, connection: sqlite3.Connection) -> bool:
        """Whether nothing is in the file yet.

        Raises:
            StateError: something is, and it is of another application, or of another version of this one.
        """
        application, version = (
            connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("application_id", "user_version")
        )
        if application == APPLICATION_ID:
            if version != SCHEMA_VERSION:
                raise self._refused(
                    f"is of schema version {version}, and this zonekit reads {SCHEMA_VERSION}",
                    "use the version of zonekit that wrote it",
                )
            return False
        if application or version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise self._refused("is a database of another application", _TRY_ANOTHER)
        return True

    # ---- refusals ---------------------------------------------------------------------------------------------------

    def _refused(self, problem: str, remedy: str) -> StateError:
        path = os.fspath(self.path)
        return StateError(problem, path=path if path.isprintable() else ascii(path), remedy=remedy)

    @contextlib.contextmanager
    def _refusing(self, whose: str, remedy: str) -> Iterator[None]:
        """Refuse what cannot be written or read by the file and the domain that it is of."""
        try:
            yield
        except ZonekitError as error:
            raise self._refused(f"{whose}: {error.problem}", remedy) from None

    def _said_by_sqlite(self, error: sqlite3.Error) -> tuple[str, str]:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # without the details
        if code == sqlite3.SQLITE_BUSY:
            seconds = self.patience.total_seconds()
            return (
                f"was kept locked by another process for {seconds:g} seconds",
                "see which one has it open, and try again",
            )
        problem, remedy = _REFUSALS.get(code, ("cannot be used", _TRY_ANOTHER))
        return f"{problem} ({error})", remedy


# ---- rows -----------------------------------------------------------------------------------------------------------


def _text(octets: bytes) -> str:
    """A text as it stands there; what is no UTF-8 becomes what no column may hold, and is refused by its name."""
    return octets.decode(errors="surrogateescape")


def _rows(connection: sqlite3.Connection, key: str) -> Rows | None:
    rows = {table: _rows_of_table(connection, table, key) for table in TABLES}
    return rows if rows["transfers"] else None


def _rows_of_table(connection: sqlite3.Connection, table: str, key: str) -> tuple[Row, ...]:
    order = "" if table == "transfers" else " ORDER BY place"
    found = connection.execute(f"SELECT * FROM {table} WHERE domain = ?{order}", (key,))
    return tuple({name: row[name] for name in row.keys() if name not in ("domain", "place")} for row in found)  # noqa: SIM118


def _replace(connection: sqlite3.Connection, key: str, before: Rows, after: Rows) -> None:
    """Write the rows of the tables in which they differ."""
    for table in TABLES:
        if after[table] != before[table]:
            connection.execute(f"DELETE FROM {table} WHERE domain = ?", (key,))
            _insert(connection, table, key, after[table])


def _insert(connection: sqlite3.Connection, table: str, key: str, rows: Iterable[Row], *, first: int = 0) -> None:
    """Add rows of one domain to a table, in their order, from a place on."""
    for place, row in enumerate(rows, first):
        placed = {"domain": key} | ({} if table == "transfers" else {"place": place}) | dict(row)
        marks = ", ".join("?" * len(placed))
        connection.execute(f"INSERT INTO {table} ({', '.join(placed)}) VALUES ({marks})", tuple(placed.values()))


def _log(connection: sqlite3.Connection, key: str, happened: Iterable[Happening]) -> None:
    query = "SELECT coalesce(max(place) + 1, 0) FROM history WHERE domain = ?"
    (first,) = connection.execute(query, (key,)).fetchone()
    _insert(connection, "history", key, map(happening_row, happened), first=first)
