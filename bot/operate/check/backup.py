"""The check of the daily copies of the database."""

from datetime import datetime

from bot.operate.check.findings import Finding, doubt, well
from bot.operate.status.machine import machine_with
from bot.operate.status.page import last_copy
from bot.settings import Settings


def of_backup(settings: Settings, noted: datetime | None, now: datetime) -> Finding:
    """Tell whether there is a copy of the last days, where the settings ask for one a day."""
    folder = settings.storage.backup_dir
    machine = machine_with(noted, folder, settings.location)
    said = last_copy(machine, now)
    if folder is None:
        return well("backup", f"{said}; storage.backup_dir makes one a day")
    if machine.is_copy_missed(now):
        remedy = (
            f"see that the service runs, may write into {folder}, and has room there; it says in "
            "its log why a backup failed"
        )
        return doubt("backup", f"{said}, though storage.backup_dir asks for one a day", remedy)
    return well("backup", said)
