"""A short run of every reader's fuzzing; `python -m tests.fuzz.readers` runs it for as long as wanted."""

import pytest

from tests.fuzz.readers import READERS, broken


@pytest.mark.parametrize("name", READERS)
def test_a_reader_keeps_its_promise_whatever_it_is_given(name: str) -> None:
    reader = READERS[name]
    for original in reader.originals:
        reader.promise(original)
    source = broken(name, seed=3_840)
    for _ in range(1500):
        reader.promise(source.next())
