"""Flags and verdicts of samples against their reference."""
