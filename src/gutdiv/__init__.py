"""gutdiv: from a gut 16S abundance table to one report on diversity, dysbiosis and immune-relevant taxa."""

__version__ = "0.1.0"
