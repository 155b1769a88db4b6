import numpy as np
import torch

from inr.data.batch import BatchSpec
from inr.data.row_sampler import RowSampler
from inr.data.store import SampleStore
from inr.training.batches import Batches


def test_batches_drawn_together_are_those_that_a_resumed_run_draws():
    names = [f"shape{k}" for k in range(7)]
    rng = np.random.default_rng(0)
    arrays = [(rng.random((30, 3), np.float32), rng.random((20, 3), np.float32)) for _ in names]
    cpu = torch.device("cpu")
    samples = RowSampler.of_arrays(names, arrays, cpu)
    store = SampleStore(names, dim=2, device=cpu, samples=samples, surface=None)
    draws = BatchSpec(5, True, surface=0, space=0, space_near=0.0, space_std=0.0)
    batches = Batches(store, draws, seed=3, shapes_per_batch=2)
    assert batches.batches_per_draw > 3
    whole = list(batches.of_epoch(1, 0))
    assert [number for number, _, _ in whole] == [0, 1, 2, 3]
    assert sorted(torch.cat([index for _, index, _ in whole]).tolist()) == list(range(7))
    assert [len(batch.samples.points) for _, _, batch in whole] == [2, 2, 2, 1]
    resumed = list(Batches(store, draws, seed=3, shapes_per_batch=2).of_epoch(1, 2))
    for (number, index, batch), (again, same, other) in zip(whole[2:], resumed, strict=True):
        assert number == again and (index == same).all()
        assert (batch.samples.points == other.samples.points).all()
    batches.batches_per_draw = 2
    apart = list(batches.of_epoch(1, 3))
    assert [number for number, _, _ in apart] == [3] and (apart[0][1] == whole[3][1]).all()
