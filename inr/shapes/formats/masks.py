"""Outlines of binary masks from images and arrays."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from skimage.measure import find_contours

from inr.shapes.polygon import Edges, Loop, join_loops

_LEVEL = 0.5
# pixels this close to the level are moved off it: contours that touch at a pixel are ambiguous
_MARGIN = 1e-4


def read_mask(data: bytes) -> tuple[Loop, Edges]:
    """Return the outlines of a mask image; see `read_picture` and `mask_loops`."""
    return join_loops(*mask_loops(read_picture(data)))


def read_picture(data: bytes) -> NDArray[np.float64]:
    """Return the mask in an image, (H, W), from 0 (outside) to 1 (inside).

    It is the opacity of an image with transparency, else the brightness, relative to the maximum.

    Raises:
        ValueError: if the file is not an image.
    """
    try:
        with Image.open(io.BytesIO(data)) as file:
            palette = file.mode == "P" or "transparency" in file.info
            picture = file.convert("RGBA") if palette else file.copy()
        if "A" in picture.getbands() and np.ptp(np.asarray(picture.getchannel("A"))) > 0:
            picture = picture.getchannel("A")
        elif len(picture.getbands()) > 1:
            picture = picture.convert("L")
        grey = np.asarray(picture, dtype=np.float64)
    except UnidentifiedImageError as error:
        raise ValueError("it is not an image of a known format") from error
    # Pillow raises OSError, SyntaxError and others, by format
    except Exception as error:
        raise ValueError(f"the image cannot be read: {error}") from error
    return grey / max(float(grey.max(initial=0.0)), np.finfo(float).tiny)


def mask_loops(mask: NDArray[np.generic]) -> tuple[list[Loop], list[str]]:
    """Return the outlines of a mask at level 0.5, and their names in messages.

    They are extracted with subpixel precision by marching squares (skimage's find_contours). A
    shape that touches the border is closed along it.

    Args:
        mask: (H, W), first row on top: bool, integers (divided by the maximum), or floats above 0.5
            inside.

    Returns:
        loops (n, 2), in pixels, x to the right and y upwards, with the lower left corner of the
        image at (0, 0); and their names.

    Raises:
        ValueError: if a value is not finite, or no pixel, every pixel or the whole border is
            inside.
    """
    values = mask.astype(np.float64)
    if values.size == 0:
        raise ValueError(f"the mask has shape {mask.shape}, no pixels")
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(f"the mask is not finite at row {row}, column {column}")
    if np.issubdtype(mask.dtype, np.integer) and values.max() > 0:
        values /= values.max()
    inside = int((values > _LEVEL).sum())
    if inside in (0, values.size):
        which = "no pixel" if inside == 0 else "every pixel"
        raise ValueError(
            f"the mask has no outline: {which} of {mask.shape[1]} x {mask.shape[0]} is above 0.5 "
            f"(the values go from {values.min():g} to {values.max():g})"
        )
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    if (border > _LEVEL).all():
        raise ValueError(
            "every pixel of the mask's border is inside, which is where it is above 0.5 (a "
            "picture: bright, or opaque); invert a picture whose shape is dark"
        )
    off = values - _LEVEL
    off = np.where(np.abs(off) < _MARGIN, np.where(off < 0, -_MARGIN, _MARGIN), off)
    contours = find_contours(np.pad(off, 1, constant_values=-_LEVEL), 0.0)
    height = mask.shape[0]
    # the padding moved pixel centres from (0, 0) to (1, 1)
    loops = [np.stack([c[:-1, 1] - 0.5, height + 0.5 - c[:-1, 0]], axis=1) for c in contours]
    return loops, [f"contour {k + 1}" for k in range(len(loops))]
