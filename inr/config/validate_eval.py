"""Check the settings of an evaluation: the protocol, and what it is applied to."""

import re
from collections.abc import Mapping
from typing import Any

from inr.config.instantiate import check, instantiate
from inr.metrics.base import Metric
from inr.metrics.published import check_dataset
from inr.metrics.sets import SetMetric


def check_eval(raw: Mapping[str, Any]) -> None:
    """Check the protocol, and what it is applied to.

    Raises:
        ValueError: for the first mistake.
    """
    settings = raw["eval"]
    if re.fullmatch(r"[a-z0-9_]+", settings["protocol"]) is None:
        raise ValueError(
            f"eval.protocol is '{settings['protocol']}'; it names a folder, of a-z, 0-9 and _"
        )
    if not settings["metrics"]:
        raise ValueError("'eval.metrics' has no metric; choose a protocol with eval=<name>")
    kinds, metrics = set(), []
    for name, metric in settings["metrics"].items():
        check(metric, f"eval.metrics.{name}", raw["allow"], kind=Metric | SetMetric)
        try:
            made = instantiate(metric, raw["allow"])
        except ValueError as error:
            raise ValueError(f"eval.metrics.{name}: {error}") from error
        kinds.add(isinstance(made, SetMetric))
        metrics.append(made)
    if len(kinds) > 1:
        raise ValueError(
            "eval.metrics mixes metrics of single shapes and of sets of shapes; put them into two "
            "protocols"
        )
    if kinds == {True}:
        _check_sets(raw)
    elif raw["meshes"] and all(metric.needs_field for metric in metrics):
        raise ValueError(
            f"eval={settings['protocol']} needs the field of a network, which "
            f"meshes={raw['meshes']} does not have: evaluate a run, or choose another protocol"
        )
    check_dataset(settings["dataset"])
    if settings["empty"] == "diagonal" and settings["frame"] != "unit_cube":
        raise ValueError(
            "eval.empty=diagonal is the diagonal of the unit cube; it goes with "
            "eval.frame=unit_cube"
        )
    _check_subject(raw)


def _check_sets(raw: Mapping[str, Any]) -> None:
    protocol, frame = raw["eval"]["protocol"], raw["eval"]["frame"]
    if raw["stage"] == "all":
        raise ValueError(
            f"eval={protocol} measures new shapes, which stage=all does not make: run it without, "
            f"and then stage=sample run=latest and stage=evaluate run=latest eval={protocol}"
        )
    if raw["runs"]:
        raise ValueError(f"eval={protocol} measures one run at a time; give run instead of runs")
    if frame != "box" and not raw["meshes"]:
        raise ValueError(
            f"eval.frame={frame} does not go with new shapes, which exist in the box frame only; "
            "use eval.frame=box"
        )


def _check_subject(raw: Mapping[str, Any]) -> None:
    """Check that stage=evaluate is given one subject: a run, several runs, or folders."""
    given = [key for key in ("runs", "against", "meshes", "ground_truth", "scans") if raw[key]]
    if given and raw["stage"] != "evaluate":
        raise ValueError(f"{given[0]}={raw[given[0]]} goes with stage=evaluate")
    for key, needed in (
        ("against", "runs"),
        ("meshes", "ground_truth"),
        ("ground_truth", "meshes"),
    ):
        if raw[key] and not raw[needed]:
            raise ValueError(f"{key}={raw[key]} needs {needed} as well")
    if raw["meshes"] and raw["eval"]["ground_truth"] != "solid":
        raise ValueError(
            f"eval.ground_truth={raw['eval']['ground_truth']} is of a data set; "
            f"meshes={raw['meshes']} is measured against the files of "
            f"ground_truth={raw['ground_truth']} as they are: leave it out"
        )
    if raw["scans"] and not raw["meshes"]:
        raise ValueError(f"scans={raw['scans']} goes with meshes=<folder> ground_truth=<folder>")
    if len([key for key in ("run", "runs", "meshes") if raw[key]]) > 1:
        raise ValueError("run, runs and meshes exclude one another; give one of them")
