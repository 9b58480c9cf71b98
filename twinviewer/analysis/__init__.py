"""What can be computed from what is loaded."""
