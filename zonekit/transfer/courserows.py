"""The course of a transfer as rows of tables, and back: what :mod:`zonekit.state` keeps, without any database.

A row is an object of texts, whole numbers and nulls by the names of its columns, so that a person can read it and query it:
instants are ISO 8601 in UTC, TTLs are seconds, the plan is the JSON that ``zonekit plan --json`` prints, a set of servers
is a JSON list. What does not read is refused with table, row and column, such as ``watched[3].done_since``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.instants import instant_text
from zonekit.names import name_text, parse_origin
from zonekit.transfer import fields
from zonekit.transfer.answers import Server
from zonekit.transfer.course import Course, KeySeen, Said, ServerSeen, Tick, TtlSeen, Watched
from zonekit.transfer.fields import Shape, refused, within
from zonekit.transfer.history import Happening, What
from zonekit.transfer.ledger import Record
from zonekit.transfer.plan import Plan
from zonekit.transfer.planfile import plan_json, read_plan
from zonekit.transfer.versions import Source

Row: TypeAlias = Mapping[str, str | int | None]
Rows: TypeAlias = Mapping[str, tuple[Row, ...]]
"""By table, its rows in their order; ``transfers`` has one."""

TABLES: Final = ("transfers", "watched", "ttls", "keys", "said", "servers")
"""The tables that a course is kept in."""

_MICROSECOND: Final = timedelta(microseconds=1)
_LARGEST: Final = 2**63 - 1
_LIST_REMEDY: Final = "give a JSON list of texts"


def domain_key(domain: str) -> str:
    """Return what a domain is kept under, however it was written.

    Raises:
        DomainNameError: it is no domain name.

    >>> domain_key("Example.NL")
    'example.nl.'
    """
    return name_text(parse_origin(domain)).lower()


def rows_of(course: Course) -> Rows:
    """Return the rows that a course is kept in; :func:`course_of` gives back an equal course.

    Raises:
        TimeError: a date of the plan lies beyond 2106.
    """
    return {
        "transfers": (_transfer_row(course),),
        "watched": tuple(map(_watched_row, course.watched.values())),
        "ttls": tuple(map(_ttl_row, course.ttls)),
        "keys": tuple(map(_key_row, course.keys)),
        "said": tuple(map(_said_row, course.said)),
        "servers": tuple(map(_server_row, course.servers)),
    }


def course_of(rows: Rows) -> Course:
    """Return the course that is kept in these rows.

    Raises:
        PlanError: a row does not read; the message begins with its table, its place from 0, and its column.
    """
    plan, last = _TRANSFER(dict(rows["transfers"][0]), "transfers")
    watched: dict[str, Watched] = {}
    for index, each in enumerate(_read_all(rows, "watched", _WATCHED)):
        within(f"watched[{index}].step", plan.step, each.step_id)
        if each.step_id in watched:
            raise refused(f"watched[{index}].step", f"{each.step_id} stands there twice", "keep the later row alone")
        watched[each.step_id] = each
    said = _read_all(rows, "said", _SAID)
    for index, statement in enumerate(said):
        within(f"said[{index}].step", plan.step, statement.step_id)
    return Course(
        plan=plan,
        watched=watched,
        ttls=_read_all(rows, "ttls", _TTL),
        keys=_read_all(rows, "keys", _KEY_SEEN),
        said=said,
        servers=_read_all(rows, "servers", _SERVER),
        last=last,
    )


def happening_row(happening: Happening) -> Row:
    """Return the row that a thing that happened is kept in."""
    return {
        "at": instant_text(happening.at),
        "what": happening.what.value,
        "step": happening.step_id,
        "told": happening.text,
    }


def happening_of(row: Row, place: str) -> Happening:
    """Return the thing that happened that is kept in a row.

    Raises:
        PlanError: it does not read; the message begins with the place and the column.
    """
    return _HAPPENING(dict(row), place)


def _read_all(rows: Rows, table: str, shape: Shape[Any]) -> tuple[Any, ...]:
    return tuple([shape(dict(row), f"{table}[{index}]") for index, row in enumerate(rows[table])])


def _instant_or_null(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)


# ---- the transfer ---------------------------------------------------------------------------------------------------


def _transfer_row(course: Course) -> Row:
    last = course.last
    return {
        "plan": plan_json(course.plan),
        "last_at": None if last is None else instant_text(last.at),
        "last_boot": None if last is None else last.boot,
        "last_uptime": None if last is None else last.uptime // _MICROSECOND,
    }


def _plan(value: object, path: str) -> Plan:
    if not isinstance(value, str):
        raise refused(path, "is not a text", "give what zonekit plan --json printed")
    return within(path, _read_plan, value)


_read_plan: Final = functools.lru_cache(maxsize=256)(read_plan)
"""A plan that has not changed since it was last read is not read again: few rounds change one, and a few hundred transfers
are looked at by turns. Each takes some 40 KB."""


def _uptime(value: object, path: str) -> timedelta:
    return fields.number(0, _LARGEST)(value, path) * _MICROSECOND


def _made_transfer(
    *, plan: Plan, last_at: datetime | None = None, last_boot: str = "", last_uptime: timedelta = timedelta(0)
) -> tuple[Plan, Tick | None]:
    return plan, None if last_at is None else Tick(at=last_at, boot=last_boot, uptime=last_uptime)


_TRANSFER: Final = Shape(
    make=_made_transfer,
    needed={"plan": _plan},
    optional={"last_at": fields.instant, "last_boot": fields.line, "last_uptime": _uptime},
)


# ---- what was seen and said -----------------------------------------------------------------------------------------


def _names_text(names: Iterable[str]) -> str:
    return json.dumps(sorted(names))


def _names(value: object, path: str) -> frozenset[str]:
    if not isinstance(value, str):
        raise refused(path, "is not a text", _LIST_REMEDY)
    return fields.set_of(fields.line)(within(path, _parse_list, value), path)


def _parse_list(text: str) -> object:
    return fields.parse_json(text, remedy=_LIST_REMEDY)


def _renamed(make: Callable[..., Any], **columns: str) -> Callable[..., Any]:
    """What makes a value of columns, some of which have another name than the field."""

    def made(**known: Any) -> Any:
        return make(**{columns.get(name, name): value for name, value in known.items()})

    return made


def _watched_row(watched: Watched) -> Row:
    return {
        "step": watched.step_id,
        "untouched_at": _instant_or_null(watched.untouched_at),
        "lacking_at": _instant_or_null(watched.lacking_at),
        "lacking": _names_text(watched.lacking),
        "done_since": _instant_or_null(watched.done_since),
        "done_at": _instant_or_null(watched.done_at),
        "confirming": _names_text(watched.confirming),
    }


_WATCHED: Final[Shape[Watched]] = Shape(
    make=_renamed(Watched, step="step_id"),
    needed={"step": fields.text, "lacking": _names, "confirming": _names},
    optional=dict.fromkeys(("untouched_at", "lacking_at", "done_since", "done_at"), fields.instant),
)


def _ttl_row(seen: TtlSeen) -> Row:
    return {
        "source": seen.source.value,
        "record": seen.record.value,
        "ttl": seen.ttl,
        "first_seen": instant_text(seen.first_seen),
        "last_seen": instant_text(seen.last_seen),
        "until": _instant_or_null(seen.until),
    }


_TTL: Final[Shape[TtlSeen]] = Shape(
    make=TtlSeen,
    needed={
        "source": fields.one_of(Source),
        "record": fields.one_of(Record),
        "ttl": fields.ttl,
        "first_seen": fields.instant,
        "last_seen": fields.instant,
    },
    optional={"until": fields.instant},
)


def _key_row(seen: KeySeen) -> Row:
    return {
        "source": seen.source.value,
        "dnskey": seen.key.text(),
        "first_seen": instant_text(seen.first_seen),
    }


def _dnskey(value: object, path: str) -> Dnskey:
    found = within(path, parse_dnskeys, fields.line(value, path))
    if len(found) != 1:
        raise refused(path, f"holds {len(found)} DNSKEYs", "give one DNSKEY record in one line")
    return found[0]


_KEY_SEEN: Final[Shape[KeySeen]] = Shape(
    make=_renamed(KeySeen, dnskey="key"),
    needed={"source": fields.one_of(Source), "dnskey": _dnskey, "first_seen": fields.instant},
)


def _said_row(said: Said) -> Row:
    return {
        "step": said.step_id,
        "said_by": said.by,
        "said_at": instant_text(said.when),
        "started": instant_text(said.started),
        "completed": instant_text(said.completed),
    }


_SAID: Final[Shape[Said]] = Shape(
    make=_renamed(Said, step="step_id", said_by="by", said_at="when"),
    needed={
        "step": fields.text,
        "said_by": fields.line,
        "said_at": fields.instant,
        "started": fields.instant,
        "completed": fields.instant,
    },
)


def _server_row(seen: ServerSeen) -> Row:
    return {
        "source": seen.server.source.value,
        "name": seen.server.name,
        "address": seen.server.address,
        "port": seen.server.port,
        "last_answered": _instant_or_null(seen.last_answered),
        "silent_since": _instant_or_null(seen.silent_since),
    }


def _made_server_seen(
    *, last_answered: datetime | None = None, silent_since: datetime | None = None, **server: Any
) -> ServerSeen:
    return ServerSeen(server=Server(**server), last_answered=last_answered, silent_since=silent_since)


_SERVER: Final = Shape(
    make=_made_server_seen,
    needed={
        "source": fields.one_of(Source),
        "name": fields.line,
        "address": fields.text,
        "port": fields.number(1, 65535),
    },
    optional={"last_answered": fields.instant, "silent_since": fields.instant},
)

_HAPPENING: Final[Shape[Happening]] = Shape(
    make=_renamed(Happening, step="step_id", told="text"),
    needed={"at": fields.instant, "what": fields.one_of(What), "told": fields.line},
    optional={"step": fields.text},
)
