"""Codes said on the phone, links that cannot be guessed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.codes import keyed_hash, link_token, linked_visit_id, spoken, typed_code

SECRET = "s" * 32


@pytest.mark.parametrize(
    "text",
    [
        "482917305",
        "482 917 305",
        "482-917-305",
        " 482–917–305\n",
        "482.917.305",
        "482\N{NO-BREAK SPACE}917\N{NO-BREAK SPACE}305",
        "Code: 482 917 305.",
        "٤٨٢ ٩١٧ ٣٠٥",
        "۴۸۲ ۹۱۷ ۳۰۵",
        "४८२ ९१७ ३०५",
        "４８２９１７３０５",
        "\N{RIGHT-TO-LEFT MARK}482 917 305",
    ],
)
def test_nine_digits_in_any_script_with_anything_between_are_the_code(text: str) -> None:
    assert typed_code(text) == "482917305"


@pytest.mark.parametrize("text", ["", "48291730", "4829173055", "abcdefghi", "482 917 30²", "½" * 9, "①②③④⑤⑥⑦⑧⑨"])
def test_anything_else_is_no_code(text: str) -> None:
    assert typed_code(text) is None


@given(st.integers(0, 999_999_999).map(lambda each: f"{each:09d}"))
def test_a_spoken_code_is_read_back(code: str) -> None:
    assert re.fullmatch(r"\d{3} \d{3} \d{3}", spoken(code))
    assert typed_code(spoken(code)) == code


@given(st.text())
def test_whatever_is_typed_gives_nine_ascii_digits_or_nothing(text: str) -> None:
    code = typed_code(text)
    assert code is None or (len(code) == 9 and code.isascii() and code.isdigit())


@given(st.integers(1, 2**31 - 1), st.integers(0, 10))
def test_a_token_names_its_visit_and_goes_into_an_address_as_it_is(visit_id: int, epoch: int) -> None:
    token = link_token(SECRET, visit_id, epoch)
    assert linked_visit_id(token) == visit_id
    assert re.fullmatch(r"[0-9A-Za-z_-]+", token)
    assert token == link_token(SECRET, visit_id, epoch)


def test_secret_visit_and_epoch_each_change_the_token() -> None:
    tokens = {link_token(SECRET, 7, 0), link_token(SECRET, 7, 1), link_token(SECRET, 8, 0), link_token("t" * 32, 7, 0)}
    assert len({each.partition("-")[2] for each in tokens}) == 4


def test_the_keyed_part_has_at_least_120_bits() -> None:
    assert len(link_token(SECRET, 7, 0).partition("-")[2]) >= 20


@pytest.mark.parametrize(
    "token",
    ["", "-", "x", "-abc", "x-abc", "1 -abc", "+1-abc", "²-abc", "٧-abc", "9" * 18 + "-abc", f"{2**31}-abc", "1_0-abc"],
)
def test_what_is_no_token_names_no_visit(token: str) -> None:
    assert linked_visit_id(token) is None


def test_a_hash_depends_on_secret_purpose_and_value() -> None:
    hashes = {
        keyed_hash(SECRET, "email", "a@example.org"),
        keyed_hash(SECRET, "phone", "a@example.org"),
        keyed_hash(SECRET, "email", "b@example.org"),
        keyed_hash("t" * 32, "email", "a@example.org"),
    }
    assert len(hashes) == 4
    assert keyed_hash(SECRET, "email", "a@example.org") in hashes
    assert not any("example" in each for each in hashes)
