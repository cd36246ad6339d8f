"""genlib: autoencoders, GANs and diffusion models that one can train, look into and break."""
