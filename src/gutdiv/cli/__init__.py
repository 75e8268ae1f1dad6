"""The command line: reads with io, calls one stage, writes with io."""
