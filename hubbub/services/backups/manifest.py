"""The manifest of a backup: its content, and the values by which it is identified and checked."""

import re
from pathlib import Path

import msgspec

from hubbub import __version__
from hubbub.core.batching import slices
from hubbub.services.backups.files import BackupProblem, Writer, open_decrypted

FILE_NAME = "manifest.json"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
ROOMS_PER_SEQ = 1000  # rooms per number in `highest_seqs`
MAX_MANIFEST_BYTES = 64 << 20
POSTGRES_FILE, SQLITE_FILE = "database.dump", "database.sqlite"


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `manifest.json`."""

    version: str = __version__  # of hubbub
    migrations: list[str]  # applied ones
    epoch: str  # of the database
    row_counts: dict[str, int]  # by table
    highest_seqs: list[int]  # of 1000 rooms each, in the order of their ids
    files: dict[str, str]  # SHA-256 by name
    key_fingerprint: str  # of HUBBUB_SECRET_KEY

    @property
    def database_file(self) -> str:
        """The name of the file that contains the database."""
        return POSTGRES_FILE if POSTGRES_FILE in self.files else SQLITE_FILE


def highest_seqs(last_seqs: list[int]) -> list[int]:
    """Return the highest seq of each 1000 rooms, given in the order of their ids."""
    return [max(batch) for batch in slices(last_seqs, ROOMS_PER_SEQ)]


def write(folder: Path, manifest: Manifest, key: bytes | None) -> str:
    """Write the manifest. Returns its SHA-256."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    with Writer(folder, FILE_NAME, key) as writer:
        writer.write(text + b"\n")
        return writer.finish()


def read(folder: Path, key: bytes | None) -> Manifest:
    """Return the manifest of a backup. Raises BackupProblem."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise BackupProblem(_not_a_backup(folder))
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise BackupProblem(f"{path} is not a manifest of hubbub.")
    with open_decrypted(path, key) as pieces:
        text = b"".join(pieces)
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupProblem(f"{path} is damaged or not a manifest of hubbub: {error}.") from None
    names = [manifest.epoch, *manifest.row_counts, *manifest.migrations, *manifest.files]
    if not all(_SAFE_NAME.fullmatch(name) for name in names if name):
        raise BackupProblem(f"{path} is not a manifest of hubbub.")
    databases = {POSTGRES_FILE, SQLITE_FILE} & manifest.files.keys()
    if len(databases) != 1:
        raise BackupProblem(f"{path} is not a manifest of hubbub: it contains no database file.")
    return manifest


def _not_a_backup(folder: Path) -> str:
    if not folder.is_dir():
        return f"{folder} is not a folder. Give the folder of a backup: hubbub-YYYYMMDDTHHMMSSZ."
    inside = sorted(each.parent.name for each in folder.glob(f"hubbub-*/{FILE_NAME}"))
    hint = f" The latest backup in it is {folder / inside[-1]}." if inside else ""
    return f"{folder} is not a backup: it has no {FILE_NAME}.{hint}"
