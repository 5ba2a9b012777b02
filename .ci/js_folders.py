"""Check the order of the folders in static/js: a module imports from its own folder and from those before it.

The status is 1, with a list, where an import goes the other way, a module is missing, or a folder holds too many.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "static" / "js"
ORDER = (
    "lib",
    "net",
    "outbox",
    "presence",
    "attention",
    "input",
    "sidebar",
    "shell",
    "composer",
    "chat",
    "navigation",
    "",
)  # "": the entries
MOST = 12  # modules in a folder
IMPORT = re.compile(r"""^(?:import|export)\b[^;]*?from "(\.[^"]+)";|^import "(\.[^"]+)";""", re.MULTILINE)


def imports(module: Path) -> list[Path]:
    """Return what a module imports."""
    found = IMPORT.findall(module.read_text())
    return [(module.parent / (named or bare)).resolve() for named, bare in found]


def folder(module: Path) -> str:
    """Return the folder of a module, "" for an entry."""
    parts = module.relative_to(SCRIPTS).parts
    return parts[0] if len(parts) > 1 else ""


def faults() -> list[str]:
    """Return what is wrong, a sentence each."""
    modules = sorted(SCRIPTS.rglob("*.js"))
    wrong = []
    for module in modules:
        name = module.relative_to(SCRIPTS).as_posix()
        if folder(module) not in ORDER:
            wrong.append(f"{name}: its folder is not in ORDER")
            continue
        for other in imports(module):
            if not other.is_file():
                wrong.append(f"{name} imports {other}, which is missing")
            elif ORDER.index(folder(other)) > ORDER.index(folder(module)):
                wrong.append(f"{name} imports {other.relative_to(SCRIPTS).as_posix()}, from a later folder")
    for part in ORDER:
        count = sum(folder(module) == part for module in modules)
        if count > MOST:
            wrong.append(f"{part or 'static/js'} holds {count} modules, more than {MOST}")
    return wrong


if __name__ == "__main__":
    if wrong := faults():
        sys.exit("\n".join(wrong))
