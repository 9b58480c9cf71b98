"""What a plugin is and what can be set in it, as a page of Markdown made from its manifest; none of its code runs."""

from __future__ import annotations

from collections.abc import Sequence

from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.manifest import CONTRIBUTION_TABLES, Contribution, Parameter
from twinviewer.app.plugins.permission_words import permissions_in_words


def plugin_page(plugin: Plugin) -> str:
    """Return the page of a plugin: what it adds, what it may do, its settings and the parameters of its analyses."""
    manifest = plugin.manifest
    lines = [f"# {_text(manifest.name)} {_text(manifest.version)}", ""]
    if manifest.description:
        lines += [_text(manifest.description), ""]
    lines += [f"`{manifest.id}`, licence {_text(manifest.licence)}{_homepage(manifest.homepage)}", ""]
    lines += ["## What it adds", "", "| | id | what it is |", "|---|---|---|"]
    for table in CONTRIBUTION_TABLES:
        for contribution in getattr(manifest, table):
            lines.append(_contribution(contribution, table))
    lines += ["", "## What it may do", ""]
    lines += [f"- {sentence}" for sentence in _rights(plugin)] + [""]
    if manifest.settings:
        lines += ["## Settings", "", *_parameters(manifest.settings), ""]
    for analysis in manifest.analyses:
        if analysis.parameters:
            lines += [f"## Parameters of “{_text(analysis.title)}”", "", *_parameters(analysis.parameters), ""]
    return "\n".join(lines)


def _contribution(contribution: Contribution, table: str) -> str:
    told = contribution.description or contribution.title
    title = contribution.title if contribution.description else ""
    words = f"**{_text(title)}.** {_text(told)}" if title else _text(told)
    return f"| {table} | `{contribution.id}` | {words} |"


def _rights(plugin: Plugin) -> list[str]:
    where = "in a process of its own" if plugin.isolated else "inside the viewer"
    rights = [f"Its code runs {where}."]
    if plugin.requirements:
        rights.append(f"It brings {', '.join(f'`{each}`' for each in plugin.requirements)} in its own environment.")
    asked = permissions_in_words(plugin)
    if asked:
        return rights + [_text(sentence) for sentence in asked if sentence not in rights]
    return [*rights, "It asks for nothing beyond its own folders." if plugin.isolated else "It asks for nothing."]


def _parameters(parameters: Sequence[Parameter]) -> list[str]:
    lines = ["| | key | may be | default |", "|---|---|---|---|"]
    for each in parameters:
        description = f": {_text(each.description)}" if each.description else ""
        title = f"**{_text(each.title)}**{description}"
        lines.append(f"| {title} | `{each.key}` | {_range(each)} | {_default(each)} |")
    return lines


def _range(parameter: Parameter) -> str:
    unit = f" {_text(parameter.unit)}" if parameter.unit else ""
    match parameter.type:
        case "choice":
            return ", ".join(_text(choice) for choice in parameter.choices)
        case "boolean":
            return "yes or no"
        case "secret":
            return "a secret, kept in the system's keyring"
        case "layer":
            return f"a layer ({', '.join(parameter.kinds)})" if parameter.kinds else "a layer"
        case "number" | "integer":
            kind = "a whole number" if parameter.type == "integer" else "a number"
            low, high = parameter.minimum, parameter.maximum
            if low is not None and high is not None:
                return f"{kind}, {low:g} to {high:g}{unit}"
            if low is not None:
                return f"{kind}, at least {low:g}{unit}"
            return f"{kind}, at most {high:g}{unit}" if high is not None else f"{kind}{unit and ', in'}{unit}"
        case kind:
            return {"text": "a text", "colour": "a colour", "file": "a file", "folder": "a folder"}[kind]


def _default(parameter: Parameter) -> str:
    value = parameter.default
    if value is None:
        return "must be chosen"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value = f"{value:g}"
    return f"{_text(str(value))}{f' {_text(parameter.unit)}' if parameter.unit else ''}" if value != "" else ""


def _homepage(homepage: str) -> str:
    return f", <{homepage}>" if homepage.startswith(("https://", "http://")) and ">" not in homepage else ""


def _text(text: str) -> str:
    """Return text of a stranger so that nothing in it is Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in " ".join(text.split()))
