"""Codes that are dialled: rules of the plan whose number begins with `*` or `#`, seen as codes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from softswitch.calls.dialled_code import DialledCode
from softswitch.features.routing.model.document import PlanDocument, Rule
from softswitch.features.routing.model.edit import rule_at, with_changed_rule
from softswitch.kernel.errors import Invalid, NotFound

_FIXED = re.compile(r"[0-9*#]+")
_CODE = re.compile(r"[*#][0-9*#]{0,15}")


def parts(rule: Rule) -> tuple[str, str] | None:
    """A rule's code and what follows it, `("*72", ".")`; None: it is no code."""
    if rule.match == "regex" or not rule.number.startswith(("*", "#")):
        return None
    if rule.match == "literal":
        return rule.number, ""
    found = _FIXED.match(rule.number)
    assert found is not None
    return found[0], rule.number[found.end() :] + "." * (rule.match == "prefix")


def dialled_code(rule: Rule) -> DialledCode | None:
    """A rule seen as a code; None: it is none."""
    split = parts(rule)
    if split is None:
        return None
    return DialledCode(
        id=rule.path,
        code=split[0],
        followed_by=split[1],
        destination=rule.destination,
        enabled=rule.enabled,
        note=rule.note,
    )


def with_code(document: PlanDocument, path: str, changes: Mapping[str, Any]) -> PlanDocument:
    """Change `code`, `enabled` or `note` of a rule that is a code. Raises NotFound and Invalid."""
    rule, _ = rule_at(document, path)
    split = parts(rule)
    if split is None:
        raise NotFound("dialled code", path)
    other = {field: value for field, value in changes.items() if field != "code"}
    changed = replace(rule, **other)
    if "code" in changes:
        code, old = changes["code"], split[0]
        if _CODE.fullmatch(code) is None:
            raise Invalid("code", f"{code!r} is no code: * or #, and 0-9 * #")
        rewrite = rule.rewrite
        if rewrite.strip == len(old):  # the code is cut off before the number is used
            rewrite = replace(rewrite, strip=len(code))
        changed = replace(changed, number=code + rule.number[len(old) :], rewrite=rewrite)
    return with_changed_rule(document, path, changed, None)
