"""Names and folders: one class for a name, and no folder with more modules than one can look over."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from pathlib import Path

from tests.support.processes import ROOT

PACKAGES = ("flowra", "realtime", "presence", "chats")
FOLDERS = (*PACKAGES, "deploy", "benchmarks", "tests", "static/js")
MODULES = 13  # at most in a folder, packages' __init__.py aside
# Django finds these by their names.
NAMES_OF_DJANGO = {"Command", "Migration"}
# Names that clients see in docs/asyncapi.json and in the OpenAPI document: a frame's may be that of what it tells.
PUBLIC = ("realtime/protocol", "chats/api/input")


def classes_of(path: Path) -> list[str]:
    """Return the names of a module's classes, without those inside others and DRF's serializers."""
    return [
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not any("Serializer" in ast.unparse(base) for base in node.bases)
    ]


def test_a_class_name_stands_for_one_class() -> None:
    places = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if any(path.is_relative_to(ROOT / folder) for folder in PUBLIC):
                continue
            for name in classes_of(path):
                places[name].append(path.relative_to(ROOT).as_posix())
    twice = {name: paths for name, paths in places.items() if len(paths) > 1 and name not in NAMES_OF_DJANGO}
    assert twice == {}


def test_no_folder_holds_more_than_can_be_looked_over() -> None:
    modules = [
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".js", ".mjs") and path.name != "__init__.py" and "migrations" not in path.parts
    ]
    counted = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules)
    assert {folder: number for folder, number in counted.items() if number > MODULES} == {}
