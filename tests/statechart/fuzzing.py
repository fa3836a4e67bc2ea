"""Hostile charts, documents and machines, and what must hold for each.

Whatever the text: it is refused with one of the project's errors, or it is a chart that
can be run, questioned, drawn and written. Nothing is imported, opened, started or
executed on the way, and memory stays bounded.
"""

# Hostile words look like others, and long ones stand in parts.
# ruff: noqa: ISC004, RUF001

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flexiflow.errors import FlexiFlowError
from flexiflow.statechart import (
    Functions,
    Simulation,
    _sandbox,
    from_scxml,
    from_xstate,
    load_chart,
    read_chart,
    simulation,
    to_scxml,
    to_xstate,
)
from flexiflow.visualize import visualize
from tests.statechart.chart_makers import ChartMaker

EXAMPLES = Path(__file__).parents[2] / "examples"

EXPRESSIONS = (
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "_event.__class__.__init__.__globals__",
    "x.__class__",
    "x._＿class＿_",
    "ｅｘｅｃ('1')",
    "''.join.__self__",
    "'{0.__class__}'.format(x)",
    "'%s' % x.__class__",
    "f'{x.__class__}'",
    "9 ** 9 ** 9 ** 9",
    "2 ** 100000000",
    "1 << 10000000000",
    "'a' * 10 ** 10",
    "[0] * 10 ** 10",
    "'aaaaaaaaaa' + 'a' * 999999999",
    "[i for i in range(10 ** 9)]",
    "{i: i for i in x}",
    "sum(i for i in x)",
    "(lambda f: f(f))(lambda f: f(f))",
    "x := 5",
    "open('/etc/passwd').read()",
    "eval('1')",
    "exec('import os')",
    "compile('1', '', 'eval')",
    "getattr(x, '__class__')",
    "hasattr(x, '__class__')",
    "globals()",
    "await x",
    "yield x",
    "*x",
    "...",
    "b'x'",
    "1j",
    "1e999",
    "-1e999",
    "0x" + "f" * 1900,
    "9" * 1990,
    "((((((((((" * 40 + "1" + "))))))))))" * 40,
    "[" * 900 + "]" * 900,
    "not " * 400 + "x",
    "x" + ".y" * 400,
    "x" + "[0]" * 400,
    "x if x else " * 150 + "x",
    "'\\N{BULLET}'",
    "'\\ud800'",
    "x\x00y",
    "_event.data",
    "[x, x]",
    "{'a': x, 'b': x}",
    "x + x",
    "d.get('k')",
    "d.get([])",
    "d[x]",
    "'a'.startswith(('a', 'b'))",
    "'abc'.strip(5)",
    "In('a')",
    "In(x)",
    "typeof x === 'object' && !(x instanceof Array)",
    "len(x)",
    "1 / 0",
    "1 % 0",
    "true",
    "undefined",
    "import os",
    "class A: pass",
    "def f(): pass",
    "while 1: pass",
    "del x",
    "x = [x, x]",
    "__builtins__ = 1",
    "_event = 1",
    "_sessionid = 1",
)
"""Conditions, values, locations and scripts."""

NAMES = (
    "os:system",
    "os:_exit",
    "subprocess:call",
    "builtins:eval",
    "builtins:exec",
    "antigravity:x",
    "this:s",
    "__class__",
    "__init__",
    "f.__globals__",
    "a; import os",
    "eval",
    "flexiflow.statechart:machine",
    "",
    "x" * 100_000,
    "name\x00",
    "../../etc/passwd",
)
"""What stands where a function, a state or a module is named."""

VALUES = (
    "$context.__class__",
    "$message.__init__.__globals__",
    "$context.x.y.0.z",
    "$$",
    "$",
    "${jndi:ldap://x}",
    "{0.__class__}",
    "%s%n",
    "\ud800",
    "\x00",
    "\x1b]0;x\x07",
    10**1_000,
    10**1_300,
    -(10**400),
    1e308,
    [[[[[[[[[[]]]]]]]]]],
    {"__class__": {"__init__": 1}},
    {"__proto__": {"polluted": True}},
    {"$type": "datetime", "value": "x"},
    "A" * 200_000,
)
"""Data."""

