"""SOA serials: the arithmetic of RFC 1982, and the policies that choose the next one."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.serial
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import run_peer
from zonekit.errors import SerialError, TimeError
from zonekit.findings import Severity
from zonekit.names import parse_name
from zonekit.serials import (
    MODULUS,
    SerialChange,
    SerialOrder,
    SerialOutcome,
    SerialPolicy,
    change_serial,
    latest_serial,
    next_serial,
    not_raised,
    serial_add,
    serial_compare,
    serial_gt,
)

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
HALF = 2**31

edges = st.sampled_from([0, 1, 2, HALF - 1, HALF, HALF + 1, MODULUS - 2, MODULUS - 1, 2026112100, 1795303800])
serials = st.one_of(edges, st.integers(0, MODULUS - 1))
instants = st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


# ---- arithmetic -----------------------------------------------------------------------------------------------------


@given(serials, serials)
def test_two_serials_compare_as_in_dnspython_and_without_order_half_the_circle_apart(first: int, second: int) -> None:
    one, other = dns.serial.Serial(first), dns.serial.Serial(second)
    order = serial_compare(first, second)
    assert (order is SerialOrder.AFTER) == serial_gt(first, second) == (one > other)
    assert (order is SerialOrder.BEFORE) == serial_gt(second, first) == (one < other)
    assert (order is SerialOrder.EQUAL) == (first == second)
    assert (order is SerialOrder.UNDEFINED) == (abs(first - second) == HALF)


@given(serials, st.integers(1, HALF - 1))
def test_what_is_added_to_lies_after(serial: int, increment: int) -> None:
    added = serial_add(serial, increment)
    assert serial_gt(added, serial)
    assert serial_compare(serial, added) is SerialOrder.BEFORE
    assert added == (dns.serial.Serial(serial) + increment).value
    assert serial_add(serial, 0) == serial


@given(serials)
def test_a_serial_has_no_order_to_the_one_half_the_circle_away(serial: int) -> None:
    opposite = (serial + HALF) % MODULUS
    assert serial_compare(serial, opposite) is serial_compare(opposite, serial) is SerialOrder.UNDEFINED
    assert not serial_gt(serial, opposite)
    assert not serial_gt(opposite, serial)


@pytest.mark.parametrize("value", [-1, MODULUS])
def test_what_is_no_serial_is_refused(value: int) -> None:
    for refused in (
        lambda: serial_compare(value, 1),
        lambda: serial_gt(1, value),
        lambda: serial_add(value, 1),
        lambda: next_serial(value, SerialPolicy.KEEP),
    ):
        with pytest.raises(SerialError, match=rf"{value} is no serial: it is outside 0 to 2\^32-1"):
            refused()


@pytest.mark.parametrize("value", [None, "2026112100", 1.0, True, b"\x01"])
def test_what_is_no_whole_number_is_no_serial(value: Any) -> None:
    refusals: list[Callable[[], object]] = [
        lambda: serial_compare(1, value),
        lambda: serial_add(value, 1),
        lambda: serial_add(1, value),
        *(functools.partial(next_serial, value, policy, NOW) for policy in SerialPolicy),
    ]
    for refused in refusals:
        with pytest.raises(SerialError, match="a serial is a whole number, not "):
            refused()


@pytest.mark.parametrize("policy", ["date", "DATE", None, 0, SerialOrder.AFTER])
def test_a_policy_is_one_of_its_enumeration(policy: Any) -> None:
    with pytest.raises(SerialError, match=r"is a SerialPolicy, not a .*give one of SerialPolicy\.INCREMENT"):
        next_serial(1, policy, NOW)


@pytest.mark.parametrize("increment", [-1, HALF])
def test_an_increment_that_would_not_lead_forward_is_refused(increment: int) -> None:
    with pytest.raises(SerialError, match=r"cannot be added to a serial: it is outside 0 to 2\^31-1"):
        serial_add(1, increment)


# ---- policies -------------------------------------------------------------------------------------------------------


@given(serials, st.sampled_from([policy for policy in SerialPolicy if policy is not SerialPolicy.KEEP]), instants)
def test_the_next_serial_is_after_the_current_one_and_never_0(
    current: int, policy: SerialPolicy, now: datetime
) -> None:
    change = change_serial(current, policy, now)
    assert change == SerialChange(
        old=current, new=next_serial(current, policy, now), policy=policy, outcome=change.outcome
    )
    assert serial_gt(change.new, current)
    assert change.new != 0


@given(serials, instants)
def test_a_policy_is_followed_exactly_when_the_change_says_so(current: int, now: datetime) -> None:
    by_date = change_serial(current, SerialPolicy.DATE, now)
    assert (by_date.outcome is SerialOutcome.AS_ASKED) == (str(by_date.new // 100) == f"{now:%Y%m%d}")
    by_time = change_serial(current, SerialPolicy.UNIXTIME, now)
    assert (by_time.outcome is SerialOutcome.AS_ASKED) == (by_time.new == max(1, int(now.timestamp())))
    for change in (by_date, by_time):
        assert change.outcome is SerialOutcome.AS_ASKED or change.new in {current + 1, 1}
        assert bool(change.findings(parse_name("example.nl."))) == (change.outcome is SerialOutcome.INCREMENTED_INSTEAD)


@given(serials)
def test_kept_is_kept_and_incremented_is_one_more(current: int) -> None:
    assert next_serial(current, SerialPolicy.KEEP) == current
    assert next_serial(current, SerialPolicy.INCREMENT) == (current + 1 if current < MODULUS - 1 else 1)
    for policy in (SerialPolicy.KEEP, SerialPolicy.INCREMENT):
        assert change_serial(current, policy).outcome is SerialOutcome.AS_ASKED


@pytest.mark.parametrize(
    ("current", "new", "outcome"),
    [
        (1, 2026112100, SerialOutcome.AS_ASKED),
        (2026112099, 2026112100, SerialOutcome.AS_ASKED),
        (2026112100, 2026112101, SerialOutcome.AS_ASKED),
        (2026112198, 2026112199, SerialOutcome.AS_ASKED),
        (2026112199, 2026112200, SerialOutcome.INCREMENTED_INSTEAD),
        (2026112205, 2026112206, SerialOutcome.INCREMENTED_INSTEAD),
        (2099010100, 2099010101, SerialOutcome.INCREMENTED_INSTEAD),
        # 2^31 ahead of today's: there is no order, so nothing may jump; one more, and today's is after it again.
        (4173595748, 4173595749, SerialOutcome.INCREMENTED_INSTEAD),
        (4173595749, 2026112100, SerialOutcome.AS_ASKED),
    ],
)
def test_the_date_policy_counts_the_changes_of_a_day_from_00(current: int, new: int, outcome: SerialOutcome) -> None:
    change = change_serial(current, SerialPolicy.DATE, NOW)
    assert (change.new, change.outcome) == (new, outcome)


def test_the_day_of_the_date_policy_is_the_one_in_utc() -> None:
    somewhere_east = NOW.astimezone(datetime.strptime("+0900", "%z").tzinfo)
    assert f"{somewhere_east:%d}" == "22"
    assert next_serial(1, SerialPolicy.DATE, somewhere_east) == 2026112100


def test_the_unixtime_policy_takes_the_time_where_it_leads_forward() -> None:
    seconds = 1795303800
    assert int(NOW.timestamp()) == seconds
    for current, new, outcome in [
        (1, seconds, SerialOutcome.AS_ASKED),
        (seconds - 1, seconds, SerialOutcome.AS_ASKED),
        (seconds, seconds + 1, SerialOutcome.INCREMENTED_INSTEAD),
        (2026112100, 2026112101, SerialOutcome.INCREMENTED_INSTEAD),
    ]:
        change = change_serial(current, SerialPolicy.UNIXTIME, NOW)
        assert (change.new, change.outcome) == (new, outcome)
    assert next_serial(MODULUS - 1, SerialPolicy.UNIXTIME, datetime(1970, 1, 1, tzinfo=UTC)) == 1


def test_a_policy_that_was_not_followed_is_reported() -> None:
    (finding,) = change_serial(2026112100, SerialPolicy.UNIXTIME, NOW).findings(parse_name("example.nl."))
    assert (finding.code, finding.severity, finding.owner, finding.rdtype) == (
        "serial-ahead",
        Severity.INFO,
        "example.nl.",
        "SOA",
    )
    assert finding.message == (
        "serial 2026112100 is at or ahead of what the policy unixtime says; it was incremented to 2026112101"
    )


@pytest.mark.parametrize("policy", [SerialPolicy.DATE, SerialPolicy.UNIXTIME])
def test_a_policy_by_the_clock_needs_a_time_without_doubt(policy: SerialPolicy) -> None:
    with pytest.raises(SerialError, match=f"the serial policy {policy.value} needs to know the time; give now"):
        next_serial(1, policy)
    with pytest.raises(TimeError, match="has no time zone"):
        next_serial(1, policy, NOW.replace(tzinfo=None))


@pytest.mark.parametrize("policy", ["increment", "unixtime", "date", "keep"])
@pytest.mark.parametrize("current", [1, 2026112100, 2026112107, 2026112199, 2200000000, 3000000000])
def test_dnssec_signzone_chooses_the_same_serial(policy: str, current: int, tmp_path: Path) -> None:
    day = NOW.replace(hour=12)
    make_key = run_peer(["dnssec-keygen", "-q", "-a", "13", "-f", "KSK", "example.nl"], cwd=tmp_path, at=day)
    assert make_key.returncode == 0, make_key.stderr
    tmp_path.joinpath("zone").write_text(
        f"$TTL 60\nexample.nl. SOA ns h {current} 1 1 1 1\nexample.nl. NS ns\nns A 192.0.2.1\n"
    )
    command = ["dnssec-signzone", "-S", "-z", "-P", "-N", policy, "-O", "full", "-o", "example.nl", "-f", "-", "zone"]
    done = run_peer(command, cwd=tmp_path, at=day + timedelta(seconds=1))
    assert done.returncode == 0, done.stderr
    serial = re.search(r"\sSOA\s+\S+ \S+ (\d+) ", done.stdout)
    assert serial is not None, done.stdout
    assert int(serial[1]) == next_serial(current, SerialPolicy(policy), day + timedelta(seconds=1))


@given(serials, st.one_of(st.none(), serials), st.sampled_from(SerialPolicy))
def test_the_latest_of_two_serials_is_before_neither(serial: int, earlier: int | None, policy: SerialPolicy) -> None:
    latest = latest_serial(serial, earlier, policy)
    assert latest in (serial, earlier)
    assert not serial_gt(serial, latest)
    if policy is SerialPolicy.KEEP:
        assert latest == serial
    elif earlier is not None:
        assert not serial_gt(earlier, latest)


def test_a_serial_that_was_not_raised_is_told_with_both() -> None:
    finding = not_raised(b"\x02nl\x00", 7, 8)
    assert (finding.code, finding.owner, finding.severity) == ("serial-not-raised", "nl.", Severity.WARNING)
    assert "serial 7 is not after the earlier one 8" in finding.message
