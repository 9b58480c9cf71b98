"""Whether a plugin keeps the contract: tried in a process of its own, and told line by line with the cure.

``checking`` looks at the files and starts the process; ``trial`` and what it imports run there and need numpy only, so
that a plugin can be tried in its own environment.
"""
