"""Syntax highlighting of code in a message, if its language is named."""

from __future__ import annotations

import functools
import html
import time
from collections.abc import Iterator

from markdown_it.token import Token
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Error, Generic, Keyword, Name, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound

MAX_COLOURED = 4_000  # characters of code in one message; the rest is plain
# Of CPU time. Real code needs a tenth of it; some lexers are quadratic for made-up input.
_MAX_SECONDS = 0.04

# The CSS class (static/css/markdown.css) of each kind of token; the first match counts, others have no colour.
CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "hl-comment"),
    (Keyword, "hl-keyword"),
    (Operator.Word, "hl-keyword"),
    (String, "hl-string"),
    (Number, "hl-number"),
    (Name.Function, "hl-name"),
    (Name.Class, "hl-name"),
    (Name.Decorator, "hl-name"),
    (Name.Tag, "hl-keyword"),
    (Name.Attribute, "hl-name"),
    (Name.Builtin, "hl-builtin"),
    (Name.Constant, "hl-number"),
    (Name.Exception, "hl-builtin"),
    (Generic.Inserted, "hl-string"),
    (Generic.Deleted, "hl-deleted"),
    (Generic.Heading, "hl-keyword"),
    (Generic.Subheading, "hl-comment"),
    (Generic.Prompt, "hl-comment"),
)


class _TooSlow(Exception):
    """A lexer needs too much time."""


def colour(tokens: list[Token]) -> bool:
    """Highlight the code blocks among `tokens` whose language is named; returns whether there are any."""
    room = MAX_COLOURED
    for token in tokens:
        if token.type == "fence" and token.info.strip() and len(token.content) <= room:
            coloured = _coloured(token.content, token.info.strip().lower())
            if coloured is not None:
                room -= len(token.content)
                token.meta["coloured"] = coloured
    return room < MAX_COLOURED


def _coloured(code: str, language: str) -> str | None:
    """Return `code` as HTML with a span for each stretch of a colour; None if the language is unknown."""
    lexer = _lexer(language)
    if lexer is None:
        return None
    try:
        pieces = list(_stretches(lexer, code))
    except _TooSlow:
        return None
    if "".join(text for _, text in pieces) != code:
        return None  # a lexer that leaves something out
    return "".join(
        f'<span class="{name}">{html.escape(text, quote=False)}</span>' if name else html.escape(text, quote=False)
        for name, text in pieces
    )


def _stretches(lexer: Lexer, code: str) -> Iterator[tuple[str, str]]:
    """Yield the code as (class, text), with adjacent tokens of one class merged."""
    current, texts = "", list[str]()
    until = time.thread_time() + _MAX_SECONDS
    for _, kind, text in lexer.get_tokens_unprocessed(code):
        if time.thread_time() > until:
            raise _TooSlow
        name = _class_of(kind)
        if name != current and not (text.isspace() and current):
            if texts:
                yield current, "".join(texts)
            current, texts = name, []
        texts.append(text)
    if texts:
        yield current, "".join(texts)


@functools.cache
def _class_of(kind: _TokenType) -> str:
    if kind in Error:
        return ""
    return next((name for wanted, name in CLASSES if kind in wanted), "")


@functools.lru_cache(maxsize=256)
def _lexer(language: str) -> Lexer | None:
    if language not in LANGUAGES:
        return None
    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


# Languages whose lexers were tested with input that makes lexers slow (tests/chats/markdown/test_code.py).
LANGUAGES = frozenset(
    {
        "ada", "awk", "bash", "bat", "batch", "c", "c#", "c++", "cfg", "clojure",
        "cmake", "cobol", "coffeescript", "console", "cpp", "crystal", "cs", "csharp", "css", "cuda", "cypher",
        "cython", "d", "dart", "diff", "docker", "dockerfile", "dosini", "elisp", "elixir", "elm", "erlang",
        "ex", "exs", "f#", "fish", "fortran", "fsharp", "gherkin", "glsl", "go", "golang", "graphql",
        "groovy", "haskell", "haxe", "hs", "html", "http", "ini", "java", "javascript", "jinja", "js",
        "json", "json5", "jsx", "julia", "kotlin", "latex", "less", "lisp", "lua",
        "make", "makefile", "markdown", "matlab", "md", "mysql", "nasm", "nginx", "nim", "objc",
        "objective-c", "objectivec", "octave", "pascal", "perl", "php", "pl", "plpgsql", "postgres",
        "postgresql", "powershell", "prolog", "proto", "protobuf", "ps1", "puppet", "purescript", "py", "pycon",
        "pytb", "python", "python3", "qml", "r", "racket", "raku", "rb", "rest", "rs", "rst", "ruby",
        "rust", "sass", "scala", "scheme", "scss", "sh", "shell", "shell-session", "solidity", "sql", "sqlite3",
        "swift", "systemverilog", "tcl", "tex", "text", "toml", "ts", "tsx",
        "typescript", "udiff", "v", "vb.net", "verilog", "vhdl", "vim", "vue", "xml", "yaml", "yml", "zig",
        "zsh",
    }
)  # fmt: skip
