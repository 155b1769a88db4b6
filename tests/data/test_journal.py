import pytest

from inr.data.journal import Journal, Shard, delete_journals, read_records
from inr.data.layout import Layout, write_json


def test_what_is_added_is_read(tmp_path):
    layout = Layout(tmp_path)
    for index in range(2):
        journal = Journal(layout, Shard(index, 2))
        journal.add(f"shape{index}", {"status": "ok", "reason": "", "name": "größe"})
        journal.close()
    assert set(read_records(layout)) == {"shape0", "shape1"}
    assert read_records(layout)["shape0"]["name"] == "größe"


def test_a_line_that_a_kill_cut_off_counts_for_nothing(tmp_path):
    layout, shard = Layout(tmp_path), Shard(0, 1)
    journal = Journal(layout, shard)
    journal.add("whole", {"status": "ok"})
    journal.close()
    path = tmp_path / f"journal_{shard}.jsonl"
    text = path.read_text()
    path.write_text(text + text[: len(text) // 2])
    assert read_records(layout) == {"whole": {"status": "ok"}}
    journal = Journal(layout, shard)
    journal.add("next", {"status": "refused"})
    journal.close()
    assert set(read_records(layout)) == {"whole", "next"}


def test_the_journal_is_newer_than_the_manifest(tmp_path):
    layout = Layout(tmp_path)
    write_json({"shapes": {"a": {"status": "failed"}, "b": {"status": "ok"}}}, layout.manifest)
    journal = Journal(layout, Shard(0, 1))
    journal.add("a", {"status": "ok"})
    journal.close()
    assert read_records(layout) == {"a": {"status": "ok"}, "b": {"status": "ok"}}
    delete_journals(layout)
    assert read_records(layout)["a"] == {"status": "failed"}
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_shards():
    assert Shard.parse("3/8") == Shard(3, 8)
    for text in ("8/8", "x", "1", "-1/4", "1/0", "1/2/3"):
        with pytest.raises(ValueError, match=r"prepare\.shard is"):
            Shard.parse(text)
