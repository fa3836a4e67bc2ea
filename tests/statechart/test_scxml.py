"""SCXML documents: what they mean, and what they cannot do."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexiflow.errors import ConfigError
from flexiflow.statechart import Simulation, chart_graph, from_scxml
from flexiflow.statechart._expressions import (
    ExpressionError,
    compile_expression,
    compile_script,
)


def run(body, *, head="", attributes='initial="a"', **options):
    """Return a simulation of a document, with the time let go by."""
    text = (
        f'<scxml xmlns="http://www.w3.org/2005/07/scxml" {attributes}>'
        f'{head}{body}<final id="pass"/><final id="fail"/></scxml>'
    )
    made = Simulation(from_scxml(text), **options)
    made.advance(10)
    return made


class TestDocuments:
    def test_raised_events_are_taken_in_order(self):
        """The internal queue is first in, first out."""
        made = run(
            '<state id="a"><onentry><raise event="x"/><raise event="y"/></onentry>'
            '<transition event="x" target="b"/><transition event="*" target="fail"/>'
            '</state><state id="b"><transition event="y" target="pass"/></state>'
        )

        assert made.leaves == {"pass"}
        assert made.finished

    def test_descriptors_match_by_tokens(self):
        """A descriptor covers what begins with its tokens."""
        made = run(
            '<state id="a"><onentry><raise event="foo.bar"/></onentry>'
            '<transition event="fo" target="fail"/>'
            '<transition event="x foo.*" target="pass"/></state>'
        )

        assert made.leaves == {"pass"}

    def test_data_conditions_and_content(self):
        """Data, if, foreach, assign and script work on plain values."""
        made = run(
            '<state id="a"><onentry>'
            '<foreach item="x" index="i" array="list"><if cond="x == 2">'
            '<assign location="hit" expr="i"/><elseif cond="x &gt; 2"/>'
            '<assign location="more" expr="more + x"/><else/><log expr="x"/></if>'
            "</foreach></onentry>"
            '<transition cond="hit == 1 and more == 3" target="pass"/>'
            '<transition target="fail"/></state>',
            head='<datamodel><data id="list">[1, 2, 3]</data><data id="hit"/>'
            '<data id="more" expr="0"/></datamodel>',
        )

        assert made.leaves == {"pass"}
        assert made.context["hit"] == 1

    def test_error_ends_its_block_alone(self):
        """error.execution is told, the next block goes on."""
        made = run(
            '<state id="a"><onentry><assign location="none" expr="1"/>'
            '<raise event="never"/></onentry><onentry><raise event="next"/></onentry>'
            '<transition event="never" target="fail"/>'
            '<transition event="error.execution" target="b"/></state>'
            '<state id="b"><transition event="next" target="pass"/></state>'
        )

        assert made.leaves == {"pass"}

    def test_delayed_event_and_cancel(self):
        """Events come by the virtual clock, unless they are taken back."""
        made = run(
            '<state id="a"><onentry><send id="s" event="bad" delay="1s"/>'
            '<cancel sendid="s"/><send event="good" delay="2s"/></onentry>'
            '<transition event="bad" target="fail"/>'
            '<transition event="good" target="pass"/></state>'
        )

        assert made.leaves == {"pass"}

    def test_invoked_document_answers(self):
        """A child gets its parameters and tells its parent."""
        made = run(
            '<state id="a"><invoke id="c"><param name="n" expr="41"/><content>'
            '<scxml initial="s"><datamodel><data id="n"/></datamodel><state id="s">'
            '<onentry><send target="#_parent" event="got"><param name="n" '
            'expr="n + 1"/></send></onentry><transition target="e"/></state>'
            '<final id="e"/></scxml></content></invoke>'
            '<transition event="got" cond="_event.data.n == 42" target="pass"/></state>'
        )

        assert made.leaves == {"pass"}

    def test_end_of_an_invoked_document_is_told(self):
        """done.invoke carries the data of the child's end."""
        made = run(
            '<state id="a"><invoke id="c"><content><scxml initial="e"><final id="e">'
            '<donedata><content expr="5"/></donedata></final></scxml></content>'
            '</invoke><transition event="done.invoke.c" cond="_event.data == 5" '
            'target="pass"/></state>'
        )

        assert made.leaves == {"pass"}

    def test_assign_reaches_into_data(self):
        """A location may be a field or a position within data."""
        made = run(
            '<state id="a"><onentry><assign location="o.list[0].n" expr="o.k + 1"/>'
            "<assign location=\"o['new']\" expr=\"'x'\"/></onentry></state>",
            head='<datamodel><data id="o">{"k": 1, "list": [{"n": 0}, 5]}</data>'
            "</datamodel>",
        )

        assert made.context["o"] == {"k": 1, "list": [{"n": 2}, 5], "new": "x"}

    @pytest.mark.parametrize(
        "location",
        ["o.none.k", "o[1]", "o.__class__.x", "none.k", "1", "f(o)", "o.k.l"],
    )
    def test_assign_to_no_location_is_an_error(self, location):
        """What leads nowhere is error.execution, and changes nothing."""
        made = run(
            f'<state id="a"><onentry><assign location="{location}" expr="1"/></onentry>'
            '<transition event="error.execution" target="pass"/></state>',
            head='<datamodel><data id="o">{"k": 1}</data></datamodel>',
        )

        assert made.leaves == {"pass"}
        assert made.context == {"o": {"k": 1}}

    def test_xml_is_data(self):
        """An element in data can be asked for its children and attributes."""
        made = run(
            "<state id=\"a\"><transition cond=\"b.findall('i')[1].get('t') == 'y' and "
            "b.find('i').text == 'one'\" target=\"pass\"/></state>",
            head='<datamodel><data id="b"><b xmlns=""><i>one</i><i t="y"/></b></data>'
            "</datamodel>",
        )

        assert made.leaves == {"pass"}

    def test_messages_from_outside_are_events(self):
        """What is sent to the simulation is an event with data."""
        made = run(
            '<state id="a"><transition event="go" cond="_event.data.n == 1" '
            'target="pass"/></state>'
        )
        made.send("go", n=2)
        before = made.state
        made.send("go", n=1)

        assert (before, made.state) == ("a", "pass")

    def test_chart_can_be_drawn(self):
        """A document is a chart like any other."""
        made = run(
            '<state id="a"><transition event="e" cond="x == 1" target="pass"/></state>'
        )
        (edge,) = chart_graph(made.chart).edges

        assert (edge.message, edge.guard) == ("e", "x == 1")


