"""The family sparse."""
