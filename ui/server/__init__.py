"""The server's life, and what strangers may send it."""
