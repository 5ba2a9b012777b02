"""Check styles and templates: check_page.py

Prints one line per fault, and the status is 1 if there is any:

- a margin, padding, gap or inset that is a length of its own instead of a custom property of tokens.css; 0, 1 px, 2 px
  and percentages may be written as they are;
- a custom property that is used and not defined, or defined and not used;
- a class in the styles that no template, script or Python file uses, and a class in a template or set by a script that
  no style and no script looks for;
- a template that nothing renders, includes or extends;
- a template's line above TEMPLATE_COLUMNS characters, and a style sheet above STYLE_LINES lines.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

TEMPLATE_COLUMNS = 160
STYLE_LINES = 350
PACKAGES = ("chats", "flowra", "presence", "realtime")
TOKENS = "tokens.css"
# What Django itself looks for.
KNOWN_TEMPLATES = {"400.html", "403.html", "403_csrf.html", "404.html", "500.html"}
MADE_BY_DJANGO = {"errorlist", "helptext", "success"}
ADMIN = "admin/"  # templates that Django's own styles are for
# Classes that only tests and users' own styles look for.
HOOKS = {"member-list", "warning"}

SPACING = re.compile(
    r"(?<![\w-])(?:scroll-)?(?:margin|padding|inset|(?:row-|column-)?gap|top|right|bottom|left)(?:-[a-z-]+)?:\s*([^;{}]+);"
)
LENGTH = re.compile(r"(?<![\w.-])-?(\d*\.?\d+)([a-z]+)\b")
CSS_CLASS = re.compile(r"\.([a-zA-Z][\w-]*)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
JS_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
JS_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`")
CLASS_SET = re.compile(r"classList\.(?:add|toggle|replace)\(([^)]*)\)|className\s*=(?!=)\s*([^;]*);")
CLASS_ATTRIBUTE = re.compile(r"\bclass=\"([^\"]*)\"")
CLASS_BLOCK = re.compile(r"\{% block \w*class %\}([^{]*)\{% endblock")
TEMPLATE_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
TEMPLATE_VARIABLE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
DYNAMIC = "\0"  # stands where a part of a class is computed


def line_of(text: str, position: int) -> int:
    """Return the number of the line that `position` is in."""
    return text.count("\n", 0, position) + 1


def blank(match: re.Match[str]) -> str:
    """Return what takes a comment's place, so that lines keep their numbers."""
    return "\n" * match[0].count("\n")


