"""/api/v1/routes: the dial plan.

Every change of a rule, of a context or of the whole is checked with the whole plan and, if that holds, published at
once as a new version.
"""

from dataclasses import asdict, fields
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from softswitch.features.routing import store
from softswitch.features.routing.model import Context, PlanDocument, Rule
from softswitch.features.routing.model.edit import (
    positions,
    rule_at,
    with_changed_rule,
    with_context,
    with_rule,
    without_context,
    without_rule,
)
from softswitch.features.routing.service import DialPlan
from softswitch.features.routing.shapes import (
    NewPlan,
    NewRule,
    PlacedRule,
    PlanOut,
    Rollback,
    VersionInFull,
    VersionOut,
)
from softswitch.features.routing.tables import PlanRow
from softswitch.platform.auth import Admin
from softswitch.platform.rest import Page, Paging, Reading, Writing, moment

_new_rule = TypeAdapter(NewRule)
ContextName = Annotated[str, Path(max_length=64)]
RuleName = Annotated[str, Path(max_length=64)]


def router_for(dial_plan: DialPlan) -> APIRouter:
    """The paths, bound to the plan in force."""
    router = APIRouter(prefix="/routes", tags=["routes"])

    @router.get("")
    async def list_(paging: Paging) -> Page[PlacedRule]:
        """Every rule of the plan in force, in the order in which they are tried within their contexts."""
        after = paging.after(int) or 0
        placed = list(enumerate(positions(dial_plan.document), 1))[after : after + paging.limit + 1]
        return paging.page(placed, lambda entry: entry[0], lambda entry: _placed(*entry[1]))

    @router.post("", status_code=201)
    async def add(body: NewRule, session: Writing, who: Admin) -> PlacedRule:
        """Add a rule."""
        rule = _rule(body)
        document, _ = await dial_plan.change(
            session, lambda document: with_rule(document, rule, body.position), who.name, f"added {rule.path}"
        )
        return _placed(*rule_at(document, rule.path))

    @router.get("/plan")
    async def plan() -> PlanOut:
        """The plan in force as a whole, fit to be given back by PUT."""
        return _plan_out(dial_plan)

    @router.put("/plan")
    async def replace_plan(body: NewPlan, session: Writing, who: Admin) -> VersionOut:
        """Publish a whole plan."""
        document = body.document()
        _, plan = await dial_plan.change(session, lambda _: document, who.name, body.comment or "a whole plan")
        return _version(await dial_plan.stored(session, plan.version))

    @router.get("/versions")
    async def versions(paging: Paging, session: Reading) -> Page[VersionOut]:
        """What was published, the newest first."""
        rows = await store.versions(session, paging.after(int), paging.limit + 1)
        return paging.page(rows, lambda row: row.version, _version)

    @router.get("/versions/{version}")
    async def version(version: Annotated[int, Path(ge=1, le=2**31 - 1)], session: Reading) -> VersionInFull:
        """One version with its rules."""
        row = await dial_plan.stored(session, version)
        return VersionInFull(**_version(row).model_dump(), document=store.document_of(row))

    @router.post("/rollback")
    async def roll_back(body: Rollback, session: Writing, who: Admin) -> VersionOut:
        """Publish an old version again, as a new one."""
        plan = await dial_plan.roll_back(session, body.version, who.name)
        return _version(await dial_plan.stored(session, plan.version))

    @router.get("/contexts")
    async def contexts() -> list[Context]:
        """The contexts and what they include."""
        return list(dial_plan.document.contexts)

    @router.put("/contexts/{name}")
    async def put_context(
        name: ContextName, includes: Annotated[list[str], Body(embed=True)], session: Writing, who: Admin
    ) -> Context:
        """Add a context, or change what it includes."""
        context = Context(name=name, includes=tuple(includes))
        await dial_plan.change(session, lambda document: with_context(document, context), who.name, f"context {name}")
        return context

    @router.delete("/contexts/{name}", status_code=204)
    async def delete_context(name: ContextName, session: Writing, who: Admin) -> None:
        """Take out a context that has no rules and is not included."""
        await dial_plan.change(
            session, lambda document: without_context(document, name), who.name, f"removed context {name}"
        )

    @router.get("/{context}/{name}")
    async def get(context: ContextName, name: RuleName) -> PlacedRule:
        """One rule."""
        return _placed(*rule_at(dial_plan.document, f"{context}/{name}"))

    @router.patch("/{context}/{name}")
    async def change(
        context: ContextName,
        name: RuleName,
        body: Annotated[dict[str, Any], Body(description="the fields of a rule that are to change")],
        session: Writing,
        who: Admin,
    ) -> PlacedRule:
        """Change what the body names of a rule; `position` moves it."""
        path = f"{context}/{name}"
        changed: list[Rule] = []

        def edit(document: PlanDocument) -> PlanDocument:
            old, _ = rule_at(document, path)
            new = _checked(_merged(asdict(old), body))
            changed.append(_rule(new))
            return with_changed_rule(document, path, changed[0], new.position)

        document, _ = await dial_plan.change(session, edit, who.name, f"changed {path}")
        return _placed(*rule_at(document, changed[0].path))

    @router.delete("/{context}/{name}", status_code=204)
    async def delete(context: ContextName, name: RuleName, session: Writing, who: Admin) -> None:
        """Take a rule out."""
        path = f"{context}/{name}"
        await dial_plan.change(session, lambda document: without_rule(document, path), who.name, f"removed {path}")

    return router


def _merged(old: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """What a PATCH makes of a value: inside `callers` and `rewrite` too, only what is named changes."""
    return {
        **old,
        **{
            name: _merged(old[name], value) if isinstance(value, dict) and isinstance(old.get(name), dict) else value
            for name, value in changes.items()
        },
    }


def _checked(values: dict[str, Any]) -> NewRule:
    try:
        return _new_rule.validate_python(values)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error


def _rule(body: NewRule) -> Rule:
    """The rule without its place."""
    return Rule(**{field.name: getattr(body, field.name) for field in fields(Rule)})


def _placed(rule: Rule, position: int) -> PlacedRule:
    of_rule = {field.name: getattr(rule, field.name) for field in fields(Rule)}
    return PlacedRule(**of_rule, id=rule.path, position=position)


def _plan_out(dial_plan: DialPlan) -> PlanOut:
    document, plan = dial_plan.document, dial_plan.plan
    return PlanOut(
        version=plan.version,
        warnings=list(plan.warnings),
        contexts=list(document.contexts),
        rules=list(document.rules),
    )


def _version(row: PlanRow) -> VersionOut:
    return VersionOut(
        version=row.version,
        published_at=moment(row.published_at),
        author=row.author,
        comment=row.comment,
        rolled_back_to=row.rolled_back_to,
    )
