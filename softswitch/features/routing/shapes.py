"""The dial plan in JSON."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from softswitch.features.routing.model import Context, PlanDocument, Rule
from softswitch.platform.rest import Input


@dataclass(frozen=True, kw_only=True)
class NewRule(Rule):
    """A rule, and where to put it."""

    position: Annotated[int | None, Field(ge=1)] = None
    """Among its context's rules, counted from 1; null: where it is, and a new one at the end."""


@dataclass(frozen=True, kw_only=True)
class PlacedRule(Rule):
    """A rule as it stands in the plan."""

    id: str
    """`context/name`."""
    position: int
    """Among its context's rules, counted from 1."""


class PlanOut(BaseModel):
    """The plan in force."""

    version: int
    warnings: list[str]
    """Rules that can never match."""
    contexts: list[Context]
    rules: list[Rule]


class VersionOut(BaseModel):
    """A version as it was published."""

    version: int
    published_at: datetime
    author: str
    comment: str
    rolled_back_to: int | None


class VersionInFull(VersionOut):
    document: PlanDocument


class NewPlan(Input):
    """A whole plan."""

    contexts: list[Context] = Field(default_factory=lambda: [Context(name="default")])
    rules: list[Rule]
    comment: str = Field(default="", max_length=200)

    def document(self) -> PlanDocument:
        return PlanDocument(contexts=tuple(self.contexts), rules=tuple(self.rules))


class Rollback(Input):
    version: int = Field(ge=1, le=2**31 - 1)
