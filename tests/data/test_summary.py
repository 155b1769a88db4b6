from inr.data.summary import count_statuses, summarise


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
        "seconds a shape: median 3.0, most 4.0 (b)",
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
