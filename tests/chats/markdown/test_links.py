# ruff: noqa: RUF001 - punctuation of every script is meant
"""What is a link and where it ends, in every script."""

from __future__ import annotations

import html
import re

import pytest

from tests.support.markdown import render


def links(body: str) -> list[tuple[str, str]]:
    """Return (address, text) of each link of a body."""
    found = re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', render(body))
    return [(html.unescape(address), html.unescape(re.sub("<[^>]*>", "", text))) for address, text in found]


FILES = (
    "README.md setup.py deploy.sh main.rs foo.zip a.mov script.pl index.ts x.so config.yml Makefile.am page.ps logo.ai "
    "App.app lib.cc MANIFEST.in notes.tex run.do node.js obj.name e.g. i.e. done.it yes.no ASP.Net-ish v1.2.3 10.30 "
    "std::vector a.b foo.bar() ./x.com.txt docker-compose.yaml archive.tar.gz style.css"
)


@pytest.mark.parametrize("name", FILES.split())
def test_names_of_files_and_words_are_text(name: str) -> None:
    for body in (name, f"see {name}, then", f"({name})", f"src/{name}", f"{name}。"):
        assert links(body) == [], body


ADDRESSES = [
    "https://example.org/x",
    "http://localhost:8000/a",
    "https://example.technology",
    "https://a.example/?a=1&b=2#c",
    "https://example.org/a_(b)",
    "https://example.org/wiki/北京",
    "http://пример.рф/путь",
    "https://example.org/a-b/",
    "https://user@example.org:81/x",
    "https://README.md",
]
GUESSED = ["example.org/x", "github.com", "www.example.technology/x", "sub.example.co.uk:8080/y?z=1", "пример.рф"]
AROUND = [
    "{}",
    "({})",
    "[{}]",
    "{{{}}}",
    "«{}»",
    "“{}”",
    "‘{}’",
    "„{}“",
    '"{}"',
    "'{}'",
    "「{}」",
    "『{}』",
    "（{}）",
    "【{}】",
    "《{}》",
    "{}.",
    "{},",
    "{}!",
    "{}?",
    "{}:",
    "{};",
    "{}...",
    "{}…",
    "{}。",
    "{}、",
    "{}，",
    "{}！",
    "{}？",
    "{}؟",
    "{}،",
    "{}।",
    "{}॥",
    "{}።",
    "{}։",
    "{}」です",
    "**{}**",
    "*{}*",
    "_{}_",
    "~~{}~~",
    "> {}",
    "{}&gt; x",
    "&lt;{}&gt;",
    "看：{}，好",
    "({}).",
    "“{}”,",
    "{}).",
    "{}»",
    "- {}",
    "# {}",
    "|{}|b|\n|-|-|\n|1|2|",
    "{}\u200b",
]


@pytest.mark.parametrize("around", AROUND)
def test_links_end_where_people_end_them(around: str) -> None:
    for address in ADDRESSES:
        assert [text for _, text in links(around.format(address))] == [address], address
    for address in [*GUESSED, "jane@example.org", "mailto:jane@example.de"]:
        # Behind an entity nothing is guessed; IDN hosts end where wide letters begin.
        if "&lt;" not in around and ("看：" not in around or address.isascii()):
            assert [text for _, text in links(around.format(address))] == [address], address


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("https://example.org에서", ["https://example.org"]),
        ("请看example.org吧", ["example.org"]),
        ("看https://example.org/x。然后", ["https://example.org/x"]),
        ("jane.doe@example.org和", ["jane.doe@example.org"]),
        ("https://a.example,https://b.example", ["https://a.example", "https://b.example"]),
        ("git@github.com:owner/name.git", []),
        ("//example.org", []),
        ("ftp://example.org x://y.example", []),
        ("javascript:alert(1) data:text/html,x vbscript:x", []),
        ("[x](javascript:alert(1)) [y](JAVASCRIPT:x) [z](data:x)", []),
        ("<javascript:x> <data:x>", []),
        ("@types/node @john.com", []),
        ("`https://example.org` and `example.org`", []),
    ],
)
def test_what_is_no_link_stays_text(body: str, shown: list[str]) -> None:
    assert [text for _, text in links(body)] == shown


def test_what_a_link_leads_to() -> None:
    assert links("example.org/x")[0][0] == "http://example.org/x"
    assert links("www.example.technology")[0][0] == "http://www.example.technology"
    assert links("jane@example.org")[0][0] == "mailto:jane@example.org"
    assert links("http://пример.рф")[0][0] == "http://xn--e1afmkfd.xn--p1ai"


def test_a_title_is_shown_behind_its_link() -> None:
    assert render('[x](http://a.example "the title")').endswith(">x</a> (the title)</p>")
