"""Writes the JSON Schemas that are published in ``docs/schema``: ``python -m twinviewer.app.schemas FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from twinviewer.app import manifest, project_file


def published() -> dict[str, dict[str, Any]]:
    """Return each schema by its file name."""
    return {
        "plugin.schema.json": manifest.json_schema(),
        "project.schema.json": project_file.json_schema(),
    }


if __name__ == "__main__":
    for name, schema in published().items():
        Path(sys.argv[1], name).write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")