YAML_BOMBS = (
    "[" * 200_000,
    "{" * 200_000,
    "- " * 100_000,
    "a: " * 50_000,
    "? " * 100_000,
    "!!python/object/apply:os.system ['true']",
    "name: !!python/name:os.system x",
    "name: &a x\nstates: {b: *a, c: *z}",
    "a: &a [x, x]\n"
    + "".join(f"{c}: &{c} [{', '.join(['*' + p] * 10)}]\n"
              for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
    "a: &a {<<: *a}",
    "name: x\nname: y\nstates: {}",
    "%YAML 9.9\n---\nname: x",
    "--- a\n--- b",
    "name: \x00",
    "name: 'unterminated",
    "states: {" + ", ".join(f"s{n}" for n in range(20_000)) + "}",
    "1: " + "9" * 10_000,
    "? [a, b]\n: c",
    "\ufeffname: x",
    "name: |\n" + "  x\n" * 20_000,
)  # fmt: skip
"""Texts that grow, sink or start something in careless readers."""

XML_BOMBS = (
    '<!DOCTYPE x [<!ENTITY a "b">]><scxml><state id="&a;"/></scxml>',
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    + "]><scxml>&l9;</scxml>",
    '<!DOCTYPE x SYSTEM "file:///etc/passwd"><scxml/>',
    '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><scxml/>',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><scxml>&e;</scxml>',
    '<scxml xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/>'
    '<state id="a"/></scxml>',
    '<?xml-stylesheet href="http://127.0.0.1:1/x"?><scxml><state id="a"/></scxml>',
    "<scxml>" + "<state>" * 100_000,
    "<scxml>" + "<parallel>" * 99 + "</parallel>" * 99 + "</scxml>",
    "<scxml " + " ".join(f'a{n}="x"' for n in range(20_000)) + "/>",
    '<scxml initial="' + "a " * 100_000 + '"><state id="a"/></scxml>',
    "<scxml>" + '<state id="a"/>' * 20_000 + "</scxml>",
    "<scxml>" + "x" * 1_900_000 + "</scxml>",
    "<" * 100_000,
    "<scxml><![CDATA[" + "]" * 100_000 + "]]></scxml>",
    '<scxml><state id="a"><transition target="a"/></state></scxml>',
    '<scxml><state id="a"><onentry><raise event="e"/></onentry>'
    '<transition event="e" target="a"/></state></scxml>',
    '<scxml><state id="a"><onentry><send event="e"/></onentry>'
    '<transition event="e" target="a"/></state></scxml>',
    '<scxml><datamodel><data id="x">[0]</data></datamodel><state id="a"><onentry>'
    + '<assign location="x" expr="[x, x]"/>' * 60
    + "</onentry></state></scxml>",
    '<scxml><datamodel><data id="x">[0]</data></datamodel><state id="a"><onentry>'
    + '<assign location="x" expr="[x]"/>' * 2_000
    + "</onentry></state></scxml>",
    '<scxml><datamodel><data id="x">[0]</data></datamodel><state id="a"><onentry>'
    '<script>x = [x, x]</script><send event="e"/></onentry>'
    '<transition event="e" target="a"/></state></scxml>',
    "<scxml><datamodel><data id=\"x\" expr=\"'a'\"/></datamodel><state id=\"a\">"
    '<onentry><assign location="x" expr="x + x"/></onentry>'
    '<transition target="a"/></state></scxml>',
    '<scxml><datamodel><data id="x">[' + "0," * 3_000 + "0]</data></datamodel>"
    '<state id="a"><onentry><foreach array="x" item="i"><foreach array="x" item="j">'
    '<foreach array="x" item="k"><log expr="1"/></foreach></foreach></foreach>'
    "</onentry></state></scxml>",
    '<scxml><datamodel><data id="d"/></datamodel><state id="a"><invoke>'
    '<content expr="d"/><param name="d" expr="d"/></invoke><onentry>'
    '<assign location="d" expr="5"/></onentry></state></scxml>',
    '<scxml><state id="a"><invoke src="file:///etc/passwd"/></state></scxml>',
    '<scxml><datamodel><data id="d" src="file:///etc/passwd"/></datamodel>'
    '<state id="a"/></scxml>',
    '<scxml><datamodel><data id="d"><b xmlns=""><i k="&lt;"/></b></data></datamodel>'
    '<state id="a"/></scxml>',
)  # fmt: skip
"""Documents that grow, sink or fetch something in careless readers."""

FORK_BOMB = (
    '<scxml><datamodel><data id="d"/></datamodel><state id="a"><invoke><content '
    'expr="d"/><param name="d" expr="d"/></invoke><invoke><content expr="d"/>'
    '<param name="d" expr="d"/></invoke></state></scxml>'
)
"""A document that invokes whatever text it is given, twice, with that text."""

JSON_BOMBS = (
    "[" * 200_000,
    '{"a":' * 200_000,
    '{"states": ' + "[" * 5_000,
    '{"states": {"a": {}}, "states": {"b": {}}}',
    '{"__proto__": {"polluted": true}, "states": {"a": {}}}',
    '{"states": {"__proto__": {"on": {"__proto__": "constructor"}}, '
    '"constructor": {}}}',
    '{"states": {"a": {"meta": {"__proto__": 1, "flexiflow": {"__proto__": 1}}}}}',
    '{"states": {"a": NaN}}',
    '{"context": {"x": 1e999}, "states": {"a": {}}}',
    '{"context": {"x": ' + "9" * 5_000 + '}, "states": {"a": {}}}',
    '{"id": "\\ud800", "states": {"a": {}}}',
    '{"states": {"\\u0000": {}}}',
    '{"states": {"a": {"after": {"-1": "a", "1e400": "a", "NaN": "a"}}}}',
    '{"states": {"a": {"on": {"x": ["a", ["a"], 5]}}}}',
    '{"states": {"a": {"type": "history"}}}',
    '{"states": {"p": {"states": {"a": {"type": "history", "target": "a"}}}}}',
    '{"type": "parallel", "states": {"a": {"on": {"x": {"target": ["a", "b"]}}}, '
    '"b": {}}}',
    '{"states": {"a": {"meta": {"flexiflow": {"order": [0, 0], "run": [], '
    '"error": 5}}}}}',
    '{"meta": {"flexiflow": {"scxml": "<scxml/>"}}}',
    "{}",
    "null",
    "",
    "\x00",
)
"""Machines that grow, sink or surprise careless readers."""


@contextmanager
def short_of_breath(most=2_000):
    """Let sandboxes give up early on charts that send themselves messages for ever."""
    before = _sandbox.MOST_EVENTS
    _sandbox.MOST_EVENTS = simulation.MOST_EVENTS = most
    try:
        yield
    finally:
        _sandbox.MOST_EVENTS = simulation.MOST_EVENTS = before


@contextmanager
def watched(found):
    """Note what is imported, executed, opened, started or connected meanwhile."""
    before = set(sys.modules)
    _Watch.into = found
    try:
        yield
    finally:
        _Watch.into = None
        found.update(f"module {name}" for name in set(sys.modules) - before)


class _Watch:
    into = None
    installed = False
    EVENTS = (
        "import",
        "exec",
        "open",
        "subprocess",
        "socket",
        "os.",
        "ctypes",
        "shutil",
    )

    @classmethod
    def install(cls):
        """Install the audit hook, once; it sleeps unless somebody watches."""
        if not cls.installed:
            cls.installed = True
            sys.addaudithook(cls.hear)

    @classmethod
    def hear(cls, event, arguments):
        """Note an event of the interpreter's."""
        into = cls.into
        if into is not None and event.startswith(cls.EVENTS):
            shown = str(arguments[0])[:80] if arguments else ""
            if shown == "<expression>":
                return  # the parser looks for the line of a syntax error
            into[f"{event} {shown}"] += 1


@dataclass
class Report:
    """What became of the cases."""

    kinds: Counter = field(default_factory=Counter)
    refused: int = 0
    accepted: int = 0
    slowest: tuple = (0.0, "")
    crashes: list = field(default_factory=list)
    events: Counter = field(default_factory=Counter)
    grown_mb: float = 0.0

    def __str__(self):
        """Return the figures on one line."""
        total = self.refused + self.accepted
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.kinds.items())
        return (
            f"{total} cases ({kinds}), {self.refused} refused, {self.accepted} ran, "
            f"{len(self.crashes)} crashes, {len(self.events)} forbidden events, "
            f"slowest {self.slowest[0]:.2f} s, memory grew by {self.grown_mb:.0f} MB"
        )


