"""What things are: values, units, reference systems and the document.

Nothing here reads a file, opens a window or draws.  It may import numpy and pyproj, nothing else.
"""
