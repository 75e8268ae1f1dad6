# Reads every real table, taxonomy, tree and metadata file by R's own means, and writes what it holds, one row a file, for tests/cohort/test_every_file.py:
#   Rscript tests/truth/formats.R DATA tests/truth
# Needs phyloseq, biomformat, rhdf5, ape and SummarizedExperiment, as Debian packages them. The versions used stand in session_info_formats.txt.
#
# digest (table): MD5 of a text of three blocks, each followed by an empty line: the sample ids, the feature ids, both sorted by bytes, one a line; and one
#   line `i TAB j TAB value` for each value that is not 0, i and j being the places (from 0) of sample and feature in these lists, sorted; values as %.10g.
# taxa_digest: MD5 of lines `feature TAB lineage`, sorted, of features with any name. Lineage: the names without blanks around them and without
#   trailing empty ones, joined by `;`; where a file has a column a rank, `rank=name` of the names that are not empty.
# metadata_digest: MD5 of lines `sample TAB column TAB cell`, by sorted samples and columns as they stand; missing cells ("" and NA) left out, numbers as %.10g.
suppressPackageStartupMessages({
  library(phyloseq)
  library(biomformat)
  library(rhdf5)
  library(ape)
})
arguments <- commandArgs(trailingOnly = TRUE)
data <- arguments[1]
out <- arguments[2]
RANKS <- c("domain", "phylum", "class", "order", "family", "genus", "species")

md5 <- function(lines) {
  file <- tempfile()
  on.exit(unlink(file))
  con <- file(file, "wb")
  writeBin(charToRaw(paste0(enc2utf8(lines), "\n", collapse = "")), con)
  close(con)
  unname(tools::md5sum(file))
}
bytewise <- function(x) order(enc2utf8(x), method = "radix")
number <- function(x) sprintf("%.10g", x)

table_digest <- function(m) {  # m: features x samples, dense or sparse
  m <- m[bytewise(rownames(m)), bytewise(colnames(m)), drop = FALSE]
  if (is.matrix(m)) {
    at <- which(m != 0, arr.ind = TRUE)
    values <- m[at]
  } else {
    m <- as(as(m, "dgCMatrix"), "TsparseMatrix")
    at <- cbind(m@i + 1L, m@j + 1L)
    values <- m@x
    at <- at[values != 0, , drop = FALSE]
    values <- values[values != 0]
  }
  by <- order(at[, 2], at[, 1])
  cells <- paste(at[by, 2] - 1L, at[by, 1] - 1L, number(values[by]), sep = "\t")
  md5(c(colnames(m), "", rownames(m), "", cells, ""))
}

whole <- function(names) {  # a lineage as its names
  names <- trimws(ifelse(is.na(names), "", names))
  while (length(names) && names[length(names)] == "") names <- names[-length(names)]
  paste(names, collapse = ";")
}
lineages_of <- function(texts) vapply(strsplit(ifelse(is.na(texts), "", texts), ";", fixed = TRUE), whole, "")
by_rank <- function(m) {  # a matrix or frame with a column a rank
  rank <- tolower(colnames(m))
  if (all(grepl("^rank[0-9]$", rank))) rank <- RANKS[seq_along(rank)]
  rank[rank %in% c("kingdom", "superkingdom")] <- "domain"
  m <- as.matrix(m)[, rank %in% RANKS, drop = FALSE]
  rank <- rank[rank %in% RANKS]
  m[is.na(m) | trimws(m) == "NA"] <- ""
  m[] <- trimws(m)
  text <- apply(m, 1, function(row) paste(paste0(rank, "=", row)[row != ""], collapse = ";"))
  setNames(text, rownames(m))
}
taxa_row <- function(lineages) {  # named by feature
  lineages <- lineages[lineages != ""]
  lines <- paste(names(lineages), lineages, sep = "\t")
  list(taxa = length(lines), taxa_digest = md5(lines[bytewise(lines)]))
}
tree_row <- function(tree) {
  lengths <- pmax(ifelse(is.na(tree$edge.length), 0, tree$edge.length), 0)
  list(tips = length(tree$tip.label), tree_length = number(sum(lengths)), rooted = is.rooted(tree), tips_digest = md5(sort(enc2utf8(tree$tip.label), method = "radix")))
}
metadata_row <- function(frame) {
  frame <- frame[bytewise(rownames(frame)), , drop = FALSE]
  cells <- vapply(frame, function(column) {
    if (is.numeric(column)) return(ifelse(is.na(column), "", number(as.numeric(column))))
    text <- trimws(as.character(column))
    ifelse(is.na(text) | text == "NA", "", text)
  }, character(nrow(frame)))
  cells <- matrix(enc2utf8(cells), nrow = nrow(frame))
  lines <- paste(rep(rownames(frame), each = ncol(frame)), rep(names(frame), nrow(frame)), as.vector(t(cells)), sep = "\t")
  list(n_samples = nrow(frame), metadata_columns = ncol(frame), metadata_digest = md5(lines[as.vector(t(cells)) != ""]))
}
table_row <- function(m) list(n_samples = ncol(m), n_features = nrow(m), total = number(sum(m)), digest = table_digest(m))

