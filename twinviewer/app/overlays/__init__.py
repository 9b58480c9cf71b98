"""What plugins draw: their feeds and functions on threads of their own, and their answers made fit for the scene."""
