"""Prompts in a party's format are encoded once, and found again after a start."""

import random
import time
from array import array
from pathlib import Path

import pytest

from gateways._native import MediaCommand, MediaEngine, MediaFormats, MediaItem

OPUS = [(111, "opus", 48_000, 2, "")]


def life(folder: Path) -> dict[str, int]:
    """Play a prompt to a party that speaks Opus: what the engine had to do for it."""
    noise = random.Random(1)
    samples = array("h", (noise.randrange(-2000, 2000) for _ in range(16_000)))
    engine = MediaEngine(host="127.0.0.1", first_port=0, legs=2, prompts=folder)
    try:
        prompt = engine.add_prompt(samples.tobytes(), 16_000)
        engine.submit(
            [
                MediaCommand.Open(leg=0, epoch=1),
                MediaCommand.Connect(
                    leg=0,
                    host="127.0.0.1",
                    port=9,
                    rtcp_host="127.0.0.1",
                    rtcp_port=9,
                    rtcp_mux=False,
                    formats=MediaFormats(OPUS, OPUS),
                    ptime=20,
                    send=True,
                    receive=True,
                ),
                MediaCommand.Play(leg=0, items=[MediaItem.Prompt(prompt=prompt)], operation=1),
            ]
        )
        for _ in range(2000):
            if any(engine.stats()[name] for name in ("prompts_encoded", "prompts_loaded")):
                break
            time.sleep(0.01)
        return {name: count for name, count in engine.stats().items() if name.startswith("prompts_")}
    finally:
        engine.close()


def test_a_prompt_is_encoded_once_for_all_starts_and_again_where_its_file_is_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "prompts"
    none = {"prompts_encoded": 0, "prompts_loaded": 0, "prompts_damaged": 0, "prompts_failed": 0}
    assert life(folder) == none | {"prompts_encoded": 1}
    assert life(folder) == none | {"prompts_loaded": 1}
    [file] = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert life(folder) == none | {"prompts_encoded": 1, "prompts_damaged": 1}
    assert life(folder) == none | {"prompts_loaded": 1}


def test_a_folder_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    with pytest.raises(OSError, match=str(file)):
        MediaEngine(host="127.0.0.1", first_port=0, legs=2, prompts=file)
