"""A value of EPP that exists is one that a frame can carry; the others are refused with what and what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.epp.strategies import frames, lines, tokens
from zonekit.ds import DsData, KeyData
from zonekit.epp import (
    AuthInfo,
    Contact,
    DomainInfo,
    DomainPart,
    DomainTransfer,
    DomainUpdate,
    Duration,
    Frame,
    Greeting,
    HostCreate,
    HostUpdate,
    KeyRelayCreate,
    Login,
    MessageQueue,
    NameServer,
    NameServers,
    NsForm,
    Part,
    Period,
    PollAcknowledge,
    RegistryDs,
    RelayedKey,
    Removal,
    Response,
    Result,
    ResultCode,
    SecDns,
    SecDnsUpdate,
    Status,
    TransactionId,
    TransferOperation,
    TransferStatus,
    result,
)
from zonekit.epp.checks import collapsed
from zonekit.errors import DomainNameError, EppError, TimeError, ZonekitError

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY: Final = KeyData(flags=257, protocol=3, alg=15, pub_key="l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=")
DS: Final = RegistryDs(ds=DsData(key_tag=1, alg=13, digest_type=2, digest="ab" * 32))
CODE: Final = AuthInfo(password="s3cret")
POLICY: Final = Part(xml="<dcp xmlns='urn:ietf:params:xml:ns:epp-1.0'/>")
SERVER: Final = NameServer(name="ns1.example.net")

REFUSED: Final[list[tuple[str, Callable[[], object]]]] = [
    ("password of authinfo is empty or not of one line", lambda: AuthInfo(password="")),
    ("password of authinfo is empty or not of one line", lambda: AuthInfo(password="a\nb")),
    ("roid of authinfo is no repository object identifier", lambda: AuthInfo(password="a", roid="EX_REP")),
    ("roid of authinfo is no repository object identifier", lambda: AuthInfo(password="a", roid="EX-R_P")),
    ("roid of authinfo is no repository object identifier", lambda: AuthInfo(password="a", roid="E X-REP")),
    ("roid of authinfo is no repository object identifier", lambda: AuthInfo(password="a", roid="EX-REPOSITOR")),
    ("name of a domain info: ", lambda: DomainInfo(name="a..b")),
    ("name of a domain info is the root or too long", lambda: DomainInfo(name=".")),
    ("is the root or too long", lambda: DomainInfo(name=r"\001" * 63 + "." + r"\001" * 63)),
    ("name of a domain info is not known", lambda: DomainInfo(name=None)),  # type: ignore[arg-type]
    ("ns1.example.net. has an address twice", lambda: NameServer(name="ns1.example.net", addresses=("::1", "0::1"))),
    ("where no server is", lambda: NameServer(name="ns1.example.net", addresses=("::",))),
    ("where no server is", lambda: HostCreate(name="ns1.example.net", addresses=("fe80::1%eth0",))),
    ("'1.2.3'", lambda: HostCreate(name="ns1.example.net", addresses=("1.2.3",))),
    ("no name server, or one twice", lambda: NameServers(form=NsForm.HOST_OBJECTS, servers=())),
    ("no name server, or one twice", lambda: NameServers(form=NsForm.HOST_OBJECTS, servers=(SERVER, SERVER))),
    (
        "a name server that is a host object is given with addresses",
        lambda: NameServers(form=NsForm.HOST_OBJECTS, servers=(NameServer(name="a.nl", addresses=("::1",)),)),
    ),
    ("a contact is of kind owner", lambda: Contact(kind="owner", id="abc")),
    ("has 2 characters; give 3 to 16", lambda: Contact(id="ab")),
    ("has 17 characters; give 3 to 16", lambda: Contact(id="a" * 17)),
    ("has spaces that EPP does not keep", lambda: Contact(id=" abc")),
    ("has spaces that EPP does not keep", lambda: Status(value="a  b")),
    ("message of a status is not of one line", lambda: Status(value="ok", message="a\nb")),
    ("language of a status is no language", lambda: Status(value="ok", language="e n")),
    ("number of a period is 100", lambda: Period(number=100)),
    ("number of a period is True", lambda: Period(number=True)),
    ("nothing is added or removed", DomainPart),
    ("12 statuses; give 11 at most", lambda: DomainPart(statuses=tuple(Status(value=f"s{i}") for i in range(12)))),
    ("registrant of a domain update has 2", lambda: DomainUpdate(name="a.nl", registrant="ab")),
    (
        "a transfer is requested without an authinfo code",
        lambda: DomainTransfer(operation=TransferOperation.REQUEST, name="a.nl"),
    ),
    ("a host update changes nothing", lambda: HostUpdate(name="a.nl")),
    ("::1 is added and removed", lambda: HostUpdate(name="a.nl", add=("::1",), remove=("::1",))),
    ("DNSSEC data has neither DS nor keys", lambda: SecDns(max_sig_life=1)),
    ("DNSSEC data has DS and keys", lambda: SecDns(ds=(DS,), keys=(KEY,))),
    ("DNSSEC data has a DS or a key twice", lambda: SecDns(ds=(DS, DS))),
    ("DNSSEC data has a DS or a key twice", lambda: SecDns(keys=(KEY, KEY))),
    ("max_sig_life of DNSSEC data is 0", lambda: SecDns(ds=(DS,), max_sig_life=0)),
    ("max_sig_life of DNSSEC data is 2147483648", lambda: SecDns(ds=(DS,), max_sig_life=2**31)),
    ("a removal is either of everything or of what it names", Removal),
    ("a removal is either of everything or of what it names", lambda: Removal(ds=(DS,), everything=True)),
    ("a DNSSEC update changes nothing", lambda: SecDnsUpdate(urgent=True)),
    ("a DNSSEC update has DS and keys", lambda: SecDnsUpdate(remove=Removal(keys=(KEY,)), add=SecDns(ds=(DS,)))),
    ("a key relay without a key", lambda: KeyRelayCreate(name="a.nl", auth_info=CODE, keys=())),
    (
        "a key is relayed twice",
        lambda: KeyRelayCreate(
            name="a.nl", auth_info=CODE, keys=(RelayedKey(key=KEY), RelayedKey(key=KEY, expiry=NOW))
        ),
    ),
    ("expiry of a relayed key is no aware instant", lambda: RelayedKey(key=KEY, expiry=NOW.replace(tzinfo=None))),
    ("expiry of a relayed key is no aware instant", lambda: RelayedKey(key=KEY, expiry=NOW.replace(microsecond=1))),
    (
        "expiry of a relayed key is beyond the calendar",
        lambda: RelayedKey(key=KEY, expiry=datetime.max.replace(microsecond=0, tzinfo=timezone(timedelta(hours=-1)))),
    ),
    ("a duration of nothing", Duration),
    ("years of a duration is 1000000", lambda: Duration(years=10**6)),
    ("days of a duration is -1", lambda: Duration(days=-1)),
    ("password of a login is not of 6 to 16 characters", lambda: Login(client="abc", password="short")),
    ("new_password of a login is not of 6 to", lambda: Login(client="abc", password="longer", new_password="a" * 17)),
    ("password of a login is not of 6 to 16 characters", lambda: Login(client="abc", password="two  spaces")),
    ("no namespace of objects is given", lambda: Login(client="abc", password="longer", objects=())),
    ("no version is given", lambda: Greeting(server="abc", now=NOW, policy=POLICY, versions=())),
    ("no language is given", lambda: Greeting(server="abc", now=NOW, policy=POLICY, languages=())),
    ("no namespace of objects is given", lambda: Greeting(server="abc", now=NOW, policy=POLICY, objects=())),
    ("the policy of a greeting is no dcp element", lambda: Greeting(server="abc", now=NOW, policy=Part(xml="<dcp/>"))),
    ("versions of a greeting is no version", lambda: Greeting(server="abc", now=NOW, policy=POLICY, versions=("1",))),
    ("server of a greeting has 2 characters", lambda: Greeting(server="ab", now=NOW, policy=POLICY)),
    ("message_id of an acknowledgement has 0 characters", lambda: PollAcknowledge(message_id="")),
    ("the markup of a message is no msg element", lambda: MessageQueue(count=1, message_id="1", markup=POLICY)),
    ("count of a queue of messages is", lambda: MessageQueue(count=2**64, message_id="1")),
    ("code of a result is 999", lambda: Result(code=999, message="")),
    ("message of a result is not of one line", lambda: Result(code=1000, message="a\tb")),
    ("a response has no result", lambda: Response(results=(), transaction=TransactionId(server="abc"))),
    (
        "a success beside others",
        lambda: Response(
            results=(result(ResultCode.COMMAND_FAILED), result(ResultCode.COMPLETED)),
            transaction=TransactionId(server="abc"),
        ),
    ),
    ("server of a transaction identifier has 65", lambda: TransactionId(server="a" * 65)),
]


@pytest.mark.parametrize(("problem", "make"), REFUSED)
def test_what_no_frame_can_carry_is_refused_with_what_to_do(problem: str, make: Callable[[], object]) -> None:
    with pytest.raises(ZonekitError) as caught:
        make()
    assert problem in str(caught.value)
    assert isinstance(caught.value, EppError | DomainNameError | TimeError)
    assert caught.value.remedy or caught.value.rule
    assert "two  spaces" not in str(caught.value) and "short" not in str(caught.value)


@given(frames())
def test_a_frame_cannot_be_changed(frame: Frame) -> None:
    for field in dataclasses.fields(frame):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(frame, field.name, None)
    assert hash(frame) == hash(dataclasses.replace(frame))


@given(lines(1), lines(1), tokens(6, 10), tokens(6, 10))
def test_what_is_shown_of_a_value_does_not_depend_on_its_secrets(one: str, other: str, word: str, another: str) -> None:
    assert repr(AuthInfo(password=one)) == repr(AuthInfo(password=other))
    assert repr(Login(client="abc", password=word, new_password=another)) == repr(Login(client="abc", password=another))


@given(st.text(" \t\n\r\u00a0a", max_size=12))
def test_a_token_has_single_spaces_and_none_at_its_ends(text: str) -> None:
    found = collapsed(text)
    assert found == collapsed(found) and not set(found) & set("\t\n\r")
    assert found.split(" ") == [word for word in found.split(" ") if word] or found == ""
    assert found.replace(" ", "") == "".join(each for each in text if each not in " \t\n\r")


# ---- durations ------------------------------------------------------------------------------------------------------

_PARTS: Final = [field.name for field in dataclasses.fields(Duration)]


@given(st.lists(st.integers(0, 999_999), min_size=6, max_size=6).filter(any))
def test_a_duration_is_the_same_when_its_text_is_read(numbers: list[int]) -> None:
    duration = Duration(**dict(zip(_PARTS, numbers, strict=True)))
    assert Duration.parse(duration.text) == duration


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1", "1D", "-P1D", "P1.5D", "PT1.5S", "P1S", "PT1D", "P1D ", "P1W", "P0D", "P1234567D", "p1d"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(EppError):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("P1M", (2026, 1, 31), (2026, 2, 28)),
        ("P1M", (2028, 1, 31), (2028, 2, 29)),
        ("P1M1D", (2026, 1, 31), (2026, 3, 1)),
        ("P13M", (2026, 12, 1), (2028, 1, 1)),
        ("P1Y", (2028, 2, 29), (2029, 2, 28)),
        ("P1Y3M5DT7H10M3S", (2000, 1, 12), (2001, 4, 17, 7, 10, 3)),
        ("PT36H", (2026, 12, 31), (2027, 1, 1, 12)),
    ],
)
def test_a_month_is_as_long_as_the_month_it_begins_in(text: str, start: tuple[int, ...], end: tuple[int, ...]) -> None:
    begin, expected = datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC)  # type: ignore[misc, arg-type]
    assert Duration.parse(text).after(begin) == expected
    assert RelayedKey(key=KEY, expiry=Duration.parse(text)).expires(begin) == expected
    assert RelayedKey(key=KEY, expiry=expected).expires(begin) == expected
    assert RelayedKey(key=KEY).expires(begin) is None


def test_a_duration_beyond_the_calendar_is_refused_where_it_is_counted() -> None:
    for duration in (Duration(years=999_999), Duration(days=999_999), Duration(years=100)):
        with pytest.raises(TimeError):
            duration.after(NOW)


# ---- what values say ------------------------------------------------------------------------------------------------


def test_some_results_end_the_session() -> None:
    assert {code for code in ResultCode if code.ends_session} == {1500, 2500, 2501, 2502}
    assert all(result(code).known is code and result(code).message for code in ResultCode)


def test_a_transfer_is_approved_by_either_side() -> None:
    approved = {status for status in TransferStatus if status.is_approved}
    assert approved == {TransferStatus.CLIENT_APPROVED, TransferStatus.SERVER_APPROVED}


def test_an_instant_of_a_registry_may_lie_beyond_those_of_signatures() -> None:
    far = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=1)))
    assert RelayedKey(key=KEY, expiry=far).expiry == datetime(9999, 12, 31, 22, tzinfo=UTC)
