"""Facts from zones say what the zones show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.keyring import NOW, VALIDITY, csk, ksk, zsk
from zonekit.apex import lower_ttls, merge_dnskeys
from zonekit.dnskeys import parse_dnskeys
from zonekit.ds import make_ds
from zonekit.errors import PlanError, TtlError
from zonekit.instants import SignatureValidity
from zonekit.keys import SigningKey
from zonekit.signing import sign_zone
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.proof import Safe
from zonekit.transfer.steps import Flow
from zonekit.transfer.versions import Overlap, Source
from zonekit.ttl import Ttl
from zonekit.zonefile import parse_zone
from zonekit.zones import RRset, Zone

DAY = 86400
FIVE = timedelta(minutes=5)
LOSING_KEYS = [ksk(), zsk()]
GAINING_KEYS = [ksk(number=1), zsk(number=1)]
SOA = "@ {soa} SOA {server} hostmaster 7 7200 3600 1209600 300\n"
TEXT = (
    SOA
    + "@ {ns} NS {server}\n@ 3600 A 192.0.2.1\nlong {data} TXT long\nns1 900 A 192.0.2.53\nns1 1800 AAAA 2001:db8::53\n"
)


def unsigned(server: str = "ns1.losing.example.", *, ns: int = DAY, soa: int = 3600, data: int = 7200) -> Zone:
    return parse_zone(TEXT.format(server=server, ns=ns, soa=soa, data=data), "example.nl")


def signed(zone: Zone, keys: list[SigningKey], *, dnskey_ttl: int = DAY, days: int = 14) -> Zone:
    validity = SignatureValidity.starting(NOW, timedelta(days=days))
    return sign_zone(zone, keys, validity=validity, dnskey_ttl=Ttl(dnskey_ttl))


LOSING = signed(unsigned(), LOSING_KEYS)
GAINING = signed(unsigned("ns1.gaining.example.", ns=3600), GAINING_KEYS, dnskey_ttl=600, days=20)


def facts(losing: Zone = LOSING, gaining: Zone = GAINING, **more: Any) -> Facts:
    known: dict[str, Any] = {
        "parent_ds": make_ds([ksk()], ttl=2 * DAY),
        "registration_delay": timedelta(0),
        "ds_ttl": 2 * DAY,
        "ns_ttl": 2 * DAY,
        "negative_ttl": 900,
        "losing_delay": FIVE,
        "gaining_delay": FIVE,
        "parent_delay": timedelta(hours=1),
    }
    return Facts.from_zones(losing, gaining, **(known | more))


def signs(found: Facts, source: Source) -> dict[str, tuple[bool, bool]]:
    operator = found.losing if source is Source.LOSING else found.gaining
    return {each.key.name: (each.signs_dnskey, each.signs_data) for each in operator.keys}


def test_keys_have_the_roles_that_their_signatures_show() -> None:
    found = facts()
    assert signs(found, Source.LOSING) == {
        f"KSK {ksk().key_tag} of the losing operator": (True, False),
        f"ZSK {zsk().key_tag} of the losing operator": (False, True),
    }
    assert len(signs(found, Source.GAINING)) == 2
    (entry,) = found.parent.ds
    assert entry.key.name == f"KSK {ksk().key_tag} of the losing operator"
    assert (entry.digest_type, entry.key.algorithm) == (2, 13)
    one = facts(losing=signed(unsigned(), [csk()]), parent_ds=make_ds([csk()]))
    assert signs(one, Source.LOSING) == {f"CSK {csk().key_tag} of the losing operator": (True, True)}


def test_ttls_and_negative_ttls_are_those_of_the_zones() -> None:
    found = facts()
    assert (found.losing.ns_ttl, found.losing.dnskey_ttl, found.losing.data_ttl) == (DAY, DAY, 7200)
    assert (found.gaining.ns_ttl, found.gaining.dnskey_ttl) == (3600, 600)
    negative = facts(losing=signed(unsigned(soa=250_000, data=60), LOSING_KEYS))
    assert negative.losing.data_ttl == 250_000, "the SOA's own TTL counts"
    assert found.losing.propagation_delay == FIVE
    assert found.parent.propagation_delay == timedelta(hours=1)


def test_signatures_expire_only_where_they_are_not_renewed() -> None:
    assert facts().losing.signatures_expire is None
    expiring = facts(expiring=[Source.LOSING, Source.GAINING])
    assert expiring.losing.signatures_expire == NOW + timedelta(days=14)
    assert expiring.gaining.signatures_expire == NOW + timedelta(days=20)
    again = merge_dnskeys(
        LOSING,
        parse_dnskeys(zsk(number=2)),
        signers=LOSING_KEYS,
        validity=SignatureValidity.starting(NOW, timedelta(days=2)),
    )
    assert facts(losing=again, expiring=[Source.LOSING]).losing.signatures_expire == NOW + timedelta(days=2)


def test_merged_zones_tell_their_own_keys_from_the_others() -> None:
    losing = merge_dnskeys(LOSING, parse_dnskeys([*GAINING_KEYS]), signers=LOSING_KEYS, validity=VALIDITY)
    gaining = merge_dnskeys(GAINING, parse_dnskeys(zsk()), signers=GAINING_KEYS, validity=VALIDITY)
    merged, alone = facts(losing, gaining), facts()
    assert signs(merged, Source.LOSING) == signs(alone, Source.LOSING)
    assert signs(merged, Source.GAINING) == signs(alone, Source.GAINING)
    assert replace(merged) == alone


def test_a_key_that_is_published_and_signs_nothing_is_known() -> None:
    waiting = merge_dnskeys(LOSING, parse_dnskeys(zsk(number=2)), signers=LOSING_KEYS, validity=VALIDITY)
    name = f"ZSK {zsk(number=2).key_tag} of the losing operator"
    assert signs(facts(losing=waiting), Source.LOSING)[name] == (False, False)


def test_name_servers_inside_the_zone_bring_their_addresses() -> None:
    assert facts().losing.address_ttl is None
    inside = signed(unsigned("ns1.example.nl."), LOSING_KEYS)
    assert facts(losing=inside).losing.address_ttl == 1800
    with pytest.raises(PlanError, match=r"the name server ns9\.example\.nl\. has no address in the zone"):
        facts(losing=signed(unsigned("ns9.example.nl."), LOSING_KEYS))


def test_a_shared_name_server_is_an_overlap() -> None:
    assert facts().shared_servers == ()
    shared = facts(gaining=signed(unsigned("NS1.losing.example."), GAINING_KEYS))
    assert shared.shared_servers == (Overlap(asked=Source.LOSING, answers=Source.GAINING),)
    moved = TEXT.replace("192.0.2.53", "192.0.2.54").replace("2001:db8::53", "2001:db8::54")
    for other, stays in ((TEXT, set()), (moved, {"ns1.example.nl."})):
        values = {"soa": 3600, "ns": DAY, "data": 7200, "server": "ns1.example.nl."}
        zone = parse_zone(other.format(**values), "example.nl")
        found = facts(
            losing=signed(unsigned("ns1.example.nl."), LOSING_KEYS), gaining=signed(zone, GAINING_KEYS), glue_ttl=DAY
        )
        assert found.servers_that_stay == stays
        assert found.shared_servers == (() if stays else (Overlap(asked=Source.LOSING, answers=Source.GAINING),))
    given = Overlap(asked=Source.PARENT, answers=Source.GAINING)
    assert facts(overlaps=[given]).shared_servers == (given,)


def test_zones_that_are_not_signed_have_no_keys() -> None:
    found = facts(gaining=unsigned("ns1.gaining.example."))
    assert found.gaining.keys == ()
    assert found.gaining.dnskey_ttl == 300
    assert isinstance(prove(plan_transfer(found, flow=Flow.TO_UNSIGNED, start=NOW)), Safe)
    found = facts(losing=unsigned(), parent_ds=None)
    assert found.parent.ds == frozenset()
    assert isinstance(prove(plan_transfer(found, flow=Flow.FROM_UNSIGNED, start=NOW)), Safe)


def test_a_plan_from_zones_is_safe_and_the_ttls_before_lowering_count() -> None:
    plan = plan_transfer(facts(timing=Timing(lowered_ttl=Ttl(600))), start=NOW)
    assert isinstance(prove(plan), Safe)
    assert plan.switchover == NOW + timedelta(days=2, hours=1)
    lowered = lower_ttls(LOSING, Ttl(600), signers=LOSING_KEYS, validity=VALIDITY).zone
    assert facts(losing=lowered).losing.dnskey_ttl == 600, "so hand in the zone as it was before"


def test_an_unknown_ds_ttl_is_refused_with_the_way_to_find_it() -> None:
    with pytest.raises(TtlError, match=r"dig \+norecurse DS"):
        facts(ds_ttl=None)


def test_a_transfer_that_has_begun_is_told_from_a_ds_that_is_wrong() -> None:
    both = make_ds([ksk(), ksk(number=1)], ttl=2 * DAY)
    name = f"KSK {ksk(number=1).key_tag} of the gaining operator"
    with pytest.raises(
        PlanError, match=f"the parent has the DS of {name} already.*leave that DS.*record the step ds-add"
    ):
        facts(parent_ds=both)
    merged = merge_dnskeys(LOSING, parse_dnskeys([*GAINING_KEYS]), signers=LOSING_KEYS, validity=VALIDITY)
    with pytest.raises(PlanError, match="the transfer has begun"):
        facts(losing=merged, parent_ds=both)
    plan = plan_transfer(facts(losing=merged), start=NOW)
    recorded = plan.record("ds-added", started=NOW, completed=NOW + FIVE)
    assert isinstance(prove(recorded), Safe)


@pytest.mark.parametrize("name", ["losing_delay", "gaining_delay"])
def test_a_delay_that_is_none_is_refused_by_the_name_it_was_given_by(name: str) -> None:
    with pytest.raises(PlanError, match=f"^{name} is None, of type NoneType, and not a timedelta; give a timedelta"):
        facts(**{name: None})
    with pytest.raises(PlanError, match=f"^{name} is -1 day"):
        facts(**{name: -FIVE})


def test_contradictions_are_refused() -> None:
    with pytest.raises(
        PlanError, match=f"the DS with key tag {ksk(number=2).key_tag} at the parent is of no key in the"
    ):
        facts(parent_ds=make_ds([ksk(number=2)]))
    waiting = merge_dnskeys(LOSING, parse_dnskeys(ksk(number=2)), signers=LOSING_KEYS, validity=VALIDITY)
    with pytest.raises(PlanError, match="which does not sign the losing DNSKEY RRset"):
        facts(losing=waiting, parent_ds=make_ds([ksk(number=2)]))
    with pytest.raises(PlanError, match="signs both zones"):
        facts(gaining=signed(unsigned("ns1.gaining.example."), LOSING_KEYS))
    other = Zone.from_rrsets(
        "example.com",
        [
            RRset.from_text("example.com.", 60, "SOA", "ns.example. h.example. 1 1 1 1 1"),
            RRset.from_text("example.com.", 60, "NS", "ns.example."),
        ],
    )
    with pytest.raises(PlanError, match=r"the zones are example\.nl\. and example\.com\."):
        facts(gaining=other)
