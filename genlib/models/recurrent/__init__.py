"""The family recurrent."""
