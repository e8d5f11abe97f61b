"""A session's files: a folder each under one root, named by the session's id."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

from pydantic_core import from_json

from stores.shown import Method, Shown, StoredFile

logger = logging.getLogger(__name__)

ROW = "session.json"
"""The session's row beside its files; a folder without one was never acknowledged."""

RESULT = "result.json"
SOURCE = "source"
"""Beginning of the name of a session's video."""

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system answers when there is no room for more."""

PART = ".part"
"""Ending of a file that is still being written."""

MARK = ".sessions"
"""Name of what says whose files these are."""

TRASH = ".trash-"
"""Beginning of the name of a folder that is being deleted: nobody finds half a session under its id."""

GRACE_SECONDS = 600.0
"""How long nothing was written in a folder that may be swept, where other processes work in the same place."""


def is_session_id(name: str) -> bool:
    """Whether it is an id as we make them: a UUID in its canonical form, and so safe as a folder's name."""
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def sync_folder(folder: Path) -> None:
    """Make the folder's entries survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Readers see the old content or the new, also after a crash. Leaves no part behind when it fails."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{PART}")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_pieces(path: Path, pieces: Iterable[tuple[int, bytes]], most_bytes: int) -> None:
    """Write bytes at their offsets, in the order in which they come, and make them a file once they all came. Leaves
    no part behind when it fails. Raises OSError, with EFBIG where they reach further than `most_bytes`."""
    part = path.with_name(path.name + PART)
    try:
        with part.open("xb") as file:
            for offset, data in pieces:
                if not 0 <= offset <= most_bytes - len(data):
                    raise OSError(errno.EFBIG, "larger than it may become")
                os.pwrite(file.fileno(), data, offset)
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def deleted(path: Path) -> bool:
    """Delete it; False, and why in the log, where that is not possible."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        logger.exception("cannot delete %s", path)
        return False
    return True


