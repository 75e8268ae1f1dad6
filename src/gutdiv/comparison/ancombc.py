"""ANCOM-BC2 of scikit-bio on a design of our own; nothing that a user wrote reaches its formula."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AncomBC2:
    """Log fold changes, their errors and p, (q, m); NaN where a coefficient cannot be estimated."""

    effect: Floats
    se: Floats
    p: Floats


def ancombc2(counts: Floats, design: Floats, tested: slice) -> AncomBC2 | str:
    """Run ANCOM-BC2 (Lin & Peddada 2024) as scikit-bio has it, with its defaults: zeros are missing, no pseudocount.

    Parameters
    ----------
    counts : (n, m)
        Reads; every taxon seen at least once.
    design : (n, k)
        Intercept first; further columns reach scikit-bio as numbers by the names c1, c2, ...
    tested : slice
        Columns whose coefficients are wanted.

    Returns
    -------
    AncomBC2, or str
        What scikit-bio said where it cannot fit.
    """
    import pandas as pd
    from skbio.stats.composition import ancombc2 as fit

    names = [f"c{j}" for j in range(1, design.shape[1])]
    frame = pd.DataFrame(design[:, 1:], columns=names)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of taxa with few values; they come back as NaN
        try:
            result = fit(np.asarray(counts, dtype=np.float64), frame, " + ".join(names)).result
        except (ValueError, np.linalg.LinAlgError) as error:
            return f"ANCOM-BC2 could not be fitted: {str(error)[:200]}"
    wanted = [f"c{j}" for j in range(design.shape[1])[tested]]
    effect, se, p = (
        np.stack([result[column].xs(c, level="Covariate").to_numpy(dtype=np.float64) for c in wanted]) for column in ("Log(FC)", "SE", "pvalue")
    )
    return AncomBC2(effect, se, np.where(np.isfinite(effect) & np.isfinite(se), p, np.nan))
