"""When the NS may change: the published example, laws of the two rules, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.keyring import NOW, VALIDITY, ksk, zsk
from tests.test_apex import plain_zone
from zonekit.apex import lower_ttls
from zonekit.errors import TimeError, TtlError, ZoneError
from zonekit.signing import sign_zone
from zonekit.transfer.switchover import CachedRecord, involved_records, replaced_records, safe_switchover
from zonekit.ttl import MAX_TTL, Ttl

DAY = 86400
ttls = st.integers(0, 7 * DAY).map(Ttl)
instants = st.integers(0, 30 * DAY).map(lambda seconds: NOW + timedelta(seconds=seconds))
records = st.builds(CachedRecord, record=st.sampled_from(["DNSKEY", "DS", "NS"]), ttl=ttls, effective=instants)


def test_a_day_at_the_operator_and_two_for_the_ds_make_two_days() -> None:
    losing = sign_zone(plain_zone(), [ksk(), zsk()], validity=VALIDITY, dnskey_ttl=DAY)
    old = replaced_records([losing], ds_ttl=2 * DAY, losing_effective=NOW, ds_effective=NOW, gaining_effective=NOW)
    switchover = safe_switchover(old, involved=involved_records(losing, effective=NOW))
    assert switchover.at == switchover.by_longest_ttl == NOW + timedelta(hours=48)
    assert switchover.because.record == switchover.longest.record == "DS at the parent"


@given(st.lists(records, min_size=1, max_size=5), st.lists(records, max_size=4))
def test_no_old_version_is_left_at_the_switch_and_one_is_a_second_before(
    old: list[CachedRecord], involved: list[CachedRecord]
) -> None:
    switchover = safe_switchover(old, involved=involved)
    second = timedelta(seconds=1)
    assert all(record.effective + second * record.ttl <= switchover.at for record in old)
    assert any(record.effective + second * record.ttl > switchover.at - second for record in old)
    assert switchover.because in old
    assert switchover.because.gone_from_caches == switchover.at


@given(st.lists(records, min_size=1, max_size=5), st.lists(records, max_size=4))
def test_the_simple_rule_is_never_earlier_than_the_exact_one(
    old: list[CachedRecord], involved: list[CachedRecord]
) -> None:
    switchover = safe_switchover(old, involved=involved)
    assert switchover.by_longest_ttl >= switchover.at
    assert switchover.longest.ttl == max(record.ttl for record in (*old, *involved))
    last = max(record.effective for record in old)
    assert switchover.by_longest_ttl == last + timedelta(seconds=switchover.longest.ttl)


@given(st.lists(records, min_size=1, max_size=5), records, st.integers(0, 10 * DAY))
def test_a_longer_ttl_or_a_later_change_never_makes_it_earlier(
    old: list[CachedRecord], record: CachedRecord, more: int
) -> None:
    before = safe_switchover([*old, record])
    longer = CachedRecord(record=record.record, ttl=Ttl(min(record.ttl + more, MAX_TTL)), effective=record.effective)
    later = CachedRecord(record=record.record, ttl=record.ttl, effective=record.effective + timedelta(seconds=more))
    for changed in (longer, later):
        assert safe_switchover([*old, changed]).at >= before.at


@given(st.lists(records, min_size=1, max_size=5), st.integers(0, 1000 * DAY))
def test_shifting_every_fact_shifts_the_answer(old: list[CachedRecord], seconds: int) -> None:
    shift = timedelta(seconds=seconds)
    moved = [CachedRecord(record=record.record, ttl=record.ttl, effective=record.effective + shift) for record in old]
    assert safe_switchover(moved).at == safe_switchover(old).at + shift


def test_the_ttl_before_the_change_counts() -> None:
    losing = sign_zone(plain_zone(), [ksk(), zsk()], validity=VALIDITY, dnskey_ttl=DAY)
    lowered = lower_ttls(losing, 600, signers=[ksk(), zsk()], validity=VALIDITY).zone
    same = {"ds_ttl": 600, "losing_effective": NOW, "ds_effective": NOW, "gaining_effective": NOW}
    assert safe_switchover(replaced_records([losing], **same)).at == NOW + timedelta(days=1)
    # Lowering shortens the wait only for those who know that nothing older was served in the time that counts.
    for served in ([losing, lowered], [lowered, losing]):
        assert safe_switchover(replaced_records(served, **same)).at == NOW + timedelta(days=1)
    with pytest.raises(ZoneError, match="no version of the losing zone is given"):
        replaced_records([], **same)


def test_the_simple_rule_counts_ns_and_signatures_too() -> None:
    losing = sign_zone(plain_zone(), [ksk(), zsk()], validity=VALIDITY, dnskey_ttl=60)
    involved = involved_records(losing, effective=NOW)
    assert {record.record: record.ttl for record in involved} == {
        "NS of the losing operator": 86400,
        "RRSIG over DNSKEY of the losing operator": 60,
        "RRSIG over NS of the losing operator": 86400,
    }


def test_guessed_facts_give_no_answer() -> None:
    losing = sign_zone(plain_zone(), [ksk(), zsk()], validity=VALIDITY)
    same = {"losing_effective": NOW, "ds_effective": NOW, "gaining_effective": NOW}
    with pytest.raises(TtlError, match=r"TTL of the DS RRset at the parent is not known; ask one of the parent's"):
        replaced_records([losing], ds_ttl=None, **same)
    with pytest.raises(TtlError, match="outside 0 to"):
        replaced_records([losing], ds_ttl=-1, **same)
    with pytest.raises(ZoneError, match="no DNSKEY RRset"):
        replaced_records([plain_zone()], ds_ttl=60, **same)
    with pytest.raises(TimeError, match="no replaced records given"):
        safe_switchover([])
    with pytest.raises(TimeError, match="no time zone"):
        CachedRecord(record="DS", ttl=Ttl(60), effective=datetime(2026, 11, 21))
    assert CachedRecord(record="DS", ttl=Ttl(60), effective=datetime(2026, 11, 21, tzinfo=UTC)).ttl == 60
