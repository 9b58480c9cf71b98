"""What a check found out, for people, for machines, and as a badge."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from twinviewer import __version__
from twinviewer.api.contracts import API_VERSION
from twinviewer.app.plugins.conformance.verdicts import Finding, Outcome

SIGNS = {Outcome.PASSED: "✓", Outcome.WARNING: "!", Outcome.FAILED: "✗"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was found out about one plugin."""

    plugin_id: str
    """Empty where the manifest does not say."""
    version: str
    findings: tuple[Finding, ...]
    took_s: float

    @property
    def conforms(self) -> bool:
        return not any(finding.outcome is Outcome.FAILED for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the report as ``docs/schema/plugin-check.schema.json`` says."""
        return {
            "api": API_VERSION,
            "conforms": self.conforms,
            "findings": [finding.to_json() for finding in self.findings],
            "plugin": self.plugin_id,
            "took_s": round(self.took_s, 2),
            "twinviewer": __version__,
            "version": self.version,
        }

    def lines(self) -> Iterator[str]:
        """Yield the report as a table: sign, contribution, check, what was found out; and below it what to do."""
        subjects = [finding.subject or "plugin" for finding in self.findings]
        left = max((len(subject) for subject in subjects), default=0)
        middle = max((len(finding.check) for finding in self.findings), default=0)
        for subject, finding in zip(subjects, self.findings, strict=True):
            yield f"{SIGNS[finding.outcome]} {subject:<{left}}  {finding.check:<{middle}}  {finding.text}."
            if finding.outcome is not Outcome.PASSED and finding.cure:
                yield f"  {'':<{left}}  {'':<{middle}}  → {finding.cure}"
        counts = Counter(finding.outcome for finding in self.findings)
        told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        verdict = f"conforms (api {API_VERSION})" if self.conforms else f"does not conform (api {API_VERSION})"
        yield f"“{self.plugin_id or 'The plugin'}” {verdict}: {told}, {self.took_s:.1f} s."

    def badge(self) -> str:
        """Return an SVG picture that says whether it conforms."""
        text = f"conforms (api {API_VERSION})" if self.conforms else "does not conform"
        return _badge("twinviewer plugin", text, colour="#2e7d32" if self.conforms else "#b3261e")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of :meth:`Report.to_json`."""
    text = {"type": "string"}
    finding = {
        "check": {**text, "description": "Name of the check."},
        "subject": {**text, "description": "Contribution id; empty: the whole plugin."},
        "outcome": {"enum": [str(outcome) for outcome in Outcome]},
        "text": {**text, "description": "What was found out."},
        "cure": {**text, "description": "What is to be done; empty: nothing."},
        "details": {**text, "description": "A traceback; empty: there is none."},
    }
    members = {
        "api": {"type": "integer", "description": "Number of the plugin contract."},
        "conforms": {"type": "boolean", "description": "Whether nothing failed."},
        "findings": {"type": "array", "items": _object(finding)},
        "plugin": {**text, "description": "Id of the plugin; empty where its manifest does not say."},
        "took_s": {"type": "number"},
        "twinviewer": {**text, "description": "Version of the program that checked."},
        "version": {**text, "description": "Of the plugin."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "twinviewer plugin check",
        **_object(members),
    }


def _object(members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": sorted(members), "additionalProperties": False}


_LETTER_PX = 6.6
"""Mean width of a letter of the badge's font."""


def _badge(left: str, right: str, *, colour: str) -> str:
    widths = [round(len(text) * _LETTER_PX) + 12 for text in (left, right)]
    whole = sum(widths)
    title = html.escape(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<clipPath id="round"><rect width="{whole}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#round)"><rect width="{widths[0]}" height="20" fill="#444"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{widths[0] / 2}" y="14">{html.escape(left)}</text>'
        f'<text x="{widths[0] + widths[1] / 2}" y="14">{html.escape(right)}</text></g></svg>\n'
    )
