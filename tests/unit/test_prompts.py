import asyncio
import json
import threading
import time
import tomllib
import wave
from array import array
from pathlib import Path
from typing import ClassVar

import pytest

from gateways.media.prompts import Prompts, read_samples
from softswitch.kernel.errors import Invalid, NotFound
from softswitch.kernel.spoken import LANGUAGES

PROMPTS = Path(__file__).parents[2] / "softswitch" / "prompts"


def write(path: Path, samples: list[int], *, rate: int = 8000, channels: int = 1, width: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(array("h" if width == 2 else "B", samples).tobytes())


class Engine:
    def __init__(self) -> None:
        self.loaded: list[tuple[bytes, int]] = []

    def add_prompt(self, samples: bytes, rate: int) -> int:
        if not samples:
            raise ValueError("empty")
        self.loaded.append((samples, rate))
        return len(self.loaded) - 1


def test_a_prompt_is_named_by_its_place_in_the_folder_and_loaded_once(tmp_path: Path) -> None:
    write(tmp_path / "main" / "welcome.wav", [1, 2, 3], rate=16_000)
    write(tmp_path / "beep.wav", [4])
    engine = Engine()
    prompts = Prompts(tmp_path, engine.add_prompt)
    assert prompts.load_all() == 2
    assert engine.loaded[prompts.number("main/welcome")] == (b"\1\0\2\0\3\0", 16_000)
    assert engine.loaded[prompts.number("beep")] == (b"\4\0", 8000)
    assert len(engine.loaded) == 2


def test_a_prompt_that_came_later_is_loaded_at_its_first_use(tmp_path: Path) -> None:
    engine = Engine()
    prompts = Prompts(tmp_path, engine.add_prompt)
    assert prompts.load_all() == 0
    write(tmp_path / "new.wav", [1])
    assert prompts.number("new") == prompts.number("new") == 0


def test_a_prompt_is_said_in_the_asked_language_or_in_english_or_has_none(tmp_path: Path) -> None:
    prompts = Prompts(tmp_path, Engine().add_prompt)
    assert prompts.in_language("zh", "main/welcome") == "main/welcome"
    for name in ("zh/main/welcome", "en/main/welcome", "en/main/bye", "tones/beep"):
        write(tmp_path / f"{name}.wav", [1])
    assert prompts.in_language("zh", "main/welcome") == "zh/main/welcome"
    assert prompts.in_language("en", "main/welcome") == "en/main/welcome"
    assert prompts.in_language("zh", "main/bye") == "en/main/bye"
    assert prompts.in_language("zh", "tones/beep") == "tones/beep"
    assert prompts.in_language("..", "en/main/bye") == "en/main/bye"


def test_own_prompts_go_before_those_of_the_folder_and_may_change_at_any_time(tmp_path: Path) -> None:
    folder, data, own = tmp_path / "shipped", tmp_path / "data", dict[str, str]()
    write(folder / "en" / "main" / "welcome.wav", [1])
    write(folder / "music" / "hold.wav", [2])
    engine = Engine()
    prompts = Prompts(folder, engine.add_prompt, data=data, own=own)
    prompts.load_all()

    def heard(language: str, name: str) -> bytes:
        return engine.loaded[prompts.number(prompts.in_language(language, name))][0]

    assert heard("zh", "main/welcome") == b"\1\0"
    write(data / "prompts" / "one.wav", [3])
    write(data / "prompts" / "two.wav", [4])
    own["zh/main/welcome"] = own["music/hold"] = own["zh/main/new"] = "prompts/one.wav"
    assert heard("zh", "main/welcome") == heard("en", "music/hold") == heard("zh", "main/new") == b"\3\0"
    assert heard("en", "main/welcome") == b"\1\0"
    own["zh/main/welcome"] = "prompts/two.wav"
    assert heard("zh", "main/welcome") == b"\4\0"
    own.clear()
    assert heard("zh", "main/welcome") == b"\1\0" and heard("zh", "music/hold") == b"\2\0"
    with pytest.raises(NotFound):
        heard("zh", "main/new")


def test_where_the_file_of_an_own_prompt_is_gone_or_broken_the_one_that_ships_is_heard(tmp_path: Path) -> None:
    write(tmp_path / "shipped" / "music" / "hold.wav", [1])
    own = {"music/hold": "prompts/hold.wav", "music/other": "prompts/hold.wav"}
    prompts = Prompts(tmp_path / "shipped", Engine().add_prompt, data=tmp_path, own=own)
    prompts.load_all()
    assert prompts.number("music/hold") == 0
    with pytest.raises(NotFound):
        prompts.number("music/other")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "hold.wav").write_bytes(b"")
    assert prompts.number("music/hold") == 0
    with pytest.raises(Invalid):
        prompts.number("music/other")
    write(tmp_path / "prompts" / "hold.wav", [2])
    assert prompts.number("music/hold") == prompts.number("music/other") == 1


