"""Tests between groups and along variables."""
