"""Draw random rows of many shapes, as runs of consecutive rows of pre-shuffled data."""

import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inr.data.sample_cache import SampleCache
from inr.seeding import seed_from_name

Array = NDArray[np.float32]
Generators = torch.Generator | Sequence[torch.Generator]
ReadAhead = Callable[[int, int], None]

# fraction of a GPU's free memory that one set of samples may take; the rest is for training
GPU_FRACTION = 0.5
# on a CPU, rows per shape from which copying runs is faster than gathering rows by index
LONG_DRAW = 512
SHUFFLE_SEED = 62


class RowSampler:
    """Draws random rows of several shapes, each stored as two runs (such as outside and inside).

    Rows within a run must be in random order, since a draw takes consecutive rows.

    Args:
        values: (R, W), rows of all shapes, float32 or float16, on the CPU or on `device`.
        counts: (S, 3) integers for S shapes: index of the first row, and lengths of the first run
            and of the second, which follows it; one of them may be 0.
        device: device of the drawn rows.
        read_ahead: called as (first row, number of rows) before rows are read that may still be on
            disk; None if all are in memory.
    """

    def __init__(
        self, values: Tensor, counts: Tensor, device: torch.device, *, read_ahead: ReadAhead | None
    ) -> None:
        self.values = values
        self.device = device
        self.read_ahead = read_ahead
        start, first, second = counts.unbind(dim=1)
        lengths = counts[:, 1:]
        self.shortest = int(lengths[lengths > 0].min()) if lengths.any() else 0
        # one row per shape, so that a draw needs a single look-up. `halves` is how many halves of
        # a balanced draw are of the first run: 2 if the second is empty, 0 if the first is, else 1
        halves = torch.where(second == 0, 2, torch.where(first == 0, 0, 1))
        columns = [start, start + first, first.clamp(min=1), second.clamp(min=1)]
        columns += [first, first + second, halves]
        self.table = torch.stack(columns, dim=1).to(values.device)

    @classmethod
    def of_arrays(
        cls, names: Sequence[str], arrays: Sequence[tuple[Array, Array]], device: torch.device
    ) -> "RowSampler":
        """Hold arrays (n, W) and (m, W) of each shape in memory, shuffled by the shape's name."""
        shuffled, counts, start = [], [], 0
        for name, runs in zip(names, arrays, strict=True):
            rng = seed_from_name(name, SHUFFLE_SEED)
            shuffled += [run[rng.permutation(len(run))] for run in runs]
            counts.append([start, *map(len, runs)])
            start += sum(map(len, runs))
        values = torch.from_numpy(np.concatenate(shuffled)).to(device)
        return cls(values, torch.tensor(counts), device, read_ahead=None)

    @classmethod
    def of_cache(
        cls, cache: SampleCache, names: Sequence[str], device: torch.device
    ) -> "RowSampler":
        """Use the rows of a cache: memory-mapped on a CPU, copied to a GPU if they fit.

        They fit if they take at most half of its free memory; otherwise each draw is gathered in
        pinned CPU memory and transferred.
        """
        with warnings.catch_warnings():
            # the tensor is never written to
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            values = torch.from_numpy(cache.values)
        entries = [cache.entries[name] for name in names]
        counts = torch.tensor([[e.offset, e.num_first, e.num_second] for e in entries])
        counts = counts.reshape(-1, 3)
        num_bytes = int(counts[:, 1:].sum()) * cache.row_bytes
        if device.type != "cpu" and has_room(device, num_bytes):
            values, counts = gather_shapes(values, counts, device, cache.read_ahead)
            return cls(values, counts, device, read_ahead=None)
        return cls(values, counts, device, read_ahead=cache.read_ahead)

    @property
    def generator_device(self) -> torch.device:
        """Return the device of the rows; indices and generators there avoid a copy."""
        return self.values.device

    def draw(self, index: Tensor, number: int, generator: Generators, *, balanced: bool) -> Tensor:
        """Return random rows of a batch of shapes, (B, number, W) float32.

        They are consecutive rows of each run, from a random start and wrapping around, so that no
        row repeats unless a run is shorter than the draw.

        Args:
            index: (B,), shapes of the batch, on the generator's device.
            number: rows per shape.
            generator: one generator for all shapes, or one per shape.
            balanced: draw half of the rows from each run (all from one if the other is empty); else
                in proportion to the lengths of the runs, rounded at random.
        """
        random = integers(index, 3, generator).to(self.generator_device)
        table = torch.index_select(self.table, 0, index.to(self.generator_device))
        starts, lengths, first, total, halves = table.split([2, 2, 1, 1, 1], dim=1)
        if balanced:
            num_first = halves * number // 2
        else:
            num_first = (random[:, 2:] % total + number * first) // total
        begins = random[:, :2] % lengths
        if self.generator_device.type == "cpu" and LONG_DRAW <= number <= self.shortest:
            taken = torch.cat([num_first, number - num_first], dim=1)
            rows = self._join(list(_spans(starts, lengths, begins, taken)))
        else:
            rows = self._pick(_numbers(number, starts, lengths, begins, num_first).flatten())
        drawn = rows.to(self.device, non_blocking=True).view(len(index), number, -1)
        return drawn.float()

    def _join(self, spans: list[tuple[int, int]]) -> Tensor:
        if self.read_ahead is not None:
            for span in spans:  # request all before copying, so that the disk can work ahead
                self.read_ahead(*span)
        slices = [self.values[start : start + number] for start, number in spans]
        return torch.cat(slices, out=self._pinned(sum(map(len, slices))))

    def _pick(self, numbers: Tensor) -> Tensor:
        return torch.index_select(self.values, 0, numbers, out=self._pinned(len(numbers)))

    def _pinned(self, number: int) -> Tensor | None:
        """Return pinned memory for rows to be copied to a GPU; None if no copy is needed."""
        if self.generator_device == self.device:
            return None
        size = (number, self.values.shape[1])
        return torch.empty(size, dtype=self.values.dtype, pin_memory=True)


