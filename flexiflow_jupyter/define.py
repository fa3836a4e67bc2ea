"""Define a component by the text of a cell: load, redefine, bind, show."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal

from IPython.display import display

from flexiflow.config_loader import ConfigLoader
from flexiflow.diagnostics import ChartError

from .arguments import read_define_options
from .binding import plan_binding
from .boxes import Box, Problem, box_of_warnings, safe_text
from .errors import DefinitionError
from .persistence import default_key
from .protocol import Notice
from .sending import told

if TYPE_CHECKING:
    from flexiflow.component import AsyncComponent
    from flexiflow.config_loader import ComponentConfig
    from flexiflow.engine import FlexiFlowEngine

    from .arguments import DefineOptions
    from .binding import Binding
    from .notebook import Notebook

__all__ = ["define"]

_NAME: Final = re.compile(r"^name:[ \t]*(?P<name>[^#\n]+)", re.MULTILINE)


async def define(notebook: Notebook, line: str, text: str) -> None:
    """Make or redefine the component that a cell describes, and show it.

    Parameters
    ----------
    notebook : Notebook
        Where it belongs.
    line : str
        The options, as they follow ``%%flexiflow``.
    text : str
        The YAML below.

    Raises
    ------
    DefinitionError
        If the text has problems; nothing has changed then.
    flexiflow.errors.FlexiFlowError
        If an option is wrong, or a message of ``--start`` fails.
    """
    options = read_define_options(line)
    engine = notebook.engine(options.engine)
    config = _load(notebook, engine, text)
    binding = plan_binding(
        config.name,
        wanted=options.variable,
        namespace=notebook.shell.user_ns,
        is_ours=notebook.is_component,
    )
    remarks = _remarks(binding, options.engine)
    component, said = _placed(notebook, engine, config, options.persist)
    remarks += said
    component.keep_steps()  # so that one can be undone, with a panel or without
    notebook.define(component, text)
    if binding.variable is not None:
        notebook.shell.user_ns[binding.variable] = component
    if config.warnings:
        first = notebook.cell.first_line + 1
        display(box_of_warnings(config.warnings, text=text, first_line=first))
    _show(notebook, component, options, remarks)
    for name in options.start:
        message = {"type": name}
        result = await component.handle_message(message)
        if result.status == "ignored":
            print(safe_text(told(component, message, result)))  # noqa: T201 - as send


def _load(notebook: Notebook, engine: FlexiFlowEngine, text: str) -> ComponentConfig:
    """Read the text; its problems become an error that knows its cell."""
    first_line = notebook.cell.first_line + 1  # the magic's own line comes before
    try:
        return ConfigLoader.load_component_text(
            text,
            source=notebook.cell.source,
            first_line=first_line,
            lookup=notebook.lookup,
        )
    except ChartError as error:
        raise DefinitionError(
            error.diagnostics,
            text=text,
            first_line=first_line,
            in_force=_in_force(engine, text),
        ) from None


def _in_force(engine: FlexiFlowEngine, text: str) -> str:
    """Say what goes on as before when the text cannot be used."""
    found = _NAME.search(text)
    if found is None:
        return ""
    name = found["name"].strip().strip("\"'")
    component = engine.get(name)
    if component is None:
        return ""
    return f"The previous {name} stays in force, in {component.state}."


def _placed(
    notebook: Notebook,
    engine: FlexiFlowEngine,
    config: ComponentConfig,
    key: str | None,
) -> tuple[AsyncComponent, list[Notice]]:
    """Make the component, bring it back, or redefine it; and say what became of it."""
    component, keeping = engine.get(config.name), notebook.keeping
    if key == "":
        key = default_key(notebook.shell.user_ns)
    if component is None:
        if key is None:
            return engine.create_component(config), []
        component, said = keeping.bring(engine, config, key)
        return component, [_remark("info", said)] if said else []
    if key is None:
        keeping.let_go(component)
    else:
        keeping.keep(component, key)
    return component, _redefine(notebook, component, config)


def _redefine(
    notebook: Notebook, component: AsyncComponent, config: ComponentConfig
) -> list[Notice]:
    """Swap the chart of a running component, and say so when its state is gone."""
    before = component.chart
    outcome = component.redefine(config)
    notebook.redefinitions.note(component, before, outcome, notebook.cell.source)
    if outcome.kept:
        return []
    return [_remark("warning", outcome.text)]


def _remark(level: Literal["info", "warning"], text: str) -> Notice:
    """Return a remark that stays on the panel."""
    return Notice(level=level, what=text, why="", fix="", detail="")


def _remarks(binding: Binding, engine: str) -> list[Notice]:
    """Say that no variable was bound, and how the component can be had."""
    if binding.variable is not None:
        return []
    ours = "" if engine == "default" else json.dumps(engine, ensure_ascii=False)
    return [
        Notice(
            level="info",
            what="No variable was bound.",
            why=binding.reason,
            fix=f"Use {binding.remedy.replace('()', f'({ours})', 1)}",
            detail="",
        )
    ]


def _show(
    notebook: Notebook,
    component: AsyncComponent,
    options: DefineOptions,
    remarks: list[Notice],
) -> None:
    """Show the panel with the first remark on it, and the others as boxes."""
    # Without an id of the cell, two definitions of a name are taken for the same cell.
    key = f"define {options.engine} {component.name}"
    if not notebook.cell.is_known:
        notebook.close_views(key)
    notebook.close_views(notebook.cell.key)
    if options.panel:
        from .widgets import Panel  # noqa: PLC0415 - loads anywidget

        view = Panel(component, static=options.static)
        notebook.adopt(view, key)
        if remarks:
            view.say(remarks.pop(0))
        display(view)
    for remark in remarks:
        display(_box_of(remark))


def _box_of(remark: Notice) -> Box:
    """Draw a remark where there is no panel to keep it."""
    level: Any = remark["level"]
    problem = Problem(remark["what"], remark["why"], remark["fix"])
    return Box(level, "FlexiFlow", (problem,))
