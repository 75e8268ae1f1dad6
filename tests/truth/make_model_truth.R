# Writes the truth of linear and mixed models of alpha diversity:
#   Rscript tests/truth/make_model_truth.R tests/truth
# Needs nlme and lme4, as Debian packages them; the versions used stand in model_session_info.txt.
suppressPackageStartupMessages({ library(nlme); library(lme4) })
out <- commandArgs(trailingOnly = TRUE)[1]
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
exact <- function(x) ifelse(is.na(x), "", sprintf("%.17g", x))
put <- function(frame, name) write.table(frame, file.path(out, name), sep = "\t", quote = FALSE, row.names = FALSE, na = "")

# 12 subjects with 1 to 6 samples; dose and week vary within subjects, arm and age are the subject's own
set.seed(5)
sizes <- c(6, 5, 4, 6, 3, 5, 6, 1, 4, 6, 5, 2)
d <- data.frame(subject = factor(rep(sprintf("p%02d", 1:12), sizes)))
d$sample_id <- sprintf("s%02d", seq_len(nrow(d)))
d$arm <- factor(rep(rep(c("drug", "none", "placebo"), 4), sizes))
d$age <- rep(round(runif(12, 20, 70)), sizes)
d$week <- unlist(lapply(sizes, function(n) sort(sample(0:11, n))))
d$dose <- factor(ifelse(runif(nrow(d)) < .5, "high", "low"))
own <- rnorm(12); slope <- rnorm(12, .05, .12)
d$steady <- round(3 + own[d$subject] + .02 * d$week + .3 * (d$arm == "drug") + rnorm(nrow(d), 0, .5), 6)
d$drifting <- round(3 + own[d$subject] + slope[d$subject] * d$week + rnorm(nrow(d), 0, .3), 6)
d$flat <- round(3 + resid(lm(rnorm(nrow(d)) ~ subject, d)), 6)   # subjects share one mean: the variance between them is zero
put(d, "model_data.tsv")

rows <- list()
add <- function(model, formula, metric, what, name, value) rows[[length(rows) + 1]] <<- data.frame(
  model = model, formula = formula, metric = metric, what = what, name = name, value = exact(as.numeric(value)))

# ---- linear models: base R; HC3 by its formula (MacKinnon & White 1985)
for (text in c("~ arm + age", "~ arm * dose + age", "~ age * week")) for (metric in c("steady", "drifting")) {
  fit <- lm(as.formula(paste(metric, text)), d)
  X <- model.matrix(fit); h <- hatvalues(fit); bread <- solve(crossprod(X))
  hc3 <- bread %*% crossprod(X * (resid(fit) / (1 - h))) %*% bread
  s <- summary(fit)$coefficients
  t3 <- coef(fit) / sqrt(diag(hc3))
  half <- qt(.975, fit$df.residual) * sqrt(diag(hc3))
  for (j in colnames(X)[-1]) {
    add("linear", text, metric, "estimate", j, s[j, 1]); add("linear", text, metric, "p_classical", j, s[j, 4])
    add("linear", text, metric, "se", j, sqrt(hc3[j, j])); add("linear", text, metric, "p", j, 2 * pt(-abs(t3[j]), fit$df.residual))
    add("linear", text, metric, "ci_low", j, coef(fit)[j] - half[j])
  }
  dropped <- drop1(fit, test = "F")
  labels <- attr(terms(fit), "term.labels"); assigned <- attr(X, "assign")
  for (term in rownames(dropped)[-1]) {
    add("linear", text, metric, "term_p_classical", term, dropped[term, "Pr(>F)"])
    at <- which(assigned == match(term, labels)); b <- coef(fit)[at]
    f <- drop(b %*% solve(hc3[at, at, drop = FALSE], b)) / length(at)
    add("linear", text, metric, "term_f", term, f); add("linear", text, metric, "term_p", term, pf(f, length(at), fit$df.residual, lower.tail = FALSE))
  }
  add("linear", text, metric, "cook", "", max(cooks.distance(fit)))
  e2 <- resid(fit)^2; bp <- nrow(d) * summary(lm(e2 ~ X[, -1]))$r.squared
  add("linear", text, metric, "breusch_pagan_p", "", pchisq(bp, ncol(X) - 1, lower.tail = FALSE))
  add("linear", text, metric, "shapiro_p", "", shapiro.test(resid(fit))$p.value)
}

