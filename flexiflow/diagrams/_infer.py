"""Infer the transitions of a ``handle_message`` from its source, without running it.

The function's branches are followed with what is known about the message on each of
them. A ``return True, SomeState()`` is a transition; what was compared with the
message's type on the way there is its message, and the other tests are its guard.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from ._clauses import ALWAYS, Clause, both, either, limited
from ._fields import FieldNames, field_read, negated, texts_in, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["ANY_MESSAGE", "Handler", "Inference", "Inferred", "infer"]

ANY_MESSAGE = "*"
"""What an edge says when no comparison restricts the message's type."""

Handler = ast.FunctionDef | ast.AsyncFunctionDef
"""The definition of a ``handle_message``."""

Clauses = tuple[Clause, ...]


@final
@dataclass(frozen=True, slots=True)
class Inferred:
    """A transition as the source shows it."""

    message: str
    """The message's type; ``"*"`` when no comparison restricts it."""
    target: ast.expr
    """What is returned as the new state; the name ``self`` for staying."""
    guard: str | None = None
    """The other tests on the way, as Python text."""


@final
@dataclass(frozen=True, slots=True)
class Inference:
    """What the source of a handler shows."""

    transitions: tuple[Inferred, ...]
    """Each transition once, in the order of the source."""
    is_complete: bool
    """Whether every returned value was understood."""


def infer(
    handler: Handler, constants: Mapping[str, ast.expr] | None = None
) -> Inference:
    """Return the transitions that a handler can make, in the order of its source.

    Parameters
    ----------
    handler : ast.FunctionDef or ast.AsyncFunctionDef
        A method ``handle_message(self, message, component)``.
    constants : mapping of str to ast.expr, optional
        What names outside the function stand for: ``TABLE`` and ``self.TABLE`` are
        looked up here as ``TABLE``, so that dispatch by a dict is understood.

    Returns
    -------
    Inference
        The transitions. Returned values that are not understood are left out.
    """
    # not `or`: live tables are found when they are asked for, and look empty
    walker = _Walker(handler, {} if constants is None else constants)
    walker.block(handler.body, ALWAYS)
    unique = {
        (item.message, ast.dump(item.target), item.guard): item for item in walker.found
    }
    return Inference(tuple(unique.values()), walker.is_complete)


