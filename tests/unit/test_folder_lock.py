import os
import subprocess
import sys
from pathlib import Path

import pytest

from softswitch.kernel.errors import Conflict
from softswitch.platform.folder_lock import only_switch

HOLDER = """
import sys, time
from pathlib import Path
from softswitch.platform.folder_lock import only_switch
with only_switch(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_held_by_one_and_the_other_is_told_by_whom(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    said = rf"{folder} is in use by another switch \(process {os.getpid()}\)"
    with only_switch(folder), pytest.raises(Conflict, match=said), only_switch(folder):
        raise AssertionError("held twice")
    with only_switch(folder):
        pass  # it is free again


def test_a_folder_is_free_once_its_holder_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Conflict, match=rf"\(process {holder.pid}\)"), only_switch(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with only_switch(tmp_path):
        pass
