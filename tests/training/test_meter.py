import time

import torch

from inr.training.meter import Meter

CPU = torch.device("cpu")


def test_meter_forgets_what_it_gave():
    meter = Meter(CPU)
    for value in (1.0, 3.0):
        meter.add({"loss": torch.tensor(value)}, 10)
    assert meter.read()["loss"] == 2
    meter.add({"loss": torch.tensor(7.0)}, 10)
    assert meter.read()["loss"] == 7


def test_pauses_do_not_count_for_the_speed():
    meter = Meter(CPU)
    meter.add({"loss": torch.tensor(1.0)}, 1000)
    with meter.paused():
        time.sleep(0.5)
    assert meter.read()["samples_per_second"] > 1000 / 0.5
