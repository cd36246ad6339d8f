"""The family flow."""
