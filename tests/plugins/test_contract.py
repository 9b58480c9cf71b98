"""What every contribution promises, ours or not, built in or not: called as the viewer calls it."""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.plugins import sites
from twinviewer.app.plugins.manifest import OverlayContribution, ReaderContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.result_checks import checked_batches, checked_requests
from twinviewer.app.sources import Sources
from twinviewer.app.workers import ReaderPool
from twinviewer.live.store import GAP_PERIODS, ObservationStore
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.errors import FeedError, TwinViewerError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.observation import Batch, ObservationBatch

MONDAY_8 = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)


def example_of_the_docs(folder: Path) -> Path:
    """Write the files that docs/plugins.md shows, as it shows them."""
    text = (ROOT / "docs/plugins.md").read_text()
    home = folder / "example"
    home.mkdir(parents=True)
    for name, content in re.findall(r"^```\w+ (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        (home / name).write_text(content)
    assert sorted(path.name for path in home.iterdir()) == ["plugin.toml", "thermometers.py"]
    return folder


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> PluginRegistry:
    return PluginRegistry(folders=[ROOT / "plugins", example_of_the_docs(tmp_path_factory.mktemp("docs"))])


def _overlay_ids() -> list[str]:
    return [*(overlay.id for overlay in PluginRegistry(folders=[ROOT / "plugins"]).overlays), "thermometers.air"]


OVERLAYS = _overlay_ids()
READERS = [reader.id for reader in PluginRegistry(folders=[]).readers]


@pytest.fixture(scope="session")
def town() -> sites.SessionSite:
    return sites.grid_town(5)


class Overlay:
    """An overlay's two functions, called by keyword."""

    def __init__(self, registry: PluginRegistry, overlay_id: str) -> None:
        contribution = registry.overlay(overlay_id)
        assert contribution is not None
        self.contribution: OverlayContribution = contribution
        plugin = registry.plugin_of(overlay_id)
        self.feed = registry.resolve(contribution.feed, plugin)
        self.encode = registry.resolve(contribution.encode, plugin)

    def ask(self, site: sites.SessionSite, start: datetime, end: datetime) -> tuple[Batch, ...]:
        return checked_batches(self.feed(site=site, start=start, end=end, feedback=Silent()))

    def show(self, site: sites.SessionSite, instant: datetime) -> tuple[Sequence[Any], tuple[DrawingRequest, ...]]:
        store = ObservationStore(period_s=self.contribution.period_s)
        span = timedelta(seconds=3 * self.contribution.period_s)
        for batch in self.ask(site, instant - span, instant + span):
            store.append(batch)
        frames = store.frames_at(instant)
        return frames, checked_requests(self.encode(frames=frames, site=site))


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, registry: PluginRegistry) -> Overlay:
    return Overlay(registry, request.param)


def rows(batches: Sequence[Batch]) -> dict[tuple[str, str, float], tuple[float, ...]]:
    """Return what batches say, by stream, id and time: independent of order and of how it is cut."""
    found: dict[tuple[str, str, float], tuple[float, ...]] = {}
    for batch in batches:
        if isinstance(batch, ObservationBatch):
            values = zip(batch.thing.tolist(), batch.phenomenon_time_s.tolist(), batch.results.tolist(), strict=True)
            for thing, time, result in values:
                found[batch.property.name, batch.things[thing].id, time] = (result, *batch.things[thing].position)
        else:
            table = np.column_stack((batch.positions, batch.heading_deg, batch.speed_m_s)).tolist()
            for index, time, row in zip(batch.object.tolist(), batch.time_s.tolist(), table, strict=True):
                found["", batch.ids[index], time] = tuple(row)
    return found


