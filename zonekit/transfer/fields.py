"""Reading values that people and programs wrote: every field by its name, and every refusal with the path to it.

A :class:`Shape` says which fields an object has and how each is read. What is missing, what nobody knows and what has
the wrong type is refused with one :class:`~zonekit.errors.PlanError` that begins with the path, such as
``losing.keys[1].algorithm``. Nothing is guessed.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeAlias, TypeVar

from zonekit.errors import PlanError, ZonekitError
from zonekit.instants import parse_instant, utc
from zonekit.ttl import Ttl, parse_ttl, to_ttl

_T = TypeVar("_T")
_E = TypeVar("_E", bound=enum.Enum)
Read: TypeAlias = Callable[[object, str], _T]

_LONGEST_TEXT: Final = 200
_LONGEST_SECONDS: Final = 2**33


def refused(path: str, problem: str, remedy: str, *, rule: str = "") -> PlanError:
    """Return the refusal of what stands at a path."""
    return PlanError(f"{path}: {problem}" if path else problem, remedy=remedy, rule=rule)


def within(path: str, make: Callable[..., _T], /, *values: object, **named: object) -> _T:
    """Return what ``make`` makes of these values; what it refuses is refused with the path.

    Raises:
        PlanError: ``make`` raised any error of zonekit's.
    """
    try:
        return make(*values, **named)
    except ZonekitError as error:
        raise PlanError(
            f"{path}: {error.problem}" if path else error.problem, remedy=error.remedy, rule=error.rule
        ) from None


def at(path: str, name: str) -> str:
    """Return the path of a field."""
    return f"{path}.{name}" if path else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Generic[_T]):
    """The fields of an object, and what is made of them.

    Attributes:
        make: what the fields are handed to, by their names.
        needed: the fields that have to be there, each with what reads it.
        optional: those that may be left out or null, which is then left to ``make``.
        how_to_find: for a field, what to do where it is missing.
    """

    make: Callable[..., _T]
    needed: Mapping[str, Read[Any]]
    optional: Mapping[str, Read[Any]] = field(default_factory=dict)
    how_to_find: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, value: object, path: str) -> _T:
        """Return what is made of an object.

        Raises:
            PlanError: it is not an object, a field is missing, unknown or refused, or they do not go together.
        """
        found = an_object(value, path)
        known = (*self.needed, *self.optional)
        for name in found:
            if name not in known:
                raise refused(
                    at(path, shown(name)), "there is no such field", f"the fields here are {', '.join(known)}"
                )
        for name in self.needed:
            if name not in found:
                raise refused(at(path, name), "is missing", self.how_to_find.get(name, "say what it is"))
        read = {name: reads(found[name], at(path, name)) for name, reads in self.needed.items()}
        for name, reads in self.optional.items():
            if found.get(name) is not None:
                read[name] = reads(found[name], at(path, name))
        return within(path, self.make, **read)


def shown(value: object) -> str:
    """Return something that was given as a message may show it."""
    text = str(value)
    return ascii(text[:40])[1:-1] if text.isprintable() else ascii(text[:40])


def _wrong_type(value: object, path: str, wanted: str) -> PlanError:
    kinds = {bool: "true or false", dict: "an object", list: "a list", type(None): "null", str: "a text"}
    kind = kinds.get(type(value), type(value).__name__)
    return refused(path, f"is {kind} and not {wanted}", f"give {wanted}")


# ---- JSON -----------------------------------------------------------------------------------------------------------


def json_text(value: Mapping[str, Any]) -> str:
    """Return an object as JSON, with a final newline."""
    return json.dumps(value, indent=2) + "\n"


def parse_json(text: str, *, remedy: str) -> object:
    """Return what a JSON text holds.

    Raises:
        PlanError: it is not JSON, is too deep, has a name twice in one object, or a number that is none.
    """
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "too deep" if isinstance(error, RecursionError) else str(error)
        raise PlanError(f"is not JSON: {reason}", remedy=remedy) from None


def _distinct(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{shown(name)} stands twice in one object")
        found[name] = value
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number")


def headed(value: object, *formats: str, version: int) -> dict[str, Any]:
    """Return an object without its head, which has to be that of the first of these formats.

    Raises:
        PlanError: it is not an object, or of another format or version.
    """
    found = an_object(value, "")
    wanted = " or ".join(formats)
    if found.get("format") != formats[0]:
        raise refused("format", f"is {shown(found.get('format', 'missing'))}", f"give a file of format {wanted}")
    if found.get("version") != version or isinstance(found["version"], bool):
        raise refused(
            "version",
            f"is {shown(found.get('version', 'missing'))}",
            f"this zonekit reads version {version} of {formats[0]}",
        )
    return {name: each for name, each in found.items() if name not in ("format", "version")}


# ---- readers --------------------------------------------------------------------------------------------------------


def an_object(value: object, path: str) -> dict[str, object]:
    """Return a JSON object or TOML table."""
    if not isinstance(value, dict):
        raise _wrong_type(value, path, "an object")
    return value


def text(value: object, path: str) -> str:
    """Return a text of one line."""
    if not isinstance(value, str):
        raise _wrong_type(value, path, "a text")
    if not value.isprintable() or not 0 < len(value) <= _LONGEST_TEXT:
        raise refused(path, "is empty, too long or not of one line", f"give 1 to {_LONGEST_TEXT} printable characters")
    return value


def line(value: object, path: str) -> str:
    """Return a text of one line, however long."""
    if not isinstance(value, str):
        raise _wrong_type(value, path, "a text")
    if not value.isprintable():
        raise refused(path, "is not one line of printable characters", "write it in one line")
    return value


def flag(value: object, path: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise _wrong_type(value, path, "true or false")
    return value


def number(least: int, most: int) -> Read[int]:
    """Return what reads a whole number between two."""

    def read(value: object, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(value, path, "a whole number")
        if not least <= value <= most:
            raise refused(path, "is out of bounds", f"give {least} to {most}")
        return value

    return read


def ttl(value: object, path: str) -> Ttl:
    """Return a TTL, given as seconds or as a text such as ``1d12h``."""
    if isinstance(value, str):
        return within(path, parse_ttl, value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(value, path, "a TTL in seconds or as 1d12h")
    if not -(2**63) <= value < 2**63:
        raise refused(path, "is no TTL", "give seconds, 0 to 2147483647", rule="RFC 2181 section 8")
    return within(path, to_ttl, value)


def duration(value: object, path: str) -> timedelta:
    """Return a duration, given as whole seconds or as a text such as ``1d12h``."""
    if isinstance(value, str):
        return timedelta(seconds=within(path, parse_ttl, value))
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(value, path, "a duration in seconds or as 1d12h")
    if not 0 <= value <= _LONGEST_SECONDS:
        raise refused(path, "is no duration", "give whole seconds, 0 or more")
    return timedelta(seconds=value)


def instant(value: object, path: str) -> datetime:
    """Return an instant, given as ISO 8601 with a zone or as TOML's own offset date-time."""
    if isinstance(value, datetime):
        return within(path, utc, value)
    if not isinstance(value, str):
        raise _wrong_type(value, path, "an instant such as 2026-11-21T12:00:00Z")
    return within(path, parse_instant, value)


