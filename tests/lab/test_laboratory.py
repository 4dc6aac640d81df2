"""The laboratory itself: every kind of server answers, every resolver validates, and the client sees what goes wrong."""

from __future__ import annotations

import time
from functools import partial

import dns.flags
import dns.rcode
import pytest

from tests.lab.asking import query, serial_at
from tests.lab.authorities import Authority, KnotServer, NamedServer, NsdServer, PdnsServer
from tests.lab.client import Security, Watched
from tests.lab.laboratory import BEHIND_CACHE, Lab
from tests.lab.operators import Operator, policy_text, sign_by_policy, sign_live
from tests.lab.parent import DELEGATION_TTL
from tests.lab.resolvers import USUAL
from tests.lab.zones import TTL, child, signed_zone, unsigned_zone
from zonekit.ds import make_ds
from zonekit.zones import RRset, Zone

pytestmark = pytest.mark.xdist_group("lab")


@pytest.fixture(scope="module")
def knot(lab: Lab) -> Operator[KnotServer]:
    return lab.operator("knot", KnotServer)


def assert_secure_everywhere(lab: Lab, domain: str) -> None:
    for name, resolver in lab.resolvers.items():
        answer = query(resolver.address, f"www.{domain}", "A")
        assert answer.rcode() == dns.rcode.NOERROR, f"{name}: {answer}\n{resolver.log_tail()}"
        assert answer.flags & dns.flags.AD, f"{name}: {answer}\n{resolver.log_tail()}"


def is_found(address: str, name: str) -> bool:
    return bool(query(address, name, "A", recursion=False).answer)


def served_dnskeys(domain: str, address: str) -> RRset:
    (found,) = [rrset for rrset in query(address, domain, "DNSKEY", recursion=False).answer if rrset.rdtype == 48]
    return RRset.from_dnspython(found)


def test_every_resolver_is_there(lab: Lab) -> None:
    assert list(lab.resolvers) == [*USUAL, BEHIND_CACHE]


@pytest.mark.parametrize("kind", [NamedServer, KnotServer, NsdServer, PdnsServer])
def test_a_zone_that_zonekit_signed_is_secure_from_every_program(lab: Lab, kind: type[Authority]) -> None:
    operator = lab.operator(f"presigned-{kind.program.replace('_', '-')}", kind)
    domain = child(operator.name)
    zone, keys = signed_zone(unsigned_zone(domain, operator.hosts))
    operator.load(zone)
    lab.parent.delegate(domain, operator.hosts, ds=make_ds(keys[:1], ttl=DELEGATION_TTL))
    assert_secure_everywhere(lab, domain)
    newer, _ = signed_zone(unsigned_zone(domain, operator.hosts, serial=2), keys)
    operator.load(newer, servers=operator.servers[:1])
    serials = [serial_at(address, domain) for address in operator.addresses]
    assert serials == ([2, 2] if kind is PdnsServer else [2, 1]), "PowerDNS shares one database"
    operator.drop(zone.origin)
    assert [serial_at(address, domain) for address in operator.addresses] == [None, None]


@pytest.mark.parametrize("inline", [True, False])
def test_a_zone_that_named_signs_by_itself_is_secure(lab: Lab, inline: bool) -> None:
    operator = lab.operator(f"policy-{'inline' if inline else 'update'}", NamedServer)
    domain = child(operator.name)
    sign_by_policy(operator, unsigned_zone(domain, operator.hosts), policy=policy_text(dnskey_ttl=TTL), inline=inline)
    dnskeys = served_dnskeys(domain, operator.addresses[0])
    lab.parent.delegate(domain, operator.hosts, ds=make_ds(dnskeys, ttl=DELEGATION_TTL))
    assert_secure_everywhere(lab, domain)


def test_a_zone_that_powerdns_signs_live_is_secure(lab: Lab) -> None:
    operator = lab.operator("live", PdnsServer)
    domain = child("live")
    sign_live(operator, unsigned_zone(domain, operator.hosts))
    dnskeys = served_dnskeys(domain, operator.addresses[1])
    lab.parent.delegate(domain, operator.hosts, ds=make_ds(dnskeys, ttl=DELEGATION_TTL))
    assert_secure_everywhere(lab, domain)


def test_a_named_that_signs_in_its_file_takes_dynamic_updates(lab: Lab) -> None:
    operator = lab.operator("updated", NamedServer)
    domain = child("updated")
    zone = unsigned_zone(domain, operator.hosts)
    sign_by_policy(operator, zone, policy=policy_text(dnskey_ttl=TTL), inline=False)
    added = RRset.from_text(f"new.{domain}", TTL, "A", "192.0.2.9")
    operator.servers[0].update(zone.origin, add=[added.to_dnspython()])
    for server in operator.servers:
        server.wait(partial(is_found, server.address, f"new.{domain}"), "does not have the new name")


def test_the_client_counts_what_is_good_and_tells_what_is_not(lab: Lab, knot: Operator[KnotServer]) -> None:
    domains = [child(f"client{number}") for number in range(3)]
    good, bogus, insecure = domains
    zones: list[Zone] = []
    for domain in domains:
        zone, keys = signed_zone(unsigned_zone(domain, knot.hosts))
        other = signed_zone(unsigned_zone(domain, knot.hosts))[1]
        ds = {good: make_ds(keys[:1], ttl=DELEGATION_TTL), bogus: make_ds(other[:1], ttl=DELEGATION_TTL)}.get(domain)
        knot.load(zone)
        lab.parent.delegate(domain, knot.hosts, ds=ds)
        zones.append(zone)
    watched = [Watched(good), Watched(bogus), Watched(insecure, security=Security.INSECURE)]
    with lab.client(watched) as client:
        time.sleep(3)
    report = client.report()
    report.of(good).assert_good(at_least=20)
    report.of(insecure).assert_good(at_least=20)
    assert {answer.fault for answer in report.of(bogus).answers} == {"SERVFAIL"}
    with pytest.raises(AssertionError, match="answers are bad"):
        report.assert_good()


def test_the_client_sees_servers_that_do_not_answer(lab: Lab) -> None:
    operator = lab.operator("frozen", NsdServer)
    domain = child("frozen")
    zone, keys = signed_zone(unsigned_zone(domain, operator.hosts))
    operator.load(zone)
    lab.parent.delegate(domain, operator.hosts, ds=make_ds(keys[:1], ttl=DELEGATION_TTL))
    with lab.client([Watched(domain)]) as client:
        time.sleep(1)
        operator.servers[0].freeze()
        time.sleep(3)
        operator.servers[0].thaw()
    client.report().assert_good()
    for server in operator.servers:
        server.freeze()
    with lab.client([Watched(domain)]) as client:
        time.sleep(1)
    assert {answer.fault for answer in client.report().bad} <= {"no answer", "SERVFAIL"}
    assert client.report().bad
    for server in operator.servers:
        server.thaw()


def test_one_server_of_the_parent_may_lag_behind(lab: Lab, knot: Operator[KnotServer]) -> None:
    domain = child("lagging")
    lab.parent.delegate(domain, knot.hosts)
    one, other = lab.parent.servers
    lab.parent.change_ns(domain, knot.hosts[:1], servers=[one])
    counts = [len(query(each.address, domain, "NS", recursion=False).authority[0]) for each in (one, other)]
    assert counts == [1, 2]
    lab.parent.load()
    assert len(query(other.address, domain, "NS", recursion=False).authority[0]) == 1
