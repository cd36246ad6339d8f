"""The family gan2d."""
