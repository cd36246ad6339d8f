"""The family denoising."""
