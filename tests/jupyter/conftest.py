"""A real IPython for the tests of the notebook layer."""

from __future__ import annotations

import atexit

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.jupyter.kernel import Kernel


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An interactive shell of its own, without history on disk."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    yield shell
    if "flexiflow_jupyter" in shell.extension_manager.loaded:
        shell.extension_manager.unload_extension("flexiflow_jupyter")
    shell.atexit_operations()
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()


@pytest.fixture(scope="module")
def bare_kernel(tmp_path_factory):
    """A kernel without the extension, for all tests of a module."""
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    yield kernel
    kernel.stop()


@pytest.fixture
def kernel(bare_kernel):
    """A kernel with the extension and without components."""
    code = "%load_ext flexiflow_jupyter\nfrom flexiflow_jupyter import *"
    bare_kernel.customs.clear()
    loaded = bare_kernel.run(code)
    assert loaded.reply["status"] == "ok", "\n".join(loaded.reply["traceback"])
    yield bare_kernel
    bare_kernel.run(
        "for name in list(get_engine().components):\n"
        "    get_engine().unregister(name)\n"
        "get_engine().event_bus.history.clear()\n"
        "%unload_ext flexiflow_jupyter\n"
        "%reset -f"
    )
