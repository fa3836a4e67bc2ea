"""JupyterLab and Notebook 7 on a free loopback port, isolated in one folder.

A `JupyterServer` owns one server process and everything below its folder:
configuration, data, runtime files, workspaces, notebooks and the home folder.
Nothing of the person who runs the tests is read or written.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["App", "JupyterServer"]

App = Literal["lab", "notebook"]

_ROOT = Path(__file__).resolve().parents[2]
_START_S = 60.0
_STOP_S = 10.0
_IDLE_S = 900
"""A server that nobody uses ends by itself, should its owner be killed."""

_QUIET = {
    "apputils-extension/notification": {
        "checkForUpdates": False,
        "doNotDisturbMode": True,
        "fetchNews": "false",
    },
    "docmanager-extension/plugin": {"autosave": False},
}
_ENTRY = {
    "lab": ("jupyterlab", "LabApp", "/lab/workspaces/{name}/tree/{file}"),
    "notebook": ("notebook", "JupyterNotebookApp", "/notebooks/{file}"),
}


class JupyterServer:
    """One running Jupyter application, closed by leaving the ``with`` block.

    Parameters
    ----------
    app : {"lab", "notebook"}
        JupyterLab, or Notebook 7.
    folder : Path
        An empty folder that the server owns.
    environ : dict of str to str, optional
        Additions to the environment of the server and its kernels.

    Notes
    -----
    ``FLEXIFLOW_JUPYTER`` names the Python of another environment, with other versions
    of the applications and with FlexiFlow: server and kernels run there.
    """

    def __init__(
        self, app: App, folder: Path, environ: dict[str, str] | None = None
    ) -> None:
        self.app: App = app
        """Which application is served."""
        self.folder = folder
        """The folder with all files of this server."""
        self.notebooks = folder / "notebooks"
        """The folder that the server shows; paths in URLs are relative to it."""
        self._environ = environ or {}
        self._token = secrets.token_hex(16)
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the server and wait until it answers."""
        self._write_settings()
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.notebooks,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        atexit.register(self.stop)
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop kernels and server, whatever happened."""
        self.stop()

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        """What the server and its kernels have printed so far."""
        return (self.folder / "server.log").read_text(errors="replace")

    def url(self, file: str) -> str:
        """Return the address that opens a notebook in a workspace of its own."""
        path = _ENTRY[self.app][2].format(name=Path(file).stem, file=file)
        return f"{self.origin}{path}?token={self._token}"

    def shut_down_kernels(self) -> None:
        """End every kernel and session of this server."""
        for session in self._request("GET", "/api/sessions"):
            self._request("DELETE", f"/api/sessions/{session['id']}")
        for kernel in self._request("GET", "/api/kernels"):
            self._request("DELETE", f"/api/kernels/{kernel['id']}")

    def reset(self) -> None:
        """End all kernels and forget the theme that was chosen."""
        self.shut_down_kernels()
        folder = self.folder / "settings" / "@jupyterlab" / "apputils-extension"
        (folder / "themes.jupyterlab-settings").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop kernels and server; harmless when they are gone."""
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        if process is None:
            return
        if process.poll() is None:
            try:
                self._process = process
                self.shut_down_kernels()
            except OSError:
                pass  # it does not answer any more: the signals below end it
            finally:
                self._process = None
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _command(self) -> list[str]:
        module, trait, _ = _ENTRY[self.app]
        command = [
            os.environ.get("FLEXIFLOW_JUPYTER", sys.executable),
            "-m",
            module,
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self._port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.notebooks}",
            f"--IdentityProvider.token={self._token}",
            "--ServerApp.terminals_enabled=False",
            f"--ServerApp.shutdown_no_activity_timeout={_IDLE_S}",
            f"--MappingKernelManager.cull_idle_timeout={_IDLE_S}",
            "--MappingKernelManager.cull_connected=True",
            f"--{trait}.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            f"--{trait}.user_settings_dir={self.folder / 'settings'}",
            f"--{trait}.workspaces_dir={self.folder / 'workspaces'}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
        return command

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not _is_jupyter(k)}
        home = self.folder / "home"
        search = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            **kept,
            "HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "JUPYTER_PLATFORM_DIRS": "1",
            "PYTHONPATH": os.pathsep.join(search),
            **self._environ,
        }

    def _write_settings(self) -> None:
        for name in ("notebooks", "home", "config", "data", "runtime"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, values in _QUIET.items():
            file = self.folder / "settings" / "@jupyterlab" / name
            file = file.with_name(f"{file.name}.jupyterlab-settings")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self._request("GET", "/api/status")
            except OSError as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    text = f"{self.app} did not start: {error}\n{self.log[-4000:]}"
                    raise RuntimeError(text) from error
                time.sleep(0.1)
            else:
                return

    def _request(self, method: str, path: str) -> Any:  # JSON: its shape is the API's
        request = urllib.request.Request(  # noqa: S310 - our own loopback server
            self.origin + path,
            method=method,
            headers={"Authorization": f"token {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_jupyter(name: str) -> bool:
    # FlexiFlow refuses settings that it does not know; these are the tests' own.
    own = ("FLEXIFLOW_PICTURES", "FLEXIFLOW_CHROMIUM", "FLEXIFLOW_JUPYTER")
    return name.startswith(("JUPYTER", "JPY_", "IPYTHON", *own))
