"""The family convolutional."""
