"""The family linear."""
