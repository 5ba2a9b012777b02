# ruff: noqa: RUF001 - wide punctuation is meant
"""No typed text is lost: the page has all words of the source, whatever the formatting."""

from __future__ import annotations

import html
import logging
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import services
from chats.exceptions import Invalid
from chats.lib.ids import new_id
from chats.markdown.plain_text import plain_text
from tests.conftest import Cast
from tests.support.markdown import render

# One construct each; every {} takes a word that must be seen, once for each time that it is written.
INLINE = [
    "{}",
    "**{}**",
    "*{}*",
    "_{}_",
    "~~{}~~",
    "`{}`",
    "`` {} ` ``",
    "[{}](https://a.example)",
    '[{}](b "{}")',
    "[{}](<b c> '{}')",
    '![{}](x.png "{}")',
    "![{}]",
    "[{}]",
    "[{}][{}]",
    "[^{}]",
    "[{}]: {}",
    "[{}]:{}",
    "<{}>",
    "</{}>",
    "<{}:{}>",
    "<!-- {} -->",
    "<b title='{}'>{}</b>",
    "&{};",
    "&amp;{}",
    "&#8203;{}",
    "&nbsp;{}&lt;",
    "\\{}",
    "\\*{}\\*",
    "{}\\",
    "C:\\{}\\_{}",
    "\\\\{}\\{}",
    ":{}:",
    "@{}",
    "@jane.{}",
    "{}@{}.example",
    "www.{}.example",
    "{}.com/{}",
    "{}.md",
    "https://{}.example/{}",
    "ftp://{}.example",
    "x:{}",
    "[{}](javascript:{})",
    "[{}](x:{})",
    "[](https://{}.example)",
    "\u200b{}\u200b",
    "\u202e{}",
    "{}。",
    "「{}」",
    "**{}：**{}",
    "**{}",
    "{}**",
    "`{}",
    "[{}](",
    "[{}](a",
    "](",
    "$ {}",
    "{}\u0301",
]
BLOCKS = [
    "{}",
    "# {}",
    "###### {} ##",
    "#{}",
    "# ",
    "{}\n===",
    "{}\n---",
    "> {}",
    ">{}",
    ">> {}",
    "- {}",
    "+ {}",
    "* {}",
    "1. {}",
    "7) {}",
    "2024. {}",
    "3. {}\n1. {}",
    "- [ ] {}",
    "- [x] {}",
    "- [x]",
    "- [ ] # {}",
    "- [ ] ```\n  {}\n  ```",
    "    {}",
    "\t{}",
    "```\n{}\n```",
    "```py\n{}\n```",
    "```{}\n{}\n```",
    "```{} {}\n{}\n```",
    "```{}",
    "```\n{}",
    "~~~ {}\n{}",
    "~~~",
    "```",
    "***",
    "- - -",
    "|{}|{}|\n|-|:-:|\n|{}|{}|",
    "|{}|\n|-|\n|{}|{}|",
    "|{}|{}|\n|-|-|\n|{}|",
    "|{}|{}|\n|-|",
    "|{}\n|-\n{}",
    "[{}]: https://a.example '{}'",
    "[{}]:\nhttps://a.example/{}",
    "[^{}]: {}",
    "{}  \n{}",
    "{}\\\n{}",
    "- {}\n\n  {}",
    "- {}\n      {}",
    "1. {}\n   - {}",
    "> - {}\n> {}",
    "<div>{}</div>",
    "<script>{}\n{}</script>",
    "<!--\n{}\n-->",
    "$$\n{}\n$$",
    ": {}",
    "<details><summary>{}</summary>",
    "{}\n: {}",
]


