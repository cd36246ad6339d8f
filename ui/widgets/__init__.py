"""Widgets that Streamlit has not: players, pads, pictures."""
