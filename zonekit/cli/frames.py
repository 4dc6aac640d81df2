"""Frames of EPP in plain words, and for JSON. No authinfo code and no password is in either."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from zonekit.algorithms import Algorithm
from zonekit.ds import KeyData
from zonekit.epp import domains, hosts, keyrelay, namespaces, secdns, sessions
from zonekit.epp.frames import Command, Frame, Response
from zonekit.epp.parts import Part
from zonekit.epp.results import Result
from zonekit.keys import SEP_FLAG, key_tag

_Words = Callable[[Any], Iterator[str]]
_ONE: Final = 1

_KNOWN_NAMESPACES: Final[Mapping[str, str]] = {
    namespaces.DOMAIN: "domains",
    namespaces.HOST: "hosts",
    namespaces.SECDNS: "DNSSEC data",
    namespaces.SECDNS_OLD: "DNSSEC data as of RFC 4310, which zonekit does not write",
    namespaces.KEYRELAY: "key relay",
    namespaces.TRANSFER: "transfers that the registry carries",
}


def frame_lines(frame: Frame) -> list[str]:
    """Return what a frame means, a sentence or a fact in each line."""
    return list(_told(frame))


def frame_object(frame: Frame) -> dict[str, Any]:
    """Return a frame for JSON: its fields without those that are secret, and for each value its ``kind``."""
    found: dict[str, Any] = _plain(frame)
    return found


def _plain(value: object) -> Any:
    match value:
        case Part():
            return {"kind": "Part", "namespace": value.namespace, "name": value.name}
        case enum.Enum():
            return value.value
        case datetime():
            return _instant(value)
        case tuple():
            return [_plain(each) for each in value]
        case _ if dataclasses.is_dataclass(value):
            shown = {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value) if each.repr}
            return {"kind": type(value).__name__} | shown
        case _:
            return value


# ---- in words -------------------------------------------------------------------------------------------------------


def _told(value: object) -> Iterator[str]:
    yield from _WORDS.get(type(value), _plainly)(value)


def _plainly(value: object) -> Iterator[str]:
    """What there are no words of its own for: its fields, without those that are secret."""
    shown = _plain(value)
    yield f"it has a {shown.pop('kind')}"
    for name, held in shown.items():
        yield f"its {name.replace('_', ' ')}: {held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)}"


def _all_told(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        yield from _told(value)


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _hello(_: sessions.Hello) -> Iterator[str]:
    yield "a client asks the server for its greeting"


def _greeting(greeting: sessions.Greeting) -> Iterator[str]:
    yield f"the server {greeting.server} greets at {_instant(greeting.now)}"
    yield from (f"it knows {_namespace(each)}" for each in greeting.objects)
    yield from (f"it offers the extension {_namespace(each)}" for each in greeting.extensions)
    for needed in (namespaces.SECDNS, namespaces.KEYRELAY):
        if not greeting.offers(needed):
            yield f"it does not offer {_namespace(needed)}"


def _namespace(namespace: str) -> str:
    known = _KNOWN_NAMESPACES.get(namespace)
    return namespace if known is None else f"{namespace} ({known})"


def _command(command: Command) -> Iterator[str]:
    yield from _told(command.action)
    yield from _all_told(command.extensions)
    if command.client_transaction is not None:
        yield f"the client calls this command {command.client_transaction}"


def _response(response: Response) -> Iterator[str]:
    yield from _all_told(response.results)
    if response.queue is not None:
        yield from _told(response.queue)
    yield from _all_told(response.data)
    yield from _all_told(response.extensions)
    client = "" if response.transaction.client is None else f", the client's command {response.transaction.client}"
    yield f"the server calls this answer {response.transaction.server}{client}"


def _result(result: Result) -> Iterator[str]:
    known = "a code that no RFC has" if result.known is None else result.known.name.lower().replace("_", " ")
    yield f"{'done' if result.is_success else 'refused'} with {result.code} ({known}): {result.message}"
    yield from (f"at fault is {_element(each)}" for each in result.values)
    yield from (f"at fault is {_element(each.value)}: {each.text}" for each in result.reasons)


def _queue(queue: sessions.MessageQueue) -> Iterator[str]:
    queued = "" if queue.queued is None else f", put there at {_instant(queue.queued)}"
    yield f"{_counted(queue.count, 'message')} in the queue; the oldest is {queue.message_id}{queued}"
    if queue.text:
        yield f"it says: {queue.text}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == _ONE else f"{count} {noun}s"


def _part(part: Part) -> Iterator[str]:
    yield f"it has something that zonekit has no words for: {_element(part)}"


def _element(part: Part) -> str:
    return f"the element {part.name} of {part.namespace}" if part.namespace else f"the element {part.name}"


# ---- sessions -------------------------------------------------------------------------------------------------------


def _login(login: sessions.Login) -> Iterator[str]:
    yield f"the client {login.client} logs in"
    if login.new_password is not None:
        yield "it changes its password"
    yield from (f"it is going to use {_namespace(each)}" for each in (*login.objects, *login.extensions))


def _logout(_: sessions.Logout) -> Iterator[str]:
    yield "the client ends its session"


def _poll_request(_: sessions.PollRequest) -> Iterator[str]:
    yield "the client asks for the oldest message of its queue"


def _poll_acknowledge(acknowledged: sessions.PollAcknowledge) -> Iterator[str]:
    yield f"the client takes message {acknowledged.message_id} out of its queue"


# ---- domains and hosts ----------------------------------------------------------------------------------------------


def _with_code(auth_info: domains.AuthInfo | None) -> str:
    return "" if auth_info is None else ", with an authinfo code"


def _domain_info(info: domains.DomainInfo) -> Iterator[str]:
    yield f"what does the registry know of {info.name}{_with_code(info.auth_info)}?"


def _domain_create(create: domains.DomainCreate) -> Iterator[str]:
    period = "" if create.period is None else f" for {_period(create.period)}"
    yield f"register {create.name}{period}{_with_code(create.auth_info)}"
    yield from _parts_of("with", create.name_servers, create.contacts)


def _period(period: domains.Period) -> str:
    return _counted(period.number, "year" if period.unit is domains.PeriodUnit.YEARS else "month")


def _parts_of(
    verb: str,
    name_servers: domains.NameServers | None,
    contacts: tuple[domains.Contact, ...],
    statuses: tuple[domains.Status, ...] = (),
) -> Iterator[str]:
    if name_servers is not None:
        yield from (f"{verb} the name server {_server(each)}" for each in name_servers.servers)
    yield from (f"{verb} the {each.kind or 'other'} contact {each.id}" for each in contacts)
    yield from (f"{verb} the status {_status(each)}" for each in statuses)


def _server(server: domains.NameServer) -> str:
    return f"{server.name} at {', '.join(server.addresses)}" if server.addresses else server.name


def _status(status: domains.Status) -> str:
    return f"{status.value}: {status.message}" if status.message else status.value


def _domain_update(update: domains.DomainUpdate) -> Iterator[str]:
    yield f"change {update.name}"
    for verb, part in (("remove", update.remove), ("add", update.add)):
        if part is not None:
            yield from _parts_of(verb, part.name_servers, part.contacts, part.statuses)
    if update.registrant is not None:
        yield f"let {update.registrant or 'nobody'} be its registrant"
    if update.auth_info is not None:
        yield "give it a new authinfo code"


def _domain_transfer(transfer: domains.DomainTransfer) -> Iterator[str]:
    words = {
        domains.TransferOperation.REQUEST: "transfer {} to this client",
        domains.TransferOperation.QUERY: "how far has the transfer of {} come?",
        domains.TransferOperation.APPROVE: "approve the transfer of {}",
        domains.TransferOperation.REJECT: "reject the transfer of {}",
        domains.TransferOperation.CANCEL: "cancel the transfer of {}",
    }
    yield words[transfer.operation].format(transfer.name) + _with_code(transfer.auth_info)
    if transfer.period is not None:
        yield f"prolong its registration by {_period(transfer.period)}"


def _domain_info_data(data: domains.DomainInfoData) -> Iterator[str]:
    yield f"{data.name} is sponsored by {data.sponsor}; the registry calls it {data.roid}"
    yield from _parts_of("it has", data.name_servers, data.contacts, data.statuses)
    yield from (f"below it is the host {each}" for each in data.hosts)
    dated = {
        "was registered": data.created,
        "was last changed": data.updated,
        "was last transferred": data.transferred,
        "expires": data.expires,
    }
    yield from (f"it {what} at {_instant(when)}" for what, when in dated.items() if when is not None)
    if data.auth_info is not None:
        yield "its authinfo code is in the frame, and not shown"


def _domain_create_data(data: domains.DomainCreateData) -> Iterator[str]:
    yield f"{data.name} was registered at {_instant(data.created)}"
    if data.expires is not None:
        yield f"it expires at {_instant(data.expires)}"


def _domain_transfer_data(data: domains.DomainTransferData) -> Iterator[str]:
    yield f"{data.requester} asked for the transfer of {data.name} at {_instant(data.requested)}"
    acted = _instant(data.acted)
    words = {
        domains.TransferStatus.PENDING: f"it waits for {data.actor}, until {acted}; then the registry acts by itself",
        domains.TransferStatus.CLIENT_APPROVED: f"{data.actor} approved it at {acted}",
        domains.TransferStatus.SERVER_APPROVED: f"the registry approved it at {acted}, in place of {data.actor}",
        domains.TransferStatus.CLIENT_REJECTED: f"{data.actor} rejected it at {acted}",
        domains.TransferStatus.CLIENT_CANCELLED: f"{data.requester} cancelled it at {acted}",
        domains.TransferStatus.SERVER_CANCELLED: f"the registry cancelled it at {acted}",
    }
    yield words[data.status]
    if data.expires is not None:
        yield f"the registration then expires at {_instant(data.expires)}"


def _pending_action_data(data: domains.PendingActionData) -> Iterator[str]:
    ended = "was carried out" if data.succeeded else "was not carried out"
    client = "" if data.client_transaction is None else f", the client's {data.client_transaction},"
    yield f"the command {data.server_transaction}{client} about {data.name} {ended}, at {_instant(data.acted)}"


def _host_create(create: hosts.HostCreate) -> Iterator[str]:
    yield f"make the host {create.name}"
    yield from (f"with the address {each}" for each in create.addresses)


def _host_update(update: hosts.HostUpdate) -> Iterator[str]:
    yield f"change the host {update.name}"
    yield from (f"remove the address {each}" for each in update.remove)
    yield from (f"add the address {each}" for each in update.add)


def _host_create_data(data: hosts.HostCreateData) -> Iterator[str]:
    yield f"the host {data.name} was made at {_instant(data.created)}"


# ---- DNSSEC data and key relay --------------------------------------------------------------------------------------


def _sec_dns(data: secdns.SecDns) -> Iterator[str]:
    yield from _records("with", data.ds, data.keys)
    yield from _max_sig_life(data.max_sig_life)


def _sec_dns_update(update: secdns.SecDnsUpdate) -> Iterator[str]:
    if update.remove is not None and update.remove.everything:
        yield "remove all of its DS and keys"
    elif update.remove is not None:
        yield from _records("remove", update.remove.ds, update.remove.keys)
    if update.add is not None:
        yield from _records("add", update.add.ds, update.add.keys)
        yield from _max_sig_life(update.add.max_sig_life)
    yield from _max_sig_life(update.max_sig_life)
    if update.urgent:
        yield "do it at once"


def _records(verb: str, ds: tuple[secdns.RegistryDs, ...], keys: tuple[KeyData, ...]) -> Iterator[str]:
    for each in ds:
        data = each.ds
        made_of = "" if each.key is None else f", made of the key {_key(each.key)}"
        yield f"{verb} the DS {data.key_tag} {data.alg} {data.digest_type} {data.digest}{made_of}"
    yield from (f"{verb} the key {_key(each)}" for each in keys)


def _max_sig_life(seconds: int | None) -> Iterator[str]:
    if seconds is not None:
        yield f"signatures of its DS are to be valid for {seconds} seconds at most"


def _key(key: KeyData) -> str:
    try:
        algorithm = f"{key.alg} {Algorithm(key.alg).name}"
    except ValueError:
        algorithm = str(key.alg)
    return f"{'KSK' if key.flags & SEP_FLAG else 'ZSK'} {key_tag(key.rdata)}, algorithm {algorithm}"


def _key_relay_create(create: keyrelay.KeyRelayCreate) -> Iterator[str]:
    yield f"relay {_counted(len(create.keys), 'key')} of {create.name} to its registrar, with an authinfo code"
    yield from (_relayed_key(each) for each in create.keys)


def _key_relay_data(data: keyrelay.KeyRelayData) -> Iterator[str]:
    count = _counted(len(data.keys), "key")
    yield f"{data.requester} relays {count} of {data.name} to {data.actor}, at {_instant(data.created)}"
    yield from (_relayed_key(each) for each in data.keys)


def _relayed_key(each: keyrelay.RelayedKey) -> str:
    match each.expiry:
        case None:
            until = ""
        case datetime():
            until = f", to be published until {_instant(each.expiry)}"
        case _:
            until = f", to be published for {each.expiry.text} from then"
    return f"the key {_key(each.key)}{until}"


_WORDS: Final[Mapping[type, _Words]] = {
    sessions.Hello: _hello,
    sessions.Greeting: _greeting,
    Command: _command,
    Response: _response,
    Result: _result,
    sessions.MessageQueue: _queue,
    Part: _part,
    sessions.Login: _login,
    sessions.Logout: _logout,
    sessions.PollRequest: _poll_request,
    sessions.PollAcknowledge: _poll_acknowledge,
    domains.DomainInfo: _domain_info,
    domains.DomainCreate: _domain_create,
    domains.DomainUpdate: _domain_update,
    domains.DomainTransfer: _domain_transfer,
    domains.DomainInfoData: _domain_info_data,
    domains.DomainCreateData: _domain_create_data,
    domains.DomainTransferData: _domain_transfer_data,
    domains.PendingActionData: _pending_action_data,
    hosts.HostCreate: _host_create,
    hosts.HostUpdate: _host_update,
    hosts.HostCreateData: _host_create_data,
    secdns.SecDns: _sec_dns,
    secdns.SecDnsUpdate: _sec_dns_update,
    keyrelay.KeyRelayCreate: _key_relay_create,
    keyrelay.KeyRelayData: _key_relay_data,
}
"""What tells of each kind of value."""