def frozen(value: Any) -> Any:
    """Return a deep copy that can be compared: arrays as bytes."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value), *(frozen(getattr(value, item.name)) for item in fields(value)))
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


# --- every contribution -------------------------------------------------------------------------------------------


def test_every_manifest_is_accepted(registry: PluginRegistry) -> None:
    assert registry.problems == ()
    assert {overlay.id for overlay in registry.overlays} == set(OVERLAYS)


def functions_of(contribution: ReaderContribution | OverlayContribution) -> dict[str, str]:
    if isinstance(contribution, OverlayContribution):
        return {"feed": contribution.feed, "encode": contribution.encode}
    return {"read": contribution.read, **({"probe": contribution.probe} if contribution.probe else {})}


ARGUMENTS = {
    "feed": ("site", "start", "end", "feedback"),
    "encode": ("frames", "site"),
    "read": ("path", "feedback"),
    "probe": ("path",),
}


@pytest.mark.parametrize("contribution_id", [*OVERLAYS, *READERS])
def test_its_functions_are_there_and_take_their_arguments_by_keyword(
    registry: PluginRegistry, contribution_id: str
) -> None:
    contribution = registry.overlay(contribution_id) or registry.reader(contribution_id)
    assert contribution is not None
    for role, reference in functions_of(contribution).items():
        function = registry.resolve(reference, registry.plugin_of(contribution_id))
        inspect.signature(function).bind(**dict.fromkeys(ARGUMENTS[role]))
        assert function.__doc__ or contribution_id == "thermometers.air", "the example is short"


# --- overlays -----------------------------------------------------------------------------------------------------


def test_a_feed_says_the_same_each_time(overlay: Overlay, town: sites.SessionSite) -> None:
    span = timedelta(seconds=10 * overlay.contribution.period_s)
    first = rows(overlay.ask(town, MONDAY_8, MONDAY_8 + span))
    assert first
    assert first == rows(overlay.ask(town, MONDAY_8, MONDAY_8 + span))
    again = sites.grid_town(5)
    assert first == rows(overlay.ask(again, MONDAY_8, MONDAY_8 + span)), "in the same town, too"


def test_a_feed_says_only_what_it_was_asked_for(overlay: Overlay, town: sites.SessionSite) -> None:
    period_s = overlay.contribution.period_s
    rng = random.Random(1)
    for _ in range(10):
        start = MONDAY_8 + timedelta(seconds=rng.uniform(-1e6, 1e6))
        end = start + timedelta(seconds=rng.uniform(0, 5) * period_s)
        for _, _, time in rows(overlay.ask(town, start, end)):
            assert start.timestamp() <= time < end.timestamp()


def test_what_a_feed_says_of_two_spans_is_what_it_says_of_both(overlay: Overlay, town: sites.SessionSite) -> None:
    period_s = overlay.contribution.period_s
    rng = random.Random(2)
    for day in (0, 3, 6, 200):
        start = MONDAY_8 + timedelta(days=day, seconds=rng.uniform(0, 86400))
        middle = start + timedelta(seconds=rng.uniform(0, 8) * period_s)
        end = middle + timedelta(seconds=rng.uniform(0, 8) * period_s)
        parts = rows(overlay.ask(town, start, middle)) | rows(overlay.ask(town, middle, end))
        assert parts == rows(overlay.ask(town, start, end))


def test_a_feed_leaves_no_gap_in_which_things_would_vanish(overlay: Overlay, town: sites.SessionSite) -> None:
    period_s = overlay.contribution.period_s
    said = rows(overlay.ask(town, MONDAY_8, MONDAY_8 + timedelta(seconds=50 * period_s)))
    times = np.unique([time for _, _, time in said])
    assert np.diff(times).max() <= GAP_PERIODS * period_s
    assert times[0] - MONDAY_8.timestamp() <= period_s


SITES: dict[str, Callable[[], sites.SessionSite]] = {
    "an empty place": lambda: sites.site(),
    "houses without streets": lambda: sites.site(buildings=sites.buildings(3)),
    "streets without houses": lambda: sites.site(streets=sites.grid_streets(2)),
    "a table without streets": lambda: sites.site(streets=sites.street_table([], [])),
    "one street": lambda: sites.site(
        streets=sites.street_table([np.array([[sites.WEST, sites.SOUTH, 0], [sites.WEST + 80, sites.SOUTH, 0]])], ["x"])
    ),
    "a point of a place": lambda: sites.site(side_m=0.0),
}


@pytest.mark.parametrize("place", SITES)
def test_wherever_it_is_asked_it_answers_or_says_why_not(overlay: Overlay, place: str) -> None:
    somewhere = SITES[place]()
    told: list[FeedError] = []
    try:
        frames, _ = overlay.show(somewhere, MONDAY_8)
    except FeedError as error:
        told.append(error)
        frames = ()
    assert frames or (told[0].problem and told[0].cure)


def test_a_feed_that_is_stopped_stops_or_is_done_at_once(overlay: Overlay) -> None:
    class Stopped(Silent):
        def stop_if_cancelled(self) -> None:
            raise Cancelled

    try:
        overlay.feed(site=sites.grid_town(3), start=MONDAY_8, end=MONDAY_8 + timedelta(seconds=10), feedback=Stopped())
    except Cancelled:
        return


def test_encoding_is_pure(overlay: Overlay, town: sites.SessionSite) -> None:
    frames, first = overlay.show(town, MONDAY_8)
    assert first
    before = frozen(frames)
    again = checked_requests(overlay.encode(frames=frames, site=town))
    assert frozen(frames) == before, "the frames are not written to"
    assert frozen(again) == frozen(first)


def test_encoding_nothing_gives_nothing_or_something_valid(overlay: Overlay, town: sites.SessionSite) -> None:
    assert checked_requests(overlay.encode(frames=(), site=town)) is not None
    early = ObservationStore(period_s=overlay.contribution.period_s)
    for batch in overlay.ask(town, MONDAY_8, MONDAY_8 + timedelta(seconds=5 * overlay.contribution.period_s)):
        early.append(batch)
    frames = early.frames_at(MONDAY_8 - timedelta(days=1))
    assert frames, "all is known to be there, and nothing of that day"
    checked_requests(overlay.encode(frames=frames, site=town))


def test_what_is_made_up_says_so(overlay: Overlay) -> None:
    assert overlay.contribution.simulated == ("simulated" in overlay.contribution.title)


# --- readers ------------------------------------------------------------------------------------------------------

GARBAGE = {
    "zeros": bytes(5000),
    "noise": random.Random(3).randbytes(5000),
    "a word": b"hello\n",
    "an empty object": b"{}",
    "an empty list": b"[]",
    "an XML element": b"<a/>",
    "an unclosed XML element": b"<?xml version='1.0'?><a",
    "the beginning of a LAS file": b"LASF" + bytes(300),
    "the beginning of a GeoPackage": b"SQLite format 3\0" + bytes(500),
    "the beginning of a TIFF": b"II*\0\x08\0\0\0\xff\xff" + bytes(200),
    "the beginning of a GLB": b"glTF\x02\0\0\0\xff\xff\xff\xff" + bytes(50),
    "the beginning of a PLY": b"ply\nformat ascii 1.0\nelement vertex 9999999999\n",
    "a UTF-16 text": "{}".encode("utf-16"),
    "a zip": b"PK\x03\x04" + bytes(100),
    "an HTML page": b"<!DOCTYPE html><html><body>404</body></html>",
}


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with_workers = ReaderPool(size=1)
    yield with_workers
    with_workers.close()


@pytest.mark.parametrize("reader_id", READERS)
def test_a_reader_says_in_words_that_garbage_is_not_its_own(
    registry: PluginRegistry, pool: ReaderPool, tmp_path: Path, reader_id: str
) -> None:
    """In a worker, as always; a bare exception or a dead worker counts as a failure here."""
    reader = registry.reader(reader_id)
    assert reader is not None
    sources = Sources(registry=registry, pool=pool)
    for number, (what, content) in enumerate(GARBAGE.items()):
        path = tmp_path / reader.patterns[0].replace("*", f"garbage-{number}")
        path.write_bytes(content)
        with pytest.raises(TwinViewerError) as caught:
            pool.read(sources.request(path, reader), Silent())
        assert caught.value.code.startswith("read"), f"{what}: {caught.value!r}"
        assert caught.value.code != "read.worker-died", what


@pytest.mark.parametrize("reader_id", [reader for reader in READERS if PluginRegistry(folders=[]).reader(reader).probe])
def test_a_probe_answers_whatever_the_file(registry: PluginRegistry, tmp_path: Path, reader_id: str) -> None:
    reader = registry.reader(reader_id)
    assert reader is not None
    assert reader.probe is not None
    probe = registry.resolve(reader.probe, registry.plugin_of(reader_id))
    path = tmp_path / "file"
    for content in (b"", *GARBAGE.values()):
        path.write_bytes(content)
        assert 0.0 <= probe(path=path) <= 1.0
