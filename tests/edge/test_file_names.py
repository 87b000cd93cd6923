"""What a downloaded workbook is called, whatever its customer and domain are."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import sample_plan

from provisioning.report.file_names import users_name, workbook_name

MADE = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)


def called(label: str) -> str:
    return workbook_name(replace(sample_plan(), domain=label), MADE)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Northwind Trading/staff", "Northwind Trading - staff - preview 2026-11-30 1405.xlsx"),
        ("Åkesson & Söhne GmbH/Büro", "Åkesson Söhne GmbH - Büro - preview 2026-11-30 1405.xlsx"),
        ("../../etc/passwd", "etc passwd - preview 2026-11-30 1405.xlsx"),
        ("Acme.exe\u202exslx./..", "Acme exe xslx - preview 2026-11-30 1405.xlsx"),
        ("שלום/الموظفون", "שלום - الموظفون - preview 2026-11-30 1405.xlsx"),
        ("CON/NUL", "CON - NUL - preview 2026-11-30 1405.xlsx"),
        ("***/???", "preview 2026-11-30 1405.xlsx"),
    ],
)
def test_it_names_customer_domain_and_moment_in_characters_that_every_system_takes(label: str, name: str) -> None:
    assert called(label) == name


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_name_makes_one_file_that_no_folder_and_no_device_is(customer: str, domain: str) -> None:
    name = called(f"{customer}/{domain}")
    assert PureWindowsPath(name).name == name
    assert len(name.encode()) <= 255
    assert name.endswith("preview 2026-11-30 1405.xlsx")
    assert name.removesuffix(".xlsx").replace(" ", "").replace("-", "").isprintable()
    assert not set(name) & set('<>:"/\\|?*')


def test_a_directory_is_called_like_a_workbook() -> None:
    assert users_name("Northwind Trading/staff", MADE) == "Northwind Trading - staff - users 2026-11-30 1405.csv"
