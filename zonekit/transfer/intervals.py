"""How long something has to be waited for: the formulas of RFC 7583, one function each.

The symbols are the RFC's: Dprp is how long a change takes to reach the last server (DprpC the child's, DprpP the
parent's), Ipub and Iret are the publication and retirement intervals. A cache may keep what it has beyond its TTL; where
the RFC says TTL, callers pass what the least patient resolver they care for makes of it.
"""

from __future__ import annotations

from datetime import timedelta


def zsk_publication_interval(zone_propagation_delay: timedelta, dnskey_ttl: int) -> timedelta:
    """Ipub = Dprp + TTLkey (RFC 7583 section 3.2.1): until every cache has the DNSKEY RRset with the new ZSK."""
    return zone_propagation_delay + timedelta(seconds=dnskey_ttl)


def zsk_retirement_interval(
    signing_delay: timedelta, zone_propagation_delay: timedelta, signature_ttl: int
) -> timedelta:
    """Iret = Dsgn + Dprp + TTLsig (RFC 7583 section 3.2.1): until no cache has a signature by the old ZSK."""
    return signing_delay + zone_propagation_delay + timedelta(seconds=signature_ttl)


def ksk_publication_interval(zone_propagation_delay: timedelta, dnskey_ttl: int) -> timedelta:
    """IpubC = DprpC + TTLkey (RFC 7583 section 3.3.1): until every cache has the DNSKEY RRset with the new KSK."""
    return zone_propagation_delay + timedelta(seconds=dnskey_ttl)


def ds_publication_interval(parent_propagation_delay: timedelta, ds_ttl: int) -> timedelta:
    """IpubP = DprpP + TTLds (RFC 7583 section 3.3.2): until every cache has the DS RRset with the new DS."""
    return parent_propagation_delay + timedelta(seconds=ds_ttl)


def ds_retirement_interval(parent_propagation_delay: timedelta, ds_ttl: int) -> timedelta:
    """Iret = DprpP + TTLds (RFC 7583 section 3.3.1): until no cache has the DS RRset with the old DS alone."""
    return parent_propagation_delay + timedelta(seconds=ds_ttl)


def dnskey_retirement_interval(zone_propagation_delay: timedelta, dnskey_ttl: int) -> timedelta:
    """IretC = DprpC + TTLkey (RFC 7583 section 3.3.2): until no cache has the DNSKEY RRset with the old KSK alone."""
    return zone_propagation_delay + timedelta(seconds=dnskey_ttl)