class Fuzzer:
    """Makes hostile cases and tries them.

    Parameters
    ----------
    rng : random.Random
        Where all chance comes from.
    """

    def __init__(self, rng):
        self.rng = rng
        _Watch.install()
        self.yaml = [
            path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.yaml"))
        ]
        charts = [
            read_chart(ChartMaker(random.Random(seed)).chart())[0]  # noqa: S311
            for seed in range(12)
        ]
        self.scxml = [to_scxml(chart) for chart in charts]
        self.scxml += [one.replace("flexiflow:chart", "x") for one in self.scxml]
        self.scxml += [self.document() for _ in range(10)]
        self.xstate = [to_xstate(chart) for chart in charts]

    # --- cases ------------------------------------------------------------------------

    def case(self):
        """Return a kind of case and its text."""
        make = self.rng.choice(
            [
                ("yaml", lambda: self.mutated(self.rng.choice(self.yaml), YAML_BOMBS)),
                ("yaml", lambda: json.dumps(self.hostile_chart())),
                ("scxml", lambda: self.mutated(self.rng.choice(self.scxml), XML_BOMBS)),
                ("scxml", self.document),
                ("scxml", self.document),
                (
                    "xstate",
                    lambda: self.mutated(self.rng.choice(self.xstate), JSON_BOMBS),
                ),
                ("xstate", self.hostile_machine),
            ]
        )
        return make[0], make[1]()

    def mutated(self, text, bombs):
        """Return a text with some damage, or one of the known bombs."""
        rng = self.rng
        if rng.random() < 0.1:
            return rng.choice(bombs)
        for _ in range(rng.randrange(1, 6)):
            at, to = sorted(rng.randrange(len(text) + 1) for _ in range(2))
            kind = rng.randrange(6)
            if kind == 0:
                text = text[:at] + text[min(to, at + 40) :]
            elif kind == 1:
                text = text[:at] + self.payload() + text[at:]
            elif kind == 2:
                text = text[:at] + text[at:to][:200] * rng.randrange(2, 20) + text[to:]
            elif kind == 3:
                text = text[:at] + chr(rng.randrange(0x20, 0x250)) + text[at + 1 :]
            elif kind == 4:
                words = [word for word in text.split() if len(word) < 40] or ["x"]
                text = text.replace(rng.choice(words), self.payload(), 2)
            else:
                words = [word for word in text.split() if len(word) < 40] or ["x"]
                text = text.replace(rng.choice(words), rng.choice(words), 2)
        return text[:300_000]

    def payload(self):
        """Return a hostile word."""
        rng = self.rng
        pool = rng.choice([EXPRESSIONS, EXPRESSIONS, NAMES, VALUES])
        return str(rng.choice(pool))[:2_100]

    def expression(self):
        """Return an expression, plain or put together from several."""
        rng = self.rng
        text = rng.choice(EXPRESSIONS)
        if rng.random() < 0.3:
            joint = rng.choice([" and ", " + ", ".", " == ", ", ", " if x else ", "||"])
            text = f"{text}{joint}{rng.choice(EXPRESSIONS)}"
        return text

    def document(self):
        """Return an SCXML document with hostile expressions where they may stand."""

        def put():
            text = self.expression()
            clean = "".join(c for c in text if c >= " " and c.isprintable())
            return (
                clean.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
            )

        content = (
            lambda: f'<assign location="x" expr="{put()}"/>',
            lambda: f'<assign location="{put()}" expr="1"/>',
            lambda: f"<script>{put()}</script>",
            lambda: f'<log expr="{put()}"/>',
            lambda: (
                f'<if cond="{put()}"><raise event="e"/><elseif cond="{put()}"/></if>'
            ),
            lambda: (
                f'<foreach array="{put()}" item="i" index="{put()}">'
                f'<assign location="x" expr="[x, i]"/></foreach>'
            ),
            lambda: f'<send event="e" delayexpr="{put()}" targetexpr="{put()}"/>',
            lambda: f'<send eventexpr="{put()}" namelist="{put()}" idlocation="x"/>',
            lambda: f'<send event="e"><param name="p" expr="{put()}"/></send>',
            lambda: f'<send event="e" type="{put()}"><content expr="{put()}"/></send>',
            lambda: f'<cancel sendidexpr="{put()}"/>',
        )
        made = [
            "".join(self.rng.choice(content)() for _ in range(self.rng.randrange(1, 4)))
            for _ in range(4)
        ]
        return (
            '<scxml xmlns="http://www.w3.org/2005/07/scxml" initial="a"><datamodel>'
            f'<data id="x" expr="{put()}"/><data id="d">{{"k": [1]}}</data></datamodel>'
            f'<state id="a"><onentry>{made[0]}</onentry><onexit>{made[1]}</onexit>'
            f'<transition event="e" cond="{put()}" target="b">{made[2]}</transition>'
            '<transition event="go" target="b"/></state><state id="b">'
            f"<onentry>{made[3]}</onentry>"
            f'<invoke src="{put()}"/><invoke><content expr="{put()}"/>'
            f'<param name="x" expr="{put()}"/></invoke>'
            f'<transition cond="{put()}" target="a"/><transition event="*" target="a"/>'
            "</state></scxml>"
        )

    def hostile_chart(self):
        """Return a chart in the language with hostile names and data in it."""
        return self._spoil(ChartMaker(self.rng).chart())

    def hostile_machine(self):
        """Return a machine of XState with hostile names and data in it."""
        machine = json.loads(self.rng.choice(self.xstate))
        return json.dumps(self._spoil(machine))

    def _spoil(self, data):
        """Replace some of the parts of data."""
        rng = self.rng
        if rng.random() < 0.02:
            return rng.choice([*VALUES, *NAMES, *EXPRESSIONS, None, 5, True, [], {}])
        if isinstance(data, dict):
            found = {}
            for key, value in data.items():
                name = rng.choice(NAMES) if rng.random() < 0.01 else key
                found[name] = self._spoil(value)
            return found
        if isinstance(data, list):
            return [self._spoil(item) for item in data]
        return data

    # --- trying -----------------------------------------------------------------------

    def attempt(self, kind, text, report):
        """Try a case; note what became of it."""
        start = time.perf_counter()
        report.kinds[kind] += 1
        try:
            with short_of_breath(), watched(report.events):
                self.use(kind, text)
            report.accepted += 1
        except FlexiFlowError as error:
            str(error)
            report.refused += 1
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            report.crashes.append(f"{kind}: {error!r}: {text[:2_000]!r}")
            report.accepted += 1
        taken = time.perf_counter() - start
        if taken > report.slowest[0]:
            report.slowest = (taken, f"{kind}: {text[:3_000]!r}")

    def use(self, kind, text):
        """Read a text, and do with the chart whatever can be done with one."""
        read = {"yaml": load_chart, "scxml": from_scxml, "xstate": from_xstate}[kind]
        chart = read(text)
        nothing = Functions(allow_imports=())
        made = Simulation(chart, functions=nothing)
        for message in ("go", "stop", "e", "door.open"):
            given = {
                "type": message,
                "n": 1,
                "kind": "go",
                "x y": self.rng.randrange(3),
            }
            made.why_not(given)
            try:
                made.send(given)
                made.advance(2)
            except FlexiFlowError:
                continue
        made.accepted()
        for name in ("mermaid-state", "text", "plantuml"):
            visualize(chart, name)
        to_xstate(chart)
        written = to_scxml(chart)
        assert to_scxml(from_scxml(written)) == written


def fuzz(seed, *, cases=None, seconds=None):
    """Try so many cases, or cases for so many seconds; return the report."""
    fuzzer = Fuzzer(random.Random(seed))  # noqa: S311 - repeats, keeps no secret
    report = Report()
    for bomb in (FORK_BOMB, *XML_BOMBS):
        Fuzzer.attempt(fuzzer, "scxml", bomb, Report())  # loads what is loaded late
    for kind, bombs in (("yaml", YAML_BOMBS), ("xstate", JSON_BOMBS)):
        for bomb in bombs:
            fuzzer.attempt(kind, bomb, Report())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = None if seconds is None else time.monotonic() + seconds
    done = 0
    while done < cases if end is None else time.monotonic() < end:
        fuzzer.attempt(*fuzzer.case(), report)
        done += 1
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report.grown_mb = (after - before) / 1024
    return report
