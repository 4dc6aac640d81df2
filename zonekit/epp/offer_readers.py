"""Elements -> values, for what :mod:`zonekit.epp.offers` adds to EPP; each table at the end says what reads an element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from zonekit.ds import DsData
from zonekit.epp import namespaces, offers
from zonekit.epp.content import (
    Content,
    Reader,
    Unheld,
    instant,
    number,
    optional_instant,
    qualified,
    refusal,
    text,
    token,
    within,
)
from zonekit.epp.frames import CommandExtension, Data, ResponseExtension
from zonekit.epp.object_readers import auth_info, name_servers, registry_ds
from zonekit.epp.parts import Element
from zonekit.transfer.receipts import DsState, Publication, PublicationState, Receipt, ReceivedKey, Refusal
from zonekit.ttl import Ttl

_State = TypeVar("_State", DsState, PublicationState)
_DS_STATES: Final = {each.value: each for each in DsState}
_STATES: Final = {each.value: each for each in PublicationState}


def _offer(element: Element) -> offers.Offer:
    content = Content(element)
    ttl, servers = content.one("ttl"), content.one("ns", namespace=namespaces.DOMAIN)
    ds = _ds(content)
    content.end()
    with within(element):
        return offers.Offer(name_servers=name_servers(servers), ds=ds, ttl=_ttl(ttl))


def _ds(content: Content) -> tuple[DsData, ...]:
    found = []
    while (element := content.optional("dsData", namespace=namespaces.SECDNS)) is not None:
        read = registry_ds(element)
        if read.key is not None:
            raise refusal(element, "a DS comes with a key here", rule="zonekit.epp.offers")
        if not isinstance(read.ds, DsData):
            raise refusal(element, "the digest of a DS is of the wrong length for its type", rule="zonekit.epp.offers")
        found.append(read.ds)
    return tuple(found)


def _ttl(element: Element) -> Ttl:
    return Ttl(number(element))  # the value checks it


def _report(element: Element) -> offers.Report:
    content = Content(element)
    name, serial, merged, lowered = [content.one(each) for each in ("name", "serial", "merged", "lowered")]
    ns_ttl, dnskey_ttl = content.one("nsTTL"), content.one("dnskeyTTL")
    content.end()
    with within(element):
        return offers.Report(
            name=token(name),
            serial=number(serial),
            merged=instant(merged),
            lowered=instant(lowered),
            ns_ttl=_ttl(ns_ttl),
            dnskey_ttl=_ttl(dnskey_ttl),
        )


# ---- receipts -------------------------------------------------------------------------------------------------------


def _receipt(element: Element) -> Receipt:
    content = Content(element)
    name, by, at = content.one("name"), content.one("by"), content.one("at")
    keys = tuple([_received_key(each) for each in content.several("key", least=1)])
    content.end()
    with within(element):
        return Receipt(domain=token(name), by=text(by), at=instant(at), keys=keys)


def _received_key(element: Element) -> ReceivedKey:
    content = Content(element)
    owner, tag, alg, flags, digest = [content.one(each) for each in ("owner", "keyTag", "alg", "flags", "digest")]
    refusals = tuple([_refusal(each) for each in content.several("refusal")])
    publication, ds = content.optional("publication"), content.one("ds")
    content.end()
    with within(element):
        return ReceivedKey(
            owner=token(owner),
            key_tag=number(tag),
            algorithm=number(alg),
            flags=number(flags),
            digest=token(digest),
            refusals=refusals,
            publication=None if publication is None else _publication(publication),
            ds=_word(ds, _DS_STATES),
        )


def _refusal(element: Element) -> Refusal:
    content = Content(element)
    code, reason = content.one("code"), content.one("reason")
    rule, remedy = content.optional("rule"), content.optional("remedy")
    content.end()
    with within(element):
        return Refusal(
            code=text(code),
            reason=text(reason),
            rule="" if rule is None else text(rule),
            remedy="" if remedy is None else text(remedy),
        )


def _publication(element: Element) -> Publication:
    content = Content(element)
    state, at, ttl = content.one("state"), content.one("at"), content.optional("ttl")
    cached_until = None if ttl is None else content.one("cachedUntil")
    content.end()
    with within(element):
        return Publication(
            state=_word(state, _STATES),
            at=instant(at),
            ttl=None if ttl is None else _ttl(ttl),
            cached_until=optional_instant(cached_until),
        )


def _word(element: Element, words: Mapping[str, _State]) -> _State:
    found = token(element)
    if found not in words:
        raise refusal(element, f"it is none of {', '.join(words)}")
    return words[found]


# ---- what the registry tells ----------------------------------------------------------------------------------------


def _wait(element: Element) -> offers.WaitNotice:
    content = Content(element)
    name, until, record, ttl = [content.one(each) for each in ("name", "until", "record", "ttl")]
    content.end()
    with within(element):
        return offers.WaitNotice(name=token(name), until=instant(until), record=token(record), ttl=_ttl(ttl))


def _auth_info_request(element: Element) -> offers.AuthInfoRequest:
    content = Content(element)
    name, requester = content.one("name"), content.one("requester")
    content.end()
    with within(element):
        return offers.AuthInfoRequest(name=token(name), requester=token(requester))


def _auth_info_notice(element: Element) -> offers.AuthInfoNotice:
    content = Content(element)
    name, code = content.one("name"), content.one("authInfo", namespace=namespaces.DOMAIN)
    content.end()
    try:
        given = auth_info(code)
    except Unheld:
        raise refusal(code, "it has no password") from None
    with within(element):
        return offers.AuthInfoNotice(name=token(name), auth_info=given)


def _ns_notice(element: Element) -> offers.NsNotice:
    content = Content(element)
    name, at, servers = content.one("name"), content.one("at"), content.one("ns", namespace=namespaces.DOMAIN)
    content.end()
    with within(element):
        return offers.NsNotice(name=token(name), at=instant(at), name_servers=name_servers(servers))


def _removal_notice(element: Element) -> offers.RemovalNotice:
    content = Content(element)
    name, not_before = content.one("name"), content.one("notBefore")
    ds = _ds(content)
    content.end()
    with within(element):
        return offers.RemovalNotice(name=token(name), not_before=instant(not_before), ds=ds)


# ---- the tables -----------------------------------------------------------------------------------------------------


def _own(name: str) -> str:
    return qualified(namespaces.TRANSFER, name)


COMMAND_EXTENSIONS: Final[Mapping[str, Reader[CommandExtension]]] = {
    _own("offer"): _offer,
    _own("receipt"): _receipt,
    _own("report"): _report,
}
"""What goes along with a command."""
DATA: Final[Mapping[str, Reader[Data]]] = {
    _own("receipt"): _receipt,
    _own("wait"): _wait,
    _own("authInfoRequest"): _auth_info_request,
    _own("authInfoNotice"): _auth_info_notice,
    _own("nsNotice"): _ns_notice,
    _own("removalNotice"): _removal_notice,
}
"""What an answer tells."""
RESPONSE_EXTENSIONS: Final[Mapping[str, Reader[ResponseExtension]]] = {_own("offer"): _offer}
"""What goes along with an answer."""
