"""Arrays in, arrays out: triangulate, drape, extrude.  No files, no Qt, no VTK."""
