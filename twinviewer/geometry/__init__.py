"""Arrays in, arrays out: triangulate, drape, georeference.  No files, no Qt, no VTK."""
