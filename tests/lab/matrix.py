"""The resolver profiles of the cache model beside the real programs: what each row asks, and what the model says of it.

``python -m tests.lab.matrix`` observes every row in the laboratory (:mod:`tests.lab.observing`) and writes the table, with
the versions of the programs, into the README. The tests hold the model against the programs, and the README against the
model.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.generated import Marks
from tests.lab.chains import ALGORITHMS, BOGUS, INSECURE, SECURE, Chain, absent_beside, two_algorithms
from tests.lab.resolvers import KnotResolver, Named, PdnsRecursor, Resolver, Unbound, UnboundHardened
from tests.peers import require_peer
from zonekit.transfer.caches import clashes, held
from zonekit.transfer.profiles import (
    KNOT_RESOLVER,
    NAMED,
    PDNS_RECURSOR,
    UNBOUND,
    UNBOUND_HARDENED,
    WITHOUT_ED448,
    WITHOUT_SHA1,
    ResolverProfile,
)
from zonekit.transfer.spans import ALWAYS, EVER, intersection, span
from zonekit.transfer.versions import (
    DataVersion,
    DnskeyVersion,
    DsEntry,
    DsVersion,
    Key,
    NsVersion,
    Overlap,
    Schedule,
    Serving,
    Signature,
    Source,
)
from zonekit.ttl import Ttl

MARKS: Final = Marks(
    begin="<!-- the resolvers, by python -m tests.lab.matrix -->\n",
    end="<!-- end of the resolvers -->\n",
)
KEPT_SECONDS: Final = 10
"""The minimum TTL, and the margin for stale data, that resolvers are set to in their rows."""
RECORD_TTL: Final = Ttl(1)
"""The TTL of what is kept for longer than that."""
STALE_TTL: Final = Ttl(5)
"""The TTL of what is used when it has run out."""
NS_TTL: Final = Ttl(3)
"""The TTL of both NS RRsets of a delegation that changes."""
LEFT, NEVER_LEFT = "left", "never left"
ANSWERS, DOES_NOT_ANSWER = "its data is got", "its data is not got"
NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


# ---- the columns ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Column:
    """One program with one profile.

    Attributes:
        program: what the program is called.
        variant: what makes it another column, if anything does.
        profile: what the model takes it for.
        kind: the program.
        settings: what makes it so, beside the laboratory's own settings.
        minimum: how its least TTL is set to ``KEPT_SECONDS``.
        stale: how it is made to use for ``KEPT_SECONDS`` what has run out.
        stale_from_question: whether it counts them from question to question, so that what nobody asked for is used once more
            for as long as it has not been cleaned out of the cache.
    """

    program: str
    variant: str = ""
    profile: ResolverProfile
    kind: type[Resolver]
    settings: Mapping[str, str] = field(default_factory=dict)
    minimum: Mapping[str, str]
    stale: Mapping[str, str]
    stale_from_question: bool = False

    @property
    def label(self) -> str:
        """What it is called, less the version."""
        return f"{self.program}{self.variant}"


_NAMED_MINIMUM: Final = {"min-cache-ttl": str(KEPT_SECONDS)}
_NAMED_STALE: Final = {
    "stale-cache-enable": "yes",
    "stale-answer-enable": "yes",
    "stale-answer-client-timeout": "0",
    "max-stale-ttl": str(KEPT_SECONDS),
    "stale-answer-ttl": "1",
    "stale-refresh-time": "0",
}
_UNBOUND_MINIMUM: Final = {"cache-min-ttl": str(KEPT_SECONDS)}
_UNBOUND_STALE: Final = {
    "serve-expired": "yes",
    "serve-expired-ttl": str(KEPT_SECONDS),
    "serve-expired-ttl-reset": "no",
    "serve-expired-reply-ttl": "1",
}
_PDNS_STALE: Final = {"serve-stale-extensions": str(KEPT_SECONDS // STALE_TTL)}
"""An extension is as long as the TTL, 30 seconds at most."""
_KNOT_STALE: Final = {
    "modules.load": "('serve_stale < cache')",
    "serve_stale.timeout": " = 200",
    "serve_stale.callback": (
        " = require('ffi').cast('kr_stale_cb',"
        f" function (ttl) if ttl + {KEPT_SECONDS} > 0 then return 1 else return -1 end end)"
    ),
}

COLUMNS: Final = (
    Column(program="named", profile=NAMED, kind=Named, minimum=_NAMED_MINIMUM, stale=_NAMED_STALE),
    Column(program="Unbound", profile=UNBOUND, kind=Unbound, minimum=_UNBOUND_MINIMUM, stale=_UNBOUND_STALE),
    Column(
        program="Unbound",
        variant=", `harden-algo-downgrade`",
        profile=UNBOUND_HARDENED,
        kind=UnboundHardened,
        minimum=_UNBOUND_MINIMUM,
        stale=_UNBOUND_STALE,
    ),
    Column(
        program="PowerDNS Recursor",
        profile=PDNS_RECURSOR,
        kind=PdnsRecursor,
        minimum={"minimum-ttl-override": str(KEPT_SECONDS)},
        stale=_PDNS_STALE,
        stale_from_question=True,
    ),
    Column(
        program="Knot Resolver",
        profile=KNOT_RESOLVER,
        kind=KnotResolver,
        minimum={"cache.min_ttl": f"({KEPT_SECONDS})"},
        stale=_KNOT_STALE,
    ),
    Column(
        program="named",
        variant=" without ED448",
        profile=WITHOUT_ED448,
        kind=Named,
        settings={"disable-algorithms": '"." { ED448; }'},
        minimum=_NAMED_MINIMUM,
        stale=_NAMED_STALE,
    ),
    Column(
        program="named",
        variant=" without RSASHA1",
        profile=WITHOUT_SHA1,
        kind=Named,
        settings={"disable-algorithms": '"." { RSASHA1; NSEC3RSASHA1; }'},
        minimum=_NAMED_MINIMUM,
        stale=_NAMED_STALE,
    ),
)


# ---- the rows -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question to every program.

    Attributes:
        name: how code calls it.
        title: what is asked, for the table.
        model: what the cache model says that a resolver of a profile does.
    """

    name: str
    title: str
    model: Callable[[ResolverProfile], str]


