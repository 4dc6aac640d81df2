"""Check that a schedule is safe, from its certificate alone: this program imports nothing of zonekit and trusts no planner.

``python check_certificate.py FILE`` exits with 0 when the certificate proves what it says, 1 when it does not, and 2
when it is none. A certificate is a JSON object; instants are whole seconds since 1970 with null for ever, times are sets
of ``[from, until)``, and the members are those of ``SHAPE`` below and no others:

- what is served: ``ns``, ``addresses``, ``ds``, ``dnskey`` and ``data``, each a list of versions with their TTL, from when
  to when, and content; ``servings``, when an operator's servers answer, and ``overlaps``, who answers for another as well;
- what is claimed of the resolvers that keep records alike (``caches``): when each operator can be asked (``reach``) and,
  for each version, when it can be fetched and when a cache can hold it (``live``);
- what is claimed of those that validate alike (``profiles``): for each DS, DNSKEY and data that caches can hold at once,
  the keys by which the data is proven, or none where no DS record counts, and all the time the domain is not protected.

Each claim is held against the rules that would make it too small; one that is too large only makes the proof harder. So
the check is sound whoever made the claims; its rules are the hundred lines under that heading, and all before reads the
format. It counts from the versions given: that they are what is served is for the reader to say. Rules: RFC 4035 section 5, RFC 4509 section 3, RFC 6840 section 5.11, RFC 6781 section 4.3.5.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import product
from typing import Any

FORMAT, VERSION = "zonekit transfer certificate", 1
TYPES = {dict: "an object", list: "a list", str: "text"}
INSTANT, SPANS, SIZE = object(), object(), object()
OPERATORS = ("losing", "gaining")
KINDS = ("ns", "addresses", "ds", "dnskey", "data")
SERVED = {"source": ("parent", *OPERATORS), "record": str, "ttl": SIZE, "start": INSTANT, "end": INSTANT}
SIGNATURES = [{"key": str, "inception": INSTANT, "expiration": INSTANT}]
CLAIMS = [{"fetched": SPANS, "live": SPANS}]
SHAPE: Any = {
    "format": (FORMAT,),
    "version": (VERSION,),
    "domain": str,
    "keys": [{"name": str, "algorithm": SIZE}],
    "ns": [SERVED | {"leads_to": [OPERATORS], "hosts": [str]}],
    "addresses": [SERVED | {"leads_to": OPERATORS, "hosts": [str]}],
    "ds": [SERVED | {"source": ("parent",), "entries": [{"key": str, "digest_type": SIZE}]}],
    "dnskey": [SERVED | {"source": OPERATORS, "keys": [str], "signatures": SIGNATURES}],
    "data": [SERVED | {"source": OPERATORS, "signatures": SIGNATURES}],
    "servings": [{"operator": OPERATORS} | dict.fromkeys(("start", "all_start", "all_end", "end"), INSTANT)],
    "overlaps": [{"asked": ("parent", *OPERATORS), "answers": OPERATORS, "start": INSTANT, "end": INSTANT}],
    "caches": [
        {"ns_rule": ("parent", "sticky"), "minimum_ttl": SIZE, "stale_margin": SIZE, "latency": SIZE}
        | {"reach": dict.fromkeys(OPERATORS, SPANS)}
        | dict.fromkeys(KINDS, CLAIMS)
    ],
    "profiles": [
        {"name": str, "caches": SIZE, "algorithms": [SIZE], "digests": [SIZE], "insecure": SPANS}
        | {"digest_rule": ("all", "ignore SHA-1", "strongest"), "algorithm_rule": ("any", "all")}
        | {"trusts_proven_keys": (True, False)}
        | {"triples": [{"ds": SIZE, "dnskey": SIZE, "data": SIZE, "paths": [[str]]}]}
    ],
}
ALWAYS = [(-math.inf, math.inf)]


class NoCertificate(ValueError):
    """What was given is not a certificate; the message names the field."""


def fit(value: Any, shape: Any, field: str) -> None:
    """Check that a value has a shape.

    Raises:
        NoCertificate: it has not; the message names the field.
    """
    kind = type(shape) if isinstance(shape, dict | list) else shape
    if kind in TYPES and type(value) is not kind:
        raise NoCertificate(f"{field} is not {TYPES[kind]}")
    if isinstance(shape, dict):
        for name in [*shape, *value]:
            if name not in value or name not in shape:
                raise NoCertificate(f"{field}.{name} is {'missing' if name in shape else 'unknown'}")
            fit(value[name], shape[name], f"{field}.{name}")
    elif isinstance(shape, list):
        for number, each in enumerate(value):
            fit(each, shape[0], f"{field}[{number}]")
    elif shape is SPANS:
        fit(value, [[INSTANT]], field)
        last = -math.inf
        for number, pair in enumerate(value):
            start, end = bounds(*pair) if len(pair) == 2 else (0, 0)
            if start >= end or (number and start <= last):
                raise NoCertificate(f"{field}[{number}] is not a time [from, until) that lies after the one before it")
            last = end
    elif shape is INSTANT or shape is SIZE:
        if (value is not None or shape is SIZE) and not (type(value) is int and 0 <= value < 2**40):
            raise NoCertificate(f"{field} is not a whole number from 0{' or null' if shape is INSTANT else ''}")
    elif isinstance(shape, tuple) and not any(type(value) is type(each) and value == each for each in shape):
        raise NoCertificate(f"{field} is none of {', '.join(map(str, shape))}")


def well_formed(cert: Any) -> Any:
    """Return a certificate after checking that it is one, and that all it refers to is there.

    Raises:
        NoCertificate: a member is missing, unknown or of the wrong type, or leads nowhere; the message names it.
    """
    fit(cert, SHAPE, "certificate")
    names = [key["name"] for key in cert["keys"]]
    used = [(f"certificate.ds[{i}].entries", one["key"]) for i, ds in enumerate(cert["ds"]) for one in ds["entries"]]
    for kind, i in [(each, i) for each in ("dnskey", "data") for i in range(len(cert[each]))]:
        version = cert[kind][i]
        used += [(f"certificate.{kind}[{i}].signatures", one["key"]) for one in version["signatures"]]
        used += [(f"certificate.{kind}[{i}].keys", key) for key in version.get("keys", [])]
    for field, name in used:
        if names.count(name) != 1:
            raise NoCertificate(f"{field}: {name} is not in certificate.keys once")
    if not cert["profiles"]:
        raise NoCertificate("certificate.profiles is empty")
    for i, kind in product(range(len(cert["caches"])), KINDS):
        if len(cert["caches"][i][kind]) != len(cert[kind]):
            raise NoCertificate(f"certificate.caches[{i}].{kind} is not one for each of certificate.{kind}")
    for i, profile in enumerate(cert["profiles"]):
        if profile["caches"] >= len(cert["caches"]):
            raise NoCertificate(f"certificate.profiles[{i}].caches is not one of certificate.caches")
        for j, triple in enumerate(profile["triples"]):
            for kind in ("ds", "dnskey", "data"):
                if triple[kind] >= len(cert[kind]):
                    raise NoCertificate(
                        f"certificate.profiles[{i}].triples[{j}].{kind} is not one of certificate.{kind}"
                    )
            if any(len(path) != 2 for path in triple["paths"]):
                raise NoCertificate(f"certificate.profiles[{i}].triples[{j}].paths is not a list of two keys each")
    return cert


# ---- times: lists of (from, until), in order and apart --------------------------------------------------------------


def bounds(start: int | None, end: int | None) -> tuple[float, float]:
    """The two ends of a time as numbers."""
    return (-math.inf if start is None else start), (math.inf if end is None else end)


def times(spans: Any) -> Any:
    """Times as the certificate has them, as numbers, without those that are empty."""
    return [ends for ends in (bounds(*span) for span in spans) if ends[0] < ends[1]]


def union(*sets: Any) -> Any:
    """All that is in one of them."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(pair for each in sets for pair in each):
        if joined and start <= joined[-1][1]:
            start, end = joined[-1][0], max(end, joined.pop()[1])
        joined.append((start, end))
    return joined


