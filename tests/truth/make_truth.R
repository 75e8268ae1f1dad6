# Writes the tables of numbers that the tests compare with. Needed only to remake them:
#   python tests/truth/export_for_r.py DATA FOLDER     (real tables as text; without it the real rows are left out)
#   Rscript tests/truth/make_truth.R tests/truth [FOLDER]
# Needs vegan, phyloseq and ape, as Debian packages them. The versions used stand in session_info.txt.
suppressPackageStartupMessages({
  library(vegan)
  library(phyloseq)
  library(ape)
})
arguments <- commandArgs(trailingOnly = TRUE)
out <- if (length(arguments) >= 1) arguments[1] else "tests/truth"
real <- if (length(arguments) >= 2) arguments[2] else ""
RNGkind("Mersenne-Twister", "Inversion", "Rejection")

put <- function(frame, name) {  # plain numbers as they are in the data; results go through exact()
  for (j in seq_along(frame)) if (is.double(frame[[j]])) frame[[j]] <- ifelse(is.na(frame[[j]]), "", sprintf("%.15g", frame[[j]]))
  write.table(frame, file.path(out, name), sep = "\t", quote = FALSE, row.names = FALSE, na = "", fileEncoding = "UTF-8")
}
exact <- function(x) ifelse(is.na(x), "", sprintf("%.17g", x))

# ---------------------------------------------------------------- tables that ship with vegan
data(dune); data(dune.env); data(varespec); data(varechem); data(BCI); data(BCI.env)
rows <- function(x, prefix) data.frame(sample_id = sprintf("%s%02d", prefix, seq_len(nrow(x))), x, check.names = FALSE)
put(rows(dune, "d"), "dune.tsv")
for (column in c("Moisture", "Use", "Manure")) dune.env[[column]] <- factor(as.character(dune.env[[column]]))
put(rows(dune.env, "d"), "dune_env.tsv")
put(rows(varespec, "v"), "varespec.tsv")
vare.env <- data.frame(grazing = factor(c(rep("grazed", 16), rep("ungrazed", 8))), varechem)
put(rows(vare.env, "v"), "varespec_env.tsv")
put(rows(BCI, "b"), "bci.tsv")
bci.env <- BCI.env[, c("Habitat", "Stream", "EnvHet")]
put(rows(bci.env, "b"), "bci_env.tsv")

