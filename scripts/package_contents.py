"""What is in a built wheel or source distribution, compared with the package's folder."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

LABELS = {"Homepage", "Documentation", "Changelog", "Issues"}
RELATIVE_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)]*)\)")
# What a package's own folder has beside its source, and each of its distributions, too.
LICENCE_FILES = ("LICENSE", "NOTICE", "LICENSES/*")


def wheel_findings(wheel: Path, package: Path, version: str) -> Iterator[str]:
    """Yield what is wrong with a wheel, a line each.

    Args:
        wheel: the file.
        package: the package's folder in the checkout.
        version: what the wheel's must be.
    """
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = wheel.name
    information = next(each.split("/")[0] for each in files if ".dist-info/" in each)
    metadata = Parser().parsestr(files[f"{information}/METADATA"].decode("utf-8"))
    yield from (f"{name}: {each}" for each in metadata_findings(metadata, version))
    for licence in licence_files(package):
        inside = licence.relative_to(package).as_posix()
        if files.get(f"{information}/licenses/{inside}") != licence.read_bytes():
            yield f"{name}: {inside} is missing or another one"
    sources = source_files(package)
    packed = {each for each in files if not each.startswith(f"{information}/")}
    yield from (f"{name}: {each} is missing" for each in sorted(sources.keys() - packed))
    yield from (f"{name}: {each} does not belong there" for each in sorted(packed - sources.keys()))
    for each in sorted(sources.keys() & packed):
        if files[each] != sources[each].read_bytes():
            yield f"{name}: {each} is another one than in the checkout"
    if not any(each.endswith("/py.typed") for each in packed):
        yield f"{name}: py.typed is missing, so that type checkers ignore it"


def sdist_findings(sdist: Path, package: Path, version: str) -> Iterator[str]:
    """Yield what is wrong with a source distribution; the arguments are those of a wheel."""
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2]: member for member in archive.getmembers()}
        information = archive.extractfile(names["PKG-INFO"])
        assert information is not None
        metadata = Parser().parsestr(information.read().decode("utf-8"))
    yield from (f"{sdist.name}: {each}" for each in metadata_findings(metadata, version))
    wanted = {"README.md", "pyproject.toml"}
    wanted |= {each.relative_to(package).as_posix() for each in licence_files(package)}
    wanted |= {f"src/{each}" for each in source_files(package)}
    wanted |= {each.relative_to(package).as_posix() for each in package.glob("tests/**/test_*.py")}
    yield from (f"{sdist.name}: {each} is missing" for each in sorted(wanted - names.keys()))
    for name in sorted(names):
        if "__pycache__" in name or "node_modules" in name:
            yield f"{sdist.name}: {name} does not belong there"


def metadata_findings(metadata: Message, version: str) -> Iterator[str]:
    """Yield what is wrong with a distribution's metadata."""
    if metadata["Version"] != version:
        yield f"the version is {metadata['Version']}, not {version}"
    for field in ("Summary", "Keywords", "License-Expression", "License-File", "Requires-Python"):
        if not metadata[field]:
            yield f"the field {field} is missing"
    labels = {each.partition(",")[0] for each in metadata.get_all("Project-URL", [])}
    if labels != LABELS:
        yield f"the links are {sorted(labels)}, not {sorted(LABELS)}"
    if "Typing :: Typed" not in metadata.get_all("Classifier", []):
        yield "the classifiers do not say that it is typed"
    if metadata["Description-Content-Type"] != "text/markdown":
        yield "the README is missing, or no Markdown"
    text = metadata.get_payload()
    for link in RELATIVE_LINK.findall(text if isinstance(text, str) else ""):
        yield f"the README's link {link} leads nowhere outside of the checkout"


def licence_files(package: Path) -> list[Path]:
    """Return the files about licences in a package's folder."""
    return [file for pattern in LICENCE_FILES for file in sorted(package.glob(pattern))]


def source_files(package: Path) -> dict[str, Path]:
    """Return the files of a package's source by their path from `src`."""
    source = package / "src"
    return {
        file.relative_to(source).as_posix(): file
        for file in source.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"
    }
