# Writes the numbers of alpha diversity and rarefaction that the tests compare with: Rscript tests/truth/make_alpha_truth.R tests/truth
# Needs vegan and ape (session_info.txt names the versions), and the tables that make_truth.R wrote.
suppressPackageStartupMessages({
  library(vegan)
  library(ape)
})
arguments <- commandArgs(trailingOnly = TRUE)
out <- if (length(arguments) >= 1) arguments[1] else "tests/truth"
exact <- function(x) ifelse(is.na(x), "", sprintf("%.17g", x))
put <- function(frame, name) write.table(frame, file.path(out, name), sep = "\t", quote = FALSE, row.names = FALSE, na = "", fileEncoding = "UTF-8")
rows <- list()
add <- function(data, metric, ids, values) rows[[length(rows) + 1]] <<- data.frame(data = data, metric = metric, sample_id = ids, value = exact(as.numeric(values)))

# ---------------------------------------------------------------- small samples where formulas have corners: counts in edges.tsv
edges <- rbind(
  no_doubletons = c(1, 1, 1, 5, 9, 20, 0, 0), no_singletons = c(3, 4, 5, 6, 7, 8, 0, 0), one_singleton = c(1, 2, 2, 5, 30, 0, 0, 0),
  few = c(1, 1, 2, 2, 2, 9, 0, 0), no_rare = c(50, 11, 12, 0, 0, 0, 0, 0), rare_once = c(1, 1, 1, 40, 0, 0, 0, 0), even = c(4, 4, 4, 4, 4, 4, 4, 4),
  dominated = c(100000, 1, 0, 0, 0, 0, 0, 0), one_feature = c(7, 0, 0, 0, 0, 0, 0, 0), many_singletons = c(1, 1, 1, 1, 1, 1, 2, 0))
put(data.frame(sample_id = rownames(edges), apply(edges, 2, format, scientific = FALSE, trim = TRUE)), "edges.tsv")

bci <- read.delim(file.path(out, "bci.tsv"), row.names = 1, check.names = FALSE)
for (name in c("bci", "edges")) {
  x <- if (name == "bci") as.matrix(bci) else edges
  ids <- rownames(x)
  estimates <- suppressWarnings(estimateR(x))
  add(name, "sobs", ids, specnumber(x))
  add(name, "chao1", ids, estimates["S.chao1", ])
  add(name, "chao1_se", ids, estimates["se.chao1", ])
  add(name, "ace", ids, estimates["S.ACE", ])
  add(name, "shannon", ids, diversity(x))
  add(name, "simpson", ids, diversity(x, "simpson"))
  add(name, "inv_simpson", ids, diversity(x, "invsimpson"))
  hill <- as.matrix(renyi(x, scales = c(0, 1, 2), hill = TRUE))
  for (q in 0:2) add(name, paste0("hill_", q), ids, hill[, as.character(q)])
  add(name, "pielou_e", ids, diversity(x) / log(specnumber(x)))
  add(name, "berger_parker_d", ids, apply(x, 1, max) / rowSums(x))  # vegan: exp(-renyi(x, Inf))
  stopifnot(all.equal(as.numeric(apply(x, 1, max) / rowSums(x)), as.numeric(exp(-renyi(x, Inf)))))
  add(name, "goods_coverage", ids, 1 - rowSums(x == 1) / rowSums(x))
  # vegan's root is found to 1e-4 at its default: the same equation, solved to the last digit
  fisher <- vapply(ids, function(i) {
    s <- specnumber(x[i, ]); n <- sum(x[i, ])
    if (s == n) return(NA)
    uniroot(function(a) a * log1p(n / a) - s, c(1e-9, 1e9), tol = .Machine$double.eps, maxiter = 10000)$root
  }, 0)
  if (name == "bci") stopifnot(all.equal(as.numeric(fisher), as.numeric(fisher.alpha(x)), tolerance = 1e-4))  # it finds no root for some edges
  add(name, "fisher_alpha", ids, fisher)
}

# ---------------------------------------------------------------- rarefaction: expected richness and its standard deviation
for (depth in c(2, 20, 100, 340)) {
  r <- suppressWarnings(rarefy(as.matrix(bci), depth, se = TRUE))
  add("bci", paste0("rarefy_", depth), rownames(bci), r["S", ])
  add("bci", paste0("rarefy_se_", depth), rownames(bci), r["se", ])
}

# ---------------------------------------------------------------- phylogenetic Hill numbers of phyloseq's esophagus, from the definition
# (Chao, Chiu & Jost 2010, equation 6): branches of length L with the share a below them, T = sum L a; the tree is not ultrametric
tree <- read.tree(file.path(out, "esophagus.nwk"))
counts <- read.delim(file.path(out, "esophagus.tsv"), row.names = 1, check.names = FALSE)
below <- lapply(tree$edge[, 2], function(node) if (node <= Ntip(tree)) tree$tip.label[node] else extract.clade(tree, node)$tip.label)
for (sample in colnames(counts)) {
  p <- setNames(counts[[sample]] / sum(counts[[sample]]), rownames(counts))
  a <- vapply(below, function(tips) sum(p[tips]), 0)
  held <- a > 0
  L <- tree$edge.length[held]; a <- a[held]; height <- sum(L * a)
  add("esophagus", "phylo_hill_0", sample, sum(L) / height)
  add("esophagus", "phylo_hill_1", sample, exp(-sum(L / height * a * log(a))))
  add("esophagus", "phylo_hill_2", sample, 1 / sum(L / height * a^2))
}
put(do.call(rbind, rows), "alpha_truth.tsv")
