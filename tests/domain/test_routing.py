"""Which services fit an age group: a hint from the ages, never a gate."""

import pytest

from scheduler.domain.routing import AgeGroup, ServiceAges, services_for

MBE = ServiceAges("MBE", from_age=27)
JMD = ServiceAges("JMD", from_age=12, until_age=27)
ALL_AGES = ServiceAges("open")
UP_TO_THIRTY = ServiceAges("young", until_age=30)


@pytest.mark.parametrize(
    ("age_group", "expected"),
    [
        ("under_27", ("JMD",)),
        ("from_27", ("MBE",)),
        ("family", ("MBE", "JMD")),
        ("unknown", ("MBE", "JMD")),
    ],
)
def test_mbe_or_jmd_by_age_group(age_group: AgeGroup, expected: tuple[str, ...]) -> None:
    assert services_for(age_group, [MBE, JMD]) == expected


@pytest.mark.parametrize("age_group", ["under_27", "from_27", "family", "unknown"])
def test_a_service_without_ages_fits_everybody(age_group: AgeGroup) -> None:
    assert services_for(age_group, [ALL_AGES]) == ("open",)


def test_a_service_that_reaches_over_the_boundary_fits_both_groups() -> None:
    assert services_for("under_27", [UP_TO_THIRTY]) == services_for("from_27", [UP_TO_THIRTY]) == ("young",)


def test_the_order_of_the_towns_file_is_kept() -> None:
    assert services_for("family", [JMD, ALL_AGES, MBE]) == ("JMD", "open", "MBE")
