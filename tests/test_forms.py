"""Descriptions: what they take, and that refusals name field, value and expectation."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slth.forms import (
    LARGEST,
    Form,
    choice,
    flag,
    instance,
    integer,
    listed,
    number,
    optional,
    record,
    short,
    text,
)


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        (integer(), np.uint8(7), 7),
        (integer(), LARGEST, LARGEST),
        (number(), np.float32(0.5), 0.5),
        (number(0.0), 0, 0.0),
        (flag, np.bool_(True), True),
        (choice("a", "b"), "b", "b"),
        (text(3), "a…", "a…"),
        (optional(integer()), None, None),
        (listed(integer(), 1), [1, 2], (1, 2)),
        (record({"a": integer(), "b": flag}), {"b": False, "a": 1}, {"a": 1, "b": False}),
        (instance(dict), {}, {}),
    ],
)
def test_fitting_values_come_back_in_the_own_type(form: Form, value: Any, expected: Any) -> None:
    found = form("field", value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("form", "value", "message"),
    [
        (integer(), -1, "field must be an integer >= 0, got -1"),
        (integer(), 1.0, "field must be an integer >= 0, got 1.0"),
        (integer(), np.True_, "field must be an integer >= 0, got True"),
        (integer(), LARGEST + 1, r"field must be at most 2\^48, got 281474976710657"),
        (integer(0, 9), 10, "field must be at most 9, got 10"),
        (number(), True, "field must be a finite number, got True"),
        (number(), float("nan"), "field must be a finite number, got nan"),
        (number(), 10**400, "field must be a finite number, got an integer of 1329 bits"),
        (number(0.0), -1e-300, "field must be finite and >= 0, got -1e-300"),
        (number(above=0.0), 0.0, "field must be finite and > 0, got 0.0"),
        (flag, 1, "field must be True or False, got 1"),
        (choice("a", "b"), ["a"], r"field must be one of \('a', 'b'\), got \['a'\]"),
        (text(3), "abcd", "field must be at most 3 printable characters, got 'abcd'"),
        (text(3), "\ud800", "field must be at most 3 printable characters"),
        (listed(integer(), 2, 2), 7, "field must be a list of 2 entries, got 7"),
        (listed(integer(), 1, 2), [], "field must be a list of 1 to 2 entries, got 0"),
        (listed(integer(), 0), [0, "x"], r"field\[1\] must be an integer >= 0, got 'x'"),
        (record({"a": integer()}), {}, "field lacks the field 'a'"),
        (record({"a": integer()}), {"a": 1, "b": 2}, "unknown field 'b', expected are a"),
        (record({"a": integer()}), {"a": None}, r"field\.a must be an integer >= 0, got None"),
        (record({"a": integer()}), [], r"field must be a record of a, got \[\]"),
        (instance(dict), 1, "field must be a dict, got 1"),
    ],
)
def test_refusals_name_field_expectation_and_value(form: Form, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        form("field", value)


@given(
    st.recursive(
        st.one_of(st.integers(), st.text(), st.binary(), st.floats(), st.none()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=9), st.dictionaries(st.text(), inner, max_size=9)
        ),
        max_leaves=200,
    )
)
def test_values_are_written_in_a_few_printable_words(value: object) -> None:
    assert len(short(value)) < 900
    assert short(value).isprintable()


def test_odd_values_are_written_down_as_well() -> None:
    class Liar:
        def __repr__(self) -> str:
            raise RuntimeError

    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert short(Liar()) == "<Liar>"
    assert short(deep) == "[[[...]]]"
    assert short(10**5000) == "an integer of 16610 bits"
    assert short(torch.nested.nested_tensor([])) == "<Tensor>"
    assert short(torch.ones(2, 3)) == "<Tensor of shape (2, 3)>"
