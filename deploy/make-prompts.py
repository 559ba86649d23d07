"""Makes the prompts that ship: speaks what `softswitch/prompts/LANGUAGE/texts.toml` says, each text as an Ogg Opus file
beside it, in the voices of `gateways/speech` (Apache-2.0 both: nobody else's rights are in the sound).

    python deploy/make-prompts.py [LANGUAGE ...] [--all]

It needs `softswitch[speech-en,speech-zh]` and Debian's opus-tools. What has been spoken is remembered in `spoken.json`
(the text and the voice of each), so that only what is new or was changed is spoken again; `--all` speaks everything.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
import wave
from pathlib import Path

PROMPTS = Path(__file__).parent.parent / "softswitch" / "prompts"
sys.path.insert(0, str(PROMPTS.parent.parent))

from gateways.speech.voices import VOICES, Sound  # noqa: E402 - found by the path above

BITRATE = "24"
"""Kilobits a second: speech in wide band without audible loss."""


def texts(folder: Path) -> dict[str, str]:
    """Names and texts: `number/21` says "twenty-one"."""
    sections = tomllib.loads((folder / "texts.toml").read_text(encoding="utf-8"))
    return {f"{section}/{name}": text for section, some in sections.items() for name, text in some.items()}


def write(sound: Sound, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(suffix=".wav") as temporary:
        with wave.open(temporary, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(sound.rate)
            file.writeframes(sound.samples)
        temporary.flush()
        # The same serial number for all: the same text gives the same file.
        options = ("--quiet", "--speech", "--bitrate", BITRATE, "--serial", "1", "--discard-comments", "--padding", "0")
        subprocess.run(["opusenc", *options, temporary.name, str(path)], check=True)


def make(language: str, *, everything: bool) -> None:
    folder = PROMPTS / language
    voice, said = VOICES[language], texts(folder)
    record = folder / "spoken.json"
    known: dict[str, list[str]] = {}
    if record.exists() and not everything:
        known = json.loads(record.read_text(encoding="utf-8"))
    for number, (name, text) in enumerate(sorted(said.items()), 1):
        if known.get(name) == [text, voice.name] and (folder / f"{name}.opus").exists():
            continue
        print(f"{language} {number}/{len(said)} {name}: {text}", flush=True)
        write(voice.say(text), folder / f"{name}.opus")
        known[name] = [text, voice.name]
    for name in set(known) - set(said):
        (folder / f"{name}.opus").unlink(missing_ok=True)
        del known[name]
    record.write_text(json.dumps(known, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", default=sorted(VOICES), help="en, zh; both if none is named")
    parser.add_argument("--all", action="store_true", help="speak everything, also what has not changed")
    arguments = parser.parse_args()
    unknown = set(arguments.languages) - set(VOICES)
    if unknown:
        parser.error(f"there is no voice for {', '.join(sorted(unknown))}")
    for language in arguments.languages:
        make(language, everything=arguments.all)


if __name__ == "__main__":
    main()
