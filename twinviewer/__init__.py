"""twinviewer: an interactive desktop viewer for local digital twins of cities."""

__version__ = "0.1.0"
