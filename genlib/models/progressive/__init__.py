"""The family progressive."""
