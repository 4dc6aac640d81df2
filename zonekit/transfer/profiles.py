"""Resolver profiles: what a validating resolver supports, and the rules it goes by where the RFCs leave it a choice."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from zonekit.transfer import values
from zonekit.ttl import Ttl

_SHA1_ALGORITHMS: Final = frozenset((5, 7))
_COMMON_ALGORITHMS: Final = frozenset((8, 10, 13, 14, 15))
_ED448: Final = frozenset((16,))
_ALL_ALGORITHMS: Final = _SHA1_ALGORITHMS | _COMMON_ALGORITHMS | _ED448
_ALL_DIGESTS: Final = frozenset((1, 2, 4))
_LONG: Final = values.delay_up_to(timedelta(days=3660), "ten years")


class DigestRule(enum.Enum):
    """Which of several DS records of supported digests count."""

    ALL = "all"
    """Every one (RFC 4035 section 5.2), as for unbound unless it is hardened against downgrades."""
    IGNORE_SHA1 = "ignore SHA-1"
    """SHA-1 does not, where a stronger one is there (RFC 4509 section 3)."""
    STRONGEST = "strongest"
    """Only those of the strongest digest that is there, as for unbound once it is hardened."""


class NsRule(enum.Enum):
    """Whether the NS RRset of a child keeps a resolver at the servers it names."""

    PARENT = "parent"
    """It does for its TTL; then the resolver asks the parent again."""
    STICKY = "sticky"
    """A child that goes on naming itself is never left, as by Knot Resolver where NS come along with every answer."""


class AlgorithmRule(enum.Enum):
    """How many algorithms have to lead from the DS to the data."""

    ANY = "any"
    """One will do (RFC 6840 section 5.11)."""
    ALL = "all"
    """Every algorithm of the DS RRset has to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverProfile:
    """How one kind of resolver behaves.

    Attributes:
        name: what it is called in a verdict.
        algorithms: the algorithm numbers it supports.
        digests: the DS digest types it supports.
        digest_rule: which DS records count.
        ns_rule: whether a child's NS RRset keeps it there.
        algorithm_rule: how many algorithms have to lead to the data.
        trusts_proven_keys: whether a DNSKEY RRset that was once proven is trusted for as long as it is kept, also when the
            DS RRset that proved it is gone by then.
        minimum_ttl: the least time it keeps anything, in seconds.
        stale_margin: how long it goes on using what has run out.
        latency: how much later than it was sent an answer may arrive.

    Raises:
        PlanError: a margin or latency is negative, not in whole seconds, or longer than ten years, or a field has the wrong
            type.
        TtlError: ``minimum_ttl`` is not a TTL.
    """

    name: str
    algorithms: frozenset[int] = _ALL_ALGORITHMS
    digests: frozenset[int] = _ALL_DIGESTS
    digest_rule: DigestRule = DigestRule.IGNORE_SHA1
    ns_rule: NsRule = NsRule.PARENT
    algorithm_rule: AlgorithmRule = AlgorithmRule.ANY
    trusts_proven_keys: bool = False
    minimum_ttl: Ttl = Ttl(0)
    stale_margin: timedelta = timedelta(0)
    latency: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        _FIELDS.check(self, f"profile {self.name}")

    def kept(self, ttl: int) -> int:
        """Return how long, in seconds, it may use what it fetched with this TTL."""
        margins = (self.latency + self.stale_margin) // timedelta(seconds=1)
        return max(ttl, self.minimum_ttl) + margins


_NUMBERS: Final = values.set_of(values.number(0, 255))
_FIELDS: Final = values.Fields(
    needed={
        "name": values.text,
        "algorithms": _NUMBERS,
        "digests": _NUMBERS,
        "digest_rule": values.a(DigestRule),
        "ns_rule": values.a(NsRule),
        "algorithm_rule": values.a(AlgorithmRule),
        "trusts_proven_keys": values.flag,
        "minimum_ttl": values.ttl,
        "stale_margin": _LONG,
        "latency": _LONG,
    },
)

NAMED: Final = ResolverProfile(name="named")
UNBOUND: Final = ResolverProfile(name="unbound", digest_rule=DigestRule.ALL, trusts_proven_keys=True)
UNBOUND_HARDENED: Final = ResolverProfile(
    name="unbound, harden-algo-downgrade",
    digest_rule=DigestRule.STRONGEST,
    algorithm_rule=AlgorithmRule.ALL,
    trusts_proven_keys=True,
)
PDNS_RECURSOR: Final = ResolverProfile(name="PowerDNS Recursor")
KNOT_RESOLVER: Final = ResolverProfile(name="Knot Resolver")
"""In a secure domain. In an insecure one it stays where the child's NS RRset keeps it, as STICKY does: the laboratory shows it."""
WITHOUT_ED448: Final = ResolverProfile(name="a validator without ED448", algorithms=_ALL_ALGORITHMS - _ED448)
WITHOUT_SHA1: Final = ResolverProfile(
    name="a validator without SHA-1 algorithms", algorithms=_ALL_ALGORITHMS - _SHA1_ALGORITHMS
)
STICKY: Final = ResolverProfile(name="sticky", ns_rule=NsRule.STICKY)
PROFILES: Final = (NAMED, UNBOUND, UNBOUND_HARDENED, PDNS_RECURSOR, KNOT_RESOLVER, WITHOUT_ED448, WITHOUT_SHA1)
"""The profiles that a plan is made safe for unless told otherwise."""


def with_stale_margin(profiles: Iterable[ResolverProfile], stale_margin: timedelta) -> tuple[ResolverProfile, ...]:
    """Return the profiles, each as one that goes on using for so much longer what has run out (RFC 8767)."""
    if not stale_margin:
        return tuple(profiles)
    return tuple(replace(profile, stale_margin=profile.stale_margin + stale_margin) for profile in profiles)
