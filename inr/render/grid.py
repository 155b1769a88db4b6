"""Grids of labelled pictures, and PNG files."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from inr.files import replacing
from inr.render.interface import Color, Image

INK = (45, 45, 50)


def image_grid(
    rows: Sequence[Sequence[Image]],
    *,
    column_titles: Sequence[str],
    row_labels: Sequence[str],
    captions: Sequence[Sequence[str]] | None = None,
    font_size: int = 13,
    gap: int = 4,
) -> Image:
    """Arrange pictures in a grid, with a title above each column and a label left of each row.

    Args:
        rows: pictures (H, W, 3) uint8 of one size, the same number in each row.
        column_titles: title of each column, truncated to its width; "" for none.
        row_labels: label of each row; may have several lines.
        captions: text under each picture, such as its metrics, arranged as `rows`.
        font_size: font size in pixels.
        gap: width of the gap between pictures in pixels.

    Returns:
        (H', W', 3) uint8 on white.

    Raises:
        ValueError: if there is no picture, pictures differ in size, or counts do not match.
    """
    height, width = _common_size(rows, column_titles, row_labels, captions)
    font = load_font(font_size)
    line = round(1.5 * font_size)
    top = line + gap if any(column_titles) else gap
    label_width = max(_text_width(label, font) for label in row_labels)
    left = label_width + 2 * font_size if label_width else gap
    step_x = width + gap
    step_y = height + gap + (line if captions is not None else 0)
    canvas = PillowImage.new(
        "RGB", (left + step_x * len(column_titles), top + step_y * len(rows)), (255, 255, 255)
    )
    draw = ImageDraw.Draw(canvas)

    def write(text: str, x: float, y: float) -> None:
        draw.text((x, y), _fit(text, width, font), fill=INK, font=font, anchor="mm")

    for j, title in enumerate(column_titles):
        write(title, left + j * step_x + width / 2, top / 2)
    for i, row in enumerate(rows):
        y = top + i * step_y
        draw.multiline_text(
            (font_size, y + height / 2), row_labels[i], fill=INK, font=font, anchor="lm"
        )
        for j, image in enumerate(row):
            canvas.paste(PillowImage.fromarray(image), (left + j * step_x, y))
            if captions is not None:
                write(captions[i][j], left + j * step_x + width / 2, y + height + line / 2)
    return np.array(canvas, dtype=np.uint8)


def message_image(text: str, *, size: int, background: Color) -> Image:
    """Return a picture of a cross and a text, in place of a shape that cannot be drawn.

    Args:
        text: text to write, "empty" for instance.
        size: width and height in pixels.
        background: color of the background: red, green and blue in [0, 1].

    Returns:
        (size, size, 3) uint8.
    """
    ground = tuple(round(255 * value) for value in background)
    grey = tuple((value + 128) // 2 for value in ground)
    canvas = PillowImage.new("RGB", (size, size), ground)
    draw = ImageDraw.Draw(canvas)
    low, high = 0.3 * size, 0.7 * size
    stroke = max(1, size // 100)
    draw.line([(low, low), (high, high)], fill=grey, width=stroke)
    draw.line([(low, high), (high, low)], fill=grey, width=stroke)
    ink = INK if sum(ground) > 384 else (235, 235, 235)
    font = load_font(max(9, size // 14))
    draw.text((size / 2, 0.8 * size), text, fill=ink, font=font, anchor="mm")
    return np.array(canvas, dtype=np.uint8)


def write_png(image: Image, path: Path) -> None:
    """Write a picture (H, W, 3) uint8 as PNG, atomically."""
    with replacing(path) as temporary:
        PillowImage.fromarray(image).save(temporary, format="PNG")


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font that comes with matplotlib, which covers most alphabets."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size)


def _common_size(
    rows: Sequence[Sequence[Image]],
    column_titles: Sequence[str],
    row_labels: Sequence[str],
    captions: Sequence[Sequence[str]] | None,
) -> tuple[int, int]:
    counts = [len(row) for row in rows]
    if not sum(counts):
        raise ValueError("an image grid needs at least one picture")
    if len(row_labels) != len(rows) or set(counts) != {len(column_titles)}:
        raise ValueError(
            f"{len(row_labels)} row labels and {len(column_titles)} column titles do not match "
            f"rows of {counts} pictures; give one label per row and one title per column"
        )
    if captions is not None and [len(row) for row in captions] != counts:
        raise ValueError(f"captions must be arranged as the pictures are: {counts} in each row")
    shapes = {image.shape for row in rows for image in row}
    if len(shapes) > 1:
        raise ValueError(f"the pictures of a grid must have one size, not {sorted(shapes)}")
    height, width, _ = shapes.pop()
    return height, width


def _text_width(text: str, font: ImageFont.FreeTypeFont) -> int:
    return max((int(np.ceil(font.getlength(line))) for line in text.split("\n")), default=0)


def _fit(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    if font.getlength(text) <= width:
        return text
    kept = text
    while kept and font.getlength(kept + "…") > width:
        kept = kept[:-1]
    return kept + "…"
