"""Checking the values that facts are made of: each field by its name, and every refusal with whose field it is.

What reads files has :mod:`zonekit.transfer.fields`; this is for values that a program hands in. A :class:`Fields` says what
each field of a value has to be. What nobody knows, what has the wrong type and what is out of bounds is refused with one
error that names the field and says what to do. Nothing is converted but what loses nothing: a list into a tuple, say.
"""

from __future__ import annotations

import contextlib
import enum
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

from zonekit.errors import PlanError, TtlError, ZonekitError
from zonekit.instants import utc
from zonekit.names import name_text, parse_origin
from zonekit.ttl import MAX_TTL, to_ttl

_T = TypeVar("_T")
Check: TypeAlias = Callable[[Any, str], object]

_LONGEST_DELAY: Final = timedelta(days=366)
_SECOND: Final = timedelta(seconds=1)
_NOTHING: Final = timedelta(0)

_ASK_OPERATOR: Final = "ask one of the operator's servers, not a resolver: dig +norecurse {} DOMAIN @SERVER"
_ASK_PARENT: Final = "ask one of the parent's servers, not a resolver: dig +norecurse {} DOMAIN @SERVER-OF-THE-PARENT"
_ASK_REACHED: Final = "say how long a change takes to reach the last server: 0 where it is at once"
_ASK_REGISTRY: Final = "ask the registry how long that takes at most, and give 0 where it is at once"

OPERATOR_HOW_TO_FIND: Final[Mapping[str, str]] = {
    "keys": "name its keys, or give an empty list where its zone is not signed",
    "ns_ttl": _ASK_OPERATOR.format("NS"),
    "dnskey_ttl": _ASK_OPERATOR.format("DNSKEY"),
    "data_ttl": "give the largest TTL in the zone; zonekit show ZONE prints it",
    "negative_ttl": "take the lesser of the TTL and the last number of the operator's SOA record",
    "propagation_delay": _ASK_REACHED,
    "address_ttl": "ask one of the operator's servers, not a resolver: dig +norecurse A and AAAA of its name servers",
}
"""What to do where a field of an operator is not known."""
PARENT_HOW_TO_FIND: Final[Mapping[str, str]] = {
    "ds": "name the losing keys that the DS records at the parent are of, or give an empty list",
    "ds_ttl": _ASK_PARENT.format("DS"),
    "ns_ttl": _ASK_PARENT.format("NS"),
    "negative_ttl": "take the least of the TTL and the last number of the parent's SOA record",
    "propagation_delay": _ASK_REACHED,
    "registration_delay": "say how long the registry takes from a request to its zone: 0 where it is at once",
    "glue_ttl": "ask one of the parent's servers, not a resolver: dig +norecurse A and AAAA of the name servers",
    "scan_delay": _ASK_REGISTRY,
    "check_delay": _ASK_REGISTRY,
}
"""What to do where a field of the parent is not known."""


class Assumed(frozenset[_T]):
    """A set that nobody gave and something is taken for; equal to one with the same elements that somebody gave."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What the fields of a value have to be.

    Attributes:
        needed: the fields that have to be known, each with what checks it.
        optional: those that may be None.
        how_to_find: for a field, what to do where it is not known.
    """

    needed: Mapping[str, Check]
    optional: Mapping[str, Check] = field(default_factory=dict)
    how_to_find: Mapping[str, str] = field(default_factory=dict)

    def check(self, value: object, whose: str) -> None:
        """Check the fields of a frozen value, and put what the checks return in their place.

        Args:
            value: the value.
            whose: what it is, for the messages: ``the parent``.

        Raises:
            PlanError: a field is not known, has the wrong type or is out of bounds.
            TtlError: that field is a TTL.
            ZonekitError: an instant or a name that is none, as :mod:`zonekit.instants` and :mod:`zonekit.names` refuse it.
        """
        for name, check in self.needed.items():
            found = getattr(value, name)
            if found is None:
                kind = TtlError if check is ttl else PlanError
                raise kind(f"{name} of {whose} is not known", remedy=self.how_to_find.get(name, "say what it is"))
            object.__setattr__(value, name, check(found, f"{name} of {whose}"))
        for name, check in self.optional.items():
            found = getattr(value, name)
            if found is not None:
                object.__setattr__(value, name, check(found, f"{name} of {whose}"))