# ---------------------------------------------------------------- PERMANOVA
adonis.rows <- list()
adonis.add <- function(name, distances, env, formula, by = "terms", strata = NULL, permutations = 999) {
  set.seed(42)
  right <- as.formula(paste("distances", formula), env = environment())
  block <- if (is.null(strata)) NULL else env[[strata]]
  fit <- if (by == "whole") adonis2(right, env, by = NULL, permutations = permutations, strata = block)
         else adonis2(right, env, by = by, permutations = permutations, strata = block)
  adonis.rows[[length(adonis.rows) + 1]] <<- data.frame(
    data = name, formula = formula, by = by, strata = if (is.null(strata)) "" else strata, permutations = permutations, n = nrow(env),
    term = rownames(fit), df = fit$Df, sum_of_squares = exact(fit$SumOfSqs), r2 = exact(fit$R2), f = exact(fit$F), p = exact(fit[["Pr(>F)"]]))
}
dune.bc <- vegdist(dune); vare.bc <- vegdist(varespec)
for (by in c("terms", "margin", "whole")) {
  for (formula in c("~ Management", "~ A1", "~ Management + A1", "~ A1 + Management", "~ Management * A1", "~ Management + Manure + A1:Moisture")) {
    adonis.add("dune", dune.bc, dune.env, formula, by)
  }
  for (formula in c("~ grazing", "~ grazing + Al + Humdepth", "~ grazing * pH + Al")) adonis.add("varespec", vare.bc, vare.env, formula, by)
}
adonis.add("dune", dune.bc, dune.env, "~ A1 + Management", "margin", strata = "Use", permutations = 9999)
adonis.add("dune", dune.bc, dune.env, "~ Management", "terms", strata = "Use", permutations = 9999)
adonis.add("dune", dune.bc, dune.env, "~ Management + A1", "terms", permutations = 9999)
adonis.add("varespec", vare.bc, vare.env, "~ grazing + Al", "margin", permutations = 9999)
# the nested design in the examples of ?adonis2: nitrogen within fields
set.seed(123)
nested <- expand.grid(rep = gl(2, 1), NO3 = factor(c(0, 10)), field = gl(3, 1))
nested$NO3 <- factor(paste0("n", nested$NO3)); nested$field <- factor(paste0("field", nested$field))
nested$agropyron <- as.numeric(nested$field) + as.numeric(nested$NO3) + 2 + rnorm(12) / 2
nested$schizachyrium <- as.numeric(nested$field) - as.numeric(nested$NO3) + 2 + rnorm(12) / 2
put(rows(nested[, c("NO3", "field", "agropyron", "schizachyrium")], "n"), "nested.tsv")
nested.d <- dist(nested[, c("agropyron", "schizachyrium")])
adonis.add("nested", nested.d, nested, "~ NO3", "terms", permutations = 9999)
adonis.add("nested", nested.d, nested, "~ NO3", "terms", strata = "field", permutations = 9999)
if (nzchar(real)) {
  real.set <- function(name) {
    cells <- read.delim(file.path(real, paste0(name, ".cells.tsv")))
    counts <- matrix(0, max(cells$row), max(cells$column)); counts[cbind(cells$row, cells$column)] <- cells$count
    env <- read.delim(file.path(real, paste0(name, ".metadata.tsv")), colClasses = "character", na.strings = c("", "NA"))
    list(d = vegdist(decostand(counts, "total"), "bray"), env = env)
  }
  s <- real.set("ibd_2538_longitudinal"); s$env$timepoint <- as.numeric(s$env$timepoint); s$env$depth <- as.numeric(s$env$depth)
  adonis.add("ibd_2538_longitudinal", s$d, s$env, "~ timepoint + depth", "margin", strata = "subject_id")
  adonis.add("ibd_2538_longitudinal", s$d, s$env, "~ group + timepoint", "margin", strata = "subject_id")
  s <- real.set("crc_baxter_genus"); s$env$age <- as.numeric(s$env$age)
  adonis.add("crc_baxter_genus", s$d, s$env, "~ group + age * sex", "terms")
  s <- real.set("hct_taur")
  adonis.add("hct_taur", s$d, s$env, "~ group + consistency", "margin", strata = "subject_id")
}
put(do.call(rbind, adonis.rows), "adonis.tsv")

# ---------------------------------------------------------------- dispersion
disper.rows <- list()
for (type in c("median", "centroid")) for (adjust in c(FALSE, TRUE)) for (name in c("varespec", "dune")) {
  distances <- if (name == "varespec") vare.bc else dune.bc
  variable <- if (name == "varespec") "grazing" else "Management"
  group <- if (name == "varespec") vare.env$grazing else dune.env$Management
  fit <- betadisper(distances, group, type = type, bias.adjust = adjust)
  set.seed(42)
  test <- permutest(fit, permutations = 9999)$tab
  disper.rows[[length(disper.rows) + 1]] <- data.frame(
    data = name, variable = variable, center = type, bias_adjust = tolower(adjust), what = "distance",
    name = sprintf("%s%02d", substr(name, 1, 1), seq_along(fit$distances)), value = exact(as.numeric(fit$distances)))
  disper.rows[[length(disper.rows) + 1]] <- data.frame(
    data = name, variable = variable, center = type, bias_adjust = tolower(adjust), what = c("f", "p"), name = "", value = exact(c(test$F[1], test[["Pr(>F)"]][1])))
}
put(do.call(rbind, disper.rows), "betadisper.tsv")

# ---------------------------------------------------------------- alpha diversity
estimates <- estimateR(BCI)
alpha <- data.frame(
  sample_id = sprintf("b%02d", seq_len(nrow(BCI))), sobs = specnumber(BCI), shannon = exact(diversity(BCI)), simpson = exact(diversity(BCI, "simpson")),
  inv_simpson = exact(diversity(BCI, "invsimpson")), pielou_e = exact(diversity(BCI) / log(specnumber(BCI))), chao1 = exact(estimates["S.chao1", ]),
  chao1_se = exact(estimates["se.chao1", ]), ace = exact(estimates["S.ACE", ]), fisher = exact(fisher.alpha(BCI)),
  rarefy_340 = exact(as.numeric(rarefy(BCI, 340))), simpson_unbiased = exact(as.numeric(simpson.unb(BCI))))
