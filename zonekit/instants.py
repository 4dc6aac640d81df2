"""Instants and signature validity.

Time is always an aware UTC :class:`~datetime.datetime` in whole seconds. A naive datetime is refused, never read as
local time. In an RRSIG an instant is 32 bits counted modulo 2^32 (RFC 4034 section 3.1.5); in text it is
``YYYYMMDDHHmmSS`` (RFC 4034 section 3.2).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from zonekit.errors import TimeError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MODULUS: Final = 2**32
LATEST: Final = EPOCH + timedelta(seconds=_MODULUS - 1)
"""The last instant that 32 bits can count; what :func:`utc` returns lies from :data:`EPOCH` to it."""
_HALF: Final = 2**31
_RRSIG_TIME: Final = re.compile(r"\d{14}", re.ASCII)
_EPOCH_TIME: Final = re.compile(r"\d{1,10}", re.ASCII)
_ISO_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2})", re.ASCII)
DEFAULT_INCEPTION_MARGIN: Final = timedelta(hours=1)


def utc(instant: datetime) -> datetime:
    """Return ``instant`` in UTC.

    Raises:
        TimeError: not a datetime, naive, outside 1970 to 2106, all that 32 bits can count, or not in whole seconds.
    """
    if not isinstance(instant, datetime):
        raise TimeError(
            f"{instant!r:.60} is {type(instant).__name__} and not a datetime",
            remedy="give an aware datetime, such as datetime.now(UTC), or what parse_instant makes of a text",
        )
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise TimeError(
            f"{instant.isoformat()} has no time zone", remedy="give an aware datetime, such as datetime.now(UTC)"
        )
    since_epoch = instant - EPOCH
    if not timedelta(0) <= since_epoch < timedelta(seconds=_MODULUS):
        raise TimeError(
            f"{instant.isoformat()} is outside {EPOCH.isoformat()} to {LATEST.isoformat()}",
            remedy="give an instant that 32 bits can count",
            rule="RFC 4034 section 3.1.5",
        )
    if instant.microsecond:
        raise TimeError(f"{instant.isoformat()} is not in whole seconds", remedy="use .replace(microsecond=0)")
    return EPOCH + since_epoch


def epoch_seconds(instant: datetime) -> int:
    """Return the whole seconds since 1970-01-01T00:00:00Z."""
    return (instant - EPOCH) // timedelta(seconds=1)


def from_epoch_seconds(seconds: int) -> datetime:
    """Return the instant that lies ``seconds`` after 1970-01-01T00:00:00Z."""
    return EPOCH + timedelta(seconds=seconds)


@functools.lru_cache(maxsize=4096)
def rrsig_time_text(seconds: int) -> str:
    """Return an RRSIG time field as ``YYYYMMDDHHmmSS`` (RFC 4034 section 3.2).

    >>> rrsig_time_text(1795262400)
    '20261121120000'
    """
    return from_epoch_seconds(seconds).strftime("%Y%m%d%H%M%S")


def parse_rrsig_time(text: str) -> int:
    """Return what an RRSIG time field holds, given in either form of RFC 4034 section 3.2.

    The field counts seconds since 1970 modulo 2^32 (section 3.1.5), so that instants before 1970 and after 2106 are those
    of another count: what lies over 68 years ahead named prints as a year before 1970.

    Raises:
        TimeError: neither form, or no such instant.

    >>> parse_rrsig_time("20261121120000"), parse_rrsig_time("19691231235959")
    (1795262400, 4294967295)
    """
    if _RRSIG_TIME.fullmatch(text):
        return epoch_seconds(_parse_calendar_time(text)) % _MODULUS
    if _EPOCH_TIME.fullmatch(text) and int(text) < _MODULUS:
        return int(text)
    raise TimeError(f"{text[:32]!r} is not an RRSIG time", remedy="write YYYYMMDDHHmmSS", rule="RFC 4034 section 3.2")


@functools.lru_cache(maxsize=4096)
def _parse_calendar_time(text: str) -> datetime:
    try:
        return datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]), int(text[12:]), tzinfo=UTC
        )
    except ValueError as error:
        raise TimeError(f"{text!r} is no instant: {error}", rule="RFC 4034 section 3.2") from None


def parse_instant(text: str) -> datetime:
    """Return the instant that ``text`` says: ISO 8601 with a zone, or ``YYYYMMDDHHmmSS`` in UTC.

    Raises:
        TimeError: neither, or without a time zone.

    >>> parse_instant("2026-11-21T13:00:00+01:00").isoformat()
    '2026-11-21T12:00:00+00:00'
    """
    if _RRSIG_TIME.fullmatch(text):
        return utc(_parse_calendar_time(text))
    if _ISO_TIME.fullmatch(text):
        try:
            return utc(datetime.fromisoformat(text))
        except ValueError as error:
            raise TimeError(f"{text!r} is no instant: {error}", remedy="write it as 2026-11-21T12:00:00Z") from None
    raise TimeError(f"{text[:40]!r} is not an instant", remedy="write it as 2026-11-21T12:00:00Z")


def instant_text(instant: datetime) -> str:
    """Return the instant as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return utc(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


def serial_before(first: int, second: int) -> bool:
    """Whether one RRSIG time lies before another, in the arithmetic RFC 4034 section 3.1.5 prescribes (RFC 1982)."""
    return first != second and (second - first) % _MODULUS < _HALF


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureValidity:
    """From when until when a signature is valid (RFC 4034 section 3.1.5).

    Attributes:
        inception: the first second in which it is valid.
        expiration: the last second in which it is valid.

    Raises:
        TimeError: an instant is naive or not in whole seconds, the expiration is not after the inception, or the two
            lie too far apart for 32-bit arithmetic (68 years).
    """

    inception: datetime
    expiration: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "inception", utc(self.inception))
        object.__setattr__(self, "expiration", utc(self.expiration))
        if self.expiration <= self.inception:
            raise TimeError(
                f"signatures would expire at {instant_text(self.expiration)},"
                f" which is not after their inception at {instant_text(self.inception)}",
                rule="RFC 4034 section 3.1.5",
            )
        if (self.expiration - self.inception) // timedelta(seconds=1) >= _HALF:
            raise TimeError("signatures cannot be valid for 68 years or more", rule="RFC 4034 section 3.1.5")

    @classmethod
    def starting(
        cls, now: datetime, signatures_validity: timedelta, *, inception_margin: timedelta = DEFAULT_INCEPTION_MARGIN
    ) -> SignatureValidity:
        """Return the validity of signatures made ``now`` that last ``signatures_validity``.

        The inception lies ``inception_margin`` before ``now``, an hour unless told otherwise, for validators whose
        clock runs behind.

        Raises:
            TimeError: ``now`` is naive, a length is not positive, or the signatures would reach beyond 1970 to 2106.

        >>> validity = SignatureValidity.starting(datetime(2026, 11, 21, 12, tzinfo=UTC), timedelta(days=14))
        >>> instant_text(validity.inception), instant_text(validity.expiration)
        ('2026-11-21T11:00:00Z', '2026-12-05T12:00:00Z')
        """
        if signatures_validity <= timedelta(0):
            raise TimeError(
                f"signatures_validity is {signatures_validity}: signatures would have expired when they are made",
                remedy="give it a length, such as 14 days",
            )
        if inception_margin < timedelta(0):
            raise TimeError(
                f"inception_margin is negative: {inception_margin}",
                remedy="give 0 or more: how long before now signatures begin",
            )
        instant = utc(now)
        try:
            return cls(inception=instant - inception_margin, expiration=instant + signatures_validity)
        except OverflowError:
            raise TimeError(
                f"signatures cannot be valid for {signatures_validity}", rule="RFC 4034 section 3.1.5"
            ) from None

    def covers(self, instant: datetime) -> bool:
        """Whether a signature with this validity is valid at ``instant``."""
        return self.inception <= utc(instant) <= self.expiration
