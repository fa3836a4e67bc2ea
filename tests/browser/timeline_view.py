"""A timeline on a page, read and used through its stable hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

__all__ = ["TimelineView"]


class TimelineView:
    """One timeline, in a panel or alone.

    Parameters
    ----------
    root : Locator
        The element of the panel, or of the timeline's own view.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root
        """The element that holds it."""

    @property
    def range(self) -> Locator:
        """The input by which a step is chosen."""
        return self.root.locator('input[type="range"][data-step]')

    @property
    def strip(self) -> Locator:
        """What says that an earlier step is shown."""
        return self.root.locator(".ff-past-strip")

    @property
    def sandbox(self) -> Locator:
        """The well of the what-if."""
        return self.root.locator("[data-sandbox]")

    def action(self, name: str) -> Locator:
        """Return the button of an action: live, fork, what-if, record, back, ..."""
        return self.root.locator(f'[data-action="{name}"]')

    def numbers(self) -> tuple[int, int, int]:
        """Return the first step, the last one, and the one that is shown."""
        names = ("min", "max", "data-step")
        first, last, shown = (self.range.get_attribute(name) for name in names)
        return int(first or -1), int(last or -1), int(shown or -1)

    def expect_steps(self, last: int, shown: int | None = None) -> None:
        """Wait until there are so many steps, and one of them is shown."""
        expect(self.range).to_have_attribute("max", str(last))
        expect(self.range).to_have_attribute(
            "data-step", str(last if shown is None else shown)
        )

    def look_at(self, step: int) -> None:
        """Choose a step, and wait until it is shown."""
        self.range.fill(str(step))
        expect(self.range).to_have_attribute("data-step", str(step))

    def drag_to(self, part: float) -> None:
        """Drag the handle to a part of the track: 0 is its beginning, 1 its end."""
        box = self.range.bounding_box()
        assert box is not None
        mouse, middle = self.root.page.mouse, box["y"] + box["height"] / 2
        first, length = box["x"] + 14, box["width"] - 28
        mouse.move(first + length, middle)
        mouse.down()
        mouse.move(first + length * (1 + part) / 2, middle, steps=4)
        mouse.move(first + length * part, middle, steps=4)
        mouse.up()
