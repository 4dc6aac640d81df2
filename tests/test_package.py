"""What a user installs: the wheel, the sdist, and the package's front door."""

from __future__ import annotations

import ast
import importlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import zonekit
import zonekit.epp
import zonekit.transfer
import zonekit.verifying
from tests.test_readme import python_blocks

ROOT = Path(__file__).parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
LAZY = (zonekit, zonekit.epp, zonekit.transfer, zonekit.verifying)

# Building and installing is done once, so these stay together on one worker.
pytestmark = pytest.mark.xdist_group("package")


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command that must succeed, without this suite's own environment, and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(
        [os.fspath(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with an sdist, built from the source tree, and a wheel, built from that sdist."""
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", directory, ROOT)
    return directory


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    return distributions / f"zonekit-{VERSION}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment that holds the wheel and its run-time dependencies, no more."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    run(python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq", wheel)
    return python


def files_under(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def modules() -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / "zonekit").rglob("*.py")}


def test_the_wheel_carries_every_template_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith("zonekit/templates/")}
    assert shipped == {f"zonekit/templates/{name}" for name in files_under(ROOT / "templates")}
    assert shipped


def test_the_wheel_carries_every_module_the_type_marker_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        licence = archive.read(f"zonekit-{VERSION}.dist-info/licenses/LICENSE").decode()
    assert {name for name in names if name.endswith(".py")} == modules()
    assert "zonekit/py.typed" in names
    assert licence == (ROOT / "LICENSE").read_text()
    assert {name.split("/")[0] for name in names} == {"zonekit", f"zonekit-{VERSION}.dist-info"}


def test_the_sdist_carries_what_the_wheel_and_the_tests_need(distributions: Path) -> None:
    top = f"zonekit-{VERSION}"
    with tarfile.open(distributions / f"{top}.tar.gz") as archive:
        names = {name.removeprefix(f"{top}/") for name in archive.getnames()}
    expected = modules() | {"zonekit/py.typed", "LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"}
    for directory in ("templates", "fixtures"):
        expected |= {f"{directory}/{name}" for name in files_under(ROOT / directory)}
    assert expected <= names
    assert "tests/test_package.py" in names


def test_the_installed_wheel_has_its_version_and_finds_its_templates(installed: Path, tmp_path: Path) -> None:
    program = (
        "import zonekit, zonekit.resources as resources;"
        "directory = resources.shipped_templates();"
        "print(zonekit.__version__, directory, sum(path.is_file() for path in directory.rglob('*')))"
    )
    version, directory, count = run(installed, "-c", program, cwd=tmp_path).split()
    assert version == VERSION
    assert Path(directory).is_relative_to(installed.parent.parent.resolve())
    assert int(count) == len(files_under(ROOT / "templates"))


def test_the_readmes_first_example_runs_where_only_the_wheel_is_installed(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fixtures", tmp_path / "fixtures")
    example = python_blocks()[0]
    if ">>> " in example:
        (tmp_path / "example.txt").write_text(example)
        program = (
            "import doctest, sys;"
            "result = doctest.testfile('example.txt', module_relative=False, optionflags=doctest.ELLIPSIS);"
            "sys.exit(result.failed)"
        )
        run(installed, "-c", program, cwd=tmp_path)
    else:
        (tmp_path / "example.py").write_text(example)
        run(installed, "example.py", cwd=tmp_path)


# ---- the packages that load their names when these are first used ------------------------------------------------


@pytest.mark.parametrize("package", LAZY)
def test_importing_a_lazy_package_loads_none_of_its_modules_and_no_dependency(package: ModuleType) -> None:
    program = f"import sys, {package.__name__}; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True).split())
    assert {name for name in loaded if name.startswith("zonekit")} == {"zonekit", "zonekit.homes", package.__name__}
    assert not {name.split(".")[0] for name in loaded} & {"click", "cryptography", "dns", "jinja2", "rich"}


@pytest.mark.parametrize("package", LAZY)
def test_every_public_name_is_listed_once_in_each_of_the_three_places(package: ModuleType) -> None:
    assert package.__file__ is not None
    tree = ast.parse(Path(package.__file__).read_text())
    for_type_checkers = {
        alias.asname or alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert for_type_checkers == package._HOMES
    assert package.__all__ == list(package._HOMES)


@pytest.mark.parametrize("package", LAZY)
def test_no_public_name_is_a_module_of_its_package(package: ModuleType) -> None:
    # Importing a module puts it into its package under its own name, where it would hide what the package says.
    assert package.__file__ is not None
    assert not set(package._HOMES) & {path.stem for path in Path(package.__file__).parent.iterdir()}


@pytest.mark.parametrize(("package", "name"), [(package, name) for package in LAZY for name in package.__all__])
def test_every_public_name_is_the_one_of_its_module(package: ModuleType, name: str) -> None:
    assert getattr(package, name) is getattr(importlib.import_module(package._HOMES[name]), name)
    assert name in dir(package)


@pytest.mark.parametrize("package", LAZY)
def test_a_name_that_is_not_there_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'sign_everything'"):
        package.sign_everything  # noqa: B018