class TestRefused:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "<scxml>",
            "<other/>",
            "<scxml/>",
            '<!DOCTYPE x [<!ENTITY a "b">]><scxml><state/></scxml>',
            '<scxml><state id="a"/><state id="a"/></scxml>',
            '<scxml initial="b"><state id="a"/></scxml>',
            '<scxml><state id="a"><transition target="b"/></state></scxml>',
            "<scxml>" + "<state>" * 200 + "</state>" * 200 + "</scxml>",
            "<scxml>" + "<state>" * 100_000,
            "\ud800",
            "<scxml>\x00</scxml>",
        ],
    )
    def test_document_that_cannot_be_used_is_refused(self, text):
        """No document crashes the reader."""
        with pytest.raises(ConfigError, match="not an SCXML document"):
            from_scxml(text)

    def test_place_is_named(self):
        """An error names the line, and what was probably meant."""
        text = (
            '<scxml>\n<state id="open"/>\n<state id="b">\n<transition target="opne"/>'
        )

        with pytest.raises(ConfigError) as caught:
            from_scxml(text + "</state></scxml>", source="door.scxml")

        assert caught.value.context == {"file": "door.scxml", "line": 4}
        assert caught.value.fix == "Did you mean open?"

    @pytest.mark.parametrize(
        "states",
        [
            """<state id="a"/><state id="b"/><state id="c">
            <transition target="a b"/></state>""",
            '<state id="a" initial="b"><state id="x"/></state><state id="b"/>',
            """<state id="a"><state id="x"/><history id="h"><transition target="b"/>
            </history></state><state id="b"/>""",
            '<final id="a"><state id="x"/></final>',
            """<parallel id="p"><state id="a"/><state id="b"/></parallel><state id="c">
            <transition target="p a"/></state>""",
        ],
    )
    def test_illegal_sets_of_states_are_refused(self, states):
        """Targets that exclude each other, or lie elsewhere, are no document."""
        with pytest.raises(ConfigError, match="not an SCXML document"):
            from_scxml(f"<scxml>{states}</scxml>")

    def test_lost_target_of_an_invoked_document_is_an_error_when_taken(self):
        """A document that comes at run time fails where it is wrong, not before."""
        child = (
            '<scxml initial="s"><state id="s"><transition event="go" target="none"/>'
            '<transition event="error.execution" target="e"/></state><final id="e"/>'
            "</scxml>"
        )
        made = run(
            f'<state id="a"><invoke id="c"><content>{child}</content></invoke><onentry>'
            '<send event="go" target="#_c" delay="1s"/></onentry>'
            '<transition event="done.invoke" target="pass"/></state>'
        )

        assert made.leaves == {"pass"}

    def test_other_encodings_are_refused(self):
        """A declaration cannot hide in another encoding."""
        text = '<!DOCTYPE x [<!ENTITY a "b">]><scxml><state/></scxml>'

        with pytest.raises(ConfigError, match="not an SCXML document"):
            from_scxml(text.encode("utf-16"))

    def test_documents_are_not_read_unasked(self):
        """Src reads nothing unless the host gives a reader."""
        made = run(
            '<state id="a"><invoke src="file:/etc/passwd"/>'
            '<transition event="error.communication" target="pass"/></state>'
        )

        assert made.leaves == {"pass"}


