"""Flows from where they are written: texts in YAML, and modules in Python."""

import importlib
import importlib.util
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from softswitch.features.ivr.interpreter import Interpreter
from softswitch.features.ivr.journey import Published
from softswitch.features.ivr.model.checks import Known, check
from softswitch.features.ivr.model.document import FLOW_NAME, FlowDocument, read
from softswitch.features.ivr.model.finding import Finding, refuse
from softswitch.features.ivr.model.nodes import Hours, SubFlow
from softswitch.features.ivr.model.python_source import check_python, named_in
from softswitch.features.ivr.runtime import Flow
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Invalid, NotFound

KINDS = (".yaml", ".py")


def findings(text: str, file: str, known: Known) -> list[Finding]:
    """All that is wrong with a flow in YAML. Raises Invalid for what is no YAML."""
    document, found = read(text, file)
    return sorted(found + check(document, known)) if document is not None else found


def from_yaml(text: str, file: str, version: int) -> Published:
    """A flow that was checked. Raises Invalid with all that cannot be read of it."""
    document, found = read(text, file)
    refuse(file, found)
    assert document is not None, "what cannot be read was refused"
    return _of_document(document, text, version)


def _of_document(document: FlowDocument, text: str, version: int) -> Published:
    async def run(flow: Flow) -> Destination | None:
        return await Interpreter(document, flow).run()

    calendars = {node.calendar for node in document.nodes.values() if isinstance(node, Hours)}
    within = {node.flow for node in document.nodes.values() if isinstance(node, SubFlow)}
    return Published(document.name, version, document.title, "yaml", text, run, calendars, within)


def from_module(module: ModuleType) -> Published:
    """The flow of a module: its coroutine of the module's own name, given a `Flow`. Raises Invalid."""
    file = Path(module.__file__ or module.__name__)
    name = file.stem.replace("_", "-")
    run = getattr(module, file.stem, None)
    if not inspect.iscoroutinefunction(run):
        raise Invalid(f"{file}:1", f"there is no `async def {file.stem}(flow: Flow)`, which would be the flow")
    title = (inspect.getdoc(module) or "").partition("\n")[0]
    text = file.read_text(encoding="utf-8")
    return Published(name, 0, title, "python", text, run, named_in(text, "open"), named_in(text, "through"))


def from_file(file: Path) -> Published:
    """A flow in a file of its own, whose Python is run. Raises Invalid and NotFound."""
    if not file.is_file():
        raise NotFound("flow", str(file))
    if file.suffix == ".yaml":
        return from_yaml(_text(file), str(file), 0)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if file.suffix != ".py" or spec is None or spec.loader is None:
        raise Invalid(str(file), "a flow is a .yaml or .py file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Invalid(str(file), f"it cannot be loaded: {type(error).__name__}: {error}") from error
    return from_module(module)


def shipped(package: ModuleType) -> Mapping[str, Published]:
    """The flows of a package, one a file, by their names. Raises Invalid."""
    found: dict[str, Published] = {}
    for file in files(package):
        if file.suffix == ".yaml":
            published = from_yaml(_text(file), str(file), 0)
        else:
            published = from_module(importlib.import_module(f"{package.__name__}.{file.stem}"))
        if published.name in found:
            raise Invalid(str(file), f"there are two flows {published.name!r}")
        found[published.name] = published
    return found


def files(package: ModuleType) -> list[Path]:
    """The files of a package that are flows."""
    folder = Path(package.__path__[0])
    return sorted(file for file in folder.iterdir() if file.suffix in KINDS and not file.stem.startswith("_"))


def check_file(file: Path, known: Known) -> list[Finding]:
    """All that is wrong with a flow in a file, which is read and not run. Raises Invalid and NotFound."""
    if not file.is_file():
        raise NotFound("flow", str(file))
    if file.suffix == ".yaml":
        return findings(_text(file), str(file), known)
    if not re.fullmatch(FLOW_NAME, file.stem.replace("_", "-")):
        raise Invalid(str(file), "its name is no name of a flow: small letters, digits, - and _")
    return check_python(_text(file), file.stem, known)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{file}:{line}", "this is not UTF-8") from error
