"""Check that a schedule is safe, from its certificate alone: this program imports nothing of zonekit and trusts no planner.

``python check_certificate.py FILE`` exits with 0 when the certificate proves what it says, 1 when it does not, and 2
when it is none. A certificate is a JSON object with the members of ``SHAPE`` below and no others. Times are lists of
``[from, until]`` in whole seconds since 1970, the last one not among them, with null for ever.

It says what is served: each version of the NS, address, DS, DNSKEY and other RRsets, when all or some of an operator's
``servers`` answer, and who answers for another (``overlaps``). And it claims, by the name of a resolver, when each version
can be held (``live``), each operator be asked (``reach``), and the domain be without protection (``insecure``). A claim
that is too small is refused: nothing that a resolver does within the claims leads out of them. One that is too large only
makes the proof harder. So the check is sound whoever made the claims; that what is said to be served is, and that
resolvers are as the ``profiles`` say, is for the reader to judge. Rules: RFC 4035 section 5, RFC 4509 section 3, RFC 6840
section 5.11, RFC 6781 section 4.3.5.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

FORMAT, VERSION = "zonekit transfer certificate", 1
KINDS = ("ns", "addresses", "ds", "dnskey", "data")
OPERATORS, SOURCES = ("losing", "gaining"), ("parent", "losing", "gaining")
TEXT, NUMBER, TIMES = "text", "a whole number from 0", "a list of [from, until]"
ANY = "any name"
SERVED = {"source": SOURCES, "record": TEXT, "ttl": NUMBER, "served": TIMES, "live": {ANY: TIMES}}
SERVERS = {"some_answer": TIMES, "all_answer": TIMES, "reach": {ANY: TIMES}}
SHAPE: Any = {
    "format": (FORMAT,),
    "version": (VERSION,),
    "domain": TEXT,
    "ns": [SERVED | {"leads_to": [OPERATORS], "hosts": [TEXT]}],
    "addresses": [SERVED | {"leads_to": OPERATORS, "hosts": [TEXT]}],
    "ds": [SERVED | {"source": ("parent",), "entries": [{"key": TEXT, "algorithm": NUMBER, "digest_type": NUMBER}]}],
    "dnskey": [SERVED | {"source": OPERATORS, "keys": {ANY: NUMBER}, "signatures": {ANY: TIMES}}],
    "data": [SERVED | {"source": OPERATORS, "signatures": {ANY: TIMES}}],
    "servers": {"losing": SERVERS, "gaining": SERVERS},
    "overlaps": [{"asked": SOURCES, "answers": OPERATORS, "loaded": TIMES}],
    "profiles": [
        {"name": TEXT, "holds_like": TEXT, "algorithms": [NUMBER], "digests": [NUMBER], "insecure": TIMES}
        | {"minimum_ttl": NUMBER, "stale_margin": NUMBER, "latency": NUMBER, "ns_rule": ("parent", "sticky")}
        | {"digest_rule": ("all", "ignore SHA-1", "strongest"), "algorithm_rule": ("any", "all")}
        | {"trusts_proven_keys": (True, False)}
    ],
}


class NoCertificate(ValueError):
    """What was given is not a certificate; the message names the field."""


def parsed(value: Any, shape: Any, field: str) -> Any:
    """Return a part of a certificate that has this shape, with times as numbers; raise NoCertificate where it has not."""
    if isinstance(shape, dict) and type(value) is dict:
        members = dict.fromkeys(value, shape[ANY]) if ANY in shape else shape
        for name in [*members, *value]:
            if name not in value or name not in members:
                raise NoCertificate(f"{field}.{name} is {'missing' if name in members else 'unknown'}")
        return {name: parsed(value[name], members[name], f"{field}.{name}") for name in members}
    if isinstance(shape, list) and type(value) is list:
        return [parsed(each, shape[0], f"{field}[{number}]") for number, each in enumerate(value)]
    if shape == TIMES and type(value) is list:
        return union([time(each, f"{field}[{number}]") for number, each in enumerate(value)])
    one_of_it = isinstance(shape, tuple) and any(type(value) is type(each) and value == each for each in shape)
    is_number = shape == NUMBER and type(value) is int and 0 <= value < 2**40
    if one_of_it or is_number or (shape == TEXT and type(value) is str):
        return value
    kinds: dict[Any, str] = {dict: "an object", list: "a list", tuple: f"one of {shape}"}
    what = kinds.get(type(shape), shape)
    raise NoCertificate(f"{field} is not {what}")


def time(value: Any, field: str) -> tuple[float, float]:
    """Return a time as its two ends; raise NoCertificate where it is none."""
    start, end = value if type(value) is list and len(value) == 2 else (0, 0)
    start = -math.inf if start is None else parsed(start, NUMBER, f"{field}[0]")
    end = math.inf if end is None else parsed(end, NUMBER, f"{field}[1]")
    if start >= end:
        raise NoCertificate(f"{field} is not a time [from, until]")
    return start, end


# ---- times: lists of (from, until), in order and apart --------------------------------------------------------------

ALWAYS = [(-math.inf, math.inf)]


def union(*sets: Any) -> Any:
    """All that is in one of them."""
    joined: Any = []
    for start, end in sorted(pair for each in sets for pair in each):
        if joined and start <= joined[-1][1]:
            start, end = joined[-1][0], max(end, joined.pop()[1])
        joined.append((start, end))
    return joined


def common(*sets: Any) -> Any:
    """All that is in each of them."""
    shared: Any = ALWAYS
    for each in sets:
        shared = [(max(a, c), min(b, d)) for a, b in shared for c, d in each if max(a, c) < min(b, d)]
    return shared


def within(small: Any, large: Any) -> bool:
    """Whether the one lies in the other."""
    return bool(common(small, large) == small)


# ---- the rules ------------------------------------------------------------------------------------------------------


def check(certificate: object) -> list[str]:
    """Return what is wrong with a certificate: nothing when it proves the schedule safe for the profiles it names."""
    try:
        cert = parsed(certificate, SHAPE, "certificate")
    except NoCertificate as error:
        return [str(error)]
    cert["servers"]["parent"] = {"some_answer": ALWAYS, "all_answer": ALWAYS}
    wrong = list(completeness(cert))
    for profile in cert["profiles"]:
        name = profile["holds_like"]  # what is not claimed for it, is claimed not to be
        live = {kind: [each | {"live": each["live"].get(name, [])} for each in cert[kind]] for kind in KINDS}
        reach = {operator: cert["servers"][operator]["reach"].get(name, []) for operator in OPERATORS}
        for rules in (holding, outages, validation):
            wrong += [f"{profile['name']}: {each}" for each in rules(cert | live | {"reach": reach}, profile)]
    return wrong


def completeness(cert: Any) -> Any:
    """What is served hangs together: an RRset of each kind while its source answers, and the NS RRset as data too."""
    if not cert["profiles"]:
        yield "no profile is given, and nothing is safe for nobody"
    for source, servers in cert["servers"].items():
        for kind in ("ns", "ds") if source == "parent" else ("ns", "dnskey", "data"):
            given = [version["served"] for version in cert[kind] if version["source"] == source]
            if not within(servers["some_answer"], union(*given)):
                yield f"no {kind} of the {source} side is given for some time in which it answers"
        if not within(servers["all_answer"], servers["some_answer"]):
            yield f"the {source} servers are said to answer all at a time when some do not"
    for ns in cert["ns"]:
        data = [each for each in cert["data"] if each["source"] == ns["source"] and each["ttl"] >= ns["ttl"]]
        wanted = {} if ns["source"] == "parent" else {"data of its TTL": data}
        addresses = [each for each in cert["addresses"] if each["source"] == ns["source"]]
        wanted |= {host: [each for each in addresses if host in each["hosts"]] for host in ns["hosts"]}
        for what, versions in wanted.items():
            if not within(ns["served"], union(*[each["served"] for each in versions])):
                yield f"{ns['record']} is given for some time without {what}"


def kept(fetched: Any, version: Any, profile: Any) -> Any:
    """When a version can be held that is fetched at these times: until its TTL and all margins have run out."""
    longest = max(version["ttl"], profile["minimum_ttl"]) + profile["stale_margin"] + profile["latency"]
    return union([(start, end + longest) for start, end in fetched])


def ways(cert: Any, ns: Any, held: Any) -> Any:
    """To which operators, and when, an NS version leads that is held: by name, and by each address that can be held."""
    if ns["leads_to"] or not ns["hosts"]:
        yield ns["leads_to"], held
    for address in cert["addresses"]:
        if set(address["hosts"]) & set(ns["hosts"]):
            yield [address["leads_to"]], common(held, address["live"])


def holding(cert: Any, profile: Any) -> Any:
    """What can be asked and held is claimed: each rule of what a resolver may do leads to nothing outside."""

    def held(version: Any, asked: Any) -> Any:
        source = version["source"]
        fetched = common(version["served"], cert["servers"][source]["some_answer"], asked.get(source, ALWAYS))
        return kept(fetched, version, profile)

    def led(sources: Any, asked: Any) -> Any:
        """Whom resolvers ask by the NS versions that they have from these sources, and who else answers there."""
        reach: Any = {operator: [] for operator in OPERATORS}
        for ns in [each for each in cert["ns"] if each["source"] in sources]:
            for operators, when in ways(cert, ns, held(ns, asked)):
                reach |= {operator: union(reach[operator], when) for operator in operators}
        for overlap in cert["overlaps"] * 2:  # twice, for one may follow from another
            answers = cert["servers"][overlap["answers"]]["some_answer"]
            also = common(reach.get(overlap["asked"], ALWAYS), answers, overlap["loaded"])
            reach[overlap["answers"]] = union(reach[overlap["answers"]], also)
        return reach

    # The parent leads to an operator, and that on to the other. An operator's NS RRset does not bring a resolver back to
    # where it has that from, unless it is sticky: it asks the parent again.
    first = led(["parent"], {})
    onward = {to: union(first[to], led([by], first)[to]) for by, to in (OPERATORS, OPERATORS[::-1])}
    arriving = onward if profile["ns_rule"] == "parent" else cert["reach"]
    for kind in KINDS:
        for number, version in enumerate(cert[kind]):
            if not within(held(version, arriving if kind == "ns" else cert["reach"]), version["live"]):
                yield f"{kind}[{number}] can be held for longer: {version['record']}"
    for operator, asked in led(SOURCES, arriving).items():
        if not within(asked, cert["reach"][operator]):
            yield f"the {operator} side can be asked at other times too"


def outages(cert: Any, profile: Any) -> Any:
    """Whoever holds an NS version is led to servers that all answer, by each way there is."""
    for ns in cert["ns"]:
        for operators, when in ways(cert, ns, ns["live"]):
            if not within(when, union(*[cert["servers"][operator]["all_answer"] for operator in operators])):
                yield f"a resolver that holds {ns['record']} can find that a server which it names does not answer"


def counted(ds: Any, profile: Any) -> Any:
    """The DS records that a resolver goes by: those that it knows (RFC 4035 section 5.2), less those it passes over."""
    known = [each for each in ds["entries"] if each["algorithm"] in profile["algorithms"]]
    known = [each for each in known if each["digest_type"] in profile["digests"]]
    strongest = max([each["digest_type"] for each in known], default=0)
    passed_over = {"all": [], "ignore SHA-1": [1], "strongest": range(strongest)}[profile["digest_rule"]]
    return [each for each in known if each["digest_type"] == strongest or each["digest_type"] not in passed_over]


def validation(cert: Any, profile: Any) -> Any:
    """Whatever can be held at once is proven, by one algorithm or by all that the DS records have, or is insecure."""

    def signed(version: Any, keys: Any) -> Any:
        return union(*[version["signatures"].get(key, []) for key in keys])

    by_all = profile["algorithm_rule"] == "all"
    for ds in cert["ds"]:
        entries = counted(ds, profile)
        if not entries and not within(ds["live"], profile["insecure"]):
            yield f"the domain can be insecure at other times too: {ds['record']}"
        algorithms = [[each["algorithm"]] if by_all else profile["algorithms"] for each in entries]
        for dnskey in cert["dnskey"]:
            keys = dnskey["keys"]
            delegated = {each["key"] for each in entries if keys.get(each["key"]) == each["algorithm"]}
            needed = [{key for key in keys if keys[key] in any_of} for any_of in algorithms]
            proven = common(ds["live"], dnskey["live"], *[signed(dnskey, each & delegated) for each in needed])
            trusted = common(kept(proven, dnskey, profile), dnskey["live"]) if profile["trusts_proven_keys"] else []
            for data in cert["data"]:
                good = common(*[signed(data, each) for each in needed])
                what = f"{ds['record']}, {dnskey['record']} and {data['record']}"
                if not within(common(ds["live"], dnskey["live"], data["live"]), common(proven, good)):
                    yield f"{what} can be held at once and are not proven all the time"
                if not within(common(trusted, data["live"]), good):
                    yield f"{what}: keys that were proven are trusted on, and did not sign the data"


# ---- the program ----------------------------------------------------------------------------------------------------


def read(text: str) -> Any:
    """Return the certificate in a JSON text; raise NoCertificate where it is none, or an object has a member twice."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) < len(pairs):
            raise NoCertificate(f"a member is there twice among {', '.join(name for name, _ in pairs)}")
        return dict(pairs)

    try:
        certificate = json.loads(text, object_pairs_hook=once)
        parsed(certificate, SHAPE, "certificate")
    except (ValueError, RecursionError) as error:
        raise NoCertificate(str(error)) from None
    return certificate


def main(arguments: list[str]) -> int:
    """Check the file that is named, say what was found, and return the exit status."""
    try:
        (path,) = arguments
        with open(path, encoding="utf-8") as file:
            certificate = read(file.read())
    except (ValueError, OSError) as error:
        why = str(error) if len(arguments) == 1 else "usage: check_certificate FILE"
        print(f"not a certificate: {ascii(why)[1:-1]}", file=sys.stderr)
        return 2
    complaints = check(certificate)
    names = ", ".join(profile["name"] for profile in certificate["profiles"])
    for line in complaints or [f"certified, {certificate['domain'] or 'a schedule'}: safe under {names}"]:
        print(ascii(line)[1:-1])  # names in a certificate are a stranger's: nothing of them is for the terminal
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
