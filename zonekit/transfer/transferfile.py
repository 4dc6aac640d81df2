"""The file that says what there is to know of a transfer before it is followed: ``transfer.toml``.

It is a file of facts (:func:`~zonekit.transfer.planfile.read_facts`) in which everything may be left out that servers show, with
three tables besides: ``[transfer]`` says how and from when, ``[servers]`` whom to ask, ``[files]`` what is not to be asked for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from zonekit.errors import PlanError
from zonekit.names import is_subdomain, name_text, parse_origin
from zonekit.transfer import fields
from zonekit.transfer.answers import DOMAIN_PORT, Question, Server
from zonekit.transfer.capabilities import steps_within
from zonekit.transfer.facts import Facts
from zonekit.transfer.fields import Shape, within
from zonekit.transfer.ledger import Record
from zonekit.transfer.planfile import facts_object, facts_of_object
from zonekit.transfer.served import largest_data
from zonekit.transfer.sightings import NOT_LOOKED_AT, THERE_IS_NONE, Sighting
from zonekit.transfer.steps import Effect, Flow
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl
from zonekit.zones import RRset, Zone

NO_ZONES: Final[Mapping[Source, Zone]] = MappingProxyType({})
_NO_DELAY: Final = timedelta(0)
_SEEN_ONLY_WHOLE: Final = "data_ttl"
"""What the apex alone does not show."""
_NOT_SHOWN: Final = ("propagation_delay", "signatures_expire", "can")
_PARENT_NOT_SHOWN: Final = (
    *("propagation_delay", "registration_delay", "scan_delay", "check_delay", "digest_type", "channels"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedServer:
    """A server as the file names it.

    Attributes:
        source: whose it is.
        name: its name, absolute and in lower case.
        addresses: its addresses, each with the port; none where they are to be looked up.
    """

    source: Source
    name: str
    addresses: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFiles:
    """The files that belong to a transfer, as their paths stand in the file.

    Attributes:
        state: where its course is kept; None for the place beside the file.
        plan: the plan that it follows; None where one is to be made.
        losing_zone: the losing zone, for what its servers do not show.
        gaining_zone: the gaining zone as it is going to be served.
        losing_keys: files of DNSKEYs of the losing operator.
        gaining_keys: files of DNSKEYs of the gaining operator.
    """

    state: str | None = None
    plan: str | None = None
    losing_zone: str | None = None
    gaining_zone: str | None = None
    losing_keys: tuple[str, ...] = ()
    gaining_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFile:
    """What the file of a transfer says.

    Attributes:
        domain: the domain, absolute and in lower case.
        flow: the way the transfer is carried out.
        start: from when; None for now.
        servers: whom to ask.
        files: what belongs to it.
        known: the facts that it gives, as they stand there, by party and field.
    """

    domain: str
    flow: Flow
    start: datetime | None
    servers: tuple[NamedServer, ...]
    files: TransferFiles
    known: Mapping[str, Any]

    @property
    def names_to_find(self) -> tuple[str, ...]:
        """The names of the servers whose addresses have to be looked up."""
        return tuple(dict.fromkeys(each.name for each in self.servers if not each.addresses))

    def question(self, addresses: Mapping[str, Iterable[str]], more: Iterable[str] = ()) -> Question:
        """Return what to ask in a round.

        Args:
            addresses: those of the servers whose addresses had to be looked up, by name.
            more: further names of name servers in the domain whose addresses are asked for.

        Raises:
            PlanError: a server has no address.
        """
        servers = []
        for each in self.servers:
            found = each.addresses or tuple((address, DOMAIN_PORT) for address in addresses.get(each.name, ()))
            if not found:
                raise PlanError(
                    f"{self.domain}: {each.name} of the {each.source.value} side has no address",
                    remedy="give its addresses in the file, or mend its name",
                )
            servers += [Server(source=each.source, name=each.name, address=host, port=port) for host, port in found]
        apex = parse_origin(self.domain)
        names = [each.name for each in self.servers if each.source is not Source.PARENT]
        hosts = frozenset(name for name in (*names, *more) if is_subdomain(parse_origin(name), apex))
        return Question(domain=self.domain, servers=tuple(dict.fromkeys(servers)), hosts=hosts)

    def facts(
        self, seen: Sighting | None, *, negative_ttl: Ttl | None = None, whole: Mapping[Source, Zone] = NO_ZONES
    ) -> Facts:
        """Return the facts: those that the file gives, and for the rest what was seen.

        Args:
            seen: what was seen before the transfer begins; None where the file has to say all there is.
            negative_ttl: how long a cache may hold that there is no DS, as the parent's servers say; None where they do not.
            whole: zones that are known from elsewhere, for what the apex alone does not show.

        Raises:
            PlanError: something is neither given nor to be seen; the message begins with its path and says how to find it.
        """
        shown = {} if seen is None else _shown(seen, negative_ttl, says_ds="ds" in _table(self.known, "parent"))
        for source, zone in whole.items():
            if source.value in shown:
                shown[source.value].setdefault(_SEEN_ONLY_WHOLE, int(max(largest_data(zone)[1], zone.negative_ttl)))
        known = dict(self.known)
        for party in ("losing", "gaining", "parent"):
            given = known.get(party, {})
            if not isinstance(given, dict):
                raise fields.refused(party, "is no table", "give a table of what is known of it")
            if party not in shown and party not in known:
                raise fields.refused(
                    party,
                    "is not given, and was not seen",
                    "look again when the servers of all three answer, or give the gaining zone as a file or what is known of it",
                )
            known[party] = {**shown.get(party, {}), **given}
        if "overlaps" in shown:
            known.setdefault("overlaps", shown["overlaps"])
        facts = facts_of_object({"domain": self.domain, **known})
        if "losing" in shown:
            self._check_not_lowered(facts)
            self._check_not_moved(facts)
        return facts

    def _check_not_lowered(self, facts: Facts) -> None:
        """Check that the file says so where TTLs are as low as they are to become: it is what they were before that counts.

        Raises:
            PlanError: it does not.
        """
        if not any(step.effect is Effect.TTLS_LOWERED for step in steps_within(facts, self.flow)):
            return
        losing, lowered = facts.losing, facts.timing.lowered_ttl
        signed = (("dnskey_ttl", Record.DNSKEY, losing.dnskey_ttl),) if losing.is_signed else ()
        for name, record, ttl in (("ns_ttl", Record.NS, losing.ns_ttl), *signed):
            told = any((each.source, each.record) == (Source.LOSING, record) for each in facts.ledger.observations)
            if ttl <= lowered and name not in _table(self.known, "losing") and not told:
                raise fields.refused(
                    f"losing.{name}",
                    f"is {ttl} as served, no more than what it is to be lowered to, {lowered}: it may have been lowered already",
                    "give the largest TTL that it was served with since; where it was always so low, give that"
                    " (RFC 7583 section 3.3.2)",
                )

    def _check_not_moved(self, facts: Facts) -> None:
        """Check that the file says where the losing name servers are, where the losing zone names the gaining ones already.

        Raises:
            PlanError: it does not.
        """
        named = facts.losing.name_servers
        asked = {each.name for each in self.servers if each.source is Source.LOSING}
        if (
            named
            and named == facts.gaining.name_servers
            and "name_servers" not in _table(self.known, "losing")
            and not any(name.lower() in asked for name in named)
        ):
            raise fields.refused(
                "losing.name_servers",
                f"the losing zone names {', '.join(sorted(named))} already, which are the gaining ones: the transfer has begun",
                "give those that it named before",
            )


def _table(known: Mapping[str, Any], party: str) -> Mapping[str, Any]:
    found = known.get(party)
    return found if isinstance(found, dict) else {}


def _shown(seen: Sighting, negative_ttl: Ttl | None, *, says_ds: bool) -> dict[str, Any]:
    """What was seen, in the shape of a file of facts; where the DS is said the parent may have another one by now."""
    losing, gaining = seen.losing, seen.gaining
    if not isinstance(losing, Zone) or not isinstance(gaining, Zone):
        return {}
    if seen.parent_ns is THERE_IS_NONE:
        raise PlanError(
            f"{seen.domain}: the parent has no NS RRset for it",
            remedy="look whether it is spelt right and registered, and whether the servers of the parent are those of the zone"
            " right above it",
            rule="RFC 1034 section 4.2.1",
        )
    ds = seen.parent_ds
    if ds is NOT_LOOKED_AT or not isinstance(seen.parent_ns, RRset):
        return {}
    has_ds = isinstance(ds, RRset)
    facts = Facts.from_zones(
        losing,
        gaining,
        ds if isinstance(ds, RRset) and not says_ds else None,
        ds_ttl=int(ds.ttl) if isinstance(ds, RRset) else 0,
        ns_ttl=seen.parent_ns.ttl,
        negative_ttl=negative_ttl or 0,
        losing_delay=_NO_DELAY,
        gaining_delay=_NO_DELAY,
        parent_delay=_NO_DELAY,
        registration_delay=_NO_DELAY,
        glue_ttl=_glue_ttl(seen),
    )
    shown = {
        name: value
        for name, value in facts_object(facts).items()
        if name in ("losing", "gaining", "parent", "overlaps")
    }
    for source, party in ((Source.LOSING, "losing"), (Source.GAINING, "gaining")):
        hidden = {*_NOT_SHOWN, *([_SEEN_ONLY_WHOLE] if source in seen.apex_only else [])}
        shown[party] = {name: value for name, value in shown[party].items() if name not in hidden}
    hidden = {
        *_PARENT_NOT_SHOWN,
        *([] if has_ds else ["ds_ttl"]),
        *([] if negative_ttl is not None else ["negative_ttl"]),
    }
    shown["parent"] = {name: value for name, value in shown["parent"].items() if name not in hidden}
    return shown


def _glue_ttl(seen: Sighting) -> int | None:
    glue = seen.parent_glue
    return max((int(rrset.ttl) for rrset in glue), default=None) if isinstance(glue, tuple) else None


# ---- reading --------------------------------------------------------------------------------------------------------


def _address(value: object, path: str) -> tuple[str, int]:
    """An address, or address@port."""
    host, mark, port = fields.text(value, path).partition("@")
    if not mark:
        return host, DOMAIN_PORT
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 2**16:
        raise fields.refused(path, f"{fields.shown(port)} is no port", "write ADDRESS@PORT, 1 to 65535")
    return host, int(port)


def _servers(source: Source) -> fields.Read[tuple[NamedServer, ...]]:
    def read(value: object, path: str) -> tuple[NamedServer, ...]:
        found = []
        for name, addresses in fields.an_object(value, path).items():
            where = fields.at(path, fields.shown(name))
            host = name_text(within(where, parse_origin, name)).lower()
            given = fields.list_of(_address)(addresses, where)
            for address, port in given:
                within(where, Server, source=source, name=host, address=address, port=port)
            found.append(NamedServer(source=source, name=host, addresses=given))
        if not found:
            raise fields.refused(
                path, "names no server", 'write "ns1.example.net" = ["192.0.2.1"], or [] to look it up'
            )
        return tuple(found)

    return read


def _all_servers(**known: tuple[NamedServer, ...]) -> tuple[NamedServer, ...]:
    return tuple(server for found in known.values() for server in found)


_SERVERS: Final = Shape(make=_all_servers, needed={source.value: _servers(source) for source in Source})
_FILES: Final = Shape(
    make=TransferFiles,
    needed={},
    optional={
        "state": fields.text,
        "plan": fields.text,
        "losing_zone": fields.text,
        "gaining_zone": fields.text,
        "losing_keys": fields.list_of(fields.text),
        "gaining_keys": fields.list_of(fields.text),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How a transfer is carried out, and from when."""

    flow: Flow = Flow.OPERATOR_CHANGE
    start: datetime | None = None


