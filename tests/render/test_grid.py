import numpy as np
import pytest
from PIL import Image

from inr.render.grid import image_grid, message_image, write_png


def pictures(num_rows, num_columns, *, shape=(30, 40, 3)):
    generator = np.random.default_rng(0)
    return [
        [generator.integers(0, 200, shape).astype(np.uint8) for _ in range(num_columns)]
        for _ in range(num_rows)
    ]


def place_of(image, grid):
    height, width, _ = image.shape
    for y, x in np.argwhere((grid == image[0, 0]).all(axis=2)):
        if np.array_equal(grid[y : y + height, x : x + width], image):
            return y, x
    raise AssertionError("the picture is not in the grid")


def test_every_picture_is_in_its_place_unchanged():
    rows = pictures(2, 3)
    grid = image_grid(rows, column_titles=["a", "b", "c"], row_labels=["ground_truth", "ours"])
    places = np.array([[place_of(image, grid) for image in row] for row in rows])
    assert (places[:, :, 0] == places[:, :1, 0]).all()
    assert (places[:, :, 1] == places[:1, :, 1]).all()
    assert (np.diff(places[:, 0, 0]) >= 30).all() and (np.diff(places[0, :, 1]) >= 40).all()


def test_labels_are_written_beside_the_pictures_and_blank_ones_take_no_room():
    white = [[np.full((60, 80, 3), 255, dtype=np.uint8)]]
    bare = image_grid(white, column_titles=[""], row_labels=[""])
    assert (bare == 255).all()
    grid = image_grid(white, column_titles=["plane"], row_labels=["ground truth\nIoU 0.99"])
    assert grid.shape[0] > bare.shape[0] and grid.shape[1] > bare.shape[1]
    dark = np.argwhere((grid < 128).any(axis=2))
    assert (dark[:, 0] < 20).any()
    label = dark[dark[:, 0] >= 20]
    assert len(label) >= 10 and label[:, 1].max() < grid.shape[1] - 80


def test_long_titles_stay_within_their_column():
    white = [[np.full((40, 60, 3), 255, dtype=np.uint8)] * 2]
    grid = image_grid(white, column_titles=["a_very_long_name_indeed" * 3, ""], row_labels=[""])
    dark = np.argwhere((grid < 128).any(axis=2))
    assert len(dark) > 50
    assert dark[:, 1].max() < 4 + 60


def test_captions_are_under_their_picture():
    white = [[np.full((40, 60, 3), 255, dtype=np.uint8)] * 2]
    grid = image_grid(
        white, column_titles=["", ""], row_labels=[""], captions=[["", "IoU 1"]], gap=4
    )
    dark = np.argwhere((grid < 128).any(axis=2))
    assert dark[:, 0].min() >= 44 and dark[:, 1].min() > 4 + 60


@pytest.mark.parametrize(
    ("rows", "titles", "labels", "message"),
    [
        ([], [], [], "at least one picture"),
        (pictures(1, 2), ["a"], ["x"], "do not match"),
        (pictures(1, 1), ["a"], [], "do not match"),
        (pictures(1, 1) + pictures(1, 2), ["a"], ["x", "y"], "do not match"),
        (pictures(1, 1) + pictures(1, 1, shape=(5, 5, 3)), ["a"], ["x", "y"], "one size"),
    ],
)
def test_what_does_not_fit_together_is_refused(rows, titles, labels, message):
    with pytest.raises(ValueError, match=message):
        image_grid(rows, column_titles=titles, row_labels=labels)


def test_captions_in_another_layout_are_refused():
    with pytest.raises(ValueError, match="captions"):
        image_grid(pictures(1, 2), column_titles=["", ""], row_labels=[""], captions=[["x"]])


def test_png_holds_the_same_pixels_and_leaves_nothing_else(tmp_path):
    (image,) = pictures(1, 1)[0]
    path = tmp_path / "renders" / "a.png"
    write_png(np.zeros_like(image), path)
    write_png(image, path)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), image)
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_failed_write_keeps_the_old_picture(tmp_path):
    path = tmp_path / "a.png"
    write_png(np.zeros((4, 4, 3), dtype=np.uint8), path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_png(np.zeros((4, 4, 7), dtype=np.uint8), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("background", [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
def test_message_stands_out_from_its_background(background):
    image = message_image("empty", size=100, background=background)
    assert (image[0, 0] == np.multiply(255, background)).all()
    contrast = abs(image.astype(int) - image[0, 0]).max(axis=2)
    assert (contrast[70:90] > 150).sum() > 20
