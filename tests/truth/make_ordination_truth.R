# Writes what R says of ordinations: Rscript tests/truth/make_ordination_truth.R tests/truth. Versions: ordination_session_info.txt.
# vegan 2.6 completes no matrix (2.7 does), so that OptSpace is written here from Keshavan, Montanari & Oh 2010 with the constants of gemelli and
# vegan 2.7: rank 3, 5 iterations, m0 10000, first step 1/10, at most 20 halvings. Dense, by R's own svd() and solve().
suppressMessages({library(vegan); library(ape)})
out <- commandArgs(TRUE)[1]
put <- function(x, name) write.table(x, file.path(out, name), sep = "\t", quote = FALSE, row.names = FALSE, fileEncoding = "UTF-8")
exact <- function(x) ifelse(is.na(x), "", sprintf("%.17g", x))
data(dune); data(varespec); data(BCI)

# ---------------------------------------------------------------- robust CLR and its completion
rclr <- decostand(varespec, "rclr")  # 0 where absent
put(data.frame(sample_id = sprintf("v%02d", seq_len(nrow(rclr))), apply(rclr, 2, exact), check.names = FALSE), "rclr_varespec.tsv")

complete <- function(counts, r = 3, iterations = 5) {
  counts <- as.matrix(counts); counts <- counts[, colSums(counts) > 0]
  known <- counts > 0
  z <- log(counts); z[!known] <- NA; z <- z - rowMeans(z, na.rm = TRUE); z[!known] <- 0
  n <- nrow(z); m <- ncol(z); size <- sum(known)
  scale <- sqrt(size * r / sum(z^2)); z <- z * scale
  s <- svd(z, nu = r, nv = r); u <- s$u * sqrt(n); v <- s$v * sqrt(m)
  rho <- size / sqrt(m * n) * n; m0 <- 10000
  best <- function(u, v) {  # S that fits the known entries best, by their normal equations
    a <- matrix(0, r * r, r * r)
    for (i in 1:r) for (j in 1:r) a[, (j - 1) * r + i] <- as.vector(t(u) %*% ((u[, i] %o% v[, j]) * known) %*% v)
    matrix(solve(a, as.vector(t(u) %*% z %*% v)), r)
  }
  over <- function(x) rowSums(x^2) / (2 * m0 * r) - 1
  price <- function(x) { o <- over(x); sum((exp(o^2) - 1)[o > 0]) }
  slope <- function(x) { o <- pmax(over(x), 0); x * (2 * exp(o^2) * o) / (m0 * r) }
  cost <- function(u, v, s) sum(((u %*% s %*% t(v) - z) * known)^2) / 2 + rho * (price(u) + price(v))
  inner <- best(u, v)
  for (k in seq_len(iterations)) {
    e <- (u %*% inner %*% t(v) - z) * known
    gu <- e %*% v %*% t(inner); gu <- gu - u %*% (t(u) %*% gu) / n + rho * slope(u)
    gv <- t(e) %*% u %*% inner; gv <- gv - v %*% (t(v) %*% gv) / m + rho * slope(v)
    before <- cost(u, v, inner); step <- -0.1
    for (h in 1:20) { if (cost(u + step * gu, v + step * gv, inner) - before <= step * (sum(gu^2) + sum(gv^2)) / 2) break; step <- step / 2 }
    u <- u + step * gu; v <- v + step * gv; inner <- best(u, v)
  }
  x <- u %*% (inner / scale) %*% t(v)
  x <- sweep(x, 2, colMeans(x)); sweep(x, 1, rowMeans(x))
}
rows <- list()
for (name in c("dune", "varespec", "BCI")) {
  d <- as.matrix(dist(complete(get(name)))); pairs <- combn(nrow(d), 2); id <- sprintf("%s%02d", tolower(substr(name, 1, 1)), seq_len(nrow(d)))
  rows[[name]] <- data.frame(data = tolower(name), sample_1 = id[pairs[1, ]], sample_2 = id[pairs[2, ]], value = exact(d[t(pairs)]))
}
put(do.call(rbind, rows), "robust_aitchison.tsv")

# ---------------------------------------------------------------- principal coordinates by ape, vectors by envfit
axes <- pcoa(vegdist(dune))$vectors[, 1:2]
put(data.frame(sample_id = sprintf("d%02d", 1:20), axis_1 = exact(axes[, 1]), axis_2 = exact(axes[, 2])), "pcoa_axes_dune.tsv")
values <- decostand(dune, "clr", pseudocount = 0.5)
fit <- envfit(axes, values, permutations = 0)$vectors
put(data.frame(taxon = rownames(fit$arrows), axis_1 = exact(fit$arrows[, 1] * sqrt(fit$r)), axis_2 = exact(fit$arrows[, 2] * sqrt(fit$r)), r2 = exact(fit$r)),
    "envfit_dune.tsv")
writeLines(capture.output(sessionInfo()), file.path(out, "ordination_session_info.txt"))
