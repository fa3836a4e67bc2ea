"""Write a component as a service of its own: a folder that runs and tests itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flexiflow.config_loader import ConfigLoader
from flexiflow.errors import ConfigError
from flexiflow.statechart import functions_used, paths

from .sources import write_module

if TYPE_CHECKING:
    from pathlib import Path

    from flexiflow.component import AsyncComponent
    from flexiflow.statechart import Chart

    from ..notebook import Notebook

__all__ = ["export_service"]

_USE: Final = re.compile(r"^use:[ \t]*(?P<rest>[^\n#]*)", re.MULTILINE)

_SERVICE: Final = '''"""Serve {name} over HTTP: python service.py, then see /docs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvicorn

from flexiflow import ConfigLoader, FlexiFlowEngine
from flexiflow.api import create_app

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # machine.yaml names functions.py


async def main(port: int = 8001, database: Path = HERE / "state.db") -> None:
    """Go on where the last run stopped, and serve until the process is stopped."""
    config = ConfigLoader.load_component_config(HERE / "machine.yaml")
    async with FlexiFlowEngine() as engine:
        engine.restore(engine.persist(database), config)
        server = uvicorn.Server(uvicorn.Config(create_app(engine), port=port))
        await server.serve()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:2])))
'''

_TEST: Final = '''"""What {name} promises; run it with pytest."""

from __future__ import annotations

import sys
from pathlib import Path

from flexiflow import ConfigLoader, FlexiFlowEngine
from flexiflow.statechart import paths, run_scenarios

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # machine.yaml names functions.py
CONFIG = ConfigLoader.load_component_config(HERE / "machine.yaml")


def test_it_starts_where_it_did() -> None:
    """A new component stands in the state that it began with in the notebook."""
    component = FlexiFlowEngine().create_component(CONFIG)

    assert component.states == {start!r}


def test_each_state_can_be_reached() -> None:
    """There is a way to each state, as there was in the notebook."""
    ways = paths(CONFIG.chart, functions=CONFIG.functions)

    reached = {{way.state for way in ways if way.state}}
    assert reached == {{
{reached}
    }}


def test_scenarios_hold() -> None:
    """What the config itself promises holds."""
    results = run_scenarios(CONFIG.chart, functions=CONFIG.functions)

    assert [str(result) for result in results if not result] == []
'''


def export_service(
    notebook: Notebook, component: AsyncComponent, folder: Path, *, force: bool = False
) -> list[Path]:
    """Write ``machine.yaml``, ``functions.py``, ``service.py`` and a test that passes.

    Parameters
    ----------
    notebook : Notebook
        Where the component was defined; its cells' functions are written down.
    component : AsyncComponent
        Whom to export.
    folder : Path
        Where to; made when it is not there.
    force : bool, default False
        Whether to replace files that are there already.

    Returns
    -------
    list of Path
        The files, in the order in which one would read them.

    Raises
    ------
    flexiflow.errors.ConfigError
        If it was not defined by a cell, a function cannot be written as code, or files
        are there already. Nothing has been written then.
    """
    text = notebook.text_of(component)
    if text is None or component.chart is None:
        raise ConfigError(
            f"{component.name} cannot be exported.",
            why="No cell of this notebook defines it with %%flexiflow.",
            fix="Write its definition into a %%flexiflow cell and run that.",
            context={"component": component.name},
        )
    texts = _texts(notebook, component, component.chart, text)
    there = [name for name in texts if (folder / name).exists()]
    if there and not force:
        raise ConfigError(
            f"{folder} holds {', '.join(there)} already.",
            why="Exporting again would replace what you may have changed.",
            fix=f"Name another folder, or add --force: %flexiflow export "
            f"{component.name} --to service {folder} --force",
            context={"folder": str(folder)},
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in texts]


def _texts(
    notebook: Notebook, component: AsyncComponent, chart: Chart, text: str
) -> dict[str, str]:
    """Return the files by their names."""
    uses = {use.name for use in functions_used(chart)}
    variables = notebook.shell.user_ns
    own = sorted(name for name in uses if notebook.lookup(name) is not None)
    config = ConfigLoader.load_component_text(text, lookup=notebook.lookup)
    fresh = config.make_component()
    reached = [way.state for way in paths(chart, functions=config.functions)]
    name = component.name.replace("\\", "\\\\").replace('"', "'")
    title = f"What {name} calls."
    files = {"machine.yaml": _with_use(text, has_functions=bool(own))}
    if own:
        files["functions.py"] = write_module(own, variables, title=title)
    files["service.py"] = _SERVICE.format(name=name)
    files["test_machine.py"] = _TEST.format(
        name=name,
        start=fresh.states,
        reached="\n".join(f"        {state!r}," for state in reached if state),
    )
    return files


def _with_use(text: str, *, has_functions: bool) -> str:
    """Return a definition that looks its functions up in functions.py as well."""
    if not has_functions:
        return text
    found = _USE.search(text)
    if found is None:
        return f"{text.rstrip()}\nuse: [functions]\n"
    rest = found["rest"].strip()
    if rest.startswith("["):
        inside = rest[1:].strip()
        more = f"use: [functions, {inside}" if inside != "]" else "use: [functions]"
    elif rest:
        more = f"use: [functions, {rest}]"
    else:
        more = "use:\n  - functions"
    return text[: found.start()] + more + text[found.end() :]