def python_strings(path: Path) -> Iterator[str]:
    """Yield the strings of a Python file but its docstrings, a DYNAMIC for each computed part of an f-string."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if id(node) in docstrings:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else DYNAMIC for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def script_strings(text: str) -> Iterator[str]:
    """Yield the strings of a script, a DYNAMIC for each computed part of a template."""
    for match in JS_STRING.finditer(text):
        yield re.sub(r"\$\{[^}]*\}", DYNAMIC, match[1] or match[2] or match[3] or "")


class Page:
    """The texts of styles, templates, scripts and Python files under a root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.styles = {
            path: COMMENT.sub(blank, path.read_text()) for path in sorted((root / "static/css").glob("*.css"))
        }
        self.templates = {path: path.read_text() for path in sorted((root / "templates").rglob("*.html"))}
        self.scripts = {
            path: JS_COMMENT.sub(blank, path.read_text()) for path in sorted((root / "static/js").rglob("*.js"))
        }
        self.python = [
            text for name in PACKAGES for path in (root / name).rglob("*.py") for text in python_strings(path)
        ]

    def style_classes(self) -> dict[str, Path]:
        """Return each class of the styles, and a style sheet it stands in."""
        return {
            name: path
            for path, text in self.styles.items()
            for selector in re.findall(r"([^{};]+)\{", text)
            for name in CSS_CLASS.findall(selector)
        }

    def template_classes(self) -> Iterator[tuple[Path, str]]:
        """Yield each class of the templates; what is computed in it is DYNAMIC."""
        for path, text in self.templates.items():
            yield from ((path, name) for block in CLASS_BLOCK.findall(text) for name in block.split())
            # Tags hold quotes of their own, so they go first.
            plain = TEMPLATE_TAG.sub(" ", TEMPLATE_VARIABLE.sub(DYNAMIC, text))
            for attribute in CLASS_ATTRIBUTE.findall(plain):
                yield from ((path, name) for name in attribute.split())

    def script_classes(self) -> Iterator[tuple[Path, str]]:
        """Yield each class that a script sets."""
        for path, text in self.scripts.items():
            for match in CLASS_SET.finditer(text):
                for string in script_strings(match[1] or match[2]):
                    yield from ((path, name) for name in string.split())

    def lengths(self) -> Iterator[str]:
        """Yield a fault for each length of its own in margins, paddings, gaps and insets."""
        for path, text in self.styles.items():
            for declaration in SPACING.finditer(text) if path.name != TOKENS else ():
                for number, unit in LENGTH.findall(declaration[1]):
                    if float(number) and not (unit == "px" and float(number) in (1, 2)):
                        where = f"{path.relative_to(self.root)}:{line_of(text, declaration.start())}"
                        yield f"{where}: {declaration[0]} {number}{unit} is not from {TOKENS}"

    def properties(self) -> Iterator[str]:
        """Yield a fault for each custom property that is used and not defined, or defined and not used."""
        text = "\n".join([*self.styles.values(), *self.scripts.values()])
        defined = set(re.findall(r"(--[\w-]+):", text)) | set(re.findall(r"setProperty\(\"(--[\w-]+)\"", text))
        used = set(re.findall(r"var\((--[\w-]+)", text))
        yield from (f"{name} is used and nowhere defined" for name in sorted(used - defined))
        yield from (f"{name} is defined and nowhere used" for name in sorted(defined - used))

    def classes(self) -> Iterator[str]:
        """Yield a fault for each class that only a style sheet, or only a template or script, has."""
        styles = self.style_classes()
        in_scripts = [string for text in self.scripts.values() for string in script_strings(text)]
        looked_for = {name for string in in_scripts for name in CSS_CLASS.findall(string)}
        looked_for |= set(re.findall(r"classList\.contains\(\"([\w-]+)\"\)", "\n".join(self.scripts.values())))
        words = [*in_scripts, *(string for string in self.python if "class=" in string or string.count(" ") < 3)]
        named = {name for string in words for name in re.split(r"[\s.\"'<>=:,()\[\]#~+*]+", string)}
        named |= {name for _, name in self.template_classes()}
        prefixes = tuple(prefix for name in named if (prefix := name.partition(DYNAMIC)[0]) != name and prefix)
        for name, path in sorted(styles.items()):
            if name not in named | MADE_BY_DJANGO and not name.startswith(prefixes):
                yield f"{path.relative_to(self.root)}: nothing uses .{name}"
        for path, name in sorted({*self.template_classes(), *self.script_classes()}):
            if path.is_relative_to(self.root / "templates" / ADMIN):
                continue
            if DYNAMIC not in name and name not in styles and name not in looked_for | HOOKS:
                yield f"{path.relative_to(self.root)}: no style and no script looks for .{name}"

    def unused_templates(self) -> Iterator[str]:
        """Yield a fault for each template that nothing renders, includes or extends."""
        text = "\n".join(self.templates.values())
        named = {*re.findall(r"\{% (?:include|extends) \"([^\"]+)\"", text), *self.python, *KNOWN_TEMPLATES}
        for path in self.templates:
            if str(path.relative_to(self.root / "templates")) not in named:
                yield f"{path.relative_to(self.root)}: nothing renders, includes or extends it"

    def sizes(self) -> Iterator[str]:
        """Yield a fault for each template's line that is too long, and each style sheet."""
        for path, text in self.templates.items():
            for number, line in enumerate(text.splitlines(), 1):
                if len(line) > TEMPLATE_COLUMNS:
                    yield f"{path.relative_to(self.root)}:{number}: {len(line)} characters"
        for path, text in self.styles.items():
            if (lines := text.count("\n")) > STYLE_LINES:
                yield f"{path.relative_to(self.root)}: {lines} lines"

    def faults(self) -> Iterator[str]:
        """Yield all faults."""
        yield from self.lengths()
        yield from self.properties()
        yield from self.classes()
        yield from self.unused_templates()
        yield from self.sizes()


def main(root: Path) -> int:
    """Print what is wrong, and return the status."""
    faults = list(Page(root).faults())
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[1]))
