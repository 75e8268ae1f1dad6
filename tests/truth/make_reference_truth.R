# Random-effects means by metafor: REML, Knapp & Hartung's standard error, and the classical one.
library(metafor)
sets <- list(
  apart = list(yi = c(2.43, 1.646, 2.634, 2.156, 1.91, 2.341, 2.616, 2.398), vi = c(.00016, .0011, .00061, .00039, .0014, .0028, .00028, .0016)),
  noisy = list(yi = c(.1, .5, -.3, .9, .2), vi = c(.09, .12, .2, .15, .05)),
  equal = list(yi = c(1.01, .99, 1.02, .98), vi = c(.04, .05, .03, .06)))
out <- NULL
for (name in names(sets)) {
  s <- sets[[name]]
  control <- list(threshold = 1e-12, maxiter = 10000)
  z <- rma(s$yi, s$vi, method = "REML", control = control)
  k <- rma(s$yi, s$vi, method = "REML", test = "knha", control = control)
  out <- rbind(out, data.frame(set = name, yi = paste(s$yi, collapse = ","), vi = paste(s$vi, collapse = ","), mean = sprintf("%.10g", z$b[1]),
    tau2 = sprintf("%.10g", z$tau2), se_classical = sprintf("%.10g", z$se), se_knapp_hartung = sprintf("%.10g", k$se)))
}
write.table(out, "random_effects.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
