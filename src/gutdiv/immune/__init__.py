"""Immune-relevant taxa: matching, and their links with diversity."""
