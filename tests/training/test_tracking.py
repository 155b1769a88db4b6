import json
import math
import time

import numpy as np

from inr.training.tracking import NullLogger, Tracker


class Recorder(NullLogger):
    """Keep what a logger is told."""

    def __init__(self) -> None:
        self.calls = []

    def log(self, values, *, epoch):
        self.calls.append((values, epoch))

    def image(self, key, image, *, epoch):
        self.calls.append((key, image.shape, epoch))

    def histogram(self, key, values, *, epoch):
        self.calls.append((key, values.tolist(), epoch))


def strict(line: str) -> dict:
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(line, parse_constant=refuse)


def test_lines_are_strict_json(tmp_path):
    logger = Recorder()
    tracker = Tracker(tmp_path, logger)
    started = time.time()
    tracker.log({"a": 1.5, "b": math.nan, "c": math.inf, "d": -math.inf}, epoch=3, step=30)
    tracker.log({"a": 2.5}, epoch=4, step=40)
    first, second = map(strict, (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert started - 1 < first.pop("time") < time.time() + 1
    assert first == {"epoch": 3, "step": 30, "a": 1.5, "b": None, "c": None, "d": None}
    assert (second["epoch"], second["a"]) == (4, 2.5)
    assert logger.calls == [({"a": 1.5}, 3), ({"a": 2.5}, 4)]


def test_a_new_tracker_goes_on_in_the_same_file(tmp_path):
    for epoch in (1, 2):
        Tracker(tmp_path, NullLogger()).log({"a": 1.0}, epoch=epoch, step=epoch)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [strict(line)["epoch"] for line in lines] == [1, 2]


def test_pictures_and_histograms_go_to_the_logger(tmp_path):
    logger = Recorder()
    tracker = Tracker(tmp_path, logger)
    tracker.image("train/shapes", np.zeros((4, 5, 3), np.uint8), epoch=1)
    tracker.histogram("norms", np.array([1.0, 2.0]), epoch=2)
    assert logger.calls == [("train/shapes", (4, 5, 3), 1), ("norms", [1, 2], 2)]
    (line,) = tracker.path.read_text().splitlines()
    assert strict(line)["norms/quantiles"] == [1, 1.25, 1.5, 1.75, 2]
