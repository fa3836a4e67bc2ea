"""Loading adds the magics and hooks, unloading restores the shell as it was."""

from __future__ import annotations

import subprocess
import sys

import pytest

import flexiflow_jupyter
from flexiflow import FlexiFlowEngine
from flexiflow.errors import FlexiFlowError
from flexiflow_jupyter import extension

DOOR = """%%flexiflow --no-panel
name: door
states:
  locked:
    on: {coin: unlocked}
  unlocked:
    on: {push: locked}
"""


def standing(shell):
    """Describe all of a shell that an extension may touch."""
    return {
        "line": set(shell.magics_manager.magics["line"]),
        "cell": set(shell.magics_manager.magics["cell"]),
        "registry": set(shell.magics_manager.registry),
        "post": list(shell.input_transformers_post),
        "events": {name: list(calls) for name, calls in shell.events.callbacks.items()},
        "errors": shell.custom_exceptions,
        "matchers": list(shell.Completer.custom_matchers),
        "formatters": {
            name: (set(one.type_printers), set(one.deferred_printers))
            for name, one in [
                *shell.display_formatter.formatters.items(),
                ("bundle", shell.display_formatter.mimebundle_formatter),
            ]
        },
    }


class TestLoad:
    def test_unloading_restores_everything(self, shell):
        """Magics, transformer, hooks, error handler and formatters are gone."""
        before = standing(shell)
        shell.extension_manager.load_extension("flexiflow_jupyter")
        assert standing(shell) != before
        shell.run_cell(DOOR)
        shell.run_cell("door")

        shell.extension_manager.unload_extension("flexiflow_jupyter")

        assert standing(shell) == before

    def test_components_outlive_the_extension(self, shell):
        """Loading it again finds the engine of before."""
        shell.run_line_magic("load_ext", "flexiflow_jupyter")
        shell.run_cell(DOOR)
        shell.run_line_magic("reload_ext", "flexiflow_jupyter")

        result = shell.run_cell("x = %flexiflow send door coin\nx.to_state")

        assert result.result == "unlocked"

    def test_another_error_handler_is_kept(self, shell):
        """What a user set after us is not taken away."""
        shell.run_line_magic("load_ext", "flexiflow_jupyter")
        shell.set_custom_exc((KeyError,), lambda *args, **options: None)

        shell.run_line_magic("unload_ext", "flexiflow_jupyter")

        assert shell.custom_exceptions == (KeyError,)

    def test_a_missing_extra_names_its_remedy(self, shell, monkeypatch, capsys):
        """Without anywidget the error names the command that installs it."""
        monkeypatch.setattr(
            extension, "find_spec", lambda name: None if name == "anywidget" else name
        )

        result = shell.run_cell("%load_ext flexiflow_jupyter")

        assert isinstance(result.error_in_exec, ImportError)
        said = capsys.readouterr().out
        assert 'pip install "flexiflow[jupyter]"' in said
        assert "Traceback" not in said

    def test_loading_loads_no_widgets(self):
        """What views need comes with the first of them, YAML with the first cell."""
        code = (
            "import sys\n"
            "from IPython.core.interactiveshell import InteractiveShell\n"
            "shell = InteractiveShell.instance()\n"
            "shell.run_line_magic('load_ext', 'flexiflow_jupyter')\n"
            "print({'anywidget', 'ipywidgets', 'graphviz', 'yaml'} & set(sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )

        assert done.stdout.strip() == "set()"


class TestNames:
    def test_views_are_exported_lazily(self):
        """Each public name is found, and unknown ones are refused."""
        for name in flexiflow_jupyter.__all__:
            assert getattr(flexiflow_jupyter, name) is not None
        assert set(flexiflow_jupyter.__all__) <= set(dir(flexiflow_jupyter))
        with pytest.raises(AttributeError, match="Pannel"):
            _ = flexiflow_jupyter.Pannel

    def test_there_is_no_engine_without_a_notebook(self, shell):
        """The error says how to get one."""
        with pytest.raises(FlexiFlowError, match="load_ext"):
            flexiflow_jupyter.get_engine()

    def test_engines_have_names(self, shell):
        """An engine is made when it is first asked for, and is the same after."""
        shell.run_line_magic("load_ext", "flexiflow_jupyter")

        shop = flexiflow_jupyter.get_engine("shop")

        assert isinstance(shop, FlexiFlowEngine)
        assert shop is flexiflow_jupyter.get_engine("shop")
        assert shop is not flexiflow_jupyter.get_engine()
        assert shop.event_bus.history is not None
