"""Figures of diffusion and flow matching."""