put(alpha, "alpha_bci.tsv")

# ---------------------------------------------------------------- tree-based diversity: phyloseq's esophagus
data(esophagus)
table <- as(otu_table(esophagus), "matrix"); if (!taxa_are_rows(esophagus)) table <- t(table)
put(data.frame(feature_id = rownames(table), table), "esophagus.tsv")
tree <- phy_tree(esophagus)
write.tree(tree, file.path(out, "esophagus.nwk"))
faith <- function(present) {  # branches on the way from each present tip to the root, each once
  nodes <- which(tree$tip.label %in% present); edges <- integer(0)
  while (length(nodes)) { up <- which(tree$edge[, 2] %in% nodes); edges <- union(edges, up); nodes <- tree$edge[up, 1] }
  sum(tree$edge.length[edges])
}
pairs <- combn(colnames(table), 2)
unifrac <- list(unweighted_unifrac = UniFrac(esophagus, weighted = FALSE), weighted_unifrac_normalized = UniFrac(esophagus, weighted = TRUE, normalized = TRUE),
                weighted_unifrac = UniFrac(esophagus, weighted = TRUE, normalized = FALSE))
eso <- do.call(rbind, lapply(names(unifrac), function(m) {
  d <- as.matrix(unifrac[[m]])
  data.frame(metric = m, sample_1 = pairs[1, ], sample_2 = pairs[2, ], value = exact(d[t(pairs)]))
}))
richness <- estimateR(t(table))
single <- function(metric, value) data.frame(metric = metric, sample_1 = colnames(table), sample_2 = "", value = exact(as.numeric(value)))
eso <- rbind(eso, single("faith_pd", apply(table, 2, function(x) faith(rownames(table)[x > 0]))), single("sobs", specnumber(t(table))),
             single("shannon", diversity(t(table))), single("chao1", richness["S.chao1", ]), single("ace", richness["S.ACE", ]))
put(eso, "esophagus_truth.tsv")

# ---------------------------------------------------------------- beta diversity of dune
beta <- list(braycurtis = dune.bc, jaccard = vegdist(dune, "jaccard", binary = TRUE), aitchison_pseudocount_1 = vegdist(dune, "aitchison", pseudocount = 1))
id <- sprintf("d%02d", 1:20); pairs <- combn(20, 2)
put(do.call(rbind, lapply(names(beta), function(m) {
  d <- as.matrix(beta[[m]])
  data.frame(metric = m, sample_1 = id[pairs[1, ]], sample_2 = id[pairs[2, ]], value = exact(d[t(pairs)]))
})), "beta_dune.tsv")
put(data.frame(axis = seq_along(eigenvalues <- wcmdscale(dune.bc, eig = TRUE)$eig), eigenvalue = exact(eigenvalues)), "pcoa_dune.tsv")

# ---------------------------------------------------------------- tests between groups
set.seed(7)
g <- data.frame(unit = sprintf("u%02d", 1:24), group = rep(c("a", "b", "c"), c(7, 9, 8)), block = rep(sprintf("s%d", 1:8), 3), level = rep(c("x", "y", "z"), each = 8))
g$value <- round(rnorm(24, c(a = 0, b = 1, c = .5)[g$group]), 6)
g$tied <- round(rpois(24, c(x = 4, y = 6, z = 5)[g$level]))
g$covariate <- round(g$value + rnorm(24), 6)
put(g, "group_values.tsv")
tests <- list()
add <- function(test, what, contrast, fit) tests[[length(tests) + 1]] <<- data.frame(
  test = test, values = what, contrast = contrast, statistic = exact(as.numeric(fit$statistic)), df = if (is.null(fit$parameter)) "" else exact(as.numeric(fit$parameter)),
  p = exact(fit$p.value), method = fit$method, row.names = NULL)
