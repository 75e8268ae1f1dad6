"""From files to one cohort: alignment, lineages, and what fell out."""
