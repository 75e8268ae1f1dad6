"""Arrays in, arrays out: every function here has a naive twin in the tests."""
