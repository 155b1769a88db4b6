"""What tests share that run the program."""

from collections.abc import Iterator

import pytest

from tests.support.processes import forked_workers


@pytest.fixture(autouse=True, scope="module")
def quick_workers() -> Iterator[None]:
    with forked_workers():
        yield