def _wrong_type(value: object, where: str, wanted: str, remedy: str = "") -> PlanError:
    kind = type(value).__name__
    return PlanError(
        f"{where} is {ascii(value)[:60]}, of type {kind}, and not {wanted}", remedy=remedy or f"give {wanted}"
    )


# ---- checks ---------------------------------------------------------------------------------------------------------


def ttl(value: object, where: str) -> object:
    """Return a TTL."""
    try:
        return to_ttl(value)  # type: ignore[arg-type]  # which refuses what is no number
    except TtlError as error:
        remedy = f"give whole seconds, 0 to {MAX_TTL}"
        raise TtlError(f"{where}: {error.problem}", remedy=remedy, rule="RFC 2181 section 8") from None


def delay_up_to(longest: timedelta, text: str) -> Check:
    """Return what checks a duration that is no longer than this."""

    def check(value: object, where: str) -> object:
        if not isinstance(value, timedelta):
            raise _wrong_type(value, where, "a timedelta", "give a timedelta, such as timedelta(hours=1)")
        if not _NOTHING <= value <= longest or value % _SECOND:
            raise PlanError(f"{where} is {value}", remedy=f"give whole seconds, from 0 to {text}")
        return value

    return check


delay: Final[Check] = delay_up_to(_LONGEST_DELAY, "a year")


def instant(value: Any, where: str) -> datetime:
    """Return an instant in UTC."""
    return _within(where, utc, value)


def origin(value: Any, where: str) -> object:
    """Return the name of a zone in presentation form and absolute."""
    return name_text(_within(where, parse_origin, value))


def host(value: Any, where: str) -> object:
    """Return the name of a server in presentation form, absolute and in lower case."""
    return name_text(_within(where, parse_origin, value)).lower()


def address(value: object, where: str) -> object:
    """Return an IPv4 or IPv6 address in its shortest form."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(value))
    raise _wrong_type(value, where, "an IPv4 or IPv6 address", "give an address, such as 192.0.2.1 or 2001:db8::1")


def _within(where: str, make: Callable[[Any], _T], value: object) -> _T:
    try:
        return make(value)
    except ZonekitError as error:
        raise error.within(where) from None


def text(value: object, where: str) -> object:
    """Return a text that says something."""
    if not isinstance(value, str) or not value:
        raise _wrong_type(value, where, "a text")
    return value


def flag(value: object, where: str) -> object:
    """Return true or false."""
    if not isinstance(value, bool):
        raise _wrong_type(value, where, "True or False")
    return value


def number(least: int, most: int) -> Check:
    """Return what checks a whole number between two."""

    def check(value: object, where: str) -> object:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _wrong_type(value, where, f"a whole number from {least} to {most}")
        return value

    return check


def a(kind: type) -> Check:
    """Return what checks that something is of this type."""
    remedy = f"give one of {', '.join(map(str, kind))}" if issubclass(kind, enum.Enum) else ""
    wanted = f"a member of {kind.__name__}" if remedy else f"of type {kind.__name__}"

    def check(value: object, where: str) -> object:
        if not isinstance(value, kind):
            raise _wrong_type(value, where, wanted, remedy or f"give a value of type {kind.__name__}")
        return value

    return check


def tuple_of(check_each: Check) -> Check:
    """Return what checks several values of a kind, and gives them as a tuple."""

    def check(value: object, where: str) -> object:
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            raise _wrong_type(value, where, "several values", "give a tuple, a list or a set, also of one")
        element = f"an element of {where}"
        return tuple([check_each(each, element) for each in value])

    return check


def set_of(check_each: Check) -> Check:
    """Return what checks several values of a kind, and gives them as a set."""
    check_all = tuple_of(check_each)

    def check(value: object, where: str) -> object:
        if isinstance(value, Assumed):
            return value
        return frozenset(check_all(value, where))  # type: ignore[call-overload]

    return check
