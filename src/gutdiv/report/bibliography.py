"""Papers behind the methods, by the key under which the results name them; a key that is not here is printed as it stands."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "aitchison1986": "Aitchison J (1986). The Statistical Analysis of Compositional Data. Chapman and Hall.",
        "anderson2001": "Anderson MJ (2001). A new method for non-parametric multivariate analysis of variance. Austral Ecology 26, 32-46.",
        "anderson2006": "Anderson MJ (2006). Distance-based tests for homogeneity of multivariate dispersions. Biometrics 62, 245-253.",
        "benjamini1995": "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate. J R Stat Soc B 57, 289-300.",
        "berger1970": "Berger WH, Parker FL (1970). Diversity of planktonic Foraminifera in deep-sea sediments. Science 168, 1345-1347.",
        "bray1957": "Bray JR, Curtis JT (1957). An ordination of the upland forest communities of southern Wisconsin. "
        "Ecol Monogr 27, 325-349.",
        "chang2011": "Chang Q, Luan Y, Sun F (2011). Variance adjusted weighted UniFrac: a powerful beta diversity measure for "
        "comparing communities based on phylogeny. BMC Bioinformatics 12, 118.",
        "chao1984": "Chao A (1984). Nonparametric estimation of the number of classes in a population. Scand J Stat 11, 265-270.",
        "chao1992": "Chao A, Lee SM (1992). Estimating the number of classes via sample coverage. J Am Stat Assoc 87, 210-217.",
        "chao2010": "Chao A, Chiu CH, Jost L (2010). Phylogenetic diversity measures based on Hill numbers. Phil Trans R Soc B 365, 3599-3609.",
        "chao2012": "Chao A, Jost L (2012). Coverage-based rarefaction and extrapolation: standardizing samples by "
        "completeness rather than size. Ecology 93, 2533-2547.",
        "chen2012": "Chen J, Bittinger K, Charlson ES, et al. (2012). Associating microbiome composition with environmental covariates "
        "using generalized UniFrac distances. Bioinformatics 28, 2106-2113.",
        "cliff1993": "Cliff N (1993). Dominance statistics: ordinal analyses to answer ordinal questions. Psychol Bull 114, 494-509.",
        "clsi2010": "CLSI (2010). Defining, Establishing, and Verifying Reference Intervals in the Clinical Laboratory. EP28-A3c.",
        "desilva2004": "de Silva V, Tenenbaum JB (2004). Sparse multidimensional scaling using landmark points. Technical report, Stanford University.",
        "endres2003": "Endres DM, Schindelin JE (2003). A new metric for probability distributions. IEEE Trans Inf Theory 49, 1858-1860.",
        "faith1992": "Faith DP (1992). Conservation evaluation and phylogenetic diversity. Biol Conserv 61, 1-10.",
        "fisher1943": "Fisher RA, Corbet AS, Williams CB (1943). The relation between the number of species and the number of individuals in a "
        "random sample of an animal population. J Anim Ecol 12, 42-58.",
        "gevers2014": "Gevers D, Kugathasan S, Denson LA, et al. (2014). The treatment-naive microbiome in new-onset Crohn's disease. "
        "Cell Host Microbe 15, 382-392.",
        "good1953": "Good IJ (1953). The population frequencies of species and the estimation of population parameters. Biometrika 40, 237-264.",
        "gower1966": "Gower JC (1966). Some distance properties of latent root and vector methods used in multivariate "
        "analysis. Biometrika 53, 325-338.",
        "gower1968": "Gower JC (1968). Adding a point to vector diagrams in multivariate analysis. Biometrika 55, 582-585.",
        "hill1973": "Hill MO (1973). Diversity and evenness: a unifying notation and its consequences. Ecology 54, 427-432.",
        "hurlbert1971": "Hurlbert SH (1971). The nonconcept of species diversity: a critique and alternative parameters. Ecology 52, 577-586.",
        "jaccard1912": "Jaccard P (1912). The distribution of the flora in the alpine zone. New Phytol 11, 37-50.",
        "knapp2003": "Knapp G, Hartung J (2003). Improved tests for a random effects meta-regression with a single covariate. Stat Med 22, 2693-2710.",
        "laird1982": "Laird NM, Ware JH (1982). Random-effects models for longitudinal data. Biometrics 38, 963-974.",
        "ledoit2004": "Ledoit O, Wolf M (2004). A well-conditioned estimator for large-dimensional covariance matrices. J "
        "Multivar Anal 88, 365-411.",
        "legendre1999": "Legendre P, Anderson MJ (1999). Distance-based redundancy analysis: testing multispecies responses in "
        "multifactorial ecological experiments. Ecol Monogr 69, 1-24.",
        "lin2024": "Lin H, Peddada SD (2024). Multigroup analysis of compositions of microbiomes with covariate adjustments and repeated "
        "measures. Nat Methods 21, 83-91.",
        "lozupone2005": "Lozupone C, Knight R (2005). UniFrac: a new phylogenetic method for comparing microbial communities. "
        "Appl Environ Microbiol 71, 8228-8235.",
        "lozupone2007": "Lozupone CA, Hamady M, Kelley ST, Knight R (2007). Quantitative and qualitative beta diversity "
        "measures lead to different insights "
        "into factors that structure microbial communities. Appl Environ Microbiol 73, 1576-1585.",
        "mackinnon1985": "MacKinnon JG, White H (1985). Some heteroskedasticity-consistent covariance matrix estimators with improved finite "
        "sample properties. J Econometrics 29, 305-325.",
        "martino2019": "Martino C, Morton JT, Marotz CA, et al. (2019). A novel sparse compositional technique reveals microbial "
        "perturbations. mSystems 4, e00016-19.",
        "pielou1966": "Pielou EC (1966). The measurement of diversity in different types of biological collections. J Theor "
        "Biol 13, 131-144.",
        "platt2005": "Platt JC (2005). FastMap, MetricMap, and Landmark MDS are all Nyström algorithms. Proc 10th Int Workshop on "
        "Artificial Intelligence and Statistics, 261-268.",
        "rao1995": "Rao CR (1995). A review of canonical coordinates and an alternative to correspondence analysis using "
        "Hellinger distance. Qüestiió 19, 23-63.",
        "ruzicka1958": "Růžička M (1958). Anwendung mathematisch-statistischer Methoden in der Geobotanik (synthetische Bearbeitung "
        "von Aufnahmen). Biologia (Bratislava) 13, 647-661.",
        "schloss2024": "Schloss PD (2024). Rarefaction is currently the best approach to control for uneven sequencing "
        "effort in amplicon sequence analyses. mSphere 9.",
        "shannon1948": "Shannon CE (1948). A mathematical theory of communication. Bell Syst Tech J 27, 379-423.",
        "simpson1949": "Simpson EH (1949). Measurement of diversity. Nature 163, 688.",
        "ubaru2017": "Ubaru S, Chen J, Saad Y (2017). Fast estimation of tr(f(A)) via stochastic Lanczos quadrature. SIAM J Matrix "
        "Anal Appl 38, 1075-1099.",
        "vovk2005": "Vovk V, Gammerman A, Shafer G (2005). Algorithmic Learning in a Random World. Springer.",
        "welch1947": "Welch BL (1947). The generalization of 'Student's' problem when several different population variances are involved. "
        "Biometrika 34, 28-35.",
        "zhou2022": "Zhou H, He K, Chen J, Zhang X (2022). LinDA: linear models for differential abundance analysis of microbiome "
        "compositional data. Genome Biol 23, 95.",
    }
)


def entries(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the papers of these keys, each once, in alphabetical order."""
    return tuple(sorted({METHODS.get(k, k) for k in keys if k}, key=str.casefold))


def bibtex(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the papers of these keys as BibTeX entries, each once, by key; a key that is not here has none."""
    return tuple(_entry(k, METHODS[k]) for k in sorted({k for k in keys if k in METHODS}))


def _entry(key: str, text: str) -> str:
    """Take a citation apart: authors, year, title, and where it appeared; a book has its publisher there."""
    authors, _, rest = text.partition(" (")
    year, _, rest = rest.partition("). ")
    title, _, place = rest.partition(". ")
    people = [a for a in authors.split(", ") if a != "et al."]
    named = " and ".join(f"{family}, {initials}" if family else f"{{{initials}}}" for family, _, initials in (a.rpartition(" ") for a in people))
    others = " and others" if authors.endswith("et al.") else ""
    found = re.fullmatch(r"(?P<journal>.+?) (?P<volume>\d+)(?:\(\d+\))?, (?P<pages>[\w-]+)\.", place)
    where = "".join(f"  {k} = {{{v}}},\n" for k, v in found.groupdict().items()) if found else f"  howpublished = {{{place.rstrip('.')}}},\n"
    return f"@{'article' if found else 'misc'}{{{key},\n  author = {{{named}{others}}},\n  title = {{{title}}},\n{where}  year = {{{year}}}\n}}"
