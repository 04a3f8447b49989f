"""Which passwords staff may choose."""

from __future__ import annotations

import pytest

from scheduler.domain.passwords import password_problem

LOGIN = "awo-beratung-1"


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "rot wie 7 Kirschen", "ثلاثة كتب على الطاولة", "x9!Lq2#vT0@z", "wer wartet, trinkt Tee",
     "9274610583925"],
)  # fmt: skip
def test_long_ones_will_do_whatever_signs_they_have(password: str) -> None:
    assert password_problem(password, LOGIN) is None


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "short"),
        ("elf Letters", "short"),
        ("ein satz" * 26, "long"),
        ("awo-beratung-1", "login"),
        (" AWO-Beratung-1 ", "login"),
        ("awo-beratung-1awo-beratung-1", "login"),
        ("1-gnutareb-owa", "login"),
        ("aaaaaaaaaaaaa", "weak"),
        ("ababababababab", "weak"),
        ("123456789012", "weak"),
        ("098765432109", "weak"),
        ("Passwort1234", "weak"),
        ("passwordpassword", "weak"),
        ("Sprechstunde2026!", "weak"),
        ("!!!Willkommen!!!", "weak"),
        ("qwertzuiop12", "weak"),
    ],
)
def test_others_are_refused_and_why(password: str, problem: str) -> None:
    assert password_problem(password, LOGIN) == problem


def test_the_longest_and_the_shortest_that_are_taken() -> None:
    words = "vier Worte und mehr " * 10
    assert [password_problem(words[:length], LOGIN) for length in (11, 12, 200)] == ["short", None, None]
    assert password_problem(words + "x", LOGIN) == "long"
