"""A case of the registry-facilitated flow as text, for a registry to keep in its own database.

**A case** (JSON, ``"format": "zonekit-case", "version": 1``)::

    told        a response of EPP, as text: what the registry has told and was told, each element of its data by itself, with the
                offer as its extension
    report      the update with the report of the losing side, as text; null or left out before
    plan        the plan, as in :mod:`zonekit.transfer.planfile`
    evidence    a list of {step, seen, by, confirming, lacking}: who saw it when, and lists of servers, which may be left out
    begun       a list of {step, at}: the steps that are begun and were not seen done
    takers      a list of the registrars that have taken the announcement of the wait

It holds authinfo codes, which are secrets: keep it where the registry keeps those.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeVar

from zonekit.epp.cases import Case
from zonekit.epp.domains import DomainTransferData, DomainUpdate
from zonekit.epp.frames import Command, Data, Response, TransactionId
from zonekit.epp.keyrelay import KeyRelayData
from zonekit.epp.offers import AuthInfoNotice, Offer, RemovalNotice, Report, WaitNotice
from zonekit.epp.parts import MAX_ELEMENTS, MAX_OCTETS
from zonekit.epp.progress import Progress
from zonekit.epp.reading import read_frame
from zonekit.epp.results import ResultCode, result
from zonekit.epp.writing import write_frame
from zonekit.errors import FrameError, PlanError
from zonekit.instants import instant_text
from zonekit.transfer import fields
from zonekit.transfer.fields import Shape
from zonekit.transfer.journal import Evidence
from zonekit.transfer.plan import Plan
from zonekit.transfer.planfile import plan_json, read_plan
from zonekit.transfer.receipts import Receipt

CASE_FORMAT: Final = "zonekit-case"
VERSION: Final = 1
_REMEDY: Final = "give what case_json wrote"
_KINDS: Final = (KeyRelayData, RemovalNotice, Receipt, WaitNotice, AuthInfoNotice, DomainTransferData)
_MAX_OCTETS: Final = 16 * MAX_OCTETS
_MAX_ELEMENTS: Final = 4 * MAX_ELEMENTS
"""What was told came in more frames than one, each within its bounds; written anew, a character of theirs takes up to five."""
_Value = TypeVar("_Value")


def case_json(case: Case) -> str:
    """Return a case as JSON, with a final newline; :func:`read_case` gives back an equal one.

    Raises:
        TimeError: a date lies beyond 2106.
    """
    progress = case.progress
    report = None if case.report is None else Command(action=DomainUpdate(name=case.name), extensions=(case.report,))
    return fields.json_text(
        {
            "format": CASE_FORMAT,
            "version": VERSION,
            "told": write_frame(_told(case)).decode(),
            "report": None if report is None else write_frame(report).decode(),
            "plan": fields.parse_json(plan_json(progress.plan), remedy=_REMEDY),
            "evidence": [
                {
                    "step": each.step_id,
                    "seen": instant_text(each.seen),
                    "by": each.by,
                    "confirming": sorted(each.confirming),
                    "lacking": sorted(each.lacking),
                }
                for each in progress.evidence
            ],
            "begun": [{"step": step_id, "at": instant_text(at)} for step_id, at in progress.begun],
            "takers": sorted(case.takers),
        }
    )


def _told(case: Case) -> Response:
    """All that the registry has told and was told, but the report, in one response."""
    code = None if case.auth_info is None else AuthInfoNotice(name=case.name, auth_info=case.auth_info)
    removal = RemovalNotice(name=case.name, not_before=case.relay.created, ds=case.losing_ds)
    known: tuple[Data | None, ...] = (case.relay, removal, case.receipt, case.wait, code, case.transfer)
    return Response(
        results=(result(ResultCode.COMPLETED),),
        transaction=TransactionId(server=CASE_FORMAT),
        data=tuple(each for each in known if each is not None),
        extensions=(case.offer,),
    )


def read_case(text: str) -> Case:
    """Return the case that a JSON text holds.

    Raises:
        PlanError: it is no case in this format; the message begins with the path of the field at fault, and shows no code.
    """
    found = fields.parse_json(text, remedy=_REMEDY)
    return _CASE(fields.headed(found, CASE_FORMAT, version=VERSION), "")


def _frame(kind: type[_Value]) -> fields.Read[_Value]:
    def read(value: object, path: str) -> _Value:
        if not isinstance(value, str):
            raise fields.refused(path, "it is no text", _REMEDY)
        try:
            frame = read_frame(value, max_octets=_MAX_OCTETS, max_elements=_MAX_ELEMENTS)
        except FrameError as error:
            raise fields.refused(path, error.problem, error.remedy or _REMEDY) from None
        if not isinstance(frame, kind):
            raise fields.refused(path, f"it is no {kind.__name__.lower()} of EPP", _REMEDY)
        return frame

    return read


def _plan(value: object, path: str) -> Plan:
    return fields.within(path, read_plan, fields.json_text(fields.an_object(value, path)))


def _evidence(*, step: str, **known: Any) -> Evidence:
    return Evidence(step_id=step, **known)


def _begun(*, step: str, at: datetime) -> tuple[str, datetime]:
    return step, at


def _one(kind: type[_Value], values: tuple[object, ...]) -> _Value | None:
    return next((each for each in values if isinstance(each, kind)), None)


def _made_case(*, told: Response, report: Command | None = None, **known: Any) -> Case:
    relay, removal, offer = _one(KeyRelayData, told.data), _one(RemovalNotice, told.data), _one(Offer, told.extensions)
    if relay is None or removal is None or offer is None:
        raise PlanError("what was told has no relayed keys, losing DS or offer", remedy=_REMEDY)
    kinds = [next((kind for kind in _KINDS if isinstance(each, kind)), None) for each in told.data]
    if None in kinds or len(set(kinds)) < len(kinds) or len(told.extensions) > 1:
        raise PlanError("what was told has something twice, or what no case holds", remedy=_REMEDY)
    code = _one(AuthInfoNotice, told.data)
    if {relay.name, removal.name, relay.name if code is None else code.name} != {relay.name}:
        raise PlanError(f"{relay.name}: the losing DS or the authinfo code is of another domain", remedy=_REMEDY)
    takers = known.pop("takers")
    return Case(
        relay=relay,
        offer=offer,
        losing_ds=removal.ds,
        progress=Progress(**known),
        receipt=_one(Receipt, told.data),
        report=None if report is None else _one(Report, report.extensions),
        wait=_one(WaitNotice, told.data),
        takers=frozenset(takers),
        auth_info=None if code is None else code.auth_info,
        transfer=_one(DomainTransferData, told.data),
    )


_NAMES: Final = fields.set_of(fields.text)
_CASE: Final = Shape(
    make=_made_case,
    needed={
        "told": _frame(Response),
        "plan": _plan,
        "evidence": fields.list_of(
            Shape(
                make=_evidence,
                needed={"step": fields.text, "seen": fields.instant, "by": fields.line},
                optional={"confirming": _NAMES, "lacking": _NAMES},
            )
        ),
        "begun": fields.list_of(Shape(make=_begun, needed={"step": fields.text, "at": fields.instant})),
        "takers": _NAMES,
    },
    optional={"report": _frame(Command)},
)
