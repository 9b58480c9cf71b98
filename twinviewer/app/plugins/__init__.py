"""The plugin platform: what plugins there are, what they contribute, where their code runs and how they fare."""
