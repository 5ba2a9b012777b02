"""What the server's page adds to a message's HTML."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from chats.markdown.page_html import page_html
from tests.chats.markdown.test_markdown import dangerous
from tests.support.markdown import render


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("a", "<p>a</p>"),
        ("a\n\nb", '<p>a</p>\n<p dir="auto">b</p>'),
        ("`a`", '<p><code dir="ltr">a</code></p>'),
        ("# a", '<h2 dir="auto" class="heading-1">a</h2>'),
        ("```py\na\n```", '<pre dir="ltr" data-language="py"><code dir="ltr" class="language-py">a\n</code></pre>'),
        ("```\na\n```", '<pre dir="ltr"><code dir="ltr">a\n</code></pre>'),
        ("<p>", "<p>&lt;p&gt;</p>"),
    ],
)
def test_blocks_have_a_direction_of_their_own(body: str, shown: str) -> None:
    assert page_html(render(body)) == shown


def test_every_block_has_one() -> None:
    made = page_html(render("> a\n\n- b\n\n1. c\n\n|d|\n|-|\n|e|"))
    assert made.count(' dir="auto"') == made.count("</p>") + 2 + 2 + 1


def test_a_mention_does_not_turn_the_sentence() -> None:
    made = page_html(render("@jane שלום", {"jane"}))
    assert made == '<p><span dir="ltr" class="mention" data-username="jane">@jane</span> שלום</p>'


@given(dangerous)
def test_nothing_but_attributes_is_added(body: str) -> None:
    made = render(body)
    shown = page_html(made)
    assert re.sub(r"<[^>]*>", "", shown) == re.sub(r"<[^>]*>", "", made)
    assert re.findall(r"</?[a-z0-9]+", shown) == re.findall(r"</?[a-z0-9]+", made)
