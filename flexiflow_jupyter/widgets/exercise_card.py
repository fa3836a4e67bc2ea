"""Show an exercise on the page: the task, a tick or a cross each, and a button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, final

import anywidget
import traitlets as t
from IPython.display import display

from ..boxes import safe_text
from ..loop import LoopHop
from ..notebook import current_notebook
from ..twin import Look, Twin, bundle_of, is_static
from .bundles import read_text_bundle

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable, Sequence

__all__ = ["ExerciseCard", "ShownExercise", "ShownFinding", "ShownOutcome"]


class ShownFinding(Protocol):
    """One thing that was looked at."""

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def passed(self) -> bool:
        """Whether it is right."""

    @property
    def hint(self) -> str:
        """What is not."""


class ShownOutcome(Protocol):
    """What a check came to."""

    @property
    def state(self) -> str:
        """``waiting``, ``passed`` or ``open``."""

    @property
    def summary(self) -> str:
        """The same in a sentence."""


class ShownExercise(Protocol):
    """What a card asks of an exercise."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def text(self) -> str:
        """The task, a paragraph a line."""

    @property
    def findings(self) -> Sequence[ShownFinding]:
        """What the last check found."""

    @property
    def outcome(self) -> ShownOutcome:
        """What it came to."""

    @property
    def is_checking(self) -> bool:
        """Whether a check is under way."""

    @property
    def needs_await(self) -> bool:
        """Whether checking runs the student's own code."""

    def is_stale(self) -> bool:
        """Tell whether a check now may come to something else."""

    def check_nowait(self) -> bool:
        """Check what takes no code of the student's."""

    async def check(self) -> bool:
        """Check it."""

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call a function after each check, until the one returned is called."""


class ExerciseCard(anywidget.AnyWidget):
    """A card that follows an exercise.

    Parameters
    ----------
    shown : ShownExercise
        What to show; checked again when its button is pressed, and after each cell.

    Notes
    -----
    A card owns its comm and its listener; :meth:`close` ends them, and running its
    cell again does.
    """

    _esm = t.Unicode("").tag(sync=True)
    _css = t.Unicode("").tag(sync=True)

    title = t.Unicode("").tag(sync=True)
    text = t.Unicode("").tag(sync=True)
    items: t.List[Any] = t.List().tag(sync=True)  # JSON: name, passed, hint
    state = t.Unicode("waiting").tag(sync=True)
    summary = t.Unicode("").tag(sync=True)
    checks = t.Int(0).tag(sync=True)
    twin = t.Unicode("").tag(sync=True)

    def __init__(self, shown: ShownExercise) -> None:
        self._shown = shown
        self._is_open = True
        self._twin: Twin | None = None
        self._hop = LoopHop()
        super().__init__(
            _esm=read_text_bundle("exercise.js"),
            _css=read_text_bundle("exercise.css"),
            title=safe_text(shown.title),
            text=safe_text(shown.text),
            **self._read(),
        )
        self._stop_listening = shown.listen(self._update)
        self.on_msg(self._on_page_message)
        notebook = current_notebook()
        if notebook is not None:
            notebook.adopt(self)
        if shown.needs_await and not shown.findings:
            self.check()

    # --- for the notebook -------------------------------------------------------------

    def refresh(self) -> None:
        """Check again after a cell has run, if that can make a difference."""
        if not self._is_open or self._shown.is_checking or not self._shown.is_stale():
            return
        if self._shown.needs_await:
            self.check()
            return
        self._shown.check_nowait()
        if self._twin is not None:
            self._twin.refresh()

    def move_here(self) -> None:
        """Belong to the present run of its cell: what checks print lands there."""
        self._hop.move_here()
        if self._twin is not None:
            self._twin.move_here()

    def open(self) -> None:
        """Open the comm to the page, unless only saved pictures are shown."""
        if not is_static():
            super().open()

    def check(self) -> None:
        """Check it on the notebook's loop, whatever thread this is called in."""
        self._hop.start(self._check, self._fail)

    def close(self) -> None:
        """Take the card off the page; idempotent."""
        if not getattr(self, "_is_open", False):
            return
        self._is_open = False
        self._stop_listening()
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

    def _ipython_display_(self) -> None:
        """Show the live card and, as an output of its own, its saved picture."""
        if self._twin is None:
            self._twin = Twin(_Checks(self._shown), self._picture, running=_cell_now)
            self.twin = self._twin.name
        bundle = None if is_static() else self._repr_mimebundle_()
        if bundle is not None:
            data, metadata = bundle
            data.pop("text/plain", None)  # the picture has it, and keeps it true
            display(data, metadata=metadata, raw=True)
        self._twin.show()

    # --- inside -----------------------------------------------------------------------

    def _picture(self, name: str) -> dict[str, str]:
        """Return the saved picture as a MIME bundle."""
        text = repr(self._shown)
        head, _, rest = text.partition("\n")
        return bundle_of(Look(title=head, text=text, drawing=rest.strip("\n")), name)

    async def _check(self) -> None:
        if self._is_open and not self._shown.is_checking:
            await self._shown.check()
            self.checks += 1

    def _fail(self, error: BaseException) -> None:
        """Say that the check itself went wrong; the student's code did not."""
        self.state, self.summary = "waiting", f"{type(error).__name__}: {error}"

    def _update(self) -> None:
        """Bring the page up to date; only what differs is sent."""
        if self._is_open:
            with self.hold_sync():
                for name, value in self._read().items():
                    setattr(self, name, value)

    def _read(self) -> dict[str, Any]:
        """Return the traits of the exercise as it stands; Any: of several types."""
        shown = self._shown
        return {
            "items": [
                {
                    "name": safe_text(item.name),
                    "passed": item.passed,
                    "hint": safe_text(item.hint),
                }
                for item in shown.findings
            ],
            "state": "checking" if shown.is_checking else shown.outcome.state,
            "summary": safe_text(shown.outcome.summary),
        }

    def _on_page_message(self, _widget: object, content: object, _data: object) -> None:
        """Check when the page asks for it, in whatever thread that comes."""
        if isinstance(content, dict) and content.get("kind") == "check":
            self.check()


@final
class _Checks:
    """Tells a twin of the checks of an exercise."""

    def __init__(self, shown: ShownExercise) -> None:
        self._shown = shown

    def listen(self, callback: Callable[[], object], /) -> _Heard:
        """Call a function after each check."""
        return _Heard(self._shown.listen(callback))


@final
class _Heard:
    """Hears of each check; being armed once is enough."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop: Callable[[], None] | None = stop

    def arm(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Hear of nothing any more; idempotent."""
        if self._stop is not None:
            self._stop()
            self._stop = None


def _cell_now() -> contextvars.Context | None:
    """Return the context of the cell that runs now, if one does."""
    notebook = current_notebook()
    return None if notebook is None else notebook.running