# ---------------------------------------------------------------- files
one_of <- function(path) {  # the object of a .rds, or the only one of a .rda
  if (grepl("[.]rds$", path)) return(readRDS(path))
  space <- new.env()
  load(path, space)
  stopifnot(length(ls(space)) == 1)
  get(ls(space), space)
}
from_phyloseq <- function(x) {
  m <- as(otu_table(x), "matrix")
  if (!taxa_are_rows(x)) m <- t(m)
  row <- table_row(m)
  if (!is.null(tax_table(x, errorIfNULL = FALSE))) row <- c(row, taxa_row(by_rank(as(tax_table(x), "matrix"))))
  if (!is.null(phy_tree(x, errorIfNULL = FALSE))) row <- c(row, tree_row(phy_tree(x)))
  about <- sample_data(x, errorIfNULL = FALSE)
  if (!is.null(about)) row <- c(row, metadata_row(as(about, "data.frame"))[-1])
  row
}
from_experiment <- function(x) {  # a TreeSummarizedExperiment, whose package Debian does not have: its slots by name
  suppressPackageStartupMessages(library(SummarizedExperiment))
  m <- attr(x, "assays")@data@listData$counts
  ranges <- attr(x, "rowRanges")
  rownames(m) <- names(ranges)
  taxa <- as.data.frame(ranges@elementMetadata)
  rownames(taxa) <- names(ranges)
  c(table_row(m), taxa_row(by_rank(taxa)), metadata_row(as.data.frame(attr(x, "colData")))[-1])
}
member <- function(path, name, read) {  # a file of a QIIME 2 artifact
  inside <- unzip(path, list = TRUE)$Name
  inside <- inside[grepl(paste0("^[^/]+/data/", name, "$"), inside)]
  folder <- tempfile()
  on.exit(unlink(folder, recursive = TRUE))
  unzip(path, inside, exdir = folder, junkpaths = TRUE)
  read(file.path(folder, name))
}
from_biom <- function(path) {
  if (grepl("[.]qza$", path)) return(member(path, "feature-table.biom", from_biom))
  b <- if (readBin(path, "raw", 1) == charToRaw("{")) from_json(path) else from_hdf5(path)
  row <- table_row(b$m)
  if (!is.null(b$ranks)) {  # taxpasta names the ranks of its lineages
    cells <- do.call(rbind, b$taxa)
    dimnames(cells) <- list(rownames(b$m), strsplit(b$ranks, ";", fixed = TRUE)[[1]])
    row <- c(row, taxa_row(by_rank(cells)))
  } else if (any(lengths(b$taxa) > 0)) {
    text <- vapply(b$taxa, function(t) if (length(t) == 1) lineages_of(t) else whole(t), "")
    row <- c(row, taxa_row(setNames(text, rownames(b$m))))
  }
  row
}
from_json <- function(path) {
  b <- read_biom(path)
  list(m = dense_of(b), taxa = lapply(b$rows, function(e) unlist(e$metadata[tolower(names(e$metadata)) == "taxonomy"])))
}
dense_of <- function(b) {  # biomformat drops dimensions of length 1
  ids <- lapply(list(b$rows, b$columns), function(entries) vapply(entries, function(e) as.character(e$id), ""))
  m <- biom_data(b)
  if (is.null(dim(m))) m <- matrix(as.numeric(m), length(ids[[1]]), length(ids[[2]]))
  dimnames(m) <- ids
  m
}
from_hdf5 <- function(path) {  # by rhdf5; biomformat makes every table dense, so it is asked for the smaller ones only, and must agree
  part <- h5read(path, "sample/matrix", bit64conversion = "double")
  ids <- list(as.character(h5read(path, "observation/ids")), as.character(h5read(path, "sample/ids")))
  m <- Matrix::sparseMatrix(i = as.vector(part$indices) + 1, p = as.vector(part$indptr), x = as.numeric(part$data), dims = lengths(ids), dimnames = ids)
  if (prod(dim(m)) < 1e7 && all(diff(m@p) > 0)) stopifnot(all(as.matrix(dense_of(read_biom(path))) == as.matrix(m)))
  named <- h5ls(path)
  named <- named[named$group == "/observation/metadata" & tolower(named$name) == "taxonomy", , drop = FALSE]
  taxa <- if (nrow(named)) h5read(path, paste0("observation/metadata/", named$name)) else NULL
  ranks <- if ("ranks" %in% h5ls(path)$name) as.character(h5read(path, "observation/group-metadata/ranks"))
  list(m = m, taxa = if (is.null(taxa)) list() else if (length(dim(taxa)) == 2) asplit(taxa, 2) else as.list(taxa), ranks = ranks)
}
text_of <- function(path, sep = "\t", ...) {  # every cell as text; lines of one cell that begin with # passed over
  lines <- readLines(path, encoding = "UTF-8", warn = FALSE)  # gzip and xz are unpacked by R
  lines <- lines[!grepl("^# ", lines) & nzchar(lines)]
  read.table(text = lines, sep = sep, header = TRUE, colClasses = "character", check.names = FALSE, comment.char = "", na.strings = character(), ...)
}
numbers <- function(frame) {
  m <- vapply(frame, as.numeric, numeric(nrow(frame)))
  matrix(m, nrow = nrow(frame), dimnames = list(NULL, names(frame)))
}
from_classic <- function(path, leave = character(), ...) {  # features in rows
  frame <- text_of(path, ...)
  m <- numbers(frame[-1][setdiff(names(frame)[-1], leave)])
  rownames(m) <- frame[[1]]
  taxa <- frame[intersect(names(frame), leave)]
  rownames(taxa) <- frame[[1]]
  row <- table_row(m)
  if (any(c("Genus", "genus") %in% names(taxa))) row <- c(row, taxa_row(by_rank(taxa)))
  row
}
from_turned <- function(path, leave = character(), ...) {  # samples in rows
  frame <- text_of(path, ...)
  ids <- frame[[1]]
  if (all(c("label", "Group", "numOtus") %in% names(frame))) {
    ids <- frame$Group
    leave <- c("label", "Group", "numOtus", "")
  }
  m <- t(numbers(frame[setdiff(names(frame), c(names(frame)[1], leave))]))
  colnames(m) <- ids
  table_row(m)
}
from_rdp <- function(path) {  # RDP Classifier: a row holds all reads below its taxon; its own are the rest
  frame <- text_of(path, quote = "")
  m <- numbers(frame[-(1:4)])
  rownames(m) <- frame$taxid
  lineage <- ifelse(frame$lineage == "null", "Root;rootrank;", frame$lineage)
  above <- sub("[^;]*;[^;]*;$", "", lineage)
  own <- m
  for (i in seq_len(nrow(m))) own[i, ] <- m[i, ] - colSums(m[above == lineage[i], , drop = FALSE])
  keep <- rowSums(own) > 0 | !(lineage %in% above)
  parts <- strsplit(lineage[keep], ";", fixed = TRUE)
  taxa <- t(vapply(parts, function(p) {
    rank <- p[c(FALSE, TRUE)]
    setNames(p[c(TRUE, FALSE)], rank)[RANKS]
  }, character(7)))
  dimnames(taxa) <- list(frame$taxid[keep], RANKS)
  c(table_row(own[keep, , drop = FALSE]), taxa_row(by_rank(taxa)))
}
lineage_column <- function(frame, column, id = 1) taxa_row(setNames(lineages_of(gsub('^"|"$', "", frame[[column]])), frame[[id]]))
qza_taxonomy <- function(path) lineage_column(member(path, "taxonomy.tsv", function(f) text_of(f, quote = "")), "Taxon")
ampliseq_qza_taxonomy <- function(path) {  # nf-core/ampliseq hangs the exact species, the confidence and the sequence to each lineage
  frame <- member(path, "taxonomy.tsv", function(f) text_of(f, quote = ""))
  frame$Taxon <- vapply(strsplit(frame$Taxon, ";", fixed = TRUE), function(names) paste(head(names, 7), collapse = ";"), "")
  lineage_column(frame, "Taxon")
}
qza_tree <- function(path) tree_row(member(path, "tree.nwk", read.tree))
plain_metadata <- function(path, id = 1, sep = "\t", quote = "\"") {
  frame <- text_of(path, sep = sep, quote = quote, fill = TRUE)
  frame <- frame[!grepl("^#", frame[[id]]), , drop = FALSE]
  rownames(frame) <- frame[[id]]
  row <- metadata_row(frame[-id])
  row[names(row) != "metadata_digest"]  # text has no types: its cells are compared in the tests of the reader
}

