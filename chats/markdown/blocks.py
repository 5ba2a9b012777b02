"""Block rules: quotes, lists, tables, headings and code, with bounds; what exceeds them is shown as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from markdown_it.rules_block import StateBlock, heading
from markdown_it.rules_block.table import escapedSplit, getLine, table
from markdown_it.token import Token

from chats.markdown.budget import MAX_WORK, TooMuchWork, spend

MAX_NESTING = 20  # levels of quotes and lists; a list has two
MAX_CELLS = 2_000  # of all tables of one message
_TOP_HEADING, _LAST_HEADING = 2, 6  # the page's own title is the first level
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_WIDE_NUMBER = 3  # digits of a list's number for which its list gets more room

BlockRule = Callable[[StateBlock, int, int, bool], bool]


def nested(rule: BlockRule, levels: int) -> BlockRule:
    """Return a rule for a block that contains others; nested deeper than MAX_NESTING it is text.

    markdown-it itself drops what is deeper. And every quote looks at each line after it, with rules of its own: twenty
    of them before 5,000 lines would take 0.2 s.
    """

    def bounded(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        if spend(state.env, "work") > MAX_WORK:
            raise TooMuchWork
        return state.level + levels < MAX_NESTING and rule(state, start, end, silent)

    return bounded


def bounded_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a table of at most MAX_CELLS in all, which ends before a row with more cells than columns.

    A row of one character is filled up to the width of the table: within 10,000 characters somebody could have the
    parser make half a million cells, for seconds and hundreds of megabytes, and everybody's page show them. And what
    stands beyond the last column would not be shown.
    """
    if start + 2 > end or not table(state, start, end, True):
        return False
    columns = state.src[state.bMarks[start + 1] : state.eMarks[start + 1]].strip(" \t|").count("|") + 1
    rows = (MAX_CELLS - state.env["cells"]) // columns  # the header among them
    if rows < 1:
        return False
    if silent:
        return True
    end = min(end, start + 1 + rows)
    for line in range(start + 2, end):
        row = getLine(state, line).strip()
        if not row or _count_cells(row, columns) > columns:
            end = line
            break
    made = table(state, start, end, False)
    spend(state.env, "cells", columns * (state.line - start - 1))
    return made


def _count_cells(row: str, columns: int) -> int:
    """Return how many cells the row has; exact only if they may be more than `columns`."""
    if row.count("|") < columns:
        return columns
    cells = escapedSplit(row)
    return len(cells) - (cells[0] == "") - (len(cells) > 1 and cells[-1] == "")


def visible_heading(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse `# words` as a heading; without words the marks are text."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    return line.strip("# \t") != "" and heading(state, start, end, silent)


def finish_blocks(tokens: list[Token]) -> list[Token]:
    """Return the tokens with info strings, alignments, heading levels, numbers and task boxes as we show them."""
    for token in tokens:
        if token.type == "fence":
            _show_info(token)
        elif token.type in ("th_open", "td_open"):
            _align(token)
    _rank_headings(tokens)
    _number_items(tokens)
    return list(_with_boxes(tokens))


def _show_info(fence: Token) -> None:
    """Show the text after ``` unless it is the language of a closed code block."""
    info = fence.info.strip()
    if not info:
        if not fence.content.strip() and not _is_closed(fence):
            fence.content = f"{fence.markup}\n{fence.content}"
        return
    is_language = _LANGUAGE.fullmatch(info) is not None
    if not (is_language and fence.content.strip() and _is_closed(fence)):
        fence.content = f"{info}\n{fence.content}"
        fence.info = info if is_language else ""


def _is_closed(fence: Token) -> bool:
    lines = fence.content.count("\n") + (fence.content[-1:] not in ("", "\n"))
    first, after = fence.map or (0, 0)
    return after - first == lines + 2


def _align(cell: Token) -> None:
    """Give a cell a class for its alignment, because the page's content security policy forbids `style`."""
    style = str(cell.attrs.pop("style", ""))
    if style:
        cell.attrs["class"] = f"align-{style.removeprefix('text-align:')}"


def _rank_headings(tokens: list[Token]) -> None:
    """Give headings consecutive levels below the page's title; a class keeps the level that was typed."""
    ranks: list[int] = []
    for token in tokens:
        if token.type not in ("heading_open", "heading_close"):
            continue
        if token.nesting > 0:
            typed = len(token.markup)
            while ranks and ranks[-1] >= typed:
                ranks.pop()
            ranks.append(typed)
            token.attrs["class"] = f"heading-{typed}"
        token.tag = f"h{min(_TOP_HEADING + len(ranks) - 1, _LAST_HEADING)}"


def _number_items(tokens: list[Token]) -> None:
    """Number lists as typed; if all numbers are the same, count up from it."""
    lists: list[tuple[Token, list[Token]]] = []
    for token in tokens:
        if token.type in ("ordered_list_open", "bullet_list_open"):
            lists.append((token, []))
        elif token.type == "list_item_open":
            lists[-1][1].append(token)
        elif token.type == "bullet_list_close":
            lists.pop()
        elif token.type == "ordered_list_close":
            _number(*lists.pop())


def _number(opened: Token, items: list[Token]) -> None:
    typed = [int(item.info) for item in items]
    counted = range(typed[0], typed[0] + len(typed))
    if len(set(typed)) == 1:
        typed = list(counted)
    following = typed[0]
    for number, item in zip(typed, items, strict=True):
        if number != following:
            item.attrs["value"] = number
        following = number + 1
    digits = len(str(max(typed)))
    if digits >= _WIDE_NUMBER:
        opened.attrs["class"] = f"digits-{digits}"


def _with_boxes(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens with a checkbox before the text of each task; the text is its label."""
    box: bool | None = None
    for token in tokens:
        if box is not None and token.type == "inline":
            _label(token, is_checked=box)
            box = None
        elif box is not None and token.type not in ("paragraph_open", "heading_open"):
            yield from _paragraph("[x]" if box else "[ ]")  # without text it is no task
            box = None
        if token.type == "list_item_open" and "checked" in token.meta:
            box = bool(token.meta.pop("checked"))  # the renderer would make a box without a label
            token.attrs["class"] = "task"
        yield token


def _label(inline: Token, *, is_checked: bool) -> None:
    box = Token("task_box", "input", 0, attrs={"type": "checkbox", "disabled": ""})
    if is_checked:
        box.attrs["checked"] = ""
    words = inline.children or []
    inline.children = [Token("label_open", "label", 1), box, *words, Token("label_close", "label", -1)]


def _paragraph(text: str) -> Iterator[Token]:
    yield Token("paragraph_open", "p", 1, block=True)
    yield Token("inline", "", 0, content=text, children=[Token("text", "", 0, content=text)])
    yield Token("paragraph_close", "p", -1, block=True)
