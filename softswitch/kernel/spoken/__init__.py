"""Values said aloud: which clips, in which order, a speaker of a language would say (numbers, digits, dates, times,
money, durations).

A clip is a recorded word or ending, named below its language's folder of prompts: `number/21`, `month/11`. Each
language is a grammar of its own and not a list of words in another order: English has "twenty twenty-six", and "one
dollar" beside "two dollars"; Mandarin has 两 beside 二, and 零 where places are skipped.
"""

from softswitch.kernel.spoken.english import English
from softswitch.kernel.spoken.language import Clip, Grammar, Rest, Said, Unspeakable
from softswitch.kernel.spoken.mandarin import Mandarin

__all__ = ["LANGUAGES", "Clip", "Grammar", "Rest", "Said", "Unspeakable", "grammar_of"]

LANGUAGES: dict[str, Grammar] = {"en": English(), "zh": Mandarin()}


def grammar_of(language: str) -> Grammar:
    """The grammar of a language tag (RFC 5646), by its first part: `en`, `en-GB`, `zh-CN`. Raises Unspeakable."""
    grammar = LANGUAGES.get(language.partition("-")[0].lower())
    if grammar is None:
        raise Unspeakable("language", f"nothing can be said in {language!r}; {' and '.join(LANGUAGES)} are spoken")
    return grammar
