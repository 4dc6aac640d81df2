"""Key relay: DNSKEYs that one registrar has the registry hand to another (RFC 8063)."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from zonekit.ds import KeyData
from zonekit.epp import checks, namespaces
from zonekit.epp.checks import check_fields
from zonekit.epp.domains import AuthInfo, require_code
from zonekit.epp.parts import Part
from zonekit.errors import EppError, TimeError
from zonekit.instants import utc
from zonekit.transfer import values
from zonekit.transfer.values import Fields

_DURATION: Final = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.0+)?S)?)?", re.ASCII
)
_MOST: Final = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A duration as XML Schema has it, in which a month is as long as the month that it begins in.

    Attributes:
        years, months, days, hours, minutes, seconds: its parts; each 0 to a million.

    Raises:
        EppError: it is empty, or a part is out of bounds.
    """

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0

    def __post_init__(self) -> None:
        check_fields(_DURATION_FIELDS, self, "a duration")
        if not any((self.years, self.months, self.days, self.hours, self.minutes, self.seconds)):
            raise EppError("a duration of nothing", remedy="give how long it is")

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Return the duration that a text such as ``P1M13D`` says.

        Raises:
            EppError: it is none in whole seconds, is negative or has more than six digits in a part.

        Seconds may have a fraction of nothing: ``PT3600.0S``.

        >>> Duration.parse("P1M13D")
        Duration(years=0, months=1, days=13, hours=0, minutes=0, seconds=0)
        """
        found = _DURATION.fullmatch(text)
        if found is None or len(text) > 60 or text == "P":
            raise EppError(
                f"{ascii(text[:40])} is no duration", remedy="give one such as P1M13D or PT36H", rule="RFC 8063"
            )
        years, months, days, hours, minutes, seconds = [int(part or 0) for part in found.groups()]
        return cls(years=years, months=months, days=days, hours=hours, minutes=minutes, seconds=seconds)

    @property
    def text(self) -> str:
        """The duration as XML Schema writes it.

        >>> Duration(months=1, days=13).text
        'P1M13D'
        """
        dates = ((self.years, "Y"), (self.months, "M"), (self.days, "D"))
        times = ((self.hours, "H"), (self.minutes, "M"), (self.seconds, "S"))
        date = "".join(f"{number}{unit}" for number, unit in dates if number)
        time = "".join(f"{number}{unit}" for number, unit in times if number)
        return f"P{date}T{time}" if time else f"P{date}"

    def after(self, start: datetime) -> datetime:
        """Return the instant at which it is over, counted as XML Schema part 2, appendix E does.

        Raises:
            TimeError: that lies beyond the calendar, or ``start`` is naive.
        """
        begin = utc(start)
        try:
            year, month = divmod(begin.year * 12 + begin.month - 1 + self.years * 12 + self.months, 12)
            moved = begin.replace(year=year, month=month + 1, day=min(begin.day, monthrange(year, month + 1)[1]))
            return utc(moved + timedelta(days=self.days, hours=self.hours, minutes=self.minutes, seconds=self.seconds))
        except (ValueError, OverflowError):
            raise TimeError(
                f"{self.text} after {begin.year} is beyond the calendar", remedy="give a shorter one"
            ) from None


_PART: Final = values.number(0, _MOST - 1)
_DURATION_FIELDS: Final = Fields(
    needed=dict.fromkeys(("years", "months", "days", "hours", "minutes", "seconds"), _PART)
)

Expiry: TypeAlias = datetime | Duration
"""Until when a relayed key is meant to be published: an instant, or how long from when it was relayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedKey:
    """A key that is relayed.

    Attributes:
        key: the key.
        expiry: until when it is to be published; None where nobody says (RFC 8063 section 2.1).

    Raises:
        EppError: a field has the wrong type.
        TimeError: the instant is naive.
    """

    key: KeyData
    expiry: Expiry | None = None

    def __post_init__(self) -> None:
        check_fields(_RELAYED, self, "a relayed key")

    def expires(self, relayed: datetime) -> datetime | None:
        """Return until when it is to be published, where it was relayed at ``relayed``; None where nobody says.

        Raises:
            TimeError: that lies beyond the calendar, or ``relayed`` is naive.
        """
        return self.expiry.after(relayed) if isinstance(self.expiry, Duration) else self.expiry


def _expiry(value: object, where: str) -> object:
    if not isinstance(value, datetime | Duration):
        raise EppError(
            f"{where} is a {type(value).__name__}, neither an instant nor a Duration",
            remedy="give one, such as Duration.parse('P1M13D')",
            rule="RFC 8063 section 2.1",
        )
    return value if isinstance(value, Duration) else checks.instant(value, where)


_RELAYED: Final = Fields(needed={"key": values.a(KeyData)}, optional={"expiry": _expiry})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRelayCreate:
    """``create``: hand keys to the registrar of a domain (RFC 8063 section 3.2.1).

    Attributes:
        name: the domain.
        auth_info: its code, by which the registry sees that the registrant agrees; the element ``authInfo`` as it came where
            the code is one of an extension.
        keys: the keys; at least one.

    Raises:
        EppError: no key, or one twice, an empty code, or a field that EPP cannot carry.
        DomainNameError: the name is none.
    """

    name: str
    auth_info: AuthInfo | Part
    keys: tuple[RelayedKey, ...]

    def __post_init__(self) -> None:
        check_fields(_CREATE, self, "a key relay")
        _check_keys(self.name, self.keys)
        if isinstance(self.auth_info, AuthInfo):
            require_code(self.auth_info, f"the key relay of {self.name}")


def _auth_info(value: object, where: str) -> object:
    found = checks.secret_in(AuthInfo, Part)(value, where)
    if isinstance(found, Part) and (found.namespace, found.name) != (namespaces.KEYRELAY, "authInfo"):
        raise EppError(f"{where} is another element than authInfo", remedy="give that, or the code", rule="RFC 8063")
    return found


_NEEDED: Final = {
    "name": checks.domain_name,
    "auth_info": _auth_info,
    "keys": values.tuple_of(values.a(RelayedKey)),
}
_CREATE: Final = Fields(needed=_NEEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRelayData:
    """Keys that were relayed, as the poll message tells of them: ``infData`` (RFC 8063 section 3.1.2).

    Attributes:
        name: the domain.
        auth_info: its code, or the element ``authInfo`` as it came where that is one of an extension.
        keys: the keys; one that is there twice is left for the intake to refuse.
        created: when they were relayed.
        requester: who relayed them, ``reID``.
        actor: who is to take them, ``acID``.

    Raises:
        EppError: no key, or a field that EPP cannot carry.
        DomainNameError: the name is none.
        TimeError: the instant is naive.
    """

    name: str
    auth_info: AuthInfo | Part
    keys: tuple[RelayedKey, ...]
    created: datetime
    requester: str
    actor: str

    def __post_init__(self) -> None:
        check_fields(_DATA, self, "keys that were relayed")
        _check_keys(self.name, self.keys, twice=True)


_DATA: Final = Fields(
    needed={**_NEEDED, "created": checks.instant, "requester": checks.client_id, "actor": checks.client_id}
)


def _check_keys(name: str, keys: tuple[RelayedKey, ...], *, twice: bool = False) -> None:
    if not keys:
        raise EppError(f"{name}: a key relay without a key", remedy="give at least one", rule="RFC 8063 section 3.2.1")
    if not twice and len({each.key for each in keys}) < len(keys):
        raise EppError(f"{name}: a key is relayed twice", remedy="give each once")
