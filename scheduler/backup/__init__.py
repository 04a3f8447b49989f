"""Backups of the database, while it is in use: made, looked over, kept for a while, and restored.

`files` names, checks and prunes them; `sqlite` and `postgresql` know how each database is copied and put back;
`restoring` does the latter in an order that can be gone back. Contacts are in a backup, encrypted; the keys are not.
"""

from scheduler.backup.failure import BackupFailed
from scheduler.backup.files import Backup, list_backups, make_backup, prune, verify
from scheduler.backup.restoring import Restored, restore

__all__ = ["Backup", "BackupFailed", "Restored", "list_backups", "make_backup", "prune", "restore", "verify"]
