"""Which plugins there are and how they fare, as a page to read."""

from __future__ import annotations

from html import escape

from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.ui.themes import Theme


def plugins_html(registry: PluginRegistry, theme: Theme) -> str:
    """Return the page: each plugin with what it contributes and what went wrong, then those that were refused."""
    colours = f".bad {{ color: {theme.error}; }} .muted {{ color: {theme.muted}; }}"
    head = f"<style>td {{ padding: 3px 14px 3px 0; }} h3 {{ margin-top: 18px; margin-bottom: 2px; }} {colours}</style>"
    safe = "<p>Safe mode: only what is built in was loaded.</p>" if registry.safe_mode else ""
    plugins = "".join(_plugin(plugin, registry) for plugin in registry.plugins)
    refused = "".join(f'<p class="bad">{escape(str(error))}</p>' for error in registry.problems)
    return f"{head}{safe}{plugins}" + (f"<h3>Refused</h3>{refused}" if refused else "")


def _plugin(plugin: Plugin, registry: PluginRegistry) -> str:
    manifest = plugin.manifest
    rows = []
    contributions = [("overlay", overlay.id, overlay.title) for overlay in manifest.overlays]
    contributions += [("reader", reader.id, reader.title) for reader in manifest.readers]
    for kind, contribution_id, title in contributions:
        failure = registry.failure(contribution_id)
        state = "" if failure is None else f'<span class="bad">{escape(failure.error.problem)}</span>'
        if failure is not None and failure.disabled:
            state += ' <span class="bad">Switched off.</span>'
        rows.append(f"<tr><td>{escape(title)}</td><td>{kind}</td><td>{state}</td></tr>")
    permissions = manifest.permissions
    wants = ", ".join((*permissions.network, *permissions.read, *permissions.write)) or "nothing"
    return (
        f'<h3>{escape(manifest.name)} <span class="muted">{escape(manifest.version)}</span></h3>'
        f'<p class="muted">{escape(plugin.origin)}, licence {escape(manifest.licence)}, asks for {wants}.'
        f" {escape(manifest.description)}</p><table>{''.join(rows)}</table>"
    )
