"""How it is drawn: actors, camera, light, picking.  The only package that knows VTK."""
