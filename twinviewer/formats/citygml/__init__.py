"""CityGML 1.0, 2.0 and 3.0: member by member, every geometry at once."""

from twinviewer.formats.citygml.reader import probe, read

__all__ = ["probe", "read"]
