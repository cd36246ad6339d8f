"""What every task shares: the protocol, where it works, and how far it says that it is."""
