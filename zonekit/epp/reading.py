"""Frames -> values: what another party sent, read strictly where zonekit knows it and kept as it came where it does not.

The order, the number and the form of what the schemas of RFC 5730, 5731, 5732, 5910 and 8063 define is checked to the last
element. What they leave open, and objects, extensions and commands that zonekit has no value for, are a
:class:`~zonekit.epp.parts.Part`, so that nothing is lost without a word.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from zonekit.epp import namespaces, object_readers, offer_readers
from zonekit.epp.checks import collapsed
from zonekit.epp.content import (
    SPACES,
    Content,
    Unheld,
    attribute,
    choice,
    empty,
    instant,
    language,
    line,
    optional_token,
    parse_number,
    path_of,
    qualified,
    read_known,
    refusal,
    text,
    token,
    within,
)
from zonekit.epp.frames import VERBS, Action, Command, Frame, Response
from zonekit.epp.object_readers import ACTIONS, transaction_id
from zonekit.epp.parts import MAX_ELEMENTS, MAX_OCTETS, Element, Octets, Part, local_name, parse_xml
from zonekit.epp.results import Reason, Result
from zonekit.epp.sessions import Greeting, Hello, Login, Logout, MessageQueue, PollAcknowledge, PollRequest
from zonekit.errors import FrameError


def read_frame(octets: Octets | str, *, max_octets: int = MAX_OCTETS, max_elements: int = MAX_ELEMENTS) -> Frame:
    """Return the frame that is in the octets.

    Args:
        octets: the frame as it went over the connection, without the length before it (RFC 5734 section 4).
        max_octets: how long it may be.
        max_elements: how many elements it may have.

    Raises:
        FrameError: it is no EPP frame, or is not safe to read. ``path`` says where, ``message_id`` which message of the queue
            it brings, ``client_transaction`` which command it is; no authinfo code and no password is ever in the message.

    >>> read_frame('<epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><hello/></epp>')
    Hello()
    """
    root = parse_xml(octets, max_octets=max_octets, max_elements=max_elements)
    if root.tag != qualified(namespaces.EPP, "epp"):
        raise FrameError(
            f"the root element is no epp of {namespaces.EPP}",
            path=path_of(root),
            remedy="give a frame of EPP",
            rule="RFC 5730 section 2.1",
        )
    content = Content(root)
    frame = content.one(*_FRAMES)
    content.end()
    return _FRAMES[local_name(frame)](frame)


_COMMAND_EXTENSIONS: Final = {**object_readers.COMMAND_EXTENSIONS, **offer_readers.COMMAND_EXTENSIONS}
_DATA: Final = {**object_readers.DATA, **offer_readers.DATA}
_RESPONSE_EXTENSIONS: Final = {**object_readers.RESPONSE_EXTENSIONS, **offer_readers.RESPONSE_EXTENSIONS}


# ---- sessions -------------------------------------------------------------------------------------------------------


def _hello(element: Element) -> Hello:
    empty(element)
    return Hello()


def _greeting(element: Element) -> Greeting:
    content = Content(element)
    server, now, menu, policy = [content.one(each) for each in ("svID", "svDate", "svcMenu", "dcp")]
    content.end()
    offered = Content(menu)
    versions, languages = offered.several("version", least=1), offered.several("lang", least=1)
    objects, extensions = _services(offered)
    with within(element):
        return Greeting(
            server=line(server),
            now=_instant(now),
            policy=Part.of(policy),
            versions=tuple(map(token, versions)),
            languages=tuple(map(token, languages)),
            objects=objects,
            extensions=extensions,
        )


def _instant(element: Element) -> datetime:
    try:
        return instant(element)
    except Unheld:
        raise refusal(element, "it is an instant beyond the years 1 to 9999") from None


def _services(content: Content) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The namespaces of objects and of extensions, the last of a content."""
    objects = content.several("objURI", least=1)
    extension = content.optional("svcExtension")
    content.end()
    if extension is None:
        return tuple(map(token, objects)), ()
    names = Content(extension)
    extensions = names.several("extURI", least=1)
    names.end()
    return tuple(map(token, objects)), tuple(map(token, extensions))


def _login(element: Element) -> Login:
    content = Content(element)
    client, password, new_password = content.one("clID"), content.one("pw"), content.optional("newPW")
    options, services = content.one("options"), content.one("svcs")
    content.end()
    chosen = Content(options)
    version, language = chosen.one("version"), chosen.one("lang")
    chosen.end()
    objects, extensions = _services(Content(services))
    with within(element):
        return Login(
            client=token(client),
            password=token(password),
            new_password=optional_token(new_password),
            version=token(version),
            language=token(language),
            objects=objects,
            extensions=extensions,
        )


def _logout(element: Element) -> Logout:
    empty(element)
    return Logout()


def _poll(element: Element) -> PollRequest | PollAcknowledge:
    Content(element, "op", "msgID").end()
    acknowledges = choice(element, "op", {"req": False, "ack": True})
    if not acknowledges and "msgID" in element.attrib:
        raise refusal(element, "a request names a message", rule="RFC 5730 section 2.9.2.3")
    if not acknowledges:
        return PollRequest()
    with within(element):
        return PollAcknowledge(message_id=attribute(element, "msgID"))


