"""The frame of each live view: its comm, its twin, its cell, and whether it is seen."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import anywidget
import traitlets as t
from IPython.core.getipython import get_ipython
from IPython.display import display

from ..bridge import Pulse
from ..loop import LoopHop
from ..notebook import current_notebook
from ..page_messages import read_page_message
from ..protocol import PROTOCOL, Reply
from ..sending import problem_of
from ..twin import Twin, is_static
from .bundles import read_packed_bundle, read_text_bundle

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Generator

    from ..protocol import PageMessage, ViewKind
    from ..twin import Changes

__all__ = ["LiveView"]


class LiveView(anywidget.AnyWidget):
    """A view that follows something that goes on, as long as its cell is not run again.

    Parameters
    ----------
    static : bool, default False
        Whether to show the saved picture only; ``FLEXIFLOW_DISPLAY=static`` does so for
        all views.

    Notes
    -----
    A kind of view sets what it shows of, then calls this, which calls in this order
    :meth:`_begin` (read, and return the first values of the traits), and, once the page
    may write, :meth:`_watch`. Later :meth:`_bring_up_to_date` sends what changed, on
    the loop, 30 times a second at most and while somebody looks; :meth:`_answer` takes
    what the page asks for; :meth:`_let_go` ends what :meth:`_watch` began.
    A view owns its comm, its pulse and its twin; :meth:`close` ends them.
    """

    _kind: ClassVar[ViewKind]

    # Defined as traits, not as paths: anywidget would keep each view alive for ever
    # through the file that it watches.
    _esm = t.Unicode("").tag(sync=True)
    _css = t.Unicode("").tag(sync=True)

    protocol = t.Int(PROTOCOL).tag(sync=True)
    view = t.Unicode("").tag(sync=True)
    component = t.Unicode("").tag(sync=True)
    notice = t.Any(None).tag(sync=True)
    announce = t.Unicode("").tag(sync=True)
    closed = t.Unicode("").tag(sync=True)
    twin = t.Unicode("").tag(sync=True)

    def __init__(self, *, static: bool = False) -> None:
        self._is_static = static or is_static()
        self._is_open = True
        self._shown: dict[str, bool] = {}
        self._twin: Twin | None = None
        self._hop = LoopHop()
        self._pulse = Pulse(self._hop, self._update)
        traits = self._begin()
        super().__init__(
            _esm=read_text_bundle(f"{self._kind}.js"),
            _css=read_text_bundle("flexiflow.css"),
            view=self._kind,
            **traits,
        )
        self.on_msg(self._on_page_message)
        self._watch()
        notebook = current_notebook()
        if notebook is not None:
            notebook.adopt(self)

    def __await__(self) -> Generator[None, None, Self]:
        """Give the view itself: magics are awaited, whatever they answer."""
        yield from ()
        return self

    # --- what a kind of view says -----------------------------------------------------

    @abstractmethod
    def _begin(self) -> dict[str, Any]:
        """Read what is shown, and return the traits; Any: JSON of several shapes."""

    @abstractmethod
    def _watch(self) -> None:
        """Hear of changes from now on: ``self._pulse.request()`` at each."""

    @abstractmethod
    def _let_go(self) -> None:
        """Hear of nothing any more."""

    @abstractmethod
    def _bring_up_to_date(self) -> None:
        """Send the page what changed; runs on the loop, only while somebody looks."""

    @abstractmethod
    def _answer(self, message: PageMessage) -> None:
        """Do what the page asks for; runs on the loop, in the context of the cell."""

    @abstractmethod
    def _changes(self) -> Changes:
        """Return what tells that the saved picture may be another one."""

    @abstractmethod
    def _draw_twin(self, name: str) -> dict[str, str]:
        """Return the saved picture as a MIME bundle; runs on the loop."""

    @abstractmethod
    def text(self) -> str:
        """Return what the view shows, as text."""

    def _take_in(self) -> None:
        """Read what is new; done at each beat, also while nobody looks."""

    # --- for the notebook -------------------------------------------------------------

    def refresh(self) -> None:
        """Look again: a cell may have defined functions, or what is shown."""
        if self._is_open:
            self._pulse.request()
            if self._twin is not None:
                self._twin.refresh()

    def move_here(self) -> None:
        """Belong to the present run of its cell: what clicks print lands there."""
        self._hop.move_here()
        if self._twin is not None:
            self._twin.move_here()

    def open(self) -> None:
        """Open the comm to the page, unless only saved pictures are shown."""
        if not self._is_static:
            super().open()

    def close(self) -> None:
        """Take the view off the page, and off what it shows; idempotent."""
        if not getattr(self, "_is_open", False):
            return
        self._is_open = False
        self._let_go()
        self._pulse.close()
        if self._twin is not None:
            self._twin.close()
        notebook = current_notebook()
        if notebook is not None:
            notebook.release(self)
        self.on_msg(self._on_page_message, remove=True)
        layout = self.layout
        super().close()
        if layout is not None:
            layout.close()

    # --- how it is shown --------------------------------------------------------------

    def _ipython_display_(self) -> None:
        """Show the live view and, as an output of its own, its saved picture.

        In one output the picture would never be seen: a page takes the widget, and
        shows nothing where it has none. A terminal gets text.
        """
        if not hasattr(get_ipython(), "kernel"):
            print(self.text())  # noqa: T201 - what a terminal shows
            return
        if self._twin is None:
            self._twin = Twin(self._changes(), self._draw_twin, running=_running_cell)
            self.twin = self._twin.name
        bundle = None if self._is_static else self._repr_mimebundle_()
        if bundle is not None:
            data, metadata = bundle
            del data["text/plain"]  # the picture has it, and keeps it true
            display(data, metadata=metadata, raw=True)
        self._twin.show()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Add a text for places where no widget can be shown; Any: IPython's shape."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["text/plain"] = self._plain()
        return bundle

    def _plain(self) -> str:
        """Return the text that stands beside the live view in its output."""
        return self.text()

    # --- in both directions -----------------------------------------------------------

    def _update(self) -> None:
        """Bring the page up to date; runs on the loop, 30 times a second at most."""
        if not self._is_open:
            return
        try:
            self._take_in()
            if self._is_seen:
                self._bring_up_to_date()
        except Exception as error:  # noqa: BLE001 - the page shows what is wrong
            self._send_error(error)

    @property
    def _is_seen(self) -> bool:
        """Whether a page shows it, or none has said that it does not."""
        return not self._shown or any(self._shown.values())

    def _on_page_message(self, _widget: object, content: object, _data: object) -> None:
        """Take a message of the page in whatever thread it comes; act on the loop."""
        message = read_page_message(content)
        if message is not None and self._is_open:
            self._hop.call(self._receive, message)

    def _receive(self, message: PageMessage) -> None:
        """Note who looks, and do what else the page asks for."""
        if not self._is_open:
            return
        if message["kind"] == "view":
            self._shown[message["id"]] = message["visible"]
            self._pulse.request()
        elif message["kind"] == "need" and message["what"] == "graphviz":
            self._send_runtime()
        else:
            self._answer(message)

    def _send_runtime(self) -> None:
        """Send the layout engine, or say why there is none."""
        try:
            runtime = read_packed_bundle("graphviz.js")
        except Exception as error:  # noqa: BLE001 - the page shows what is wrong
            self._send_error(error)
            return
        self.send({"kind": "runtime", "what": "graphviz"}, buffers=[runtime])

    def _send_error(self, error: BaseException) -> None:
        """Show what is wrong, on the page."""
        self.send({"kind": "error", **problem_of(error)})

    def _send_reply(self, reply: Reply) -> None:
        """Tell the page how far a send has come."""
        if self._is_open:
            self.send(reply)


def _running_cell() -> contextvars.Context | None:
    """Return the context of the cell that runs now, if one does."""
    notebook = current_notebook()
    return None if notebook is None else notebook.running