def test_a_sound_file_is_read_again_when_another_has_taken_its_place(tmp_path: Path) -> None:
    engine = Engine()
    prompts = Prompts(None, engine.add_prompt, data=tmp_path)
    write(tmp_path / "box" / "1.wav", [1])
    first = prompts.number_of_file("box/1.wav")
    assert prompts.number_of_file("box/1.wav") == first and prompts.unused() == []
    write(tmp_path / "box" / "new.wav", [2, 3])
    (tmp_path / "box" / "new.wav").rename(tmp_path / "box" / "1.wav")
    second = prompts.number_of_file("box/1.wav")
    assert engine.loaded[second][0] == b"\2\0\3\0"
    assert prompts.unused() == [first] and prompts.unused() == []
    (tmp_path / "box" / "1.wav").unlink()
    for gone in ("box/1.wav", "box/2.wav", "box/1", "box", "../x.wav", "/etc/passwd", "", "nul\0.wav"):
        with pytest.raises(NotFound):
            prompts.number_of_file(gone)


def test_sound_files_that_were_not_heard_for_longest_are_forgotten_when_there_are_too_many(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path / f"{number}.wav", [number] * 100)
    prompts = Prompts(None, Engine().add_prompt, data=tmp_path, most_bytes=500)
    numbers = [prompts.number_of_file(f"{number}.wav") for number in (0, 1)]
    prompts.number_of_file("0.wav")
    prompts.number_of_file("2.wav")
    assert prompts.unused() == [numbers[1]]
    assert prompts.number_of_file("0.wav") == numbers[0]
    assert prompts.number_of_file("1.wav") != numbers[1]
    write(tmp_path / "long.wav", [5] * 1000)
    prompts.number_of_file("long.wav")
    assert len(prompts.unused()) == 3, "what is played now is kept, whatever its length"


async def test_a_sound_file_is_loaded_beforehand_in_another_thread(tmp_path: Path) -> None:
    class Slow(Engine):
        threads: ClassVar[list[int]] = []

        def add_prompt(self, samples: bytes, rate: int) -> int:
            self.threads.append(threading.get_ident())
            if samples == b"\7\0":
                time.sleep(0.2)
            return super().add_prompt(samples, rate)

    engine = Slow()
    prompts = Prompts(None, engine.add_prompt, data=tmp_path, most_bytes=3)
    write(tmp_path / "slow.wav", [7])
    write(tmp_path / "quick.wav", [8])
    before = prompts.number_of_file("quick.wav")
    loading = [asyncio.create_task(prompts.prepare("slow.wav", engine.add_prompt)) for _ in range(2)]
    await asyncio.sleep(0.05)
    write(tmp_path / "quick.wav", [9, 9])
    assert prompts.number_of_file("quick.wav") != before
    assert prompts.unused() == [], "not while something is loaded"
    await asyncio.gather(*loading)
    assert engine.threads.count(threading.get_ident()) == 2 and len(engine.threads) == 4, "the slow ones elsewhere"
    number = prompts.number_of_file("slow.wav")
    assert len(engine.loaded) == 4, "it was there"
    dropped = prompts.unused()
    assert before in dropped and number not in dropped and len(dropped) == 3
    await prompts.prepare("slow.wav", engine.add_prompt)
    assert len(engine.loaded) == 4
    (tmp_path / "text.wav").write_text("no sound")
    write(tmp_path / "empty.wav", [])
    for name, error in (("text.wav", Invalid), ("empty.wav", Invalid), ("gone.wav", NotFound), ("../x.wav", NotFound)):
        with pytest.raises(error):
            await prompts.prepare(name, engine.add_prompt)


