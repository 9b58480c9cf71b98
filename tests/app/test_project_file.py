from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.test_settings import mutated
from tests.conftest import ROOT
from tests.strategies import instants, projects, sections, viewpoints
from twinviewer.app import project_file
from twinviewer.app.project_file import ViewState
from twinviewer.model.errors import ProjectError
from twinviewer.model.project import LayerSource, LayerSpec, Project

views = st.builds(
    ViewState,
    viewpoint=st.none() | viewpoints,
    section=st.none() | sections,
    instant=st.none() | instants,
    live=st.booleans(),
    speed=st.floats(0.1, 1e4),
)


@given(projects, views)
def test_what_is_saved_is_what_is_loaded(project: Project, view: ViewState) -> None:
    content = project_file.to_bytes(project, view=view, folder=Path("/home/planner"))
    loaded = project_file.from_bytes(content, folder=Path("/home/planner"), name="p.twin")
    assert (loaded.project, loaded.view) == (project, view)
    assert project_file.to_bytes(loaded.project, view=loaded.view, folder=Path("/home/planner")) == content


@given(projects, views)
def test_every_saved_project_fits_the_published_schema(project: Project, view: ViewState) -> None:
    schema = json.loads((ROOT / "docs/schema/project.schema.json").read_text())
    document = json.loads(project_file.to_bytes(project, view=view, folder=Path("/")))
    jsonschema.Draft202012Validator(schema).validate(document)


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads((ROOT / "docs/schema/project.schema.json").read_text())
    assert published == project_file.json_schema(), "run `make schemas`"


def test_a_project_moved_together_with_its_data_finds_it(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "data").mkdir(parents=True)
    layer = LayerSpec(
        id="layer-1", kind="features", title="t", source=LayerSource(path=str(here / "data/a.gpkg"), reader="r")
    )
    project_file.save(Project(layers=(layer,)), here / "p.twin", view=ViewState())
    here.rename(there)
    loaded = project_file.load(there / "p.twin")
    assert loaded.project.layers[0].source.path == str(there / "data/a.gpkg")


def test_a_newer_project_opens_and_keeps_what_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "p.twin"
    document = {
        "format": "twinviewer-project",
        "schema_version": project_file.SCHEMA_VERSION + 1,
        "wind_tunnel": {"fan": [1, 2]},
        "layers": [
            {"id": "layer-1", "kind": "hologram", "title": "H", "source": {"path": "h.holo", "reader": "x"}, "depth": 3}
        ],
    }
    path.write_text(json.dumps(document))
    loaded = project_file.load(path)
    assert {diagnostic.code for diagnostic in loaded.diagnostics} == {"project.newer", "project.kind-unknown"}
    project_file.save(loaded.project, path, view=loaded.view)
    saved = json.loads(path.read_text())
    assert saved["wind_tunnel"] == {"fan": [1, 2]}
    assert saved["layers"][0]["depth"] == 3
    assert saved["layers"][0]["kind"] == "hologram"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a twinviewer project"),
        (b"{", "damaged (line 1)"),
        (b"\xff\xfe", "not a twinviewer project"),
        (b"[]", "not a twinviewer project"),
        (b'{"format": "twinviewer-project"}', "does not say which version"),
        (b'{"format": "twinviewer-project", "schema_version": 1, "layers": [{"id": "a"}]}', "layers.0.kind"),
        (
            b'{"format": "twinviewer-project", "schema_version": 1, "view": {"section": {"planes": []}}}',
            "1 to 6 planes",
        ),
        (b"[" * 100_000, "not a twinviewer project"),
    ],
)
def test_a_damaged_project_is_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "p.twin"
    path.write_bytes(content)
    with pytest.raises(ProjectError) as caught:
        project_file.load(path)
    assert says in caught.value.problem
    assert caught.value.source == "p.twin"


@given(projects, st.integers(0, 10**6))
def test_whatever_happened_to_a_project_it_opens_or_says_why_not(project: Project, number: int) -> None:
    content = project_file.to_bytes(project, view=ViewState(), folder=Path("/"))
    told = ProjectError("It opened.", source="p.twin")
    try:
        loaded = project_file.from_bytes(mutated(content, number), folder=Path("/"), name="p.twin")
        project_file.to_bytes(loaded.project, view=loaded.view, folder=Path("/"))
    except ProjectError as error:
        told = error
    assert told.problem.endswith(".")
    assert told.source == "p.twin"


def test_a_missing_project_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be opened"):
        project_file.load(tmp_path / "gone.twin")
