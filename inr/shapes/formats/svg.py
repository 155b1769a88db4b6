"""Closed outlines from SVG drawings: the drawn elements and their transforms."""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from inr.shapes.formats.svg_paths import flatten, number_of, path_of, tag_of
from inr.shapes.polygon import Edges, Loop, UnsoundOutlineError, join_loops, lines_of

_DRAWN = ("path", "rect", "circle", "ellipse", "polygon", "polyline", "line")
_GROUPS = ("g", "a", "switch")
_NOT_READ = ("text", "image", "foreignObject", "svg")
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_ALIGN = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}
# SVG has y downwards
_MIRROR = np.array([1.0, -1.0])
_TRANSFORM = re.compile(r"\s*(\w+)\s*\(([^()]*)\)[\s,]*")


def read_svg(data: bytes) -> tuple[Loop, Edges]:
    """Return the closed outlines of a drawing.

    Every displayed path, rectangle, circle, ellipse and polygon is an outline, filled or not; the
    width of strokes is ignored. A <use> is expanded. Curves are flattened to within 2e-5 of the
    extent of their element.

    Returns:
        vertices (V, 2) in user units with y upwards (SVG has it downwards), and edges (E, 2), the
        inside to the left.

    Raises:
        UnsoundOutlineError: if outlines are open, or `join_loops` does not accept them.
        ValueError: if the file is not an SVG, or an element cannot be read.
    """
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(f"it is not an SVG drawing: {error}") from error
    if tag_of(root) != "svg":
        raise ValueError(f"it is not an SVG drawing: its root element is <{tag_of(root)}>")
    loops: list[Loop] = []
    names: list[str] = []
    lines: list[Loop] = []
    opened: list[str] = []
    drawing = _Drawing(root)
    drawn = chain.from_iterable(drawing.shown(child, np.eye(3)) for child in root)
    for number, (element, matrix) in enumerate(drawn, start=1):
        label = element.get("id")
        name = f"<{tag_of(element)}> {label!r}" if label else f"<{tag_of(element)}> number {number}"
        try:
            found, ends = flatten(path_of(element), matrix)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        loops += found
        names += [name if len(found) == 1 else f"{name}, loop {k + 1}" for k in range(len(found))]
        lines += ends
        opened += [name] * len(ends)
    try:
        if lines:
            raise _opened(lines[0], opened[0], *lines_of(lines, closed=False)).beside(loops)
        vertices, edges = join_loops(loops, names)
    except UnsoundOutlineError as error:
        raise UnsoundOutlineError(str(error), error.vertices * _MIRROR, error.edges) from error
    return vertices * _MIRROR, edges[:, ::-1]  # mirroring swaps left and right


def _opened(line: Loop, name: str, vertices: Loop, edges: Edges) -> UnsoundOutlineError:
    x, y = line[-1]
    return UnsoundOutlineError(
        f"{name}: its outline is open: it ends at ({x:g}, {y:g}) and does not return; "
        "close the path (Z)",
        vertices,
        edges,
    )


