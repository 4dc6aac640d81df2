"""What a domain has at its registry, what a step makes of it, and the updates that lead there.

What a frame does is what the plan counts on: :func:`~zonekit.transfer.timelines.ds_with_gaining` says of keys and digest types
what is said here of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from zonekit.dnskeys import Dnskey
from zonekit.ds import DsData, KeyData, digest_dnskey, ds_rdata, matches_ds
from zonekit.epp.domains import DomainPart, DomainUpdate, NameServer, NameServers, NsForm
from zonekit.epp.hosts import HostCreate, HostUpdate
from zonekit.epp.materials import Material, signers_of
from zonekit.epp.registries import MADE_DIGESTS, DnssecPolicy, Interface, RegistryProfile
from zonekit.epp.secdns import AnyDs, MalformedDs, RegistryDs, Removal, SecDns, SecDnsUpdate
from zonekit.errors import EppError
from zonekit.findings import Finding, Severity
from zonekit.names import WireName, is_subdomain, parse_origin
from zonekit.transfer.plan import Plan
from zonekit.transfer.steps import Effect
from zonekit.transfer.timelines import ds_with_gaining
from zonekit.transfer.values import Assumed
from zonekit.transfer.versions import DsEntry, Key

Entry: TypeAlias = RegistryDs | KeyData
"""A DS or a key at a registry."""
_POLICY: Final = "the profile of the registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """What a domain has at its registry, or is to have: its DS or keys, and its name servers.

    Attributes:
        ds: its DS records, where the registry takes those; None where a step does not change them.
        keys: its keys, where the registry takes those.
        servers: its name servers, with the addresses of those in the domain; None where a step does not change them.
    """

    ds: frozenset[AnyDs] | None = None
    keys: frozenset[KeyData] | None = None
    servers: frozenset[NameServer] | None = None


# ---- DS and keys ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DsChange:
    """A change of the DS or keys of a domain.

    Attributes:
        before: what there is.
        after: what there is to be.
        update: what leads there; None where there is nothing to do.
        takes_keys: whether the registry takes keys; it has keys, and no DS, to tell of then.
    """

    before: tuple[Entry, ...]
    after: tuple[Entry, ...]
    update: SecDnsUpdate | None
    takes_keys: bool

    @property
    def delegation(self) -> Delegation:
        """What the domain is to have."""
        return dnssec_of(self.after, takes_keys=self.takes_keys)


def dnssec_of(entries: Iterable[Entry], *, takes_keys: bool) -> Delegation:
    """Return DS or keys as a delegation."""
    found = tuple(entries)
    if takes_keys:
        return Delegation(keys=frozenset(each for each in found if isinstance(each, KeyData)))
    return Delegation(ds=frozenset(each.ds for each in found if isinstance(each, RegistryDs)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DsDesk:
    """What makes the changes of DS and keys in a transfer.

    Attributes:
        plan: the plan.
        registry: the registry.
        material: what there is.
    """

    plan: Plan
    registry: RegistryProfile
    material: Material
    apex: WireName = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "apex", parse_origin(self.plan.facts.domain))

    @property
    def held(self) -> tuple[Entry, ...]:
        """What the registry has: what it shows, or else what the plan has on record.

        Raises:
            EppError: it shows keys and takes DS records, or the other way; or a key that the plan counts on is not given.
        """
        registered = self.material.registered
        if registered is None:
            return self.planned
        shown = registered.dnssec
        entries: tuple[Entry, ...] = () if shown is None else (*shown.ds, *shown.keys)
        kind, other = (KeyData, "DS records") if self._takes_keys else (RegistryDs, "keys")
        if not all(isinstance(each, kind) for each in entries):
            raise EppError(
                f"{self._domain}: {self.registry.name} shows {other}, and its profile says"
                f" {self.registry.dnssec.interface.value}",
                remedy="mend interface under dnssec in the profile",
                rule="RFC 5910 section 4",
            )
        return entries

    @property
    def planned(self) -> tuple[Entry, ...]:
        """What the registry has by the plan: what was there before the transfer, and what is on record.

        Raises:
            EppError: a key that the plan counts on is not given.
        """
        return self._entries(self.on_record)

    @property
    def on_record(self) -> frozenset[DsEntry]:
        """The DS records of the domain by the plan: those from before the transfer, as what is on record changed them."""
        facts, steps = self.plan.facts, [planned.step for planned in self.plan.steps]
        held = facts.parent.ds
        recorded = [each for each in self.plan.steps if each.recorded and each.step.effect is not None]
        for planned in sorted(recorded, key=lambda each: each.started):
            match planned.step.effect:
                case Effect.DS_ADDED:
                    held = ds_with_gaining(facts, steps, held)
                case Effect.ALL_DS_REMOVED:
                    held = frozenset()
                case Effect.LOSING_DS_REMOVED:
                    held = frozenset(each for each in held if each.key in facts.gaining.dnskey_signers)
        return held

    @property
    def shows_none(self) -> bool:
        """Whether the registry shows no DNSSEC data, and by the plan it has some."""
        registered = self.material.registered
        return registered is not None and registered.dnssec is None and bool(self.on_record)

    @property
    def offered(self) -> tuple[DsData, ...]:
        """The DS records of the gaining keys, of every digest type that the plan counts on, for the registry to add.

        Raises:
            EppError: a key that the plan counts on is not given, or the registry does not take what would come of it.
        """
        facts = self.plan.facts
        wanted = ds_with_gaining(facts, [planned.step for planned in self.plan.steps], facts.parent.ds)
        number = len({each.key for each in wanted} if self._takes_keys else wanted)
        check_limits(self.registry, number, self._gaining_entries, self._domain)
        self._check_made(self._gaining_entries)
        return tuple(self._ds_fields(key, kind) for key in self._gaining.values() for kind in self._planned_types)

    def lacking_gaining(self) -> Iterator[str]:
        """Yield what the plan counts on of the gaining operator and the registry does not have.

        Raises:
            EppError: as :attr:`held`.
        """
        held = set(map(_identity, self.held))
        for entry in map(_identity, self._gaining_entries):
            if entry not in held:
                yield f"it does not show {_entry_text(entry)}, which is of the gaining operator"

    def unexpected(self) -> Iterator[str]:
        """Yield what the registry shows and the plan does not count on, or the other way; nothing where that cannot be told."""
        if self.material.registered is None:
            return
        try:
            before, held = self.planned, set(map(_identity, self.held))
            expected = set(map(_identity, (*before, *self._wanted_beside(before))))
        except EppError:
            return
        planned = set(map(_identity, before))
        for entry in sorted(held - expected, key=str):
            yield f"it shows {_entry_text(entry)}, which the plan does not count on"
        for entry in sorted(planned - held, key=str):
            yield f"it does not show {_entry_text(entry)}, which the plan counts on"

    def adding(self) -> DsChange:
        """Return the change that adds the gaining DS or keys, and takes nothing away.

        Beside a stronger digest a weaker one may not count (RFC 4509 section 3), so what is there gets the same digest types.

        Raises:
            EppError: a key is not given, or the registry does not take what would come of it.
        """
        held = self.held
        added = _not_in(held, self._wanted_beside(held))
        self._check_made(added)
        return self._change(held, added)

    def restoring(self, *, is_done: bool) -> DsChange:
        """Return the change that adds again what the registry drops in a transfer.

        A DS that may not be made any more does not come back beside a stronger one of the same key (RFC 9904), a malformed one
        never.

        Args:
            is_done: whether the transfer is done; what the registry shows is of after it then, and else of before. Where it shows
                nothing, everything is taken to be dropped.

        Raises:
            EppError: a key is not given, or the registry does not take it.
        """
        held = () if self.material.registered is None or not is_done else self.held
        dropped = [each for each in (self.planned if is_done else self.held or self.planned) if not _is_malformed(each)]
        stronger = {_key_named(each.ds) for each in dropped if isinstance(each, RegistryDs) and _may_be_made(each)}
        wanted = [
            self._as_added(each)
            for each in dropped
            if isinstance(each, KeyData) or _may_be_made(each) or _key_named(each.ds) not in stronger
        ]
        return self._change(held, _not_in(held, wanted))

    def kept(self) -> Delegation | None:
        """Return what the domain has now and is to have after a transfer as well; None where that cannot be told.

        An answer without DNSSEC data may be one to a registrar who is not told it: what is on record counts then.
        """
        try:
            entries = self.planned if self.shows_none else self.held
            return dnssec_of(entries, takes_keys=self._takes_keys)
        except EppError:
            return None

    def removing_losing(self) -> DsChange:
        """Return the change that leaves the DS of gaining keys, or those keys, alone: also of ones that the plan does not count on.

        Raises:
            EppError: a gaining key is not given, or nothing of those that the plan counts on would be left.
        """
        held = self.held
        signers = self._gaining.values()
        spare = [key for key in self.material.gaining_keys if key not in self.material.losing_keys]
        kept = tuple(each for each in held if self._is_of_any(each, (*signers, *spare)))
        if not any(self._is_of_any(each, signers) for each in kept):
            raise EppError(
                f"{self._domain}: {self.registry.name} has no DS or key of the gaining operator, and without the losing ones the"
                " domain would be insecure",
                remedy="add the gaining DS first, and begin its waits anew",
                rule="RFC 4035 section 5.2",
            )
        losing = tuple(each for each in held if each not in kept)
        if not losing:
            return self._changed(held, held, None)
        ds, keys = _by_kind(losing)
        return self._changed(held, kept, self._update(remove=Removal(ds=ds, keys=keys)))

    def removing_all(self) -> DsChange:
        """Return the change that takes everything away; there is nothing to do where there is nothing, by the plan as well."""
        registered = self.material.registered
        if registered is not None and registered.dnssec is None and not self.on_record:
            return self._changed((), (), None)
        held = () if registered is None else self.held
        return self._changed(held, (), self._update(remove=Removal(everything=True)))

    def not_planned(self, entries: Iterable[Entry]) -> Iterator[Finding]:
        """Yield the DS or keys among these, of gaining keys, that the plan does not count on."""
        for each in entries:
            if not self._is_of_any(each, self._gaining.values()):
                yield Finding(
                    code="ds-kept",
                    severity=Severity.WARNING,
                    owner=self._domain,
                    rdtype="DS",
                    message=f"{_entry_text(_identity(each))} is of a gaining key that the plan does not count on, and stays",
                    rule="RFC 4035 section 2.4",
                    remedy="where its key is not to sign, have it removed by an update of its own",
                )

    def of_nobody(self, entries: Iterable[Entry]) -> Iterator[Finding]:
        """Yield the DS or keys that are of no key of either side, as far as both sides' keys are known."""
        if not self.material.losing_keys:
            return
        for each in entries:
            if not self._is_of_any(each, self._known_keys):
                yield Finding(
                    code="ds-of-nobody",
                    severity=Severity.WARNING,
                    owner=self._domain,
                    rdtype="DS",
                    message=f"{_entry_text(_identity(each))} is of no key of either side",
                    rule="RFC 4035 section 2.4",
                )

    @property
    def _domain(self) -> str:
        return self.plan.facts.domain

    @property
    def _takes_keys(self) -> bool:
        return self.registry.dnssec.interface.takes_keys

    @property
    def _gaining(self) -> dict[Key, Dnskey]:
        return signers_of(self.plan.facts.gaining, self.material.gaining_keys, self._domain, "gaining")

    @property
    def _known_keys(self) -> tuple[Dnskey, ...]:
        return (*self.material.losing_keys, *self.material.gaining_keys)

    @property
    def _planned_types(self) -> list[int]:
        """The digest types that the plan counts on for keys whose DS are added."""
        return self._digest_types(each.digest_type for each in self.plan.facts.parent.ds)

    @property
    def _gaining_entries(self) -> tuple[Entry, ...]:
        """What the plan counts on of the gaining operator, as the registry has it."""
        keys = self._gaining.values()
        if self._takes_keys:
            return tuple(KeyData.from_rdata(key.dnskey_rdata) for key in keys)
        return tuple(self._ds(key, kind) for key in keys for kind in self._planned_types)

    def _wanted_beside(self, held: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """What is to be there beside what is held when the gaining DS or keys have joined."""
        if self._takes_keys:
            return self._gaining_entries
        ours = [each.ds for each in held if isinstance(each, RegistryDs) and isinstance(each.ds, DsData)]
        types = self._digest_types(each.digest_type for each in ours)
        keys = dict.fromkeys((*self._keys_of(ours, types), *self._gaining.values()))
        return tuple(self._ds(key, kind) for key in keys for kind in types)

    def _keys_of(self, held: Iterable[DsData], types: Iterable[int]) -> Iterator[Dnskey]:
        """The keys of these DS records, each of which needs a DS of every one of these types beside the gaining ones.

        Raises:
            EppError: one lacks such a type, and its key is not given although it may be one that signs.
        """
        has = {(_key_named(each), each.digest_type) for each in held}
        for each in held:
            found = [key for key in self._known_keys if matches_ds(each.rdata, self.apex, key.dnskey_rdata)]
            yield from found
            lacks = any((_key_named(each), kind) not in has for kind in types)
            if not found and lacks and not self._knows_losing_signers:
                raise EppError(
                    f"{self._domain}: the DS with key tag {each.key_tag} has digest type {each.digest_type} alone, and beside the"
                    " gaining DS it needs one as strong, whose key is not given",
                    remedy="give the losing DNSKEYs",
                    rule="RFC 4509 section 3",
                )

    @property
    def _knows_losing_signers(self) -> bool:
        """Whether every losing key that the plan counts on is given, so that a DS of another key is one of no chain of trust."""
        try:
            signers_of(self.plan.facts.losing, self.material.losing_keys, self._domain, "losing")
        except EppError:
            return False
        return True

    def _digest_types(self, held: Iterable[int]) -> list[int]:
        """The digest types that a key needs beside DS records of these, of those that a DS may be made with."""
        least = self.plan.facts.parent.digest_type
        return sorted({least, *(each for each in held if each > least and each in MADE_DIGESTS)})

    def _entries(self, entries: Iterable[DsEntry]) -> tuple[Entry, ...]:
        """What a plan has of DS records, as the registry has it."""
        wanted = sorted(entries, key=lambda each: (each.key.name, each.digest_type))
        if not wanted:
            return ()
        facts = self.plan.facts
        known: dict[Key, Dnskey] = {}
        for operator, keys, whose in (
            (facts.losing, self.material.losing_keys, "losing"),
            (facts.gaining, self.material.gaining_keys, "gaining"),
        ):
            if any(each.key in operator.dnskey_signers for each in wanted):
                known |= signers_of(operator, keys, self._domain, whose)
        if self._takes_keys:
            return tuple(dict.fromkeys(KeyData.from_rdata(known[each.key].dnskey_rdata) for each in wanted))
        return tuple(self._ds(known[each.key], each.digest_type) for each in wanted)

    def _ds_fields(self, key: Dnskey, digest_type: int) -> DsData:
        # What is there already may be of a kind that no DS is made of any more.
        is_ours = key in self.material.gaining_keys
        make = ds_rdata if is_ours else digest_dnskey
        return DsData.from_rdata(make(self.apex, key.dnskey_rdata, digest_type))

    def _ds(self, key: Dnskey, digest_type: int) -> RegistryDs:
        return RegistryDs(
            ds=self._ds_fields(key, digest_type), key=KeyData.from_rdata(key.dnskey_rdata) if self._with_key else None
        )

    @property
    def _with_key(self) -> bool:
        return self.registry.dnssec.interface is Interface.DS_DATA_WITH_KEY

    def _as_added(self, entry: Entry) -> Entry:
        """What the registry has, as it takes it: with the key of a DS where it wants that.

        Raises:
            EppError: that key is not known.
        """
        if isinstance(entry, KeyData) or (entry.key is not None) is self._with_key:
            return entry
        if not self._with_key:
            return RegistryDs(ds=entry.ds)
        for key in self._known_keys:
            if self._is_of(entry, key):
                return RegistryDs(ds=entry.ds, key=KeyData.from_rdata(key.dnskey_rdata))
        raise EppError(
            f"{self._domain}: {self.registry.name} takes a DS with its key, and that of {_entry_text(entry.ds)} is not given",
            remedy="give the DNSKEYs of both operators",
            rule="RFC 5910 section 4.1",
        )

    def _is_of_any(self, entry: Entry, keys: Iterable[Dnskey]) -> bool:
        return any(self._is_of(entry, key) for key in keys)

    def _is_of(self, entry: Entry, key: Dnskey) -> bool:
        if isinstance(entry, KeyData):
            return entry.rdata == key.dnskey_rdata
        return isinstance(entry.ds, DsData) and matches_ds(entry.ds.rdata, self.apex, key.dnskey_rdata)

    def _change(self, held: tuple[Entry, ...], added: tuple[Entry, ...]) -> DsChange:
        wanted = (*held, *added)
        if not added and self.material.max_sig_life is None:
            return self._changed(held, wanted, None)
        check_limits(self.registry, len(wanted), added, self._domain)
        ds, keys = _by_kind(added)
        add = SecDns(ds=ds, keys=keys) if added else None
        return self._changed(held, wanted, self._update(add=add))

    def _changed(self, before: tuple[Entry, ...], after: tuple[Entry, ...], update: SecDnsUpdate | None) -> DsChange:
        return DsChange(before=before, after=after, update=update, takes_keys=self._takes_keys)

    def _check_made(self, added: tuple[Entry, ...]) -> None:
        """Check that a registry that takes keys makes the DS of added ones that the plan counts on.

        Raises:
            EppError: it makes others.
        """
        made = self.registry.dnssec.digest_types
        if not self._takes_keys or not added or made is None:
            return
        not_made = [kind for kind in self._planned_types if kind not in made]
        if not_made:
            raise EppError(
                f"{self._domain}: {self.registry.name} makes DS of digest type {_numbers(made)}, and the plan counts on"
                f" {_numbers(not_made)}",
                remedy="plan again with the digest types that it makes: digest_type among the facts of the parent",
                rule=_POLICY,
            )

    def _update(self, *, remove: Removal | None = None, add: SecDns | None = None) -> SecDnsUpdate:
        policy, material = self.registry.dnssec, self.material
        if material.urgent and not policy.urgent:
            raise _not_offered(self._domain, self.registry, "urgent changes", "urgent")
        if material.max_sig_life is not None and not policy.max_sig_life:
            raise _not_offered(self._domain, self.registry, "maxSigLife", "max_sig_life")
        return SecDnsUpdate(remove=remove, add=add, max_sig_life=material.max_sig_life, urgent=material.urgent)


def check_limits(registry: RegistryProfile, number: int, added: Iterable[Entry], domain: str) -> None:
    """Check that a registry takes what is added, and has room for as many DS records or keys as there are then.

    Raises:
        EppError: it does not.
    """
    policy = registry.dnssec
    if number > policy.most:
        kind = "keys" if policy.interface.takes_keys else "DS records"
        raise EppError(
            f"{domain}: with the gaining ones there would be {number} {kind}, and {registry.name} takes {policy.most} at most",
            remedy="have the losing side drop those that it does not use, or ask the registry for more room",
            rule=_POLICY,
        )
    for each in added:
        _check_entry(registry, policy, each, domain)


def _check_entry(registry: RegistryProfile, policy: DnssecPolicy, entry: Entry, domain: str) -> None:
    algorithm = entry.alg if isinstance(entry, KeyData) else entry.ds.alg
    if policy.algorithms is not None and algorithm not in policy.algorithms:
        raise EppError(
            f"{domain}: {registry.name} does not take algorithm {algorithm}",
            remedy=f"use keys of an algorithm that it takes: {_numbers(policy.algorithms)}",
            rule=_POLICY,
        )
    kind = None if isinstance(entry, KeyData) else entry.ds.digest_type
    if kind is not None and policy.digest_types is not None and kind not in policy.digest_types:
        raise EppError(
            f"{domain}: {registry.name} does not take digest type {kind}",
            remedy=f"plan with a digest type that it takes: {_numbers(policy.digest_types)}; where the losing DS has {kind} and the"
            " gaining one could not, have the losing side replace its DS first",
            rule=_POLICY,
        )


def _not_offered(domain: str, registry: RegistryProfile, what: str, name: str) -> EppError:
    return EppError(
        f"{domain}: {registry.name} does not take {what}, and would answer 2102",
        remedy=f"leave it out; where it does, say {name} in its profile",
        rule="RFC 5910 section 5.2.5",
    )


def _by_kind(entries: Iterable[Entry]) -> tuple[tuple[RegistryDs, ...], tuple[KeyData, ...]]:
    found = tuple(entries)
    return (
        tuple(each for each in found if isinstance(each, RegistryDs)),
        tuple(each for each in found if isinstance(each, KeyData)),
    )


def _identity(entry: Entry) -> AnyDs | KeyData:
    """What a registry knows an entry by, whether or not the key goes along with a DS."""
    return entry if isinstance(entry, KeyData) else entry.ds


def _not_in(held: Iterable[Entry], wanted: Iterable[Entry]) -> tuple[Entry, ...]:
    """What is wanted and not held, each once."""
    has = set(map(_identity, held))
    return tuple({_identity(each): each for each in wanted if _identity(each) not in has}.values())


def _may_be_made(entry: RegistryDs) -> bool:
    """Whether a DS with this digest type may still be made (RFC 9904)."""
    return entry.ds.digest_type in MADE_DIGESTS


def _is_malformed(entry: Entry) -> bool:
    return isinstance(entry, RegistryDs) and isinstance(entry.ds, MalformedDs)


def _key_named(ds: AnyDs) -> tuple[int, int]:
    """What a DS names its key by."""
    return ds.key_tag, ds.alg


def _entry_text(entry: AnyDs | KeyData) -> str:
    if isinstance(entry, KeyData):
        return f"a key of algorithm {entry.alg} with flags {entry.flags}"
    return f"a DS with key tag {entry.key_tag}, algorithm {entry.alg} and digest type {entry.digest_type}"


def _numbers(values: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(values)))


