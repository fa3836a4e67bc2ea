"""Draw charts at random, with what their functions and services answer."""

from __future__ import annotations

from hypothesis import strategies as st

MESSAGES = ("m0", "m1", "m2")
GUARDS = {
    "g0": lambda context: context["n"] % 2 == 0,
    "g1": lambda message: message.get("k") == 1,
}
"""Guards have no side effects: how often they are asked is left open."""
ACTIONS = ("f0", "f1")
SERVICES = ("s0", "s1")
TIMES = ("500ms", "1s", "2s")
INNER = ("x0", "x1")
"""Messages that a chart sends to itself or raises; nothing is sent on them, so that
charts come to rest."""

_VALUES = st.integers(0, 3)
_GUARD = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.sampled_from(sorted(GUARDS)),
    st.builds(lambda k: {"context.n": {"lt": k}}, _VALUES),
    st.builds(lambda k: {"any": [{"k": k}, {"context.n": {"ge": k}}]}, _VALUES),
    st.builds(lambda name: {"not": name}, st.sampled_from(sorted(GUARDS))),
)
_QUIET = st.one_of(
    st.builds(lambda v: {"set": {"n": v}}, _VALUES),
    st.just({"add": {"n": 1}}),
    st.just({"set": {"r": "$result"}}),
    st.builds(
        lambda name: {"emit": {"event": name, "data": "$context.n"}},
        st.sampled_from(["e0", "e1"]),
    ),
    st.just({"log": "n is $context.n"}),
    st.sampled_from(ACTIONS),
    st.builds(
        lambda name: {"call": name, "with": {"value": "$context.n"}},
        st.sampled_from(ACTIONS),
    ),
)
_LOUD = st.one_of(
    _QUIET,
    st.builds(lambda name: {"raise": name}, st.sampled_from(INNER)),
    st.builds(lambda name: {"send": name}, st.sampled_from(INNER)),
    st.builds(
        lambda name, wait: {"send": {"type": name, "delay": wait, "id": name}},
        st.sampled_from(INNER),
        st.sampled_from(TIMES),
    ),
    st.builds(lambda name: {"cancel": name}, st.sampled_from(INNER)),
    st.just({"add": {"n": "$message.k"}}),
)


@st.composite
def _transitions(draw, targets, actions, *, guarded=False):
    """Draw one or two transitions."""
    found = []
    for _ in range(draw(st.integers(1, 2))):
        one = {}
        if _often(draw, 5):
            one["to"] = draw(st.sampled_from(targets))
            if _seldom(draw):
                one["reenter"] = True
        guard = draw(_GUARD)
        if guarded:
            guard = {"context.n": {"eq": draw(_VALUES)}}
        if guard is not None:
            one["if"] = guard
        if draw(st.booleans()) or not one:
            one["do"] = draw(st.lists(actions, min_size=1, max_size=2))
        if guarded:
            one["do"] = [*one.get("do", []), {"add": {"n": 1}}]
        found.append(one)
    return found


@st.composite
def _tree(draw, depth, names):
    """Draw a state with those within it; transitions come later."""
    kind = draw(
        st.sampled_from(
            ["atomic", "atomic", "compound", "parallel"] if depth else ["atomic"]
        )
    )
    state = {}
    if kind == "atomic":
        if depth < 3 and draw(st.integers(0, 5)) == 0:
            state["final"] = True
        return state
    children = {}
    for _ in range(draw(st.integers(2, 3))):
        name = f"s{next(names)}"
        children[name] = draw(_tree(depth - 1, names))
    if kind == "parallel":
        for child in children.values():
            child.pop("final", None)
        state["parallel"] = children
        return state
    first = next(iter(children))
    children[first].pop("final", None)
    if draw(st.booleans()):
        children[f"s{next(names)}"] = {
            "history": draw(st.sampled_from(["shallow", "deep"]))
        }
    state["states"] = children
    return state


