"""The catalogue of metrics, computed from the modules that declare them; read-only."""

from __future__ import annotations

from types import MappingProxyType

from gutdiv.diversity import alpha, beta, phylogenetic, phylogenetic_alpha, robust
from gutdiv.diversity.metric import REGISTRY, Metric, chosen
from gutdiv.errors import InputError

MODULES = (alpha, phylogenetic_alpha, beta, robust, phylogenetic)
ALPHA = MappingProxyType(chosen(REGISTRY, "alpha"))
USUAL = ("sobs", "shannon", "simpson", "inv_simpson", "pielou_e", "chao1", "faith_pd")  # the alpha metrics measured where none are named
BETA = MappingProxyType(chosen(REGISTRY, "beta"))


def find(name: str, scope: str) -> Metric:
    """Return a metric by name; an unknown one raises InputError and lists the known ones."""
    known = ALPHA if scope == "alpha" else BETA
    if name not in known:
        msg = f"there is no {scope} metric {name!r}. Known: {', '.join(known)}."
        raise InputError(msg)
    return known[name]
