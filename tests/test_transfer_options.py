"""Options: every way there is, the best first, and why the others are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_transfer_plan import COOPERATING, DAY, NOW, ds_of, facts_for, signed_keys, the_facts
from zonekit.errors import PlanError, TimeError
from zonekit.transfer.facts import Facts
from zonekit.transfer.options import ADVICE, Option, Variant, lowering_saves, plan_options
from zonekit.transfer.parties import Capability
from zonekit.transfer.plan import plan_transfer
from zonekit.transfer.profiles import NAMED, STICKY, WITHOUT_ED448
from zonekit.transfer.proof import Outage, Safe
from zonekit.transfer.steps import Flow
from zonekit.ttl import Ttl

HOUR = timedelta(hours=1)
NEEDED = frozenset({Capability.RE_SIGN, Capability.IMPORT_ZSK, Capability.SERVE_ON})
capabilities = st.sets(st.sampled_from(Capability)).map(frozenset)


def with_losing(facts: Facts, **changes: object) -> Facts:
    return replace(facts, losing=replace(facts.losing, **changes))  # type: ignore[arg-type]


def flows_of(options: tuple[Option, ...]) -> set[Flow]:
    return {option.flow for option in options if option.is_feasible}


@given(facts_for(Flow.OPERATOR_CHANGE), capabilities)
@settings(max_examples=25)
def test_every_feasible_option_is_proven_and_every_other_says_why(facts: Facts, can: frozenset[Capability]) -> None:
    names = facts.losing.name_servers if Capability.CHANGE_NS in can else frozenset()
    options = plan_options(with_losing(facts, can=can, name_servers=names), start=NOW)
    assert {option.flow for option in options} == {*COOPERATING, Flow.THROUGH_INSECURE}
    assert len({option.name for option in options}) == len(options)
    for option in options:
        assert option.is_feasible is isinstance(option.verdict, Safe) is not bool(option.reasons)
        assert (option.plan is None) is (option.verdict is None) is (option.until_switch is None)
    feasible = [option for option in options if option.is_feasible]
    assert list(options[: len(feasible)]) == feasible
    if can >= NEEDED | {Capability.IMPORT_KSK}:
        assert feasible[0].insecure_for == timedelta(0) and feasible[0].flow in COOPERATING
    if Capability.SERVE_ON in can:
        assert Flow.THROUGH_INSECURE in flows_of(options), "the way that asks for nothing is always there"


@given(facts_for(Flow.OPERATOR_CHANGE))
@settings(max_examples=25)
def test_what_a_side_can_do_besides_never_makes_the_best_option_worse(facts: Facts) -> None:
    def best(can: frozenset[Capability]) -> tuple[bool, timedelta, timedelta]:
        names = facts.losing.name_servers if Capability.CHANGE_NS in can else frozenset()
        option = plan_options(with_losing(facts, can=can, name_servers=names), start=NOW)[0]
        assert option.until_switch is not None and option.until_finished is not None
        return bool(option.insecure_for), option.until_switch, option.until_finished

    chain = [frozenset({Capability.SERVE_ON}), NEEDED | {Capability.IMPORT_KSK}, frozenset(Capability)]
    found = [best(can) for can in chain]
    assert found == sorted(found, reverse=True)


def test_the_published_example_ranks_the_cooperating_flows_first_and_through_insecure_last() -> None:
    options = plan_options(the_facts(), start=NOW)
    assert options[0].name == "operator-change" and options[-1].name == "through-insecure"
    assert all(option.is_feasible for option in options)
    assert options[0].until_switch == 48 * HOUR
    assert options[-1].insecure_for == timedelta(days=7, minutes=15)
    assert "insecure-window" in {finding.code for finding in options[-1].risks}
    (plain,) = [option for option in options if option.name == "operator-change, without-losing-ns"]
    assert "sticky-resolvers" in {finding.code for finding in plain.risks}


@pytest.mark.parametrize("algorithm", [15, 16])
def test_differing_algorithms_leave_the_remedies_in_order(algorithm: int) -> None:
    facts = the_facts()
    facts = replace(facts, gaining=replace(facts.gaining, keys=signed_keys("gaining", algorithm=algorithm)))
    options = plan_options(facts, start=NOW)
    feasible = [option for option in options if option.is_feasible]
    assert feasible[0].variants == {Variant.GAINING_TAKES_ALGORITHM}
    assert feasible[0].advice == (ADVICE[Variant.GAINING_TAKES_ALGORITHM],)
    ranks = [next(number for number, each in enumerate(feasible) if remedy in each.variants) for remedy in ADVICE]
    assert ranks == sorted(ranks)
    assert feasible[-1].flow is Flow.THROUGH_INSECURE
    (as_it_is,) = [option for option in options if option.name == "operator-change"]
    assert "can be bogus" in as_it_is.reasons[0] and as_it_is.plan is not None
    tolerant = plan_options(facts, start=NOW, profiles=[NAMED])
    assert next(option for option in tolerant if option.name == "operator-change").is_feasible
    assert WITHOUT_ED448.name not in {profile.name for profile in tolerant[0].plan.profiles}  # type: ignore[union-attr]


def test_nobody_starts_to_sign_with_sha_1_again() -> None:
    losing = replace(the_facts().losing, keys=signed_keys("losing", algorithm=7))
    facts = replace(the_facts(), losing=losing, parent=replace(the_facts().parent, ds=ds_of(losing)))
    options = plan_options(facts, start=NOW)
    assert not any(Variant.GAINING_TAKES_ALGORITHM in option.variants for option in options)
    assert options[0].variants == {Variant.LOSING_ROLLS_FIRST}


def test_a_losing_side_that_can_do_nothing_leaves_an_outage_that_is_told() -> None:
    options = plan_options(with_losing(the_facts(), can=frozenset()), start=NOW)
    assert not flows_of(options)
    assert options[0].flow is Flow.THROUGH_INSECURE and isinstance(options[0].verdict, Outage)
    assert "servers that do not answer" in options[0].reasons[0]
    reasons = next(option.reasons for option in options if option.flow is Flow.OPERATOR_CHANGE)
    assert {reason.split(":")[0] for reason in reasons} == {
        f"the losing operator cannot {each}" for each in ("re-sign", "import-zsk", "serve-on")
    }


def test_one_unsigned_side_leaves_one_flow_and_two_none() -> None:
    assert flows_of(plan_options(the_facts(gaining_signed=False), start=NOW)) == {Flow.TO_UNSIGNED}
    facts = the_facts(losing_signed=False)
    facts = replace(facts, parent=replace(facts.parent, ds=frozenset()))
    assert flows_of(plan_options(facts, start=NOW)) == {Flow.FROM_UNSIGNED}
    neither = replace(facts, gaining=replace(facts.gaining, keys=()))
    with pytest.raises(PlanError, match="neither zone is signed"):
        plan_options(neither, start=NOW)


def test_a_sticky_profile_rules_out_what_leaves_the_losing_ns() -> None:
    options = plan_options(the_facts(), start=NOW, profiles=[STICKY])
    assert all(
        option.is_feasible is not (Variant.WITHOUT_LOSING_NS in option.variants or option.flow is Flow.THROUGH_INSECURE)
        for option in options
    )


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(TimeError):
        plan_options(the_facts(), start=NOW.replace(tzinfo=None))


# ---- whether lowering pays ------------------------------------------------------------------------------------------


@given(st.sampled_from(COOPERATING).flatmap(lambda flow: st.tuples(st.just(flow), facts_for(flow))))
def test_lowering_never_costs_and_never_moves_the_switch(given_facts: tuple[Flow, Facts]) -> None:
    flow, facts = given_facts
    saved = lowering_saves(facts, flow=flow, start=NOW)
    assert saved >= timedelta(0)
    slower = with_losing(facts, can=facts.losing.can - {Capability.LOWER_TTLS})
    assert lowering_saves(slower, flow=flow, start=NOW) == timedelta(0)
    switches = [plan_transfer(each, flow=flow, start=NOW).switchover for each in (facts, slower)]
    assert switches[0] >= switches[1]


def test_lowering_saves_the_day_that_the_dnskey_would_stay() -> None:
    facts = with_losing(the_facts(), data_ttl=Ttl(600), negative_ttl=Ttl(600))
    assert lowering_saves(facts, start=NOW) == timedelta(days=1, minutes=-10)
    assert lowering_saves(the_facts(), start=NOW) == timedelta(0), "the data binds, which is not lowered"
    assert (
        lowering_saves(with_losing(facts, ns_ttl=Ttl(DAY), dnskey_ttl=Ttl(DAY), data_ttl=Ttl(3600)), start=NOW)
        == 23 * HOUR
    )