# ---- name servers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NsChange:
    """A change of the name servers of a domain.

    Attributes:
        hosts: what makes and changes host objects, to be done before.
        update: what changes the domain; None where it names the same servers already.
        after: the name servers that there are to be.
        findings: what should be known of it.
    """

    hosts: tuple[HostCreate | HostUpdate, ...]
    update: DomainUpdate | None
    after: tuple[NameServer, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NsDesk:
    """What makes the change of the name servers in a transfer; the attributes are those of :class:`DsDesk`."""

    plan: Plan
    registry: RegistryProfile
    material: Material

    def change(self) -> NsChange:
        """Return the change to the gaining name servers, with the addresses of those in the domain.

        Raises:
            EppError: the gaining servers are not given or not those that the plan counts on, they are too few or too many for
                the registry, one in the domain has no address, or it is not known which the domain has now.
        """
        wanted = self.wanted
        now = self._now()
        match self.registry.name_servers.form:
            case NsForm.HOST_OBJECTS:
                return self._by_objects(wanted, now)
            case NsForm.HOST_ATTRIBUTES:
                return self._by_attributes(wanted, now)

    @property
    def wanted(self) -> tuple[NameServer, ...]:
        """The gaining name servers, with the addresses of those in the domain.

        Raises:
            EppError: as :meth:`change`, but for what the domain has now.
        """
        given = self.material.gaining_servers
        if not given:
            raise EppError(
                f"{self._domain}: the gaining name servers are not given", remedy="give them, or the gaining zone"
            )
        policy = self.registry.name_servers
        if not policy.least <= len(given) <= policy.most:
            raise EppError(
                f"{self._domain}: there are {len(given)} gaining name servers, and {self.registry.name} takes {policy.least} to"
                f" {policy.most}",
                remedy="have the gaining operator name as many as the registry takes",
                rule=_POLICY,
            )
        self._check_planned({each.name for each in given})
        return tuple(self._with_glue(each) for each in given)

    def _check_planned(self, names: set[str]) -> None:
        """Check that the servers are those that the plan counts on; it leaves out those that keep name and address."""
        facts = self.plan.facts
        planned = _lower(facts.gaining.name_servers)
        if isinstance(facts.gaining.name_servers, Assumed):
            return
        lacking = sorted(planned - names)
        more = sorted(names - planned - self._shown - _lower(facts.losing.name_servers))
        if lacking or more:
            told = [f"{name} is not given" for name in lacking] + [f"{name} is none of them" for name in more]
            ask = "; where the domain has it already, give the answer to a domain info"
            raise EppError(
                f"{self._domain}: the plan counts on other gaining name servers: {', '.join(told)}",
                remedy="give the servers of the plan, or plan again with these"
                + (ask if more and self.material.registered is None else ""),
            )

    def unexpected(self) -> Iterator[str]:
        """Yield what the registry shows of name servers, or does not, and the plan does not account for.

        A plan leaves out a server in the domain that keeps its name and address: one that it does not name may be such a one.
        """
        if self.material.registered is None:
            return
        if not self._shown:
            yield "it shows none: the answer may be that to a registrar who is not told them"
            return
        losing, gaining = self.plan.facts.losing.name_servers, self.plan.facts.gaining.name_servers
        if isinstance(losing, Assumed) or isinstance(gaining, Assumed):
            return
        known = _lower(losing) | _lower(gaining) | {each.name for each in self.material.gaining_servers}
        for name in sorted(self._shown - known):
            if self._is_inside(name):
                yield (
                    f"it shows {name}, which the plan has of neither side: give it among the gaining servers where it stays;"
                    " else it would be removed"
                )

    @property
    def _shown(self) -> set[str]:
        """The names of the servers that the registry shows."""
        registered = self.material.registered
        if registered is None or registered.info.name_servers is None:
            return set()
        return {each.name for each in registered.info.name_servers.servers}

    def _with_glue(self, server: NameServer) -> NameServer:
        if not self._is_inside(server.name):
            return NameServer(name=server.name)
        if not server.addresses:
            raise EppError(
                f"{self._domain}: {server.name} lies in the domain and no address of it is given",
                remedy="give its addresses: without glue nobody finds it",
                rule="RFC 1034 section 4.2.1",
            )
        return server

    def _now(self) -> Mapping[str, tuple[str, ...] | None]:
        """The name servers that the domain has, by name, with their addresses where these are known."""
        registered = self.material.registered
        if registered is not None:
            shown = registered.info.name_servers
            servers = () if shown is None else shown.servers
            if shown is not None and shown.form is not self.registry.name_servers.form:
                raise EppError(
                    f"{self._domain}: {self.registry.name} shows name servers as {shown.form.value}, and its profile says"
                    f" {self.registry.name_servers.form.value}",
                    remedy="mend form under name_servers in the profile",
                    rule="RFC 5731 section 1.1",
                )
            return {each.name: each.addresses or self.material.hosts.get(each.name) for each in servers}
        names = self.plan.facts.losing.name_servers
        if isinstance(names, Assumed) or not names:
            raise EppError(
                f"{self._domain}: it is not known which name servers {self.registry.name} has for it",
                remedy="give its answer to a domain info",
            )
        return {name: self.material.hosts.get(name) for name in sorted(_lower(names))}

    def _by_objects(self, wanted: tuple[NameServer, ...], now: Mapping[str, tuple[str, ...] | None]) -> NsChange:
        hosts: list[HostCreate | HostUpdate] = []
        findings = []
        for each in wanted:
            if self._is_inside(each.name):
                hosts += self._host_inside(each, now)
            elif each.name not in now and each.name not in self.material.hosts:
                if self.registry.keeps(each.name):
                    findings.append(self._host_of_another(each.name))
                else:
                    hosts.append(HostCreate(name=each.name))
        names = {each.name for each in wanted}
        findings += [self._left(name) for name in self._hosts(now) if name not in names and self._is_inside(name)]
        added = [NameServer(name=each.name) for each in wanted if each.name not in now]
        removed = [NameServer(name=name) for name in now if name not in names]
        hosts.sort(key=lambda each: isinstance(each, HostUpdate))
        return NsChange(
            hosts=tuple(hosts),
            update=self._update(NsForm.HOST_OBJECTS, added, removed),
            after=wanted,
            findings=tuple(findings),
        )

    def _host_inside(
        self, server: NameServer, now: Mapping[str, tuple[str, ...] | None]
    ) -> Iterator[HostCreate | HostUpdate]:
        if server.name not in self._hosts(now):
            yield HostCreate(name=server.name, addresses=server.addresses)
            return
        has = self.material.hosts.get(server.name, now.get(server.name))
        if has is None:
            raise EppError(
                f"{self._domain}: {server.name} is a host object already, and its addresses are not known",
                remedy="say which addresses it has at the registry, so that the update takes the old ones away",
                rule="RFC 5732 section 3.2.5",
            )
        add = tuple(each for each in server.addresses if each not in has)
        remove = tuple(each for each in has if each not in server.addresses)
        if add or remove:
            yield HostUpdate(name=server.name, add=add, remove=remove)

    def _hosts(self, now: Iterable[str]) -> tuple[str, ...]:
        """The names of the host objects that are known to be at the registry."""
        registered = self.material.registered
        of_domain = () if registered is None else registered.info.hosts
        return tuple(dict.fromkeys((*now, *self.material.hosts, *of_domain)))

    def _by_attributes(self, wanted: tuple[NameServer, ...], now: Mapping[str, tuple[str, ...] | None]) -> NsChange:
        stays = {each.name for each in wanted if each.name in now and self._has_these(each, now[each.name])}
        added = [each for each in wanted if each.name not in stays]
        removed = [NameServer(name=name, addresses=has or ()) for name, has in now.items() if name not in stays]
        return NsChange(
            hosts=(), update=self._update(NsForm.HOST_ATTRIBUTES, added, removed), after=wanted, findings=()
        )

    def _has_these(self, server: NameServer, has: tuple[str, ...] | None) -> bool:
        """Whether a server that is there already has these addresses; outside the domain none are needed."""
        return not server.addresses or set(has or ()) == set(server.addresses)

    def _update(self, form: NsForm, added: list[NameServer], removed: list[NameServer]) -> DomainUpdate | None:
        if not added and not removed:
            return None

        def part(servers: list[NameServer]) -> DomainPart | None:
            return DomainPart(name_servers=NameServers(form=form, servers=tuple(servers))) if servers else None

        return DomainUpdate(name=self._domain, add=part(added), remove=part(removed))

    def _left(self, name: str) -> Finding:
        return Finding(
            code="host-left",
            severity=Severity.INFO,
            owner=name,
            message="the host object stays at the registry with the addresses that it has",
            rule="RFC 5732 section 3.2.2",
            remedy="have it deleted when the transfer is over and no other domain names it",
        )

    def _host_of_another(self, name: str) -> Finding:
        return Finding(
            code="host-of-another",
            severity=Severity.WARNING,
            owner=name,
            message=f"it lies in another domain of {self.registry.name}, whose sponsor alone makes the host object",
            rule="RFC 5732 section 1.1",
            remedy="see with its operator that the host object is there; without it the registry answers 2303",
        )

    @property
    def _domain(self) -> str:
        return self.plan.facts.domain

    def _is_inside(self, name: str) -> bool:
        return is_subdomain(parse_origin(name), parse_origin(self._domain))


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}
