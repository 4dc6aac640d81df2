"""Profiles of registries: read as written, refused with the path of the field, and the facts of plans made from them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.epp.step_worlds import a_registry, registries
from tests.test_transfer_plan import NOW, facts_for, the_facts
from zonekit.epp.domains import NsForm
from zonekit.epp.registries import (
    DnssecPolicy,
    Interface,
    OnTransfer,
    RegistryProfile,
    TransferPolicy,
    read_registry,
)
from zonekit.epp.statuses import Operation, StatusRule
from zonekit.errors import EppError, PlanError, TtlError
from zonekit.transfer.facts import Facts, Timing
from zonekit.transfer.parties import Channel
from zonekit.transfer.plan import plan_transfer, prove
from zonekit.transfer.proof import Safe
from zonekit.transfer.steps import Flow

FIXTURES: Final = sorted((Path(__file__).parent.parent.parent / "fixtures" / "registries").glob("*.toml"))
EXPLAINED: Final = next(path for path in FIXTURES if path.name == "ds-data.toml").read_text()


def read(path: Path) -> RegistryProfile:
    return read_registry(path.read_text())


def test_the_examples_have_every_interface_and_both_forms_of_name_servers() -> None:
    found = [read(path) for path in FIXTURES]
    assert {each.dnssec.interface for each in found} == set(Interface)
    assert {each.name_servers.form for each in found} == set(NsForm)
    assert {each.dnssec.on_transfer for each in found} == set(OnTransfer)
    assert {each.transfer.facilitated for each in found} == {True, False}
    assert all(each.zone == "example." for each in found)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_an_example_says_what_its_name_says(path: Path) -> None:
    assert read(path).dnssec.interface.value == path.stem


def toml(profile: RegistryProfile) -> str:
    """The profile as a file, written by other means than it is read."""

    def value(found: Any) -> str:
        if isinstance(found, bool):
            return str(found).lower()
        if isinstance(found, timedelta):
            return str(found // timedelta(seconds=1))
        if isinstance(found, frozenset):
            return f"[{', '.join(value(each) for each in found)}]"
        return str(found) if isinstance(found, int) else f'"{getattr(found, "value", found)}"'

    lines = [f'name = "{profile.name}"', f'zone = "{profile.zone}"']
    for table in ("dnssec", "name_servers", "transfer", "times"):
        part = getattr(profile, table)
        lines.append(f"[{table}]")
        for name in part.__slots__:
            found = getattr(part, name)
            if found is not None or name == "automatic_approval":
                lines.append(f"{name} = {value('never' if found is None else found)}")
    for rule in profile.statuses:
        lines.append("[[statuses]]")
        lines += [f"{name} = {value(getattr(rule, name))}" for name in rule.__slots__]
    return "\n".join(lines)


rules = st.builds(
    StatusRule,
    status=st.sampled_from(("verificationPending", "courtOrder")),
    stops=st.frozensets(st.sampled_from(Operation), min_size=1),
    reason=st.just("somebody has to answer"),
    remedy=st.just("have them answer"),
)


@given(
    registries(),
    st.sampled_from((None, timedelta(0), timedelta(days=7))),
    st.lists(rules, unique_by=lambda each: each.status),
)
def test_a_profile_that_was_written_is_read(
    registry: RegistryProfile, approval: timedelta | None, statuses: list[StatusRule]
) -> None:
    transfer = replace(registry.transfer, automatic_approval=approval)
    profile = replace(registry, transfer=transfer, statuses=tuple(statuses))
    assert read_registry(toml(profile)) == profile


@given(registries(), facts_for(Flow.OPERATOR_CHANGE))
def test_the_facts_of_the_parent_are_those_of_the_profile(registry: RegistryProfile, facts: Facts) -> None:
    parent = registry.parent_facts(facts.parent.ds)
    assert parent.ds == facts.parent.ds
    for name in registry.times.__slots__:
        assert getattr(parent, name) == getattr(registry.times, name)
    assert (Channel.KEY_RELAY in parent.channels) is registry.transfer.facilitated
    assert (Channel.SCANNING in parent.channels) is (registry.times.scan_delay is not None)
    assert registry.dnssec.digest_types is None or parent.digest_type in registry.dnssec.digest_types


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_plan_from_an_example_is_safe(path: Path) -> None:
    profile, facts = read(path), the_facts()
    made = replace(facts, parent=profile.parent_facts(facts.parent.ds), timing=profile.timing(Timing()))
    plan = plan_transfer(made, flow=Flow.REGISTRAR_CHANGE, start=NOW)
    assert isinstance(prove(plan), Safe)
    approval = profile.transfer.automatic_approval or Timing().approval_delay
    transferred = plan.step("domain-transferred")
    assert transferred.completed - transferred.started == approval


def test_what_is_not_said_is_what_most_registries_do() -> None:
    lines = [
        line
        for line in EXPLAINED.splitlines()
        if not line.startswith(("automatic_approval", "key_relay", "facilitated"))
    ]
    profile = read_registry("\n".join(lines).replace("[transfer]", ""))
    assert profile.transfer == TransferPolicy() and TransferPolicy().automatic_approval == timedelta(days=5)
    assert Timing().approval_delay == timedelta(days=5)


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        (r"^name = .*", "", "name: is missing"),
        (r"^zone = .*", "", "zone: is missing"),
        (r"^zone = .*", 'zone = "a..b"', "zone: "),
        (
            r"^interface = .*",
            'interface = "dsData"',
            "dnssec.interface: 'dsData' is not known; give one of ds-data, ds-data-with",
        ),
        (r"^most = 8.*", "most = 0", "dnssec.most: is out of bounds"),
        (r"^most = 8.*", "", "dnssec.most: is missing"),
        (r"^on_transfer = .*", "", "dnssec.on_transfer: is missing; ask the registry whether it keeps the DS"),
        (r"^digest_types = .*", "digest_types = [1]", "dnssec: digest_types has neither 2"),
        (r"^digest_types = .*", "digest_types = [2, 2]", r"dnssec.digest_types\[1\]: stands there twice"),
        (r"^algorithms = .*", "algorithms = [256]", r"dnssec.algorithms\[0\]: is out of bounds"),
        (r"^urgent = .*", 'urgent = "yes"', "dnssec.urgent: is a text and not true or false"),
        (r"^urgent = .*", "urgnt = true", "dnssec.urgnt: there is no such field"),
        (r"^form = .*", 'form = "host"', "name_servers.form: 'host' is not known"),
        (r"^least = .*", "least = 14", "name_servers: a domain needs at least 14 name servers and may have 13"),
        (r"^automatic_approval = .*", "automatic_approval = -1", "transfer.automatic_approval: is no duration"),
        (
            r"^key_relay = .*\n.*",
            "key_relay = false\nfacilitated = true",
            "transfer: a registry that carries the registry-facilitated flow relays keys",
        ),
        (r"^ds_ttl = .*", "", "times.ds_ttl: is missing; ask one of the parent's servers"),
        (r"^ns_ttl = .*", 'ns_ttl = "soon"', "times.ns_ttl: "),
        (r"^propagation_delay = .*", "", "times.propagation_delay: is missing; say how long a change takes"),
        (
            r"^facilitated = .*",
            "facilitated = true",
            "times.check_delay: is not known, and the registry of example carries the",
        ),
        (r"\Z", '[[statuses]]\nstatus = "x"', r"statuses\[0\].stops: is missing"),
        (
            r"\Z",
            '[[statuses]]\nstatus = "x"\nstops = []\nreason = "a"\nremedy = "b"',
            r"statuses\[0\]: x is said to stop nothing",
        ),
        (
            r"\Z",
            '[[statuses]]\nstatus = "x"\nstops = ["renew"]\nreason = "a"\nremedy = "b"',
            r"statuses\[0\].stops\[0\]: 'renew' is not known",
        ),
        (r"\Z", "[", "is not TOML: "),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(line: str, instead: str, message: str) -> None:
    text = re.sub(line, lambda _: instead, EXPLAINED, count=1, flags=re.MULTILINE)
    assert text != EXPLAINED
    with pytest.raises(PlanError, match=f"^{message}"):
        read_registry(text)


def test_a_profile_that_a_program_makes_is_checked_as_well() -> None:
    for changes, message in (
        ({"most": 0}, "most of the DNSSEC policy of a registry"),
        ({"digest_types": frozenset({1})}, "no DS record is to be added with another"),
        ({"key_relay": False}, "relays keys, and key_relay says that it does not"),
        ({"statuses": (RULE, RULE)}, "statuses: one is there twice"),
    ):
        with pytest.raises(EppError, match=message):
            a_registry(**changes)
    with pytest.raises((EppError, TtlError), match="ds_ttl of the times of a registry is not known"):
        a_registry(ds_ttl=None)


RULE: Final = StatusRule(
    status="courtOrder", stops=frozenset({Operation.UPDATE}), reason="a court has said so", remedy="ask the court"
)


def test_ds_are_added_with_sha_256_where_that_is_taken() -> None:
    policy = a_registry().dnssec
    for types, made in ((None, 2), ({2, 4}, 2), ({4}, 4), ({1, 4}, 4)):
        found: DnssecPolicy = replace(policy, digest_types=None if types is None else frozenset(types))
        assert found.digest_type == made


def test_a_registry_keeps_its_zone_and_nothing_else() -> None:
    registry = a_registry(zone="NL")
    assert registry.zone == "nl." and registry.keeps("Example.nl") and registry.keeps("ns1.example.nl.")
    assert not registry.keeps("example.com") and not registry.keeps("notnl")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithms": frozenset()}, "algorithms is empty; give the algorithm numbers that it takes"),
        ({"algorithms": frozenset({0, 13})}, "algorithms has 0, with which no zone is signed"),
        ({"zone": "."}, "zone of a registry is the root"),
        ({"zone": "exa mple"}, "with characters that no host name has; give letters, digits and hyphens"),
        ({"zone": "exa\\032mple"}, "with characters that no host name has; give letters, digits and hyphens"),
        ({"zone": "-x.nl"}, "a zone in which domains are registered has letters, digits and hyphens"),
    ],
)
def test_a_profile_that_no_registry_has_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EppError, match=message):
        a_registry(**changes)


def test_zones_of_registries_are_of_one_label_or_more() -> None:
    for zone in ("nl", "co.uk", "xn--p1ai", "1.4.1.0.2.e164.arpa"):
        assert a_registry(zone=zone).zone == f"{zone}."


def test_the_status_of_what_nothing_stops_stops_nothing() -> None:
    with pytest.raises(EppError, match="ok is said to stop something, and it is the status of what nothing stops"):
        StatusRule(status="ok", stops=frozenset({Operation.UPDATE}), reason="x", remedy="y")