class SessionFiles:
    """Kept in the very folder in which they are made. Where a store elsewhere keeps them, the folder is where this
    machine works on copies: `keep` and `publish` bring files there, `fetch` gets one back, `let_go` drops the copies.
    """

    lingering: Collection[str] = ()
    """Sessions of which copies are left to whoever works on them next."""

    link_origin: str | None = None
    """The web origin that links lead to, where any are handed out."""

    def __init__(self, root: Path, *, shared: bool = False) -> None:
        """`shared` where other processes work in the same place."""
        self._root = root
        self._shared = shared

    @property
    def trouble(self) -> str:
        """What was wrong with the store elsewhere when it was last needed, in words."""
        return ""

    def folder(self, session_id: str) -> Path:
        return self._root / session_id

    def reserve(self, session_id: str) -> Path:
        """An empty folder for an upload that has no row yet."""
        folder = self.folder(session_id)
        folder.mkdir(mode=0o700)
        return folder

    def write_result(self, session_id: str, data: bytes) -> str:
        """Keep the result; gives its name. Raises FileNotFoundError when the session's folder is gone, or OSError."""
        name = own_name() if self._shared else RESULT
        write_atomically(self.folder(session_id) / name, data)
        return name

    def has_result(self, session_id: str, name: str) -> bool:
        """Whether there is one that begins and ends as it should. All of it is looked at when it is read."""
        try:
            with (self.folder(session_id) / name).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                return size > 1 and os.pread(file.fileno(), 1, 0) + os.pread(file.fileno(), 1, size - 1) == b"{}"
        except (OSError, ValueError):
            return False

    def read_result(self, session_id: str, name: str) -> bytes:
        """A JSON object. Raises FileNotFoundError where there is none, ValueError where it was damaged."""
        data = (self.folder(session_id) / name).read_bytes()
        if not isinstance(from_json(data), dict):
            raise ValueError(f"the result of session {session_id} is no object")
        return data

    def open(self, session_id: str, name: str) -> StoredFile:
        """Raises FileNotFoundError where there is none, ValueError for a name that none can have."""
        file = (self.folder(session_id) / name).open("rb")
        facts = os.fstat(file.fileno())
        etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'

        def read(offset: int, most: int) -> bytes:
            return os.pread(file.fileno(), most, offset)

        return StoredFile(facts.st_size, etag, facts.st_mtime, read, file.close)

    def link(self, session_id: str, name: str, shown: Shown, method: Method = "GET") -> str | None:
        """An address by which whoever has it may have the file for a while, from the store itself; None where it is to
        be had from here alone. Whether there is such a file is not looked at."""
        return None

    def discard(self, session_id: str, *, keep: Collection[str] = ()) -> int:
        """Delete the session's files but those to keep and the row, also while it is being written; gives their
        number. One that cannot be deleted is logged and left: it must not keep a session from its end."""
        number = 0
        with suppress(FileNotFoundError):
            for entry in list(self.folder(session_id).iterdir()):
                if entry.name not in keep and not entry.name.startswith(ROW):
                    number += deleted(entry)
        return number

    def discard_source(self, session_id: str, video_path: str) -> None:
        """Delete the session's video alone."""
        if name := Path(video_path).name:
            deleted(self.folder(session_id) / name)

    def keep(self, session_id: str, path: Path) -> None:
        """Have the session's video for good, where whoever works on it finds it. Raises OSError."""

    def publish(self, session_id: str) -> None:
        """Have all that the work made for good, but parts and the video. Raises OSError."""

    def let_go(self, session_id: str, *, wanted_soon: bool = False) -> None:
        """Who worked on the session's files here does so no more. `wanted_soon` where somebody here is about to."""

    def drop(self, session_id: str) -> None:
        """The session has ended: its copies need linger no longer."""

    def fetch(self, session_id: str, video_path: str, stopped: Callable[[], bool] = lambda: False) -> Path:
        """The session's video on this machine's disk, also after the root was moved to another place. Raises
        AnalysisStopped once `stopped` says so, and OSError."""
        inside = self.folder(session_id) / Path(video_path).name
        return inside if inside.exists() else Path(video_path)

    def remove(self, session_id: str) -> None:
        """Delete the folder and all in it, at one stroke for whoever reads or writes there, and over a power cut; a
        crash after that leaves what the next start sweeps. Any number of threads may remove the same one: each returns
        when nothing of it is left, or logs that something is."""
        folder, trash = self.folder(session_id), self._root / f"{TRASH}{session_id}"
        try:
            folder.rename(trash)
            sync_folder(self._root)
        except FileNotFoundError:
            pass  # another thread's turn, or there was none
        except OSError:
            logger.exception("cannot move %s away; it is deleted where it is", folder)
        for doomed in (trash, folder):
            shutil.rmtree(doomed, ignore_errors=True)
            if doomed.exists():
                logger.error("%s cannot be deleted; the next sweep or start will try again", doomed)

    def sweep(self, known: Callable[[str], bool] | None = None) -> int:
        """Delete what a crash left: half-deleted folders, those of sessions that are not known, and parts. Without
        `known`, a session is known whose row lies in its folder. Only at a start, when no upload runs here."""
        swept = self._empty_trash()
        for folder in list(self._root.iterdir()):
            if not (is_session_id(folder.name) and folder.is_dir()) or (self._shared and _written_lately(folder)):
                continue
            if not (known(folder.name) if known else (folder / ROW).exists()):
                self.remove(folder.name)
                swept += 1
            else:
                swept += sum(deleted(part) for part in folder.glob(f"*{PART}"))
        return swept

    def marked(self, text: str) -> str:
        """What the place is marked with: this text, if it was not marked before."""
        return settle_file(self._root / MARK, text)

    def tidy(self) -> None:
        """Now and then, while the service runs: delete what could not be deleted before."""
        self._empty_trash()

    def _empty_trash(self) -> int:
        doomed = list(self._root.glob(f"{TRASH}*"))
        for folder in doomed:
            shutil.rmtree(folder, ignore_errors=True)
        return len(doomed)

    def free_bytes(self) -> int:
        """Bytes that may still be written on the disk that holds the files."""
        return shutil.disk_usage(self._root).free

    def used_bytes(self) -> int:
        """What all of them take, uploads in parts too. Looks at every one."""
        return _bytes_below(self._root)


def _bytes_below(folder: Path | str) -> int:
    """As the disk counts them. What is deleted meanwhile may count or not."""
    size = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                facts = entry.stat(follow_symlinks=False)
                size += facts.st_blocks * 512
                if stat.S_ISDIR(facts.st_mode):
                    size += _bytes_below(entry.path)
    return size


def own_name() -> str:
    """For a result, so that a late worker's is never taken for the one that holds."""
    return f"result-{uuid.uuid4().hex[:12]}.json"


def settle_file(path: Path, text: str) -> str:
    """What a file holds: this text, if there was none."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{PART}")
    try:
        part.write_text(text)
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path.read_text()


def _written_lately(folder: Path) -> bool:
    try:
        newest = max(path.lstat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return True  # somebody is at it
    return time.time() - newest < GRACE_SECONDS
