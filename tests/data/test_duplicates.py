from inr.data.duplicates import find_copies


def record(digest=None, shift=None):
    signature = None if shift is None else [1.0 + shift, 0.5, 0.25]
    return {"digest": digest, "signature": signature}


def test_one_content_or_one_surface_is_one_shape():
    records = {
        "a": record("x", 0.0),
        "b": record("x", 0.0),
        "c": record("y", 1e-7),  # saved again with fewer digits
        "d": record("z", 1e-3),  # nearly the same only
        "cloud": record("w"),
        "clouds_copy": record("w"),
        "made": record(),
        "made_too": record(),
    }
    pairs = [["a", "b"], ["b", "c"], ["c", "d"], ["a", "of another time"]]
    assert find_copies(records, pairs) == [["a", "b", "c"], ["cloud", "clouds_copy"]]
    assert find_copies({}, []) == []
