"""Nobody changes what plugins rely on without saying so."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import ROOT
from twinviewer import api
from twinviewer.app.plugins import contract_pages

STATED = re.compile(r"Contract (\d+): (\d+) names, digest `([0-9a-f]{12})`")


def test_a_change_of_the_contract_stands_in_the_changelog() -> None:
    """The digest locks every name, member, type and default; the newest entry of the changelog holds it."""
    recorded = json.loads((ROOT / "docs/schema/api.json").read_text())["names"]
    now = {name: list(lines) for name, lines in contract_pages.surface().items()}
    changed = sorted(name for name in recorded.keys() | now.keys() if recorded.get(name) != now.get(name))
    found = STATED.search((ROOT / "CHANGELOG.md").read_text())
    assert found, "CHANGELOG.md says no digest of the plugin contract"
    due = (api.API_VERSION, len(api.__all__), contract_pages.digest())
    assert (int(found[1]), int(found[2]), found[3]) == due, (
        f"The plugin contract changed ({', '.join(changed) or 'see docs/schema/api.json in the last commit'}). "
        "Say under “Plugin contract” in CHANGELOG.md what changed for authors, put the new line there "
        f"(Contract {due[0]}: {due[1]} names, digest `{due[2]}`), and run `make schemas`. "
        "If anything was taken away or means something else now, API_VERSION must grow."
    )


@pytest.mark.parametrize("name", api.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert len(contract_pages.explanation(name)) > 10, f"{name} says nothing of itself"


def test_the_digest_sees_every_kind_of_change(monkeypatch: pytest.MonkeyPatch) -> None:
    before = contract_pages.digest()
    seen = {before}
    for name, value in (("API_VERSION", 2), ("__all__", api.__all__[1:]), ("Tell", api.FlyTo)):
        with monkeypatch.context() as changed:
            if name == "API_VERSION":
                surface = dict(contract_pages.surface(), API_VERSION=(f"API_VERSION = {value}",))
                changed.setattr(contract_pages, "surface", lambda surface=surface: surface)
            else:
                changed.setattr(api, name, value)
            seen.add(contract_pages.digest())
    assert len(seen) == 4
    assert contract_pages.digest() == before
