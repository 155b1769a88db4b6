import json

import pytest

from inr.runs.finished import FinishedShapes


def test_every_shape_is_on_disk_whether_in_a_context_or_not(tmp_path):
    names = [f"s{number}" for number in range(200)]
    record = FinishedShapes(tmp_path / "alone", {"seed": 0})
    for name in names:
        record.add(name, {"status": "ok"})
        assert name in json.loads(record.path.read_text())
    with FinishedShapes(tmp_path / "together", {"seed": 0}) as record:
        for name in names:
            record.add(name, {"status": "ok"})
    assert list(json.loads(record.path.read_text())) == names


def test_what_was_noted_before_an_error_is_kept(tmp_path):
    try:
        with FinishedShapes(tmp_path, {}) as record:
            for number in range(50):
                record.add(str(number), {})
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert len(json.loads(record.path.read_text())) == 50


@pytest.mark.parametrize(
    "content", ["[]", '{"a": 1}', '{"a": {"status": 1, "seconds": 1.0, "settings": {}}}']
)
def test_a_file_edited_by_hand_is_refused_by_name(tmp_path, content):
    (tmp_path / "shapes.json").write_text(content)
    with pytest.raises(ValueError, match=r"shapes\.json' is not as this program writes it"):
        FinishedShapes(tmp_path, {}, {"status": str, "seconds": int | float})


def test_a_record_without_a_newer_setting_has_what_it_did_then(tmp_path):
    FinishedShapes(tmp_path, {"seed": 0}).add("a", {})
    FinishedShapes(tmp_path, {"seed": 0, "ground_truth": "solid"}).check_settings()
    with pytest.raises(ValueError, match="made with ground_truth=solid, not given; overwrite=true"):
        FinishedShapes(tmp_path, {"seed": 0, "ground_truth": "given"}).check_settings()
