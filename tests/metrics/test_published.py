import pytest
import yaml

from inr.metrics.published import METRICS, Published, matching, read_published
from tests.support.paths import PACKAGE

TABLE = PACKAGE / "metrics" / "published.yaml"
CHAIRS = {
    "data": "chairs_test",
    "num_shapes": 832,
    "description": "chairs",
    "protocol": "deepsdf",
    "method": "DeepSDF",
    "source": "Park et al., CVPR 2019, table 3",
    "metrics": {"chamfer_l2": {"mean": 0.204, "median": 0.072}},
}


@pytest.fixture
def write(tmp_path):
    def write(*entries):
        path = tmp_path / "published.yaml"
        path.write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
        return path

    return write


def test_the_table_of_the_project_is_sound():
    entries = read_published(TABLE)
    chairs = [entry for entry in entries if entry.data == "shapenet_v2_chair_deepsdf_test"]
    assert chairs[0].metrics == {"chamfer_l2": {"mean": 0.204, "median": 0.072}}
    for entry in entries:
        same = [other for other in entries if other.data == entry.data]
        assert len({(other.num_shapes, other.description) for other in same}) == 1, entry.data
        shown = matching(
            entries, data=entry.data, protocol=entry.protocol, num_shapes=entry.num_shapes or 1
        )
        assert entry in shown


def test_an_entry_is_read_as_it_stands(write):
    (entry,) = read_published(write(CHAIRS))
    assert entry == Published(**CHAIRS)
    whole = {**CHAIRS, "num_shapes": None, "metrics": {"emd": {"mean": 1}}}
    (entry,) = read_published(write(whole))
    assert entry.num_shapes is None
    assert isinstance(entry.metrics["emd"]["mean"], float)


@pytest.mark.parametrize("protocol", METRICS)
def test_every_metric_of_a_protocol_may_be_given(write, protocol):
    metrics = {name: {"mean": 0.5} for name in METRICS[protocol]}
    (entry,) = read_published(write({**CHAIRS, "protocol": protocol, "metrics": metrics}))
    assert entry.metrics == metrics


def test_only_the_same_protocol_and_data_stand_beside(write):
    entries = read_published(
        write(
            CHAIRS,
            {**CHAIRS, "method": "other", "num_shapes": None},
            {**CHAIRS, "protocol": "base_inr"},
            {**CHAIRS, "data": "planes_test"},
        )
    )
    chosen = matching(entries, data="chairs_test", protocol="deepsdf", num_shapes=832)
    assert chosen == entries[:2]
    assert matching(entries, data="chairs_test", protocol="deepsdf", num_shapes=831) == [entries[1]]
    assert matching(entries, data="planes_test", protocol="base_inr", num_shapes=832) == []
    with pytest.raises(ValueError, match=r"unknown data 'chair_test'.*'chairs_test'"):
        matching(entries, data="chair_test", protocol="deepsdf", num_shapes=832)
    with pytest.raises(ValueError, match="allowed: chairs_test, planes_test"):
        matching(entries, data="xyz", protocol="deepsdf", num_shapes=832)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": "deep_sdf"}, "unknown protocol 'deep_sdf'; did you mean 'deepsdf'"),
        ({"metric": {}}, "unknown key 'metric'; did you mean 'metrics'"),
        ({"data": "Chairs test"}, "snake_case"),
        ({"data": 3}, "data 3; it must be one line"),
        ({"method": " "}, "method ' '; it must be one line"),
        ({"description": "two\nlines"}, "description .* one line"),
        ({"num_shapes": 0}, "num_shapes 0; .* positive number or null"),
        ({"num_shapes": True}, "num_shapes True"),
        ({"num_shapes": "832"}, "num_shapes '832'"),
        ({"metrics": {}}, "must map names"),
        ({"metrics": {"iou": {"mean": 0.9}}}, "unknown metric 'iou'; allowed: "),
        ({"metrics": {"chamfer_l2": 0.2}}, "chamfer_l2: 0.2; it must be like"),
        ({"metrics": {"chamfer_l2": {"avg": 0.2}}}, "unknown statistic 'avg'"),
        ({"metrics": {"chamfer_l2": {"mean": "0.2"}}}, "chamfer_l2 mean '0.2'"),
        ({"metrics": {"chamfer_l2": {"mean": float("nan")}}}, "chamfer_l2 mean nan"),
        ({"metrics": {"chamfer_l2": {"mean": -0.2}}}, "chamfer_l2 mean -0.2"),
    ],
)
def test_what_cannot_be_is_refused_by_name(write, change, message):
    with pytest.raises(ValueError, match=message) as refusal:
        read_published(write({**CHAIRS, "method": "first"}, {**CHAIRS, **change}))
    assert "entry 2 of published.yaml" in str(refusal.value)


def test_a_missing_key_a_repetition_and_another_file_are_refused(write, tmp_path):
    lacking = {key: value for key, value in CHAIRS.items() if key not in ("source", "method")}
    with pytest.raises(ValueError, match=r"entry 1 .* lacks method, source"):
        read_published(write(lacking))
    with pytest.raises(ValueError, match=r"entry 2 .* repeats entry 1"):
        read_published(write(CHAIRS, CHAIRS))
    with pytest.raises(ValueError, match=r"entry 1 of published\.yaml is 'text'"):
        read_published(write("text"))
    path = tmp_path / "other.yaml"
    for text in ("", "data: chairs", "[]"):
        path.write_text(text)
        with pytest.raises(ValueError, match="must be a list of entries"):
            read_published(path)
    path.write_text("- {")
    with pytest.raises(ValueError, match="not valid YAML"):
        read_published(path)
