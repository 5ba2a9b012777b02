"""No sentence that people read stands in the code by itself: all go through the catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chats.templatetags.client_texts import client_texts
from tests.support.processes import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))
# Commands speak to operators and what only REST says is for programs: in English. The demo is in English, too.
ENGLISH = {"management", "api", "api.py", "migrations", "demo"}
CODE = sorted(
    path
    for package in ("chats", "flowra/accounts")
    for path in (ROOT / package).rglob("*.py")
    if ENGLISH.isdisjoint(path.parts)
)
SAID = {"title", "aria-label", "placeholder", "alt", "label", "aria-description", "aria-roledescription"}
SAME_EVERYWHERE = {"Flowra", "UTC"}  # and what stands on keys: <kbd>
TRANSLATED = re.compile(
    r"{%\s*block \w*class\w*\s*%}.*?{%\s*endblock\b.*?%}|"  # the name of a class
    r"{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}|{%.*?%}|{{.*?}}|{#.*?#}",
    re.S,
)
WORD = re.compile(r"[^\W\d_]{2,}")


class Words(HTMLParser):
    """Collects the words of a template that come neither from the catalogue nor from a variable."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note words in the attributes that people read or hear."""
        self._silent += tag in ("kbd", "script", "style")
        for name, value in attrs:
            if name in SAID:
                self.handle_words(value or "")

    def handle_endtag(self, tag: str) -> None:
        """Leave a key, or a script."""
        self._silent -= tag in ("kbd", "script", "style")

    def handle_data(self, data: str) -> None:
        """Note words between tags."""
        if not self._silent:
            self.handle_words(data)

    def handle_words(self, text: str) -> None:
        """Note what is written alike in no other language."""
        self.found += [word for word in WORD.findall(text) if word not in SAME_EVERYWHERE]


def words_of(source: str) -> list[str]:
    """Return the words of a template that are not translated."""
    parser = Words()
    parser.feed(TRANSLATED.sub("", source))
    parser.close()
    return parser.found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_have_no_words_of_their_own(path: Path) -> None:
    assert words_of(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        '<a title="Close it">{{ name }}</a>',
        "{% if a %}Sign in{% endif %}",
        '<input placeholder="Name">',
    ],
)
def test_a_word_in_a_template_is_found(source: str) -> None:
    assert words_of(source)
    assert words_of(f"<b>Flowra</b> <kbd>Esc</kbd> {{% translate '{source[:3]}' %}}") == []


# Where sentences for people are given: what is refused, labels of forms, what pages and messages say. The names of
# fields and of their values (`field`, `code`) are for programs.
REFUSALS = {"Invalid", "TooLong", "NotFound", "Forbidden", "Conflict", "Closed", "TooFast", "ValidationError"}
SAYING = {"label", "help_text", "title", "text", "submit", "empty_label", "description", "short_description"}
NOTES = {"success", "error", "info", "warning", "add_error", "message_user"}
FOR_PROGRAMS = {  # refused is what no page can send: the value of a field that has choices
    "days must be 1 to ",
    "max_uses must be 1 to ",
    "kind must be one of ",
    "role must be one of ",
    " must be text, not ",
}


def literal_of(node: ast.expr | None) -> str | None:
    """Return what a literal says, without what is put into it; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value for part in node.values if isinstance(part, ast.Constant) and isinstance(part.value, str)
        )
    return None


def sentences_of(source: str) -> Iterator[str]:
    """Yield the sentences of some code that people are told as they stand there."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = (
            [*node.args[:1]] if name in REFUSALS else [*node.args[1:2]] if name in NOTES and len(node.args) > 1 else []
        )
        given += [keyword.value for keyword in node.keywords if keyword.arg in SAYING]
        if name in ("Meta", "extend_schema", "OpenApiParameter", "OpenApiExample", "inline_serializer"):
            continue
        for value in given:
            said = literal_of(value)
            if said is not None and " " in said and WORD.search(said) and not said.startswith(tuple(FOR_PROGRAMS)):
                yield said


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_says_nothing_untranslated(path: Path) -> None:
    assert list(sentences_of(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    ['raise Invalid("It is wrong.")', 'Field(label=f"The {name} of it")', 'messages.success(request, "It is done.")'],
)
def test_a_sentence_in_code_is_found(source: str) -> None:
    assert list(sentences_of(source))


COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*$|(?<=[;{,)])\s*//.*$", re.S | re.M)
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
SENTENCE = re.compile(r"^[A-Z][a-z]+ [\w ${}]*[a-z]{2}|\b(?:the|is|are|your|not|to|you) [a-z]{2}")


def said_by_script(source: str) -> list[str]:
    """Return the strings of a script that read like sentences; those of `new Error` are for who mends the script."""
    code = re.sub(r"new \w*Error\([^\n]*", "", COMMENT.sub("", source))
    strings = [first or second for first, second in STRING.findall(code)]
    return [string for string in strings if SENTENCE.search(string) and "(" not in string[:1]]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_say_nothing_untranslated(path: Path) -> None:
    assert said_by_script(path.read_text()) == []


def test_a_sentence_in_a_script_is_found() -> None:
    assert said_by_script('toast("Not sent."); toast("The server is away");') == ["Not sent.", "The server is away"]
    assert said_by_script("const words = `Remove ${name} from this chat`;") == ["Remove ${name} from this chat"]


def test_scripts_ask_for_sentences_that_are_there() -> None:
    known = client_texts().keys()
    for path in SCRIPTS:
        asked = re.findall(r'\btext\("(\w+)"', path.read_text())
        assert [key for key in asked if key not in known] == [], path.name