def common(left: Any, right: Any) -> Any:
    """All that is in both."""
    pairs = [(max(a, c), min(b, d)) for a, b in left for c, d in right]
    return union([pair for pair in pairs if pair[0] < pair[1]])


def within(small: Any, large: Any) -> bool:
    """Whether the one lies in the other."""
    joined = union(large)
    return all(any(start <= a and b <= end for start, end in joined) for a, b in small)


# ---- the rules ------------------------------------------------------------------------------------------------------


def check(certificate: object) -> list[str]:
    """Return what is wrong with a certificate: nothing when it proves the schedule safe for the profiles it names."""
    try:
        cert = well_formed(certificate)
    except NoCertificate as error:
        return [str(error)]
    wrong = list(completeness(cert))
    for number, caches in enumerate(cert["caches"]):
        wrong += [f"caches[{number}]: {each}" for each in resolvers(cert, caches)]
    for profile in cert["profiles"]:
        wrong += [f"{profile['name']}: {each}" for each in validation(cert, profile, cert["caches"][profile["caches"]])]
    return wrong


def lasts(version: Any) -> Any:
    """When a version is served by its source."""
    return times([[version["start"], version["end"]]])


def serving(cert: Any, source: str) -> Any:
    """When one of the servers of a source answers at least; the parent's always do."""
    spans = [[each["start"], each["end"]] for each in cert["servings"] if each["operator"] == source]
    return ALWAYS if source == "parent" else union(times(spans))


