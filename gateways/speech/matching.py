"""Which of some phrases was said, by what a recogniser understood: it hears a word wrong now and then. Pure."""

import re
import unicodedata
from collections.abc import Callable, Sequence

LIKENESS = 0.75
"""How like a phrase what was said must be, from 0 to 1."""
SHORT = 4
"""A phrase of so few letters must be said as it is: "five" is not "fire"."""
CLEARLY = 0.05
"""By how much the best phrase must be more like it than the next."""

_NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_HAN_DIGITS = "零一二三四五六七八九"
_WORDS = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_BLURRED = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"))
"""What many speakers of Mandarin do not tell apart."""


def matched(text: str, phrases: Sequence[str], spelled: Callable[[str], list[str]]) -> tuple[str, float] | None:
    """The phrase that is said in a text, and how like it is; None: none of them, or it could be two. `spelled` gives
    the words of a text as they sound."""
    said = spelled(text)
    ranked: list[tuple[float, str]] = []
    for phrase in dict.fromkeys(phrases):
        words = spelled(phrase)
        like = likeness(said, words)
        if like >= (1.0 if len("".join(words)) <= SHORT else LIKENESS):
            ranked.append((like, phrase))
    ranked.sort(key=lambda pair: (pair[0], len(pair[1])))
    if not ranked:
        return None
    best, phrase = ranked[-1]
    # "sales" is in "after sales", which says more.
    rivals = [other for like, other in ranked[:-1] if best - like < CLEARLY and not _contains(phrase, other, spelled)]
    return None if rivals else (phrase, best)


def likeness(said: Sequence[str], phrase: Sequence[str]) -> float:
    """How like the best part of what was said is to a phrase: 1 less the letters that differ, by those there are."""
    if not said or not phrase:
        return 0.0
    wanted = " ".join(phrase)
    best = 0.0
    for length in {len(phrase) - 1, len(phrase), len(phrase) + 1}:
        for start in range(max(1, len(said) - length + 1)):
            part = " ".join(said[start : start + length])
            if length > 0 and part:
                best = max(best, 1 - distance(part, wanted) / max(len(part), len(wanted)))
    return best


def distance(one: str, other: str) -> int:
    """Letters to be put in, taken out or changed (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for at, against in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != against))
    return row[-1]


def spelled_in_english(text: str) -> list[str]:
    """The words in small letters; numbers below a hundred as such, others digit by digit."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    words = _WORDS.findall(re.sub(r"[0-9]+", lambda number: f" {_number(number[0])} ", plain.casefold()))
    return [word.replace("'", "") for word in words]


def _number(digits: str) -> str:
    if len(digits) > 2 or digits.startswith("0"):
        return " ".join(_NUMBERS[int(digit)] for digit in digits)
    tens, ones = divmod(int(digits), 10)
    if tens < 2:
        return _NUMBERS[int(digits)]
    return f"{_TENS[tens - 2]} {_NUMBERS[ones]}" if ones else _TENS[tens - 2]


def spelled_in_mandarin(text: str, pinyin: Callable[[str], list[str]]) -> list[str]:
    """Syllables without tones; `pinyin` gives those of Chinese letters."""
    text = re.sub(r"[0-9]", lambda digit: _HAN_DIGITS[int(digit[0])], unicodedata.normalize("NFKC", text))
    syllables: list[str] = []
    for run in _WORDS.findall(text.casefold()):
        for syllable in pinyin(run):
            for clear, blurred in _BLURRED:
                syllable = syllable.replace(clear, blurred)
            syllables.append(syllable)
    return syllables


def _contains(phrase: str, other: str, spelled: Callable[[str], list[str]]) -> bool:
    return f" {' '.join(spelled(other))} " in f" {' '.join(spelled(phrase))} "
