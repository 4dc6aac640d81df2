"""Messages of the queue are told by what they are about, and the keys in them go to the intake, all of them."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.epp.examples import EXAMPLES
from tests.epp.strategies import datas, key_relay_datas, parts
from tests.keyring import VALIDITY, csk, zsk
from zonekit.dnskeys import Dnskey, check_intake, dnskeys_of, parse_dnskeys
from zonekit.ds import KeyData
from zonekit.epp import (
    AuthInfo,
    Command,
    DomainTransferData,
    KeyRelayCreate,
    KeyRelayData,
    KeyRelayNotice,
    MessageQueue,
    NoMessage,
    Part,
    PendingActionData,
    PendingActionNotice,
    RelayedKey,
    Response,
    ResultCode,
    TransactionId,
    TransferNotice,
    TransferStatus,
    UnknownNotice,
    notice_of,
    read_frame,
    relayed_keys,
    result,
)
from zonekit.errors import DuplicateKey, EppError, KeyTagCollision, MalformedKey, WrongOwner
from zonekit.names import parse_origin
from zonekit.signing import sign_zone
from zonekit.zonefile import parse_zone
from zonekit.zones import Zone

TOLD = {KeyRelayData: KeyRelayNotice, DomainTransferData: TransferNotice, PendingActionData: PendingActionNotice}
ZONE = "@ 3600 SOA ns1.example.net. hostmaster 7 7200 3600 1209600 300\n@ 86400 NS ns1.example.net.\n"


def example(name: str) -> Response:
    frame = read_frame(EXAMPLES[name])
    assert isinstance(frame, Response)
    return frame


def message(*data: object, code: ResultCode = ResultCode.ACK_TO_DEQUEUE) -> Response:
    return Response(
        results=(result(code),),
        transaction=TransactionId(server="REG-1"),
        queue=MessageQueue(count=1, message_id="1"),
        data=data,  # type: ignore[arg-type]  # of whatever kind a strategy drew
    )


def test_the_examples_are_told_by_what_they_are_about() -> None:
    kinds = {
        "rfc8063-poll-response": KeyRelayNotice,
        "rfc5731-pending-action": PendingActionNotice,
        "rfc5730-poll-empty": NoMessage,
        "rfc5730-poll-marked-up": UnknownNotice,
        "rfc5730-poll-transfer-pending": TransferNotice,
        "rfc5730-poll-transfer-approved": TransferNotice,
        "rfc5730-poll-transfer-server-approved": TransferNotice,
    }
    assert {name: type(notice_of(example(name))) for name in kinds} == kinds


@given(datas())
def test_a_notice_has_the_data_it_is_about_and_all_that_came_with_it(data: object) -> None:
    response = message(data)
    notice = notice_of(response)
    assert type(notice) is TOLD.get(type(data), UnknownNotice)
    assert not isinstance(notice, NoMessage) and notice.response is response
    if isinstance(notice, KeyRelayNotice | TransferNotice | PendingActionNotice):
        assert notice.data is data and notice.domain == notice.data.name


@given(key_relay_datas(), parts())
def test_what_is_unknown_beside_the_data_is_in_the_answer(data: KeyRelayData, part: Part) -> None:
    notice = notice_of(message(part, data))
    assert isinstance(notice, KeyRelayNotice)
    assert notice.data == data and notice.response.data == (part, data)


@given(key_relay_datas())
def test_a_message_about_two_things_is_told_as_none_of_them(data: KeyRelayData) -> None:
    assert notice_of(message(data, data)) == UnknownNotice(response=message(data, data))


@pytest.mark.parametrize("status", TransferStatus)
def test_only_a_pending_transfer_says_until_when_the_registry_waits(status: TransferStatus) -> None:
    acted = datetime(2026, 11, 26, 12, tzinfo=UTC)
    data = DomainTransferData(
        name="example.nl",
        status=status,
        requester="gaining",
        requested=datetime(2026, 11, 21, 12, tzinfo=UTC),
        actor="losing",
        acted=acted,
    )
    notice = notice_of(message(data))
    assert isinstance(notice, TransferNotice) and notice.status is status
    assert notice.until == (acted if status is TransferStatus.PENDING else None)


def test_an_empty_queue_has_no_message_and_a_request_that_failed_is_an_error() -> None:
    assert notice_of(message(code=ResultCode.NO_MESSAGES)) == NoMessage()
    with pytest.raises(EppError, match=r"the request for messages failed with 2400: .*the message stays in the queue"):
        notice_of(message(code=ResultCode.COMMAND_FAILED))


# ---- relayed keys ---------------------------------------------------------------------------------------------------


@given(key_relay_datas())
def test_every_key_that_was_relayed_is_handed_on_in_order(data: KeyRelayData) -> None:
    keys = relayed_keys(data)
    assert [key.dnskey_rdata for key in keys] == [each.key.rdata for each in data.keys]
    assert {key.owner for key in keys} == {parse_origin(data.name)}
    assert relayed_keys(data, expected=data.name.removesuffix(".").upper()) == keys


def test_the_keys_of_the_example_are_those_that_the_gaining_operator_offers() -> None:
    notice = notice_of(example("rfc8063-poll-response"))
    assert isinstance(notice, KeyRelayNotice)
    with open("fixtures/keys/gaining.dnskeys") as file:
        assert set(relayed_keys(notice.data)) == set(parse_dnskeys(file.read()))
    command = read_frame(EXAMPLES["rfc8063-create-no-expiry"])
    assert isinstance(command, Command) and isinstance(command.action, KeyRelayCreate)
    assert len(relayed_keys(command.action)) == len(command.action.keys)


@given(key_relay_datas(), st.sampled_from(("example.org", "example.org.", "EXAMPLE.ORG")))
def test_keys_for_another_domain_are_refused_with_both_names(data: KeyRelayData, expected: str) -> None:
    with pytest.raises(WrongOwner) as caught:
        relayed_keys(data, expected=expected)
    assert data.name in str(caught.value) and "example.org." in str(caught.value).lower()
    assert data.auth_info.password not in ("", None)
    assert caught.value.owner == data.name


def zone() -> Zone:
    return sign_zone(parse_zone(ZONE, "example.nl"), [csk()], validity=VALIDITY)


def relay(*keys: KeyData) -> tuple[Dnskey, ...]:
    return relayed_keys(
        KeyRelayData(
            name="example.nl",
            auth_info=AuthInfo(password="code"),
            keys=tuple(RelayedKey(key=key) for key in keys),
            created=datetime(2026, 11, 21, tzinfo=UTC),
            requester="gaining",
            actor="losing",
        )
    )


def test_a_sound_key_passes_the_intake() -> None:
    key = KeyData.from_rdata(zsk().dnskey_rdata)
    intake = check_intake(zone(), relay(key))
    assert not intake.refused
    assert zsk().dnskey_rdata in {each.dnskey_rdata for each in dnskeys_of(intake.dnskeys)}


def test_doubles_collisions_and_junk_reach_the_intake_which_refuses_them() -> None:
    key = KeyData.from_rdata(zsk().dnskey_rdata)
    assert [type(each) for each in check_intake(zone(), relay(key, key)).refused] == [DuplicateKey]
    # The key tag is a sum over pairs of octets: two pairs that change places leave it as it is.
    octets = zsk().dnskey_rdata
    swapped = octets[:4] + octets[6:8] + octets[4:6] + octets[8:]
    refused = check_intake(zone(), relay(key, KeyData.from_rdata(swapped))).refused
    assert KeyTagCollision in {type(each) for each in refused}
    short = dataclasses.replace(key, pub_key="AQID")
    assert MalformedKey in {type(each) for each in check_intake(zone(), relay(short)).refused}
    assert re.fullmatch(r"example\.nl\. IN DNSKEY 256 3 13 AQID", relay(short)[0].text())
