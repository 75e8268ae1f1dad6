# Writes distance_tests.tsv, dbrda.tsv, omega.tsv, pairs_dune.tsv and betadisper_more.tsv, what vegan gives for tests on distances of dune and varespec:
#   Rscript tests/truth/make_distance_truth.R tests/truth
# Versions stand in distance_session_info.txt.
suppressPackageStartupMessages(library(vegan))
arguments <- commandArgs(trailingOnly = TRUE)
out <- if (length(arguments) >= 1) arguments[1] else "tests/truth"
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
exact <- function(x) ifelse(is.na(x), "", sprintf("%.17g", x))
put <- function(frame, name) write.table(frame, file.path(out, name), sep = "\t", quote = FALSE, row.names = FALSE, na = "", fileEncoding = "UTF-8")
ids <- function(prefix, n) sprintf("%s%02d", prefix, seq_len(n))

data(dune); data(dune.env); data(varespec); data(varechem)
for (column in c("Moisture", "Use", "Manure")) dune.env[[column]] <- factor(as.character(dune.env[[column]]))
vare.env <- data.frame(grazing = factor(c(rep("grazed", 16), rep("ungrazed", 8))), varechem)
dune.bc <- vegdist(dune); vare.bc <- vegdist(varespec)

# ---------------------------------------------------------------- ANOSIM, Mantel, partial Mantel
tests <- list()
add <- function(data, test, variable, method, strata, fit) tests[[length(tests) + 1]] <<- data.frame(
  data = data, test = test, variable = variable, method = method, strata = strata, permutations = fit$permutations,
  statistic = exact(as.numeric(fit$statistic)), p = exact(fit$signif))
B <- 9999
set.seed(42)
add("dune", "anosim", "Management", "", "", anosim(dune.bc, dune.env$Management, permutations = B))
add("dune", "anosim", "Moisture", "", "Use", anosim(dune.bc, dune.env$Moisture, permutations = B, strata = dune.env$Use))
add("varespec", "anosim", "grazing", "", "", anosim(vare.bc, vare.env$grazing, permutations = B))
ph <- dist(varechem$pH); al <- dist(varechem$Al); a1 <- dist(dune.env$A1); moist <- dist(as.numeric(as.character(dune.env$Moisture)))
for (method in c("pearson", "spearman")) {
  add("varespec", "mantel", "pH", method, "", mantel(vare.bc, ph, method = method, permutations = B))
  add("varespec", "mantel", "pH", method, "grazing", mantel(vare.bc, ph, method = method, permutations = B, strata = vare.env$grazing))
  add("varespec", "partial", "pH|Al", method, "", mantel.partial(vare.bc, ph, al, method = method, permutations = B))
  add("dune", "mantel", "A1", method, "", mantel(dune.bc, a1, method = method, permutations = B))
  add("dune", "partial", "A1|Moisture", method, "Use", mantel.partial(dune.bc, a1, moist, method = method, permutations = B, strata = dune.env$Use))
}
put(do.call(rbind, tests), "distance_tests.tsv")

# ---------------------------------------------------------------- distance-based RDA
rda.rows <- list()
constrained <- function(data, prefix, distances, env, formula) {
  fit <- dbrda(as.formula(paste("distances", formula), env = environment()), env)
  stopifnot(fit$adjust == 1)
  row <- function(what, name, axis, value) rda.rows[[length(rda.rows) + 1]] <<- data.frame(
    data = data, formula = formula, what = what, name = name, axis = axis, value = exact(as.numeric(value)))
  k <- fit$CCA$poseig
  row("inertia", c("total", "constrained"), 0, c(fit$tot.chi, fit$CCA$tot.chi))
  row("eigenvalue", "", seq_along(fit$CCA$eig), fit$CCA$eig)
  root <- sqrt(fit$CCA$eig[1:k])
  for (j in 1:k) {  # site scores scaled by the root of the eigenvalue: scaling 1 without vegan's constant
    row("wa", ids(prefix, nrow(env)), j, fit$CCA$wa[, j] * root[j])
    row("lc", ids(prefix, nrow(env)), j, fit$CCA$u[, j] * root[j])
    row("biplot", rownames(fit$CCA$biplot), j, fit$CCA$biplot[, j])
  }
}
constrained("dune", "d", dune.bc, dune.env, "~ Management + A1")
constrained("dune", "d", dune.bc, dune.env, "~ Management * A1")
constrained("varespec", "v", vare.bc, vare.env, "~ grazing + Al + Humdepth")
put(do.call(rbind, rda.rows), "dbrda.tsv")

