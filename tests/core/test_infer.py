"""Rules of inferring transitions from the source of ``handle_message``."""

from __future__ import annotations

import ast
import textwrap

from flexiflow.diagrams._infer import infer


def inferred(body: str, **tables: str) -> list[tuple[str, str, str | None]]:
    """Return (message, target, guard) of a handler with that body."""
    text = "async def handle_message(self, message, component):\n"
    tree = ast.parse(text + textwrap.indent(textwrap.dedent(body), "    "))
    handler = tree.body[0]
    assert isinstance(handler, ast.AsyncFunctionDef)
    constants = {
        name: ast.parse(value, mode="eval").body for name, value in tables.items()
    }
    return [
        (item.message, ast.unparse(item.target), item.guard)
        for item in infer(handler, constants).transitions
    ]


class TestInfer:
    """What is read out of a handler."""

    def test_comparison_with_the_type_is_the_message(self):
        """Both spellings of the message's type are understood."""
        assert inferred(
            """
            if message.get("type") == "go":
                return True, A()
            if "stop" == message["type"]:
                return True, B()
            return False, self
            """
        ) == [("go", "A()", None), ("stop", "B()", None)]

    def test_local_name_for_the_type_is_followed(self):
        """A name that holds the type stands for it, walrus included."""
        assert inferred(
            """
            kind = message.get("type")
            if kind in ("a", "b"):
                return True, A()
            if (other := message["type"]) == "c":
                return True, C()
            if other == "d":
                return True, D()
            """
        ) == [
            ("a", "A()", None),
            ("b", "A()", None),
            ("c", "C()", None),
            ("d", "D()", None),
        ]

    def test_other_tests_are_the_guard(self):
        """What else must hold is the guard; fields go by their bare names."""
        assert inferred(
            """
            if message.get("type") == "pay" and message.get("items", 0) > 3:
                return True, Big()
            if message.get("type") == "pay":
                return True, Small()
            """
        ) == [
            ("pay", "Big()", "items > 3"),
            ("pay", "Small()", "not items > 3"),
        ]

    def test_early_return_restricts_what_follows(self):
        """A refusal at the top leaves one message for the rest."""
        assert inferred(
            """
            if message.get("type") != "go":
                return False, self
            return True, A()
            """
        ) == [("go", "A()", None)]

    def test_match_on_the_type(self):
        """Cases of a match are comparisons, alternatives included."""
        assert inferred(
            """
            match message["type"]:
                case "a" | "b":
                    return True, A()
                case "c" if component.open:
                    return True, C()
                case _:
                    return False, self
            """
        ) == [("a", "A()", None), ("b", "A()", None), ("c", "C()", "component.open")]

    def test_match_on_the_message(self):
        """A mapping pattern gives the message and, by its other keys, the guard."""
        assert inferred(
            """
            match message:
                case {"type": "pay", "by": "card"}:
                    return True, Card()
                case {"type": "pay"}:
                    return True, Cash()
            """
        ) == [("pay", "Card()", "by == 'card'"), ("pay", "Cash()", None)]

    def test_cases_exclude_what_came_before(self):
        """A case without further keys takes its message from those that follow."""
        assert inferred(
            """
            match message:
                case {"type": "pay"}:
                    return True, Paid()
                case _ if message["type"] in ("pay", "owe"):
                    return True, Owes()
            """
        ) == [("pay", "Paid()", None), ("owe", "Owes()", None)]

    def test_conditional_expressions_are_two_ways(self):
        """Either side of a conditional expression is a way of its own."""
        assert inferred(
            """
            if message["type"] == "go":
                return True, A() if component.ok else B()
            return (True, C()) if message["type"] == "c" else (False, self)
            """
        ) == [
            ("go", "A()", "component.ok"),
            ("go", "B()", "not component.ok"),
            ("c", "C()", None),
        ]

    def test_dispatch_by_a_table(self):
        """A dict that is looked up by the type gives one transition a key."""
        body = """
            target = self.TABLE.get(message["type"])
            if target is None:
                return False, self
            return True, target()
            """

        assert inferred(body, TABLE='{"go": A, "stop": B}') == [
            ("go", "A()", None),
            ("stop", "B()", None),
        ]

    def test_state_kept_in_a_local_name(self):
        """A name that becomes one of several states gives each on its own path."""
        assert inferred(
            """
            state = self
            if message["type"] == "go":
                state = A()
            elif message["type"] == "stop":
                state = B()
            return state is not self, state
            """
        ) == [("go", "A()", None), ("stop", "B()", None)]

    def test_state_made_by_the_registry(self):
        """A state that is made by name is handed on as written."""
        assert inferred(
            """
            if message["type"] == "go":
                return True, component.state_machine.registry.create("Next")
            """
        ) == [("go", "component.state_machine.registry.create('Next')", None)]

    def test_staying_is_told_from_ignoring(self):
        """True with self acts in place; False is no transition at all."""
        assert inferred(
            """
            if message["type"] == "note":
                return True, self
            return False, self
            """
        ) == [("note", "self", None)]

    def test_message_that_is_not_compared_is_any(self):
        """A transition without a comparison is taken on any message."""
        assert inferred("return True, A()") == [("*", "A()", None)]

    def test_ways_through_try_and_with(self):
        """Blocks that always run are followed; handlers are ways of their own."""
        assert inferred(
            """
            async with component.lock:
                try:
                    if message["type"] == "go":
                        return True, A()
                except ValueError:
                    return True, Failed()
            """
        ) == [("go", "A()", None), ("*", "Failed()", None)]

    def test_unknown_answers_are_left_out(self):
        """What cannot be understood gives no transition and no error."""
        assert inferred("return await super().handle_message(message, component)") == []

    def test_many_branches_end(self):
        """A function with very many tests is read in bounded time."""
        tests = "\n".join(
            f"if message.get('f{i}') or component.c{i}:\n    x{i} = 1"
            for i in range(60)
        )

        assert inferred(f"{tests}\nreturn True, A()") == [("*", "A()", None)]
