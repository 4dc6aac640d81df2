"""What takes a look at other names: whether name servers have addresses, where hosts are aliases, and what nobody sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from zonekit import rdata as rd
from zonekit.findings import Finding, Severity
from zonekit.names import WILDCARD_LABEL, WireName, is_subdomain, name_text, order_key, parent_of
from zonekit.nodes import split_node
from zonekit.verifying import codes
from zonekit.zones import NameStatus, Zone

_ADDRESSES: Final = frozenset((rd.A, rd.AAAA))


def server_findings(zone: Zone, servers: Iterable[tuple[WireName, tuple[WireName, ...]]]) -> Iterator[Finding]:
    """Yield the name servers that cannot be reached by what the zone says, or are aliases.

    Where a delegation has another server that can, the finding is a warning.

    Args:
        zone: the zone.
        servers: the owner of each NS RRset of the zone, and the names in it.
    """
    known: dict[WireName, tuple[codes.Code, str] | None] = {}
    for owner, names in servers:
        failures = []
        for name in names:
            lowered = name.lower()
            if not is_subdomain(lowered, zone.apex):
                continue
            in_own = owner != zone.apex and is_subdomain(lowered, owner)
            if in_own:
                failure = _without_glue(zone, lowered)
            else:
                if lowered not in known:
                    known[lowered] = _unreachable(zone, lowered)
                failure = known[lowered]
            if failure is not None:
                failures.append((name, *failure))
        is_reachable = len(failures) < len(names)
        for name, code, why in failures:
            is_graver = owner == zone.apex or not is_reachable
            yield code.found(
                owner,
                rd.NS,
                f"the name server {name_text(name)} {why}",
                severity=code.severity if is_graver else Severity.WARNING,
            )


def _without_glue(zone: Zone, server: WireName) -> tuple[codes.Code, str] | None:
    types = _types_at(zone, server)
    if rd.CNAME in types:
        return codes.NS_IS_ALIAS, "is an alias"
    return None if types & _ADDRESSES else (codes.GLUE_MISSING, "lies in the delegation and has no glue")


def _unreachable(zone: Zone, server: WireName) -> tuple[codes.Code, str] | None:
    """Why a name server in the zone, and not in its own delegation, has no address there."""
    types = _types_seen(zone, server)
    if types is None:
        return None  # another delegation's, which its own servers know the address of (RFC 9471 section 2.2)
    if rd.CNAME in types:
        return codes.NS_IS_ALIAS, "is an alias"
    return None if types & _ADDRESSES else (codes.NS_WITHOUT_ADDRESS, "has no address in the zone")


def _types_at(zone: Zone, name: WireName) -> frozenset[int]:
    node = zone.node(name)
    return frozenset() if node is None else frozenset(rrset[0] for rrset in split_node(node))


def _types_seen(zone: Zone, name: WireName) -> frozenset[int] | None:
    """The types that a name in the zone has for a resolver; None where another zone says so.

    It is as good as an alias below a DNAME (RFC 6672 section 2.2), and has what a wildcard gives it.
    """
    cut = zone.cut_above(name)
    if cut is not None:
        return frozenset((rd.CNAME,)) if _redirects(zone, cut) else None
    status = zone.status_of(name)
    if status is NameStatus.DELEGATION:
        return None
    return _types_by_wildcard(zone, name) if status is NameStatus.ABSENT else _types_at(zone, name)


def _redirects(zone: Zone, cut: WireName) -> bool:
    """Whether a zone cut is a DNAME and not a delegation."""
    return cut == zone.apex or rd.NS not in _types_at(zone, cut)


def _types_by_wildcard(zone: Zone, name: WireName) -> frozenset[int]:
    """The types that a name gets from the wildcard at its closest encloser (RFC 4592 section 3.3.1)."""
    encloser = parent_of(name)
    while zone.status_of(encloser) is NameStatus.ABSENT:
        encloser = parent_of(encloser)
    return _types_at(zone, WILDCARD_LABEL + encloser)


def target_findings(zone: Zone, targets: Mapping[WireName, tuple[WireName, int]]) -> Iterator[Finding]:
    """Yield the hosts of MX and SRV records that are aliases (RFC 2181 section 10.3).

    Args:
        zone: the zone.
        targets: the hosts, in lower case, each with the owner and the type of a record that names it.
    """
    for target, (owner, rdtype) in targets.items():
        if is_subdomain(target, zone.apex) and rd.CNAME in (_types_seen(zone, target) or ()):
            yield codes.TARGET_IS_ALIAS.found(owner, rdtype, f"it leads to {name_text(target)}, which is an alias")


def occluded_findings(
    zone: Zone,
    occluded: Iterable[tuple[WireName, tuple[int, ...]]],
    servers: Iterable[tuple[WireName, tuple[WireName, ...]]],
) -> Iterator[Finding]:
    """Yield what lies below a delegation and is no glue, or below a DNAME: nobody ever sees it.

    Args:
        zone: the zone.
        occluded: the owners below a zone cut, each with its types.
        servers: the owner of each NS RRset of the zone, and the names in it.
    """
    held = list(occluded)
    if not held:
        return
    apex = order_key(zone.apex)
    named = {order_key(name) for owner, names in servers if order_key(owner) != apex for name in names}
    for owner, rdtypes in held:
        cut = zone.cut_above(owner)
        assert cut is not None
        is_redirected = _redirects(zone, cut)
        is_glue = order_key(owner) in named and not is_redirected
        hidden = [rdtype for rdtype in rdtypes if not (is_glue and rdtype in _ADDRESSES)]
        if hidden:
            what = "DNAME" if is_redirected else "delegation"
            yield codes.OCCLUDED_DATA.found(
                owner,
                ", ".join(map(rd.type_text, hidden)),
                f"it lies below the {what} {name_text(cut)}" + ("" if is_redirected else " and is no glue"),
                severity=Severity.ERROR if is_redirected else Severity.WARNING,
            )
