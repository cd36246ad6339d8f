"""Figures of variational autoencoders."""
