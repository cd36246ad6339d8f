"""Figures of GANs."""
