"""What stands in the way of what, who lifts it, and what result codes ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekit.epp.domains import Status
from zonekit.epp.explanations import Explanation, Next, explain
from zonekit.epp.parts import Part
from zonekit.epp.results import Reason, Result, ResultCode, result
from zonekit.epp.statuses import (
    KNOWN,
    DomainStatus,
    Operation,
    Party,
    StatusRule,
    locks_against,
    status_findings,
)
from zonekit.errors import EppError

words = st.sampled_from(sorted(KNOWN)) | st.text("abcdefXYZ", min_size=1, max_size=12)
statuses = st.lists(words, unique=True).map(lambda found: [Status(value=each) for each in found])


def stopped(status: str, by: Party = Party.SPONSOR) -> set[Operation]:
    return {each for each in Operation if locks_against([Status(value=status)], each, by=by)}


@pytest.mark.parametrize("status", DomainStatus, ids=lambda status: status.value)
def test_each_status_stops_what_its_name_says(status: DomainStatus) -> None:
    wanted: set[Operation] = set()
    if status.value.endswith("UpdateProhibited"):
        wanted = {Operation.UPDATE}
    elif status.value.endswith("TransferProhibited"):
        wanted = {Operation.REQUEST}
    elif status.value.startswith("pending"):
        wanted = {Operation.UPDATE, Operation.REQUEST}
    assert stopped(status.value) == wanted


def test_a_transfer_that_is_pending_can_be_answered() -> None:
    assert Operation.ANSWER not in stopped("pendingTransfer")


def test_a_word_that_only_hosts_have_stops_nothing() -> None:
    assert stopped("linked") == set()


@given(statuses, st.sampled_from(Operation), st.sampled_from(Party))
def test_every_lock_is_one_of_the_statuses_with_a_way_out(found: list[Status], operation: Operation, by: Party) -> None:
    locks = locks_against(found, operation, by=by)
    assert [lock.status for lock in locks] == [each for each in found if operation in stopped(each.value)]
    for lock in locks:
        assert lock.reason and lock.remedy and lock.rule
        assert lock.may_lift is (by is Party.SPONSOR and lock.status.value.startswith("client"))
        who = {"client": Party.SPONSOR, "server": Party.REGISTRY}.get(lock.status.value[:6])
        assert lock.lifted_by is who
        assert str(lock).startswith(f"{lock.status.value} stands in the way of the {operation.value}")


@given(statuses)
def test_what_is_unknown_is_told_and_stops_nothing(found: list[Status]) -> None:
    told = [each.message.split()[2] for each in status_findings("example.nl.", found) if each.code == "status-unknown"]
    assert told == [each.value for each in found if each.value not in KNOWN]
    for each in found:
        if each.value not in KNOWN:
            assert stopped(each.value) == set()


@pytest.mark.parametrize("status", ["clientHold", "serverHold", "inactive"])
def test_a_domain_that_is_not_delegated_is_told(status: str) -> None:
    (finding,) = status_findings("example.nl.", [Status(value=status)])
    assert finding.code == "not-delegated" and status in finding.message and stopped(status) == set()


def test_a_rule_of_the_registry_stops_what_it_says_and_makes_the_status_known() -> None:
    rule = StatusRule(
        status="courtOrder",
        stops=frozenset({Operation.ANSWER}),
        reason="a court has said so",
        remedy="ask the court",
    )
    found = [Status(value="courtOrder", message="case 7")]
    (lock,) = locks_against(found, Operation.ANSWER, by=Party.SPONSOR, rules=[rule])
    assert not lock.may_lift and "says the registry: case 7; ask the court" in str(lock)
    assert not locks_against(found, Operation.UPDATE, by=Party.SPONSOR, rules=[rule])
    assert not status_findings("example.nl.", found, rules=[rule])
    with pytest.raises(EppError, match="stop nothing"):
        StatusRule(status="courtOrder", stops=frozenset(), reason="a", remedy="b")


def test_who_is_not_the_sponsor_has_it_lifted() -> None:
    (lock,) = locks_against([Status(value="clientTransferProhibited")], Operation.REQUEST, by=Party.OTHER)
    assert lock.lifted_by is Party.SPONSOR and not lock.may_lift and lock.remedy == "have the sponsor remove it"


# ---- result codes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ResultCode)
def test_every_code_has_its_meaning_and_what_to_do(code: ResultCode) -> None:
    found = explain(result(code))
    assert found.is_known and found.meaning and found.to_do
    assert (found.next in (Next.GO_ON, Next.WAIT) or code >= 2000) and (found.next is not Next.GO_ON or code < 2000)
    assert str(found).startswith(f"{int(code)}: ")


@given(st.integers(1000, 2599))
def test_a_code_of_no_rfc_is_told_as_unknown(code: int) -> None:
    found = explain(Result(code=code, message="?"))
    assert found.is_known is (code in ResultCode.__members__.values())
    if not found.is_known:
        assert "no RFC knows" in found.meaning and found.next is (Next.WAIT if code < 2000 else Next.MEND)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (ResultCode.AUTHORIZATION, "sponsor"),
        (ResultCode.INVALID_AUTH_INFO, "fresh code"),
        (ResultCode.PENDING_TRANSFER, "transfer query"),
        (ResultCode.STATUS_PROHIBITS, "domain info"),
        (ResultCode.PARAMETER_POLICY, "number of DS"),
        (ResultCode.DATA_POLICY, "zonekit status"),
        (ResultCode.UNIMPLEMENTED_OPTION, "urgent"),
    ],
)
def test_the_codes_that_a_transfer_meets_say_what_is_next(code: ResultCode, word: str) -> None:
    found = explain(result(code))
    assert word in found.to_do or word in found.meaning


def test_what_the_server_says_goes_along_and_what_it_quotes_does_not() -> None:
    quoted = Part(xml='<pw xmlns="urn:ietf:params:xml:ns:domain-1.0">s3cret</pw>')
    told = Result(code=2202, message="Nee", reasons=(Reason(value=quoted, text="verlopen"),), values=(quoted,))
    found: Explanation = explain(told)
    assert found.said == ("Nee", "verlopen") and "s3cret" not in str(found) + repr(found)
