"""Read what an engine is now: its components, and the messages that died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from .rows import message_words, story_words
from .shapes import EngineInfo, EnginePart, LetterInfo, LettersInfo

if TYPE_CHECKING:
    from flexiflow.engine import FlexiFlowEngine
    from flexiflow.event_manager import DeadLetter

__all__ = ["EngineFacts"]

_MOST_PARTS: Final = 100
_MOST_LETTERS: Final = 50
_MOST_STATES: Final = 6


@final
class EngineFacts:
    """What is known of an engine.

    Parameters
    ----------
    engine : FlexiFlowEngine
        The engine.
    name : str
        What it is called.
    """

    def __init__(self, engine: FlexiFlowEngine, name: str) -> None:
        self.engine = engine
        self.name = name

    def info(self) -> EngineInfo:
        """Return the components in the order of their registration."""
        components = list(self.engine.components.items())
        parts = [_part(name, item) for name, item in components[:_MOST_PARTS]]
        more = max(0, len(components) - _MOST_PARTS)
        return EngineInfo(name=self.name, parts=parts, more=more)

    def letters(self) -> LettersInfo:
        """Return the dead letters, newest first."""
        letters = self.engine.event_bus.dead_letters
        if letters is None:
            return LettersInfo(rows=[], held=0, ever=0)
        return LettersInfo(
            rows=[self._letter(one) for one in letters.latest(_MOST_LETTERS)],
            held=len(letters),
            ever=letters.last_number,
        )

    def _letter(self, letter: DeadLetter) -> LetterInfo:
        return LetterInfo(
            number=letter.number,
            time_ms=round(letter.timestamp * 1000, 3),
            type=str(letter.message.get("type")),
            text=message_words(letter.message),
            source=letter.source or "",
            target=letter.component,
            reason=letter.reason,
            error=letter.error,
            story=story_words(letter.correlation_id),
            retry=self.why_not_again(letter),
        )

    def why_not_again(self, letter: DeadLetter) -> str:
        """Say why a letter cannot be sent again now; empty when it can be."""
        if letter.is_own:
            return (
                "It came from a timer or service of the component's own: nobody can "
                "send it again."
            )
        component = self.engine.get(letter.component)
        if component is None:
            name = letter.component
            return f"There is no component {name} now. Define it, then retry."
        if not hasattr(component, "handle_message"):
            return f"{letter.component} takes no messages."
        return ""


def _part(name: str, component: Any) -> EnginePart:
    """Return a component; Any: whatever was registered."""
    states = getattr(component, "states", None) or ()
    if isinstance(states, str) or not isinstance(states, (tuple, list)):
        states = ()
    active = [str(state) for state in states[:_MOST_STATES]]
    pending = getattr(component, "pending", 0)
    return EnginePart(
        name=str(name),
        active=active,
        pending=pending if isinstance(pending, int) else 0,
    )
