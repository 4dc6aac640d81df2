"""The codes of what is found when a transfer is followed: servers that are dead, lame or lie, clocks, steps that came undone.

They are of the same kind as the verifier's (:mod:`zonekit.verifying.codes`), and stand beside those of a transfer check. A code
never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zonekit.findings import Severity
from zonekit.verifying.codes import Code

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def _code(name: str, severity: Severity, meaning: str, rule: str, remedy: str = "") -> Code:
    return Code(name=name, severity=severity, meaning=meaning, rule=rule, remedy=remedy)


SERVER_DEAD: Final = _code(
    "server-dead",
    _WARNING,
    "a server does not answer, and others of the same party do",
    "RFC 2182 section 5",
    "see that this machine can reach it at all, such as by IPv6; then bring it back with the zone that the others have, or take"
    " it out of the NS RRset; one that comes back with an older zone starts the waits anew",
)
PARTY_DEAD: Final = _code(
    "no-server-answers",
    _ERROR,
    "no server of one party answers for the domain",
    "RFC 1034 section 4.2.2",
    "have at least one of them answer before anything else is done; look at the network as well",
)
SERVER_LAME: Final = _code(
    "server-lame",
    _WARNING,
    "a server answers, and not for the domain",
    "RFC 1034 section 4.2.2, RFC 8499 section 7",
    "load the zone there, or take the server out of the NS RRset",
)
SERVER_FAILS: Final = _code(
    "server-fails",
    _WARNING,
    "a server answers some questions, and fails at others",
    "RFC 1035 section 4.1.1",
    "look at its log: until it answers all of them no further step counts as seen done by its party; somebody who knows what it"
    " gives may say so",
)
SERVER_LIES: Final = _code(
    "server-lies",
    _ERROR,
    "a server gives records that do not validate where those of others do",
    "RFC 4035 section 5",
    "take it out of service at once, and load the zone that the others have",
)
SERVERS_DISAGREE: Final = _code(
    "servers-disagree",
    _WARNING,
    "the servers of one party give different records",
    "RFC 1034 section 4.3.5",
    "wait for the change to reach all of them, and look at the transfers between them where it does not",
)
NOT_ASKED: Final = _code(
    "server-not-asked",
    _WARNING,
    "an NS RRset names a server that was not asked",
    "RFC 1034 section 4.2.2",
    "add it to the servers of its party, so that no step counts as done before it is done there",
)
STEP_UNDONE: Final = _code(
    "step-undone",
    _ERROR,
    "a step that was done is so no more",
    "RFC 6781 section 4.3.5.1",
    "have it done again; everything that was waited for counts anew from then",
)
STEP_DENIED: Final = _code(
    "step-denied",
    _WARNING,
    "somebody says that a step is done, and servers show that it is not",
    "RFC 6781 section 4.3.5.1",
    "look at what those servers give: what they show counts, and the step is not done before all of them have it",
)
STEP_TOO_EARLY: Final = _code(
    "step-too-early",
    _ERROR,
    "with what was done, and when, some resolvers find the domain bogus or get no answer",
    "RFC 4035 section 5, RFC 6781 section 4.3.5.1",
    "undo the last step if it can be undone, or sit it out: the story says until when; where steps were done before they were"
    " first seen to be, say when, for all that is known is when they were seen",
)
CLOCK_SET: Final = _code(
    "clock-set",
    _WARNING,
    "the clock was set since the last round",
    "RFC 7583 section 3.1",
    "nothing is to be done: all that was seen and said before has been moved with it",
)
TTL_RAISED: Final = _code(
    "ttl-above-facts",
    _WARNING,
    "a TTL is served that is above the largest known before, and the waits are longer for it",
    "RFC 2181 section 8, RFC 7583 section 3.3.2",
    "nothing is to be done, if it is meant to be served; the dates are those that follow",
)
SIGNATURES_TOO_SHORT: Final = _code(
    "signatures-end-too-early",
    _ERROR,
    "signatures of the losing operator expire before caches are rid of what needs them",
    "RFC 4035 section 5.3.1",
    "have the losing operator renew its signatures",
)

LIVE_CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        code.name: code
        for code in (
            *(SERVER_DEAD, PARTY_DEAD, SERVER_LAME, SERVER_FAILS, SERVER_LIES, SERVERS_DISAGREE, NOT_ASKED),
            *(STEP_UNDONE, STEP_DENIED, STEP_TOO_EARLY, CLOCK_SET, TTL_RAISED, SIGNATURES_TOO_SHORT),
        )
    }
)
"""Every code that following a transfer has besides those of its check and the verifier's, by its name."""