ASV <- c("sequence", "Kingdom", "Phylum", "Class", "Order", "Family", "Genus", "Species", "Species_exact", "confidence")
AMPLISEQ <- "formats/nfcore_ampliseq_results/"
how <- list(
  # R's own files
  "formats/amgut_subset/amgut2.filt.phy.rda" = function(f) from_phyloseq(one_of(f)),
  "formats/hitchip_microarray/atlas1006.rda" = function(f) from_phyloseq(one_of(f)),
  "formats/hitchip_microarray/dietswap.rda" = function(f) from_phyloseq(one_of(f)),
  "formats/phyloseq_rdata/GlobalPatterns.RData" = function(f) from_phyloseq(one_of(f)),
  "formats/phyloseq_rdata/enterotype.RData" = function(f) from_phyloseq(one_of(f)),
  "formats/phyloseq_rds/data_tax_duplicate.rds" = function(f) from_phyloseq(one_of(f)),
  "hct_taur/original/cid.phy.rda" = function(f) from_phyloseq(one_of(f)),
  "hct_taur/original/cid_ying.rda" = function(f) from_phyloseq(one_of(f)),
  "hmp_v13_stool/original/HMPv13.rda" = function(f) from_phyloseq(one_of(f)),
  "hmp_v35_stool/original/HMPv35.rda" = function(f) from_phyloseq(one_of(f)),
  "ibd_papa/original/ibd.rda" = function(f) from_phyloseq(one_of(f)),
  "ibd_risk_gevers/original/RISK_CCFA.rda" = function(f) from_phyloseq(one_of(f)),
  "twinsuk_goodrich/original/TwinsUK.rda" = function(f) from_phyloseq(one_of(f)),
  "crc_tito_qmp/original/Tito2024QMP.rda" = function(f) from_experiment(one_of(f)),
  "formats/dada2_rds/dada2_seqtab.rds" = function(f) table_row(t(one_of(f))),
  "formats/dada2_rds/dada2_taxtab.rds" = function(f) taxa_row(by_rank(one_of(f))),
  "hmp2_ipop_zhou/original/otu_HMP2.rda" = function(f) table_row(t(one_of(f))),
  "hmp2_ipop_zhou/original/taxa_HMP2.rda" = function(f) taxa_row(by_rank(one_of(f))),
  "ibd_papa/original/ibd_phylo_otu.rda" = function(f) table_row(as.matrix(one_of(f))),
  "ibd_papa/original/ibd_phylo_taxa.rda" = function(f) taxa_row(by_rank(one_of(f))),
  # BIOM and QIIME 2
  "formats/biom_v1_json/otutable.biom" = from_biom,
  "formats/biom_v1_json_taxonomy/Aggregated_humanization2.biom" = from_biom,
  "formats/biom_v21_hdf5/GG_100nt.biom" = from_biom,
  "formats/biom_v21_hdf5/ag-fecal.biom" = from_biom,
  "formats/biom_v21_hdf5/mia_complete.biom" = from_biom,
  "formats/biom_v21_hdf5/table.biom" = from_biom,
  "globalgut_yatsunenko_even10k/original/GG_100nt_even10k.biom" = from_biom,
  "hmp_v13_stool/original/otu_table.biom" = from_biom,
  "ibd_2538_longitudinal/original/table.biom" = from_biom,
  "ibd_2538_longitudinal/original/table.qza" = from_biom,
  "ibd_2538_longitudinal/original/rarefied-table.qza" = from_biom,
  "formats/qza_moving_pictures/table.qza" = from_biom,
  "formats/qza_moving_pictures_empress/table.qza" = from_biom,
  "thdmi_asv/original/thdmi-sepp-feature-table.biom.qza" = from_biom,
  "thdmi_gg2_species/original/gg2-feature-table-species.qza" = from_biom,
  "thdmi_silva138_genus/original/silva-feature-table-genus.qza" = from_biom,
  "udca_pearson_asv/original/udca_table.qza" = from_biom,
  "formats/qza_moving_pictures/taxonomy.qza" = qza_taxonomy,
  "formats/qza_moving_pictures_empress/taxonomy.qza" = qza_taxonomy,
  "ibd_2538_longitudinal/original/taxonomy.qza" = qza_taxonomy,
  "udca_pearson_asv/original/udca_taxonomy.qza" = qza_taxonomy,
  "formats/qza_moving_pictures/tree.qza" = qza_tree,
  "formats/qza_moving_pictures_empress/rooted-tree.qza" = qza_tree,
  "ibd_2538_longitudinal/original/sepp-insertion-tree.qza" = qza_tree,
  "udca_pearson_asv/original/udca_rooted-tree.qza" = qza_tree,
  "formats/biom_v1_json_taxonomy/Data_humanization_phylo_aggregation.tre" = function(f) tree_row(read.tree(f)),
  # text
  "age_claesson/original/otutable.txt.gz" = from_classic,
  "ob_turnbaugh/original/otutable.txt.gz" = from_classic,
  "crc_baxter_genus/original/baxter_genera_shared.csv" = function(f) from_turned(f, sep = ","),
  "crc_hale_genus/original/hale_genera_shared.csv" = function(f) from_turned(f, sep = ","),
  "healthy_poyet_genus/original/genera.counts.tsv" = from_turned,
  "formats/relative_abundance_wgs/HMP2_taxonomy.tsv" = function(f) table_row(t(as.matrix(read.table(f, sep = "\t", header = TRUE, check.names = FALSE)))),
  "covid_albataineh_genus/original/AHM+21.tab.xz" = from_rdp,
  "covid_newsome_genus/original/NGH+21.tab.xz" = from_rdp,
  "covid_ren_genus/original/RWC+21.tab.xz" = from_rdp,
  "covid_schult_genus/original/SRK+22.tab.xz" = from_rdp,
  # mothur
  "formats/mothur/mothur_example.shared" = from_turned,
  "hmp_sze_bmi/original/hmp.shared.gz" = from_turned,
  "ob_escobar/original/escobar.shared.gz" = from_turned,
  "ob_ross/original/ross.shared.gz" = from_turned,
  "ob_wu_combo/original/wu.shared.gz" = from_turned,
  "ob_zeevi_israel/original/zeevi.shared.gz" = from_turned,
  "formats/mothur/mothur_example.cons.taxonomy" = function(f) lineage_column(text_of(f, quote = ""), "Taxonomy"),
  "formats/mothur/mothur_example.taxonomy" = function(f) lineage_column(read.table(f, sep = "\t", quote = "", colClasses = "character"), 2),
  "hmp_sze_bmi/original/hmp.taxonomy.gz" = function(f) lineage_column(text_of(f, quote = ""), "Taxonomy"),
  "ob_escobar/original/escobar.taxonomy.gz" = function(f) lineage_column(text_of(f, quote = ""), "Taxonomy"),
  "ob_ross/original/ross.taxonomy.gz" = function(f) lineage_column(text_of(f, quote = ""), "Taxonomy"),
  "ob_wu_combo/original/wu.taxonomy.gz" = function(f) lineage_column(text_of(f, quote = ""), "Taxonomy"),
  "ob_zeevi_israel/original/zeevi.taxonomy.gz" = function(f) lineage_column(text_of(f, quote = ""), "Taxonomy"),
  # metadata
  "age_claesson/original/mapping-orig.txt" = function(f) plain_metadata(f, quote = ""),
  "ob_turnbaugh/original/mapping-orig.txt" = function(f) plain_metadata(f, quote = ""),
  "globalgut_yatsunenko_even10k/original/GG_100nt_even10k.txt.gz" = function(f) plain_metadata(f, quote = ""),
  "covid_albataineh_genus/original/AHM+21.reduced.csv" = function(f) plain_metadata(f, sep = ","),
  "covid_newsome_genus/original/NGH+21.reduced.csv" = function(f) plain_metadata(f, sep = ","),
  "covid_ren_genus/original/RWC+21.reduced.csv" = function(f) plain_metadata(f, sep = ","),
  "covid_schult_genus/original/SRK+22.reduced.csv" = function(f) plain_metadata(f, sep = ","),
  "crc_baxter_genus/original/metadata.tsv" = plain_metadata,
  "crc_hale_genus/original/hale.metadata" = plain_metadata,
  "healthy_poyet_genus/original/metadata.tsv" = function(f) plain_metadata(f, id = 2),
  "hmp_sze_bmi/original/hmp.metadata" = plain_metadata,
  "ob_escobar/original/escobar.metadata" = plain_metadata,
  "ob_ross/original/ross.metadata" = plain_metadata,
  "ob_wu_combo/original/wu.metadata" = plain_metadata,
  "ob_zeevi_israel/original/zeevi.metadata" = plain_metadata,
  "ibd_2538_longitudinal/original/metadata.tsv.gz" = plain_metadata,
  "udca_pearson_asv/original/udca_metadata_min.tsv" = plain_metadata,
  "formats/biom_v1_json_taxonomy/Mapping_file_ADHD_aggregated.csv" = function(f) plain_metadata(f, sep = ","),
  "formats/mothur/mothur_example.design" = plain_metadata,
  "formats/qza_moving_pictures/sample-metadata.tsv" = plain_metadata,
  "formats/qza_moving_pictures_empress/sample_metadata.tsv" = plain_metadata,
  "formats/dada2_rds/dada2_samdata.txt" = function(f) metadata_row(read.table(f, sep = "\t", header = TRUE))[-3],
  "formats/relative_abundance_wgs/HMP2_metadata.tsv" = function(f) metadata_row(read.table(f, sep = "\t", header = TRUE))[-3]
)
ampliseq <- list(
  "ASV_table.tsv" = from_classic,
  "DADA2_table.tsv" = function(f) from_classic(f, leave = ASV),
  "DADA2_table.rds" = function(f) table_row(t(one_of(f))),
  "dada2_phyloseq.rds" = function(f) from_phyloseq(one_of(f)),
  "feature-table.biom" = from_biom,
  "feature-table.tsv" = from_classic,
  "filtered-table.qza" = from_biom,
  "table.qza" = from_biom,
  "abs-abund-table-6.tsv" = from_classic,
  "rel-table-6.tsv" = from_classic,
  "rel-table-ASV.tsv" = from_classic,
  "rel-table-ASV_with-DADA2-tax.tsv" = function(f) from_classic(f, leave = ASV),
  "taxonomy.qza" = ampliseq_qza_taxonomy,
  "ASV_tax.silva_138_2.tsv" = function(f) {
    frame <- text_of(f)
    rownames(frame) <- frame$ASV_ID
    taxa_row(by_rank(frame))
  }
)
ampliseq[["ASV_tax_species.silva_138_2.tsv"]] <- ampliseq[["ASV_tax.silva_138_2.tsv"]]
how <- c(how, setNames(ampliseq, paste0(AMPLISEQ, names(ampliseq))))

columns <- c(
  "n_samples", "n_features", "total", "digest", "taxa", "taxa_digest", "tips", "tree_length", "rooted", "tips_digest", "metadata_columns", "metadata_digest"
)
only <- arguments[-(1:2)]
rows <- lapply(sort(names(how), method = "radix"), function(path) {
  if (length(only) && !any(vapply(only, grepl, NA, x = path, fixed = TRUE))) return(NULL)
  row <- how[[path]](file.path(data, path))
  message(path, ": ", paste(unlist(row), collapse = " "))
  vapply(columns, function(name) if (is.null(row[[name]])) "" else as.character(row[[name]]), "")
})
if (!length(only)) {
  frame <- data.frame(path = sort(names(how), method = "radix"), do.call(rbind, rows))
  write.table(frame, file.path(out, "formats.tsv"), sep = "\t", quote = FALSE, row.names = FALSE)
  kept <- c("base", "phyloseq", "biomformat", "rhdf5", "ape", "SummarizedExperiment")
  versions <- vapply(kept, function(p) paste(p, packageVersion(p)), "")
  writeLines(c(R.version.string, versions), file.path(out, "session_info_formats.txt"))
}
