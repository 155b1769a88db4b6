"""The decoder of shapes that are made of parts: one network decodes each part in its own frame."""

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm as normalize_weight

from inr.models.activations import Activation, Plain
from inr.models.decoder import Field, PartDecoder
from inr.models.encodings import Encoding
from inr.models.layers import InputDims, LayerInput
from inr.models.parts.layers import PartConv, PartLinear, PartNorm
from inr.models.parts.poses import pose_dim, split, to_canonical
from inr.settings import AtLeast

# value of a part that a shape lacks, box units: above any distance within the box
FAR = 4.0


class PartMLP(PartDecoder):
    """Decoder of each part of a shape, and of their union (Talabot et al., PartSDF, 2025).

    Points are mapped to the canonical frame of each part, where a network shared by all parts
    gives the part's signed distance, in box units whatever the part's scale. Its layers are
    activation(W h + M z_p + b) for the part latent z_p, as in Dupont et al., ICML 2022. The
    signed distance to the shape is the minimum over its parts. The value of a part that the shape
    lacks is FAR, and has no gradient.

    Each (shape, part) pair is a row, so that a layer is one matrix product over all points.

    Args:
        dim: D, dimension of space.
        latent_dim: L, width of a part latent; 0 for none.
        out_dim: C, number of channels; those after the first are taken from the nearest part.
        num_parts: P, number of parts.
        hidden_dim: width of the hidden layers.
        num_layers: number of hidden layers; a linear output layer follows.
        activation: activation after each hidden layer; each layer has its own copy.
        encoding: encoding of the points in the canonical frame; null for the point itself.
        weight_norm: whether hidden layers have weight norm (Salimans and Kingma, NeurIPS 2016).
        dropout: dropout probability, after each activation.
        part_bias: whether hidden layers have an additional bias per part.
        part_norm: whether hidden layers have layer norm, with scale and shift per part.
        part_conv: whether each hidden layer is followed by a 1x1 convolution over the parts,
            h + activation(C h + c), with a matrix C over parts.
        input_pose: whether the pose is an input of the first layer.
        softmin: temperature T of a soft minimum over the parts in training, the mean weighted by
            softmax(-d / T); null for the minimum.

    Raises:
        ValueError: if settings are out of range or incompatible.
    """

    def __init__(
        self,
        *,
        dim: int,
        latent_dim: int,
        out_dim: int,
        num_parts: int,
        hidden_dim: Annotated[int, AtLeast(1)],
        num_layers: Annotated[int, AtLeast(1)],
        activation: nn.Module,
        encoding: Encoding | None,
        weight_norm: bool,
        dropout: float,
        part_bias: bool,
        part_norm: bool,
        part_conv: bool,
        input_pose: bool,
        softmin: float | None,
    ) -> None:
        super().__init__()
        if hidden_dim < 1 or num_layers < 1:
            raise ValueError("model.hidden_dim and model.num_layers have to be at least 1")
        if softmin is not None and softmin <= 0:
            raise ValueError(f"model.softmin is {softmin}; it has to be positive, or null")
        kind = activation if isinstance(activation, Activation) else Plain(activation)
        if kind.is_complex:
            raise ValueError(f"{type(kind).__name__} is complex; choose another model.activation")
        self.dim = dim
        self.num_parts = num_parts
        self.encoding = encoding
        self.input_pose = input_pose
        self.softmin = softmin
        point_dim = dim if encoding is None else encoding.out_dim
        hidden: list[PartLinear] = []
        self.norms = nn.ModuleList()
        self.activations = nn.ModuleList()
        self.part_convs = nn.ModuleList()
        width = 0
        for index in range(num_layers):
            first = index == 0
            pose = pose_dim(dim) - 1 if first and input_pose else 0
            in_dims = InputDims(latent_dim + pose, point_dim if first else 0, width)
            layer = PartLinear(in_dims, hidden_dim, num_parts if part_bias else None)
            kind.initialize(layer, first=first, last=False)
            function, layer.gain = kind.for_layer(first)
            hidden.append(layer)
            if part_norm:
                self.norms.append(PartNorm(num_parts, hidden_dim))
            self.activations.append(function)
            width = kind.width(hidden_dim)
            if part_conv:
                self.part_convs.append(PartConv(num_parts, kind, width))
        self.output = PartLinear(InputDims(latent_dim, 0, width), out_dim, None)
        kind.initialize(self.output, first=False, last=True)
        if weight_norm:
            for layer in hidden:
                normalize_weight(layer)
        self.hidden = nn.ModuleList(hidden)
        self.dropout = nn.Dropout(dropout) if dropout > 0 else nn.Identity()

    @property
    def parts_are_independent(self) -> bool:
        """Return whether a part's values do not depend on the other parts."""
        return len(self.part_convs) == 0

    def forward(self, x: Tensor, latents: Tensor, left_out: Tensor | None = None) -> Field:
        """Return the field (B, N, C) and the parts' distances (B, N, P).

        Args:
            x: (B, N, D) points.
            latents: (B, P, L + K) latents and poses, see inr.models.parts.poses.
            left_out: (B, P) bool, parts to leave out of the union; the values of the other parts
                still depend on them.

        Raises:
            ValueError: if latents have another number of parts, or another width.
        """
        self._check_latents(latents)
        part_latents, pose = split(latents, self.dim)
        points = to_canonical(x, pose).flatten(0, 1)
        constant = torch.cat(
            [part_latents, latents[..., part_latents.shape[-1] : -1]], dim=-1
        ).flatten(0, 1)
        part = torch.arange(self.num_parts, device=x.device).repeat(len(latents))
        shape = (*latents.shape[:2], x.shape[1], -1)
        shown = pose.present if left_out is None else pose.present & ~left_out
        # absent parts are not decoded, if no other part depends on them; all() is a sync point
        some_lack = not bool(shown.all())
        if some_lack and self.parts_are_independent:
            rows = shown.flatten().nonzero()[:, 0]
            there = self._decode(points[rows], constant[rows], part[rows], pose.present)
            values = there.new_full((len(points), *there.shape[1:]), FAR)
            values = values.index_copy(0, rows, there).view(shape)
        else:
            values = self._decode(points, constant, part, pose.present).view(shape)
            if some_lack:
                values = torch.where(shown[..., None, None], values, FAR)
        return Field(self._unite(values, shown), values[..., 0].transpose(1, 2))

    def _check_latents(self, latents: Tensor) -> None:
        latent, pose = self.output.in_dims.latent, pose_dim(self.dim)
        if latents.shape[1:] != (self.num_parts, latent + pose):
            raise ValueError(
                f"latents have shape {tuple(latents.shape)}; this network takes (B, "
                f"{self.num_parts}, {latent + pose}): per part, a latent of {latent} numbers and a "
                f"pose of {pose}, the last of which says whether the part is present"
            )

    def _decode(self, points: Tensor, constant: Tensor, part: Tensor, present: Tensor) -> Tensor:
        """Return the values (R, N, C) of R parts.

        Args:
            points: (R, N, D), points in the canonical frames of the parts.
            constant: (R, L + K - 1), latents and poses.
            part: (R,), part index of each row.
            present: (B, P), parts that each shape has; only used by convolutions over parts,
                which need all R = B P rows.
        """
        point = points if self.encoding is None else self.encoding(points)
        latents = constant[:, : self.output.in_dims.latent]
        inputs = LayerInput(points, constant if self.input_pose else latents, point, None)
        for index, layer in enumerate(self.hidden):
            value = layer(inputs, part)
            if self.norms:
                value = self.norms[index](value, part)
            value = self.dropout(self.activations[index](value))
            if self.part_convs:
                value = self.part_convs[index](value, present)
            inputs = LayerInput(points, latents, point, value)
        result: Tensor = self.output(inputs)
        return result

    def _unite(self, values: Tensor, shown: Tensor) -> Tensor:
        """Return the field (B, N, C) of the union of parts (B, P, N, C), where shown (B, P)."""
        if self.softmin is not None and self.training:
            # FAR has weight 0 at any temperature, unless the shape has no part at all
            is_far = (~shown & shown.any(dim=1, keepdim=True))[..., None]
            closeness = (values[..., 0] / -self.softmin).masked_fill(is_far, -torch.inf)
            return (F.softmax(closeness, dim=1)[..., None] * values).sum(dim=1)
        least, nearest = values[..., 0].min(dim=1)
        if values.shape[-1] == 1:
            return least[..., None]
        index = nearest[:, None, :, None].expand(-1, 1, -1, values.shape[-1])
        return values.gather(1, index)[:, 0]
