"""What reading and printing keep for the next record stays small, however long the records of a file are."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import dns.name
import dns.rdata
import dns.rdataclass
import pytest
from dns.rdatatype import RdataType

from zonekit import rdata as rd
from zonekit.names import ROOT

RECORDS = 50
SIGNATURE = "A" * 86 + "=="
TIMES_ON = "20261205120000 20261121110000 7 example.nl."


def many_types(number: int) -> str:
    return "a.example.nl. " + " ".join(f"TYPE{rdtype}" for rdtype in range(1000 + number, 2000 + number))


def one_type_many_times(number: int) -> str:
    return f"a.example.nl. {'A ' * 8000}TYPE{1000 + number}"


def spread_out(number: int) -> str:
    return f"A{' ' * 16000}13 3 {3600 + number} {TIMES_ON} {SIGNATURE}"


def spread_out_in_pieces(number: int) -> str:
    return f"A{' ' * 16000}13 3 {3600 + number} {TIMES_ON} {SIGNATURE[:44]} {SIGNATURE[44:]}"


def many_zeros(number: int) -> str:
    return f"TYPE{'0' * 4000}{1000 + number} 13 3 3600 {TIMES_ON} {SIGNATURE}"


def in_generic_form(number: int) -> str:
    rdata = b"\x01a\x00" + rd.type_bitmap(range(5000 + number, 6000 + number))
    return f"\\# {len(rdata)} {rdata.hex()}"


@pytest.mark.parametrize(
    ("rdtype", "text_of"),
    [
        (rd.NSEC, many_types),
        (rd.NSEC, one_type_many_times),
        (rd.NSEC, in_generic_form),
        (rd.RRSIG, spread_out),
        (rd.RRSIG, spread_out_in_pieces),
        (rd.RRSIG, many_zeros),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_long_texts_are_read_and_printed_and_not_kept(rdtype: int, text_of: Callable[[int], str]) -> None:
    texts = [text_of(number).encode() for number in range(RECORDS)]
    text = texts[-1].decode()
    last = dns.rdata.from_text(dns.rdataclass.IN, RdataType.make(rdtype), text, dns.name.root, relativize=False)
    assert rd.parse_rdata(rdtype, texts[-1], ROOT) == last.to_wire()
    rd.print_rdata(rdtype, rd.parse_rdata(rdtype, texts[-1], ROOT))  # whatever is loaded once is loaded now
    tracemalloc.start()
    try:
        for octets in texts[:-1]:
            rd.print_rdata(rdtype, rd.parse_rdata(rdtype, octets, ROOT))
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    limit = 96 * 1024 if rdtype == rd.RRSIG else 384 * 1024  # the numbers of 1,000 types as text are kept, once
    assert held < limit
