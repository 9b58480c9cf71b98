"""Wheels and archives of plugins, written by hand as PEP 427 has them."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

MANIFEST = """api = 1
id = "{id}"
name = "Thermometers"
version = "{version}"
licence = "CC0-1.0"
{more}
[[commands]]
id = "{id}.tell"
title = "Tell"
run = "code:tell"
"""
CODE = 'def tell(**rest):\n    return "told"\n'


def manifest(*, id: str = "thermometers", version: str = "1.0.0", more: str = "") -> str:
    return MANIFEST.format(id=id, version=version, more=more)


def write_plugin_folder(folder: Path, *, code: str = CODE, **facts: str) -> Path:
    """Write a plugin as a plain folder."""
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(manifest(**facts))
    (folder / "code.py").write_text(code)
    return folder


def write_wheel(
    folder: Path,
    *,
    name: str = "thermometers",
    version: str = "1.0.0",
    files: Mapping[str, str | bytes],
    requires: Sequence[str] = (),
    entry_points: str = "",
    python: str = ">=3.11",
    tag: str = "py3-none-any",
) -> Path:
    """Write a wheel that pip takes."""
    information = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {python}\n"
    metadata += "".join(f"Requires-Dist: {each}\n" for each in requires)
    held: dict[str, bytes] = {path: each.encode() if isinstance(each, str) else each for path, each in files.items()}
    held[f"{information}/METADATA"] = metadata.encode()
    held[f"{information}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    if entry_points:
        held[f"{information}/entry_points.txt"] = entry_points.encode()
    record = "".join(f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in held.items())
    held[f"{information}/RECORD"] = f"{record}{information}/RECORD,,\n".encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in held.items():
            archive.writestr(path, content)
    return wheel


def write_plugin_wheel(
    folder: Path, *, requires: Sequence[str] = (), package: str = "thermometers", code: str = CODE, **facts: str
) -> Path:
    """Write a plugin's wheel."""
    version = facts.get("version", "1.0.0")
    return write_wheel(
        folder,
        version=version,
        files={
            f"{package}/__init__.py": "",
            f"{package}/plugin.toml": manifest(**facts),
            f"{package}/code.py": code,
        },
        requires=["twinviewer", *requires],
        entry_points=f"[twinviewer.plugins]\nthermometers = {package}\n",
    )


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
