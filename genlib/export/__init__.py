"""A run to take home: as files, as a plain script, as an animation."""