class _Walker:
    """What is known while the branches of one handler are followed."""

    def __init__(self, handler: Handler, constants: Mapping[str, ast.expr]) -> None:
        names = [arg.arg for arg in (*handler.args.posonlyargs, *handler.args.args)]
        self._self = names[0] if names else "self"
        self._message = names[1] if len(names) > 1 else "message"
        self._constants = constants
        self._type_names: set[str] = set()
        self._values: dict[str, list[tuple[Clauses, ast.expr]]] = {}
        self.found: list[Inferred] = []
        self.is_complete = True

    # --- statements -------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt], path: Clauses) -> Clauses:
        """Follow statements; return what holds behind them, nothing when they leave."""
        for statement in body:
            if not path:
                break
            path = limited(self._statement(statement, path))
        return path

    def _statement(self, node: ast.stmt, path: Clauses) -> Clauses:
        """Follow one statement."""
        if isinstance(node, ast.Return):
            if node.value is not None:
                self._returned(node.value, path)
            return ()
        if isinstance(node, (ast.Raise, ast.Continue, ast.Break)):
            return ()
        if isinstance(node, ast.If):
            return self._if(node, path)
        if isinstance(node, ast.Match):
            return self._match(node, path)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            self._assign(node, path)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            return self.block(node.body, path)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            self.block(node.body, path)
            self.block(node.orelse, path)
        elif isinstance(node, (ast.Try, ast.TryStar)):
            return self._try(node, path)
        return path

    def _if(self, node: ast.If, path: Clauses) -> Clauses:
        """Follow both branches of an ``if``."""
        holds, fails = self._test(node.test)
        then, other = both(path, holds), both(path, fails)
        after_then = self.block(node.body, then)
        after_other = self.block(node.orelse, other)
        if after_then == then and after_other == other:
            return path
        return either(after_then, after_other)

    def _try(self, node: ast.Try | ast.TryStar, path: Clauses) -> Clauses:
        """Follow the body and each handler of a ``try``."""
        after = self.block([*node.body, *node.orelse], path)
        ends = [self.block(handler.body, path) for handler in node.handlers]
        self.block(node.finalbody, path)
        return either(after, *ends)

    def _match(self, node: ast.Match, path: Clauses) -> Clauses:
        """Follow the cases of a ``match`` over the message or its type."""
        self._learn(node.subject)
        after: Clauses = ()
        for case in node.cases:
            holds, fails = self._pattern(case.pattern, node.subject)
            if case.guard is not None:
                guard, unguard = self._test(case.guard)
                fails = either(fails, both(holds, unguard))
                holds = both(holds, guard)
            after = either(after, self.block(case.body, both(path, holds)))
            path = limited(both(path, fails))
        return either(after, path)

    def _assign(self, node: ast.Assign | ast.AnnAssign, path: Clauses) -> None:
        """Remember what a local name stands for, and on which path."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is None:
            return
        self._learn(node.value)
        for target in targets:
            if not isinstance(target, ast.Name):
                continue
            if self._is_type(node.value):
                self._type_names.add(target.id)
            else:
                known = self._values.setdefault(target.id, [])
                if path == ALWAYS:
                    known.clear()
                known.append((path, node.value))

    def _learn(self, expression: ast.expr) -> None:
        """Note the names that an assignment expression binds to the message's type."""
        for node in ast.walk(expression):
            if isinstance(node, ast.NamedExpr) and self._is_type(node.value):
                self._type_names.add(node.target.id)

    # --- tests ------------------------------------------------------------------------

    def _test(self, test: ast.expr) -> tuple[Clauses, Clauses]:
        """Return what is known when a test holds, and when it fails."""
        self._learn(test)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            holds, fails = self._test(test.operand)
            return fails, holds
        if isinstance(test, ast.BoolOp):
            return self._bool_op(test)
        if isinstance(test, ast.Constant):
            return (ALWAYS, ()) if test.value else ((), ALWAYS)
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            known = self._compare(test)
            if known is not None:
                return known
        if self._is_type(test) or self._is_about_dispatch(test):
            return ALWAYS, ALWAYS
        words = self._words(test)
        return (Clause(guards=(words,)),), (Clause(guards=(negated(words),)),)

    def _bool_op(self, test: ast.BoolOp) -> tuple[Clauses, Clauses]:
        """Return what is known of ``and`` and ``or``, read from left to right."""
        holds, fails = self._test(test.values[0])
        for value in test.values[1:]:
            more_holds, more_fails = self._test(value)
            if isinstance(test.op, ast.And):
                fails = either(fails, both(holds, more_fails))
                holds = both(holds, more_holds)
            else:
                holds = either(holds, more_holds)
                fails = both(fails, more_fails)
        return limited(holds), limited(fails)

    def _compare(self, test: ast.Compare) -> tuple[Clauses, Clauses] | None:
        """Return what a comparison says about the message's type, if anything."""
        left, operator, right = test.left, test.ops[0], test.comparators[0]
        if self._is_type(right):
            left, right = right, left
        if not self._is_type(left):
            return None
        texts = texts_in(right)
        if not texts:
            return None
        named = (Clause(messages=texts),)
        others = (Clause(excluded=frozenset(texts)),)
        if isinstance(operator, (ast.Eq, ast.In, ast.Is)):
            return named, others
        if isinstance(operator, (ast.NotEq, ast.NotIn, ast.IsNot)):
            return others, named
        return None

    def _pattern(
        self, pattern: ast.pattern, subject: ast.expr
    ) -> tuple[Clauses, Clauses]:
        """Return what is known when a case's pattern matches, and when it does not."""
        if isinstance(pattern, ast.MatchAs):
            if pattern.pattern is not None:
                return self._pattern(pattern.pattern, subject)
            if pattern.name and self._is_type(subject):
                self._type_names.add(pattern.name)
            return ALWAYS, ()
        if isinstance(pattern, ast.MatchOr):
            parts = [self._pattern(part, subject) for part in pattern.patterns]
            return either(*(part[0] for part in parts)), both(*(p[1] for p in parts))
        if isinstance(pattern, ast.MatchValue) and self._is_type(subject):
            texts = texts_in(pattern.value)
            named = (Clause(messages=texts),)
            return named, (Clause(excluded=frozenset(texts)),)
        if isinstance(pattern, ast.MatchMapping) and self._is_message(subject):
            return self._mapping_pattern(pattern)
        words = ast.unparse(pattern)
        return (Clause(guards=(words,)),), ALWAYS

    def _mapping_pattern(self, pattern: ast.MatchMapping) -> tuple[Clauses, Clauses]:
        """Return what a pattern such as ``{"type": "pay", "by": "card"}`` says."""
        holds, certain = ALWAYS, True
        fails: Clauses = ALWAYS
        for key, part in zip(pattern.keys, pattern.patterns, strict=True):
            is_type = isinstance(key, ast.Constant) and key.value == "type"
            if is_type:
                subject: ast.expr = type_of(self._message)
                named, fails = self._pattern(part, subject)
                holds = both(holds, named)
            elif not (isinstance(part, ast.MatchAs) and part.pattern is None):
                field = ast.unparse(key).strip("'\"")
                words = f"{field} == {ast.unparse(part)}"
                holds, certain = both(holds, (Clause(guards=(words,)),)), False
            else:
                certain = False
        return holds, fails if certain else ALWAYS

    # --- returned values --------------------------------------------------------------

    def _returned(self, value: ast.expr, path: Clauses) -> None:
        """Note the transitions that a returned value can mean."""
        for clauses, chosen in self._choices(value, path):
            if not isinstance(chosen, ast.Tuple) or len(chosen.elts) != 2:  # noqa: PLR2004
                self.is_complete = False
                continue
            flag, target = chosen.elts
            named = isinstance(target, ast.Name) and target.id != self._self
            for on_flag, said in self._choices(flag, clauses):
                holds = self._flag(said)
                for on_target, state in self._choices(target, both(on_flag, holds)):
                    if not (named and self._is_self(state)):
                        self._note(on_target, state)

    def _flag(self, flag: ast.expr) -> Clauses:
        """Return when the first part of a returned pair is true."""
        if isinstance(flag, ast.Compare) and isinstance(
            flag.ops[0], (ast.Is, ast.IsNot)
        ):
            sides = (flag.left, *flag.comparators)
            if any(map(self._is_self, sides)):
                return ALWAYS
        return self._test(flag)[0]

    def _note(self, path: Clauses, target: ast.expr) -> None:
        """Add one transition for each message of each way to a target."""
        if self._is_self(target):
            target = ast.Name("self")
        for clause in path:
            guard = " and ".join(dict.fromkeys(clause.guards)) or None
            for message in clause.messages or (ANY_MESSAGE,):
                self.found.append(Inferred(message, target, guard))

    def _choices(
        self, value: ast.expr, path: Clauses, depth: int = 0
    ) -> Iterator[tuple[Clauses, ast.expr]]:
        """Yield what an expression can be, with what is known then."""
        if depth > _DEPTH or not path:
            return
        if isinstance(value, ast.IfExp):
            holds, fails = self._test(value.test)
            yield from self._choices(value.body, both(path, holds), depth + 1)
            yield from self._choices(value.orelse, both(path, fails), depth + 1)
        elif isinstance(value, ast.Name) and value.id in self._values:
            for known, stored in list(self._values[value.id]):
                yield from self._choices(stored, both(path, known), depth + 1)
        elif (table := self._table(value)) is not None:
            for key, stored in zip(table.keys, table.values, strict=True):
                if key is not None and (texts := texts_in(key)):
                    named = both(path, (Clause(messages=texts),))
                    yield from self._choices(stored, named, depth + 1)
        elif isinstance(value, ast.Call) and self._is_indirect(value.func):
            for known, func in self._choices(value.func, path, depth + 1):
                yield known, ast.Call(func, value.args, value.keywords)
        else:
            yield path, value

    def _table(self, value: ast.expr) -> ast.Dict | None:
        """Return the dict that is looked up by the message's type, if that is done."""
        if isinstance(value, ast.Subscript):
            owner, key = value.value, value.slice
        elif (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr == "get"
            and value.args
        ):
            owner, key = value.func.value, value.args[0]
        else:
            return None
        if not self._is_type(key):
            return None
        if isinstance(owner, ast.Attribute):
            found = self._constants.get(owner.attr)
        elif isinstance(owner, ast.Name):
            local = self._values.get(owner.id)
            found = local[-1][1] if local else self._constants.get(owner.id)
        else:
            found = owner
        return found if isinstance(found, ast.Dict) else None

    # --- words ------------------------------------------------------------------------

    def _is_indirect(self, func: ast.expr) -> bool:
        """Tell whether what is called depends on a local name or a table."""
        if isinstance(func, ast.Name):
            return func.id in self._values
        return isinstance(func, ast.IfExp) or self._table(func) is not None

    def _is_about_dispatch(self, test: ast.expr) -> bool:
        """Tell whether a test only asks if a table had the message's type."""
        names = [node.id for node in ast.walk(test) if isinstance(node, ast.Name)]
        return bool(names) and all(
            any(
                self._table(value) is not None
                for _, value in self._values.get(name, [])
            )
            for name in names
        )

    def _is_self(self, value: ast.expr) -> bool:
        """Tell whether an expression is the state itself."""
        return isinstance(value, ast.Name) and value.id == self._self

    def _is_message(self, value: ast.expr) -> bool:
        """Tell whether an expression is the message."""
        return isinstance(value, ast.Name) and value.id == self._message

    def _is_type(self, value: ast.expr) -> bool:
        """Tell whether an expression is the message's type."""
        if isinstance(value, ast.NamedExpr):
            value = value.value
        if isinstance(value, ast.Name):
            return value.id in self._type_names
        return field_read(value, self._message) == "type"

    def _words(self, test: ast.expr) -> str:
        """Return a test as text, fields of the message by their bare names."""
        named = FieldNames(self._message).visit(copy.deepcopy(test))
        return ast.unparse(ast.fix_missing_locations(named))


_DEPTH = 8
"""How many names and tables are followed from a returned value."""
