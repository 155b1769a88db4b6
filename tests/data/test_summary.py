import pytest

from inr.data import summary
from inr.data.summary import count_statuses, parts_of_no_shape, soup_anomalies, warnings_of_soups


def summarise(records, *, sign="winding"):
    return summary.summarise(records, sign=sign)


def record(**changes):
    return {
        "status": "ok",
        "reason": "",
        "seconds": 2.0,
        "vertices": 8,
        "faces": 12,
        "watertight": True,
        "consistent_winding": True,
        "components": 1,
        "duplicate_faces": 0,
        "degenerate_faces": 0,
        "changes": [],
        "ambiguous": 0.0,
        "self_check": {"points": 100, "sign_agreement": 1.0, "max_error": 1e-8},
        **changes,
    }


def test_what_is_sound_is_not_named():
    lines = summarise({"a": record(), "b": record(seconds=4.0)})
    assert lines == [
        "2 meshes of 12 to 12 faces: 2 watertight and consistent, 2 in one piece",
        "second evaluation of 200 samples: signs agree on 100.000%, largest difference 1.0e-08 box "
        "units",
        "seconds per shape: median 3.0, at most 4.0 (b)",
    ]


def test_what_stands_out_is_named():
    records = {
        "a": record(watertight=False, ambiguous=0.2),
        "b": record(self_check={"points": 50, "sign_agreement": 0.9, "max_error": 1e-8}),
        "c": {"status": "refused", "reason": "it has no faces", "seconds": 0.1},
        "d": {"status": "failed", "reason": "it took too long", "seconds": None},
    }
    lines = summarise(records)
    assert "refused: 1 (c)" in lines and "failed: 1 (d)" in lines
    assert "not watertight: 1 (a)" in lines
    (line,) = (line for line in lines if line.startswith("signs ambiguous on over 1% of the"))
    assert line.endswith("samples (try data.sign=auto overwrite=true): 1 (a)")
    assert "samples that a second evaluation contradicts: 1 (b)" in lines
    assert count_statuses(records) == {"ok": 2, "refused": 1, "failed": 1}


def soup(**changes):
    enclosure = {"wall": 0.6, "sheet": 0.4, "buried": 0.0, "bridged": 0.01, "held_by_gaps": 0.05}
    enclosure |= {"thickness": 0.02, **changes}
    return record(sign="outside", watertight=False, consistent_winding=False, enclosure=enclosure)


def test_soups_are_counted_and_what_is_unusual_is_named():
    records = {
        "closed": record(sign="winding"),
        "chair": soup(),
        "leaf": soup(wall=0.009, sheet=0.991),
        "car": soup(held_by_gaps=0.4, sheet=0.0),
    }
    lines = summarise(records, sign="auto")
    assert "inside: what cannot be reached from outside in 3 triangle soups, by winding number" in (
        " ".join(lines)
    )
    assert "not watertight: 3 (chair, leaf, car)" in lines
    assert "inconsistent winding: 3 (chair, leaf, car)" in lines
    assert not any("gap" in line or "sheet" in line or "shells" in line for line in lines)
    lines = warnings_of_soups(records, gap=0.03, resolution=64)
    assert "all sheet, which encloses nothing but its shells: 1 (leaf)" in lines
    (gaps,) = (line for line in lines if "gap" in line)
    assert (
        "data.gap=0.03" in gaps
        and "the same command with data.gap=0 overwrite=true opens it" in gaps
    )
    assert gaps.endswith(": 1 (car)")
    (thin,) = (line for line in lines if "shells 0.02 thick" in line)
    assert "2 cells of eval.resolution=64, 0.0317 each" in thin
    assert thin.endswith("(try data.thickness=null overwrite=true): 2 (chair, leaf)")
    assert not any("repair" in line for line in lines)
    # 2 cells are 2 * 2 / 200 = 0.02 box units wide
    for resolution, is_thin in ((200, True), (201, False)):
        said = warnings_of_soups(records, gap=0.03, resolution=resolution)
        assert any("thick are less" in line for line in said) == is_thin
    # the thickness is that of the shapes that are named
    records["car"]["enclosure"]["thickness"] = 0.01
    (thin,) = (line for line in warnings_of_soups(records, gap=0.03, resolution=64)[2:])
    assert thin.startswith("shells 0.02 thick")
    closed = {"closed": record(sign="winding"), "c": {"status": "refused", "reason": "no faces"}}
    assert not warnings_of_soups(closed | {"box": soup(sheet=0.0)}, gap=0.03, resolution=8)


@pytest.mark.parametrize("sign", ["auto", "outside", "unsigned", "winding", "pseudonormal"])
def test_a_remedy_is_named_where_there_is_one(sign):
    lines = summarise({"a": record(consistent_winding=False, ambiguous=0.2)}, sign=sign)
    named = [line for line in lines if "(try " in line]
    assert len(named) == (2 if sign in ("winding", "pseudonormal") else 0)
    assert all("(try data.sign=auto overwrite=true)" in line for line in named)


def test_anomalies_of_soups():
    assert soup_anomalies(soup()["enclosure"]) == []
    odd = soup(wall=0.0, bridged=0.06, held_by_gaps=0.11)["enclosure"]
    assert soup_anomalies(odd) == [
        "all sheet",
        "11% of the solid held by gaps",
        "6% of the surface bridged",
    ]


def with_parts(*present, **changes):
    checks = {"present": list(present), "open": [], "flat": [], "in_no_part": 0.0, **changes}
    return record(part_checks=checks)


def test_parts_are_counted_and_what_is_wrong_with_them_is_named():
    records = {"a": with_parts(True, False, True), "b": with_parts(True, False, False)}
    lines = summarise(records)
    assert [line for line in lines if "part" in line] == ["parts: 0 in 2, 1 in 0, 2 in 1 shapes"]
    assert parts_of_no_shape(records) == [1]
    records["c"] = with_parts(False, True, False, open=[1], in_no_part=0.02)
    records["d"] = with_parts(False, True, False, flat=[1], in_no_part=0.021)
    records["e"] = with_parts(False, True, False, in_no_part=None)  # without signs
    assert [line for line in summarise(records) if "part" in line] == [
        "parts: 0 in 2, 1 in 3, 2 in 1 shapes",
        "open parts: 1 (c)",
        "flat parts: 1 (d)",
        "over 2% of the inner samples in no part (is one missing?): 1 (d)",
    ]
    assert parts_of_no_shape(records) == []


def test_shapes_that_were_made_before_parts_were_checked():
    records = {"a": with_parts(True, False), "b": record()}
    assert parts_of_no_shape(records) == []
    assert not [line for line in summarise(records) if "part" in line]


def test_many_parts_are_one_line():
    lines = summarise({"a": with_parts(*[True] * 20)})
    (line,) = (line for line in lines if "part" in line)
    assert line.endswith("14 in 1, 15 in 1, ... shapes (20 parts)")
