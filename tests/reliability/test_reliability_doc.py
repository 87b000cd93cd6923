"""docs/reliability.md tells the truth: its matrix is the one that the tests run."""

from pathlib import Path

from fault_matrix import BULK, CELLS, EVERY, READS, document, left_out, written

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def test_the_matrix_in_the_document_is_the_one_that_is_run() -> None:
    assert written(PAGE.read_text(encoding="utf-8")) == document(), (
        "RELIABILITY=docs/reliability.md ./scripts/test tests/reliability -n 0 writes it anew"
    )


def test_what_is_left_out_has_a_reason_and_no_point_is_without_a_fault() -> None:
    assert all(left_out(cell) for cell in EVERY if cell not in CELLS)
    everywhere = {(cell.target, cell.point) for cell in EVERY}
    assert {(cell.target, cell.point) for cell in CELLS} == everywhere - {(BULK, point) for point in READS}
    assert {cell.fault for cell in CELLS} == {cell.fault for cell in EVERY}
