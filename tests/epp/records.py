"""What a registry has of one domain: a model that takes the commands of a step, and knows nothing of who wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from zonekit.dnskeys import Dnskey
from zonekit.ds import DsData, KeyData
from zonekit.epp.domains import (
    AuthInfo,
    DomainInfoData,
    DomainTransfer,
    DomainUpdate,
    NameServer,
    NameServers,
    NsForm,
    Status,
)
from zonekit.epp.frames import Command, Response, TransactionId
from zonekit.epp.hosts import HostCreate, HostUpdate
from zonekit.epp.materials import Registered
from zonekit.epp.registries import Interface, RegistryProfile
from zonekit.epp.results import ResultCode, result
from zonekit.epp.secdns import RegistryDs, SecDns, SecDnsUpdate

DOMAIN: Final = "example.nl."


@dataclass(frozen=True, kw_only=True)
class Record:
    """The domain, and the host objects in it.

    Attributes:
        registry: whose it is.
        ds, keys: what it has of DNSSEC.
        servers: its name servers, with the addresses that it has of them in the attribute form.
        hosts: host objects, with their addresses.
        statuses: its statuses.
        code: its authinfo code.
        sponsor: its registrar.
        pending: whether a transfer was asked for.
    """

    registry: RegistryProfile
    ds: frozenset[DsData] = frozenset()
    keys: frozenset[KeyData] = frozenset()
    servers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statuses: tuple[str, ...] = ("ok",)
    code: str = "old-code"
    sponsor: str = "losing"
    pending: bool = False

    def after(self, *commands: Command) -> Record:
        """The record when the registry has carried out commands, in their order."""
        found = self
        for command in commands:
            found = found._after(command)
        return found

    def _after(self, command: Command) -> Record:
        match command.action:
            case HostCreate(name=name, addresses=addresses):
                assert name not in self.hosts, f"{name} is there already"
                return replace(self, hosts={**self.hosts, name: addresses})
            case HostUpdate(name=name, add=add, remove=remove):
                has = self.hosts[name]
                assert set(remove) <= set(has) and not set(add) & set(has)
                return replace(self, hosts={**self.hosts, name: (*(each for each in has if each not in remove), *add)})
            case DomainUpdate() as update:
                assert update.name == DOMAIN
                return self._updated(update)._secured(command)
            case DomainTransfer():
                return replace(self, pending=True)
            case _:
                return self

    def _updated(self, update: DomainUpdate) -> Record:
        servers, statuses = dict(self.servers), list(self.statuses)
        if update.remove is not None:
            for each in update.remove.name_servers.servers if update.remove.name_servers else ():
                assert servers.pop(each.name) == each.addresses
            for status in update.remove.statuses:
                statuses.remove(status.value)
        if update.add is not None and update.add.name_servers is not None:
            assert update.add.name_servers.form is self.registry.name_servers.form
            for each in update.add.name_servers.servers:
                assert each.name not in servers
                if update.add.name_servers.form is NsForm.HOST_OBJECTS:
                    assert each.name in self.hosts, f"{each.name} is named before there is such a host"
                servers[each.name] = each.addresses
        code = update.auth_info.password if update.auth_info else self.code
        return replace(self, servers=servers, statuses=tuple(statuses), code=code)

    def _secured(self, command: Command) -> Record:
        ds, keys = set(self.ds), set(self.keys)
        for update in command.extensions:
            if not isinstance(update, SecDnsUpdate):
                continue
            if update.remove is not None:
                if update.remove.everything:
                    ds, keys = set(), set()
                for entry in update.remove.ds:
                    ds.remove(entry.ds)
                for key in update.remove.keys:
                    keys.remove(key)
            if update.add is not None:
                assert all(
                    (entry.key is not None) is (self.registry.dnssec.interface is Interface.DS_DATA_WITH_KEY)
                    for entry in update.add.ds
                )
                assert bool(update.add.keys) is self.registry.dnssec.interface.takes_keys
                assert not ds & {entry.ds for entry in update.add.ds} and not keys & set(update.add.keys)
                ds |= {entry.ds for entry in update.add.ds}
                keys |= set(update.add.keys)
        return replace(self, ds=frozenset(ds), keys=frozenset(keys))

    @property
    def shown(self) -> Registered:
        """What an answer to a domain info shows."""
        servers = tuple(NameServer(name=name, addresses=found) for name, found in self.servers.items())
        info = DomainInfoData(
            name=DOMAIN,
            roid="EXAMPLE1-REP",
            sponsor=self.sponsor,
            statuses=tuple(Status(value=each) for each in self.statuses),
            name_servers=NameServers(form=self.registry.name_servers.form, servers=servers) if servers else None,
            hosts=tuple(name for name in self.hosts if name.endswith(f".{DOMAIN}")),
            auth_info=AuthInfo(password=self.code),
        )
        with_key = tuple(RegistryDs(ds=each) for each in sorted(self.ds, key=lambda each: each.digest))
        keys = tuple(sorted(self.keys, key=lambda each: each.text()))
        return Registered(info=info, dnssec=SecDns(ds=with_key, keys=keys) if with_key or keys else None)

    def response(self, transaction: str = "after") -> Response:
        """The answer to a domain info."""
        shown = self.shown
        return Response(
            results=(result(ResultCode.COMPLETED),),
            transaction=TransactionId(server="registry-1", client=transaction),
            data=(shown.info,),
            extensions=() if shown.dnssec is None else (shown.dnssec,),
        )


def answered(code: ResultCode, transaction: str | None, *data: object) -> Response:
    """An answer to a frame."""
    return Response(
        results=(result(code),),
        transaction=TransactionId(server="registry-1", client=transaction),
        data=data,  # type: ignore[arg-type]
    )


def keys_of(dnskeys: Iterable[Dnskey]) -> frozenset[KeyData]:
    return frozenset(KeyData.from_rdata(each.dnskey_rdata) for each in dnskeys)
