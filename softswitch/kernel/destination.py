"""Where a call goes next, as data."""

from typing import NamedTuple


class Destination(NamedTuple):
    """A kind (which call application takes the call) and a name (which one of its kind).

    `Destination("account", "1002")`, `Destination("trunk", "uas")`, `Destination("queue", "sales")`.
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" if self.name else self.kind

    @classmethod
    def parse(cls, text: str) -> "Destination":
        """Read `kind/name` or `kind`. Raises ValueError on an empty kind."""
        kind, _, name = text.partition("/")
        if not kind:
            raise ValueError(f"{text!r} is no destination: write kind/name, such as account/1001")
        return cls(kind, name)
