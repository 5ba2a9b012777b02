"""Bundles: one file for a script with all modules that it imports, and one for a style sheet with all that it imports.

A page would otherwise send a request for each of some hundred files, and the imports of a file begin only when it is
there. A bundle has the name of its source (`js/app.js`), and finders ask for bundles first: so `collectstatic` collects
and hashes them, `manage.py serve` serves them with DEBUG on too, and pages need not know about them. `manage.py
runserver` serves the sources as they are.

Modules are joined, not rewritten: each becomes a function that is called once, in the order of imports, and returns
what the module exports. That is the same to the reader of an import as long as exports do not change and no two modules
import each other, which is checked. Nothing but Python is needed.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from django.core.management.base import CommandError

IMPORT = re.compile(r"""^import \{([^}]*)\} from "(\.[^"]+)";$""", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
# What a function in place of a module cannot do, or what would be looked for in the wrong folder.
UNKNOWN = re.compile(r"^(?:import|export|await)\b.*|\bimport\.meta\b.*|\bimport\(.*", re.MULTILINE)
STYLE_IMPORT = re.compile(r"""^@import "([^"]+)";$""", re.MULTILINE)
STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# Comments with lines of their own, and those behind code that hold no quote, so that they cannot be the end of a text.
# tests/project/test_bundles.py sees to it that no text has several lines.
SCRIPT_COMMENT = re.compile(r"""^ *(?://[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)$| // [^"'`\n]*$""", re.MULTILINE)
BETWEEN_LINES = re.compile(r"\n\s*")

QUICKLY = 9  # of brotli's eleven levels, the last that takes 0.03 s for the scripts instead of 0.3


class BundleError(CommandError):
    """A source that cannot be bundled; says which and why."""


class ScriptBundle:
    """The modules that an entry imports, in the order in which they run."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._functions: dict[str, str] = {}  # name of a module to the constant with its exports
        self._importing: list[str] = []  # the modules whose imports are being read
        self._parts: list[str] = []

    def text(self, entry: str) -> str:
        """Return the bundle of the entry with this name; raises BundleError."""
        body, _exports = self._read(entry)
        return "\n".join([*self._parts, body, ""])

    def _exports_of(self, name: str) -> str:
        """Return the constant that has the exports of a module, which is added if it is new."""
        if name in self._importing:
            raise BundleError(f"These modules import each other: {' → '.join([*self._importing, name])}.")
        if name not in self._functions:
            self._importing.append(name)
            body, exports = self._read(name)
            self._importing.pop()
            constant = self._functions[name] = f"module{len(self._functions)}"
            names = ", ".join(exports)
            self._parts.append(f"const {constant} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();")
        return self._functions[name]

    def _read(self, name: str) -> tuple[str, list[str]]:
        """Return a module's code with its imports as constants, and the names of its exports."""

        def constants(match: re.Match[str]) -> str:
            module = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[2]))
            if not (self._root / module).is_file():
                raise BundleError(f"{name} imports {module}, which is missing.")
            names = ", ".join(part.strip().replace(" as ", ": ") for part in match[1].split(",") if part.strip())
            return f"const {{ {names} }} = {self._exports_of(module)};"

        code = SCRIPT_COMMENT.sub("", IMPORT.sub(constants, (self._root / name).read_text()))
        exports = EXPORT.findall(code)
        code = EXPORT.sub("", code)
        if unknown := UNKNOWN.search(code):
            raise BundleError(
                f'{name}: "{unknown[0]}" is no form that bundles know. Write import {{ name }} from "./module.js"; and '
                "export function, class or const."
            )
        return BETWEEN_LINES.sub("\n", code).strip(), exports


def style_bundle(root: Path, name: str) -> str:
    """Return a style sheet with those that it imports, which lie in the same folder; raises BundleError."""

    def imported(match: re.Match[str]) -> str:
        path = (root / name).parent / match[1]
        if not path.is_file():
            raise BundleError(f"{name} imports {match[1]}, which is missing.")
        return path.read_text()

    text = STYLE_COMMENT.sub("", STYLE_IMPORT.sub(imported, (root / name).read_text()))
    if "@import" in text:
        raise BundleError(f'{name}: a style sheet in it imports others, or not by a line @import "name.css";')
    return BETWEEN_LINES.sub("\n", text).strip() + "\n"


def bundles(root: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of each bundle: for the scripts in js/ and style sheets in css/ that import others."""
    for path in sorted((root / "js").glob("*.js")):
        if IMPORT.search(path.read_text()):
            name = f"js/{path.name}"
            yield name, ScriptBundle(root).text(name)
    for path in sorted((root / "css").glob("*.css")):
        if STYLE_IMPORT.search(path.read_text()):
            name = f"css/{path.name}"
            yield name, style_bundle(root, name)


def write_if_changed(path: Path, text: str) -> None:
    """Write a file, and compressed beside it, unless it has this text; others see the old one or the new one."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # With DEBUG on, servestatic sends the compressed one; `collectstatic` makes its own, which takes longer.
    for target, data in ((Path(f"{path}.br"), brotli.compress(content, quality=QUICKLY)), (path, content)):
        temporary = target.with_name(f"{target.name}.{os.getpid()}")
        temporary.write_bytes(data)
        temporary.replace(target)


class BundleFinder(BaseFinder):
    """Makes the bundles when it is first asked, in the data folder, and finds them by the names of their sources."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._folder = Path(settings.DATA_DIR) / "bundles"
        self.storage = FileSystemStorage(location=self._folder)
        self.storages = {"": self.storage}  # as in Django's finders; servestatic looks for it
        self._names: tuple[str, ...] = ()

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return the path of the bundle with this name, or an empty list."""
        found = [str(self._folder / path)] if path in self._made() else []
        return found if find_all or not found else found[0]

    def list(self, _ignore_patterns: object) -> Iterator[tuple[str, FileSystemStorage]]:
        """Yield each bundle's name and its storage."""
        yield from ((name, self.storage) for name in self._made())

    def _made(self) -> tuple[str, ...]:
        """Return the names of the bundles, which exist now; raises BundleError."""
        if not self._names:
            made = dict(bundles(Path(settings.BASE_DIR) / "static"))
            for name, text in made.items():
                write_if_changed(self._folder / name, text)
            self._names = (*made,)
        return self._names
