"""What an answer says about a step: taken is not confirmed, and nothing is confirmed that only servers show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.epp.records import DOMAIN, Record, answered
from tests.epp.step_worlds import OVERRIDE, Desk, a_plan, a_registry, ds_data
from tests.test_transfer_plan import NOW
from zonekit.epp.confirming import Standing, Told, confirms
from zonekit.epp.domains import (
    DomainCreateData,
    DomainTransferData,
    NsForm,
    PendingActionData,
    TransferOperation,
    TransferStatus,
)
from zonekit.epp.hosts import HostCreateData
from zonekit.epp.registries import Interface, OnTransfer
from zonekit.epp.results import ResultCode
from zonekit.epp.steps import StepFrames
from zonekit.errors import EppError, TimeError
from zonekit.transfer.gate import is_confirmed
from zonekit.transfer.steps import Actor, Flow

AT: Final = NOW + timedelta(days=9)


def desk_at(step_id: str, flow: Flow = Flow.OPERATOR_CHANGE, **changes: Any) -> Desk:
    return Desk.of(a_plan(flow), a_registry(**changes)).until(step_id)


def told(frames: StepFrames, code: ResultCode, *data: object, number: int = 1, **more: Any) -> Told:
    return confirms(frames, answered(code, f"TEST-{number}", *data), at=AT, **more)


@pytest.mark.parametrize("step_id", ["ds-added", "ns-changed", "losing-ds-removed"])
def test_what_the_registry_has_taken_is_not_what_servers_give(step_id: str) -> None:
    desk = desk_at(step_id)
    frames = desk.frames(step_id)
    last = len(frames.frames)
    found = told(frames, ResultCode.COMPLETED, number=last)
    assert found.standing is Standing.TAKEN and found.evidence is None
    assert found.text.endswith("whether the servers of its zone give it is to be asked of them")
    assert told(frames, ResultCode.COMPLETED_PENDING, number=last).standing is Standing.PENDING
    refused = told(frames, ResultCode.STATUS_PROHIBITS)
    assert refused.standing is Standing.REFUSED and refused.explanations[0].code == 2304


@pytest.mark.parametrize("interface", Interface)
@pytest.mark.parametrize("form", NsForm)
@pytest.mark.parametrize("step_id", ["ds-added", "ns-changed", "losing-ds-removed"])
def test_an_info_is_held_against_what_was_asked_for(interface: Interface, form: NsForm, step_id: str) -> None:
    desk = desk_at(step_id, interface=interface, form=form)
    frames = desk.frames(step_id)
    before = confirms(frames, desk.record.response(), at=AT)
    assert before.standing is Standing.DIFFERS and before.evidence is None
    assert "the registry lacks" in before.text or "the registry still has" in before.text
    after = desk.record.after(*[each.command for each in frames.frames])
    assert confirms(frames, after.response(), at=AT).standing is Standing.TAKEN


def test_an_address_that_was_not_changed_is_told() -> None:
    desk = desk_at("ns-changed", form=NsForm.HOST_ATTRIBUTES)
    servers = {f"ns1.{DOMAIN}": ("192.0.2.1",)}
    frames = replace(desk.frames("ns-changed"), after=None)
    with pytest.raises(EppError, match="says nothing about ns-changed"):
        confirms(frames, replace(desk.record, servers=servers).response(), at=AT)
    wanted = desk.frames("ns-changed").after
    assert wanted is not None and wanted.servers is not None
    moved = frozenset(
        replace(each, name=f"ns1.{DOMAIN}", addresses=("198.51.100.1",)) for each in [*wanted.servers][:1]
    )
    asked = replace(frames, after=replace(wanted, servers=moved))
    found = confirms(asked, replace(desk.record, servers=servers).response(), at=AT)
    assert found.text == f"the registry has another address of ns1.{DOMAIN}"


def test_each_frame_but_the_last_says_that_there_are_more() -> None:
    frames = desk_at("ns-changed").frames("ns-changed")
    assert len(frames.frames) == 2
    assert told(frames, ResultCode.COMPLETED).text == "frame 1 of 2 is taken: send the next one"
    assert told(frames, ResultCode.OBJECT_EXISTS).standing is Standing.PENDING
    made = HostCreateData(name="ns1.gaining.example", created=NOW)
    assert told(frames, ResultCode.COMPLETED, made).text == "frame 1 of 2 is taken: send the next one"
    pending = told(frames, ResultCode.COMPLETED_PENDING)
    assert pending.standing is Standing.PENDING and "send the next" not in pending.text
    with pytest.raises(EppError, match="says nothing about ns-changed"):
        told(frames, ResultCode.ENDING_SESSION)
    assert told(frames, ResultCode.OBJECT_EXISTS, number=2).standing is Standing.REFUSED


def transferring(actor: Actor = Actor.GAINING_REGISTRAR) -> tuple[Desk, StepFrames]:
    desk = desk_at("domain-transferred", Flow.REGISTRAR_CHANGE)
    if actor is Actor.LOSING_REGISTRAR:
        desk.record = replace(desk.record, statuses=("pendingTransfer",))
    return desk, desk.frames("domain-transferred", actor=actor)


def transfer_data(status: TransferStatus, requester: str = "gaining", name: str = DOMAIN) -> DomainTransferData:
    return DomainTransferData(
        name=name, status=status, requester=requester, requested=NOW, actor="losing", acted=NOW + timedelta(days=5)
    )


@pytest.mark.parametrize("status", TransferStatus)
def test_a_notice_of_a_transfer_is_evidence_when_it_is_approved(status: TransferStatus) -> None:
    desk, frames = transferring()
    found = told(frames, ResultCode.ACK_TO_DEQUEUE, transfer_data(status), gaining="gaining")
    if status.is_approved:
        assert found.standing is Standing.CONFIRMED and found.evidence is not None
        assert is_confirmed(desk.plan, "domain-transferred", [found.evidence], now=AT)
    else:
        assert found.evidence is None
        assert found.standing is (Standing.PENDING if status is TransferStatus.PENDING else Standing.REFUSED)
    other = told(frames, ResultCode.ACK_TO_DEQUEUE, transfer_data(status, "somebody"), gaining="gaining")
    assert other.standing is Standing.DIFFERS and other.evidence is None


def test_the_answer_to_an_approval_confirms_the_transfer() -> None:
    _, frames = transferring(Actor.LOSING_REGISTRAR)
    assert frames.frames[0].command.action.operation is TransferOperation.APPROVE  # type: ignore[union-attr]
    approved = transfer_data(TransferStatus.CLIENT_APPROVED)
    assert told(frames, ResultCode.COMPLETED, approved, gaining="gaining").standing is Standing.CONFIRMED
    with pytest.raises(EppError, match="it is gaining that asks for the domain, and nobody says whether"):
        told(frames, ResultCode.COMPLETED, approved)
    assert told(frames, ResultCode.COMPLETED).standing is Standing.TAKEN


def test_an_info_confirms_the_transfer_by_its_sponsor() -> None:
    desk, frames = transferring()
    info = desk.record.response()
    with pytest.raises(EppError, match="its sponsor is losing, and nobody says whether that is the gaining registrar"):
        confirms(frames, info, at=AT)
    assert confirms(frames, info, at=AT, gaining="losing").standing is Standing.CONFIRMED
    assert confirms(frames, info, at=AT, gaining="gaining").standing is Standing.DIFFERS
    pending: Record = replace(desk.record, statuses=("pendingTransfer",))
    assert confirms(frames, pending.response(), at=AT, gaining="gaining").standing is Standing.PENDING


def test_an_offer_is_confirmed_by_its_having_been_taken() -> None:
    desk = desk_at("keys-offered", Flow.REGISTRY_FACILITATED)
    frames = desk.frames("keys-offered")
    found = told(frames, ResultCode.COMPLETED, by="the registry of nl")
    assert found.evidence is not None and found.evidence.by == "the registry of nl"
    assert told(frames, ResultCode.COMPLETED_PENDING).evidence is None


def test_a_pending_action_tells_how_its_command_ended() -> None:
    frames = desk_at("ds-added").frames("ds-added")
    action = PendingActionData(
        name=DOMAIN, succeeded=True, server_transaction="registry-1", client_transaction="TEST-1", acted=NOW
    )
    assert told(frames, ResultCode.ACK_TO_DEQUEUE, action).standing is Standing.TAKEN
    failed = told(frames, ResultCode.ACK_TO_DEQUEUE, replace(action, succeeded=False))
    assert failed.standing is Standing.REFUSED
    with pytest.raises(EppError, match="says nothing about ds-added"):
        told(frames, ResultCode.ACK_TO_DEQUEUE, replace(action, client_transaction="OTHER-1"))


def test_a_pending_action_confirms_an_offer_and_no_transfer() -> None:
    action = PendingActionData(
        name=DOMAIN, succeeded=True, server_transaction="registry-1", client_transaction="TEST-1", acted=NOW
    )
    _, frames = transferring()
    assert told(frames, ResultCode.ACK_TO_DEQUEUE, action).standing is Standing.TAKEN
    offered = desk_at("keys-offered", Flow.REGISTRY_FACILITATED).frames("keys-offered")
    assert told(offered, ResultCode.ACK_TO_DEQUEUE, action).standing is Standing.CONFIRMED
    with pytest.raises(EppError, match="says nothing about keys-offered"):
        told(offered, ResultCode.ACK_TO_DEQUEUE, replace(action, client_transaction=None))
    with pytest.raises(EppError, match="says nothing about ds-added"):
        told(desk_at("ds-added").frames("ds-added"), ResultCode.COMPLETED, transfer_data(TransferStatus.PENDING))


def test_a_pending_action_of_the_frame_after_the_transfer_does_not_stand_for_the_transfer() -> None:
    desk = desk_at("domain-transferred", Flow.REGISTRAR_CHANGE, on_transfer=OnTransfer.DROP)
    frames = desk.frames("domain-transferred", override=OVERRIDE)
    first, second = (
        PendingActionData(
            name=DOMAIN, succeeded=True, server_transaction="registry-1", client_transaction=f"TEST-{number}", acted=NOW
        )
        for number in (1, 2)
    )
    waiting = told(frames, ResultCode.ACK_TO_DEQUEUE, first)
    assert waiting.standing is Standing.PENDING
    assert waiting.text.endswith(
        "send the next one after the poll message or the domain info that says that the transfer is done"
    )
    done = told(frames, ResultCode.ACK_TO_DEQUEUE, second, gaining="gaining")
    assert done.standing is Standing.TAKEN and done.evidence is None
    failed = told(frames, ResultCode.ACK_TO_DEQUEUE, replace(second, succeeded=False))
    assert failed.standing is Standing.REFUSED and "frame 2 of 2 asks, add the DS again" in failed.text


@pytest.mark.parametrize("code", [ResultCode.COMPLETED, ResultCode.COMPLETED_PENDING, ResultCode.AUTHENTICATION])
@pytest.mark.parametrize("transaction", ["OTHER-99", None])
@pytest.mark.parametrize(
    ("flow", "step_id"), [(Flow.REGISTRY_FACILITATED, "keys-offered"), (Flow.OPERATOR_CHANGE, "ds-added")]
)
def test_the_answer_to_a_command_that_is_no_frame_of_the_step_says_nothing(
    code: ResultCode, transaction: str | None, flow: Flow, step_id: str
) -> None:
    desk = desk_at(step_id, flow)
    frames = desk.frames(step_id)
    for each in (frames, replace(frames, frames=())):
        with pytest.raises(EppError, match=f"says nothing about {step_id}"):
            confirms(each, answered(code, transaction), at=AT)


def test_a_transfer_from_before_the_plan_or_to_somebody_else_is_none_of_its() -> None:
    desk = desk_at("domain-transferred", Flow.REGISTRAR_CHANGE)
    query = desk.frames("domain-transferred", operation=TransferOperation.QUERY)
    for status in TransferStatus:
        old = replace(transfer_data(status), requested=desk.plan.start - timedelta(seconds=1))
        found = told(query, ResultCode.COMPLETED, old, gaining="gaining")
        assert found.standing is Standing.DIFFERS and found.evidence is None
        assert "before the plan begins" in found.text
    approved = transfer_data(TransferStatus.CLIENT_APPROVED)
    assert told(query, ResultCode.COMPLETED, approved, gaining="gaining").evidence is not None
    assert told(query, ResultCode.COMPLETED, approved, gaining="GAINING").evidence is None


def test_a_transfer_after_which_the_ds_is_gone_is_not_as_planned() -> None:
    for changes in ({}, {"interface": Interface.KEY_DATA}, {"on_transfer": OnTransfer.DROP}):
        desk = desk_at("domain-transferred", Flow.REGISTRAR_CHANGE, **changes)
        frames = desk.frames("domain-transferred", override=OVERRIDE)
        moved = replace(desk.record, sponsor="gaining")
        lost = replace(moved, ds=frozenset(), keys=frozenset())
        found = confirms(frames, lost.response(), at=AT, gaining="gaining")
        assert found.standing is Standing.DIFFERS and found.evidence is None and "the registry lacks" in found.text
        assert confirms(frames, moved.response(), at=AT, gaining="gaining").evidence is not None


def test_what_the_gaining_registrar_was_not_told_before_the_transfer_is_looked_for_after_it() -> None:
    desk = desk_at("domain-transferred", Flow.REGISTRAR_CHANGE)
    frames = desk.frames("domain-transferred", registered=replace(desk.record, ds=frozenset()).shown)
    lost = replace(desk.record, sponsor="gaining", ds=frozenset())
    assert confirms(frames, lost.response(), at=AT, gaining="gaining").standing is Standing.DIFFERS
    whole = replace(desk.record, sponsor="gaining")
    assert confirms(frames, whole.response(), at=AT, gaining="gaining").standing is Standing.CONFIRMED


def test_the_answer_to_the_info_that_asks_for_the_code_says_whether_it_is_told() -> None:
    desk = desk_at("authinfo-given", Flow.REGISTRAR_CHANGE)
    frames = desk.frames("authinfo-given", auth_info=None)
    response = desk.record.response("TEST-1")
    found = confirms(frames, response, at=AT)
    assert found.standing is Standing.TAKEN and desk.record.code not in found.text
    (info,) = response.data
    silent = replace(response, data=(replace(info, auth_info=None),))  # type: ignore[type-var]
    assert confirms(frames, silent, at=AT).standing is Standing.DIFFERS
    with pytest.raises(EppError, match="says nothing about authinfo-given"):
        confirms(frames, desk.record.response(), at=AT)


def test_an_answer_about_something_else_is_refused() -> None:
    frames = desk_at("ds-added").frames("ds-added")
    other = transfer_data(TransferStatus.SERVER_APPROVED, name="example.com.")
    with pytest.raises(EppError, match=r"the answer is about example\.com\., and the frames about example\.nl\."):
        told(frames, ResultCode.ACK_TO_DEQUEUE, other)
    for code, data in (
        (ResultCode.NO_MESSAGES, ()),
        (ResultCode.ACK_TO_DEQUEUE, (transfer_data(TransferStatus.SERVER_APPROVED),)),
        (ResultCode.COMPLETED, (DomainCreateData(name=DOMAIN, created=NOW),)),
    ):
        with pytest.raises(EppError, match="says nothing about ds-added"):
            told(frames, code, *data)
    with pytest.raises(TimeError):
        confirms(frames, answered(ResultCode.COMPLETED, "TEST-1"), at=AT.replace(tzinfo=None))


def test_a_ds_that_is_too_many_is_told() -> None:
    desk = desk_at("losing-ds-removed")
    frames = desk.frames("losing-ds-removed")
    kept = replace(desk.record, ds=frozenset({ds_data(key, 2) for key in desk.material.gaining_keys}))
    assert "the registry still has DS" in confirms(frames, kept.response(), at=AT).text
