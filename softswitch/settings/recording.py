"""Recordings."""

from dataclasses import dataclass
from pathlib import Path

from softswitch.settings.kinds import FOLDER, setting


@dataclass(frozen=True)
class RecordingSettings:
    """`[recording]`"""

    folder: Path | None = setting(None, FOLDER)  # noqa: RUF009 - immutable
    """Where the files of recordings are kept; left out: `recordings` in `data_dir`. It may be another disk: one that is
    slow or full costs recordings, and nothing else."""
