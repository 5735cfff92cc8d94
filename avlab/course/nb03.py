"""Notebook 03, attribution clusters: its parameters, profiles, metrics, mutants and checks."""

from typing import Annotated, Literal

from pydantic import Field

from avlab.course.base import CommonParams, Metric
from avlab.course.nb03_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "Attribution clusters"


class Params(CommonParams):
    """The parameters of notebook 03; the defaults are the smoke profile.

    n_clips          about so many clips of people of the split test: n of every forger and 3 n reals
    networks         how many seeds of each network are asked (the bundled ones are three)
    perplexities     of t-SNE; the larger ones of UMAP's neighbour counts follow them
    seeds_2d         maps drawn of one embedding, differing in the seed alone
    train_live       train the networks with and without attribution in this run instead of reading the bundled ones (minutes each)
    left_out         the stranger that beat 7 draws; every stranger is measured
    """

    n_clips: int = Field(84, ge=80, le=1000)
    networks: int = Field(1, ge=1, le=3)
    perplexities: list[Annotated[float, Field(ge=2, le=100)]] = Field([5.0, 30.0], min_length=2, max_length=4)
    seeds_2d: int = Field(2, ge=2, le=10)
    method: Literal["tsne", "umap", "both"] = "tsne"
    train_live: bool = False
    left_out: Literal["lipsync", "flow", "dub"] = "flow"
    n_random_heads: int = Field(50, ge=20, le=1000)
    n_bootstrap: int = Field(200, ge=100, le=5000)
    n_permutations: int = Field(5, ge=2, le=1000)
    mutant: Literal["none", "plot_training_clips", "self_neighbour", "group_leak"] = "none"


PROFILES = {
    "smoke": {},
    "full": {"n_clips": 480, "networks": 3, "perplexities": [2.0, 5.0, 30.0, 60.0], "seeds_2d": 3, "method": "both", "n_random_heads": 200, "n_bootstrap": 1000,
             "n_permutations": 20},
    "gpu": {"n_clips": 960, "networks": 3, "perplexities": [2.0, 5.0, 30.0, 60.0], "seeds_2d": 8, "method": "both", "train_live": True, "n_random_heads": 1000,
            "n_bootstrap": 2000, "n_permutations": 100},
}

MUTANTS = {
    "self_neighbour": "permuted_excess",  # a clip is counted among its own neighbours, and agrees with itself
    "group_leak": "leaks",  # folds keep clips together, not people
    "plot_training_clips": "people_known",  # the maps show people whom the networks were trained on
}

AUROC, ACCURACY = "AUROC", "balanced accuracy"
METRICS = {
    "clumps_noise.{perplexity}": Metric("R", "silhouette"),
    "clumps_uniform.{perplexity}": Metric("R", "silhouette"),
    "clumps_excess": Metric("R", "silhouette", "0"),
    "people_known": Metric("E", "people", "0", 0),
    "leaks": Metric("E", "people", "0", 0),
    "permuted_excess": Metric("I", "share", "0", (-0.03, 0.03)),
    "probe_generator.{network}": Metric("B", ACCURACY, "up", 0.08, 0.2),
    "probe_fake.{network}": Metric("R", ACCURACY, "up"),
    "knn_generator.{network}": Metric("B", ACCURACY, "up", 0.08, 0.2),
    "probe_permuted": Metric("B", ACCURACY, "0", 0.06, 0.2),
    "silhouette_full.{network}": Metric("R", "silhouette", "up"),
    "trustworthiness.{method}": Metric("B", "share", "up", 0.05, 0.5),
    "neighbours_kept.{method}": Metric("B", "share", "up", 0.08, 0.1),
    "neighbour_overlap_seeds": Metric("R", "share", "up"),
    "probe_stream.{stream}.{category}": Metric("B", ACCURACY, "-", 0.08, 0.5),
    "random_head_min": Metric("R", "share"),
    "random_head_max": Metric("R", "share"),
    "untrained_head": Metric("R", "share"),
    "novelty_auroc.{forger}": Metric("B", AUROC, "-", 0.08),
    "energy_auroc.{forger}": Metric("R", AUROC),
    "excess_generator": Metric("R", "share", "up"),
    "knn_excess.{nuisance}": Metric("R", "share"),
    "auroc_seen": Metric("B", AUROC, "up", 0.05),
    "auroc.{forger}": Metric("B", AUROC, "-", 0.06),
    "named_share": Metric("B", "share", "up", 0.08, 0.2),
    "ablation_auroc.{variant}": Metric("R", AUROC, "up"),
    "ablation_head.{variant}": Metric("R", "share", "up"),
    "ablation_probe.{variant}": Metric("R", ACCURACY, "up"),
    "islands_fitted": Metric("B", "share", "-", 0.1, 0.2),
    "islands_fresh": Metric("B", "share", "0", 0.08, 0.2),
}