def has_room(device: torch.device, num_bytes: int) -> bool:
    """Return whether samples of this size may be kept on a device."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return num_bytes <= GPU_FRACTION * free


def gather_shapes(
    values: Tensor, counts: Tensor, device: torch.device, read_ahead: ReadAhead
) -> tuple[Tensor, Tensor]:
    """Copy the rows of some shapes to a device, packed without gaps.

    Args:
        values: (R, W), rows of these and other shapes.
        counts: (S, 3), see RowSampler.
        device: target device.
        read_ahead: see RowSampler.

    Returns:
        The packed rows, and their counts (S, 3).
    """
    lengths = counts[:, 1:].sum(dim=1)
    ends = lengths.cumsum(dim=0)
    moved = torch.cat([(ends - lengths)[:, None], counts[:, 1:]], dim=1)
    there = torch.empty(int(lengths.sum()), values.shape[1], dtype=values.dtype, device=device)
    for old, new, length in zip(
        counts[:, 0].tolist(), moved[:, 0].tolist(), lengths.tolist(), strict=True
    ):
        read_ahead(old, length)
        there[new : new + length].copy_(values[old : old + length])
    return there, moved


def _numbers(
    number: int, starts: Tensor, lengths: Tensor, begins: Tensor, num_first: Tensor
) -> Tensor:
    """Return the indices (B, number) of the rows of a draw.

    Args:
        number: rows per shape.
        starts: (B, 2), index of each run's first row.
        lengths: (B, 2), lengths of the runs; 1 for an empty one.
        begins: (B, 2), offset in each run at which the draw begins; modified in place.
        num_first: (B, 1), number of rows from the first run.
    """
    position = torch.arange(number, device=starts.device)
    is_first = position < num_first
    begins[:, 1:] -= num_first
    table = torch.stack([begins, lengths, starts]).unsqueeze(3)
    begin, length, start = torch.where(is_first, table[:, :, 0], table[:, :, 1])
    return begin.add_(position).remainder_(length).add_(start)


def _spans(
    starts: Tensor, lengths: Tensor, begins: Tensor, taken: Tensor
) -> Iterator[tuple[int, int]]:
    """Yield (first row, number of rows) of each span of a draw of `taken` (B, 2) rows per run.

    No run may be shorter than its draw.
    """
    for start, length, begin, number in zip(
        *(pair.flatten().tolist() for pair in (starts, lengths, begins, taken)), strict=True
    ):
        over = max(0, begin + number - length)
        if number > over:
            yield start + begin, number - over
        if over:
            yield start, over


def integers(index: Tensor, number: int, generator: Generators) -> Tensor:
    """Return uniform integers in [0, 2^31), (B, number), for a batch of shapes index (B,)."""

    def make(*shape: int, generator: torch.Generator, device: torch.device) -> Tensor:
        return torch.randint(2**31, shape, generator=generator, device=device)

    return _random(make, index, (number,), generator)


def uniform(index: Tensor, shape: tuple[int, ...], generator: Generators) -> Tensor:
    """Return uniform numbers in [0, 1), (B, *shape), for a batch of shapes index (B,)."""
    return _random(torch.rand, index, shape, generator)


def normal(index: Tensor, shape: tuple[int, ...], generator: Generators) -> Tensor:
    """Return N(0, 1) numbers, (B, *shape), for a batch of shapes index (B,)."""
    return _random(torch.randn, index, shape, generator)


def _random(
    make: Callable[..., Tensor], index: Tensor, shape: tuple[int, ...], generator: Generators
) -> Tensor:
    device = index.device
    if isinstance(generator, torch.Generator):
        return make(len(index), *shape, generator=generator, device=device)
    return torch.stack([make(*shape, generator=one, device=device) for one in generator])
