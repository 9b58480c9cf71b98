"""How data gets in: one module per format, each a reader contribution.  Runs in worker processes."""
