"""The packages as they are built: what is in them, and that the check of them finds mistakes."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import build_packages
import check_packages
import pytest
from build_packages import PACKAGES, PLACEHOLDER, REPOSITORY_VARIABLE, packages_version
from package_contents import licence_files, wheel_findings
from suite_command import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HOME = "https://example.com/somebody/tests"
FIXTURES, SDK_TESTS, WAF_TESTS = PACKAGES
PROJECTS: dict[Path, dict[str, Any]] = {
    package: tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for package in PACKAGES
}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build all packages, with links to a repository of their own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(REPOSITORY_VARIABLE, f"{HOME}/")
        return build_packages.built(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def wheel(dist: Path) -> Path:
    """Provide a wheel that is small."""
    return dist / f"lmstudio_waf_tests-{packages_version()}-py3-none-any.whl"


def test_all_is_packed(dist: Path) -> None:
    """Each wheel and source distribution has all of its package and what an index shows."""
    assert list(check_packages.distribution_findings(dist)) == []


def test_links_lead_to_the_repository(wheel: Path) -> None:
    """The links of metadata and README lead to the repository that was named."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        metadata = archive.read(name).decode("utf-8")
    assert PLACEHOLDER not in metadata
    assert f"Project-URL: Changelog, {HOME}/blob/main/CHANGELOG.md\n" in metadata
    assert f"[Changelog]({HOME}/blob/main/CHANGELOG.md)" in metadata


def test_weights_have_their_licence() -> None:
    """NOTICE has a line for each kind of weights that are shipped, and the licence is packed."""
    notice = (FIXTURES / "NOTICE").read_text(encoding="utf-8")
    shipped = list((FIXTURES / "src/model_fixtures/weights/data").glob("*.gguf"))
    assert shipped
    for file in shipped:
        assert f"*{''.join(file.suffixes[-2:])} " in notice
    assert PROJECTS[FIXTURES]["license"] == "MIT AND Apache-2.0"
    names = [file.relative_to(FIXTURES).as_posix() for file in licence_files(FIXTURES)]
    assert names == ["LICENSE", "NOTICE", "LICENSES/Apache-2.0.txt"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_licences_are_those_of_the_repository(package: Path) -> None:
    """A package's licence texts are those in the root, which wheels can't take from there."""
    for file in licence_files(package):
        if file.name != "NOTICE":
            assert file.read_bytes() == (ROOT / file.relative_to(package)).read_bytes()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_version_stands_once(package: Path) -> None:
    """Each package takes its version from the root, and needs the others in versions like it."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "../../pyproject.toml"
    major, minor, _ = map(int, packages_version().split("."))
    needed = [each for each in project["project"]["dependencies"] if each.startswith("lmstudio-")]
    wanted = f"lmstudio-model-fixtures>={packages_version()},<{major}.{minor + 1}"
    assert needed == ([] if package == FIXTURES else [wanted])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_readmes(package: Path) -> None:
    """A README says how to install the package, has an example, and needs no checkout."""
    text = (package / "README.md").read_text(encoding="utf-8")
    assert f"$ pip install lmstudio {PROJECTS[package]['name']}\n" in text
    assert "```python\n" in text
    assert "hatch" not in text
    for link in ("Documentation", "Changelog"):
        assert f"[{link}]({PLACEHOLDER}/blob/main/" in text
    for place in text.split(f"]({PLACEHOLDER}/blob/main/")[1:]:
        assert (ROOT / place.partition(")")[0]).is_file()


def changed(wheel: Path, folder: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Return a copy of a wheel whose files were changed."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(folder / wheel.name, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return folder / wheel.name


def replacing(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    """Return a change of the metadata."""

    def change(files: dict[str, bytes]) -> None:
        (name,) = (each for each in files if each.endswith("/METADATA"))
        assert old.encode() in files[name]
        files[name] = files[name].replace(old.encode(), new.encode())

    return change


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda files: files.pop("waf_tests/secret.py"), "waf_tests/secret.py is missing"),
        (lambda files: files.pop("waf_tests/py.typed"), "waf_tests/py.typed is missing"),
        (
            lambda files: files.update({"waf_tests/secret.py": b""}),
            "waf_tests/secret.py is another one than in the checkout",
        ),
        (lambda files: files.update({"tests/test_x.py": b""}), "tests/test_x.py does not belong"),
        (
            lambda files: files.pop(next(each for each in files if each.endswith("/LICENSE"))),
            "LICENSE is missing or another one",
        ),
        (replacing("Keywords: ", "X-Keywords: "), "the field Keywords is missing"),
        (replacing("Project-URL: Changelog,", "Project-URL: News,"), "the links are ["),
        (replacing(f"[Changelog]({HOME}", "[Changelog](.."), "the README's link ../blob/main"),
        (replacing("\nVersion: ", "\nVersion: 9"), "the version is 9"),
        (replacing("text/markdown", "text/plain"), "the README is missing, or no Markdown"),
    ],
)
def test_mistakes_are_found(
    wheel: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], finding: str
) -> None:
    """What a wheel lacks, or has too much, is named."""
    wrong = changed(wheel, tmp_path, change)
    findings = list(wheel_findings(wrong, WAF_TESTS, packages_version()))
    assert [line for line in findings if f"{wrong.name}: {finding}" in line]


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    """A distribution that is missing, or is none of a package, is named."""
    (tmp_path / "other-1.0.tar.gz").touch()
    findings = list(check_packages.distribution_findings(tmp_path))
    assert len(findings) == 2 * len(PACKAGES) + 1
    assert findings[-1] == "other-1.0.tar.gz does not belong there"


def test_what_a_release_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tag, the links and the changelog must be those of the version."""
    version = packages_version()
    monkeypatch.setenv(REPOSITORY_VARIABLE, HOME)
    changelog = f"# Changelog\n\n## [Unreleased]\n\n## [{version}] - 2026-12-01\n"
    assert list(check_packages.release_findings(f"v{version}", changelog)) == []
    monkeypatch.delenv(REPOSITORY_VARIABLE)
    findings = list(check_packages.release_findings("v9.9.9", "## [Unreleased]\n"))
    assert [line.split()[1] for line in findings] == ["tag", "links", "has"]
    assert all(line.count(": ") == 1 for line in findings)
