"""The line of a key in a TOML document."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.operations.toml_lines import KeyPath, key_text, line_of, locate_keys

DOCUMENT = '''# a comment with = and [brackets]
top = 1

[gateway]   # the gateway
listen = "127.0.0.1:5060"
text = """
[not.a.table]
key = "no key"
"""
raw = \'\'\'
also = no "key"\'\'\'
"quoted key" = 'a # in a string'
a.b.c = 2000-01-01T00:00:00Z

[[groups]]
name = "first"
members = [
  "a",  # , ]
  "b",
  { host = "c", port = [1, 2] },
]

[groups.modes]
footprint = "off"

[[groups]]
name = "second"
limit = { burst = 3, rate = { per_s = 1.5 } }
  [groups.modes]
  admission = "off"
  [[groups.routes]]
  to = "x"
'''

PLACES: list[tuple[KeyPath, int]] = [
    (("top",), 2),
    (("gateway",), 4),
    (("gateway", "listen"), 5),
    (("gateway", "text"), 6),
    (("gateway", "raw"), 10),
    (("gateway", "quoted key"), 12),
    (("gateway", "a", "b", "c"), 13),
    (("groups",), 15),
    (("groups", 0), 15),
    (("groups", 0, "name"), 16),
    (("groups", 0, "members"), 17),
    (("groups", 0, "members", 0), 18),
    (("groups", 0, "members", 2, "host"), 20),
    (("groups", 0, "members", 2, "port", 1), 20),
    (("groups", 0, "modes", "footprint"), 24),
    (("groups", 1), 26),
    (("groups", 1, "name"), 27),
    (("groups", 1, "limit", "rate", "per_s"), 28),
    (("groups", 1, "modes", "admission"), 30),
    (("groups", 1, "routes", 0, "to"), 32),
]


@pytest.mark.parametrize(("path", "line"), PLACES)
def test_a_key_is_found_on_its_line(path: KeyPath, line: int) -> None:
    tomllib.loads(DOCUMENT)
    assert locate_keys(DOCUMENT)[path] == line


def test_an_absent_key_is_placed_at_the_table_around_it() -> None:
    lines = locate_keys(DOCUMENT)
    assert line_of(("groups", 1, "switch"), lines) == 26
    assert line_of(("nowhere", "switch"), lines) is None


def test_the_escapes_of_a_quoted_key_are_resolved() -> None:
    assert locate_keys("\"a\\t\\u0062\" = 1\n'a\\t' = 1\n") == {("a\tb",): 1, ("a\\t",): 2}


def test_strings_and_comments_hold_no_keys() -> None:
    assert set(locate_keys('a = "[b]"\nc = """\nd = 1"""\n# e = 2\n')) == {("a",), ("c",)}


@pytest.mark.parametrize(
    ("path", "text"),
    [(("trunk_groups", 2, "switch"), "trunk_groups[2].switch"), (("a", 0, 1), "a[0][1]"), (("a",), "a")],
)
def test_a_key_path_reads_as_people_write_it(path: KeyPath, text: str) -> None:
    assert key_text(path) == text


def paths_of(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """Every key path of a parsed document."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path} - {()} | {found for key, child in children for found in paths_of(child, (*path, key))}


def test_every_path_of_the_parsed_document_has_a_line() -> None:
    assert paths_of(tomllib.loads(DOCUMENT)) == set(locate_keys(DOCUMENT))


keys = st.text("abc_-9", min_size=1, max_size=4)
scalars = st.sampled_from(["1", "true", '"]}#="', "'''\n[x]'''", '"""\\"\n"""""', "1979-05-27T07:32:00Z", "''", '""'])
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[ # ]\n" + ",\n".join(items) + "]"),
        st.dictionaries(keys, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_whatever_the_values_every_key_has_a_line(table: dict[str, str]) -> None:
    text = "".join(f"{key} = {value}\n" for key, value in table.items()) + "[[last]]\nkey = 1\n"
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a key called "last" and the table of that name, say
    lines = locate_keys(text)
    assert paths_of(parsed) == set(lines)
    assert lines[("last", 0, "key")] == text.count("\n")