_WAY: Final = Shape(make=_Way, needed={}, optional={"flow": fields.one_of(Flow), "start": fields.instant})
_OWN_TABLES: Final = ("transfer", "servers", "files")


def read_transfer(toml_text: str) -> TransferFile:
    """Return what the file of a transfer says.

    Raises:
        PlanError: it is not TOML, or a field of one of its own tables is missing, unknown or wrong; the message begins with its
            path. Facts are read when they are asked for.

    >>> read_transfer('domain = "example.nl"')
    Traceback (most recent call last):
    zonekit.errors.PlanError: servers: is missing; name the servers of the losing, the gaining and the parent side
    """
    try:
        found = tomllib.loads(toml_text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"is not TOML: {error}", remedy="see fixtures/transfers/transfer.toml") from None
    if "domain" not in found:
        raise fields.refused("domain", "is missing", "say which domain it is")
    if "servers" not in found:
        raise fields.refused("servers", "is missing", "name the servers of the losing, the gaining and the parent side")
    domain = name_text(within("domain", parse_origin, fields.text(found["domain"], "domain"))).lower()
    way = _WAY(found.get("transfer", {}), "transfer")
    return TransferFile(
        domain=domain,
        flow=way.flow,
        start=way.start,
        servers=_SERVERS(found["servers"], "servers"),
        files=_FILES(found.get("files", {}), "files"),
        known={name: value for name, value in found.items() if name not in (*_OWN_TABLES, "domain")},
    )
