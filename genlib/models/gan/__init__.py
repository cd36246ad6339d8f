"""The family gan."""
