"""The workbook of each domain's newest plan, built before anybody asks for it. One file per domain, replaced by the next;
it goes with the domain's snapshots, for it tells of the same people."""

import os
from pathlib import Path


def keep_workbook(folder: Path, domain_id: int, plan_id: str, content: bytes) -> None:
    """Instead of the workbook of the domain's plan before, if that was kept."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new, name = folder / f"{domain_id}.xlsx.new", f"{domain_id}.{plan_id}.xlsx"
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)
    new.replace(folder / name)
    for other in folder.glob(f"{domain_id}.*.xlsx"):
        if other.name != name:
            other.unlink(missing_ok=True)


def kept_workbook(folder: Path, domain_id: int, plan_id: str) -> bytes | None:
    """None where it was not built, or is that of another plan."""
    try:
        return (folder / f"{domain_id}.{plan_id}.xlsx").read_bytes()
    except OSError:
        return None


def drop_workbooks(folder: Path, domain_id: int | None = None) -> None:
    """A domain's, or everybody's."""
    for file in folder.glob("*.xlsx*" if domain_id is None else f"{domain_id}.*xlsx*"):
        file.unlink(missing_ok=True)
