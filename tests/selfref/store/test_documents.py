"""What is stored packed is read as it was, by every later version too, and nothing damaged is taken for a document."""

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfref.store.documents import pack, unpack
from selfref.store.errors import DocumentUnreadable
from tests.selfref.store.pairs import judged, work

# Made when documents were first packed. Whoever breaks this makes every Redis in use unreadable.
PACKED_AT_FIRST = bytes.fromhex(
    "783f44756848c3524e1418823c082b09034b818903688a4281a13d501ca9548c4c2dd64388804a46bf7c900022a7602d1880"
    "491eb964b000b91f5a3c424d442a222126224a49a06ac2091791ae940c52cd4dd38c0c934c532dccd3924c1381ce83157790"
    "c20fa93484968cba40ffd70200f39158c8"
)
DOCUMENT_AT_FIRST = (
    b'{"version":1,"id":"p1","prompt":"Question p1?","answer_a":"Yes.","answer_b":"No.","verdict":"A","probability_a'
    b'":0.9,"strength":0.8,"chosen":"Yes.","rejected":"No.","margin":0.8,"principle":"best for humanity","provenance'
    b'":"0e75f21b5e87fb5a","job_id":null,"custom_id":"custom-p1"}'
)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_document_is_read_as_it_was(document: str) -> None:
    assert unpack(pack(document)) == document.encode()


def test_documents_of_the_first_version_are_read() -> None:
    assert unpack(PACKED_AT_FIRST) == DOCUMENT_AT_FIRST


@given(st.binary())
def test_what_was_never_packed_is_refused(stored: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        unpack(stored)


@given(st.data())
def test_a_document_that_was_cut_is_refused(data: st.DataObject) -> None:
    packed = pack(DOCUMENT_AT_FIRST.decode())
    with pytest.raises(DocumentUnreadable):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


@given(st.data())
def test_a_document_that_was_bent_is_refused_or_read_as_it_was(data: st.DataObject) -> None:
    packed = bytearray(pack(DOCUMENT_AT_FIRST.decode()))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(DocumentUnreadable):
        assert unpack(bytes(packed)) == DOCUMENT_AT_FIRST  # some bits of deflate's last byte mean nothing


def test_the_dictionary_holds_what_documents_have_in_common() -> None:
    judgment, label = judged(work("p1"))
    for document in (judgment.model_dump_json(), label.model_dump_json(), work("p1").model_dump_json()):
        assert len(pack(document)) < 0.65 * len(zlib.compress(document.encode()))
