"""The lessons, one page each."""
