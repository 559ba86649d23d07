"""The configuration file: TOML, with the line of every mistake."""

import difflib
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from softswitch.kernel.errors import Invalid


def read_file(file: Path, kinds: Collection[str]) -> list[tuple[str, Any, str]]:
    """Every setting of a file: its path, its value, and `file:line: path`.

    Raises Invalid for one that is not among `kinds`.
    """
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{file}:{line}", "this is not UTF-8") from error
    except OSError as error:
        raise Invalid(str(file), f"cannot read the configuration: {error.strerror}") from error
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.fullmatch(r"(.*?) \(at (?:line (\d+), column \d+|end of document)\)", str(error), re.DOTALL)
        line = int(said[2]) if said and said[2] else text.count("\n") + 1
        raise Invalid(f"{file}:{line}", said[1] if said else str(error)) from error
    lines = key_lines(text)

    def where(path: str) -> str:
        line = lines.get(path) or lines.get(path.rpartition(".")[0])
        return f"{file}:{line}: {path}" if line else f"{file}: {path}"

    tables = _tables(kinds)
    found = []
    for name, value in tree.items():
        if name in tables:
            if not isinstance(value, dict):
                raise Invalid(where(name), f"this should be a table: [{name}]")
            for key, inner in value.items():
                path = f"{name}.{key}"
                if path not in kinds:
                    raise Invalid(where(path), _unknown(path, kinds))
                found.append((path, inner, where(path)))
        elif name not in kinds:
            raise Invalid(where(name), _unknown(name, kinds))
        else:
            found.append((name, value, where(name)))
    return found


def _tables(kinds: Collection[str]) -> set[str]:
    return {path.partition(".")[0] for path in kinds if "." in path}


def _unknown(path: str, kinds: Collection[str]) -> str:
    known = [*kinds, *_tables(kinds)]
    # A right name in the wrong table is the commonest slip, after a slip of the finger.
    last = path.rpartition(".")[2]
    near = [other for other in known if other.rpartition(".")[2] == last] or difflib.get_close_matches(path, known, 1)
    return f"there is no such setting; did you mean {near[0]}?" if near else "there is no such setting"


def key_lines(text: str) -> dict[str, int]:
    """The line of each key of a TOML text, by dotted path: the parser does not tell, and an error must.

    Keys inside inline tables and after the opening of a multi-line value are not told apart from text; the table's or
    the value's own line is then the nearest that is known.
    """
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            table = _dotted(header[1])
            lines.setdefault(table, number)
        elif key := re.match(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w"'-]+)*)\s*=""", line):
            path = _dotted(key[1])
            lines.setdefault(f"{table}.{path}" if table else path, number)
    return lines


def _dotted(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
