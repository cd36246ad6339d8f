"""The family vae."""
