"""What is promised in ``docs`` is what the code does."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from tests.conftest import ROOT
from twinviewer import api
from twinviewer.app.problems import LANGUAGES, catalogue, explain
from twinviewer.app.schemas import published
from twinviewer.model.errors import TwinViewerError

CODE = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9]+(-[a-z0-9]+)*)+")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/**/*.md")]
TELLING = {"add", "exclude", "_tell", "_without", "_Unusable"}
"""Functions of ours that take the code of a finding as an argument."""


def codes_of(path: Path) -> Iterator[str]:
    """Yield the codes of findings, such as ``val3dity.101``: what is given as ``code``, or to what tells it."""
    for node in ast.walk(ast.parse(path.read_text())):
        given: list[ast.expr] = []
        if isinstance(node, ast.keyword) and node.arg == "code":
            given = [node.value]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            given = [node.value] if any(_last_name(target) == "code" for target in targets) else []
        elif isinstance(node, ast.Call) and _last_name(node.func) in TELLING:
            given = node.args
        for expression in given:
            for part in ast.walk(expression) if isinstance(expression, ast.IfExp) else [expression]:
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.fullmatch(part.value):
                    yield part.value


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def finding_codes() -> dict[str, str]:
    """Return each code of a finding with a file that uses it."""
    packages = ("formats", "app", "model", "geometry", "analysis", "live")
    paths = sorted(path for package in packages for path in (ROOT / "twinviewer" / package).rglob("*.py"))
    return {code: str(path.relative_to(ROOT)) for path in paths for code in codes_of(path)}


def error_codes() -> dict[str, str]:
    found, pending = {"bug": "twinviewer/app/problems.py"}, [TwinViewerError]
    while pending:
        cls = pending.pop()
        if cls.__module__.startswith("twinviewer."):
            assert "code" in cls.__dict__, f"{cls.__name__} has no code of its own"
            assert cls.code not in found, f"two classes have the code {cls.code}"
            found[cls.code] = cls.__module__
        pending.extend(cls.__subclasses__())
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_is_explained_in_every_language(language: str) -> None:
    """U6 and R20: what it means, what was kept, what to do."""
    missing = {
        code: path for code, path in {**finding_codes(), **error_codes()}.items() if code not in catalogue(language)
    }
    assert missing == {}, f"add these to assets/problems/{language}.json, then run `make schemas`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_explanation_is_of_a_code_that_is_gone(language: str) -> None:
    assert set(catalogue(language)) - finding_codes().keys() - error_codes().keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(catalogue("en")))
def test_an_explanation_is_whole_sentences_for_people(code: str, language: str) -> None:
    explanation = explain(code, language)
    assert explanation.title
    assert not explanation.title.endswith(".")
    for text in (explanation.what, explanation.kept, explanation.do):
        assert text.endswith((".", ").")), text
        assert text[0].isupper() or not text[0].isalpha()
        assert "Traceback" not in text
        assert not [name for _, name, _, _ in Formatter().parse(text) if name], "no place to fill in is left open"


@pytest.mark.parametrize("page", sorted(published()))
def test_published_pages_are_those_of_the_code(page: str) -> None:
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == published()[page], "run `make schemas`"


@pytest.mark.parametrize("name", api.__all__)
def test_every_name_of_the_api_is_explained(name: str) -> None:
    thing = getattr(api, name)
    if name in ("API_VERSION", "Batch", "Frame", "LayerData", "DrawingRequest"):
        return  # a number and unions of types, explained where they are defined
    doc = inspect.getdoc(thing)
    assert doc
    assert not doc.startswith(f"{name}("), "that is the signature that dataclasses make, not an explanation"


def test_the_page_about_plugins_names_all_of_the_api() -> None:
    page = (ROOT / "docs/plugins.md").read_text()
    assert {name for name in api.__all__ if name not in page} == set()


def test_the_pages_about_plugins_name_every_key_of_the_manifest() -> None:
    from twinviewer.app.plugins import manifest

    plugins, settings = (ROOT / "docs/plugins.md").read_text(), (ROOT / "docs/plugins/settings.md").read_text()
    kinds = manifest.Contribution.__args__
    for model, page in (
        (manifest.Manifest, plugins),
        (manifest.Permissions, plugins),
        (manifest.Limits, plugins),
        *((kind, plugins) for kind in kinds),
        (manifest.Parameter, settings),
    ):
        missing = {key for key in model.model_fields if not re.search(rf"`\[*{key}\]*`", page)}
        assert missing == set(), model.__name__


@pytest.mark.parametrize("page", sorted(str(path.relative_to(ROOT)) for path in PAGES))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    """Files that are there, and headings that are in them."""
    here, lost = ROOT / page, []
    for target in re.findall(r"\]\(([^)\s]+)\)", here.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            name, _, heading = target.partition("#")
            there = here.parent / name if name else here
            if not there.exists() or (heading and heading not in headings_of(there)):
                lost.append(target)
    assert lost == []


def headings_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
