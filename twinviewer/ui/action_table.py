# ruff: noqa: E501 – a table: one command a line
"""Every command of the window, stated once: menus, toolbar, palette, shortcuts and the help page are made from it.

What a command does is looked up by its id, so that the table needs neither Qt nor a window.
"""

from __future__ import annotations

from dataclasses import dataclass

MENUS = ("File", "Edit", "View", "Layer", "Tools", "Live", "Plugins", "Window", "Help")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One command."""

    id: str
    """Stable: ``file.open``."""
    text: str
    """In the menu, sentence case, ``…`` where more input follows; ``&`` marks the mnemonic."""
    menu: str
    """``File``, or ``View/Theme`` for a submenu."""
    tooltip: str
    """One sentence."""
    icon: str = ""
    keys: tuple[str, ...] = ()
    in_view: bool = False
    """Whether the keys work only while the 3D view has the focus, so that typing elsewhere stays typing."""
    choice: str = ""
    """Name of the group of which one is checked at a time; empty: not a choice."""
    checkable: bool = False
    separator: bool = False
    """Whether a line stands above it in its menu."""
    words: str = ""
    """What else people call it, for the palette."""

    @property
    def title(self) -> str:
        """The text without mnemonic and ellipsis."""
        return self.text.replace("&", "").rstrip("…")

    @property
    def path(self) -> str:
        """Where the menu has it: ``"View › Theme › Dark"``."""
        return " › ".join((*self.menu.split("/"), self.title))


def _spec(id: str, text: str, menu: str, tooltip: str, icon: str = "", *keys: str, **more: bool | str) -> ActionSpec:
    return ActionSpec(id=id, text=text, menu=menu, tooltip=tooltip, icon=icon, keys=keys, **more)  # type: ignore[arg-type]


ACTIONS: tuple[ActionSpec, ...] = (
    _spec("file.new", "&New project", "File", "Start with an empty project.", "file-plus", "Ctrl+N"),
    _spec(
        "file.open", "&Open…", "File", "Open a project, or add files as layers.", "folder-open", "Ctrl+O",
        words="add layer import load data",
    ),
    _spec(
        "file.open_folder", "Open f&older…", "File", "Add everything in a folder that can be read.", "folder-plus",
        "Ctrl+Shift+O",
    ),
    _spec("file.demo", "Open &demo city", "File", "Open a fictional town with everything in it.", "building-2", words="sample"),
    _spec("file.save", "&Save", "File", "Save the project.", "save", "Ctrl+S", separator=True),
    _spec("file.save_as", "Save &as…", "File", "Save the project under another name.", "save-all", "Ctrl+Shift+S"),
    _spec(
        "file.picture", "Save &picture…", "File", "Save the view as a picture with scale bar and north arrow.", "camera",
        "P", in_view=True, separator=True, words="screenshot image export png",
    ),
    _spec(
        "file.clear_cache", "C&lear cache", "File", "Remove what is kept of opened files so that they open at once the next time.",
        "trash-2", separator=True, words="disk space temporary free remove",
    ),
    _spec("file.quit", "&Quit", "File", "Close the program.", "log-out", "Ctrl+Q", separator=True, words="exit"),
    _spec("edit.undo", "&Undo", "Edit", "Take back the last change.", "undo-2", "Ctrl+Z"),
    _spec("edit.redo", "&Redo", "Edit", "Do again what was undone.", "redo-2", "Ctrl+Shift+Z", "Ctrl+Y"),
    _spec(
        "edit.copy_coordinates", "Copy &coordinates", "Edit", "Copy the position of the selection or of the cursor.",
        "copy", "C", in_view=True, separator=True, words="position clipboard",
    ),
    _spec("edit.copy_id", "Copy object &id", "Edit", "Copy the id of the selected object.", "copy", words="gml:id clipboard"),
    _spec("edit.deselect", "&Deselect", "Edit", "Select nothing.", "x", "Esc", in_view=True),
    _spec(
        "edit.settings", "&Settings…", "Edit", "Choose language, navigation, time zone and motion.", "settings", "Ctrl+,",
        separator=True, words="preferences options",
    ),
    _spec("view.fit", "&Fit all", "View", "Show everything.", "maximize", "Home", in_view=True, words="full extent zoom home"),
    _spec(
        "view.fit_selection", "Fit s&election", "View", "Show what is selected: the picked object or the layers.", "focus",
        ".", in_view=True, words="zoom frame",
    ),
    _spec("view.north", "&North up", "View", "Turn the view to the north.", "compass", "N", in_view=True, words="reset compass"),
    _spec("view.top", "&Top view", "View", "Look straight down.", "map", "U", in_view=True, separator=True, words="plan 2d"),
    _spec("view.isometric", "&Isometric view", "View", "Look from the south-west, obliquely.", "box", words="axonometric"),
    _spec("view.street", "&Street view", "View", "Stand in the middle of the picture.", "footprints", words="walk eye level"),
    _spec("view.parallel", "&Parallel projection", "View", "Draw without perspective.", "axis-3d", checkable=True, words="orthographic"),
    _spec("view.section", "Se&ction", "View", "Cut the city open: what is selected, or else everything.", "slice", "X", in_view=True, checkable=True, words="cut slice clip plane interior floor plan cross-section"),
    _spec("view.zoom_in", "Zoom in", "View", "Go closer.", "zoom-in", "+", in_view=True, separator=True),
    _spec("view.zoom_out", "Zoom out", "View", "Go farther away.", "zoom-out", "-", in_view=True),
    _spec(
        "view.add_bookmark", "Add &bookmark…", "View/Bookmarks", "Keep this view under a name.", "bookmark-plus", "Ctrl+B",
        words="save view theme",
    ),
    _spec(
        "view.remove_bookmark", "&Remove bookmark…", "View/Bookmarks", "Forget a kept view.", "trash-2",
    ),
    _spec("preset.planning", "&Planning", "View/Render preset", "Edges, shadows and ambient occlusion, for planning.", "", choice="preset"),
    _spec("preset.point-cloud", "Point &clouds", "View/Render preset", "Eye-dome lighting, for laser points.", "", choice="preset"),
    _spec("preset.presentation", "P&resentation", "View/Render preset", "Soft light and shadows, for pictures.", "", choice="preset"),
    _spec("preset.safe", "&Safe", "View/Render preset", "The least that weak machines can draw.", "", choice="preset"),
    _spec("navigation.map", "&Map", "View/Navigation", "Left drag moves the ground, as in QGIS and Google Earth.", "hand", choice="navigation"),
    _spec("navigation.orbit", "&Orbit", "View/Navigation", "Middle drag turns around the target, as in Blender.", "orbit", choice="navigation"),
    _spec("theme.system", "As the s&ystem", "View/Theme", "Light or dark as the desktop says.", "contrast", choice="theme"),
    _spec("theme.light", "&Light", "View/Theme", "Dark text on light panels.", "sun", choice="theme"),
    _spec("theme.dark", "&Dark", "View/Theme", "Light text on dark panels.", "moon", choice="theme"),
    _spec("theme.high-contrast", "&High contrast", "View/Theme", "White and yellow on black.", "contrast", choice="theme"),
    _spec(
        "view.presentation", "Start p&resentation", "View", "Full screen, without panels, around the bookmarks; Esc leaves.",
        "presentation", "F5", separator=True, words="kiosk slideshow tour",
    ),
    _spec("view.full_screen", "F&ull screen", "View", "Use the whole screen.", "expand", "F11", checkable=True),
    _spec("layer.add", "&Add layer…", "Layer", "Add files as layers.", "layers", "Ctrl+L", words="open import data source"),
    _spec("layer.zoom", "&Zoom to layer", "Layer", "Show the whole of the selected layers.", "scan", separator=True, words="extent"),
    _spec("layer.toggle", "Show or &hide", "Layer", "Switch the selected layers on or off.", "eye", "Ctrl+H", words="visible visibility"),
    _spec("layer.rename", "Re&name", "Layer", "Give the selected layer another name.", "pencil", "F2"),
    _spec("layer.style", "&Style", "Layer", "Change colours, sizes and level of detail.", "palette", "F7", words="symbology colour"),
    _spec("layer.facts", "&Properties", "Layer", "Show source, reference system, extent and counts.", "info", "F3", words="metadata licence crs"),
    _spec("layer.crs", "Set &reference system…", "Layer", "Say which coordinate reference system a layer is in.", "globe", "Ctrl+Shift+C", words="crs epsg projection"),
    _spec("layer.hide_roofs", "Hide or show roo&fs", "Layer", "Look into buildings from above: hide roofs and ceilings of the selected city models, or of all.", "house", "Ctrl+R", words="interior inside rooms ceiling open"),
    _spec("layer.export", "&Export…", "Layer", "Write the selected layers into a file.", "upload", "Ctrl+E", words="save as write convert geopackage geojson cityjson laz geotiff gltf csv"),
    _spec("layer.reload", "Read a&gain", "Layer", "Read the file of a layer that could not be loaded once more.", "rotate-ccw", words="retry reload refresh"),
    _spec("layer.up", "Move &up", "Layer", "Draw the selected layers over the one above.", "arrow-up", "Ctrl+Shift+Up", separator=True, words="order raise"),
    _spec("layer.down", "Move &down", "Layer", "Draw the selected layers under the one below.", "arrow-down", "Ctrl+Shift+Down", words="order lower"),
    _spec("layer.group", "&Group…", "Layer", "Put the selected layers into a group.", "folder-plus", "Ctrl+G"),
    _spec("layer.show_all", "Show a&ll", "Layer", "Switch all layers on.", "eye", "Ctrl+Shift+U", separator=True),
    _spec("layer.hide_all", "H&ide all", "Layer", "Switch all layers off.", "eye-off", "Ctrl+Shift+H"),
    _spec("layer.remove", "Remo&ve", "Layer", "Take the selected layers out of the project; files stay.", "trash-2", "Ctrl+D", separator=True, words="delete"),
    _spec("tools.search", "&Search…", "Tools", "Find a place, an object id, a layer or a command.", "search", "Ctrl+K", "Ctrl+F", words="find go to"),
    _spec("tools.objects", "Find &object…", "Tools", "Search the city objects of a layer by id, name, class or attribute.", "list-tree", "Ctrl+Shift+F", words="tree search building id attribute"),
    _spec("tools.palette", "&Command palette…", "Tools", "Find a command by its name.", "command", "Ctrl+Shift+P"),
    _spec("tools.identify", "&Identify", "Tools", "Show what lies under the cursor.", "mouse-pointer-click", "I", in_view=True, separator=True, words="info attributes pick"),
    _spec("tools.source", "Show so&urce of object", "Tools", "Show what the file says of the selected city object.", "code", "Ctrl+U", words="xml json gml element"),
    _spec("live.play", "&Play or pause", "Live", "Let time run, or stop it.", "play", "Space", in_view=True),
    _spec("live.now", "Back to &now", "Live", "Follow the present.", "radio", "L", in_view=True, words="real time"),
    _spec("live.back", "Step &back", "Live", "Go back by ten minutes.", "skip-back", "[", in_view=True),
    _spec("live.forward", "Step &forward", "Live", "Go forward by ten minutes.", "skip-forward", "]", in_view=True),
    _spec("live.overlays", "Show &overlays", "Live", "Go to the overlays in the layers panel.", "radio-tower", separator=True, words="sensors traffic air"),
    _spec("plugins.list", "&Plugins panel", "Plugins", "See which plugins there are, how they fare and what they may do.", "puzzle", words="extensions settings permissions health consent"),
    _spec("plugins.install", "&Install plugin…", "Plugins", "Install a plugin from a wheel or an archive.", "download", words="add extension"),
    _spec("plugins.folder", "Open plugin &folder", "Plugins", "Open the folder for your own plugins.", "folder-open"),
    _spec("window.layers", "&Layers", "Window", "Show or hide the layers panel.", "layers", "Ctrl+1", checkable=True),
    _spec("window.objects", "Ob&jects", "Window", "Show or hide the tree of city objects.", "list-tree", "Ctrl+9", checkable=True, words="object tree buildings parts"),
    _spec("window.inspector", "&Inspector", "Window", "Show or hide what was picked.", "info", "Ctrl+2", checkable=True),
    _spec("window.style", "&Style", "Window", "Show or hide the style panel.", "palette", "Ctrl+3", checkable=True),
    _spec("window.time", "&Time", "Window", "Show or hide the time bar.", "clock", "Ctrl+4", checkable=True),
    _spec("window.problems", "&Problems", "Window", "Show or hide the list of problems.", "triangle-alert", "Ctrl+5", checkable=True),
    _spec("window.log", "L&og", "Window", "Show or hide the log.", "scroll-text", "Ctrl+6", checkable=True),
    _spec("window.results", "R&esults", "Window", "Show or hide what analyses found.", "gauge", "Ctrl+7", checkable=True, words="analysis tables"),
    _spec("window.plugins", "Pl&ugins", "Window", "Show or hide the plugins and how they fare.", "puzzle", "Ctrl+8", checkable=True),
    _spec("window.reset", "&Reset layout", "Window", "Put all panels back where they were at first.", "rotate-ccw", separator=True),
    _spec("window.welcome", "&Welcome page", "Window", "Show the page that the program starts with.", "house", words="start home"),
    _spec("help.help", "&Help", "Help", "Show how to move, and all keys.", "circle-question-mark", "F1", words="shortcuts keys navigation"),
    _spec("help.log_folder", "Open &log folder", "Help", "Open the folder of the log and of crash reports.", "file"),
    _spec("help.about", "&About twinviewer", "Help", "Show version and licences.", "info", words="version licence"),
)  # fmt: skip

TOOLBAR: tuple[str | None, ...] = (
    "file.open",
    "file.save",
    None,
    "edit.undo",
    "edit.redo",
    None,
    "view.fit",
    "view.fit_selection",
    "view.north",
    "view.top",
    "view.isometric",
    "view.street",
    "view.section",
    None,
    "view.add_bookmark",
    "file.picture",
    "view.presentation",
    None,
    "tools.search",
)
"""Ids of the toolbar's buttons; None is a line."""
