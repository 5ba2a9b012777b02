"""The check of styles and templates finds what it is for, and nothing in the page as it is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.processes import ROOT

CSS = "static/css/part.css"
HTML = "templates/part.html"
PAGE = {
    "static/css/tokens.css": ":root {\n  --space-1: 4px;\n}\n",
    CSS: ".box {\n  margin: 0 auto;\n  padding: 1px var(--space-1) 50%;\n}\n.kind-bug {\n  top: -2px;\n}\n",
    HTML: '<p class="box kind-{{ kind }}">{% if busy %}</p>\n',
    "static/js/part.js": "",
    "chats/views.py": 'TEMPLATE = "part.html"\n',
}


@pytest.fixture(scope="module")
def check_page() -> ModuleType:
    specification = importlib.util.spec_from_file_location("check_page", ROOT / ".ci" / "check_page.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["check_page"] = module
    specification.loader.exec_module(module)
    return module


def faults(check_page: ModuleType, root: Path, name: str = CSS, more: str = "") -> list[str]:
    """Return the faults of a small page with `more` at the end of one file."""
    for path, text in {name: "", **PAGE}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text + more if path == name else text)
    return list(check_page.Page(root).faults())


def test_page_as_it_is(check_page: ModuleType) -> None:
    assert list(check_page.Page(ROOT).faults()) == []


def test_small_page(check_page: ModuleType, tmp_path: Path) -> None:
    assert faults(check_page, tmp_path) == []


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        (CSS, ".box {\n  gap: 3px;\n}\n", f"{CSS}:9: gap: 3px; 3px is not from tokens.css"),
        (CSS, ".box { margin: calc(100% + 0.5rem) 0; }", "0.5rem is not from tokens.css"),
        (CSS, ".box { inset-block-start: -8px; }", "8px is not from tokens.css"),
        (CSS, ".box { padding: var(--space-9); }", "--space-9 is used and nowhere defined"),
        (CSS, ":root { --left: red; }", "--left is defined and nowhere used"),
        (CSS, ".box.left { color: red; }", f"{CSS}: nothing uses .left"),
        (HTML, '<p class="right {{ more }}">', f"{HTML}: no style and no script looks for .right"),
        (
            "static/js/part.js",
            'node.classList.add("lost");',
            "static/js/part.js: no style and no script looks for .lost",
        ),
        ("templates/lost.html", "", "templates/lost.html: nothing renders, includes or extends it"),
        (HTML, "<p>" + "x" * 160, f"{HTML}:2: 163 characters"),
        (CSS, "\n" * 350, f"{CSS}: 357 lines"),
    ],
)
def test_fault_is_found(check_page: ModuleType, tmp_path: Path, name: str, more: str, says: str) -> None:
    found = faults(check_page, tmp_path, name, more)
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("static/js/part.js", 'node.classList.toggle("open", true);\nlist.querySelector(".open");\n'),
        ("static/js/part.js", "// node.classList.add('lost')\n"),
        (CSS, "/* .lost { gap: 3px; } */"),
        ("chats/views.py", '"""Words of a docstring."""\n'),
    ],
)
def test_no_fault(check_page: ModuleType, tmp_path: Path, name: str, more: str) -> None:
    assert faults(check_page, tmp_path, name, more) == []
