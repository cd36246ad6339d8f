"""The family ddpm."""
