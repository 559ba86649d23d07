from collections import Counter
from pathlib import Path


def test_no_two_files_of_tests_have_one_name() -> None:
    """pytest imports them by their base names, and then collects none at all."""
    names = Counter(path.name for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
