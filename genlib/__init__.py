"""genlib: autoencoders, GANs and diffusion models that one can train, look into and break."""

__version__ = "0.1.0"