class _Names:
    """Names for expressions."""

    def __init__(self, **values):
        self.values = values

    def get_name(self, name):
        """Return a value."""
        return self.values[name]

    def set_name(self, name, value):
        """Set a value."""
        self.values[name] = value

    define = set_name

    def is_in(self, state):
        """Return whether a state is active."""
        return state == "s"


class TestExpressions:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1 + 2 * 3", 7),
            ("x == 1 and not y", True),
            ("1 < x + 1 <= 2", True),
            ("d.k", "v"),
            ("d['k']", "v"),
            ("d.get('z')", None),
            ("[1, x][1]", 1),
            ("'a' in 'cat'", True),
            ("In('s')", True),
            ("true", True),
            ("null is None", True),
            ("'abc'.startswith('a')", True),
            ("1 if x else 2", 1),
            ("len([1, 2])", 2),
            ("{'a': 1}.a", 1),
            ("-x % 2", 1),
            ("x === 1 && !y || false", True),
            ("x !== 1", False),
            ("typeof x == 'number' && typeof(d.k) === 'string'", True),
            ("[x] instanceof Array && !(d instanceof Array)", True),
            ("'a && !b'", "a && !b"),
            ("'abc'.length + [1].length", 4),
            ("[1, 2].includes(x)", True),
        ],
    )
    def test_plain_expressions_work(self, text, value):
        """Literals, names, comparison, arithmetic, look-ups and In."""
        names = _Names(x=1, y=False, d={"k": "v"})

        assert compile_expression(text)(names) == value

    @pytest.mark.parametrize(
        "text",
        [
            "__import__('os').system('true')",
            "().__class__.__bases__",
            "x.__class__",
            "d.items()",
            "''.format(x)",
            "'%s' % x",
            "open('/etc/passwd')",
            "eval('1')",
            "[i for i in [1]]",
            "(lambda: 1)()",
            "9 ** 9 ** 9",
            "'a' * 10000000000",
            "[1] * 10000000000",
            "1 << 100000",
            "x := 5",
            "f'{x}'",
            "d.get.__self__",
            "1 = 1",
            "return",
            "import os",
            "(" * 500 + ")" * 500,
            "1 + " * 400 + "1",
            "unknown",
            "x.y",
            "getattr(d, 'k')",
            "hasattr.__name__",
            "x" * 5_000,
            "1 / 0",
            "await x",
            "*x",
            "\x00",
        ],
    )
    def test_everything_else_is_refused(self, text):
        """No attribute, no call, nothing that grows without bounds."""
        with pytest.raises(ExpressionError):
            compile_expression(text)(_Names(x=1, d={"k": "v"}))

    def test_scripts_assign_names_alone(self):
        """A script is a list of assignments."""
        names = _Names(x=1)
        compile_script("x = x + 1\ny = x\ny += 2")(names)

        assert names.values == {"x": 2, "y": 4}

    @pytest.mark.parametrize(
        "text", ["def f(): pass", "import os", "x.y = 1", "while 1: pass", "del x"]
    )
    def test_scripts_do_nothing_else(self, text):
        """No functions, no imports, no loops."""
        with pytest.raises(ExpressionError):
            compile_script(text)(_Names(x=1))

    @given(st.text(alphabet="x1 .()[]{}'+-*<=_,:dk", max_size=30))
    def test_any_text_is_evaluated_or_refused(self, text):
        """Nothing but ExpressionError comes out."""
        try:
            compile_expression(text)(_Names(x=1, d={"k": "v"}))
        except ExpressionError:
            return


def test_charts_run_without_the_reader_of_xml():
    """A component needs none of it until a document is read."""
    script = "import flexiflow.component, sys; print('xml.etree' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"


def test_nested_final_is_not_the_end():
    """A machine goes on until a final state at the top is entered."""
    made = run(
        '<state id="a"><transition event="go" target="pass"/><state id="b">'
        '<transition target="c"/></state><final id="c"/></state>'
    )
    before = made.finished
    made.send("go")

    assert (before, made.finished, made.leaves) == (False, True, {"pass"})
