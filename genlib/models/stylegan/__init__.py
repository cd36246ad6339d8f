"""The family stylegan."""
