"""Files and folders that a person chose for one call of a plugin, where its process may read them.

A process is held to what its manifest asks for as long as it lives, so it gets a copy in its own folder: what the
person chose may be read without being asked for, and nothing that the plugin does changes it.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from twinviewer.app.folders import plugin_data_dir
from twinviewer.app.plugins.finding import Plugin
from twinviewer.model.errors import PluginError

LARGEST_FOLDER = 2 * 2**30
"""In bytes: what is larger takes too long to copy."""


@contextlib.contextmanager
def within_reach(plugin: Plugin, chosen: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield where the plugin finds what was chosen, by the same keys; copies go when the block ends.

    Args:
        plugin: Whose function is about to be called.
        chosen: Paths of files and folders that are there.

    Raises:
        PluginError: A folder is too large to be copied, or the disk said no.
    """
    permissions = plugin.manifest.permissions
    allowed = [Path(each).expanduser().resolve() for each in (*permissions.read, *permissions.write)]
    out_of_reach = {
        key: Path(path)
        for key, path in chosen.items()
        if plugin.isolated and not any(Path(path).resolve().is_relative_to(each) for each in allowed)
    }
    if not out_of_reach:
        yield dict(chosen)
        return
    home = Path(tempfile.mkdtemp(prefix="chosen-", dir=plugin_data_dir(plugin.id)))
    try:
        copies = {key: str(_copied(path, home / key, plugin)) for key, path in out_of_reach.items()}
        yield {**chosen, **copies}
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _copied(path: Path, home: Path, plugin: Plugin) -> Path:
    try:
        if path.is_file():
            home.mkdir()
            return Path(shutil.copy2(path, home / path.name))
        if sum(each.lstat().st_size for each in path.rglob("*")) <= LARGEST_FOLDER:
            return Path(shutil.copytree(path, home / path.name, symlinks=True))
    except OSError as error:
        raise PluginError(
            f"“{path.name}” cannot be copied to where the plugin may read it ({error.strerror or error}).",
            cure="Check who may read it, and whether there is room on the disk.",
            source=plugin.name,
        ) from error
    raise PluginError(
        f"The folder “{path.name}” is larger than the {LARGEST_FOLDER // 2**30} GiB that can be copied to where the "
        "plugin may read them.",
        cure="Choose a smaller one, or a plugin that asks for it under [permissions].",
        source=plugin.name,
    )