# ---- commands -------------------------------------------------------------------------------------------------------

_SESSION_ACTIONS: Final[Mapping[str, Callable[[Element], Action]]] = {"login": _login, "logout": _logout, "poll": _poll}


def _command(element: Element) -> Command:
    try:
        return _request(element)
    except FrameError as error:
        error.client_transaction = collapsed(element.findtext(qualified(namespaces.EPP, "clTRID"), "")) or None
        raise


def _request(element: Element) -> Command:
    content = Content(element)
    verb = content.one(_verb_of(element))
    extension, client = content.filled("extension"), content.optional("clTRID")
    content.end()
    action = _action(verb)
    extensions = [] if extension is None else Content(extension).foreign()
    held = tuple([read_known(each, _COMMAND_EXTENSIONS) for each in extensions])
    with within(element):
        return Command(action=action, extensions=held, client_transaction=optional_token(client) or None)


def _verb_of(element: Element) -> str:
    name = local_name(element[0]) if len(element) else ""
    if name in ("", "extension", "clTRID"):
        raise refusal(element, "it has no command", rule="RFC 5730 section 2.5")
    return name


def _action(verb: Element) -> Action:
    name = local_name(verb)
    if name in _SESSION_ACTIONS:
        return _SESSION_ACTIONS[name](verb)
    reader = ACTIONS.get((name, _object(verb).tag)) if name in VERBS else None
    if reader is not None:
        with contextlib.suppress(Unheld):
            return reader(verb[0])
    with within(verb):
        return Part.of(verb)


def _object(verb: Element) -> Element:
    first, *more = Content(verb, *(("op",) if local_name(verb) == "transfer" else ())).foreign()
    if more:
        raise refusal(more[0], "a command has one object", rule="RFC 5730 section 2.5")
    return first


# ---- responses ------------------------------------------------------------------------------------------------------


def _response(element: Element) -> Response:
    try:
        return _answer(element)
    except FrameError as error:
        queue = element.find(qualified(namespaces.EPP, "msgQ"))
        if queue is not None:
            error.message_id = collapsed(queue.get("id", "")) or None
        raise


def _answer(element: Element) -> Response:
    content = Content(element)
    results, queue = content.several("result", least=1), content.optional("msgQ")
    data, extension = content.filled("resData"), content.filled("extension")
    transaction = transaction_id(content.one("trID"))
    content.end()
    told = [] if data is None else Content(data).foreign()
    extensions = [] if extension is None else Content(extension).foreign()
    held = tuple(map(_result, results))
    with within(element):
        return Response(
            results=held,
            transaction=transaction,
            queue=None if queue is None else _queue(queue),
            data=tuple([read_known(each, _DATA) for each in told]),
            extensions=tuple([read_known(each, _RESPONSE_EXTENSIONS) for each in extensions]),
        )


def _result(element: Element) -> Result:
    content = Content(element, "code")
    message = content.one("msg")
    values, reasons = [], []
    while (found := content.optional("value", "extValue")) is not None:
        if local_name(found) == "value":
            values.append(_value(found))
        else:
            reasons.append(_reason(found))
    content.end()
    with within(element):
        return Result(
            code=parse_number(element, attribute(element, "code"), "the attribute code"),
            message=line(message, "lang"),
            language=language(message),
            values=tuple(values),
            reasons=tuple(reasons),
        )


def _value(element: Element) -> Part:
    """The one element in a ``value``; that itself where it holds anything else."""
    texts = (element.text, *(child.tail for child in element))
    alone = len(element) == 1 and not element.attrib and not any((each or "").strip(SPACES) for each in texts)
    with within(element):
        return Part.of(element[0] if alone and element[0].tag != element.tag else element)


def _reason(element: Element) -> Reason:
    content = Content(element)
    value, reason = content.one("value"), content.one("reason")
    content.end()
    with within(element):
        return Reason(value=_value(value), text=line(reason, "lang"), language=language(reason))


def _queue(element: Element) -> MessageQueue | None:
    """The queue; None where it is empty, as some say with a count and no message."""
    content = Content(element, "count", "id")
    queued, message = content.optional("qDate"), content.optional("msg")
    content.end()
    count = parse_number(element, attribute(element, "count"), "the attribute count")
    if count == 0 and "id" not in element.attrib:
        return None
    with within(element):
        marked_up = message is not None and len(message) > 0
        return MessageQueue(
            count=count,
            message_id=attribute(element, "id"),
            queued=None if queued is None else _instant(queued),
            text="" if message is None or marked_up else text(message, "lang"),
            language=language(message),
            markup=Part.of(message) if message is not None and marked_up else None,
        )


_FRAMES: Final[Mapping[str, Callable[[Element], Frame]]] = {
    "greeting": _greeting,
    "hello": _hello,
    "command": _command,
    "response": _response,
}
