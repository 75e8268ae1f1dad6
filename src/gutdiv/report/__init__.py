"""The words and pictures: one HTML page from result files."""
