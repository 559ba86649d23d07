"""/api/v1/recording-rules: which talks are recorded."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from softswitch.features.recording.model import Format, Layout, Mode
from softswitch.features.recording.model.rules import Direction, Rule
from softswitch.features.recording.rules import Rules
from softswitch.platform.auth import Admin, Operator
from softswitch.platform.rest import Input, Key, Name, Number, Page, Paging, Writing


class RuleIn(Input):
    """Which talks are recorded. Of what it names all must hold; what is empty asks nothing."""

    position: int = Field(default=0, ge=-1_000_000, le=1_000_000, description="rules are tried from the lowest on")
    queues: list[Name] = Field(default=[], max_length=500)
    agents: list[Name] = Field(default=[], max_length=5000)
    accounts: list[Number] = Field(default=[], max_length=5000, description="one of the two who talk")
    trunks: list[Name] = Field(default=[], max_length=500)
    direction: Direction = Field(default="any", description="`internal`: neither of the two is outside")
    mode: Mode = Field(
        default="all",
        description="`on-demand`: when a party presses the code for it; `none`: such talks are not recorded by a rule",
    )
    percentage: int = Field(default=100, ge=0, le=100, description="of how many of a hundred talks, by `percentage`")
    layout: Layout = "stereo"
    format: Format = "wav"
    consent_tone: bool = Field(default=False, description="whether the parties hear a tone when it begins")
    keep_days: int = Field(default=0, ge=0, le=36_500, description="days until a recording is deleted; 0: never")


class RuleOut(BaseModel):
    name: str
    position: int
    queues: list[str]
    agents: list[str]
    accounts: list[str]
    trunks: list[str]
    direction: Direction
    mode: Mode
    percentage: int
    layout: Layout
    format: Format
    consent_tone: bool
    keep_days: int


def add_rules(router: APIRouter, rules: Rules) -> None:
    """The routes over rules. Who sees them must be an operator; who sets them, an administrator."""

    @router.get("/recording-rules")
    async def list_(paging: Paging, who: Operator) -> Page[RuleOut]:
        """All rules, in the order in which they are tried."""
        after = paging.after(int, str)
        rows = [rule for rule in rules.all() if after is None or (rule.position, rule.name) > after]
        return paging.page(rows[: paging.limit + 1], lambda rule: (rule.position, rule.name), _show)

    @router.get("/recording-rules/{name}")
    async def get(name: Key, who: Operator) -> RuleOut:
        """One rule."""
        return _show(rules.one(name))

    @router.put("/recording-rules/{name}")
    async def set_(name: Name, body: RuleIn, session: Writing, who: Admin) -> RuleOut:
        """Set one. It is asked of talks that begin from now on."""
        values: dict[str, Any] = {
            field: tuple(dict.fromkeys(value)) if isinstance(value, list) else value
            for field, value in body.model_dump().items()
        }
        rule = Rule(name=name, **values)
        await rules.set(session, rule)
        return _show(rule)

    @router.delete("/recording-rules/{name}", status_code=204)
    async def remove(name: Key, session: Writing, who: Admin) -> None:
        """Forget one; what it has begun goes on."""
        await rules.remove(session, name)


def _show(rule: Rule) -> RuleOut:
    return RuleOut.model_validate(rule, from_attributes=True)
