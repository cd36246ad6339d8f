"""What every task shares: where it works, and how it tells how far it is."""