@dataclass(frozen=True, kw_only=True)
class ChainRow(Row):
    """A row that one chain of trust decides."""

    chain: Chain


def _chain_row(name: str, title: str, chain: Chain) -> ChainRow:
    return ChainRow(name=name, title=title, model=chain.judged, chain=chain)


def supported(numbers: Mapping[int, bool]) -> str:
    """What the table says of algorithms or digests that are supported or not."""
    missing = [str(number) for number, is_so in numbers.items() if not is_so]
    return f"all but {', '.join(missing)}" if missing else "all"


ALGORITHM_CHAINS: Final = {algorithm: Chain.of_one(algorithm) for algorithm in ALGORITHMS}
DIGEST_CHAINS: Final = {digest_type: Chain.of_one(13, digest_type) for digest_type in (1, 2, 4)}


def _supported_of(chains: Mapping[int, Chain]) -> Callable[[ResolverProfile], str]:
    return lambda profile: supported({number: chain.judged(profile) == SECURE for number, chain in chains.items()})


def _leaves(profile: ResolverProfile) -> str:
    losing, gaining = frozenset((Source.LOSING,)), frozenset((Source.GAINING,))

    def ns(source: Source, leads_to: frozenset[Source], start: datetime | None, end: datetime | None) -> NsVersion:
        return NsVersion(source=source, record="NS", ttl=NS_TTL, leads_to=leads_to, start=start, end=end)

    schedule = Schedule(
        versions=(
            ns(Source.PARENT, losing, None, NOW),
            ns(Source.PARENT, gaining, NOW, None),
            ns(Source.LOSING, losing, None, None),
            ns(Source.GAINING, gaining, None, None),
            _NO_DS,
        ),
        servings=_BOTH_SERVE,
    )
    return LEFT if held(schedule, profile).reach[Source.LOSING][-1][1] < EVER else NEVER_LEFT


def _overlap_opens(profile: ResolverProfile) -> str:
    data = DataVersion(source=Source.GAINING, record="data", ttl=NS_TTL, signatures=())
    to_losing = NsVersion(source=Source.PARENT, record="NS", ttl=NS_TTL, leads_to=frozenset((Source.LOSING,)))
    schedule = Schedule(
        versions=(to_losing, _NO_DS, data),
        servings=_BOTH_SERVE,
        overlaps=(Overlap(asked=Source.PARENT, answers=Source.GAINING),),
    )
    return ANSWERS if held(schedule, profile).fetched[id(data)] == ALWAYS else DOES_NOT_ANSWER


def _behind_cache(profile: ResolverProfile) -> str:
    key = Key(name="key", algorithm=13)
    expiring = Signature(key=key, expiration=NOW)
    data = _data("old", expiring, end=NOW)
    return BOGUS if _is_bogus_later(_served(key), _ds(key), data, profile) else SECURE


def _after_ds_removed(profile: ResolverProfile) -> str:
    key, other = Key(name="key", algorithm=13), Key(name="other", algorithm=13)
    data = _data("new", Signature(key=other), start=NOW)
    return BOGUS if _is_bogus_later(_served(key, end=NOW), _ds(key, end=NOW), data, profile) else INSECURE


