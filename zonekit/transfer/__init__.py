"""The transfer planner: when each step is safe, why, and proof that it is.

Facts about a domain go in (:class:`Facts`), a dated plan comes out (:func:`plan_transfer`), and the exact cache model says
whether any resolver can see it go bogus (:func:`prove`). Everything is pure: no clock, no file, no network.

Each name is loaded from its module when it is first used, so that one module costs no more than what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zonekit.transfer.capabilities import Lack, lacks
    from zonekit.transfer.facts import Facts, Timing
    from zonekit.transfer.gate import is_confirmed, may_begin, may_record
    from zonekit.transfer.journal import (
        Confirmed,
        Decision,
        Evidence,
        Journal,
        Lacking,
        Missing,
        Overridden,
        Override,
    )
    from zonekit.transfer.ledger import Ledger, Observation, Record
    from zonekit.transfer.options import Option, Variant, lowering_saves, plan_options
    from zonekit.transfer.outlook import Outlook, TurningBack, look_ahead
    from zonekit.transfer.parties import Capability, Channel, OperatorFacts, OperatorKey, ParentFacts
    from zonekit.transfer.plan import Plan, PlannedStep, plan_transfer, prove
    from zonekit.transfer.profiles import (
        KNOT_RESOLVER,
        NAMED,
        PDNS_RECURSOR,
        PROFILES,
        STICKY,
        UNBOUND,
        UNBOUND_HARDENED,
        WITHOUT_ED448,
        WITHOUT_SHA1,
        AlgorithmRule,
        DigestRule,
        NsRule,
        ResolverProfile,
    )
    from zonekit.transfer.proof import Bogus, Outage, Safe, Verdict, Window, prove_schedule
    from zonekit.transfer.readiness import preflight, preflight_rollovers, preflight_zones
    from zonekit.transfer.steps import STEPS, Actor, Effect, Flow, Step, WaitFor, mermaid, step_list
    from zonekit.transfer.switchover import (
        CachedRecord,
        Switchover,
        involved_records,
        replaced_records,
        safe_switchover,
    )
    from zonekit.transfer.timelines import Event, schedule_of
    from zonekit.transfer.versions import (
        AddressVersion,
        DataVersion,
        DnskeyVersion,
        DsEntry,
        DsVersion,
        Key,
        NsVersion,
        Overlap,
        Schedule,
        Serving,
        Signature,
        Source,
        Version,
    )
    from zonekit.transfer.waits import Wait
    from zonekit.transfer.wayback import Return, WayBack, point_of_no_return, prove_way_back, way_back

__all__ = [
    "KNOT_RESOLVER",
    "NAMED",
    "PDNS_RECURSOR",
    "PROFILES",
    "STEPS",
    "STICKY",
    "UNBOUND",
    "UNBOUND_HARDENED",
    "WITHOUT_ED448",
    "WITHOUT_SHA1",
    "Actor",
    "AddressVersion",
    "AlgorithmRule",
    "Bogus",
    "CachedRecord",
    "Capability",
    "Channel",
    "Confirmed",
    "DataVersion",
    "Decision",
    "DigestRule",
    "DnskeyVersion",
    "DsEntry",
    "DsVersion",
    "Effect",
    "Event",
    "Evidence",
    "Facts",
    "Flow",
    "Journal",
    "Key",
    "Lack",
    "Lacking",
    "Ledger",
    "Missing",
    "NsRule",
    "NsVersion",
    "Observation",
    "OperatorFacts",
    "OperatorKey",
    "Option",
    "Outage",
    "Outlook",
    "Overlap",
    "Overridden",
    "Override",
    "ParentFacts",
    "Plan",
    "PlannedStep",
    "Record",
    "ResolverProfile",
    "Return",
    "Safe",
    "Schedule",
    "Serving",
    "Signature",
    "Source",
    "Step",
    "Switchover",
    "Timing",
    "TurningBack",
    "Variant",
    "Verdict",
    "Version",
    "Wait",
    "WaitFor",
    "WayBack",
    "Window",
    "involved_records",
    "is_confirmed",
    "lacks",
    "look_ahead",
    "lowering_saves",
    "may_begin",
    "may_record",
    "mermaid",
    "plan_options",
    "plan_transfer",
    "point_of_no_return",
    "preflight",
    "preflight_rollovers",
    "preflight_zones",
    "prove",
    "prove_schedule",
    "prove_way_back",
    "replaced_records",
    "safe_switchover",
    "schedule_of",
    "step_list",
    "way_back",
]

_HOMES: Final = {
    "KNOT_RESOLVER": "zonekit.transfer.profiles",
    "NAMED": "zonekit.transfer.profiles",
    "PDNS_RECURSOR": "zonekit.transfer.profiles",
    "PROFILES": "zonekit.transfer.profiles",
    "STEPS": "zonekit.transfer.steps",
    "STICKY": "zonekit.transfer.profiles",
    "UNBOUND": "zonekit.transfer.profiles",
    "UNBOUND_HARDENED": "zonekit.transfer.profiles",
    "WITHOUT_ED448": "zonekit.transfer.profiles",
    "WITHOUT_SHA1": "zonekit.transfer.profiles",
    "Actor": "zonekit.transfer.steps",
    "AddressVersion": "zonekit.transfer.versions",
    "AlgorithmRule": "zonekit.transfer.profiles",
    "Bogus": "zonekit.transfer.proof",
    "CachedRecord": "zonekit.transfer.switchover",
    "Capability": "zonekit.transfer.parties",
    "Channel": "zonekit.transfer.parties",
    "Confirmed": "zonekit.transfer.journal",
    "DataVersion": "zonekit.transfer.versions",
    "Decision": "zonekit.transfer.journal",
    "DigestRule": "zonekit.transfer.profiles",
    "DnskeyVersion": "zonekit.transfer.versions",
    "DsEntry": "zonekit.transfer.versions",
    "DsVersion": "zonekit.transfer.versions",
    "Effect": "zonekit.transfer.steps",
    "Event": "zonekit.transfer.timelines",
    "Evidence": "zonekit.transfer.journal",
    "Facts": "zonekit.transfer.facts",
    "Flow": "zonekit.transfer.steps",
    "Journal": "zonekit.transfer.journal",
    "Key": "zonekit.transfer.versions",
    "Lack": "zonekit.transfer.capabilities",
    "Lacking": "zonekit.transfer.journal",
    "Ledger": "zonekit.transfer.ledger",
    "Missing": "zonekit.transfer.journal",
    "NsRule": "zonekit.transfer.profiles",
    "NsVersion": "zonekit.transfer.versions",
    "Observation": "zonekit.transfer.ledger",
    "OperatorFacts": "zonekit.transfer.parties",
    "OperatorKey": "zonekit.transfer.parties",
    "Option": "zonekit.transfer.options",
    "Outage": "zonekit.transfer.proof",
    "Outlook": "zonekit.transfer.outlook",
    "Overlap": "zonekit.transfer.versions",
    "Overridden": "zonekit.transfer.journal",
    "Override": "zonekit.transfer.journal",
    "ParentFacts": "zonekit.transfer.parties",
    "Plan": "zonekit.transfer.plan",
    "PlannedStep": "zonekit.transfer.plan",
    "Record": "zonekit.transfer.ledger",
    "ResolverProfile": "zonekit.transfer.profiles",
    "Return": "zonekit.transfer.wayback",
    "Safe": "zonekit.transfer.proof",
    "Schedule": "zonekit.transfer.versions",
    "Serving": "zonekit.transfer.versions",
    "Signature": "zonekit.transfer.versions",
    "Source": "zonekit.transfer.versions",
    "Step": "zonekit.transfer.steps",
    "Switchover": "zonekit.transfer.switchover",
    "Timing": "zonekit.transfer.facts",
    "TurningBack": "zonekit.transfer.outlook",
    "Variant": "zonekit.transfer.options",
    "Verdict": "zonekit.transfer.proof",
    "Version": "zonekit.transfer.versions",
    "Wait": "zonekit.transfer.waits",
    "WaitFor": "zonekit.transfer.steps",
    "WayBack": "zonekit.transfer.wayback",
    "Window": "zonekit.transfer.proof",
    "involved_records": "zonekit.transfer.switchover",
    "is_confirmed": "zonekit.transfer.gate",
    "lacks": "zonekit.transfer.capabilities",
    "look_ahead": "zonekit.transfer.outlook",
    "lowering_saves": "zonekit.transfer.options",
    "may_begin": "zonekit.transfer.gate",
    "may_record": "zonekit.transfer.gate",
    "mermaid": "zonekit.transfer.steps",
    "plan_options": "zonekit.transfer.options",
    "plan_transfer": "zonekit.transfer.plan",
    "point_of_no_return": "zonekit.transfer.wayback",
    "preflight": "zonekit.transfer.readiness",
    "preflight_rollovers": "zonekit.transfer.readiness",
    "preflight_zones": "zonekit.transfer.readiness",
    "prove": "zonekit.transfer.plan",
    "prove_schedule": "zonekit.transfer.proof",
    "prove_way_back": "zonekit.transfer.wayback",
    "replaced_records": "zonekit.transfer.switchover",
    "safe_switchover": "zonekit.transfer.switchover",
    "schedule_of": "zonekit.transfer.timelines",
    "step_list": "zonekit.transfer.steps",
    "way_back": "zonekit.transfer.wayback",
}

# Hidden from type checkers, which would otherwise take any misspelt name for an object.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load ``name`` from its module on first use (PEP 562) and keep it."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        """The names above, loaded or not, beside what the module holds already."""
        return sorted({*globals(), *_HOMES})
