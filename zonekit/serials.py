"""SOA serials: comparing them and choosing the next one (RFC 1982).

Serials count modulo 2^32, and one is after another when it lies less than 2^31 ahead of it. Two that lie exactly 2^31 apart
have no order at all, and a secondary may do as it likes with them. A secondary transfers a zone only when the serial is
after its own, so that no function here goes backwards.

A policy may ask for a serial that is not after the current one: the date on a zone that was changed a hundred times today,
or the time on a zone that came with a date as serial. Then the current serial is incremented, as BIND does, and
:class:`SerialChange` says that it was.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from zonekit.errors import SerialError
from zonekit.findings import Finding, Severity
from zonekit.instants import epoch_seconds, utc
from zonekit.names import WireName, name_text
from zonekit.zones import RRset

MODULUS: Final = 2**32
_HALF: Final = 2**31
_CHANGES_A_DAY: Final = 100
_SOA_NUMBERS_OCTETS: Final = 20


class SerialPolicy(enum.Enum):
    """How the next serial is chosen.

    INCREMENT: one more than the current one.
    DATE: YYYYMMDDnn in UTC, with nn from 00 on each day and one more for each further change of that day.
    UNIXTIME: the seconds since 1970.
    KEEP: the current one, for a zone whose serial something else takes care of.
    """

    INCREMENT = "increment"
    DATE = "date"
    UNIXTIME = "unixtime"
    KEEP = "keep"


class SerialOrder(enum.Enum):
    """How one serial lies to another (RFC 1982 section 3.2)."""

    BEFORE = "before"
    EQUAL = "equal"
    AFTER = "after"
    UNDEFINED = "undefined"


class SerialOutcome(enum.Enum):
    """What became of a policy.

    AS_ASKED: the new serial is what the policy says.
    INCREMENTED_INSTEAD: what the policy says is not after the current serial, which was incremented.
    """

    AS_ASKED = "as asked"
    INCREMENTED_INSTEAD = "incremented instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialChange:
    """How a serial was chosen.

    Attributes:
        old: the serial before.
        new: the serial now; after ``old``, or the same with the policy KEEP.
        policy: the policy that was asked for.
        outcome: whether it could be followed.
    """

    old: int
    new: int
    policy: SerialPolicy
    outcome: SerialOutcome

    def findings(self, apex: WireName) -> tuple[Finding, ...]:
        """Return what a person should know of it: one finding where the policy could not be followed, else none."""
        if self.outcome is SerialOutcome.AS_ASKED:
            return ()
        return (
            Finding(
                code="serial-ahead",
                severity=Severity.INFO,
                owner=name_text(apex),
                rdtype="SOA",
                message=f"serial {self.old} is at or ahead of what the policy {self.policy.value} says;"
                f" it was incremented to {self.new}",
                rule="RFC 1982 section 3.2",
            ),
        )


def next_serial(current: int, policy: SerialPolicy, now: datetime | None = None) -> int:
    """Return the serial that follows ``current``; :func:`change_serial` also tells whether the policy was followed.

    Raises:
        SerialError: ``current`` is no serial, ``policy`` no :class:`SerialPolicy`, or one that needs ``now`` and there
            is none.
        TimeError: ``now`` is naive or not in whole seconds.

    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    >>> next_serial(2026112000, SerialPolicy.DATE, now), next_serial(2026112100, SerialPolicy.DATE, now)
    (2026112100, 2026112101)
    >>> next_serial(4294967295, SerialPolicy.INCREMENT)
    1
    """
    return change_serial(current, policy, now).new


def change_serial(current: int, policy: SerialPolicy, now: datetime | None = None) -> SerialChange:
    """Return the serial that follows ``current``, and whether ``policy`` could be followed.

    The new serial is after the current one and never 0, which some servers take for no serial at all.

    Raises:
        SerialError: ``current`` is no serial, ``policy`` no :class:`SerialPolicy`, or one that needs ``now`` and there
            is none.
        TimeError: ``now`` is naive or not in whole seconds.
    """
    if not isinstance(policy, SerialPolicy):
        raise SerialError(
            f"a serial policy is a SerialPolicy, not a {type(policy).__name__}",
            remedy="give one of " + ", ".join(f"SerialPolicy.{each.name}" for each in SerialPolicy),
        )
    incremented = serial_add(current, 1) or 1
    match policy:
        case SerialPolicy.KEEP:
            new, as_asked = current, True
        case SerialPolicy.INCREMENT:
            new, as_asked = incremented, True
        case SerialPolicy.UNIXTIME:
            wanted = epoch_seconds(_required(now, policy)) or 1
            as_asked = serial_gt(wanted, current)
            new = wanted if as_asked else incremented
        case SerialPolicy.DATE:
            first_of_day = int(_required(now, policy).strftime("%Y%m%d")) * _CHANGES_A_DAY
            new = first_of_day if serial_gt(first_of_day, current) else incremented
            as_asked = 0 <= new - first_of_day < _CHANGES_A_DAY
        case _:
            assert_never(policy)
    outcome = SerialOutcome.AS_ASKED if as_asked else SerialOutcome.INCREMENTED_INSTEAD
    return SerialChange(old=current, new=new, policy=policy, outcome=outcome)


def _required(now: datetime | None, policy: SerialPolicy) -> datetime:
    if now is None:
        raise SerialError(f"the serial policy {policy.value} needs to know the time", remedy="give now")
    return utc(now)


def latest_serial(serial: int, earlier: int | None, policy: SerialPolicy) -> int:
    """Return the serial that the new one has to be after: that of the data, or of what was made of it earlier if that is later.

    With the policy KEEP it is the former: whoever takes care of the serial does so there.
    """
    if earlier is None or policy is SerialPolicy.KEEP or not serial_gt(earlier, serial):
        return serial
    return earlier


def not_raised(apex: WireName, serial: int, earlier: int) -> Finding:
    """Return the finding that a zone changed and that its serial is not after the one it had."""
    return Finding(
        code="serial-not-raised",
        severity=Severity.WARNING,
        owner=name_text(apex),
        rdtype="SOA",
        message=f"the zone changed, and its serial {serial} is not after the earlier one {earlier}: secondaries will keep the"
        " old zone",
        remedy="raise the serial in the zone file, or let --serial do it",
        rule="RFC 1982 section 3.2",
    )


def serial_compare(first: int, second: int) -> SerialOrder:
    """Return how ``first`` lies to ``second`` (RFC 1982 section 3.2).

    Raises:
        SerialError: not a serial.

    >>> serial_compare(1, 4294967295), serial_compare(0, 2147483648)
    (<SerialOrder.AFTER: 'after'>, <SerialOrder.UNDEFINED: 'undefined'>)
    """
    ahead = (_check_serial(first) - _check_serial(second)) % MODULUS
    if ahead == 0:
        return SerialOrder.EQUAL
    if ahead == _HALF:
        return SerialOrder.UNDEFINED
    return SerialOrder.AFTER if ahead < _HALF else SerialOrder.BEFORE


def serial_gt(first: int, second: int) -> bool:
    """Whether ``first`` is after ``second``; False where the two have no order (RFC 1982 section 3.2).

    Raises:
        SerialError: not a serial.

    >>> serial_gt(2, 1), serial_gt(2147483649, 1), serial_gt(1, 2147483649)
    (True, False, False)
    """
    return serial_compare(first, second) is SerialOrder.AFTER


def serial_add(serial: int, increment: int) -> int:
    """Return the serial ``increment`` further on (RFC 1982 section 3.1).

    Raises:
        SerialError: not a serial, or an increment outside 0 to 2^31-1, whose result would not be after it.

    >>> serial_add(4294967295, 2)
    1
    """
    if not 0 <= _check_whole(increment) < _HALF:
        raise SerialError(
            f"{increment} cannot be added to a serial: it is outside 0 to 2^31-1", rule="RFC 1982 section 3.1"
        )
    return (_check_serial(serial) + increment) % MODULUS


def _check_whole(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise SerialError(f"a serial is a whole number, not {type(number).__name__}", rule="RFC 1035 section 3.3.13")
    return number


def _check_serial(serial: int) -> int:
    if not 0 <= _check_whole(serial) < MODULUS:
        raise SerialError(f"{serial} is no serial: it is outside 0 to 2^32-1", rule="RFC 1035 section 3.3.13")
    return serial


def soa_with_serial(soa: RRset, serial: int) -> RRset:
    """Return the SOA RRset with another serial, which has to be after the one it has, or the same.

    Raises:
        SerialError: ``serial`` is before it in the arithmetic of RFC 1982, or no serial at all.
    """
    rdata = soa.rdatas[0]
    serial_at = len(rdata) - _SOA_NUMBERS_OCTETS
    current = int.from_bytes(rdata[serial_at : serial_at + 4], "big")
    if serial != current and not serial_gt(serial, current):
        raise SerialError(
            f"{name_text(soa.owner)}: serial {serial} is not after {current}",
            remedy="secondaries would keep the old zone; give a later one",
            rule="RFC 1982 section 3.2",
        )
    changed = rdata[:serial_at] + serial.to_bytes(4, "big") + rdata[serial_at + 4 :]
    return RRset(owner=soa.owner, rdtype=soa.rdtype, ttl=soa.ttl, rdatas=(changed,))