def _walk(states, path=""):
    for name, state in states.items():
        here = f"{path}.{name}" if path else name
        yield here, state
        inner = state.get("states") or state.get("parallel") or {}
        yield from _walk(inner, here)


def _often(draw, times=4):
    """Return true most of the time."""
    return draw(st.integers(0, times)) > 0


def _seldom(draw, times=3):
    return not _often(draw, times)


def _furnish(draw, state, targets):
    """Give a state its transitions, actions, timers and services."""
    has_parts = "states" in state or "parallel" in state
    size = 1 if has_parts else 2
    on = {
        name: draw(_transitions(targets, _LOUD))
        for name in draw(st.sets(st.sampled_from(MESSAGES), min_size=size))
    }
    for name in draw(st.sets(st.sampled_from(INNER))):
        on[name] = draw(_transitions(targets, _QUIET))
    state["on"] = on
    for key in ("entry", "exit"):
        if _seldom(draw, 2):
            state[key] = draw(st.lists(_QUIET, min_size=1, max_size=2))
    if _seldom(draw, 2):
        time = draw(st.sampled_from(TIMES))
        state["after"] = {time: draw(_transitions(targets, _LOUD))}
    if _seldom(draw, 5):
        state["always"] = draw(_transitions(targets, _QUIET, guarded=True))
    if _seldom(draw):
        state["error"] = draw(_transitions(targets, _QUIET))
    if not has_parts and _seldom(draw, 2):
        state["run"] = draw(_services())
    if (has_parts or "run" in state) and _often(draw, 2):
        state["done"] = draw(_transitions(targets, _QUIET))


@st.composite
def charts(draw):
    """Draw the data of a chart: nested, parallel, with history, timers and services."""
    names = iter(range(1000))
    count = draw(st.integers(2, 3))
    top = {f"s{next(names)}": draw(_tree(2, names)) for _ in range(count)}
    for state in top.values():
        state.pop("final", None)
    listed = list(_walk(top))
    targets = [path for path, _ in listed]
    for _, state in listed:
        if "history" not in state and not state.get("final"):
            _furnish(draw, state, targets)
    return {"name": "random", "context": {"n": 0, "r": None}, "states": top}


@st.composite
def _services(draw):
    run = {"do": draw(st.sampled_from(SERVICES)), "with": {"value": "$context.n"}}
    if draw(st.booleans()):
        run["retry"] = {"max_attempts": draw(st.integers(2, 3)), "base_delay": 1}
    if run["do"] == "s1":
        run["timeout"] = "1130ms"
    return run


_RESULTS = st.sampled_from([None, 2, {"n": 1}, {"n": 2, "new": [1]}, "text"])


@st.composite
def fakes(draw):
    """Draw what actions and services answer, one item a call.

    Which of two services that end at the same instant is heard first is left open, and
    one with a timeout takes a turn longer: so that they do not meet, each takes a time
    of its own.
    """
    found = {}
    for name in ACTIONS:
        good = st.builds(lambda value: {"result": value}, _RESULTS)
        item = st.one_of(good, good, good, good, st.just("error"))
        found[name] = draw(st.lists(item, min_size=1, max_size=4))
    for name, wait in zip(SERVICES, ("270ms", "410ms"), strict=True):
        slow = st.one_of(
            st.builds(lambda value, w=wait: {"result": value, "after": w}, _RESULTS),
            st.just({"error": "no", "after": wait}),
            st.just({"never": True}),
        )
        instant = st.one_of(
            st.builds(lambda value: {"result": value}, _RESULTS), st.just("error")
        )
        any_ = slow | instant if name == "s0" else slow
        found[name] = [*draw(st.lists(any_, max_size=3)), draw(slow)]
    return found


def operations():
    """Draw what is done with a machine: messages, and waits of so many seconds."""
    message = st.builds(
        lambda name, k: {"type": name, "k": k}, st.sampled_from(MESSAGES), _VALUES
    )
    wait = st.sampled_from([0.3713, 0.8331, 1.7177])
    return st.lists(message | message | wait, min_size=4, max_size=12)