def _is_bogus_later(dnskey: DnskeyVersion, ds: DsVersion, data: DataVersion, profile: ResolverProfile) -> bool:
    """Whether these, with no DS once this one is gone, are bogus together a minute after a change now."""
    to_losing = NsVersion(source=Source.PARENT, record="NS", ttl=_LONG, leads_to=frozenset((Source.LOSING,)))
    no_ds = () if ds.end is None else (replace(_NO_DS, start=ds.end),)
    schedule = Schedule(versions=(to_losing, dnskey, ds, *no_ds, data), servings=_BOTH_SERVE)
    later = span(NOW + timedelta(minutes=1), NOW + timedelta(minutes=2))
    return any(intersection(clash.bad, later) for clash in clashes(schedule, held(schedule, profile), profile))


def _served(key: Key, *, end: datetime | None = None) -> DnskeyVersion:
    return DnskeyVersion(
        source=Source.LOSING,
        record="DNSKEY",
        ttl=_LONG,
        keys=frozenset((key,)),
        signatures=(Signature(key=key),),
        end=end,
    )


def _ds(key: Key, *, end: datetime | None = None) -> DsVersion:
    entries = frozenset((DsEntry(key=key, digest_type=2),))
    return DsVersion(source=Source.PARENT, record="DS", ttl=RECORD_TTL, entries=entries, end=end)


def _data(
    record: str, signature: Signature, *, start: datetime | None = None, end: datetime | None = None
) -> DataVersion:
    return DataVersion(source=Source.LOSING, record=record, ttl=_LONG, signatures=(signature,), start=start, end=end)


def _kept_for(ttl: Ttl, **settings: object) -> Callable[[ResolverProfile], str]:
    return lambda profile: f"{replace(profile, **settings).kept(ttl)} s"  # type: ignore[arg-type]


_LONG: Final = Ttl(3600)
_REPLACED: Final = Chain(
    algorithms={"old": 13, "new": 13}, ds=(("new", 2),), dnskeys=("old",), dnskey_by=("old",), data_by=("new",)
)
_NO_DS: Final = DsVersion(source=Source.PARENT, record="no DS", ttl=NS_TTL, entries=frozenset())
_BOTH_SERVE: Final = (Serving(operator=Source.LOSING), Serving(operator=Source.GAINING))

ROWS: Final[tuple[Row, ...]] = (
    Row(
        name="algorithms",
        title=f"algorithms supported, of {', '.join(map(str, ALGORITHMS))}",
        model=_supported_of(ALGORITHM_CHAINS),
    ),
    Row(
        name="digests",
        title="DS digests supported, of SHA-1 (1), SHA-256 (2) and SHA-384 (4)",
        model=_supported_of(DIGEST_CHAINS),
    ),
    _chain_row("sha1-beside-sha256", "SHA-1 DS of the key, SHA-256 DS of a key that is not there", absent_beside(1, 2)),
    _chain_row(
        "sha256-beside-sha384", "SHA-256 DS of the key, SHA-384 DS of a key that is not there", absent_beside(2, 4)
    ),
    _chain_row(
        "two-algorithms",
        "DS and DNSKEYs of algorithms 13 and 15, data signed with 13 only",
        two_algorithms(13, 15, dnskey_by_both=True),
    ),
    _chain_row(
        "ed448-beside-p256",
        "DS of algorithms 16 and 13, everything signed with 16 only",
        two_algorithms(16, 13, dnskey_by_both=False),
    ),
    _chain_row(
        "rsasha1-beside-p256",
        "DS of algorithms 5 and 13, everything signed with 5 only",
        two_algorithms(5, 13, dnskey_by_both=False),
    ),
    Row(
        name="ds-replaced",
        title="DNSKEY RRset that a cache has kept from before the keys and the DS were replaced, to a validator behind it",
        model=_REPLACED.judged,
    ),
    Row(
        name="ds-removed",
        title="DNSKEY RRset kept from before the DS was removed, data of other keys",
        model=_after_ds_removed,
    ),
    Row(
        name="ns-unchanged",
        title="losing servers that go on naming themselves, asked for their NS RRset all the time",
        model=_leaves,
    ),
    Row(
        name="ns-along",
        title="the same, where they give their NS RRset along with every answer",
        model=_leaves,
    ),
    Row(
        name="parent-too",
        title="gaining servers that also serve the parent zone, before any NS has changed",
        model=_overlap_opens,
    ),
    Row(
        name="expired-behind-cache",
        title="expired signature that a cache which does not validate still has",
        model=_behind_cache,
    ),
    Row(
        name="minimum-ttl",
        title=f"an unsigned record with a TTL of {RECORD_TTL} s, where the least TTL is set to {KEPT_SECONDS} s",
        model=_kept_for(RECORD_TTL, minimum_ttl=Ttl(KEPT_SECONDS)),
    ),
    Row(
        name="minimum-ttl-signed",
        title="the same, signed",
        model=_kept_for(RECORD_TTL, minimum_ttl=Ttl(KEPT_SECONDS)),
    ),
    Row(
        name="stale",
        title=f"a record with a TTL of {STALE_TTL} s, where no server answers and stale data may be used for {KEPT_SECONDS} s;"
        " PowerDNS Recursor is asked for it all the time",
        model=_kept_for(STALE_TTL, stale_margin=timedelta(seconds=KEPT_SECONDS)),
    ),
)


