"""Alpha and beta diversity, rarefaction and ordination."""
