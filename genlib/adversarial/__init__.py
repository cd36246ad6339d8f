"""The game of two players that all GANs share: losses, cures, and the two phases of a step."""
