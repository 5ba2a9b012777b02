"""List what static/js exports and nothing imports, and methods that nothing calls.

An export may be there for a test, if its own module uses it too. A method counts as used where any module has its name
behind a dot or in quotes. The status is 1 where there is something to list.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "static" / "js"
EXPORT = re.compile(r"^export (?:async )?(?:const|let|function\*?|class) (\w+)", re.MULTILINE)
IMPORT = re.compile(r"""(?:import \{([^}]*)\} from|\{([^}]*)\} = await import\()\s*"(\.[^"]+)\"""")
METHOD = re.compile(r"^  (?:async |static |get |set )*(\w+)\([^)\n]*\) \{$", re.MULTILINE)
NO_METHODS = {"constructor", "if", "for", "while", "switch", "catch"}


def read(folder: Path, pattern: str) -> dict[Path, str]:
    """Return the text of each file below a folder."""
    return {path: path.read_text() for path in sorted(folder.rglob(pattern))}


def imported(sources: dict[Path, str]) -> set[tuple[Path, str]]:
    """Return (module, name) of everything that these files import."""
    return {
        ((path.parent / module).resolve(), name.split(" as ")[0].strip())
        for path, source in sources.items()
        for names, awaited, module in IMPORT.findall(source)
        for name in (names or awaited).split(",")
    }


def unused_exports(modules: dict[Path, str], tests: dict[Path, str]) -> list[str]:
    """Return the exports without a use, as "module: name"."""
    by_modules, by_tests = imported(modules), imported(tests)
    found = []
    for path, source in modules.items():
        for name in EXPORT.findall(source):
            is_tested = (path, name) in by_tests and len(re.findall(rf"\b{name}\b", source)) > 1
            if (path, name) not in by_modules and not is_tested:
                found.append(f"{path.relative_to(SCRIPTS).as_posix()}: {name}")
    return found


def unused_methods(modules: dict[Path, str]) -> list[str]:
    """Return the methods without a use, as "module: name()"."""
    everything = "\n".join(modules.values())
    return [
        f"{path.relative_to(SCRIPTS).as_posix()}: {name}()"
        for path, source in modules.items()
        for name in METHOD.findall(source)
        if name not in NO_METHODS and not re.search(rf"""[.]{name}\b|["']{name}["']""", everything)
    ]


if __name__ == "__main__":
    modules = read(SCRIPTS, "*.js")
    if unused := unused_exports(modules, read(ROOT / "tests" / "js", "*.mjs")) + unused_methods(modules):
        sys.exit("Unused:\n" + "\n".join(unused))
