"""The example zones are what the demo and the README say they are."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.zone
import pytest

from tests.peers import assert_accepted, named_checkzone, run_peer

ZONES = Path(__file__).parent.parent / "fixtures" / "zones"
LOSING, GAINING = ZONES / "example.nl.zone", ZONES / "example.nl.gaining.zone"
DOCUMENTATION = [
    ipaddress.ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]

both = pytest.mark.parametrize("path", [LOSING, GAINING], ids=lambda path: path.name)


def read(path: Path) -> dns.zone.Zone:
    return dns.zone.from_file(str(path), origin="example.nl.", relativize=False)


def records(zone: dns.zone.Zone) -> set[tuple[str, int, str, str]]:
    return {
        (name.to_text(), ttl, dns.rdatatype.to_text(rdata.rdtype), rdata.to_text())
        for name, ttl, rdata in zone.iterate_rdatas()
    }


@both
def test_named_would_load_each_zone(path: Path) -> None:
    assert_accepted(named_checkzone(path, "example.nl"))


@both
def test_knot_and_nsd_would_load_each_zone(path: Path) -> None:
    knot = run_peer(["kzonecheck", "-o", "example.nl.", path])
    assert knot.returncode == 0, knot.stdout + knot.stderr
    nsd = run_peer(["nsd-checkzone", "example.nl", path])
    assert nsd.returncode == 0, nsd.stdout + nsd.stderr


def test_the_two_operators_serve_the_same_but_for_soa_and_name_servers() -> None:
    losing, gaining = records(read(LOSING)), records(read(GAINING))
    assert {(name, rdtype) for name, _, rdtype, _ in losing ^ gaining} == {
        ("example.nl.", "SOA"),
        ("example.nl.", "NS"),
    }


@both
def test_no_address_is_anybodys(path: Path) -> None:
    addresses = [ipaddress.ip_address(text) for _, _, rdtype, text in records(read(path)) if rdtype in ("A", "AAAA")]
    assert len(addresses) > 10
    for address in addresses:
        assert any(address in network for network in DOCUMENTATION if network.version == address.version), address


@both
def test_each_zone_has_what_hosting_zones_have(path: Path) -> None:
    zone = read(path)
    apex = dns.name.from_text("example.nl.")
    names = set(zone.nodes)

    def types(name: str) -> set[str]:
        node = zone.nodes[dns.name.from_text(name, apex)]
        return {dns.rdatatype.to_text(rdataset.rdtype) for rdataset in node}

    assert types("@") == {"SOA", "NS", "A", "AAAA", "MX", "TXT", "CAA"}
    assert types("www") == {"CNAME"}
    assert types("*.preview") == {"A"}
    assert types("_sip._tcp") == {"SRV"}
    assert types("_dmarc") == {"TXT"}
    assert types("lab") == {"NS", "DS"}
    assert types("partner") == {"NS"}
    assert types("ns1.lab") == {"A", "AAAA"}
    for empty in ("_tcp", "_domainkey", "preview", "office", "printers.office"):
        name = dns.name.from_text(empty, apex)
        assert name not in names
        assert any(other.is_subdomain(name) for other in names)
    dkim = zone.find_rdataset("s2026._domainkey.example.nl.", "TXT")[0]
    assert len(dkim.strings) > 1
    assert sum(map(len, dkim.strings)) > 255
    assert zone.find_rdataset("@", "NS").ttl == 86400
    assert not any(rdata.target.is_subdomain(apex) for rdata in zone.find_rdataset("@", "NS"))
    assert 18 <= len(names) <= 24
