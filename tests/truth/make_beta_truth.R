# Writes the distances that the tests compare with: Rscript tests/truth/make_beta_truth.R tests/truth [DATA]
# Needs vegan, phyloseq, GUniFrac, ape and rhdf5, as Debian packages them (beta_session_info.txt names the versions), and the tables that make_truth.R
# wrote. DATA is the folder of real tables: of two of them, the first samples by id are taken; only their distances are written, by the samples' numbers.
suppressPackageStartupMessages({
  library(vegan)
  library(phyloseq)
  library(GUniFrac)
  library(ape)
  library(rhdf5)
})
arguments <- commandArgs(trailingOnly = TRUE)
out <- if (length(arguments) >= 1) arguments[1] else "tests/truth"
real <- if (length(arguments) >= 2) arguments[2] else ""
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
exact <- function(x) ifelse(is.na(x), "", sprintf("%.17g", x))
put <- function(frame, name) write.table(frame, file.path(out, name), sep = "\t", quote = FALSE, row.names = FALSE, na = "", fileEncoding = "UTF-8")
found <- list()
add <- function(data, metric, source, d) {
  d <- as.matrix(d)
  pairs <- combn(nrow(d), 2)
  found[[length(found) + 1]] <<- data.frame(data = data, metric = metric, source = source, sample_1 = pairs[1, ], sample_2 = pairs[2, ], value = exact(d[t(pairs)]))
}

plain <- function(name, x) {
  add(name, "braycurtis", "vegan", vegdist(x))
  add(name, "jaccard", "vegan", vegdist(x, "jaccard", binary = TRUE))
  add(name, "ruzicka", "vegan", vegdist(x, "jaccard"))
  add(name, "aitchison", "vegan", vegdist(x, "aitchison", pseudocount = 1))
  add(name, "hellinger", "vegan", vegdist(decostand(x, "hellinger"), "euclidean"))
  add(name, "jensenshannon", "phyloseq", sqrt(phyloseq::distance(otu_table(x, taxa_are_rows = FALSE), "jsd")))  # phyloseq's is the divergence
}
on.tree <- function(name, x, tree) {
  both <- phyloseq(otu_table(x, taxa_are_rows = FALSE), phy_tree(tree))
  add(name, "unweighted_unifrac", "phyloseq", UniFrac(both, weighted = FALSE))
  add(name, "weighted_unifrac", "phyloseq", UniFrac(both, weighted = TRUE, normalized = FALSE))
  add(name, "weighted_unifrac_normalized", "phyloseq", UniFrac(both, weighted = TRUE, normalized = TRUE))
  all <- suppressWarnings(GUniFrac(x, tree, alpha = c(0, 0.25, 0.5, 1))$unifracs)
  for (alpha in c(0, 0.25, 0.5, 1)) add(name, paste0("generalized_unifrac_", alpha), "GUniFrac", all[, , paste0("d_", alpha)])
  add(name, "unweighted_unifrac", "GUniFrac", all[, , "d_UW"])
  add(name, "va_unifrac", "GUniFrac", all[, , "d_VAW"])
}

dune <- as.matrix(read.delim(file.path(out, "dune.tsv"), row.names = 1, check.names = FALSE))
plain("dune", dune)
esophagus <- t(as.matrix(read.delim(file.path(out, "esophagus.tsv"), row.names = 1, check.names = FALSE)))
plain("esophagus", esophagus)
on.tree("esophagus", esophagus, read.tree(file.path(out, "esophagus.nwk")))

# samples of unequal depth on a random tree, some branches of length 0
set.seed(11)
tree <- rtree(40, rooted = TRUE)
tree$edge.length[sample(length(tree$edge.length), 6)] <- 0
x <- matrix(rnbinom(12 * 40, 0.4, mu = 30), 12) * (matrix(runif(12 * 40), 12) < 0.6)
x[, 1] <- x[, 1] + 1
x <- x * rep(c(1, 3, 10), 4)
dimnames(x) <- list(sprintf("s%02d", 1:12), tree$tip.label)
put(data.frame(sample_id = rownames(x), x, check.names = FALSE), "beta_random.tsv")
write.tree(tree, file.path(out, "beta_random.nwk"), digits = 17)
plain("random", x)
on.tree("random", x, tree)

if (nzchar(real)) for (name in c("hmp_v13_stool", "ob_turnbaugh")) {
  biom <- function(part) as.vector(h5read(file.path(real, name, "table.biom"), part))
  features <- biom("observation/ids"); samples <- biom("sample/ids")
  start <- biom("sample/matrix/indptr"); column <- biom("sample/matrix/indices"); count <- biom("sample/matrix/data")
  first <- order(enc2utf8(samples), method = "radix")[1:8]
  x <- matrix(0, 8, length(features), dimnames = list(samples[first], features))
  for (i in 1:8) { held <- seq_len(start[first[i] + 1] - start[first[i]]) + start[first[i]]; x[i, column[held] + 1] <- count[held] }
  tree <- read.tree(file.path(real, name, "tree.nwk"))
  x <- x[, features %in% tree$tip.label]
  plain(name, x)
  on.tree(name, x, keep.tip(tree, colnames(x)))
}
put(do.call(rbind, found), "beta_truth.tsv")
writeLines(capture.output(sessionInfo()), file.path(out, "beta_session_info.txt"))
