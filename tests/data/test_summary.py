from inr.data.summary import count_statuses, parts_of_no_shape, summarise


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
    assert "signs ambiguous on over 1% of the samples (try data.repair=true): 1 (a)" in lines
    assert "samples that a second evaluation contradicts: 1 (b)" in lines
    assert count_statuses(records) == {"ok": 2, "refused": 1, "failed": 1}


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