class _Drawing:
    """Elements of a drawing, indexed by id.

    Args:
        root: the <svg> element.
    """

    def __init__(self, root: Element) -> None:
        self.root = root
        self.by_id: Mapping[str, Element] = {
            e.get("id", ""): e for e in reversed(list(root.iter()))
        }  # of several elements with one id, the first

    def shown(
        self, element: Element, matrix: Loop, used: tuple[Element, ...] = ()
    ) -> Iterator[tuple[Element, Loop]]:
        """Yield the drawn elements in an element, each with the transform (3, 3) of its points.

        Args:
            element: element, searched with all its children.
            matrix: (3, 3), transform of its parent.
            used: targets of the enclosing <use> elements, to detect recursion.
        """
        tag = tag_of(element)
        style = element.get("style", "").replace(" ", "")
        if element.get("display") == "none" or "display:none" in style:
            return
        if tag in _NOT_READ:
            raise ValueError(f"it has a <{tag}>, which cannot be read; convert it to a path")
        inner = matrix @ _transform(element.get("transform", ""))
        if tag in _DRAWN:
            yield element, inner
        elif tag == "use":
            yield from self._used(element, inner, used)
        elif tag in _GROUPS:
            for child in element:
                yield from self.shown(child, inner, used)

    def _used(
        self, use: Element, matrix: Loop, used: tuple[Element, ...]
    ) -> Iterator[tuple[Element, Loop]]:
        """Yield the drawn elements of a <use>; a <symbol> is not clipped to its viewBox."""
        name = next((use.get(key, "") for key in _HREF if use.get(key)), "").strip()
        target = self.by_id.get(name[1:]) if name[:1] == "#" and name[1:] else None
        if target is None:
            raise ValueError(f"it has a <use> of '{name}', which is not in the file; embed it")
        if target in used:
            raise ValueError(f"it has a <use> of '{name}', which contains it")
        try:
            matrix = matrix @ _translation(number_of(use, "x"), number_of(use, "y"))
            is_symbol = tag_of(target) == "symbol"
            if is_symbol:
                matrix = matrix @ _transform(target.get("transform", "")) @ self._view(target, use)
        except ValueError as error:
            raise ValueError(f"<use> of '{name}': {error}") from error
        for child in target if is_symbol else [target]:
            yield from self.shown(child, matrix, (*used, target))

    def _view(self, symbol: Element, use: Element) -> Loop:
        """Return the transform from a symbol's viewBox to the width and height of its <use>."""
        box = _numbers(symbol.get("viewBox", ""))
        if len(box) != 4:
            return np.eye(3)
        outer = _numbers(self.root.get("viewBox", ""))
        whole = outer[2:] if len(outer) == 4 else [math.nan] * 2
        sides = [number_of(symbol, *side) for side in zip(("width", "height"), whole, strict=True)]
        size = np.array([number_of(use, "width", sides[0]), number_of(use, "height", sides[1])])
        if not np.isfinite(size).all():
            raise ValueError("its <symbol> has a viewBox; give the <use> a width and a height")
        corner, extent = np.array(box[:2]), np.array(box[2:])
        if not extent.min() > 0:
            raise ValueError(
                f"its <symbol> has the viewBox '{symbol.get('viewBox')}', without area"
            )
        scale = size / extent
        fit = symbol.get("preserveAspectRatio", "")
        shift = np.zeros(2)
        if "none" not in fit:
            scale[:] = scale.max() if "slice" in fit else scale.min()
            found = re.search(r"x(Min|Mid|Max)Y(Min|Mid|Max)", fit)
            x, y = found.groups() if found else ("Mid", "Mid")
            shift = (size - scale * extent) * [_ALIGN[x], _ALIGN[y]]
        matrix = np.diag([*scale, 1.0])
        matrix[:2, 2] = shift - scale * corner
        return matrix


def _numbers(text: str) -> list[float]:
    return [float(word) for word in re.split(r"[\s,]+", text.strip()) if word]


def _translation(x: float, y: float) -> Loop:
    return _one_transform("translate", [x, y])


def _transform(text: str) -> Loop:
    matrix, position = np.eye(3), 0
    while match := _TRANSFORM.match(text, position):
        position = match.end()
        kind, values = match[1], _numbers(match[2])
        matrix = matrix @ _one_transform(kind, values)
    if text[position:].strip():
        raise ValueError(f"the transform '{text}' cannot be read")
    return matrix


def _one_transform(kind: str, values: list[float]) -> Loop:
    matrix = np.eye(3)
    match kind, values:
        case "matrix", [_, _, _, _, _, _]:
            matrix[:2] = np.reshape(values, (3, 2)).T
        case "translate", [x, *y] if len(y) < 2:
            matrix[:2, 2] = x, (y or [0.0])[0]
        case "scale", [x, *y] if len(y) < 2:
            matrix[:2, :2] = np.diag([x, (y or [x])[0]])
        case "rotate", [angle, *center] if len(center) in (0, 2):
            cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            matrix[:2, :2] = [[cos, -sin], [sin, cos]]
            middle = np.array(center or [0.0, 0.0])
            matrix[:2, 2] = middle - matrix[:2, :2] @ middle
        case "skewX", [angle]:
            matrix[0, 1] = math.tan(math.radians(angle))
        case "skewY", [angle]:
            matrix[1, 0] = math.tan(math.radians(angle))
        case _:
            raise ValueError(f"the transform '{kind}' of {len(values)} numbers cannot be read")
    return matrix