# ---------------------------------------------------------------- partial omega squared, as MicEco::adonis_OmegaSq computes it from adonis2's table
omega.rows <- list()
omega <- function(data, distances, env, formula, by) {
  set.seed(42)
  fit <- adonis2(as.formula(paste("distances", formula), env = environment()), env, by = by, permutations = 99)
  n <- nrow(env); last <- nrow(fit) - 1; ms <- fit$SumOfSqs / fit$Df; tested <- seq_len(last - 1)
  value <- fit$Df[tested] * (ms[tested] - ms[last]) / (fit$Df[tested] * ms[tested] + (n - fit$Df[tested]) * ms[last])
  omega.rows[[length(omega.rows) + 1]] <<- data.frame(data = data, formula = formula, by = by, term = rownames(fit)[tested], omega_squared = exact(value))
}
for (by in c("terms", "margin")) {
  omega("dune", dune.bc, dune.env, "~ Management + A1", by); omega("varespec", vare.bc, vare.env, "~ grazing + Al + Humdepth", by)
}
# a pair of groups with a covariate: what `gutdiv comparison pairs` tests
pair.rows <- list()
for (pair in combn(levels(dune.env$Management), 2, simplify = FALSE)) {
  inside <- dune.env$Management %in% pair
  set.seed(42)
  for (formula in c("~ Management", "~ A1 + Management")) {
    fit <- adonis2(as.formula(paste("as.dist(as.matrix(dune.bc)[inside, inside])", formula), env = environment()), droplevels(dune.env[inside, ]),
                   by = "margin", permutations = 1999)
    pair.rows[[length(pair.rows) + 1]] <- data.frame(
      formula = formula, contrast = paste(pair, collapse = " - "), n = sum(inside), f = exact(fit["Management", "F"]), r2 = exact(fit["Management", "R2"]),
      p = exact(fit["Management", "Pr(>F)"]))
  }
}
put(do.call(rbind, omega.rows), "omega.tsv")
put(do.call(rbind, pair.rows), "pairs_dune.tsv")

# ---------------------------------------------------------------- dispersion of square-rooted distances, and of pairs
disper.rows <- list()
for (adjust in c(FALSE, TRUE)) for (type in c("median", "centroid")) for (root in c(FALSE, TRUE)) for (name in c("varespec", "dune")) {
  group <- if (name == "varespec") vare.env$grazing else dune.env$Management
  fit <- betadisper(if (name == "varespec") vare.bc else dune.bc, group, type = type, bias.adjust = adjust, sqrt.dist = root)
  set.seed(42)
  test <- permutest(fit, pairwise = TRUE, permutations = 99)
  t <- test$statistic
  disper.rows[[length(disper.rows) + 1]] <- data.frame(
    data = name, center = type, bias_adjust = tolower(adjust), sqrt_dist = tolower(root),
    contrast = c("overall", sub("-", " - ", sub(" \\(t\\)", "", names(t)[-1]))), f = exact(c(as.numeric(t[1]), as.numeric(t[-1])^2)))
}
put(do.call(rbind, disper.rows), "betadisper_more.tsv")
writeLines(capture.output(sessionInfo()), file.path(out, "distance_session_info.txt"))
