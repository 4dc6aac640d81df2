"""Asking servers over the network: concurrently, by UDP and TCP, within bounds, and what silence comes to."""

from __future__ import annotations

from datetime import timedelta

from tests.fake_servers import Asking, response, serving
from zonekit.probe import probe
from zonekit.transfer.answers import Outcome, Question
from zonekit.transfer.versions import Source

DOMAIN = "example.nl."
SOA = f"{DOMAIN} 900 SOA ns1.losing.net. admin.losing.net. 1 7200 3600 1209600 300"
SHORT = timedelta(milliseconds=300)
LONG = timedelta(seconds=60)


def no_data(asking: Asking) -> None:
    asking.send(response(asking.query, authority=[SOA]).to_wire())


def silent(asking: Asking) -> None:
    """Say nothing."""


def truncated_by_udp(asking: Asking) -> None:
    if asking.by_tcp:
        no_data(asking)
    else:
        asking.send(response(asking.query, flags="AA TC").to_wire())


def test_smoke() -> None:
    with serving(no_data, truncated_by_udp) as (one, two):
        found = probe(
            Question(domain=DOMAIN, servers=(one.server(Source.LOSING), two.server(Source.GAINING))), timeout=LONG
        )
    assert {a.outcome for f in found.found for a in f.answers} == {Outcome.THERE_IS_NONE}
