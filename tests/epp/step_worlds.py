"""Registries, plans and what their frames are made of, for the tests of frames by step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from tests import transfer_worlds
from tests.epp.records import DOMAIN, Record, keys_of
from tests.test_transfer_plan import NOW, facts_for, the_facts
from zonekit.dnskeys import Dnskey, parse_dnskeys
from zonekit.ds import DsData, digest_dnskey
from zonekit.epp.carriers import FrameKind, carriage
from zonekit.epp.domains import AuthInfo, NameServer, NsForm
from zonekit.epp.materials import Material
from zonekit.epp.registries import (
    DnssecPolicy,
    Interface,
    NameServerPolicy,
    OnTransfer,
    RegistryProfile,
    RegistryTimes,
    TransferPolicy,
)
from zonekit.epp.steps import Sender, StepFrames, numbered, step_frames
from zonekit.names import parse_origin
from zonekit.transfer.facts import Facts
from zonekit.transfer.journal import Evidence, Override
from zonekit.transfer.parties import OperatorFacts
from zonekit.transfer.plan import Plan, plan_transfer
from zonekit.transfer.steps import Actor, Flow
from zonekit.transfer.timelines import ds_with_gaining
from zonekit.transfer.versions import DsEntry
from zonekit.ttl import Ttl

LOSING_KEYS: Final = parse_dnskeys(transfer_worlds.LOSING_KEYS)
GAINING_KEYS: Final = parse_dnskeys(transfer_worlds.GAINING_KEYS)
SPONSORS: Final = (Actor.REGISTRAR, Actor.LOSING_REGISTRAR, Actor.GAINING_REGISTRAR)
OF_DELEGATION: Final = (FrameKind.ADD_DS, FrameKind.REMOVE_LOSING_DS, FrameKind.REMOVE_ALL_DS, FrameKind.CHANGE_NS)
DS_STEPS: Final = ("ds-added", "losing-ds-removed", "all-ds-removed")
OVERRIDE: Final = Override(who="the duty officer", why="the losing side has gone", when=NOW)
CODE: Final = AuthInfo(password="a-new-code")


def a_registry(**changes: Any) -> RegistryProfile:
    """A registry that takes everything, but for what is changed: fields of any of its parts.

    ``most`` is of DS or keys, ``most_servers`` of name servers.
    """
    most_servers = changes.pop("most_servers", 13)
    parts: dict[str, Any] = {
        "dnssec": DnssecPolicy(interface=Interface.DS_DATA, most=12, on_transfer=OnTransfer.KEEP, urgent=True),
        "name_servers": NameServerPolicy(form=NsForm.HOST_OBJECTS, least=1, most=most_servers),
        "transfer": TransferPolicy(key_relay=True, facilitated=True),
        "times": RegistryTimes(
            ds_ttl=Ttl(3600),
            ns_ttl=Ttl(3600),
            negative_ttl=Ttl(900),
            propagation_delay=timedelta(0),
            registration_delay=timedelta(0),
            check_delay=timedelta(0),
        ),
    }
    whole = {name: value for name, value in changes.items() if name in ("statuses", "zone", "name")}
    for name, part in parts.items():
        own = {key: value for key, value in changes.items() if hasattr(part, key) and key not in whole}
        if isinstance(part, NameServerPolicy):
            own.pop("most", None)
        parts[name] = replace(part, **own)
    return RegistryProfile(**{"name": "the registry of nl", "zone": "nl", **parts, **whole})


@st.composite
def registries(draw: st.DrawFn) -> RegistryProfile:
    least = draw(st.integers(0, 3))
    return a_registry(
        interface=draw(st.sampled_from(Interface)),
        on_transfer=draw(st.sampled_from(OnTransfer)),
        digest_types=draw(st.sampled_from((None, frozenset({2}), frozenset({2, 4})))),
        algorithms=draw(st.sampled_from((None, None, frozenset({13}), frozenset({8})))),
        form=draw(st.sampled_from(NsForm)),
        least=least,
        most=draw(st.integers(1, 5)),
        most_servers=draw(st.integers(max(least, 1), 4)),
    )


def named(facts: Facts) -> Facts:
    """The facts with names for the servers of both operators, where they had none."""
    losing, gaining = facts.losing, facts.gaining
    if not losing.name_servers:
        losing = replace(losing, name_servers=frozenset(("ns1.losing.example.", "ns.both.example.")))
    if not gaining.name_servers:
        gaining = replace(gaining, name_servers=frozenset(("ns1.gaining.example.", "ns.both.example.")))
    return replace(facts, losing=losing, gaining=gaining)


def plans(flow: Flow) -> st.SearchStrategy[Plan]:
    return facts_for(flow).map(lambda facts: plan_transfer(named(facts), flow=flow, start=NOW))


def a_plan(flow: Flow = Flow.OPERATOR_CHANGE, *, facts: Facts | None = None) -> Plan:
    return plan_transfer(named(facts or the_facts()), flow=flow, start=NOW)


def servers_of(operator: OperatorFacts, network: str) -> tuple[NameServer, ...]:
    """The servers of an operator, with addresses of a network where they lie in the domain."""
    return tuple(
        NameServer(name=name, addresses=(f"{network}.{number}",) if name.endswith(f".{DOMAIN}") else ())
        for number, name in enumerate(sorted(operator.name_servers), start=1)
    )


def ds_data(key: Dnskey, digest_type: int) -> DsData:
    return DsData.from_rdata(digest_dnskey(parse_origin(DOMAIN), key.dnskey_rdata, digest_type))


def entries_as_ds(entries: Iterable[DsEntry], plan: Plan) -> frozenset[DsData]:
    """The DS records that entries of a plan stand for; each operator has one key that signs its DNSKEY RRset."""
    losing = plan.facts.losing.dnskey_signers
    return frozenset(
        ds_data(LOSING_KEYS[0] if each.key in losing else GAINING_KEYS[0], each.digest_type) for each in entries
    )


def entries_as_keys(entries: Iterable[DsEntry], plan: Plan) -> frozenset[Any]:
    losing = plan.facts.losing.dnskey_signers
    return keys_of(LOSING_KEYS[0] if each.key in losing else GAINING_KEYS[0] for each in entries)


@dataclass
class Desk:
    """A registrar's desk: a plan as it is carried out, at a registry that carries out what it is sent.

    Attributes:
        plan: the plan, with what is done.
        record: what the registry has.
        evidence: what confirms what is done.
    """

    plan: Plan
    record: Record
    evidence: list[Evidence] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan, registry: RegistryProfile) -> Desk:
        losing = servers_of(plan.facts.losing, "192.0.2")
        is_objects = registry.name_servers.form is NsForm.HOST_OBJECTS
        has_keys = registry.dnssec.interface.takes_keys
        record = Record(
            registry=registry,
            ds=frozenset() if has_keys else entries_as_ds(plan.facts.parent.ds, plan),
            keys=entries_as_keys(plan.facts.parent.ds, plan) if has_keys else frozenset(),
            servers={each.name: () if is_objects else each.addresses for each in losing},
            hosts={each.name: each.addresses for each in losing} if is_objects else {},
        )
        return cls(plan=plan, record=record)

    @property
    def material(self) -> Material:
        return Material(
            registered=self.record.shown,
            gaining_keys=GAINING_KEYS if self.plan.facts.gaining.is_signed else (),
            losing_keys=LOSING_KEYS if self.plan.facts.losing.is_signed else (),
            gaining_servers=servers_of(self.plan.facts.gaining, "198.51.100"),
            hosts=self.record.hosts,
            auth_info=CODE,
        )

    def sender(self, actor: Actor, **changes: Any) -> Sender:
        return Sender(actor=actor, registry=self.record.registry, transactions=numbered("TEST"), **changes)

    def frames(
        self,
        step_id: str,
        *,
        now: datetime | None = None,
        actor: Actor | None = None,
        material: Material | None = None,
        override: Override | None = None,
        lift_locks: bool = False,
        client: str | None = None,
        **changes: Any,
    ) -> StepFrames:
        """The frames of a step, when its time has come and all before it is done."""
        actor = actor or next(iter(carriage(self.plan.flow, step_id).frames))
        return step_frames(
            self.plan,
            step_id,
            sender=self.sender(actor, lift_locks=lift_locks, client=client),
            material=replace(material or self.material, **changes),
            evidence=self.evidence,
            now=now or self.plan.step(step_id).not_before,
            override=override,
        )

    def done(self, step_id: str) -> None:
        """Put a step on record, as it is planned."""
        planned = self.plan.step(step_id)
        if planned.step.actor is Actor.NOBODY:
            return
        self.plan = self.plan.record(step_id, started=planned.started, completed=planned.completed)
        self.evidence.append(Evidence(step_id=step_id, seen=planned.completed, by="a look"))

    def until(self, step_id: str) -> Desk:
        """Carry out all before a step; the registry has then what the frames of those steps made of it."""
        for planned in self.in_order():
            if planned == step_id:
                return self
            if planned in DS_STEPS or planned == "ns-changed":
                self.take(planned)
            self.done(planned)
        raise AssertionError(step_id)

    def take(self, step_id: str) -> StepFrames | None:
        """Send the frames of a step to the registry; where a sponsor has none, that changes the delegation by itself."""
        if not carriage(self.plan.flow, step_id).frames:
            self._take_by_registry(step_id)
            return None
        found = self.frames(step_id)
        self.record = self.record.after(*[each.command for each in found.frames])
        return found

    def _take_by_registry(self, step_id: str) -> None:
        if step_id == "ns-changed":
            servers = servers_of(self.plan.facts.gaining, "198.51.100")
            is_objects = self.record.registry.name_servers.form is NsForm.HOST_OBJECTS
            self.record = replace(
                self.record,
                servers={each.name: () if is_objects else each.addresses for each in servers},
                hosts={**self.record.hosts, **{each.name: each.addresses for each in servers if is_objects}},
            )
            return
        assert step_id == "ds-added"
        steps = [each.step for each in self.plan.steps]
        entries = ds_with_gaining(self.plan.facts, steps, self.plan.facts.parent.ds)
        if self.record.registry.dnssec.interface.takes_keys:
            self.record = replace(self.record, keys=entries_as_keys(entries, self.plan))
        else:
            self.record = replace(self.record, ds=entries_as_ds(entries, self.plan))

    def in_order(self) -> list[str]:
        places = {planned.id: place for place, planned in enumerate(self.plan.steps)}
        return sorted(places, key=lambda each: (self.plan.step(each).started, places[each]))
