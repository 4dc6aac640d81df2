"""Elements -> values, for the objects and extensions that zonekit knows: domains, hosts, key relay, DNSSEC data.

Each table at the end says what reads an element, by its name; a namespace of its own adds its readers there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from zonekit.ds import DsData, KeyData
from zonekit.epp import domains, hosts, keyrelay, namespaces
from zonekit.epp.content import (
    Content,
    Reader,
    Unheld,
    attribute,
    boolean,
    boolean_attribute,
    choice,
    instant,
    line,
    number,
    optional_instant,
    optional_token,
    qualified,
    refusal,
    token,
    within,
)
from zonekit.epp.domains import AuthInfo, Contact, NameServer, NameServers, NsForm, Period, PeriodUnit, Status
from zonekit.epp.frames import Action, CommandExtension, Data, ResponseExtension, TransactionId
from zonekit.epp.keyrelay import Duration, Expiry, RelayedKey
from zonekit.epp.parts import Element, local_name
from zonekit.epp.secdns import RegistryDs, Removal, SecDns, SecDnsUpdate

_Choice = TypeVar("_Choice")

_DOMAIN: Final = namespaces.DOMAIN
_HOSTS: Final = {each.value: each for each in domains.Hosts}
_OPERATIONS: Final = {each.value: each for each in domains.TransferOperation}
_STATUSES: Final = {each.value: each for each in domains.TransferStatus}
_UNITS: Final = {each.value: each for each in PeriodUnit}
_KEY_FIELDS: Final = ("flags", "protocol", "alg", "pubKey")
_IP_VERSIONS: Final = {"v4": ".", "v6": ":"}


# ---- what objects have in common ------------------------------------------------------------------------------------


def auth_info(element: Element, *others: str) -> AuthInfo:
    """Return an authinfo code, which is nowhere in a message.

    Args:
        element: the element that it is in.
        others: what may stand in place of a code besides one of an extension.

    Raises:
        FrameError: it is none.
        Unheld: it is of an extension, or one of the others.
    """
    content = Content(element)
    code = content.one("pw", "ext", *others, namespace=_DOMAIN)
    content.end()
    if local_name(code) != "pw":
        raise Unheld
    with within(code):
        password = line(code, "roid")
        roid = attribute(code, "roid") if "roid" in code.attrib else None
        return AuthInfo(password=password, roid=roid)


def _optional_auth_info(content: Content, *others: str) -> AuthInfo | None:
    found = content.optional("authInfo")
    return None if found is None else auth_info(found, *others)


def transaction_id(element: Element) -> TransactionId:
    """Return the identifiers of a command.

    Raises:
        FrameError: they are none.
    """
    content = Content(element)
    client = content.optional("clTRID", namespace=namespaces.EPP)
    server = content.one("svTRID", namespace=namespaces.EPP)
    content.end()
    with within(element):
        return TransactionId(client=optional_token(client), server=token(server))


def _period(content: Content) -> Period | None:
    found = content.optional("period")
    if found is None:
        return None
    with within(found):
        return Period(number=number(found, "unit"), unit=choice(found, "unit", _UNITS))


def _name_servers(content: Content) -> NameServers | None:
    found = content.optional("ns")
    return None if found is None else name_servers(found)


def name_servers(element: Element) -> NameServers:
    """Return name servers: ``domain:ns``.

    Raises:
        FrameError: they are none.
    """
    servers = Content(element)
    objects = servers.several("hostObj")
    attributes = [] if objects else servers.several("hostAttr")
    servers.end()
    form = NsForm.HOST_ATTRIBUTES if attributes else NsForm.HOST_OBJECTS
    held = [_host_object(each) for each in objects] or [_host_attribute(each) for each in attributes]
    with within(element):
        return NameServers(form=form, servers=tuple(held))


def _host_object(element: Element) -> NameServer:
    with within(element):
        return NameServer(name=token(element))


def _host_attribute(element: Element) -> NameServer:
    content = Content(element)
    name = content.one("hostName")
    addresses = content.several("hostAddr")
    content.end()
    with within(element):
        return NameServer(name=token(name), addresses=tuple(map(_address, addresses)))


def _address(element: Element) -> str:
    mark = choice(element, "ip", _IP_VERSIONS, default="v4")
    found = token(element, "ip")
    if mark not in found:
        raise refusal(element, "it is no address of the version that ip says")
    return found


def _contact(element: Element) -> Contact:
    with within(element):
        kind = attribute(element, "type") if "type" in element.attrib else None
        return Contact(id=token(element, "type"), kind=kind)


def _status(element: Element) -> Status:
    with within(element):
        return Status(
            value=attribute(element, "s"),
            message=line(element, "s", "lang"),
            language=attribute(element, "lang", default="en"),
        )


def _all(reader: Reader[_Choice], elements: Iterable[Element]) -> tuple[_Choice, ...]:
    return tuple([reader(each) for each in elements])


# ---- domains --------------------------------------------------------------------------------------------------------


def _domain_info(element: Element) -> domains.DomainInfo:
    content = Content(element)
    name = content.one("name")
    code = _optional_auth_info(content)
    content.end()
    with within(element):
        return domains.DomainInfo(
            name=token(name, "hosts"), hosts=choice(name, "hosts", _HOSTS, default="all"), auth_info=code
        )


def _domain_create(element: Element) -> domains.DomainCreate:
    content = Content(element)
    name, period, servers = content.one("name"), _period(content), _name_servers(content)
    registrant = content.optional("registrant")
    contacts = _all(_contact, content.several("contact"))
    code = auth_info(content.one("authInfo"))
    content.end()
    with within(element):
        return domains.DomainCreate(
            name=token(name),
            period=period,
            name_servers=servers,
            registrant=optional_token(registrant),
            contacts=contacts,
            auth_info=code,
        )


def _domain_update(element: Element) -> domains.DomainUpdate:
    content = Content(element)
    name = content.one("name")
    add, remove, change = [content.optional(each) for each in ("add", "rem", "chg")]
    content.end()
    registrant, code = None, None
    if change is not None:
        changes = Content(change)
        registrant = optional_token(changes.optional("registrant"))
        code = _optional_auth_info(changes, "null")
        changes.end()
    with within(element):
        return domains.DomainUpdate(
            name=token(name),
            add=None if add is None else _domain_part(add),
            remove=None if remove is None else _domain_part(remove),
            registrant=registrant,
            auth_info=code,
        )


def _domain_part(element: Element) -> domains.DomainPart:
    content = Content(element)
    servers = _name_servers(content)
    contacts = _all(_contact, content.several("contact"))
    statuses = _all(_status, content.several("status"))
    content.end()
    with within(element):
        return domains.DomainPart(name_servers=servers, contacts=contacts, statuses=statuses)


def _domain_transfer(element: Element) -> domains.DomainTransfer:
    verb = element.getparent()
    assert verb is not None  # a command is read from its verb
    content = Content(element)
    name, period, code = content.one("name"), _period(content), _optional_auth_info(content)
    content.end()
    with within(element):
        return domains.DomainTransfer(
            operation=choice(verb, "op", _OPERATIONS), name=token(name), period=period, auth_info=code
        )


def _domain_info_data(element: Element) -> domains.DomainInfoData:
    content = Content(element)
    name, roid = content.one("name"), content.one("roid")
    statuses = _all(_status, content.several("status"))
    registrant = content.optional("registrant")
    contacts = _all(_contact, content.several("contact"))
    servers = _name_servers(content)
    below = _all(token, content.several("host"))
    sponsor, creator, created = content.one("clID"), content.optional("crID"), content.optional("crDate")
    updater, updated = content.optional("upID"), content.optional("upDate")
    expires, transferred = content.optional("exDate"), content.optional("trDate")
    code = _optional_auth_info(content)
    content.end()
    with within(element):
        return domains.DomainInfoData(
            name=token(name),
            roid=token(roid),
            statuses=statuses,
            registrant=optional_token(registrant),
            contacts=contacts,
            name_servers=servers,
            hosts=below,
            sponsor=token(sponsor),
            creator=optional_token(creator),
            created=optional_instant(created),
            updater=optional_token(updater),
            updated=optional_instant(updated),
            expires=optional_instant(expires),
            transferred=optional_instant(transferred),
            auth_info=code,
        )


def _domain_create_data(element: Element) -> domains.DomainCreateData:
    content = Content(element)
    name, created, expires = content.one("name"), content.one("crDate"), content.optional("exDate")
    content.end()
    with within(element):
        return domains.DomainCreateData(name=token(name), created=instant(created), expires=optional_instant(expires))


def _domain_transfer_data(element: Element) -> domains.DomainTransferData:
    content = Content(element)
    name, status = content.one("name"), content.one("trStatus")
    requester, requested = content.one("reID"), content.one("reDate")
    actor, acted = content.one("acID"), content.one("acDate")
    expires = content.optional("exDate")
    content.end()
    word = token(status)
    if word not in _STATUSES:
        raise refusal(status, f"it is none of {', '.join(_STATUSES)}")
    with within(element):
        return domains.DomainTransferData(
            name=token(name),
            status=_STATUSES[word],
            requester=token(requester),
            requested=instant(requested),
            actor=token(actor),
            acted=instant(acted),
            expires=optional_instant(expires),
        )


def _pending_action_data(element: Element) -> domains.PendingActionData:
    content = Content(element)
    name, identifiers, acted = content.one("name"), content.one("paTRID"), content.one("paDate")
    content.end()
    transaction = transaction_id(identifiers)
    with within(element):
        return domains.PendingActionData(
            name=token(name, "paResult"),
            succeeded=boolean_attribute(name, "paResult"),
            server_transaction=transaction.server,
            client_transaction=transaction.client,
            acted=instant(acted),
        )


# ---- hosts ----------------------------------------------------------------------------------------------------------


def _host_create(element: Element) -> hosts.HostCreate:
    content = Content(element)
    name, addresses = content.one("name"), content.several("addr")
    content.end()
    with within(element):
        return hosts.HostCreate(name=token(name), addresses=_all(_address, addresses))


def _host_update(element: Element) -> hosts.HostUpdate:
    content = Content(element)
    name = content.one("name")
    add, remove, change = [content.optional(each) for each in ("add", "rem", "chg")]
    content.end()
    if change is not None:
        raise Unheld
    with within(element):
        return hosts.HostUpdate(name=token(name), add=_host_part(add), remove=_host_part(remove))


def _host_part(element: Element | None) -> tuple[str, ...]:
    if element is None:
        return ()
    content = Content(element)
    addresses, statuses = content.several("addr"), content.several("status")
    content.end()
    if statuses:
        raise Unheld
    return _all(_address, addresses)


def _host_create_data(element: Element) -> hosts.HostCreateData:
    content = Content(element)
    name, created = content.one("name"), content.one("crDate")
    content.end()
    with within(element):
        return hosts.HostCreateData(name=token(name), created=instant(created))


# ---- DNSSEC data ----------------------------------------------------------------------------------------------------


def key_data(element: Element) -> KeyData:
    """Return a key: ``secDNS:keyData``, or what has its type under another name, as ``keyrelay:keyData`` has.

    Raises:
        FrameError: it is none.
    """
    content = Content(element)
    flags, protocol, alg, pub_key = [content.one(each, namespace=namespaces.SECDNS) for each in _KEY_FIELDS]
    content.end()
    encoded = token(pub_key)
    if not encoded.isascii():
        raise refusal(pub_key, "the public key of a DNSKEY is not base64", rule="RFC 4034 section 2.2")
    numbers = number(flags), number(protocol), number(alg)
    with within(pub_key):
        KeyData(flags=0, protocol=0, alg=0, pub_key=encoded)
    with within(element):
        return KeyData(flags=numbers[0], protocol=numbers[1], alg=numbers[2], pub_key=encoded)


def registry_ds(element: Element) -> RegistryDs:
    """Return a DS, with the key that may be in it: ``secDNS:dsData``.

    Raises:
        FrameError: it is none.
    """
    content = Content(element)
    tag, alg, digest_type, digest = [content.one(each) for each in ("keyTag", "alg", "digestType", "digest")]
    key = content.optional("keyData")
    content.end()
    with within(element):
        numbers = DsData(key_tag=number(tag), alg=number(alg), digest_type=0, digest="00")
    with within(digest):
        ds = DsData(key_tag=numbers.key_tag, alg=numbers.alg, digest_type=number(digest_type), digest=token(digest))
    return RegistryDs(ds=ds, key=None if key is None else key_data(key))


def _ds_or_keys(content: Content) -> tuple[tuple[RegistryDs, ...], tuple[KeyData, ...]]:
    ds = _all(registry_ds, content.several("dsData"))
    return ds, () if ds else _all(key_data, content.several("keyData"))


def _max_sig_life(content: Content) -> int | None:
    found = content.optional("maxSigLife")
    return None if found is None else number(found)


def sec_dns(element: Element) -> SecDns:
    """Return DNSSEC data: ``secDNS:create``, ``secDNS:infData`` and what is added in an update.

    Raises:
        FrameError: it is none.
    """
    content = Content(element)
    max_sig_life = _max_sig_life(content)
    ds, keys = _ds_or_keys(content)
    content.end()
    with within(element):
        return SecDns(ds=ds, keys=keys, max_sig_life=max_sig_life)


def _sec_dns_update(element: Element) -> SecDnsUpdate:
    content = Content(element, "urgent")
    remove, add, change = [content.optional(each) for each in ("rem", "add", "chg")]
    content.end()
    max_sig_life = None
    if change is not None:
        changes = Content(change)
        max_sig_life = _max_sig_life(changes)
        changes.end()
    removal = None if remove is None else _removal(remove)
    added = None if add is None else sec_dns(add)
    if removal is None and added is None and max_sig_life is None:
        raise Unheld
    with within(element):
        return SecDnsUpdate(
            remove=removal,
            add=added,
            max_sig_life=max_sig_life,
            urgent=boolean_attribute(element, "urgent", default="false"),
        )


def _removal(element: Element) -> Removal | None:
    """What is removed; None where ``all`` is false, which removes nothing."""
    content = Content(element)
    everything = content.optional("all")
    if everything is not None:
        content.end()
        return Removal(everything=True) if boolean(everything) else None
    ds, keys = _ds_or_keys(content)
    content.end()
    with within(element):
        return Removal(ds=ds, keys=keys)


# ---- key relay ------------------------------------------------------------------------------------------------------


def _key_relay_create(element: Element) -> keyrelay.KeyRelayCreate:
    content = Content(element)
    name, code = content.one("name"), auth_info(content.one("authInfo"))
    keys = _all(_relayed_key, content.several("keyRelayData", least=1))
    content.end()
    with within(element):
        return keyrelay.KeyRelayCreate(name=token(name), auth_info=code, keys=keys)


def _key_relay_data(element: Element) -> keyrelay.KeyRelayData:
    content = Content(element)
    name, code = content.one("name"), auth_info(content.one("authInfo"))
    keys = _all(_relayed_key, content.several("keyRelayData", least=1))
    created, requester, actor = content.one("crDate"), content.one("reID"), content.one("acID")
    content.end()
    with within(element):
        return keyrelay.KeyRelayData(
            name=token(name),
            auth_info=code,
            keys=keys,
            created=instant(created),
            requester=token(requester),
            actor=token(actor),
        )


def _relayed_key(element: Element) -> RelayedKey:
    content = Content(element)
    key, expiry = content.one("keyData"), content.optional("expiry")
    content.end()
    return RelayedKey(key=key_data(key), expiry=None if expiry is None else _expiry(expiry))


def _expiry(element: Element) -> Expiry:
    content = Content(element)
    found = content.one("absolute", "relative")
    content.end()
    if local_name(found) == "absolute":
        return instant(found)
    with within(found):
        return Duration.parse(token(found))


# ---- the tables -----------------------------------------------------------------------------------------------------

ACTIONS: Final[Mapping[tuple[str, str], Reader[Action]]] = {
    ("info", qualified(_DOMAIN, "info")): _domain_info,
    ("create", qualified(_DOMAIN, "create")): _domain_create,
    ("update", qualified(_DOMAIN, "update")): _domain_update,
    ("transfer", qualified(_DOMAIN, "transfer")): _domain_transfer,
    ("create", qualified(namespaces.HOST, "create")): _host_create,
    ("update", qualified(namespaces.HOST, "update")): _host_update,
    ("create", qualified(namespaces.KEYRELAY, "create")): _key_relay_create,
}
"""What a command does, by its verb and the element of the object in it."""
COMMAND_EXTENSIONS: Final[Mapping[str, Reader[CommandExtension]]] = {
    qualified(namespaces.SECDNS, "create"): sec_dns,
    qualified(namespaces.SECDNS, "update"): _sec_dns_update,
}
"""What goes along with a command."""
DATA: Final[Mapping[str, Reader[Data]]] = {
    qualified(_DOMAIN, "infData"): _domain_info_data,
    qualified(_DOMAIN, "creData"): _domain_create_data,
    qualified(_DOMAIN, "trnData"): _domain_transfer_data,
    qualified(_DOMAIN, "panData"): _pending_action_data,
    qualified(namespaces.HOST, "creData"): _host_create_data,
    qualified(namespaces.KEYRELAY, "infData"): _key_relay_data,
}
"""What an answer tells."""
RESPONSE_EXTENSIONS: Final[Mapping[str, Reader[ResponseExtension]]] = {
    qualified(namespaces.SECDNS, "infData"): sec_dns,
}
"""What goes along with an answer."""
