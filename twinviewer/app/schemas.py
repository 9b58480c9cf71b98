"""Writes those pages of ``docs`` that follow from the code: ``python -m twinviewer.app.schemas docs``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from twinviewer.app import description, problems, project_file, tours
from twinviewer.app.plugins import contract_pages, listing
from twinviewer.app.plugins.conformance import report

_PROBLEMS_HEAD = """# Problems

What the Problems panel, the command line and the log can tell, by code. A file is only ever read: whatever is wrong
with it, nothing on disk changes. This page is written from `assets/problems/en.json` by `make schemas`.
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


if __name__ == "__main__":
    for name, content in published().items():
        page = Path(sys.argv[1], name)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(content, encoding="utf-8")