@st.composite
def written(draw: st.DrawFn) -> str:
    """Draw a body of blocks, some with constructs within their lines in the place of words."""
    body = ""
    for _ in range(draw(st.integers(1, 6))):
        block = draw(st.sampled_from(BLOCKS))
        for _ in range(draw(st.integers(0, 3))):
            block = block.replace("{}", draw(st.sampled_from(INLINE)), 1)
        between = draw(st.sampled_from(["\n\n", "\n", "\n\n> ", "\n> ", "\n- ", "\n\n   ", "\n  ", " "]))
        body += between + block
    number = 0
    while "{}" in body:
        number += 1
        body = body.replace("{}", f"word{number}x", 1)
    return body


WORD = re.compile(r"word\d+x")


def seen(made: str) -> Counter[str]:
    """Return how often each word is shown; the language of code is, and where a link with a text leads counts, too."""
    made = re.sub(r'<code class="language-([^" ]*)">', r" \1 ", made)
    addresses = [address for address, text in re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', made) if text.strip()]
    shown = html.unescape(re.sub("<[^>]*>", "", made))
    words = Counter(WORD.findall(shown))
    return words | Counter(WORD.findall(html.unescape(" ".join(addresses))))


@given(written())
def test_every_word_is_on_the_page(body: str) -> None:
    made = render(body, {f"word{number}x" for number in range(100)})
    typed = Counter(WORD.findall(body))
    assert {word: count for word, count in typed.items() if seen(made)[word] < count} == {}
    shown = html.unescape(re.sub("<[^>]*>", "", made))
    text = plain_text(body)
    assert [word for word in WORD.findall(shown) if word not in text] == []


@pytest.mark.parametrize("block", [*BLOCKS, *INLINE])
def test_each_construct_shows_its_words(block: str, caplog: pytest.LogCaptureFixture) -> None:
    for place in ("{}", "> {}", "- {}", "1. {}", "before\n{}\nafter", "before\n\n{}\n\nafter", "> - {}"):
        body = place.replace("{}", block)
        number = 0
        while "{}" in body:
            number += 1
            body = body.replace("{}", f"word{number}x", 1)
        test_every_word_is_on_the_page.hypothesis.inner_test(body)  # type: ignore[attr-defined]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


MARKS = "*_~`#>|-+=[]()<>!\\&:.@/{}0123456789"
visible = st.characters(exclude_categories=("C", "Z", "M"), exclude_characters=MARKS)


@given(
    st.text(
        st.characters(exclude_categories=("C", "Z", "M"), exclude_characters="".join(MARKS) + "&:0123456789.@/{}"),
        min_size=1,
        max_size=30,
    )
)
def test_every_visible_character_of_any_text_is_on_the_page(text: str) -> None:
    assert html.unescape(re.sub("<[^>]*>", "", render(text))) == text


NOTHING = [
    "\u200b",
    " \n\t ",
    "\u00a0",
    "\u3000\u2800",
    "\u202e\u2066\u2069",
    "\ufeff\u00ad",
    "\u034f\ufe0f",
    "\U000e0020",
    "\u180e\u180b",
]
SOMETHING = [
    "[]()",
    "<!-- -->",
    "```\n```",
    "```",
    "&#8203;",
    "&nbsp;",
    "> ",
    "- ",
    "#",
    "***",
    "\u0301",
    "\ue000",
    "\U0001fae8",
    "[ ]",
    "\\",
]


@pytest.mark.django_db
@pytest.mark.parametrize("body", NOTHING)
def test_what_would_show_nothing_is_refused(cast: Cast, body: str) -> None:
    with pytest.raises(Invalid):
        services.post_message(user=cast.owner, chat_id=cast.chat.pk, body=body, client_id=new_id())
    message = services.post_message(user=cast.owner, chat_id=cast.chat.pk, body="x", client_id=new_id()).message
    with pytest.raises(Invalid):
        services.edit_message(user=cast.owner, chat_id=cast.chat.pk, message_id=message.pk, body=body)


@pytest.mark.parametrize("body", SOMETHING)
def test_what_is_only_marks_is_shown(body: str) -> None:
    made = render(body)
    assert made == "<hr>" or html.unescape(re.sub("<[^>]*>", "", made)).strip() == body.strip()
