"""Proof of work and of waiting: what is signed counts unchanged, in time, for its own purpose alone."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.proofs import (
    LONGEST,
    Challenge,
    Proof,
    Wait,
    hash_of,
    make_challenge,
    make_wait,
    read_proof,
    read_wait,
    solve,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)
SECRET, ABOUT = "a secret of this installation", "slot=buergerbuero-mi/2026-11-25"


def challenge(number: int = 7, numbers: int = 20, salt: str = "kJ2-_salt", secret: str = SECRET) -> Challenge:
    return make_challenge(secret, salt=salt, number=number, numbers=numbers, expires_at=LATER)


@given(st.integers(0, 299), st.text("abcXYZ019-_", min_size=1, max_size=24))
def test_the_hidden_number_is_the_one_that_solves_the_challenge(number: int, salt: str) -> None:
    made = challenge(number, 300, salt)
    assert solve(made.salt, made.hash, made.numbers) == number
    assert read_proof(SECRET, f"{made.token}.{number}", NOW) == Proof(salt, 300)


def test_the_work_is_bounded() -> None:
    made = challenge(19, 20)
    assert solve(made.salt, made.hash, 20) == 19
    assert solve(made.salt, made.hash, 19) is None


def test_the_hash_is_that_of_salt_and_number_in_decimal() -> None:
    assert hash_of("abc", 42) == hashlib.sha256(b"abc42").hexdigest()


def test_a_proof_is_good_until_its_challenge_expires() -> None:
    proof = f"{challenge().token}.7"
    assert read_proof(SECRET, proof, LATER) is not None
    assert read_proof(SECRET, proof, LATER + timedelta(seconds=1)) is None


def test_a_wrong_number_proves_nothing() -> None:
    token = challenge().token
    for number in ("8", "", "-7", "+7", "7.0", "٧", "07x", "9" * 13, "9" * 5000):
        assert read_proof(SECRET, f"{token}.{number}", NOW) is None, number


def test_another_installations_challenge_is_none_of_ours() -> None:
    assert read_proof(SECRET, f"{challenge(secret='another one').token}.7", NOW) is None


@given(st.data())
def test_no_part_of_a_challenge_can_be_changed(data: st.DataObject) -> None:
    proof = f"{challenge().token}.7"
    at = data.draw(st.integers(0, len(challenge().token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=0x2FFF))
    changed = proof[:at] + other + proof[at + 1 :]
    assert read_proof(SECRET, changed, NOW) == (read_proof(SECRET, proof, NOW) if changed == proof else None)


@given(st.text(max_size=2 * LONGEST))
def test_no_text_whatever_breaks_the_reading(text: str) -> None:
    assert read_proof(SECRET, text, NOW) is None
    assert read_wait(SECRET, ABOUT, text) is None


def test_an_easier_challenge_cannot_be_made_from_a_harder_one() -> None:
    made = challenge(7, 20_000)
    salt, numbers, expires, _, signature = made.token.split(".")
    assert numbers == "20000"
    forged = ".".join((salt, "1", expires, hash_of(salt, 0), signature))
    assert read_proof(SECRET, f"{forged}.0", NOW) is None


def paper(about: str = ABOUT) -> str:
    return make_wait(SECRET, about, salt="kJ2-_salt", ready_at=NOW, expires_at=LATER)


def test_a_paper_says_from_when_and_until_when_it_is_good() -> None:
    assert read_wait(SECRET, ABOUT, paper()) == Wait("kJ2-_salt", NOW, LATER)


@pytest.mark.parametrize("about", ["", ABOUT + "x", "slot=buergerbuero-mi/2026-12-02"])
def test_a_paper_is_about_one_booking(about: str) -> None:
    assert read_wait(SECRET, about, paper()) is None


def test_a_paper_cannot_be_made_older() -> None:
    salt, ready_at, expires_at, signature = paper().split(".")
    assert read_wait(SECRET, ABOUT, f"{salt}.{int(ready_at) - 20}.{expires_at}.{signature}") is None


def test_what_is_signed_for_one_purpose_is_nothing_for_another() -> None:
    made = challenge()
    assert read_wait(SECRET, ABOUT, made.token) is None
    assert read_proof(SECRET, f"{paper()}.7", NOW) is None
