"""Families and runs compared."""