def test_a_number_that_stands_for_two_files_is_needed_until_both_are_gone(tmp_path: Path) -> None:
    class SameForTheSame(Engine):
        def add_prompt(self, samples: bytes, rate: int) -> int:
            known = [number for number, loaded in enumerate(self.loaded) if loaded == (samples, rate)]
            return known[0] if known else super().add_prompt(samples, rate)

    write(tmp_path / "one.wav", [1])
    write(tmp_path / "two.wav", [1])
    write(tmp_path / "shipped" / "main.wav", [9])
    prompts = Prompts(tmp_path / "shipped", SameForTheSame().add_prompt, data=tmp_path)
    assert prompts.load_all() == 1
    assert prompts.number_of_file("one.wav") == prompts.number_of_file("two.wav") == 1
    assert prompts.number_of_file("shipped/main.wav") == 0
    write(tmp_path / "one.wav", [2, 2])
    assert prompts.number_of_file("one.wav") == 2 and prompts.unused() == []
    write(tmp_path / "two.wav", [3, 3, 3])
    assert prompts.number_of_file("two.wav") == 3 and prompts.unused() == [1]
    write(tmp_path / "shipped" / "main.wav", [4, 4, 4])
    assert prompts.number_of_file("shipped/main.wav") == 4 and prompts.unused() == [], "the prompt is kept"


@pytest.mark.parametrize("name", ["absent", "", "../outside", "/etc/passwd", "a/../../outside", "nul\0"])
def test_what_is_not_in_the_folder_is_not_found(tmp_path: Path, name: str) -> None:
    write(tmp_path / "outside.wav", [1])
    (tmp_path / "prompts").mkdir()
    with pytest.raises(NotFound):
        Prompts(tmp_path / "prompts", Engine().add_prompt).number(name)


def test_without_a_folder_nothing_is_found() -> None:
    prompts = Prompts(None, Engine().add_prompt)
    assert prompts.load_all() == 0
    with pytest.raises(NotFound):
        prompts.number("main/welcome")


def test_of_two_channels_the_first_is_heard(tmp_path: Path) -> None:
    write(tmp_path / "stereo.wav", [1, 100, 2, 200], channels=2)
    assert read_samples(tmp_path / "stereo.wav") == (b"\1\0\2\0", 8000)


def test_a_file_that_is_no_prompt_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("RIFF but not")
    (tmp_path / "odd.wav").write_bytes(
        b"RIFF....WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\0\0\0\0\3\0\x0c\0data\2\0\0\0.."
    )
    write(tmp_path / "empty.wav", [])
    for name, reason in [("text", "no WAV file"), ("odd", "12 bits"), ("empty", "empty")]:
        with pytest.raises(Invalid, match=reason) as raised:
            Prompts(tmp_path, Engine().add_prompt).number(name)
        assert f"{name}.wav" in str(raised.value)


def test_an_opus_file_is_a_prompt_and_a_broken_one_is_named(tmp_path: Path) -> None:
    clip = PROMPTS / "en" / "number" / "21.opus"
    (tmp_path / "21.opus").write_bytes(clip.read_bytes())
    (tmp_path / "bad.opus").write_bytes(clip.read_bytes()[:-10])
    engine = Engine()
    prompts = Prompts(tmp_path, engine.add_prompt)
    samples, rate = engine.loaded[prompts.number("21")]
    assert rate == 24_000
    assert 0.2 < len(samples) / 2 / rate < 1.5
    with pytest.raises(Invalid, match=r"bad\.opus.*ends in the middle of a page"):
        prompts.number("bad")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_clip_of_a_language_has_a_text_and_its_sound(language: str) -> None:
    folder = PROMPTS / language
    sections = tomllib.loads((folder / "texts.toml").read_text(encoding="utf-8"))
    texts = {f"{section}/{name}": text for section, some in sections.items() for name, text in some.items()}
    assert set(LANGUAGES[language].clips()) <= set(texts)
    spoken = json.loads((folder / "spoken.json").read_text(encoding="utf-8"))
    assert {name: text for name, (text, _) in spoken.items()} == texts, "run deploy/make-prompts.py"
    for name in texts:
        samples, rate = read_samples(folder / f"{name}.opus")
        sound = array("h", samples)
        seconds, level = len(sound) / rate, max(map(abs, sound))
        assert 0.1 < seconds < max(5, len(texts[name]) / 3), name
        assert level > 3000, name
    assert {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.opus")} == set(texts)
