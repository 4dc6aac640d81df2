"""Hypothesis strategies for every value that a frame carries, and for frames.

Texts are hostile on purpose: what would end an element, an attribute or a CDATA section if it were not escaped, characters
beyond the basic plane, and names as long as names may be.
"""

from __future__ import annotations

import base64
import dataclasses
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from zonekit.algorithms import digest
from zonekit.ds import DsData, KeyData
from zonekit.epp import (
    AuthInfo,
    Command,
    Contact,
    DomainCreate,
    DomainCreateData,
    DomainInfo,
    DomainInfoData,
    DomainPart,
    DomainTransfer,
    DomainTransferData,
    DomainUpdate,
    Duration,
    Frame,
    Greeting,
    Hello,
    HostCreate,
    HostCreateData,
    Hosts,
    HostUpdate,
    KeyRelayCreate,
    KeyRelayData,
    Login,
    Logout,
    MalformedDs,
    MessageQueue,
    NameServer,
    NameServers,
    NoAuthInfo,
    NsForm,
    Part,
    PendingActionData,
    Period,
    PeriodUnit,
    PollAcknowledge,
    PollRequest,
    Reason,
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
)
from zonekit.epp.checks import collapsed
from zonekit.epp.domains import CLIENT_STATUSES

HOSTILE: Final = (
    *("]]>", "<![CDATA[", "</domain:pw>", "<x/>", "&amp;", "&lt;", "&#60;", "&undefined;", "<!-- -->", "<?pi ?>"),
    *('"', "'", '" urgent="true', "' x='", "{{ 7 * 7 }}", "{% raw %}", "\\", "%s", "\u00e9", "\U0001f511", "\u2028"),
    *("<!DOCTYPE a>", "e\u0301", "\ufffd", "\x85", "\xa0", "]]", ">", "\u202e", "a:b", "xmlns:domain=", "\ud7ff"),
)
STATUSES: Final = (
    *("ok", "inactive", "pendingTransfer", "clientHold", "serverHold", "clientTransferProhibited"),
    *("serverUpdateProhibited", "clientUpdateProhibited", "serverTransferProhibited"),
)
LONGEST: Final = ".".join(("a" * 63, "b" * 63, "c" * 63, "d" * 61))
"""A name of 253 characters, the longest there is."""

_MAX_NUMBER: Final = 2**31 - 1


def texts(least: int = 0, most: int = 60) -> SearchStrategy[str]:
    """Texts that XML can carry, of more than one line."""
    characters = st.characters(exclude_characters="\r\ufffe\uffff", exclude_categories=("Cc", "Cs"))
    pieces = st.one_of(st.sampled_from(HOSTILE), st.text(st.one_of(characters, st.sampled_from(" \t\n")), max_size=4))
    return (
        st.lists(pieces, max_size=6).map("".join).map(lambda text: text[:most]).filter(lambda text: len(text) >= least)
    )


def lines(least: int = 0, most: int = 60) -> SearchStrategy[str]:
    """Texts of one line."""
    found = texts(least, most).map(lambda text: text.replace("\n", " ").replace("\t", " "))
    return found.filter(lambda text: len(text) >= least)


def tokens(least: int = 1, most: int = 60) -> SearchStrategy[str]:
    """Texts as XML Schema has them as tokens."""
    found = lines(0, most).map(collapsed)
    return found.map(lambda text: text if len(text) >= least else f"{text}{'0' * least}")


def domain_names() -> SearchStrategy[str]:
    """Names of domains and hosts."""
    label = st.text("abc019-", min_size=1, max_size=8)
    usual = st.lists(label, min_size=1, max_size=3).map(".".join)
    return st.one_of(usual, st.sampled_from((LONGEST, "xn--bcher-kva.example", "_a.b_c.example")))


def _instants() -> SearchStrategy[datetime]:
    whole = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC))
    return whole.map(lambda instant: instant.replace(microsecond=0))


def client_ids() -> SearchStrategy[str]:
    """Identifiers of clients."""
    return tokens(3, 13)


def transaction_ids() -> SearchStrategy[str]:
    """Identifiers of transactions."""
    return tokens(3, 60)


def _languages() -> SearchStrategy[str]:
    return st.sampled_from(("en", "nl", "nl-NL", "sr-Latn-RS", "x-abcdefgh"))


def _roids() -> SearchStrategy[str]:
    return st.sampled_from(("EX-REP", "SH8013-REP", "_A_1-X", "é1-NIC", "A+1-$X"))


