"""Names on the keys of a telephone (ITU-T E.161: 2 is ABC, 9 is WXYZ). Pure."""

import re
import unicodedata
from functools import lru_cache

_KEYS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")


@lru_cache(maxsize=65_536)
def keyed(name: str) -> tuple[str, ...]:
    """What may be keyed for a name: from each of its words on, the keys of its letters and digits. Letters with marks
    count as those without; other scripts have no keys."""
    folded = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss"))
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    words = [word.translate(_KEYS) for word in re.findall(r"[a-z0-9]+", plain)]
    return tuple("".join(words[first:]) for first in range(len(words)))


def spells(name: str, keys: str) -> bool:
    """Whether a name, or a word of it and what follows, begins so on the keys."""
    return bool(keys) and any(each.startswith(keys) for each in keyed(name))