# ---- where a program does otherwise -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Otherwise:
    """A program that does not do what its profile says, where that is known and why it may stand.

    Attributes:
        row: the name of the row.
        kind: the program.
        seen: what it does.
        why: what stands below the table.
    """

    row: str
    kind: type[Resolver]
    seen: str
    why: str


KNOWN: Final = (
    Otherwise(
        row="ns-along",
        kind=KnotResolver,
        seen=NEVER_LEFT,
        why="Knot Resolver keeps the NS RRset anew with every answer that it comes along with, and does not leave such servers"
        " while it asks them more often than that runs out: then it is the profile `sticky`, which a plan is proven for when"
        " told to. A plan in which the losing zone goes on naming its own servers warns of it as `sticky-resolvers`",
    ),
    Otherwise(
        row="minimum-ttl-signed",
        kind=Named,
        seen=f"less than {KEPT_SECONDS} s",
        why="named keeps what it has validated no longer than the TTL that the signature is over, whatever its least TTL;"
        " the model lets it keep everything for longer, which is safe",
    ),
)


def expected(row: Row, column: Column) -> str:
    """What is to be seen: what the model says, or what is known to be otherwise."""
    known = _known(row, column)
    return known.seen if known else row.model(column.profile)


def _known(row: Row, column: Column) -> Otherwise | None:
    return next((each for each in KNOWN if each.row == row.name and each.kind is column.kind), None)


# ---- the table --------------------------------------------------------------------------------------------------


def table(versions: Mapping[str, str]) -> str:
    """The table for the README: a row for each question, a column for each program, its version by its name."""
    heads = [f"{column.program} {versions[column.program]}{column.variant}" for column in COLUMNS]
    lines = [_line(["what is served, or set", *heads]), "|---" * (1 + len(COLUMNS)) + "|\n"]
    lines.append(_line(["profile", *[column.profile.name for column in COLUMNS]]))
    lines += [_line([row.title, *[_cell(row, column) for column in COLUMNS]]) for row in ROWS]
    notes = [f"\n{_mark(number)} {note.why}.\n" for number, note in enumerate(KNOWN)]
    return "".join([*lines, *notes])


def without_versions(text: str) -> str:
    """The table less the versions, which differ between machines."""
    return re.sub(r" [0-9]+(\.[0-9]+)+", "", text)


def versions() -> dict[str, str]:
    """The version of every program on this machine, by its name."""
    return {column.program: _version(column.kind) for column in COLUMNS}


def _version(kind: type[Resolver]) -> str:
    done = subprocess.run(
        [require_peer(kind.program), *kind.version_words], capture_output=True, text=True, check=True, timeout=30
    )
    found = re.search(r"(?:BIND|Version|Recursor|version) ([0-9]+(?:\.[0-9]+)+)", done.stdout + done.stderr)
    assert found, f"{kind.program} does not say its version: {done.stdout}{done.stderr}"
    return found[1]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(row: Row, column: Column) -> str:
    known = _known(row, column)
    return f"{known.seen} {_mark(KNOWN.index(known))}" if known else row.model(column.profile)


def _mark(number: int) -> str:
    return f"({number + 1})"


def main() -> int:
    """Observe every row, and write the table unless a program does what is not expected of it."""
    from tests.lab.observing import observed

    with tempfile.TemporaryDirectory(prefix="zonekit-lab-") as directory:
        seen = observed(Path(directory))
    wrong = [
        f"{row.title}: {column.label}: {seen[row.name][column.label]}, not {expected(row, column)}"
        for row in ROWS
        for column in COLUMNS
        if seen[row.name][column.label] != expected(row, column)
    ]
    print("\n".join(wrong), end="\n" if wrong else "")
    if not wrong:
        MARKS.write(table(versions()))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