def completeness(cert: Any) -> Any:
    """What is served hangs together: an RRset of each kind while its source answers, and the NS RRset as data too."""
    for kind, source in [("ns", "parent"), ("ds", "parent"), *product(("ns", "dnskey", "data"), OPERATORS)]:
        given = union(*[lasts(version) for version in cert[kind] if version["source"] == source])
        if not within(serving(cert, source), given):
            yield f"no {kind} of the {source} side is given for some time in which it answers"
    for each in cert["servings"]:
        if not within(times([[each["all_start"], each["all_end"]]]), times([[each["start"], each["end"]]])):
            yield f"the {each['operator']} servers are said to answer all at a time when some do not"
    for ns in cert["ns"]:
        same = [data for data in cert["data"] if data["source"] == ns["source"] and data["ttl"] >= ns["ttl"]]
        if ns["source"] != "parent" and not within(lasts(ns), union(*map(lasts, same))):
            yield f"{ns['record']} is not given as data, with its TTL"


def resolvers(cert: Any, caches: Any) -> Any:
    """What can be asked, fetched and held is claimed: each rule of what a resolver may do leads to nothing outside."""

    def kept(version: Any, fetched: Any) -> Any:
        longest = max(version["ttl"], caches["minimum_ttl"]) + caches["stale_margin"] + caches["latency"]
        return union([(start, end + longest) for start, end in fetched])

    def served(version: Any) -> Any:
        return common(lasts(version), serving(cert, version["source"]))

    def opened(reach: Any) -> Any:
        for overlap in cert["overlaps"] * 2:
            asked = ALWAYS if overlap["asked"] == "parent" else reach[overlap["asked"]]
            has_it = common(serving(cert, overlap["answers"]), times([[overlap["start"], overlap["end"]]]))
            also = common(asked, has_it)
            reach = reach | {overlap["answers"]: union(reach[overlap["answers"]], also)}
        return reach

    def leads(ns: Any, known: Any, to: str) -> Any:
        """When an NS version that is known leads to an operator, by a name or by an address that can be held."""
        pairs = zip(cert["addresses"], live["addresses"], strict=True)
        held = [when for each, when in pairs if each["leads_to"] == to and set(each["hosts"]) & set(ns["hosts"])]
        return known if to in ns["leads_to"] else common(known, union(*held))

    def led(source: str, asked: Any) -> Any:
        """Where the NS versions of a source lead that are fetched while it is asked, and with their servers whom else."""
        known = [(ns, kept(ns, common(served(ns), asked))) for ns in cert["ns"] if ns["source"] == source]
        return opened({to: union(*[leads(ns, when, to) for ns, when in known]) for to in OPERATORS})

    def answering(operators: Any) -> Any:
        up = [[each["all_start"], each["all_end"]] for each in cert["servings"] if each["operator"] in operators]
        return union(times(up))

    reach = {operator: times(caches["reach"][operator]) for operator in OPERATORS}
    live = {kind: [times(claim["live"]) for claim in caches[kind]] for kind in KINDS}
    by_parent = led("parent", ALWAYS)
    onward = {
        one: union(by_parent[one], led(other, by_parent[other])[one]) for one, other in (OPERATORS, OPERATORS[::-1])
    }
    referred = reach if caches["ns_rule"] == "sticky" else onward
    for kind, number in [(each, number) for each in KINDS for number in range(len(cert[each]))]:
        version, fetched = cert[kind][number], times(caches[kind][number]["fetched"])
        asked = (referred if kind == "ns" else reach).get(version["source"], ALWAYS)
        if not within(common(served(version), asked), fetched):
            yield f"{kind}[{number}] can be fetched at other times too: {version['record']}"
        if not within(kept(version, fetched), live[kind][number]):
            yield f"{kind}[{number}] can be held for longer: {version['record']}"
    for operator in OPERATORS:
        if not within(
            union(*[leads(*pair, operator) for pair in zip(cert["ns"], live["ns"], strict=True)]), reach[operator]
        ):
            yield f"the {operator} side can be asked at other times too"
        if not within(opened(reach)[operator], reach[operator]):
            yield f"the {operator} side can be asked at other times too, by an overlap"
    for ns, spans in zip(cert["ns"], live["ns"], strict=True):
        ways = [(spans, ns["leads_to"])] if ns["leads_to"] or not ns["hosts"] else []
        for address, known in zip(cert["addresses"], live["addresses"], strict=True):
            if set(address["hosts"]) & set(ns["hosts"]):
                ways.append((common(spans, known), [address["leads_to"]]))
        if not all(within(when, answering(to)) for when, to in ways):
            yield f"a resolver that holds {ns['record']} can find that a server which it names does not answer"


