# ruff: noqa: RUF001 - punctuation of every script is meant
"""Bold text beside the punctuation of every script, headings, tasks, tables, numbers, escapes and emoji."""

from __future__ import annotations

import re

import pytest

from tests.support.markdown import render


@pytest.mark.parametrize(
    "body",
    [
        "<重要：>请看",
        "<「重要」>です",
        "これは<「重要」>です",
        "<강조>는",
        "<강조(emphasis)>는",
        "<“인용”>은",
        "文<【注意】>内容",
        "<重要！>请看",
        "<重要。>请看",
        "中文<(英文)>中文",
        "<note:>text",
        "<नमस्ते।>आप",
        "<ስላም።>ነው",
        "<สวัสดี!>ครับ",
        "<«цитата»>слово",
        "ה<«חשוב»>ה",
        "<مهم:>نص",
        "<مهم؟>نص",
        "word<“quoted”>word",
        "价格<$100>元",
        "<100%>の",
        "<😀>text",
        "x<@jane>y",
        "<a b>",
        "say <it>.",
        "(<it>)",
    ],
)
def test_formatting_ends_beside_any_punctuation(body: str) -> None:
    for mark, tag in (("**", "strong"), ("*", "em"), ("~~", "s")):
        made = render(body.replace("<", mark).replace(">", mark))
        inner = body[body.index("<") + 1 : body.index(">")]
        assert f"<{tag}>{inner}</{tag}>" in made, made


@pytest.mark.parametrize(
    "body",
    [
        "snake_case_name",
        "a_b_c",
        "__init__.py",
        "__init__(self)",
        "2 * 3 * 4",
        "* ",
        "** x **",
        "～～x～～",
        "переменная_два_три",
    ],
)
def test_marks_that_format_nothing_are_text(body: str) -> None:
    assert render(body) == f"<p>{body}</p>" or body == "* "


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (r"\*not\* \_so\_ 2 \* 3", "*not* _so_ 2 * 3"),
        (r"¯\_(ツ)_/¯", r"¯\_(ツ)_/¯"),
        (r"C:\new\_x and \\server\share", r"C:\new\_x and \\server\share"),
        (r"\d+\.\d \(x\) \{y\}", r"\d+\.\d \(x\) \{y\}"),
        (r"1986\. A year", "1986. A year"),
        (r"\# no heading", "# no heading"),
        ("cmd \\\n  --flag", "cmd \\<br>\n--flag"),
        ("a&#8203;b&nbsp;c &zwnj;", "a&amp;#8203;b&amp;nbsp;c &amp;zwnj;"),
        ("&copy; &amp; &#x1F600;", "© &amp; 😀"),
    ],
)
def test_no_backslash_or_entity_is_lost(body: str, shown: str) -> None:
    assert render(body) == f"<p>{shown}</p>"


def test_headings_leave_no_level_out() -> None:
    made = render("### c\n# a\n#### d\n## b ##\n#\n#x")
    assert re.findall(r'<(h\d) class="heading-(\d)">(.)</\1>', made) == [
        ("h2", "3", "c"),
        ("h2", "1", "a"),
        ("h3", "4", "d"),
        ("h3", "2", "b"),
    ]
    assert made.endswith("<p>#<br>\n#x</p>")


def test_tasks_are_boxes_named_by_their_words() -> None:
    made = render("- [ ] one **b**\n- [x] two\n- [X] three\n- [y] four\n- [ ]\n\n[ ] five")
    assert '<label><input type="checkbox" disabled="">one <strong>b</strong></label>' in made
    assert made.count('<label><input type="checkbox" disabled="" checked="">') == 2
    assert made.count("<input") == 3
    assert "[y] four" in made
    assert "[ ]</li>" in made
    assert "<p>[ ] five</p>" in made


def test_cells_are_aligned_by_classes() -> None:
    made = render("|a|b|c|d|\n|:-|:-:|--:|-|\n|1|2|3|4|")
    assert re.findall(r"<t[hd]((?: [^>]*)?)>", made) == [
        ' class="align-left"', ' class="align-center"', ' class="align-right"', "",
    ] * 2  # fmt: skip
    assert "style" not in made


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ("1. a\n2. b\n3. c", "<ol><li>"),
        ("1. a\n1. b\n1. c", "<ol><li>"),
        ("2. a\n4. b\n5. c", '<ol start="2"><li><li value="4"><li>'),
        ("2024. a", '<ol start="2024" class="digits-4"><li>'),
        ("999999999. a", '<ol start="999999999" class="digits-9"><li>'),
    ],
)
def test_lists_show_the_numbers_that_were_typed(body: str, numbers: str) -> None:
    opened = "".join(re.findall(r"<(?:ol|li)[^>]*>", render(body)))
    assert re.sub("(<li>)+$", "<li>", opened) == numbers


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (":smile: :+1: :tada: :Smile:", "😄 👍 🎉 😄"),
        (":+1::skin-tone-3: :smile::tada: (:fire:) :fire:.", "👍🏼 😄🎉 (🔥) 🔥."),
        ("很好:tada:吧", "很好🎉吧"),
        ("10:30:45 1:100:2 std::map::x a:smile:b :nosuch: ::smile:: :smile :", None),
        ("`:smile:` x", "<code>:smile:</code> x"),
        (r"\:smile:", ":smile:"),
        ("**:tada:**", "<strong>🎉</strong>"),
    ],
)
def test_emoji_have_names(body: str, shown: str | None) -> None:
    assert render(body) == f"<p>{body if shown is None else shown}</p>"


def test_emoji_stay_out_of_addresses_and_code() -> None:
    assert 'href="http://example.org/:tada:x"' in render("http://example.org/:tada:x")
    assert ":tada:" in render("```\n:tada:\n```")
