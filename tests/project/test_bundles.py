"""Bundles do what their sources do, and what cannot be bundled is refused by name."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from pygments.lexers import JavascriptLexer
from pygments.token import String

from flowra.bundles import BundleError, BundleFinder, bundles
from tests.support.processes import ROOT

STATIC = ROOT / "static"
MODULES = {
    "js/app.js": """// The entry.
import { greet, LOUD as loud } from "./part/greet.js";
import {
  count,
} from "./part/count.js";

console.log(JSON.stringify([greet("Zoë"), loud, count(), "http://example.org // no comment"])); // the end
""",
    "js/part/greet.js": """import { count } from "./count.js";
/** Says
 * hello. */
export function greet(name) {
  count();
  return `Hello ${name}`;
}
export const LOUD = "!";
""",
    "js/part/count.js": """let counted = 0;
export class Unused {}
export async function later() {}
export const count = () => {
  counted += 1;
  return counted;
};
""",
    "js/plain.js": "window.plain = true;\n",
    "css/all.css": '/* All. */\n@import "one.css";\n@import "two.css";\n',
    "css/one.css": "/* One;\n   of two. */\n.one {\n  color: red;\n}\n",
    "css/two.css": ".two {\n  color: blue;\n}\n",
}


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files, and return their folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_what_imports_others_becomes_one_file(tmp_path: Path) -> None:
    made = dict(bundles(write(tmp_path, MODULES)))
    assert [*made] == ["js/app.js", "css/all.css"]
    assert made["css/all.css"] == ".one {\ncolor: red;\n}\n.two {\ncolor: blue;\n}\n"
    assert re.search(r"^(?:import|export)|The entry|hello\.|the end", made["js/app.js"], re.MULTILINE) is None


@pytest.mark.usefixtures("processes")
def test_a_bundle_does_what_its_modules_do(tmp_path: Path) -> None:
    root = write(tmp_path, {**MODULES, "package.json": '{"type": "module"}'})
    said = [subprocess.run(["node", "js/app.js"], cwd=root, capture_output=True, text=True, check=True).stdout]
    write(root, dict(bundles(root)))
    said.append(subprocess.run(["node", "js/app.js"], cwd=root, capture_output=True, text=True, check=True).stdout)
    assert json.loads(said[0]) == ["Hello Zoë", "!", 2, "http://example.org // no comment"]
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("js/part/count.js", "export let count = 0;\n", 'js/part/count.js: "export let'),
        ("js/part/count.js", "export default 1;\n", 'js/part/count.js: "export default'),
        ("js/part/count.js", "export * from './greet.js';\n", 'js/part/count.js: "export *'),
        ("js/part/count.js", "export const count = await 1;\nawait count;\n", 'js/part/count.js: "await count'),
        ("js/part/count.js", 'export const count = () => import("./x.js");\n', 'js/part/count.js: "import('),
        ("js/part/count.js", 'import "./x.js";\n', 'js/part/count.js: "import "./x.js'),
        ("js/part/count.js", 'import { greet } from "./greet.js";\n', "js/part/greet.js → js/part/count.js"),
        ("js/part/count.js", 'import { x } from "./gone.js";\n', "js/part/count.js imports js/part/gone.js, which"),
        ("css/one.css", '@import "two.css";\n', "css/all.css: a style sheet in it imports others"),
        ("css/all.css", '@import "one.css";\n@import "three.css";\n', "css/all.css imports three.css, which"),
    ],
)
def test_what_cannot_be_bundled(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    with pytest.raises(BundleError, match=re.escape(complaint)):
        dict(bundles(write(tmp_path, {**MODULES, name: text})))


def test_all_styles_are_in_the_one_sheet_that_pages_link() -> None:
    imported = set(re.findall(r'@import "([^"]+)"', (STATIC / "css" / "flowra.css").read_text()))
    assert imported == {path.name for path in (STATIC / "css").glob("*.css")} - {"flowra.css"}
    links = [
        f"{path.relative_to(ROOT)}: {sheet}"
        for path in (ROOT / "templates").rglob("*.html")
        for sheet in re.findall(r"'css/([^']+)'", path.read_text())
    ]
    assert sorted(links) == ["templates/base.html: flowra.css", "templates/offline.html: flowra.css"]


def test_no_text_of_a_script_has_several_lines() -> None:
    """In a bundle its lines would lose their indentation, and those that look like comments."""
    for path in (STATIC / "js").rglob("*.js"):
        tokens = JavascriptLexer().get_tokens(path.read_text())
        texts = "".join(value if kind in String.Backtick else "\0" for kind, value in tokens)
        assert "\n" not in texts, path


def test_the_finder_gives_bundles_in_place_of_their_sources(settings: pytest.FixtureRequest, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    finder = BundleFinder()
    names = [name for name, _storage in finder.list([])]
    assert {"js/app.js", "js/page.js", "css/flowra.css"} <= {*names}
    assert finder.find("js/lib/text.js") == []
    found = Path(str(finder.find("js/app.js")))
    assert found.read_text().startswith("const module0 = ")
    made = found.stat().st_mtime_ns
    assert [name for name, _storage in BundleFinder().list([])] == names
    assert found.stat().st_mtime_ns == made  # another process makes them too, and finds them made
