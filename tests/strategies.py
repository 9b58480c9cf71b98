"""Hypothesis strategies for documents and commands."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from twinviewer.app import commands
from twinviewer.model.place import CrsOrigin, ReferenceSystem
from twinviewer.model.project import Bookmark, LayerSource, LayerSpec, OverlaySpec, Project, Style, Viewpoint
from twinviewer.model.section import CuttingPlane, Section

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
names = st.text("abcdefghijklmnopqrstuvwxyzäöü -_", min_size=1, max_size=12)
reals = st.floats(-1e7, 1e7, allow_nan=False)
shares = st.floats(0, 1, allow_nan=False)
colours = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)
positions = st.tuples(reals, reals, reals)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
extras = st.dictionaries(st.from_regex(r"x_[a-z]{1,6}", fullmatch=True), json_values, max_size=2).map(
    lambda members: tuple(sorted(members.items()))
)

reference_systems = st.builds(
    ReferenceSystem,
    horizontal=st.sampled_from(["EPSG:25832", "EPSG:28992", "LOCAL"]),
    vertical=st.none() | st.just("EPSG:7837"),
    origin=st.sampled_from(CrsOrigin),
)
styles = st.builds(
    Style,
    colour=st.none() | colours,
    color_by=st.none() | names,
    colour_map=st.sampled_from(["viridis", "batlow"]),
    value_range=st.none() | st.tuples(reals, reals),
    point_size_px=st.floats(0.5, 10),
    line_width_px=st.floats(0.5, 10),
    lod=st.none() | st.sampled_from(["1", "2.2"]),
    theme=st.none() | texts,
    hidden_types=st.lists(names, max_size=3, unique=True).map(tuple),
)
sources = st.builds(
    LayerSource,
    path=st.lists(
        st.from_regex(r"[a-zä ]{1,8}", fullmatch=True).map(str.strip).filter(bool), min_size=1, max_size=3
    ).map(lambda parts: "/" + "/".join(parts)),
    reader=names,
    sublayer=texts,
    crs=st.none() | reference_systems,
    options=st.dictionaries(names, st.integers() | texts, max_size=2).map(
        lambda members: tuple(sorted(members.items()))
    ),
)


def layers(layer_id: str) -> st.SearchStrategy[LayerSpec]:
    return st.builds(
        LayerSpec,
        id=st.just(layer_id),
        kind=st.sampled_from(["city-model", "point-cloud", "features", "terrain", "hologram"]),
        title=texts,
        source=sources,
        style=styles,
        visible=st.booleans(),
        opacity=shares,
        group=texts,
        role=names,
        licence=texts,
        extra=extras,
    )


viewpoints = st.builds(
    Viewpoint,
    position=positions,
    target=positions,
    view_angle_deg=st.floats(10, 90),
    parallel=st.booleans(),
    parallel_height_m=st.floats(0, 1e5),
)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
directions = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda direction: any(direction))
sections = st.builds(
    Section,
    planes=st.lists(st.builds(CuttingPlane, origin=positions, normal=directions), min_size=1, max_size=6).map(tuple),
    cuts_ground=st.booleans(),
)
bookmarks = st.builds(Bookmark, title=names, viewpoint=viewpoints, instant=st.none() | instants)
overlays = st.builds(OverlaySpec, id=names, visible=st.booleans(), opacity=shares)
projects = st.integers(0, 4).flatmap(
    lambda count: st.builds(
        Project,
        title=texts,
        crs=st.none() | reference_systems,
        origin=st.none() | positions,
        layers=st.tuples(*(layers(f"layer-{number + 1}") for number in range(count))),
        overlays=st.lists(overlays, max_size=2, unique_by=lambda overlay: overlay.id).map(tuple),
        bookmarks=st.lists(bookmarks, max_size=2).map(tuple),
        preset=st.sampled_from(["planning", "safe"]),
        extra=extras,
    )
)


def changes(layer_ids: list[str]) -> st.SearchStrategy:
    """Return commands that are possible on a document with these layers."""
    general = (
        st.builds(commands.AddBookmark, bookmark=bookmarks)
        | st.builds(commands.RemoveBookmark, title=names)
        | st.builds(commands.SetOverlay, overlay=overlays)
        | st.builds(commands.SwitchOverlays, switches=st.lists(st.tuples(names, st.booleans()), max_size=3).map(tuple))
        | st.builds(commands.SetPreset, preset=st.sampled_from(["planning", "presentation"]))
    )
    if not layer_ids:
        return general
    one = st.sampled_from(layer_ids)
    some = st.frozensets(one, min_size=1)
    return (
        general
        | st.builds(commands.RenameLayer, layer_id=one, title=texts)
        | st.builds(commands.SetVisible, layer_ids=some, visible=st.booleans())
        | st.builds(commands.SetOpacity, layer_id=one, opacity=shares)
        | st.builds(commands.SetStyle, layer_id=one, style=styles)
        | st.builds(commands.HideTypes, layer_ids=some, types=st.tuples(names), hidden=st.booleans())
        | st.builds(commands.MoveLayers, layer_ids=some, before=st.none() | one, group=texts)
        | st.builds(commands.RemoveLayers, layer_ids=some)
    )