def _optional(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def _few(values: SearchStrategy[Any], *, least: int = 0) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=least, max_size=3, unique=True).map(tuple)


def auth_infos(least: int = 0) -> SearchStrategy[AuthInfo]:
    """Authinfo codes, empty ones too where there need be no other."""
    return st.builds(AuthInfo, password=lines(least), roid=_optional(_roids()))


# ---- elements that zonekit has no value for --------------------------------------------------------------------------


def _escaped(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;").replace(">", "&gt;")
    return escaped.replace("\n", "&#10;").replace("\t", "&#9;")


def _markup(prefix: str, namespace: str, text: str, inner: str) -> str:
    name = f"{prefix}:thing" if prefix else "thing"
    bound = f'xmlns:{prefix}="{namespace}"' if prefix else f'xmlns="{namespace}"'
    return f'<{name} {bound} xmlns:other="urn:other" kind="{_escaped(text)}">{_escaped(text)}{inner}</{name}>'


_INNER: Final = (
    *("", "<a/>", "<a xmlns=''>\n  <b/>\n</a>", "<other:a other:b='other:c'/>", "<![CDATA[<a>&]]>", " "),
    '<secDNS:a xmlns:secDNS="urn:not-it"/>',
)


def parts() -> SearchStrategy[Part]:
    """Elements of a namespace that zonekit does not know."""
    namespace = st.sampled_from(("urn:x", "http://example.nl/ns?a=1&amp;b=2", "urn:ietf:params:xml:ns:contact-1.0"))
    made = st.builds(_markup, st.sampled_from(("", "x", "domain")), namespace, texts(), st.sampled_from(_INNER))
    return made.map(lambda xml: Part(xml=xml))


def faulty_parts() -> SearchStrategy[Part]:
    """Elements that an answer may say are at fault: those of EPP's and of no namespace too."""
    others = ("<clTRID xmlns='urn:ietf:params:xml:ns:epp-1.0'>ab</clTRID>", "<plain><a/></plain>")
    return st.one_of(parts(), st.sampled_from(others).map(lambda xml: Part(xml=xml)))


# ---- DNSSEC data ----------------------------------------------------------------------------------------------------

_DIGESTS: Final = {kind: len(digest(kind, b"")) for kind in (1, 2, 4)}


def key_datas() -> SearchStrategy[KeyData]:
    """Keys."""
    return st.builds(
        KeyData,
        flags=st.sampled_from((256, 257, 0, 65535)),
        protocol=st.sampled_from((3, 0, 255)),
        alg=st.sampled_from((13, 15, 8, 0, 255)),
        pub_key=st.binary(min_size=1, max_size=40).map(lambda octets: base64.b64encode(octets).decode()),
    )


def ds_datas() -> SearchStrategy[DsData]:
    """DS records, those with a digest that nobody knows too."""
    known = st.sampled_from(sorted(_DIGESTS)).flatmap(
        lambda kind: st.tuples(st.just(kind), st.binary(min_size=_DIGESTS[kind], max_size=_DIGESTS[kind]))
    )
    unknown = st.tuples(st.sampled_from((0, 5, 255)), st.binary(min_size=1, max_size=70))
    return st.builds(
        lambda tag, alg, data: DsData(key_tag=tag, alg=alg, digest_type=data[0], digest=data[1].hex()),
        st.integers(0, 65535),
        st.integers(0, 255),
        st.one_of(known, unknown),
    )


def _malformed_dss() -> SearchStrategy[MalformedDs]:
    return st.builds(
        MalformedDs,
        key_tag=st.integers(0, 65535),
        alg=st.integers(0, 255),
        digest_type=st.sampled_from(sorted(_DIGESTS)),
        digest=st.binary(max_size=19).map(bytes.hex),
    )


def registry_dss() -> SearchStrategy[RegistryDs]:
    """DS records at a registry, malformed ones too."""
    return st.builds(RegistryDs, ds=st.one_of(ds_datas(), ds_datas(), _malformed_dss()), key=_optional(key_datas()))


def _max_sig_lives() -> SearchStrategy[int | None]:
    return _optional(st.integers(1, _MAX_NUMBER))


def sec_dnss(kind: str = "any") -> SearchStrategy[SecDns]:
    """DNSSEC data, of DS, of keys, or of either."""
    by_ds = st.builds(SecDns, ds=_few(registry_dss(), least=1), max_sig_life=_max_sig_lives())
    by_key = st.builds(SecDns, keys=_few(key_datas(), least=1), max_sig_life=_max_sig_lives())
    return {"ds": by_ds, "keys": by_key, "any": st.one_of(by_ds, by_key)}[kind]


def sec_dns_updates() -> SearchStrategy[SecDnsUpdate]:
    """Changes of DNSSEC data."""
    everything = st.just(Removal(everything=True))
    by_ds = st.builds(Removal, ds=_few(registry_dss(), least=1))
    by_key = st.builds(Removal, keys=_few(key_datas(), least=1))
    changes = [
        st.tuples(_optional(everything), _optional(sec_dnss())),
        st.tuples(_optional(by_ds), _optional(sec_dnss("ds"))),
        st.tuples(_optional(by_key), _optional(sec_dnss("keys"))),
    ]
    return (
        st.tuples(st.one_of(changes), _max_sig_lives(), st.booleans())
        .filter(lambda parts: any(part is not None for part in (*parts[0], parts[1])))
        .map(lambda parts: SecDnsUpdate(remove=parts[0][0], add=parts[0][1], max_sig_life=parts[1], urgent=parts[2]))
    )


# ---- domains, hosts, key relay --------------------------------------------------------------------------------------


def _addresses() -> SearchStrategy[tuple[str, ...]]:
    either = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
    return _few(either.filter(lambda address: not address.is_unspecified).map(str))


def name_servers() -> SearchStrategy[NameServers]:
    """Name servers, by host objects and by host attributes."""

    def of_form(form: NsForm) -> SearchStrategy[NameServers]:
        addresses = _addresses() if form is NsForm.HOST_ATTRIBUTES else st.just(())
        servers = st.lists(
            st.builds(NameServer, name=domain_names(), addresses=addresses),
            min_size=1,
            max_size=3,
            unique_by=lambda server: server.name,
        )
        return st.builds(NameServers, form=st.just(form), servers=servers.map(tuple))

    return st.sampled_from(NsForm).flatmap(of_form)


def _contacts() -> SearchStrategy[tuple[Contact, ...]]:
    kinds = st.sampled_from(("admin", "billing", "tech", None))
    return _few(st.builds(Contact, id=client_ids(), kind=kinds))


def _statuses() -> SearchStrategy[tuple[Status, ...]]:
    return _few(st.builds(Status, value=st.sampled_from(STATUSES), message=lines(), language=_languages()))


def _periods() -> SearchStrategy[Period]:
    return st.builds(Period, number=st.integers(1, 99), unit=st.sampled_from(PeriodUnit))


def _domain_parts() -> SearchStrategy[DomainPart]:
    statuses = _few(st.builds(Status, value=st.sampled_from(sorted(CLIENT_STATUSES)), message=lines()))
    parts = st.tuples(_optional(name_servers()), _contacts(), statuses).filter(any)
    return parts.map(lambda held: DomainPart(name_servers=held[0], contacts=held[1], statuses=held[2]))


def domain_creates() -> SearchStrategy[DomainCreate]:
    """Commands that register a domain."""
    return st.builds(
        DomainCreate,
        name=domain_names(),
        auth_info=auth_infos(),
        period=_optional(_periods()),
        name_servers=_optional(name_servers()),
        registrant=_optional(client_ids()),
        contacts=_contacts(),
    )


def domain_updates() -> SearchStrategy[DomainUpdate]:
    """Commands that change a domain."""
    return st.builds(
        DomainUpdate,
        name=domain_names(),
        add=_optional(_domain_parts()),
        remove=_optional(_domain_parts()),
        registrant=_optional(st.one_of(st.just(""), client_ids())),
        auth_info=_optional(st.one_of(auth_infos(), st.just(NoAuthInfo()))),
    )


def _domain_transfers() -> SearchStrategy[DomainTransfer]:
    others = [each for each in TransferOperation if each is not TransferOperation.REQUEST]
    request = st.tuples(st.just(TransferOperation.REQUEST), auth_infos(1))
    other = st.tuples(st.sampled_from(others), _optional(auth_infos()))
    return st.builds(
        lambda asked, name, period: DomainTransfer(operation=asked[0], auth_info=asked[1], name=name, period=period),
        st.one_of(request, other),
        domain_names(),
        _optional(_periods()),
    )


def _host_updates() -> SearchStrategy[HostUpdate]:
    changes = st.tuples(_addresses(), _addresses()).filter(lambda held: any(held) and not set(held[0]) & set(held[1]))
    return st.builds(lambda name, held: HostUpdate(name=name, add=held[0], remove=held[1]), domain_names(), changes)


def _durations() -> SearchStrategy[Duration]:
    parts = [each.name for each in dataclasses.fields(Duration)]
    numbers = st.lists(st.integers(0, 999_999), min_size=len(parts), max_size=len(parts)).filter(any)
    return numbers.map(lambda found: Duration(**dict(zip(parts, found, strict=True))))


def _relayed_keys() -> SearchStrategy[RelayedKey]:
    return st.builds(RelayedKey, key=key_datas(), expiry=_optional(st.one_of(_instants(), _durations())))


def _codes_of_extensions() -> SearchStrategy[Part]:
    held = parts().map(lambda part: part.embedded)
    around = (
        '<k:authInfo xmlns:k="urn:ietf:params:xml:ns:keyrelay-1.0" xmlns:d="urn:ietf:params:xml:ns:domain-1.0">'
        "<d:ext>{}</d:ext></k:authInfo>"
    )
    return held.map(lambda xml: Part(xml=around.format(xml)))


def key_relay_datas() -> SearchStrategy[KeyRelayData]:
    """Keys that were relayed; the same key now and then twice."""
    keys = st.lists(_relayed_keys(), min_size=1, max_size=3).map(lambda found: (*found, *found[:1]))
    return st.builds(
        KeyRelayData,
        name=domain_names(),
        auth_info=st.one_of(auth_infos(), _codes_of_extensions()),
        keys=keys,
        created=_instants(),
        requester=client_ids(),
        actor=client_ids(),
    )


def _key_relay_creates() -> SearchStrategy[KeyRelayCreate]:
    keys = st.lists(_relayed_keys(), min_size=1, max_size=3, unique_by=lambda each: each.key)
    codes = st.one_of(auth_infos(1), _codes_of_extensions())
    return st.builds(KeyRelayCreate, name=domain_names(), auth_info=codes, keys=keys.map(tuple))


# ---- frames ---------------------------------------------------------------------------------------------------------

_OBJECTS: Final = (
    "urn:ietf:params:xml:ns:domain-1.0",
    "urn:ietf:params:xml:ns:host-1.0",
    "http://example.nl/a?b=c&d=e",
)
_POLICIES: Final = (
    "<dcp xmlns='urn:ietf:params:xml:ns:epp-1.0'><access><all/></access><statement><purpose><admin/><prov/></purpose>"
    "<recipient><ours><recDesc>&lt;ours&gt;</recDesc></ours><public/></recipient><retention><stated/></retention>"
    "</statement></dcp>",
    "<epp:dcp xmlns:epp='urn:ietf:params:xml:ns:epp-1.0'>\n  <epp:access><epp:none/></epp:access><epp:statement>"
    "<epp:purpose/><epp:recipient/><epp:retention><epp:none/></epp:retention></epp:statement></epp:dcp>",
)
_UNKNOWN_COMMANDS: Final = (
    "<renew xmlns='urn:ietf:params:xml:ns:epp-1.0'><domain:renew xmlns:domain='urn:ietf:params:xml:ns:domain-1.0'>"
    "<domain:name>example.nl</domain:name><domain:curExpDate>2026-11-21</domain:curExpDate></domain:renew></renew>",
    "<check xmlns='urn:ietf:params:xml:ns:epp-1.0'>\n <x:check xmlns:x='urn:x'/>\n</check>",
)


def greetings() -> SearchStrategy[Greeting]:
    """Greetings."""
    return st.builds(
        Greeting,
        server=lines(3),
        now=_instants(),
        policy=st.sampled_from(_POLICIES).map(lambda xml: Part(xml=xml)),
        languages=_few(_languages(), least=1),
        objects=_few(st.sampled_from(_OBJECTS), least=1),
        extensions=_few(st.sampled_from(_OBJECTS)),
    )


def _logins() -> SearchStrategy[Login]:
    passwords = tokens(6, 10)
    return st.builds(
        Login,
        client=client_ids(),
        password=passwords,
        new_password=_optional(passwords),
        language=_languages(),
        objects=_few(st.sampled_from(_OBJECTS), least=1),
        extensions=_few(st.sampled_from(_OBJECTS)),
    )


def actions() -> SearchStrategy[Any]:
    """What commands do, but for those that DNSSEC data may go along with."""
    return st.one_of(
        _logins(),
        st.just(Logout()),
        st.just(PollRequest()),
        st.builds(PollAcknowledge, message_id=tokens()),
        st.builds(DomainInfo, name=domain_names(), hosts=st.sampled_from(Hosts), auth_info=_optional(auth_infos())),
        _domain_transfers(),
        st.builds(HostCreate, name=domain_names(), addresses=_addresses()),
        _host_updates(),
        _key_relay_creates(),
        st.sampled_from(_UNKNOWN_COMMANDS).map(lambda xml: Part(xml=xml)),
    )


def commands() -> SearchStrategy[Command]:
    """Commands."""

    def of(action: SearchStrategy[Any], *extensions: SearchStrategy[Any]) -> SearchStrategy[Command]:
        more = st.tuples(*(_optional(each) for each in (*extensions, parts(), parts())))
        held = more.map(lambda found: tuple(each for each in found if each is not None))
        given = st.tuples(action, held).filter(
            lambda both: bool(both[1]) or not isinstance(both[0], DomainUpdate) or not both[0].changes_nothing
        )
        return st.builds(
            lambda both, client: Command(action=both[0], extensions=both[1], client_transaction=client),
            given,
            _optional(transaction_ids()),
        )

    return st.one_of(
        of(actions()), of(domain_creates(), sec_dnss()), of(domain_updates(), sec_dns_updates()), of(actions())
    )


def results(codes: SearchStrategy[int]) -> SearchStrategy[Result]:
    """How a command ended, with one of these codes."""
    return st.builds(
        Result,
        code=codes,
        message=lines(),
        language=_languages(),
        values=_few(faulty_parts()),
        reasons=_few(st.builds(Reason, value=faulty_parts(), text=lines(), language=_languages())),
    )


def _queues() -> SearchStrategy[MessageQueue]:
    said = st.builds(
        MessageQueue,
        count=st.integers(0, 2**64 - 1),
        message_id=tokens(),
        queued=_optional(_instants()),
        text=st.one_of(texts(), texts().map(lambda text: f"{text}\r\n{text}")),
        language=_languages(),
    )
    marked_up = st.builds(
        lambda text, language: MessageQueue(
            count=1,
            message_id="1",
            markup=Part(
                xml=f'<msg xmlns="urn:ietf:params:xml:ns:epp-1.0" lang="{language}">{_escaped(text)}<b>1</b></msg>'
            ),
        ),
        texts(),
        _languages(),
    )
    return st.one_of(said, said, marked_up)


def datas() -> SearchStrategy[Any]:
    """What an answer tells."""
    return st.one_of(
        st.builds(
            DomainInfoData,
            name=domain_names(),
            roid=_roids(),
            sponsor=client_ids(),
            statuses=_statuses(),
            registrant=_optional(client_ids()),
            contacts=_contacts(),
            name_servers=_optional(name_servers()),
            hosts=_few(domain_names()),
            creator=_optional(client_ids()),
            created=_optional(_instants()),
            updater=_optional(client_ids()),
            updated=_optional(_instants()),
            expires=_optional(_instants()),
            transferred=_optional(_instants()),
            auth_info=_optional(auth_infos()),
        ),
        st.builds(DomainCreateData, name=domain_names(), created=_instants(), expires=_optional(_instants())),
        st.builds(
            DomainTransferData,
            name=domain_names(),
            status=st.sampled_from(TransferStatus),
            requester=client_ids(),
            requested=_instants(),
            actor=client_ids(),
            acted=_instants(),
            expires=_optional(_instants()),
        ),
        st.builds(
            PendingActionData,
            name=domain_names(),
            succeeded=st.booleans(),
            server_transaction=transaction_ids(),
            client_transaction=_optional(transaction_ids()),
            acted=_instants(),
        ),
        st.builds(HostCreateData, name=domain_names(), created=_instants()),
        key_relay_datas(),
        parts(),
    )


def responses() -> SearchStrategy[Response]:
    """Answers."""
    successes = [code for code in ResultCode if code < 2000]
    failures = [code for code in ResultCode if code >= 2000]
    return st.builds(
        Response,
        results=st.one_of(
            results(st.sampled_from(successes)).map(lambda result: (result,)),
            _few(results(st.sampled_from(failures)), least=1),
        ),
        transaction=st.builds(TransactionId, server=transaction_ids(), client=_optional(transaction_ids())),
        queue=_optional(_queues()),
        data=st.lists(datas(), max_size=2).map(tuple),
        extensions=st.tuples(_optional(sec_dnss()), _optional(parts())).map(
            lambda found: tuple(each for each in found if each is not None)
        ),
    )


def frames() -> SearchStrategy[Frame]:
    """Frames of every kind."""
    return st.one_of(st.just(Hello()), greetings(), commands(), commands(), responses(), responses())
