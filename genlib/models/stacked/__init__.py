"""The family stacked."""
