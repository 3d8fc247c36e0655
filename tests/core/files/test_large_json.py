"""A large JSON document is read part by part."""

import json
import mmap
import tempfile

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.files.large_json import Limits, Malformed, Reader, TooComplex

LIMITS = Limits(max_bytes=1000, max_tokens=100)


def read(data, limits=LIMITS):
    """Return the document as an object of arrays and other values, each part decoded by itself."""
    reader, found = Reader(data, limits), {}
    for name in reader.members():
        if reader.peek() == b"[":
            found[name] = [msgspec.json.decode(each) for each in reader.elements()]
        else:
            found[name] = msgspec.json.decode(reader.value())
    if reader.peek():
        raise Malformed
    return found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5), st.booleans(), st.sampled_from([None, 2]))
def test_the_parts_together_are_the_document(document, ascii_only, indent):
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()

    assert read(text, Limits(10_000, 10_000)) == document


def test_a_mapped_file_is_read_like_bytes():
    with tempfile.TemporaryFile() as file:
        file.write(b' {"a": [1, {"b": "]"}], "c": "\\"}"} \n')
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert read(mapped) == {"a": [1, {"b": "]"}], "c": '"}'}


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "[]", "1", '"a"', "{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{"a" 1}'),
        *(
            "{a:1}",
            '{"a":[1,2}',
            '{"a":[1 2]}',
            '{"a":[,1]}',
            '{"a":[1,]}',
            '{"a":[[1]',
            '{"a":"b}',
            '{"a":1}x',
        ),
        *('{"a":}', '{"a":[}', '{"a":1 "b":2}', '{"\\x":1}', '{"a":[{"b":"c]}', '{"a":::1}', "{'a':1}"),
    ],
)
def test_what_is_not_json_is_refused(text):
    with pytest.raises((Malformed, msgspec.DecodeError)):
        read(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "' + "x" * 1000 + '"}',
        '{"a": [{"b": "' + "x" * 1000 + '"}]}',
        '{"a": {"b": [' + ",".join(["[]"] * 101) + "]}}",
        '{"a": [' + "[" * 103,
        '{"' + "x" * 1001 + '": 1}',
        '{"a": ' + "1" * 1001 + "}",
    ],
)
def test_a_part_beyond_the_limits_is_refused(text):
    with pytest.raises(TooComplex):
        read(text.encode())


def test_there_may_be_any_number_of_parts():
    text = b'{"a": [' + b",".join([b'{"b": ["c"]}'] * 5000) + b"]}"

    assert len(read(text)["a"]) == 5000