def validation(cert: Any, profile: Any, caches: Any) -> Any:
    """Whatever can be held at once is proven by the paths that are claimed, or known to be insecure."""
    algorithm = {key["name"]: key["algorithm"] for key in cert["keys"]}
    live = {kind: [times(claim["live"]) for claim in caches[kind]] for kind in ("ds", "dnskey", "data")}
    claimed = {(each["ds"], each["dnskey"], each["data"]): each["paths"] for each in profile["triples"]}
    if len(claimed) < len(profile["triples"]):
        yield "a triple is there twice"

    def counted(ds: Any) -> set[str]:
        known = [each for each in ds["entries"] if each["digest_type"] in profile["digests"]]
        known = [each for each in known if algorithm[each["key"]] in profile["algorithms"]]
        best = max([each["digest_type"] for each in known], default=0)
        if profile["digest_rule"] == "ignore SHA-1" and best != 1:
            known = [each for each in known if each["digest_type"] != 1]
        if profile["digest_rule"] == "strongest":
            known = [each for each in known if each["digest_type"] == best]
        return {each["key"] for each in known}

    def valid(version: Any, key: str) -> Any:
        by_key = [each for each in version["signatures"] if each["key"] == key]
        return union(times([[each["inception"], each["expiration"]] for each in by_key]))

    for i, ds in enumerate(cert["ds"]):
        delegated = counted(ds)
        if not delegated and not within(live["ds"][i], times(profile["insecure"])):
            yield f"the domain can be insecure at other times too: {ds['record']}"
        for j, k in product(range(len(cert["dnskey"])), range(len(cert["data"]))):
            dnskey, data = cert["dnskey"][j], cert["data"][k]
            together = common(common(live["ds"][i], live["dnskey"][j]), live["data"][k])
            what = f"{ds['record']}, {dnskey['record']} and {data['record']} (triple {i}, {j}, {k})"
            if together and (i, j, k) not in claimed:
                yield f"{what} can be held at once and are left out"
            windows: dict[int, Any] = {algorithm[key]: [] for key in delegated}
            for top, bottom in claimed.get((i, j, k), []):
                fits = (
                    top in delegated
                    and {top, bottom} <= set(dnskey["keys"])
                    and algorithm.get(bottom) in profile["algorithms"]
                )
                window = common(valid(dnskey, top), valid(data, bottom)) if fits else []
                if not window:
                    yield f"{what}: nothing is proven by {top} and {bottom}"
                elif profile["algorithm_rule"] == "any" or algorithm[top] == algorithm[bottom]:
                    windows[algorithm[top]] = union(windows[algorithm[top]], window)
            proven = windows.values() if profile["algorithm_rule"] == "all" else [union(*windows.values())]
            if delegated and not all(within(together, window) for window in proven):
                yield f"{what} can be held at once and are not proven all the time"
            if delegated and profile["trusts_proven_keys"]:
                longest = max(dnskey["ttl"], caches["minimum_ttl"]) + caches["stale_margin"] + caches["latency"]
                both = common(live["ds"][i], live["dnskey"][j])
                kept = common([(start, end + longest) for start, end in both], live["dnskey"][j])
                usable = [key for key in dnskey["keys"] if algorithm[key] in profile["algorithms"]]
                needed = {algorithm[key] for key in delegated} if profile["algorithm_rule"] == "all" else {None}
                for each in needed:
                    by = [valid(data, key) for key in usable if each in (None, algorithm[key])]
                    if not within(common(kept, live["data"][k]), union(*by)):
                        yield f"{what}: keys that were proven are trusted on, and did not sign the data"


# ---- the program ----------------------------------------------------------------------------------------------------


def read(text: str) -> Any:
    """Return the certificate in a JSON text.

    Raises:
        NoCertificate: the text is not JSON, an object has a member twice, or the members are not those of a certificate.
    """

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) < len(pairs):
            raise NoCertificate(f"a member is there twice among {', '.join(name for name, _ in pairs)}")
        return dict(pairs)

    try:
        return well_formed(json.loads(text, object_pairs_hook=once))
    except (ValueError, RecursionError) as error:
        raise NoCertificate(str(error)) from None


def printable(text: object) -> str:
    """A text as a terminal may have it: names in a certificate are a stranger's."""
    return ascii(str(text))[1:-1]


def main(arguments: list[str]) -> int:
    """Check the file that is named, say what was found, and return the exit status."""
    try:
        (path,) = arguments
        with open(path, encoding="utf-8") as file:
            certificate = read(file.read())
    except (ValueError, OSError) as error:
        why = error if len(arguments) == 1 else "usage: check_certificate FILE"
        print(f"not a certificate: {printable(why)}", file=sys.stderr)
        return 2
    complaints = check(certificate)
    for complaint in complaints:
        print(printable(complaint))
    if not complaints:
        names = ", ".join(profile["name"] for profile in certificate["profiles"])
        print(f"certified, {printable(certificate['domain'] or 'a schedule')}: safe under {printable(names)}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
