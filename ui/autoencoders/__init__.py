"""Figures of autoencoders."""
