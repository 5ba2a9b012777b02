"""The checks of static/js find what they are for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    """Return a script of .ci as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Give a function that writes a module."""

    def one(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return one


def test_a_folder_imports_from_those_before_it(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    check = load("js_folders")
    monkeypatch.setattr(check, "SCRIPTS", tmp_path)
    write("lib/one.js", 'import { two } from "../net/two.js";\n')
    write("net/two.js", 'import {\n  one,\n} from "../lib/one.js";\nimport "./gone.js";\n')
    write("other/three.js", "")
    for number in range(13):
        write(f"chat/module{number}.js", "")
    assert check.faults() == [
        "lib/one.js imports net/two.js, from a later folder",
        f"net/two.js imports {tmp_path}/net/gone.js, which is missing",
        "other/three.js: its folder is not in ORDER",
        "chat holds 13 modules, more than 12",
    ]


def test_what_nothing_uses_is_listed(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    check = load("unused_exports")
    monkeypatch.setattr(check, "SCRIPTS", tmp_path / "js")
    write("js/one.js", "export const used = 1;\nexport const tested = 2;\nexport const unused = 3;\nf(tested);\n")
    write(
        "js/two.js",
        'import { used } from "./one.js";\nclass Two {\n  called() {\n  }\n\n  idle() {\n  }\n}\ntwo.called();\n',
    )
    write("one.test.mjs", 'import { tested, unused } from "./js/one.js";\n')
    modules = check.read(tmp_path / "js", "*.js")
    assert check.unused_exports(modules, check.read(tmp_path, "*.mjs")) == ["one.js: unused"]
    assert check.unused_methods(modules) == ["two.js: idle()"]
