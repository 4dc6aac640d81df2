"""Values -> frames, through the templates in ``templates/epp``.

A template prints the texts that it is given and computes nothing. Each goes through the filter ``xml``, so that no text of
a caller leaves the element or the attribute that it was meant for.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

from zonekit.epp import domains, hosts, keyrelay, namespaces, offers, secdns, sessions
from zonekit.epp.frames import Command, Frame, Response
from zonekit.epp.parts import Part, parse_xml
from zonekit.errors import FrameError, RenderError
from zonekit.render import XmlElement, render_template
from zonekit.resources import TemplateDirectory
from zonekit.transfer import receipts

_FRAME: Final = "epp/frame.xml.j2"
_PART: Final = "epp/part.xml.j2"
_OFFER: Final = "epp/offer.xml.j2"
_RECEIPT: Final = "epp/receipt.xml.j2"

FRAMES: Final[Mapping[type, str]] = {
    sessions.Hello: "epp/hello.xml.j2",
    sessions.Greeting: "epp/greeting.xml.j2",
    Command: "epp/command.xml.j2",
    Response: "epp/response.xml.j2",
}
"""The template of each frame."""
ACTIONS: Final[Mapping[type, str]] = {
    sessions.Login: "epp/login.xml.j2",
    sessions.Logout: "epp/logout.xml.j2",
    sessions.PollRequest: "epp/poll-request.xml.j2",
    sessions.PollAcknowledge: "epp/poll-acknowledge.xml.j2",
    domains.DomainInfo: "epp/domain-info.xml.j2",
    domains.DomainCreate: "epp/domain-create.xml.j2",
    domains.DomainUpdate: "epp/domain-update.xml.j2",
    domains.DomainTransfer: "epp/domain-transfer.xml.j2",
    hosts.HostCreate: "epp/host-create.xml.j2",
    hosts.HostUpdate: "epp/host-update.xml.j2",
    keyrelay.KeyRelayCreate: "epp/keyrelay-create.xml.j2",
    Part: _PART,
}
"""The template of what a command does, its verb included."""
COMMAND_EXTENSIONS: Final[Mapping[type, str]] = {
    secdns.SecDns: "epp/secdns-create.xml.j2",
    secdns.SecDnsUpdate: "epp/secdns-update.xml.j2",
    offers.Offer: _OFFER,
    offers.Report: "epp/report.xml.j2",
    receipts.Receipt: _RECEIPT,
    Part: _PART,
}
"""The template of what goes along with a command."""
DATA: Final[Mapping[type, str]] = {
    domains.DomainInfoData: "epp/domain-info-data.xml.j2",
    domains.DomainCreateData: "epp/domain-create-data.xml.j2",
    domains.DomainTransferData: "epp/domain-transfer-data.xml.j2",
    domains.PendingActionData: "epp/domain-pending-action-data.xml.j2",
    hosts.HostCreateData: "epp/host-create-data.xml.j2",
    keyrelay.KeyRelayData: "epp/keyrelay-info-data.xml.j2",
    receipts.Receipt: _RECEIPT,
    offers.WaitNotice: "epp/wait-notice.xml.j2",
    offers.AuthInfoRequest: "epp/auth-info-request.xml.j2",
    offers.AuthInfoNotice: "epp/auth-info-notice.xml.j2",
    offers.NsNotice: "epp/ns-notice.xml.j2",
    offers.RemovalNotice: "epp/removal-notice.xml.j2",
    Part: _PART,
}
"""The template of what an answer tells."""
RESPONSE_EXTENSIONS: Final[Mapping[type, str]] = {
    secdns.SecDns: "epp/secdns-info-data.xml.j2",
    offers.Offer: _OFFER,
    Part: _PART,
}
"""The template of what goes along with an answer."""


def write_frame(frame: Frame, *, own_templates: TemplateDirectory | None = None) -> bytes:
    """Return the octets of a frame, in UTF-8, as they go over the connection behind their length (RFC 5734 section 4).

    :func:`~zonekit.epp.reading.read_frame` makes an equal frame of them, and the same frame gives the same octets.

    Args:
        frame: the frame.
        own_templates: the user's directory of templates; those of frames are in its subdirectory ``epp``.

    Raises:
        RenderError: a template that cannot be printed, or one of the user's own that prints no XML.

    >>> print(write_frame(sessions.Hello()).decode(), end="")
    <?xml version="1.0" encoding="UTF-8"?>
    <epp xmlns="urn:ietf:params:xml:ns:epp-1.0">
      <hello/>
    </epp>
    """
    octets = _laid_out(render_template(_FRAME, own_templates=own_templates, value=_printable(frame, FRAMES))).encode()
    if own_templates is not None:
        try:
            parse_xml(octets, max_octets=len(octets))
        except FrameError as error:
            raise RenderError(
                f"the templates of a {type(frame).__name__} print no XML: {error.problem}", remedy="mend your own"
            ) from None
    return octets


def _laid_out(text: str) -> str:
    """The lines of templates, each of them a tag or whole elements, indented by how deep they stand."""
    lines: list[str] = []
    depth = 0
    for line in filter(None, [each.strip(" ") for each in text.split("\n")]):
        depth -= line.startswith("</")
        lines.append("  " * depth + line)
        depth += line.startswith("<") and not line.endswith(("/>", "?>")) and "</" not in line
    return "\n".join(lines) + "\n"


# ---- what a template may print of a value ---------------------------------------------------------------------------


def _printable(value: object, templates: Mapping[type, str] | None = None) -> Any:
    """What a template prints of a value: texts and whole numbers under the names of its fields, and its own template."""
    shown = _shown(value)
    if templates is not None:
        shown.template = templates[type(value)]
    return shown


def _shown(value: object) -> Any:
    printer = _PRINTERS.get(type(value))
    if printer is not None:
        return printer(value)
    match value:
        case bool():
            return "true" if value else "false"
        case enum.Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case tuple():
            return [_shown(each) for each in value]
        case _ if dataclasses.is_dataclass(value):
            return _fields(value)
        case _:
            return value


def _fields(value: object, **others: object) -> SimpleNamespace:
    """The fields of a value, those called ``name``, ``hosts``, ``domain`` and ``owner`` domain names as EPP has them, without their last dot."""
    assert dataclasses.is_dataclass(value)
    shown = {each.name: _shown(getattr(value, each.name)) for each in dataclasses.fields(value)}
    for names in _NAMES & shown.keys():
        shown[names] = _relative(shown[names])
    return SimpleNamespace(**(shown | others))


_NAMES: Final = frozenset(("name", "hosts", "domain", "owner"))


def _relative(names: Any) -> Any:
    return [_relative(each) for each in names] if isinstance(names, list) else names.removesuffix(".") or names


def _command(value: Command) -> SimpleNamespace:
    return _fields(
        value,
        action=_printable(value.action, ACTIONS),
        extensions=[_printable(each, COMMAND_EXTENSIONS) for each in value.extensions],
    )


def _response(value: Response) -> SimpleNamespace:
    return _fields(
        value,
        data=[_printable(each, DATA) for each in value.data],
        extensions=[_printable(each, RESPONSE_EXTENSIONS) for each in value.extensions],
    )


def _greeting(value: sessions.Greeting) -> SimpleNamespace:
    return _fields(value, policy=XmlElement(value.policy.embedded))


def _queue(value: sessions.MessageQueue) -> SimpleNamespace:
    return _fields(value, markup=None if value.markup is None else XmlElement(value.markup.embedded))


def _part(value: Part) -> SimpleNamespace:
    stands_alone = (value.namespace, value.name) == (namespaces.EPP, "value")
    return SimpleNamespace(element=XmlElement(value.embedded), stands_alone=stands_alone)


def _relayed_key(value: keyrelay.RelayedKey) -> SimpleNamespace:
    relative = value.expiry.text if isinstance(value.expiry, keyrelay.Duration) else None
    return _fields(value, relative=relative, absolute=_shown(value.expiry) if relative is None else None)


def _addresses(addresses: tuple[str, ...]) -> list[SimpleNamespace]:
    return [SimpleNamespace(version="v6" if ":" in each else "v4", text=each) for each in addresses]


def _host_update(value: hosts.HostUpdate) -> SimpleNamespace:
    return _fields(value, add=_addresses(value.add), remove=_addresses(value.remove))


def _addressed(value: hosts.HostCreate | domains.NameServer) -> SimpleNamespace:
    return _fields(value, addresses=_addresses(value.addresses))


_PRINTERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    Command: _command,
    Response: _response,
    sessions.Greeting: _greeting,
    sessions.MessageQueue: _queue,
    Part: _part,
    keyrelay.RelayedKey: _relayed_key,
    hosts.HostCreate: _addressed,
    hosts.HostUpdate: _host_update,
    domains.NameServer: _addressed,
}
