"""The receipt for keys: every reason, every date, the same after a trip through JSON, and nothing private."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.keyring import NOW, VALIDITY
from tests.test_foreign_signatures import colliding_keys
from tests.test_transfer_check import the_facts
from tests.transfer_worlds import (
    DAY,
    GAINING,
    GAINING_KEYS,
    LOSING,
    LOSING_KEYS,
    LOSING_SERVERS,
    LOW,
    keys,
    signed,
    unsigned,
)
from zonekit import errors
from zonekit.algorithms import Algorithm
from zonekit.apex import lower_ttls, merge_dnskeys
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.ds import make_ds
from zonekit.errors import DnskeyRefused, PlanError, TimeError, TtlError, ZoneError
from zonekit.keys import KeyRole, private_key_pem
from zonekit.transfer.ledger import Ledger, Observation, Record
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.receipts import (
    MAX_KEYS,
    DsState,
    Publication,
    PublicationState,
    Receipt,
    ReceivedKey,
    Refusal,
    make_receipt,
)
from zonekit.transfer.sightings import THERE_IS_NONE
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zonefile import parse_zone

KEYS = parse_dnskeys(GAINING_KEYS)
KSK, ZSK = KEYS
BY = "the losing operator's intake"


def broken(key: Dnskey, **changes: Any) -> Dnskey:
    fields = {name: getattr(key, name) for name in ("owner", "flags", "protocol", "algorithm", "public_key")}
    return Dnskey(**(fields | changes))


# ---- laws -----------------------------------------------------------------------------------------------------------

instants = st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, NOW.tzinfo))
spans = st.integers(0, 2**28).map(lambda seconds: timedelta(seconds=seconds))
lines = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
refusals = st.builds(Refusal, code=lines, reason=lines, rule=lines | st.just(""), remedy=lines | st.just(""))


@st.composite
def publications(draw: st.DrawFn, told: datetime) -> Publication:
    state, apart = draw(st.sampled_from(PublicationState)), draw(spans)
    at = told + apart if state is PublicationState.PLANNED else told - apart
    if draw(st.booleans()):
        return Publication(state=state, at=at)
    ttl = Ttl(draw(st.integers(0, 2**28)))
    return Publication(state=state, at=at, ttl=ttl, cached_until=at + timedelta(seconds=ttl) + draw(spans))


@st.composite
def received_keys(draw: st.DrawFn, told: datetime) -> ReceivedKey:
    why = tuple(draw(st.lists(refusals, max_size=2)))
    return ReceivedKey(
        owner=draw(st.sampled_from(("example.nl.", "Example.NL.", *((".", "a\\.b.nl.") if why else ())))),
        key_tag=draw(st.integers(0, 65535)),
        algorithm=draw(st.integers(0, 255)),
        flags=draw(st.integers(0, 65535)),
        digest=draw(st.binary(min_size=32, max_size=32)).hex().upper(),
        refusals=why,
        publication=None if why else draw(st.none() | publications(told)),
        ds=draw(st.sampled_from(DsState)),
    )


@st.composite
def receipts(draw: st.DrawFn) -> Receipt:
    at = draw(instants) + timedelta(seconds=2**28)
    keys = tuple(draw(st.lists(received_keys(at), min_size=1, max_size=4)))
    return Receipt(domain="example.nl.", by=draw(lines), at=at, keys=keys)


@given(receipts())
def test_a_receipt_reads_back_as_it_was(receipt: Receipt) -> None:
    text = receipt.as_json()
    assert Receipt.from_json(text) == receipt
    assert Receipt.from_json(text).as_json() == text
    assert {key for key in receipt.keys if key.is_accepted} == set(receipt.accepted)
    assert len(receipt.accepted) + len(receipt.refused) == len(receipt.keys)


@given(st.data())
def test_every_key_is_told_of_once_and_refused_for_every_reason(data: st.DataObject) -> None:
    offers = [
        *KEYS,
        broken(ZSK, owner=b"\x07example\x03com\x00"),
        broken(ZSK, protocol=2),
        broken(ZSK, flags=0),
        broken(ZSK, flags=256 | 128),
        broken(ZSK, public_key=b"\x01" * 7),
        broken(ZSK, algorithm=5, public_key=b"\x03\x01\x00\x01" + b"\xff" * 128),
    ]
    offered = data.draw(st.lists(st.sampled_from(offers), min_size=1, max_size=6))
    receipt = make_receipt(LOSING, offered, by=BY, at=NOW)
    assert [key.key_tag for key in receipt.keys] == [key.key_tag for key in offered]
    for place, (key, received) in enumerate(zip(offered, receipt.keys, strict=True)):
        again = key in offered[:place]
        assert received.is_accepted is (key in KEYS and not again)
        assert ("duplicate-key" in [each.code for each in received.refusals]) is again
    assert Receipt.from_json(receipt.as_json()) == receipt


# ---- vectors --------------------------------------------------------------------------------------------------------


def test_every_refusal_has_a_code_of_its_own() -> None:
    def all_of(kind: type[DnskeyRefused]) -> list[type[DnskeyRefused]]:
        return [each for sub in kind.__subclasses__() for each in (sub, *all_of(sub))]

    kinds = [kind for kind in all_of(DnskeyRefused) if kind.__module__ == errors.__name__]
    words = set()
    for kind in kinds:
        more = {"response_octets": 1, "max_response_octets": 1} if kind is errors.ResponseTooLarge else {}
        refused = kind("x", owner="example.nl.", remedy="r", rule="y", **more)  # type: ignore[arg-type]
        words.add(Refusal.of(refused).code)
    assert words == {
        *("wrong-owner", "wrong-protocol", "not-zone-key", "revoked-key", "unsupported-key", "malformed-key"),
        *("role-mismatch", "key-tag-collision", "duplicate-key", "response-too-large"),
    }


def test_all_reasons_are_given_and_not_the_first() -> None:
    bad = broken(ZSK, owner=b"\x07example\x03com\x00", protocol=2, flags=128)
    (key,) = make_receipt(LOSING, [bad], by=BY, at=NOW, roles={bad: KeyRole.KSK}).keys
    assert [each.code for each in key.refusals] == [
        *("wrong-owner", "wrong-protocol", "not-zone-key", "revoked-key", "role-mismatch"),
    ]
    assert key.owner == "example.com." and key.publication is None
    assert all(each.reason and each.rule for each in key.refusals)


def test_keys_are_known_by_their_tag_and_digest() -> None:
    receipt = make_receipt(LOSING, GAINING, by=BY, at=NOW)
    by_tag = {key.key_tag: key for key in receipt.keys}
    (ds,) = make_ds(GAINING_KEYS[:1]).rdatas
    assert by_tag[KSK.key_tag].digest == ds[4:].hex().upper()
    assert {key.flags for key in receipt.keys} == {256, 257}
    assert make_receipt(LOSING, GAINING.apex_rrset(48), by=BY, at=NOW) == receipt


def test_a_collision_is_the_later_keys_alone() -> None:
    first, second = colliding_keys()
    zone = signed(unsigned(LOSING_SERVERS), keys(3, Algorithm.ED25519))
    receipt = make_receipt(zone, parse_dnskeys([first, second]), by=BY, at=NOW)
    assert [[each.code for each in key.refusals] for key in receipt.keys] == [[], ["key-tag-collision"]]


def test_too_large_a_response_refuses_all_that_would_be_new() -> None:
    merged = merge_dnskeys(LOSING, [ZSK], signers=LOSING_KEYS, validity=VALIDITY)
    bad = broken(ZSK, protocol=2)
    receipt = make_receipt(merged, [ZSK, KSK, bad], by=BY, at=NOW, max_response_octets=300)
    assert [[each.code for each in key.refusals] for key in receipt.keys] == [
        *([], ["response-too-large"], ["wrong-protocol"]),
    ]


def test_the_dates_are_those_of_the_plan_and_the_ttl_that_counts() -> None:
    facts = the_facts(losing_delay=timedelta(hours=1))
    plan = plan_transfer(facts, start=NOW)
    receipt = make_receipt(LOSING, KEYS, by=BY, at=NOW, plan=plan)
    merged = plan.step("losing-merged")
    wanted = Publication(
        state=PublicationState.PLANNED, at=NOW, ttl=Ttl(DAY), cached_until=merged.completed + timedelta(days=1)
    )
    assert {key.publication for key in receipt.accepted} == {wanted}
    assert receipt.cached_until == NOW + timedelta(days=1, hours=1)
    seen = Observation(source=Source.LOSING, record=Record.DNSKEY, ttl=Ttl(3 * DAY), until=NOW)
    longer = plan_transfer(replace(facts, ledger=Ledger(observations=(seen,))), start=NOW)
    (told, _) = make_receipt(LOSING, KEYS, by=BY, at=NOW, plan=longer).keys
    assert told.publication is not None and told.publication.ttl == 3 * DAY
    over = replace(seen, until=NOW - timedelta(days=2, minutes=1))
    shorter = plan_transfer(replace(facts, ledger=Ledger(observations=(over,))), start=NOW)
    (told, _) = make_receipt(LOSING, KEYS, by=BY, at=NOW, plan=shorter).keys
    assert told.publication == wanted, "what was served so long ago has left the caches"
    none = make_receipt(LOSING, KEYS, by=BY, at=NOW, plan=plan_transfer(facts, flow=Flow.THROUGH_INSECURE, start=NOW))
    assert {key.publication for key in none.keys} == {None} and none.cached_until is None


def test_what_is_published_already_says_so() -> None:
    merged = merge_dnskeys(LOSING, [ZSK], signers=LOSING_KEYS, validity=VALIDITY)
    later, hour, day = NOW + timedelta(hours=2), timedelta(hours=1), timedelta(days=1)
    there, coming = make_receipt(
        merged, [ZSK, KSK], by=BY, at=NOW, publish_at=later, propagation_delay=hour, dnskey_ttl_before=DAY
    ).keys
    assert there.publication == Publication(
        state=PublicationState.PUBLISHED, at=NOW, ttl=Ttl(DAY), cached_until=NOW + hour + day
    ), "the last server need not have it yet (RFC 7583 section 3.2.1)"
    assert coming.publication == Publication(
        state=PublicationState.PLANNED, at=later, ttl=Ttl(DAY), cached_until=later + hour + day
    )
    plan = plan_transfer(the_facts(), start=NOW).record("losing-merged", started=NOW, completed=NOW)
    (recorded,) = make_receipt(merged, [ZSK], by=BY, at=later, plan=plan).keys
    assert recorded.publication is not None and recorded.publication.at == NOW
    assert recorded.publication.cached_until == NOW + day


def test_the_ttl_that_the_zone_has_once_it_was_lowered_is_no_date() -> None:
    merged = merge_dnskeys(LOSING, KEYS, signers=LOSING_KEYS, validity=VALIDITY)
    lowered = lower_ttls(merged, LOW, signers=LOSING_KEYS, validity=VALIDITY).zone
    assert lowered.apex_rrset(48).ttl == LOW

    def told(**more: Any) -> tuple[int | None, datetime | None]:
        receipt = make_receipt(lowered, KEYS, by=BY, at=NOW, **more)
        assert Receipt.from_json(receipt.as_json()) == receipt
        (publication,) = {key.publication for key in receipt.keys}
        assert publication is not None and publication.cached_until == receipt.cached_until
        return publication.ttl, publication.cached_until

    day = NOW + timedelta(days=1)
    assert told() == (None, None), "nobody says what the TTL was"
    assert told(dnskey_ttl_before=DAY) == (DAY, day)
    assert told(dnskey_ttl_before=60) == (LOW, NOW + timedelta(seconds=LOW)), "and that of now counts in any case"
    facts = the_facts()
    assert told(facts=facts) == told(plan=plan_transfer(facts, start=NOW)) == (DAY, day)
    seen = Observation(source=Source.LOSING, record=Record.DNSKEY, ttl=Ttl(DAY), until=NOW - timedelta(minutes=5))
    read_late = replace(facts, losing=replace(facts.losing, dnskey_ttl=Ttl(LOW)), ledger=Ledger(observations=(seen,)))
    assert told(facts=read_late) == (DAY, day)
    over = replace(seen, until=NOW - timedelta(days=1))
    assert told(facts=replace(read_late, ledger=Ledger(observations=(over,)))) == (
        LOW,
        NOW + timedelta(seconds=LOW),
    )
    assert told(facts=the_facts(losing_delay=timedelta(hours=1)))[1] == day + timedelta(hours=1)


def test_a_date_for_keys_to_come_needs_the_ttl_of_before_too() -> None:
    later = NOW + timedelta(hours=2)
    (bare, _) = make_receipt(LOSING, KEYS, by=BY, at=NOW, publish_at=later).keys
    assert bare.publication == Publication(state=PublicationState.PLANNED, at=later)
    (told, _) = make_receipt(LOSING, KEYS, by=BY, at=NOW, publish_at=later, facts=the_facts()).keys
    assert told.publication is not None and told.publication.cached_until == later + timedelta(days=1)
    assert make_receipt(LOSING, KEYS, by=BY, at=NOW, facts=the_facts()).cached_until is None, "facts have no dates"


def test_nothing_is_planned_in_the_past() -> None:
    late, day = NOW + timedelta(days=7), timedelta(days=1)
    plan = plan_transfer(the_facts(losing_delay=timedelta(hours=1)), start=NOW)
    (told, _) = make_receipt(LOSING, KEYS, by=BY, at=late, plan=plan).keys
    assert told.publication == Publication(
        state=PublicationState.PLANNED, at=late, ttl=Ttl(DAY), cached_until=late + timedelta(hours=1) + day
    )
    with pytest.raises(PlanError, match=r"publish_at is 2026-\S+, before the keys were received at 2026-") as refused:
        make_receipt(LOSING, KEYS, by=BY, at=late, publish_at=late - timedelta(seconds=1))
    assert refused.value.remedy


def test_a_merge_on_record_that_the_zone_does_not_show_is_no_publication() -> None:
    plan = plan_transfer(the_facts(), start=NOW).record("losing-merged", started=NOW, completed=NOW)
    receipt = make_receipt(LOSING, KEYS, by=BY, at=NOW + timedelta(hours=1), plan=plan)
    assert {key.publication for key in receipt.accepted} == {None} and receipt.cached_until is None
    assert [each["publication"] for each in json.loads(receipt.as_json())["keys"]] == [None, None]
    half = make_receipt(
        merge_dnskeys(LOSING, [ZSK], signers=LOSING_KEYS, validity=VALIDITY), [ZSK, KSK], by=BY, at=NOW, plan=plan
    )
    assert [key.publication is None for key in half.keys] == [False, True] and half.cached_until is None


def test_the_state_of_the_ds_is_told_where_somebody_looked() -> None:
    def states(**more: Any) -> list[DsState]:
        return [key.ds for key in make_receipt(LOSING, KEYS, by=BY, at=NOW, **more).keys]

    assert states() == [DsState.NOT_LOOKED_AT] * 2
    assert states(parent_ds=make_ds([LOSING_KEYS[0], GAINING_KEYS[0]])) == [DsState.PUBLISHED, DsState.NOT_NEEDED]
    assert states(parent_ds=THERE_IS_NONE) == [DsState.MISSING, DsState.NOT_NEEDED]


def test_nothing_private_is_in_a_receipt() -> None:
    text = make_receipt(LOSING, parse_dnskeys(GAINING_KEYS), by=BY, at=NOW).as_json()
    for key in GAINING_KEYS:
        body = private_key_pem(key).decode().splitlines()[1]
        assert body[:20] not in text and "PRIVATE" not in text


# ---- refusals -------------------------------------------------------------------------------------------------------


def changed(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = found
        for step in way:
            place = place[int(step)] if step.isdigit() else place[step]
        if value is KeyError:
            del place[last]
        else:
            place[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed("format", "zonekit-plan"), "format: is zonekit-plan; give a file of format zonekit-receipt"),
        (changed("version", 2), "version: is 2; this zonekit reads version 1"),
        (changed("version", True), "version: is True"),
        (changed("domain", KeyError), "domain: is missing"),
        (changed("domain", "a..b"), "a..b"),
        (changed("by", ""), "by: is empty"),
        (changed("by", "a\nb"), "by: is empty, too long or not of one line"),
        (changed("at", "2026-11-21T12:00:00"), "at: "),
        (changed("keys", []), "a receipt for no key"),
        (changed("keys", {}), "keys: is an object and not a list"),
        (changed("more", 1), "more: there is no such field"),
        (changed("keys.0.key_tag", 65536), r"keys\[0\]\.key_tag: is out of bounds"),
        (changed("keys.0.key_tag", True), r"keys\[0\]\.key_tag: is true or false"),
        (changed("keys.0.algorithm", "13"), r"keys\[0\]\.algorithm: is a text"),
        (changed("keys.0.flags", -1), r"keys\[0\]\.flags: is out of bounds"),
        (changed("keys.0.digest", "AB"), r"keys\[0\]: digest of a received key is no SHA-256 digest"),
        (changed("keys.0.accepted", False), r"keys\[0\]: key \d+ is said to be refused and has 0 refusals"),
        (changed("keys.0.accepted", 1), r"keys\[0\]\.accepted: "),
        (changed("keys.0.private", "x"), r"keys\[0\]\.private: there is no such field"),
        (
            changed("keys.0.refusals", [{"code": "x", "reason": "y"}]),
            "is said to be accepted and has 1 refusals|was refused",
        ),
        (changed("keys.0.refusals", [{"code": "x"}]), r"keys\[0\]\.refusals\[0\]\.reason: is missing"),
        (
            changed("keys.0.refusals", [{"code": "x", "reason": ""}]),
            r"keys\[0\]\.refusals\[0\]: reason of a refusal is empty",
        ),
        (changed("keys.0.ds", "gone"), r"keys\[0\]\.ds: 'gone' is not known"),
        (changed("keys.0.publication.state", "soon"), r"keys\[0\]\.publication\.state: 'soon' is not known"),
        (changed("keys.0.publication.ttl", -1), r"keys\[0\]\.publication\.ttl"),
        (
            changed("keys.0.publication.cached_until", "2020-01-01T00:00:00Z"),
            r"keys\[0\]\.publication: .*which is before",
        ),
        (changed("keys.0.publication.ttl", DAY + 1), r"keys\[0\]\.publication: .*before a TTL of 86401 has run out"),
        (changed("keys.0.publication.ttl", None), r"keys\[0\]\.publication: of ttl and cached_until"),
        (changed("keys.0.publication.cached_until", KeyError), r"keys\[0\]\.publication: of ttl and cached_until"),
        (
            changed("at", "2026-12-21T12:00:00Z"),
            r"key \d+ is planned at \S+, and the receipt is of 2026-12-21T12:00:00Z",
        ),
        (changed("keys.0.publication.state", "published"), r"key \d+ is published at \S+, and the receipt is of "),
        (
            changed("keys.0.owner", "example.com."),
            r"key \d+ of example\.com\. is said to be accepted, and is of another",
        ),
        (changed("keys.0.publication.at", KeyError), r"keys\[0\]\.publication\.at: is missing"),
    ],
)
def test_a_bad_receipt_is_refused_by_the_name_of_the_field(
    change: Callable[[dict[str, Any]], None], words: str
) -> None:
    receipt = make_receipt(LOSING, KEYS, by=BY, at=NOW, publish_at=NOW + timedelta(hours=1), dnskey_ttl_before=DAY)
    found = json.loads(receipt.as_json())
    change(found)
    with pytest.raises(PlanError, match=words):
        Receipt.from_json(json.dumps(found))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1, "format": 2}', '{"at": NaN}', "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        Receipt.from_json(text)


def test_what_no_receipt_can_be_made_of_is_refused() -> None:
    plan = plan_transfer(the_facts(), start=NOW)
    with pytest.raises(PlanError, match="a receipt for no key"):
        make_receipt(LOSING, [], by=BY, at=NOW)
    with pytest.raises(PlanError, match=f"{MAX_KEYS + 1} keys are offered"):
        make_receipt(LOSING, [ZSK] * (MAX_KEYS + 1), by=BY, at=NOW)
    with pytest.raises(PlanError, match="is empty"):
        make_receipt(LOSING, KEYS, by=" ", at=NOW)
    with pytest.raises(PlanError, match="not one line"):
        make_receipt(LOSING, KEYS, by="a\x1b[2J", at=NOW)
    with pytest.raises(PlanError, match="a plan and publish_at are given"):
        make_receipt(LOSING, KEYS, by=BY, at=NOW, plan=plan, publish_at=NOW)
    with pytest.raises(PlanError, match="a plan and facts are given"):
        make_receipt(LOSING, KEYS, by=BY, at=NOW, plan=plan, facts=the_facts())
    with pytest.raises(TtlError):
        make_receipt(LOSING, KEYS, by=BY, at=NOW, dnskey_ttl_before=-1)
    with pytest.raises(PlanError, match="propagation_delay"):
        make_receipt(LOSING, KEYS, by=BY, at=NOW, publish_at=NOW, propagation_delay=timedelta(seconds=-1))
    with pytest.raises(TimeError):
        make_receipt(LOSING, KEYS, by=BY, at=NOW.replace(tzinfo=None))
    with pytest.raises(ZoneError):
        make_receipt(unsigned(LOSING_SERVERS), KEYS, by=BY, at=NOW)
    with pytest.raises(PlanError, match=r"the plan is for example\.nl\., and the zone is example\.com\."):
        other = parse_zone("@ 60 SOA ns hostmaster 1 2 3 4 5\n@ 60 NS ns.example.net.\n", "example.com")
        make_receipt(other, KEYS, by=BY, at=NOW, plan=plan)
    with pytest.raises(PlanError, match=r"the facts are for example\.nl\., and the zone is example\.com\."):
        make_receipt(other, KEYS, by=BY, at=NOW, facts=the_facts())
