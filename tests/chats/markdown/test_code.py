"""Syntax highlighting: only with a named language, without losing text, within the bounds."""

from __future__ import annotations

import html
import re
import time

import pytest
from pygments.lexers import get_lexer_by_name

from chats.markdown.code import CLASSES, LANGUAGES, MAX_COLOURED
from chats.markdown.html import MAX_HTML_BYTES, Document
from tests.chats.markdown.test_bounds import MAX_SECONDS
from tests.support.markdown import render

PYTHON = 'def name(x):  # why\n    return "a<b" + 1\n'


def test_a_named_language_is_coloured() -> None:
    made = render(f"```py\n{PYTHON}```")
    assert made.startswith('<pre><code class="language-py"><span class="hl-keyword">def')
    assert set(re.findall(r'<span class="([^"]+)"', made)) <= {name for _, name in CLASSES}
    assert html.unescape(re.sub("<[^>]*>", "", made)) == PYTHON
    assert Document(f"```py\n{PYTHON}```").text == PYTHON.rstrip("\n")


@pytest.mark.parametrize("fence", ["```\n{}```", "~~~\n{}~~~", "```nosuch\n{}```", "```py"])
def test_nothing_is_guessed(fence: str) -> None:
    assert "<span" not in render(fence.format(PYTHON))


def test_much_code_is_plain() -> None:
    short, long = "x = 1\n" * 100, "x = 1\n" * (MAX_COLOURED // 6 + 1)
    assert "<span" in render(f"```py\n{short}```")
    assert "<span" not in render(f"```py\n{long}```")
    assert "<span" in render(f"```py\n{short}```\n\n```py\n{long}```"), "the first one has room"


def test_colours_are_dropped_before_the_formatting() -> None:
    body = "**bold**\n\n```py\n" + "1,'" * 1_300 + "\n```\n" + "&" * 5_900
    made = render(body)
    assert "<strong>bold</strong>" in made
    assert len(made.encode()) <= MAX_HTML_BYTES


NASTY = ["1", "a ", "a\n", "\n ", '"', "{", "é", "$("]  # of all that was tried, what took longest
ONE_NAME_EACH = sorted({type(get_lexer_by_name(name)): name for name in sorted(LANGUAGES)}.values())


@pytest.mark.slow
@pytest.mark.parametrize("language", ONE_NAME_EACH)
def test_no_lexer_takes_long(language: str) -> None:
    """The worst of these bodies, at its best of three: the machine may be busy."""
    for unit in NASTY:
        body = f"```{language}\n{(unit * MAX_COLOURED)[: MAX_COLOURED - 1]}\n```"
        for _ in range(3):
            begun = time.thread_time()
            made = render(body)
            seconds = time.thread_time() - begun
            if seconds < MAX_SECONDS:
                break
        assert seconds < MAX_SECONDS, unit
        assert len(made.encode()) <= MAX_HTML_BYTES
