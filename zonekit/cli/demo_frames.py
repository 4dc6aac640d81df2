"""What the registrar sends to the registry in the demo: the EPP frames of the steps at the parent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from zonekit import rdata as rd
from zonekit.cli.move import Assumptions, Side
from zonekit.dnskeys import dnskeys_of
from zonekit.epp.domains import NsForm
from zonekit.epp.materials import Material, name_servers_of
from zonekit.epp.registries import (
    DnssecPolicy,
    Interface,
    NameServerPolicy,
    OnTransfer,
    RegistryProfile,
    RegistryTimes,
)
from zonekit.epp.steps import Sender, StepFrames, numbered, step_frames
from zonekit.reports.wording import in_order
from zonekit.transfer.course import Course
from zonekit.transfer.plan import Plan
from zonekit.transfer.steps import Actor

STEPS: Final = ("ds-added", "ns-changed", "losing-ds-removed")
"""The steps of the transfer that the registrar takes."""


def registry_of(assumed: Assumptions) -> RegistryProfile:
    """Return the profile of a registry with the times that the demo assumes; it takes DS records and has host objects."""
    return RegistryProfile(
        name="the registry of nl",
        zone="nl",
        dnssec=DnssecPolicy(interface=Interface.DS_DATA, most=8, on_transfer=OnTransfer.KEEP),
        name_servers=NameServerPolicy(form=NsForm.HOST_OBJECTS, least=2, most=13),
        times=RegistryTimes(
            ds_ttl=assumed.parent_ds_ttl,
            ns_ttl=assumed.parent_ns_ttl,
            negative_ttl=assumed.parent_negative_ttl,
            propagation_delay=assumed.parent_propagation_delay,
            registration_delay=timedelta(0),
        ),
    )


def frames_sent(plan: Plan, losing: Side, gaining: Side, assumed: Assumptions) -> Iterator[StepFrames]:
    """Yield the frames of each step of the registrar, as they may be sent when all that was planned before it is done."""
    sender = Sender(actor=Actor.REGISTRAR, registry=registry_of(assumed), transactions=numbered("DEMO"))
    material = Material(
        gaining_keys=dnskeys_of(gaining.zone.apex_rrset(rd.DNSKEY)),
        losing_keys=dnskeys_of(losing.zone.apex_rrset(rd.DNSKEY)),
        gaining_servers=name_servers_of(gaining.zone),
    )
    for step_id in STEPS:
        due = plan.step(step_id).started
        done = _done_before(plan, step_id)
        evidence = Course.begun(done).evidence
        yield step_frames(done, step_id, sender=sender, material=material, evidence=evidence, now=due)


def _done_before(plan: Plan, step_id: str) -> Plan:
    """The plan with all on record that is to be done when a step begins."""
    due = plan.step(step_id).started
    for each in in_order(plan):
        if each.step.actor is not Actor.NOBODY and each.id != step_id and each.completed <= due:
            plan = plan.record(each.id, started=each.started, completed=each.completed)
    return plan
