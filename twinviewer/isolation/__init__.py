"""What runs in a process of a plugin's own: needs numpy and the standard library only."""