def one_of(kind: type[_E]) -> Read[_E]:
    """Return what reads a member of an enumeration by its value."""
    members: dict[object, _E] = {member.value: member for member in kind}

    def read(value: object, path: str) -> _E:
        if not isinstance(value, str):
            raise _wrong_type(value, path, "a text")
        if value not in members:
            raise refused(path, f"{ascii(value[:40])} is not known", f"give one of {', '.join(map(str, members))}")
        return members[value]

    return read


def list_of(read: Read[_T]) -> Read[tuple[_T, ...]]:
    """Return what reads a list of such values."""

    def read_all(value: object, path: str) -> tuple[_T, ...]:
        if not isinstance(value, list):
            raise _wrong_type(value, path, "a list")
        return tuple([read(each, f"{path}[{index}]") for index, each in enumerate(value)])

    return read_all


def set_of(read: Read[_T]) -> Read[frozenset[_T]]:
    """Return what reads a list in which nothing stands twice."""
    read_all = list_of(read)

    def read_set(value: object, path: str) -> frozenset[_T]:
        found = read_all(value, path)
        for index, each in enumerate(found):
            if each in found[:index]:
                raise refused(f"{path}[{index}]", "stands there twice", "name each once")
        return frozenset(found)

    return read_set


def named(values: Mapping[str, _T], what: str) -> Read[_T]:
    """Return what reads the name of one of these values, which were read before."""

    def read(value: object, path: str) -> _T:
        name = text(value, path)
        if name not in values:
            known = ", ".join(values) or f"there is no {what} at all"
            raise refused(path, f"no {what} is named {name}", f"those that there are: {known}")
        return values[name]

    return read
