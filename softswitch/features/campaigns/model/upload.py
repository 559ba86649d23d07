"""A file of records: CSV with a heading."""

import csv
import io
from typing import NamedTuple

from softswitch.features.campaigns.model.rules import check_attributes, check_number
from softswitch.kernel.errors import Invalid

MOST_ROWS = 10_000
"""Of one file."""


class NewRecord(NamedTuple):
    """A record to be added."""

    number: str
    attributes: dict[str, str]
    priority: int = 0
    not_before: int = 0
    """Wall milliseconds."""


class Wrong(NamedTuple):
    """A line that is no record."""

    line: int
    message: str


def read_csv(text: str) -> tuple[list[NewRecord], list[Wrong]]:
    """The records of a file, and the lines that are none. The first line names the columns: `number` must be there,
    `priority` may be; the others are attributes. Commas or semicolons part them, as the first line does.

    Raises Invalid where the file as a whole cannot be read.
    """
    heading, _, _ = text.partition("\n")
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if heading.count(";") > heading.count(",") else ",")
    names = [name.strip() for name in rows.fieldnames or ()]
    if "number" not in names or len(set(names)) < len(names):
        raise Invalid("body", "the first line should name the columns, each once, and one of them `number`")
    rows.fieldnames = names
    records: list[NewRecord] = []
    wrong: list[Wrong] = []
    try:
        for row in rows:
            if len(records) + len(wrong) >= MOST_ROWS:
                raise Invalid("body", f"a file may have {MOST_ROWS} records; send the rest in another")
            try:
                records.append(_record(row))
            except Invalid as error:
                wrong.append(Wrong(rows.line_num, str(error)))
    except csv.Error as error:
        raise Invalid("body", f"line {rows.line_num} is no CSV: {error}") from error
    return records, wrong


def _record(row: dict[str, str | None]) -> NewRecord:
    values = {name: (value or "").strip() for name, value in row.items() if name is not None}
    if None in row:
        raise Invalid("line", "it has more columns than the first")
    number, priority = values.pop("number"), values.pop("priority", "") or "0"
    check_number(number, "number")
    attributes = {name: value for name, value in values.items() if value}
    check_attributes(attributes, "attributes")
    if not priority.lstrip("-").isdecimal() or not -100 <= int(priority) <= 100:
        raise Invalid("priority", f"{priority!r} should be a whole number from -100 to 100")
    return NewRecord(number, attributes, int(priority))
