"""The languages that are offered are complete, and everybody gets one of them, whole."""

from __future__ import annotations

import gettext
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.support.processes import ROOT, environment

CATALOGUES = sorted(path.parts[-3] for path in ROOT.glob("locale/*/LC_MESSAGES/django.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")
Entry = tuple[str, list[str]]  # a sentence, and it in the other language: one, or one for each plural form


def catalogue(language: str, kind: str = "po") -> Path:
    """Return where a language's catalogue is."""
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{kind}"


def entries(compiled: Path) -> dict[str, list[str]]:
    """Return the sentences of a compiled catalogue, plural forms together."""
    with compiled.open("rb") as file:
        messages: dict[str | tuple[str, int], str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: dict[str, list[str]] = {}
    for key, value in messages.items():
        found.setdefault(key if isinstance(key, str) else key[0], []).append(value)
    return found


def test_the_languages_offered_are_those_with_a_catalogue() -> None:
    assert [code for code, _ in settings.LANGUAGES] == ["en", *CATALOGUES]


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("language", CATALOGUES)
def test_a_catalogue_has_every_sentence_of_the_code(language: str, tmp_path: Path) -> None:
    """Extracted anew it stays as it is: nothing to add, nothing left over."""
    for name in ("chats", "flowra", "presence", "realtime", "templates", "locale"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, "manage.py", "makemessages", "--locale", language]
    env = environment(tmp_path / "var", {})
    subprocess.run(command, cwd=tmp_path, env=env, check=True, timeout=60)
    extracted = (tmp_path / catalogue(language).relative_to(ROOT)).read_text()
    assert extracted == catalogue(language).read_text(), "Run make messages and translate what is new."


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("language", CATALOGUES)
def test_every_sentence_is_translated_and_compiled(language: str, tmp_path: Path) -> None:
    counted = [
        "msgfmt",
        "--check-format",
        "--statistics",
        "--output-file",
        str(tmp_path / "now.mo"),
        str(catalogue(language)),
    ]
    done = subprocess.run(counted, check=True, capture_output=True, text=True, timeout=30)
    assert re.fullmatch(r"\d+ translated messages\.\n", done.stderr), (
        done.stderr
    )  # else: "..., 1 untranslated message."
    assert "fuzzy" not in catalogue(language).read_text()
    now = entries(tmp_path / "now.mo")
    assert now == entries(catalogue(language, "mo")), "Run make messages."
    for sentence, forms in now.items():
        for form in forms if sentence else []:
            assert form.strip(), sentence
            assert sorted(PLACEHOLDER.findall(form)) == sorted(PLACEHOLDER.findall(sentence)), sentence


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR,fr;q=0.9,de;q=0.5", "de"),
        ("en-GB", "en"),
        ("ar", "en"),
        ("he-IL,he;q=0.9", "en"),
        ("fr,es;q=0.9", "en"),
        ("zh-Hans-CN", "en"),
        ("x-klingon,*", "en"),
        ("", "en"),
    ],
)
def test_a_page_is_in_one_language(client: Client, db: None, accepted: str, language: str) -> None:
    answer = client.get("/accounts/login/", headers={"Accept-Language": accepted})
    page = answer.content.decode()
    assert f'<html lang="{language}" dir="ltr">' in page
    assert ("Passwort vergessen?" in page) == (language == "de")
    assert ("Forgot your password?" in page) == (language == "en")
    assert "Accept-Language" in answer["Vary"]
    assert answer["Content-Language"] == language


def test_djangos_own_sentences_follow(client: Client, db: None) -> None:
    """In French Django would say "Ce champ est obligatoire." on an English page."""
    for accepted, sentence in [("de", "Dieses Feld ist zwingend erforderlich."), ("fr", "This field is required.")]:
        answer = client.post("/accounts/signup/", {}, headers={"Accept-Language": accepted})
        assert sentence in answer.content.decode()
