"""A refusal says what to do or which rule decides, and tells of everything that was refused with it."""

from __future__ import annotations

import ast
import pickle
import traceback
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.keyring import NOW, VALIDITY, csk, ksk, zsk
from zonekit import errors
from zonekit.cli.app import cli
from zonekit.cli.exits import REFUSED, as_click
from zonekit.dnskeys import Dnskey, check_intake, parse_dnskeys
from zonekit.errors import DnskeyRefused, NotZoneKey, RevokedKey, WrongOwner, WrongProtocol, ZonekitError
from zonekit.files import write_key, write_zone
from zonekit.instants import instant_text
from zonekit.signing import sign_zone
from zonekit.zonefile import parse_zone
from zonekit.zones import Zone

PACKAGE = Path(errors.__file__).parent
TEXT = "@ 3600 SOA ns1.example.net. hostmaster 7 7200 3600 1209600 300\n@ 86400 NS ns1.example.net.\n"


def signed_zone() -> Zone:
    return sign_zone(parse_zone(TEXT, "example.nl"), [csk()], validity=VALIDITY)


def offered() -> list[Dnskey]:
    """One key that is refused for its owner, one for its flags and its protocol, and one that is sound."""
    broken = Dnskey(owner=zsk().owner, flags=0, protocol=2, algorithm=int(zsk().algorithm), public_key=zsk().public_key)
    return [*parse_dnskeys(ksk(owner="example.org")), broken, *parse_dnskeys(zsk(number=1))]


def test_an_intake_raises_the_first_refusal_and_with_it_the_others() -> None:
    intake = check_intake(signed_zone(), offered())
    assert [type(refusal) for refusal in intake.refused] == [WrongOwner, WrongProtocol, NotZoneKey]
    with pytest.raises(WrongOwner) as raised:
        intake.raise_if_refused()
    error = raised.value
    assert str(error) == str(intake.refused[0])
    assert error.key_tag == ksk(owner="example.org").key_tag
    assert error.others == intake.refused[1:]
    assert intake.refused[0].others == (), "the intake stays as it is"
    shown = "".join(traceback.format_exception(error))
    for refusal in intake.refused:
        assert str(refusal) in shown


def test_an_intake_without_refusals_raises_nothing() -> None:
    check_intake(signed_zone(), parse_dnskeys(zsk(number=1))).raise_if_refused()


def test_the_others_survive_pickling_and_a_place_put_before() -> None:
    error = RevokedKey("revoked", owner="nl.").with_others(
        [NotZoneKey("flags 0", owner="nl."), WrongOwner("x", owner=".")]
    )
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (RevokedKey, str(error))
    assert list(map(str, again.others)) == ["nl.: flags 0", ".: x"]
    moved = error.within("file")
    assert moved.others == error.others
    assert moved.__notes__ == ["also refused: nl.: flags 0", "also refused: .: x"]


def test_a_refusal_alone_has_no_others() -> None:
    error = DnskeyRefused("bad", owner="nl.")
    assert error.others == error.with_others([]).others == ()
    assert not hasattr(error, "__notes__")


def test_a_command_gives_each_of_them_a_line() -> None:
    error = RevokedKey("revoked", owner="nl.").with_others([NotZoneKey("flags 0", owner="nl.")])
    assert (as_click(error).message, as_click(error).exit_code) == ("nl.: revoked\nnl.: flags 0", REFUSED)


def test_merging_by_command_shows_the_findings_beside_what_is_refused(tmp_path: Path) -> None:
    write_zone(signed_zone(), tmp_path / "zone")
    write_key(csk(), tmp_path)
    keys = [*offered(), *parse_dnskeys(csk())]
    arguments = [
        "merge",
        str(tmp_path / "zone"),
        "-o",
        "example.nl",
        "-K",
        str(tmp_path),
        "--csk",
        "-i",
        "--foreign",
        "-",
    ]
    arguments += ["--now", instant_text(NOW)]
    told = CliRunner().invoke(cli, arguments, input="\n".join(key.text() for key in keys), prog_name="zonekit")
    assert told.exit_code == REFUSED, told.output
    lines = [line for line in told.stderr.splitlines() if line.startswith("zonekit: ")]
    assert [line.split(" key ")[0] for line in lines] == ["zonekit: example.org.:", *["zonekit: example.nl.:"] * 2]
    assert "[already-present]" in told.stderr
    assert "[response-size]" in told.stderr


# What these say is all there is to say: words of the system or of another library, or a value that is plainly none.
PLAIN = (
    *("cannot be made", "{problem}: ", "is no path", "a name is a str", "bad {type_text", "there is no template"),
    *("template {", "a TTL is a whole number", "one record is longer", "a character that is half"),
    *("an RRset has at least one", "zonekit handles class IN", "there is no {rd.type_text", "are different zones"),
    *("the names that are absent",),
)


def bare_refusals() -> list[str]:
    """Every place where an exception of zonekit's is made with neither a remedy nor a rule."""
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ZonekitError)}
    return [
        f"{file.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds
        if not {"remedy", "rule"} & {keyword.arg for keyword in node.keywords}
    ]


def test_a_refusal_has_a_remedy_or_a_rule_unless_it_says_it_all() -> None:
    assert [place for place in bare_refusals() if not any(words in place for words in PLAIN)] == []
