"""A device of its own that computes on the CPU and refuses what a GPU would refuse.

For machines without a GPU: tensors of `other` beside tensors of the CPU, and random numbers for one
from the generator of the other, raise as they do on CUDA. Importing it changes torch for the whole
process, so that tests start one.
"""

import contextlib
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import (
    TorchDispatchMode,
    _disable_current_modes,
    return_and_correct_aliasing,
)
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

_setup_privateuseone_for_python_backend("other", backend_module=_DummyBackendModule())
DEVICE = torch.device("other", 0)
_ATEN = torch.ops.aten
# a GPU takes tensors of the CPU here: copies, and indices
_CROSSING = {
    _ATEN.copy_.default,
    _ATEN._to_copy.default,
    _ATEN.index.Tensor,
    _ATEN.index_put.default,
    _ATEN.index_put_.default,
    _ATEN._index_put_impl_.default,
}
_ON_CPU = {_ATEN._local_scalar_dense.default, _ATEN.equal.default}
_generators: dict[int, torch.Generator] = {}  # of the other device, by their address


class Other(torch.Tensor):
    """Hold a tensor of the other device."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "Other":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
        )
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


def _compute(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    others = [tensor for tensor in tensors if isinstance(tensor, Other)]
    device = None if kwargs.get("device") is None else torch.device(kwargs["device"])
    is_other = bool(others) if device is None else device.type == "other"
    if func is _ATEN.copy_.default:
        is_other = isinstance(args[0], Other)
    if others and func not in _CROSSING:
        for tensor in tensors:
            if not isinstance(tensor, Other) and tensor.dim() > 0:
                raise RuntimeError(f"{func}: a tensor of the CPU beside one of the other device")
    generator = kwargs.get("generator")
    if generator is not None and (generator._cdata in _generators) != is_other:
        raise RuntimeError(f"{func}: the generator is of another device than its tensor")
    with _disable_current_modes():
        result = func(*tree_map(_to_cpu, args), **tree_map(_to_cpu, dict(kwargs)))
    if not is_other or func in _ON_CPU:
        return result
    result = tree_map(lambda x: Other(x) if isinstance(x, torch.Tensor) else x, result)
    return return_and_correct_aliasing(func, args, kwargs, result) if others else result


def _to_cpu(value: Any) -> Any:
    if isinstance(value, Other):
        return value.inner
    if isinstance(value, torch.device) and value.type == "other":
        return torch.device("cpu")
    return value


class _Kind(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, _Generator)


class _Generators(metaclass=_Kind):
    """Make generators, of either device."""

    def __new__(cls, device: Any = "cpu") -> Any:
        made = _Generator()
        if torch.device(device).type == "other":
            _generators[made._cdata] = made
        return made


def _make_tensor(data: Any, *, device: Any = None, **changes: Any) -> torch.Tensor:
    made = _tensor(data, **changes)
    return made if device is None else made.to(device)


def _save_from_cpu(content: Any, *rest: Any, **changes: Any) -> None:
    on_cpu = tree_map(lambda x: x.detach().cpu() if isinstance(x, Other) else x, content)
    _save(on_cpu, *rest, **changes)


def no_gradients(mode: bool = True) -> contextlib.AbstractContextManager[Any]:
    """Stand in for inference mode, which tensors of another class do not know."""
    return torch.no_grad() if mode else contextlib.nullcontext()


# what torch lacks of such a device
_tensor, _to_list, _save, _Generator = (
    torch.tensor,
    torch.Tensor.tolist,
    torch.save,
    torch.Generator,
)
torch.tensor = _make_tensor
torch.Tensor.tolist = lambda self: _to_list(self.cpu())
torch.save = _save_from_cpu
torch.Generator = _Generators
torch.inference_mode = no_gradients
torch.accelerator.synchronize = lambda *_: None
torch.__future__.set_swap_module_params_on_conversion(True)


def other_device() -> _Mode:
    """Return a context in which tensors may be made on DEVICE."""
    return _Mode()
