"""Reference intervals from declared controls."""
