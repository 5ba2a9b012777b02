"""From body to HTML: formatting, text, and no scripts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats.markdown.html import Document
from tests.support.markdown import render

LINK = (
    '<p><a href="https://a.example/?a=1&amp;b=2" target="_blank" '
    'rel="noopener noreferrer nofollow">https://a.example/?a=1&amp;b=2</a></p>'
)


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("plain", "<p>plain</p>"),
        ("**bold** *it* ~~no~~ `code`", "<p><strong>bold</strong> <em>it</em> <s>no</s> <code>code</code></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("#not a heading", "<p>#not a heading</p>"),
        ("<b>text</b>", "<p>&lt;b&gt;text&lt;/b&gt;</p>"),
        ("> quote", "<blockquote>\n<p>quote</p>\n</blockquote>"),
        ("```py\na < b\n```", '<pre><code class="language-py">a &lt; b\n</code></pre>'),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("https://a.example/?a=1&b=2", LINK),
    ],
)
def test_formatting(body: str, html: str) -> None:
    assert render(body) == html


def test_images_are_links_so_that_nobody_is_tracked_by_reading() -> None:
    assert "<img" not in render("![pixel](https://tracker.example/p.gif)")


def test_only_members_become_mentions_and_never_in_code_or_links() -> None:
    document = Document("@jane, @JOHN. @stranger mail@jane `@bob` [@eve](https://example.org/@eve)\n\n```\n@bob\n```")
    assert document.mentioned_names == ["jane", "john", "stranger"]
    html = document.render({"jane", "john", "bob", "eve"})
    assert re.findall(r'<span class="mention" data-username="(\w+)">(@\w+)</span>', html) == [
        ("jane", "@jane"),
        ("john", "@JOHN"),
    ]


def test_mentions_are_bounded() -> None:
    assert len(Document(" ".join(f"@user{number}" for number in range(500))).mentioned_names) == 50


def test_deep_nesting_is_cut_and_not_fatal() -> None:
    assert render(">" * 5_000)
    assert render("- " * 3_000 + "x")


def test_tables_are_bounded_together() -> None:
    """A row of one character is filled up to the table's width: half a million cells fit into one message."""
    columns, rows = 181, 362
    wide = f"{'|a' * columns}\n{'|-' * columns}\n" + "x\n" * rows + "\n"
    html = render(wide * (10_000 // len(wide)))
    assert 1_000 < len(re.findall("<t[dh]", html)) <= 2_000
    assert html.count("x") > rows * 5, "what does not fit is text"
    assert len(html) < 100_000


def test_a_table_of_an_ordinary_size_is_whole() -> None:
    html = render("|a|b|\n|-|-|\n" + "|1|2|\n" * 500 + "\ntext")
    assert len(re.findall("<td", html)) == 1_000
    assert html.endswith("<p>text</p>")


PIECES = (
    "<script> </script> <img src=x onerror=alert(1)> javascript: data:text/html, ]( [ ` * > &lt; &#106; \" ' onload= "
    "http:// @john | - <!-- <svg/onload=1> \\ ~~ ``` www. a@b.c"
)
TAGS = "p br strong em s code pre blockquote ul ol li hr a span table thead tbody tr th td h2 h3 h4 h5 h6 label input"
dangerous = st.lists(st.sampled_from([*PIECES.split(" "), "\n", " "]) | st.text(max_size=5), max_size=30).map("".join)


@given(dangerous)
def test_no_body_makes_anything_but_the_allowed_tags(body: str) -> None:
    html = render(body, {"john"})
    tags = {tag.lower() for tag in re.findall(r"<\s*/?\s*([a-zA-Z!][a-zA-Z0-9]*)", html)}
    assert tags <= set(TAGS.split())
    assert not re.search(r"<[^>]*\son\w+\s*=", html)
    for address in re.findall(r'href="([^"]*)"', html):
        assert address.startswith(("http://", "https://", "mailto:"))
