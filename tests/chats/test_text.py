"""What people type: blank, too long, or nothing a database could keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats.exceptions import Invalid, TooLong
from chats.lib.text import clean_line, clean_text, is_blank


@pytest.mark.parametrize(
    "text",
    ["", " \t\r\n", "\u00a0\u2003", "\u200b\u200d\u2060\ufeff", "\u202e\u202c", "\u3164\u115f", "\u2800", "\ufe0f"],
)
def test_what_shows_nothing_is_blank(text: str) -> None:
    assert is_blank(text)
    with pytest.raises(Invalid):
        clean_text(text, field="body", max_length=100)


@pytest.mark.parametrize("text", ["a", "·", "😀", "שלום", " x ", "e\u0301"])
def test_what_shows_something_is_kept_as_it_is(text: str) -> None:
    assert clean_text(text, field="body", max_length=100) == text


@pytest.mark.parametrize("value", [None, 5, True, ["a"], {"a": 1}, b"a"])
def test_what_is_no_text_is_named(value: object) -> None:
    with pytest.raises(Invalid, match="body must be text"):
        clean_text(value, field="body", max_length=100)


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "\udfff"])
def test_what_cannot_be_stored_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        clean_text(text, field="body", max_length=100)


def test_length_counts_characters_and_names_both_numbers() -> None:
    assert clean_text("😀" * 10, field="body", max_length=10)
    with pytest.raises(TooLong, match="11 characters; at most 10"):
        clean_text("x" * 11, field="body", max_length=10)


def test_a_line_is_trimmed_and_folded() -> None:
    assert clean_line("  a \n\t b  ", field="title", max_length=5) == "a b"
    with pytest.raises(TooLong):
        clean_line("abcdef", field="title", max_length=5)


@given(st.text(st.characters(codec=None), max_size=50))
def test_any_text_is_either_stored_in_utf_8_or_refused(text: str) -> None:
    try:
        stored = clean_text(text, field="body", max_length=40)
    except Invalid:
        stored = ""
    assert "\0" not in stored
    stored.encode("utf-8")
