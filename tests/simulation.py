"""Many resolvers against one schedule, event by event: a second opinion on the cache model, which shares no code with it.

Servers take up a new version each at an instant of its own. Resolvers walk from the parent to a server that answers, and
keep what they get: by the parent's name servers or the child's, with caps on the TTL, prefetching, or using what has run
out. Forwarders put their caches before those. Validators ask several of them, so that DS, DNSKEY and data come from
different caches, and check what they got. What they find bogus, who got no answer, and who held what when is kept.

An answer arrives at most the profile's latency after it was given; the part of it that a cache does not use is left
for the validator.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from zonekit.transfer.profiles import AlgorithmRule, DigestRule, NsRule, ResolverProfile
from zonekit.transfer.versions import (
    AddressVersion,
    DataVersion,
    DnskeyVersion,
    DsVersion,
    NsVersion,
    Schedule,
    Source,
    Version,
)

SERVERS = 3
"""How many servers each source has."""
OPERATORS = (Source.LOSING, Source.GAINING)
DS, DNSKEY, NS, DATA, APEX_NS, ADDRESS = "DS", "DNSKEY", "NS", "data", "apex NS as data", "address"
CHILD_KINDS = (DNSKEY, DATA, APEX_NS)


def seconds(instant: datetime | None, otherwise: float) -> float:
    return otherwise if instant is None else int(instant.timestamp())


# ---- who serves what ------------------------------------------------------------------------------------------------


@dataclass
class Line:
    """The versions of one RRset at one source, oldest first, and when each server takes each of them up."""

    versions: list[Version] = field(default_factory=list)
    served: list[tuple[float, float]] = field(default_factory=list)
    taken: dict[tuple[int, int], float] = field(default_factory=dict)

    def add(self, version: Version) -> None:
        self.versions.append(version)
        self.served.append((seconds(version.start, -math.inf), seconds(version.end, math.inf)))

    def at(self, server: int, now: float) -> Version | None:
        current = None
        for number, (start, end) in enumerate(self.served):
            if start <= now < end and (current is None or now >= self.taken[server, number]):
                current = self.versions[number]
        return current


class World:
    """What each server answers at each instant."""

    def __init__(self, schedule: Schedule, rng: random.Random) -> None:
        self.schedule = schedule
        instants = [each for version in schedule.versions for each in (version.start, version.end)]
        for serving in schedule.servings:
            instants += [serving.start, serving.all_start, serving.all_end, serving.end]
        self.instants = sorted({int(each.timestamp()) for each in instants if each is not None})
        longest = max(version.ttl for version in schedule.versions)
        self.begin = (self.instants or [0])[0] - 2 * longest - 100
        self.finish = (self.instants or [0])[-1] + 2 * longest + 100
        self.lines = self._lines()
        for line in self.lines.values():
            self._take_up(line, rng)
        self.up = {
            (serving.operator, number, server): (
                self._between(seconds(serving.start, -math.inf), seconds(serving.all_start, -math.inf), rng),
                self._between(seconds(serving.all_end, math.inf), seconds(serving.end, math.inf), rng),
            )
            for number, serving in enumerate(schedule.servings)
            for server in range(SERVERS)
        }

    def _lines(self) -> dict[tuple[Source, str], Line]:
        lines: dict[tuple[Source, str], Line] = {}
        kinds = {NsVersion: NS, DsVersion: DS, DnskeyVersion: DNSKEY, DataVersion: DATA, AddressVersion: ADDRESS}
        names = {(version.source, version.record) for version in self.schedule.versions if type(version) is NsVersion}
        for version in sorted(
            self.schedule.versions,
            key=lambda each: (seconds(each.start, -math.inf), seconds(each.end, math.inf)),
        ):
            kind = kinds[type(version)]
            if kind == DATA and (version.source, version.record) in names:
                kind = APEX_NS
            lines.setdefault((version.source, kind), Line()).add(version)
        return lines

    def _take_up(self, line: Line, rng: random.Random) -> None:
        for number, version in enumerate(line.versions):
            start = seconds(version.start, self.begin)
            over = max([seconds(older.end, start) for older in line.versions[:number]], default=start)
            for server in range(SERVERS):
                line.taken[server, number] = self._between(start, max(start, over), rng)

    @staticmethod
    def _between(first: float, last: float, rng: random.Random) -> float:
        if not math.isfinite(first) or not math.isfinite(last):
            return first if math.isfinite(first) or first == last else last
        return rng.choice((first, last, rng.randint(int(first), int(last))))

    def answers(self, operator: Source, server: int, now: float) -> bool:
        if operator is Source.PARENT:
            return True
        return any(
            start <= now < end
            for (whose, _, which), (start, end) in self.up.items()
            if whose is operator and which == server
        )

    def also_answers(self, asked: Source, now: float, rng: random.Random) -> Source | None:
        """Another source that a server of the asked one answers for, if the toss of a coin says so."""
        for overlap in self.schedule.overlaps:
            if overlap.asked is asked and now >= seconds(overlap.start, -math.inf) and rng.random() < 0.5:
                server = rng.randrange(SERVERS)
                if self.answers(overlap.answers, server, now):
                    return overlap.answers
        return None


# ---- who asks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cached:
    """What a cache holds: until when by its TTL, and until when if it uses what has run out."""

    version: Version
    since: float
    until: float
    stale_until: float


@dataclass(frozen=True)
class Referral:
    """Name servers that a resolver goes by, and the children whose NS RRsets have led it there."""

    ns: NsVersion
    until: float
    through: frozenset[Source]


@dataclass
class Log:
    """What happened."""

    queries: int = 0
    validations: int = 0
    bogus: list[tuple[float, DsVersion, DnskeyVersion, DataVersion]] = field(default_factory=list)
    outages: list[tuple[float, NsVersion]] = field(default_factory=list)
    kept: list[Cached] = field(default_factory=list)
    asked: list[tuple[float, Source]] = field(default_factory=list)


@dataclass(frozen=True, order=True)
class Question:
    """Somebody is to ask: a cache by itself, or a validator that takes one record of it and the others elsewhere."""

    at: float
    turn: int
    cache: AnyCache | None = field(compare=False, default=None)
    kind: str = field(compare=False, default=DATA)
    validates: bool = field(compare=False, default=True)
    depth: int = field(compare=False, default=0)


class Resolver:
    """A cache that asks the authoritative servers and does not validate."""

    def __init__(self, world: World, profile: ResolverProfile, log: Log, rng: random.Random) -> None:
        self.world, self.log, self.rng = world, log, rng
        self.is_sticky = profile.ns_rule is NsRule.STICKY
        self.is_child_centric = self.is_sticky or rng.random() < 0.6
        self.least = rng.choice((0, profile.minimum_ttl, profile.minimum_ttl))
        self.most = rng.choice((*[math.inf] * 6, 86400, 600))
        self.stale = rng.choice((0, 1, 1)) * profile.stale_margin.total_seconds()
        self.latency = int(profile.latency.total_seconds()) // 2
        self.prefetches = rng.random() < 0.3
        self.cache: dict[str, Cached] = {}
        self.by_parent: Referral | None = None
        self.by_child: Referral | None = None
        self.address: Cached | None = None
        self.since = -math.inf

    def get(self, kind: str, now: float) -> Cached | None:
        """What it answers a client."""
        held = self.cache.get(kind)
        if held is not None and now < held.until:
            if self.prefetches and now >= held.until - (held.until - held.since) / 10:
                self.fetch(kind, now)
            return held
        if held is not None and now < held.stale_until and self.rng.random() < 0.7:
            return held
        return self.fetch(kind, now)

    def fetch(self, kind: str, now: float) -> Cached | None:
        """Ask the servers, whatever the cache holds."""
        self.log.queries += 1
        if kind == DS:
            version = self.world.lines[Source.PARENT, DS].at(self.rng.randrange(SERVERS), now)
            return self.keep(kind, version, now) if version is not None else None
        found = self.server(now)
        if found is None:
            return None
        operator, through = found
        if not through and self.rng.random() < 0.05:
            self.by_parent = None  # forgotten: caches are finite
        self.log.asked.append((now, operator))
        server = self.up(operator, now)
        line = self.world.lines.get((operator, kind))
        version = None if line is None else line.at(server, now)
        if self.is_child_centric and (self.is_sticky or operator not in through) and self.rng.random() < 0.8:
            ns = self.world.lines[operator, NS].at(server, now)
            if isinstance(ns, NsVersion):
                self.by_child = Referral(ns, self.keep("NS of the child", ns, now).stale_until, through | {operator})
                self.since = now
        if self.rng.random() < 0.4:
            self.learn_address(operator, server, now)
        return self.keep(kind, version, now) if version is not None else None

    def learn_address(self, source: Source, server: int, now: float) -> None:
        """Take what a server says of the addresses of name servers in the domain."""
        line = self.world.lines.get((source, ADDRESS))
        version = None if line is None else line.at(server, now)
        if version is not None:
            self.address = self.keep(ADDRESS, version, now)

    def whose(self, ns: NsVersion, now: float) -> list[Source]:
        """The operators that an NS RRset leads to, by names and by an address that is cached or at the parent."""
        operators = sorted(ns.leads_to, key=lambda each: each.value)
        if ns.hosts:
            if self.address is None or not self.address.since <= now < self.address.stale_until:
                self.learn_address(Source.PARENT, self.rng.randrange(SERVERS), now)
            if self.address is not None:
                assert isinstance(self.address.version, AddressVersion)
                operators.append(self.address.version.leads_to)
        self.rng.shuffle(operators)
        return operators

    def up(self, operator: Source, now: float) -> int:
        """One of the servers of an operator that answer."""
        return self.rng.choice([each for each in range(SERVERS) if self.world.answers(operator, each, now)])

    def keep(self, kind: str, version: Version, now: float) -> Cached:
        until = now + self.rng.randint(0, self.latency) + max(min(version.ttl, self.most), self.least)
        held = Cached(version, now, until, until + self.stale)
        self.cache[kind] = held
        self.log.kept.append(held)
        return held

    def stay(self, now: float) -> None:
        """A sticky resolver with many clients asks its child for the NS RRset again and again before that runs out."""
        for _ in range(300):  # then its clients sleep
            if not self.is_sticky or self.by_child is None or self.by_child.until > now:
                return
            then = self.by_child.until - 1
            if then <= self.since:
                return
            self.since = then
            server = self.rng.randrange(SERVERS)
            (operator, *others) = self.whose(self.by_child.ns, then)
            ns = self.world.lines[operator, NS].at(server, then)
            if others or not self.world.answers(operator, server, then) or not isinstance(ns, NsVersion):
                return
            self.log.queries += 1
            self.log.asked.append((then, operator))
            held = self.keep("NS of the child", ns, then)
            self.by_child = Referral(ns, held.stale_until, self.by_child.through | {operator})

    def server(self, now: float) -> tuple[Source, frozenset[Source]] | None:
        """The operator whose server answers, and the children that led there."""
        self.stay(now)
        opened = self.world.also_answers(Source.PARENT, now, self.rng)
        if opened is not None:
            return opened, frozenset()
        referral = next((each for each in (self.by_child, self.by_parent) if each and now < each.until), None)
        if referral is None:
            self.log.queries += 1
            ns = self.world.lines[Source.PARENT, NS].at(self.rng.randrange(SERVERS), now)
            assert isinstance(ns, NsVersion)
            self.by_parent = referral = Referral(ns, self.keep(NS, ns, now).stale_until, frozenset())
        for operator in self.whose(referral.ns, now):
            if self.world.answers(operator, self.rng.randrange(SERVERS), now):
                return self.world.also_answers(operator, now, self.rng) or operator, referral.through
        self.log.outages.append((now, referral.ns))
        self.by_child = self.by_parent = None
        return None


class Forwarder:
    """A cache that asks other caches, and keeps what they give for what is left of its TTL."""

    def __init__(self, upstream: list[Resolver | Forwarder], rng: random.Random) -> None:
        self.upstream, self.rng = upstream, rng
        self.keeps = rng.random() < 0.8
        self.cache: dict[str, Cached] = {}

    def get(self, kind: str, now: float) -> Cached | None:
        held = self.cache.get(kind)
        if held is None or now >= held.until:
            held = self.rng.choice(self.upstream).get(kind, now)
            if held is not None and self.keeps:
                self.cache[kind] = held
        return held


AnyCache: TypeAlias = Resolver | Forwarder


# ---- who validates --------------------------------------------------------------------------------------------------


def signs(version: DnskeyVersion | DataVersion, key: object, now: float) -> bool:
    return any(
        signature.key == key
        and seconds(signature.inception, -math.inf) <= now < seconds(signature.expiration, math.inf)
        for signature in version.signatures
    )


def is_bogus(ds: DsVersion, dnskey: DnskeyVersion, data: DataVersion, now: float, profile: ResolverProfile) -> bool:
    """Whether a validator has to refuse the data, by RFC 4035 section 5 and what the profile makes of it."""
    records = [each for each in ds.entries if each.key.algorithm in profile.algorithms]
    records = [each for each in records if each.digest_type in profile.digests]
    digests = {each.digest_type for each in records}
    if profile.digest_rule is DigestRule.IGNORE_SHA1 and digests - {1}:
        records = [each for each in records if each.digest_type != 1]
    if profile.digest_rule is DigestRule.STRONGEST and digests:
        records = [each for each in records if each.digest_type == max(digests)]
    if not records:
        return False
    trusted = {each.key for each in records if each.key in dnskey.keys and signs(dnskey, each.key, now)}
    proving = {each for each in dnskey.keys if each.algorithm in profile.algorithms and signs(data, each, now)}
    if profile.algorithm_rule is AlgorithmRule.ALL:
        asked = {each.key.algorithm for each in records}
        return not all(asked <= {key.algorithm for key in keys} for keys in (trusted, proving))
    return not trusted or not proving


@dataclass
class Trusted:
    """A DNSKEY RRset that a validator has proven and trusts until it runs out, whatever becomes of the DS."""

    dnskey: DnskeyVersion
    algorithms: frozenset[int]
    until: float

    def proves(self, data: DataVersion, now: float, profile: ResolverProfile) -> bool:
        proving = {
            key.algorithm for key in self.dnskey.keys if key.algorithm in profile.algorithms and signs(data, key, now)
        }
        return self.algorithms <= proving if profile.algorithm_rule is AlgorithmRule.ALL else bool(proving)


# ---- the run --------------------------------------------------------------------------------------------------------


class Simulation:
    """Resolvers, forwarders and validators that ask about a domain while its schedule is carried out.

    They ask at instants that tell: around the changes, when something that was fetched around a change is about to run
    out, again when what was fetched then is, and at any time besides.
    """

    def __init__(self, schedule: Schedule, profile: ResolverProfile, seed: int, resolvers: int) -> None:
        self.trusted: list[Trusted | None] | None = [None] * resolvers if profile.trusts_proven_keys else None
        self.rng = random.Random(seed)
        self.profile = profile
        self.log = Log()
        self.world = World(schedule, self.rng)
        self.agenda: list[Question] = []
        self.turns = itertools.count()
        self.caches: list[AnyCache] = [Resolver(self.world, profile, self.log, self.rng) for _ in range(resolvers)]
        for _ in range(resolvers // 3):
            upstream = [self.rng.choice(self.caches) for _ in range(self.rng.randint(1, 3))]
            self.caches.append(Forwarder(upstream, self.rng))

    def run(self, questions: int) -> Log:
        """Ask so many questions, and those that follow from them."""
        for _ in range(questions):
            kind = self.rng.choice((DS, *CHILD_KINDS))
            self._plan(Question(self._some_time(), next(self.turns), None, kind, self.rng.random() < 0.5))
        while self.agenda:
            question = heapq.heappop(self.agenda)
            before = len(self.log.kept)
            cache = question.cache or self.rng.choice(self.caches)
            if question.validates:
                self._validate(question, cache)
            else:
                cache.get(question.kind, question.at)
            if question.depth < 4 and len(self.log.kept) > before:
                got = self.log.kept[before:]
                referrals = [held for held in got if isinstance(held.version, NsVersion)]
                self._follow(question, cache, self.rng.choice(referrals or got))
        return self.log

    def _plan(self, question: Question) -> None:
        heapq.heappush(self.agenda, question)

    def _some_time(self) -> float:
        if self.rng.random() < 0.2 or not self.world.instants:
            return self.rng.randint(self.world.begin, self.world.finish)
        nearby = self.rng.choice((-1, -1, -1, 0, 0, 1, -self.rng.randint(1, 60), self.rng.randint(-3600, 3600)))
        return self.rng.choice(self.world.instants) + nearby

    def _follow(self, question: Question, cache: AnyCache, held: Cached) -> None:
        """Have the cache asked again just before what it got runs out, or have that validated then."""
        last = (held.stale_until if self.rng.random() < 0.5 else held.until) - 1
        if self.rng.random() < 0.2 and last > question.at:
            last = self.rng.randint(int(question.at), int(last))
        if last < question.at:
            return
        kinds = {DsVersion: DS, DnskeyVersion: DNSKEY, DataVersion: question.kind}
        kind = kinds.get(type(held.version))
        depth = question.depth + 1
        if kind is None:
            for kind in self.rng.sample(CHILD_KINDS, 2):
                self._plan(Question(last, next(self.turns), cache, kind, self.rng.random() < 0.3, depth))
            return
        for _ in range(2):
            self._plan(Question(last, next(self.turns), cache, kind, True, depth + 2))
        self._plan(Question(last, next(self.turns), cache, self.rng.choice(CHILD_KINDS), False, depth))

    def _validate(self, question: Question, cache: AnyCache) -> None:
        """A validator puts together what this cache and others give it."""
        now = question.at
        data_kind = question.kind if question.kind in (DATA, APEX_NS) else self.rng.choice((DATA, APEX_NS))
        found = []
        for kind in (DS, DNSKEY, data_kind):
            asked = cache if kind == question.kind or self.rng.random() < 0.1 else self.rng.choice(self.caches)
            found.append(asked.get(kind, now))
        ds, dnskey, data = [None if each is None else each.version for each in found]
        if isinstance(ds, DsVersion) and isinstance(dnskey, DnskeyVersion) and isinstance(data, DataVersion):
            self.log.validations += 1
            latency = int(self.profile.latency.total_seconds())
            checked = now + self.rng.randint(0, latency - latency // 2)
            is_wrong = is_bogus(ds, dnskey, data, checked, self.profile)
            if self.trusted is not None and found[1] is not None:
                is_wrong = self._validate_with_what_is_trusted(ds, found[1], data, checked)
            if is_wrong:
                self.log.bogus.append((checked, ds, dnskey, data))

    def _validate_with_what_is_trusted(self, ds: DsVersion, held: Cached, data: DataVersion, now: float) -> bool:
        """A validator that has proven a DNSKEY RRset asks for neither DS nor DNSKEY until that runs out."""
        assert self.trusted is not None and isinstance(held.version, DnskeyVersion)
        who = self.rng.randrange(len(self.trusted))
        trusted = self.trusted[who]
        if trusted is not None and now < trusted.until:
            return not trusted.proves(data, now, self.profile)
        is_wrong = is_bogus(ds, held.version, data, now, self.profile)
        algorithms = frozenset(
            entry.key.algorithm for entry in ds.entries if entry.key.algorithm in self.profile.algorithms
        )
        if not is_wrong and algorithms:
            self.trusted[who] = Trusted(held.version, algorithms, held.until)
        return is_wrong


def simulate(
    schedule: Schedule,
    profile: ResolverProfile,
    seed: int,
    *,
    resolvers: int = 24,
    questions: int = 300,
) -> Log:
    """Return what happens to resolvers of a profile while a schedule is carried out; the same for the same seed."""
    return Simulation(schedule, profile, seed, resolvers).run(questions)
