"""What documents, docstrings and comments name is there: files, headings, commands, make's targets, settings."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from django.core.management import get_commands

from tests.support.processes import ROOT

FOLDERS = ("flowra", "chats", "presence", "realtime", "deploy", "tests", "benchmarks", "static/js", "templates", "docs")
SUFFIXES = {".py", ".js", ".mjs", ".md", ".html", ".css", ".conf", ".yaml", ".toml", ".service", ".timer", ".json"}
KINDS = "py|mjs|js|md|html|css|conf|yaml|toml|lock|service|timer|po|mo"
# A changelog speaks of files as they were. What is in static/vendor is not ours.
FILES = sorted(
    path
    for folder in (*FOLDERS, "static/css", "locale", ".ci")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
) + [path for path in ROOT.iterdir() if path.is_file()]
READ = [path for path in FILES if path.suffix in SUFFIXES - {".json"} and path.name != "CHANGELOG.md"]
NAMES = {path.relative_to(ROOT).as_posix() for path in FILES}
PARTS = {
    PurePosixPath(*parts[start:]).as_posix()
    for name in NAMES
    for parts in [PurePosixPath(name).parts]
    for start in range(len(parts))
}
HEADINGS = {
    path.name: [
        line.lstrip("#").strip().replace("`", "") for line in path.read_text().splitlines() if line.startswith("#")
    ]
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
}
COMMANDS = {*get_commands(), "help"}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
SETTINGS = set(re.findall(r"\b(FLOWRA_[A-Z_]+)\b", (ROOT / "flowra/settings.py").read_text()))
# Read elsewhere: by the tests alone.
SETTINGS |= {"FLOWRA_CHAOS_SEED", "FLOWRA_JS_RUNS", "FLOWRA_JS_SEED"}
# What looks like a file and is none, and files of other programs.
ELSEWHERE = {
    "Node.js",
    "data.html",
    "nginx.conf",
    "requirements.txt",
    "postgresql.service",
    "redis-server.service",
    "valkey-server.service",
}

FILE = re.compile(rf"(?<![\w/.:@<>*{{}}-])((?:[\w.-]+/)*[\w-][\w.-]*\.(?:{KINDS}))(?![\w/*-])")
QUOTED_HEADING = re.compile(r'\b([A-Za-z-]+\.md)[,:] "([^"]+)"')
PLAIN_HEADING = re.compile(r"\b[Ss]ee docs/([A-Za-z-]+\.md), ([A-Za-z][a-z]+(?: [a-z]+)*)\.")
ANCHOR = re.compile(r"\]\(([\w./-]*)#([\w-]+)\)")
COMMAND = re.compile(r"(?:`|python )manage\.py ([a-z][a-z_]+)")
TARGET = re.compile(r"(?:`|^(?=make [a-z-]+ +#))make ([a-z][a-z-]+)", re.MULTILINE)
SETTING = re.compile(r"\b(FLOWRA_[A-Z_]*[A-Z])\b")


def prose(path: Path) -> str:
    """Return what a file says to people: all of a document, the docstrings and comments of a program."""
    text = path.read_text()
    if path.suffix == ".py":
        return "\n".join(_prose_of_python(text))
    if path.suffix in (".js", ".mjs", ".css"):
        blocks = re.findall(r"/\*.*?\*/|(?<!:)//[^\n]*", text, re.DOTALL)
        return "\n".join(re.sub(r"\n//", "", block).lstrip("/ ") for block in blocks)
    if path.suffix == ".html":
        return "\n".join(re.findall(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<!--.*?-->", text, re.DOTALL))
    return text


def _prose_of_python(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def one_line(text: str) -> str:
    """Return the text without line breaks and what begins a line of a comment, so that a heading is in one piece."""
    return re.sub(r"\s*\n\s*(?://|#|\*)?\s*", " ", text)


def slug(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def missing_files(path: Path, text: str) -> set[str]:
    """Return the files that are named and are nowhere: by their whole path, its end, or from the file's own folder."""
    named = {name.rstrip(".") for name in FILE.findall(re.sub(r"https?://\S+", " ", text))}
    return {
        name
        for name in named
        if name not in PARTS | ELSEWHERE and not (path.parent / name).exists() and not name.startswith("var/")
    }


def missing_headings(text: str) -> set[str]:
    """Return the headings of documents that are named and are not there."""
    line = one_line(text)
    quoted = {
        f'{document}, "{heading}"'
        for document, heading in QUOTED_HEADING.findall(line)
        if heading not in HEADINGS.get(document, [])
    }
    plain = {
        f"{document}, {heading}"
        for document, heading in PLAIN_HEADING.findall(line)
        if not any(heading.lower() in known.lower() for known in HEADINGS.get(document, []))
    }
    return quoted | plain


def missing_anchors(path: Path, text: str) -> set[str]:
    """Return the links to a heading that is not there."""
    return {
        f"{link}#{anchor}"
        for link, anchor in ANCHOR.findall(text)
        if anchor not in map(slug, HEADINGS.get(Path(link or path.name).name, []))
    }


def missing_names(text: str) -> set[str]:
    """Return the commands, make's targets and settings that are named and are not there."""
    return (
        {f"manage.py {name}" for name in COMMAND.findall(text) if name not in COMMANDS}
        | {f"make {name}" for name in TARGET.findall(text) if name not in TARGETS}
        | {name for name in SETTING.findall(text) if name not in SETTINGS}
    )


def missing(path: Path, text: str) -> list[str]:
    """Return everything that is named and is not there."""
    return sorted(
        missing_files(path, text) | missing_headings(text) | missing_anchors(path, text) | missing_names(text)
    )


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_named_is_there(path: Path) -> None:
    assert missing(path, prose(path)) == []


@pytest.mark.parametrize(
    "text",
    [
        "see realtime/hub/nowhere.py",
        "`nowhere.js` does it",
        'docs/protocol.md, "No such heading"',
        "See docs/operations.md, nonsense.",
        "[there](docs/api.md#no-such-heading)",
        "`manage.py nonsense`",
        "`make nonsense`",
        "FLOWRA_NO_SUCH_SETTING",
    ],
)
def test_what_is_not_there_is_noticed(text: str) -> None:
    assert len(missing(ROOT / "README.md", text)) == 1