for (what in c("value", "tied")) {
  y <- g[[what]]
  add("kruskal", what, "group", kruskal.test(y, factor(g$group)))
  add("friedman", what, "level|block", friedman.test(y, factor(g$level), factor(g$block)))
  for (p in list(c("a", "b"), c("a", "c"), c("b", "c"))) add("rank_sum", what, paste(p, collapse = "-"), suppressWarnings(wilcox.test(y[g$group == p[1]], y[g$group == p[2]])))
  for (p in list(c("x", "y"), c("x", "z"), c("y", "z"))) add("signed_rank", what, paste(p, collapse = "-"), suppressWarnings(wilcox.test(y[g$level == p[1]], y[g$level == p[2]], paired = TRUE)))
}
shannon <- diversity(BCI)
add("kruskal", "bci_shannon", "Habitat", kruskal.test(shannon, bci.env$Habitat))
add("rank_sum", "bci_shannon", "No-Yes", suppressWarnings(wilcox.test(shannon[bci.env$Stream == "No"], shannon[bci.env$Stream == "Yes"])))
rho <- suppressWarnings(cor.test(g$value, g$covariate, method = "spearman", exact = FALSE)); rho$statistic <- rho$estimate; add("spearman_t", "value", "covariate", rho)
rho <- cor.test(g$value[1:7], g$covariate[1:7], method = "spearman", exact = TRUE); rho$statistic <- rho$estimate; add("spearman_exact", "value[1:7]", "covariate", rho)
pairwise <- suppressWarnings(pairwise.wilcox.test(g$value, g$group, p.adjust.method = "BH"))
for (i in rownames(pairwise$p.value)) for (j in colnames(pairwise$p.value)) if (!is.na(pairwise$p.value[i, j]))
  add("rank_sum_bh", "value", paste(j, i, sep = "-"), list(statistic = NA, p.value = pairwise$p.value[i, j], method = "pairwise.wilcox.test, BH"))
put(do.call(rbind, tests), "group_tests.tsv")

# ---------------------------------------------------------------- formulas
f <- data.frame(x = c(1.5, 2, 0.5, 3, 4.25, 1, 2.5, 3.5, 0.25, 5, 4, 2.75), z = c(3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8),
                a = factor(rep(c("a1", "a2", "a3"), 4)), b = factor(rep(c("b1", "b2"), each = 6)), k = factor(rep(c("k1", "k2", "k3", "k4"), times = c(2, 4, 3, 3))),
                m = rep(c(1, 2, 10), times = c(5, 4, 3)))
put(rows(f, "f"), "formula_data.tsv")
formulas <- c("~ a", "~ x", "~ x + a", "~ a + x + b", "~ a * b", "~ a:b", "~ b:a + a", "~ a + a:b", "~ a + b:a", "~ x:a", "~ x * a", "~ a + x:a", "~ a * b + x",
              "~ (a + b) * x", "~ (a + b):x", "~ (x + a) * (b + z)", "~ x:z", "~ x * z", "~ a:b:x", "~ a * b * x", "~ b:k + a:b", "~ x + a:b:k", "~ factor(m)",
              "~ a * factor(m)", "~ x:b + a", "~ a + a", "~ a:a", "~ a * a", "~ ((x))", "~ k:a + x", "~ a:b + b:a + k", "~ b + a:k:b", "~ z:a + x:b", "~ (a + b + x) * (a + b + x)")
terms.rows <- list(); matrix.rows <- list()
for (text in formulas) {
  parsed <- terms(as.formula(text)); shown <- gsub("factor(", "C(", text, fixed = TRUE)
  labels <- gsub("factor(", "C(", attr(parsed, "term.labels"), fixed = TRUE)
  design <- model.matrix(as.formula(text), f)
  terms.rows[[length(terms.rows) + 1]] <- data.frame(formula = shown, order = seq_along(labels), term = labels, columns = tabulate(attr(design, "assign"), length(labels)), rank = qr(design)$rank)
  matrix.rows[[length(matrix.rows) + 1]] <- data.frame(formula = shown, row = as.vector(row(design)), column = as.vector(col(design)), value = exact(as.vector(design)))
}
put(do.call(rbind, terms.rows), "formula_terms.tsv")
put(subset(do.call(rbind, matrix.rows), value != "0"), "formula_matrix.tsv")

writeLines(capture.output(sessionInfo()), file.path(out, "session_info.txt"))
