"""The kept snapshots: what was read comes back as it was, for its owner's eyes, and is replaced as a whole or not at all."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import ipc
from servers import NOW, everybody_may_read, mode

from provisioning.errors import NotFound, SettingsError
from provisioning.model import ColumnEvidence, Evidence, Snapshot, Users
from provisioning.store.snapshots import drop_snapshots, kept_employees, load_snapshots, save_snapshots

AWKWARD = ["  Zoë ", "=1+1", "a\nb\0c", "3980342332732998349", "😀" * 40, "", None]


def text(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def snapshot(*names: str | None) -> Snapshot:
    """A read of one person per first name."""
    ids = [str(3980342332732998349 + place) for place in range(len(names))]
    table = pa.table({"root.id": text([*ids]), "humanReadable.root.firstName": text([*names])})
    columns = (ColumnEvidence("root.id", len(ids), len(ids), "root", "Basic info"), ColumnEvidence("work.title", 0, 0))
    return Snapshot(table, Evidence(NOW, len(ids), 1, columns, status_from_active_read=True))


def users(*names: str, **attributes: list[str]) -> Users:
    return Users(
        ids=text([f"U{place:08d}" for place in range(len(names))]),
        external_ids=text([""] * len(names)),
        statuses=text(["Live"] * len(names)),
        attributes={"First name": text([*names]), **{name: text([*values]) for name, values in attributes.items()}},
    )


def as_lists(found: Users) -> dict[str, list[str]]:
    named = {"id": found.ids, "external_id": found.external_ids, "status": found.statuses}
    assert all(isinstance(each, pa.Array) for each in (*named.values(), *found.attributes.values()))
    return {name: values.to_pylist() for name, values in named.items()} | {
        f"attribute {name}": values.to_pylist() for name, values in found.attributes.items()
    }


def first_names(folder: Path, domain_id: int = 7) -> list[str | None]:
    names: list[str | None] = load_snapshots(folder, domain_id)[0].table["humanReadable.root.firstName"].to_pylist()
    return names


def test_both_sides_come_back_as_they_were(tmp_path: Path) -> None:
    employees, directory = snapshot(*AWKWARD), users(*(each or "" for each in AWKWARD))
    save_snapshots(tmp_path, 7, employees, directory)
    found, found_users = load_snapshots(tmp_path, 7)
    assert found.table.schema.names == employees.table.schema.names
    assert found.table.to_pydict() == employees.table.to_pydict()
    assert found.evidence == employees.evidence
    assert as_lists(found_users) == as_lists(directory)


def test_what_people_and_machines_are_told_alike_is_stored_once(tmp_path: Path) -> None:
    read = snapshot(*AWKWARD)
    said = read.table["root.id"].to_pylist()
    columns = {
        "root.nearly": said, "root.id": said, "humanReadable.root.id": said, "humanReadable.root.nearly": [*said[:-1], None],
        "humanReadable.root.firstName": AWKWARD,
    }  # fmt: skip
    read = replace(read, table=pa.table({name: text(values) for name, values in columns.items()}))
    save_snapshots(tmp_path, 7, read, users())
    with ipc.open_file(tmp_path / "7.employees.arrow") as file:
        assert file.schema.names == [
            "root.nearly",
            "root.id",
            "humanReadable.root.nearly",
            "humanReadable.root.firstName",
        ]
    found = load_snapshots(tmp_path, 7)[0].table
    assert (found.column_names, found.to_pydict()) == (read.table.column_names, read.table.to_pydict())
    some = kept_employees(tmp_path, 7, ["humanReadable.root.id"])[0].table
    assert some.to_pydict() == {"humanReadable.root.id": said}


def test_attributes_may_be_called_as_the_columns_beside_them(tmp_path: Path) -> None:
    directory = users("Nora", id=["own id"], external_id=["own link"], status=["own"], **{"attribute:id": ["other"]})
    save_snapshots(tmp_path, 7, snapshot(), directory)
    assert as_lists(load_snapshots(tmp_path, 7)[1]) == as_lists(directory)


def test_nobody_at_all_comes_back_as_nobody(tmp_path: Path) -> None:
    save_snapshots(tmp_path, 7, snapshot(), users())
    found, found_users = load_snapshots(tmp_path, 7)
    assert found.table.num_rows == len(found_users) == 0
    assert found.table.column_names == ["root.id", "humanReadable.root.firstName"]
    assert list(found_users.attributes) == ["First name"]


def test_columns_in_several_pieces_come_back_in_one(tmp_path: Path) -> None:
    whole = snapshot("Nora", "Ravi", "Zoë")
    pieces = Snapshot(pa.concat_tables([whole.table.slice(0, 1), whole.table.slice(1)]), whole.evidence)
    save_snapshots(tmp_path, 7, pieces, users("Nora"))
    assert first_names(tmp_path) == ["Nora", "Ravi", "Zoë"]


def test_the_next_read_replaces_the_last(tmp_path: Path) -> None:
    save_snapshots(tmp_path, 7, snapshot("Nora"), users("Nora"))
    later = snapshot("Ravi", "Zoë")
    later = replace(later, evidence=replace(later.evidence, read_at=NOW + timedelta(hours=1, microseconds=1)))
    save_snapshots(tmp_path, 7, later, users())
    found, found_users = load_snapshots(tmp_path, 7)
    assert (found.table.num_rows, len(found_users), found.evidence) == (2, 0, later.evidence)


def test_domains_have_snapshots_of_their_own(tmp_path: Path) -> None:
    for domain_id, name in ((1, "Nora"), (11, "Ravi")):
        save_snapshots(tmp_path, domain_id, snapshot(name), users(name))
    assert (first_names(tmp_path, 1), first_names(tmp_path, 11)) == (["Nora"], ["Ravi"])
    drop_snapshots(tmp_path, 1)
    assert first_names(tmp_path, 11) == ["Ravi"]
    with pytest.raises(NotFound):
        load_snapshots(tmp_path, 1)


def test_what_was_dropped_may_be_dropped_again(tmp_path: Path) -> None:
    save_snapshots(tmp_path, 7, snapshot("Nora"), users())
    for _ in range(2):
        drop_snapshots(tmp_path, 7)
    assert list(tmp_path.iterdir()) == []


def test_the_files_are_for_their_owner_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "snapshots"
    with everybody_may_read():
        for _ in range(2):
            save_snapshots(folder, 7, snapshot("Nora"), users("Nora"))
    assert mode(folder) == 0o700
    assert {each.name: mode(each) for each in folder.iterdir()} == {
        "7.employees.arrow": 0o600,
        "7.users.arrow": 0o600,
    }


def test_the_files_are_compressed(tmp_path: Path) -> None:
    save_snapshots(tmp_path, 7, snapshot(*["Nora O’Connor"] * 5_000), users())
    assert (tmp_path / "7.employees.arrow").stat().st_size < 5_000 * len("Nora O’Connor")


def test_a_save_that_fails_leaves_the_last_snapshot(tmp_path: Path) -> None:
    save_snapshots(tmp_path, 7, snapshot("Nora"), users("Nora"))
    (tmp_path / "7.employees.arrow.new").mkdir()  # nothing can be written there now
    with pytest.raises(SettingsError, match="cannot be written"):
        save_snapshots(tmp_path, 7, snapshot("Ravi"), users())
    assert first_names(tmp_path) == ["Nora"]


def test_who_opened_the_last_snapshot_reads_it_to_the_end(tmp_path: Path) -> None:
    save_snapshots(tmp_path, 7, snapshot("Nora"), users("Nora"))
    file = tmp_path / "7.employees.arrow"
    before = file.read_bytes()
    with file.open("rb") as reading:
        save_snapshots(tmp_path, 7, snapshot("Ravi"), users())
        assert reading.read() == before


def test_a_read_that_is_replaced_while_it_is_opened_is_read_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_snapshots(tmp_path, 7, snapshot("Nora"), users("Nora"))
    opened = ipc.open_file

    def open_and_replace(*file: object, **options: object) -> object:
        found = opened(*file, **options)
        if not options:
            save_snapshots(tmp_path, 7, snapshot("Ravi", "Zoë"), users("Ravi"))
        return found

    monkeypatch.setattr(ipc, "open_file", open_and_replace)
    (found,) = kept_employees(tmp_path, 7)[:1]
    monkeypatch.undo()
    assert found.table["humanReadable.root.firstName"].to_pylist() in (["Nora"], ["Ravi", "Zoë"])
    assert found.table.num_rows == found.evidence.employees


def test_a_read_of_none_of_its_columns_still_counts_its_people(tmp_path: Path) -> None:
    save_snapshots(tmp_path, 7, snapshot("Nora", "Ravi"), users())
    assert [each.table.num_rows for each in kept_employees(tmp_path, 7, [])] == [2]


def test_what_a_broken_off_save_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "7.employees.arrow.new").write_bytes(b"half of it" * 10_000)
    save_snapshots(tmp_path, 7, snapshot("Nora"), users())
    assert first_names(tmp_path) == ["Nora"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["7.employees.arrow", "7.users.arrow"]


@pytest.mark.parametrize("missing", ["7.employees.arrow", "7.users.arrow"])
def test_before_the_first_read_there_is_none_and_the_way_to_one_is_told(tmp_path: Path, missing: str) -> None:
    with pytest.raises(NotFound, match="Make a preview first"):
        load_snapshots(tmp_path / "not there", 7)
    save_snapshots(tmp_path, 7, snapshot("Nora"), users())
    (tmp_path / missing).unlink()
    with pytest.raises(NotFound, match="preview"):
        load_snapshots(tmp_path, 7)


@pytest.mark.parametrize("length", [0, 10, 600, -9])
@pytest.mark.parametrize("file", ["7.employees.arrow", "7.users.arrow"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, file: str, length: int) -> None:
    save_snapshots(tmp_path, 7, snapshot(*["Nora"] * 500), users(*["Nora"] * 500))
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[:length])
    with pytest.raises(NotFound):
        load_snapshots(tmp_path, 7)
