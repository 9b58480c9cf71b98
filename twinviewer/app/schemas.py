"""Writes those pages of ``docs`` that follow from the code: ``python -m twinviewer.app.schemas docs``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from twinviewer.app import description, problems, project_file, tours
from twinviewer.app.plugins import contract_pages, listing
from twinviewer.app.plugins.conformance import report
from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.plugin_page import plugin_page
from twinviewer.app.plugins.registry import PluginRegistry

_PROBLEMS_HEAD = """# Problems

What the Problems panel, the command line and the log can tell, by code. A file is only ever read: whatever is wrong
with it, nothing on disk changes. This page is written from `assets/problems/en.json` by `make schemas`.
"""

_BUNDLED_HEAD = """# Plugins that ship with the program

What each adds, may do and lets you set. `twinviewer plugin describe ID` prints the same about any plugin. This page is
written from the manifests by `make schemas`.
"""


def published() -> dict[str, str]:
    """Return each page by its path below ``docs``."""
    schemas = {
        "info": description.json_schema(),
        "plugin": contract_pages.manifest_schema(),
        "plugin-check": report.json_schema(),
        "plugin-list": listing.json_schema(),
        "project": project_file.json_schema(),
        "tour": tours.json_schema(),
    }
    return {
        "problems.md": _problems_page(),
        "plugins/bundled.md": _bundled_page(),
        **contract_pages.pages(),
        **{
            f"schema/{name}.schema.json": json.dumps(schema, indent=2, sort_keys=True) + "\n"
            for name, schema in schemas.items()
        },
    }


def _problems_page() -> str:
    parts = [_PROBLEMS_HEAD]
    for code, explanation in problems.catalogue("en").items():
        parts.append(
            f"## `{code}`\n\n**{explanation.title}.** {explanation.what}\n\n"
            f"- Kept: {explanation.kept}\n- What to do: {explanation.do}\n"
        )
    return "\n".join(parts)


def _bundled_page() -> str:
    bundled = (plugin for plugin in PluginRegistry().plugins if plugin.origin is PluginOrigin.BUNDLED)
    pages = (plugin_page(plugin) for plugin in sorted(bundled, key=lambda plugin: plugin.id))
    return "\n".join([_BUNDLED_HEAD, *(page.replace("# ", "## ") for page in pages)])


if __name__ == "__main__":
    for name, content in published().items():
        page = Path(sys.argv[1], name)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(content, encoding="utf-8")
