"""Runs: what is asked for, what comes of it, what it costs, and where it is kept."""
