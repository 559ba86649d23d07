"""What is wrong with a flow, and where. Pure."""

from typing import NamedTuple

from softswitch.kernel.errors import Invalid


class Finding(NamedTuple):
    """One thing that is wrong, or looks so."""

    line: int
    node: str
    """Empty: none in particular."""
    message: str
    warning: bool = False
    """Whether the flow may be stored all the same."""

    def at(self, file: str) -> str:
        """`file:line: node`"""
        return f"{file}:{self.line}" + (f": {self.node}" if self.node else "")


def refuse(file: str, findings: list[Finding]) -> None:
    """Raise Invalid with all that is wrong; warnings are nothing wrong."""
    wrong = [finding for finding in findings if not finding.warning]
    if wrong:
        first, *more = [(finding.at(file), finding.message) for finding in wrong]
        raise Invalid(*first, more=more)
