"""Random rows of many shapes, read as runs of consecutive ones."""

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

# of the free memory of a GPU, what one set of samples may take; the rest is for training
GPU_FRACTION = 0.5
# rows a shape from which on a CPU copies runs; below, it gathers rows by their numbers
LONG_DRAW = 512
SHUFFLE_SEED = 62


class RowSampler:
    """Random rows of several shapes, each shape's in two runs (outside and inside, say).

    The order within a run has to be random, since a draw takes consecutive rows.

    Args:
        values: (R, W), float32 or float16, on the CPU or on `device`.
        counts: (B, 3) integers: the number of a shape's first row, and the lengths of its first
            and of its second run, which follows; one of them may be 0.
        device: where draws go.
        read_ahead: called with the first row and the number of rows that are about to be read,
            where they may be on disk still; else None.
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
        # what draws need of a shape in one row, so that one look-up finds it; two halves are of
        # the first run where the second is empty, none where the first is, else one
        halves = torch.where(second == 0, 2, torch.where(first == 0, 0, 1))
        columns = [start, start + first, first.clamp(min=1), second.clamp(min=1)]
        columns += [first, first + second, halves]
        self.table = torch.stack(columns, dim=1).to(values.device)

    @classmethod
    def of_arrays(
        cls, names: Sequence[str], arrays: Sequence[tuple[Array, Array]], device: torch.device
    ) -> "RowSampler":
        """Keep arrays (n, W) and (m, W) of each shape in memory, shuffled by the shape's name."""
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
        """Take rows of a cache: mapped from its file, or copied to a GPU that has the room.

        A GPU has it where they take at most half of its free memory; else each draw is gathered
        in pinned memory of the CPU.
        """
        with warnings.catch_warnings():
            # nothing writes to it
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
        """Return where the rows are, so that shapes and random numbers there need no copy."""
        return self.values.device

    def draw(self, index: Tensor, number: int, generator: Generators, *, balanced: bool) -> Tensor:
        """Return random rows (B, number, W) of the shapes index (B,), float32.

        They are consecutive ones of either run, from a random place on and around its end: none
        is drawn twice where there are enough.

        Args:
            index: the shapes, where the generator is.
            number: of rows for each.
            generator: one for all, or one a shape.
            balanced: half of them are of the first run, all where the other is empty; else as
                many as its fraction of the shape's rows, rounded at random.
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
            for span in spans:  # all at once, so that the disk need not wait for the copies
                self.read_ahead(*span)
        slices = [self.values[start : start + number] for start, number in spans]
        return torch.cat(slices, out=self._pinned(sum(map(len, slices))))

    def _pick(self, numbers: Tensor) -> Tensor:
        return torch.index_select(self.values, 0, numbers, out=self._pinned(len(numbers)))

    def _pinned(self, number: int) -> Tensor | None:
        """Return pinned memory for rows that a GPU is to copy; None where there is no copy."""
        if self.generator_device == self.device:
            return None
        size = (number, self.values.shape[1])
        return torch.empty(size, dtype=self.values.dtype, pin_memory=True)


def has_room(device: torch.device, num_bytes: int) -> bool:
    """Return whether samples of that size should live on a device."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return num_bytes <= GPU_FRACTION * free


def gather_shapes(
    values: Tensor, counts: Tensor, device: torch.device, read_ahead: ReadAhead
) -> tuple[Tensor, Tensor]:
    """Copy the rows of some shapes to a device, one after another.

    Args:
        values: (R, W), of these and other shapes.
        counts: (B, 3), see RowSampler.
        device: where they go.
        read_ahead: see RowSampler.

    Returns:
        The rows there, and their counts.
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
    """Return the numbers (B, number) of the rows that a draw takes.

    Args:
        number: of rows for each shape.
        starts: (B, 2), number of each run's first row.
        lengths: (B, 2), of the runs, 1 where there is none.
        begins: (B, 2), where in the runs the draw begins; changed.
        num_first: (B, 1), how many rows are of the first run.
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
    """Yield the first and the number of the same rows; no run is shorter than is taken (B, 2)."""
    for start, length, begin, number in zip(
        *(pair.flatten().tolist() for pair in (starts, lengths, begins, taken)), strict=True
    ):
        over = max(0, begin + number - length)
        if number > over:
            yield start + begin, number - over
        if over:
            yield start, over


def integers(index: Tensor, number: int, generator: Generators) -> Tensor:
    """Return random integers below 2^31, (B, number), for the shapes index (B,)."""

    def make(*shape: int, generator: torch.Generator, device: torch.device) -> Tensor:
        return torch.randint(2**31, shape, generator=generator, device=device)

    return _random(make, index, (number,), generator)


def uniform(index: Tensor, shape: tuple[int, ...], generator: Generators) -> Tensor:
    """Return numbers in [0, 1), (B, *shape), for the shapes index (B,)."""
    return _random(torch.rand, index, shape, generator)


def normal(index: Tensor, shape: tuple[int, ...], generator: Generators) -> Tensor:
    """Return N(0, 1) numbers, (B, *shape), for the shapes index (B,)."""
    return _random(torch.randn, index, shape, generator)


def _random(
    make: Callable[..., Tensor], index: Tensor, shape: tuple[int, ...], generator: Generators
) -> Tensor:
    device = index.device
    if isinstance(generator, torch.Generator):
        return make(len(index), *shape, generator=generator, device=device)
    return torch.stack([make(*shape, generator=one, device=device) for one in generator])