# ---- a random intercept by subject: nlme (degrees of freedom by containment) and lme4 (REML criterion, deviations)
for (text in c("~ arm + week", "~ arm * week + age", "~ dose + age")) for (metric in c("steady", "drifting")) {
  formula <- as.formula(paste(metric, text))
  fit <- lme(formula, d, random = ~ 1 | subject, method = "REML", control = lmeControl(opt = "optim", reltol = 1e-12, msTol = 1e-12))
  s <- summary(fit)$tTable
  for (j in rownames(s)[-1]) {
    add("mixed", text, metric, "estimate", j, s[j, 1]); add("mixed", text, metric, "se", j, s[j, 2])
    add("mixed", text, metric, "df", j, s[j, 3]); add("mixed", text, metric, "p", j, s[j, 5])
  }
  margin <- anova(fit, type = "marginal")
  for (term in rownames(margin)[-1]) for (what in c("numDF", "denDF", "F-value", "p-value")) add("mixed", text, metric, paste0("term_", what), term, margin[term, what])
  other <- lmer(as.formula(paste(metric, text, "+ (1 | subject)")), d, control = lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12)))
  add("mixed", text, metric, "reml", "", REMLcrit(other)); add("mixed", text, metric, "sd_subject", "", attr(VarCorr(other)$subject, "stddev"))
  add("mixed", text, metric, "sd_residual", "", sigma(other))
}
other <- suppressMessages(lmer(flat ~ arm + week + (1 | subject), d))
add("mixed", "~ arm + week", "flat", "singular", "", isSingular(other)); add("mixed", "~ arm + week", "flat", "reml", "", REMLcrit(other))

# ---- a random intercept and slope: lme4
for (text in c("~ week", "~ week * arm")) {
  other <- lmer(as.formula(paste("drifting", text, "+ (week | subject)")), d, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5)))
  add("slope", text, "drifting", "reml", "", REMLcrit(other)); add("slope", text, "drifting", "sd_slope", "", attr(VarCorr(other)$subject, "stddev")[["week"]])
  add("slope", text, "drifting", "sd_residual", "", sigma(other))
  s <- summary(other)$coefficients
  for (j in rownames(s)[-1]) { add("slope", text, "drifting", "estimate", j, s[j, 1]); add("slope", text, "drifting", "se", j, s[j, 2]) }
}

# ---- two means: t.test
for (pair in list(c("drug", "none"), c("drug", "placebo"), c("none", "placebo"))) {
  fit <- t.test(d$steady[d$arm == pair[1]], d$steady[d$arm == pair[2]])
  for (what in c("statistic", "parameter", "p.value")) add("welch", paste(pair, collapse = " - "), "steady", what, "", fit[[what]])
  add("welch", paste(pair, collapse = " - "), "steady", "ci_low", "", fit$conf.int[1]); add("welch", paste(pair, collapse = " - "), "steady", "ci_high", "", fit$conf.int[2])
}
fit <- t.test(d$steady, d$drifting, paired = TRUE)
for (what in c("statistic", "parameter", "p.value", "estimate")) add("paired", "", "steady - drifting", what, "", fit[[what]])
add("paired", "", "steady - drifting", "ci_low", "", fit$conf.int[1])
put(do.call(rbind, rows), "model_truth.tsv")
writeLines(capture.output(sessionInfo()), file.path(out, "model_session_info.txt"))
