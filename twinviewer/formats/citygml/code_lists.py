"""Code lists: what the codes of a CityGML file's attributes mean, where a list is beside the file.

A list is a GML dictionary; ``codeSpace`` names it.  Only files inside the folder of the model are looked at, never
the network.  Cities that keep their lists in a folder ``codelists`` further up (PLATEAU) are understood where that
folder was put beside the file.
"""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from twinviewer.formats.folder import within

_SIZE_LIMIT = 20_000_000


class CodeLists:
    """The lists that were asked for, each read once."""

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._lists: dict[str, dict[str, str]] = {}

    def names(self, code_space: str) -> dict[str, str]:
        """Return the names by their codes; nothing where the list is not there, or is none."""
        if code_space not in self._lists:
            self._lists[code_space] = self._read(code_space)
        return self._lists[code_space]

    def _read(self, code_space: str) -> dict[str, str]:
        if "://" in code_space or not code_space.lower().endswith((".xml", ".gml")):
            return {}
        file_name = code_space.replace("\\", "/").rpartition("/")[2]
        for name in (code_space, f"codelists/{file_name}", file_name):
            file = within(self._folder, name.replace("\\", "/"))
            if file is not None and file.is_file() and file.stat().st_size < _SIZE_LIMIT:
                return _definitions(file)
        return {}


def _definitions(file: Path) -> dict[str, str]:
    """Return the names in a dictionary: a definition's ``name`` is the code, its ``description`` what that means."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.parse(file, parser).getroot()
    except (etree.XMLSyntaxError, OSError):
        return {}
    found: dict[str, str] = {}
    for definition in root.iter("{*}Definition", "{*}DefinitionProxy"):
        names = [(child.text or "").strip() for child in definition.iterfind("{*}name")]
        description = " ".join((definition.findtext("{*}description") or "").split())
        identifier = (definition.findtext("{*}identifier") or "").strip()
        if identifier and names and identifier != names[0]:
            names = [identifier, *names]
        if names and (description or len(names) > 1):
            found[names[0]] = description or names[1]
    return found
