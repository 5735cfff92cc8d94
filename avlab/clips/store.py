"""What was computed from clips, kept on disk: one safetensors file for each clip and setting, whole or not there at all.

A file is written beside its place, flushed to the disk and renamed, so a killed run loses at most the clip in hand, and several
processes may fill one store. Names come from digests: a clip_id may be any text and never reaches the file system.
"""

import errno
import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from avlab.errors import AvlabError

FORMAT = "1"
TEMPORARY = ".tmp-"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class Mapped:
    """What `Store.map` did: clip_ids computed now, found already there, and failed as (clip_id, message)."""

    done: tuple
    kept: tuple
    failed: tuple


@dataclass(frozen=True)
class Store:
    """A folder of arrays, one file a clip, all made with the same settings.

    path       folder; made when the first clip is put
    settings   what the arrays depend on besides the clip (probe weights' sha256, steps, size ...), as plain JSON values;
               stores with other settings may share the folder and never mix
    """

    path: str | os.PathLike
    settings: Mapping = field(default_factory=dict)

    @property
    def settings_text(self):
        try:
            return json.dumps(dict(self.settings), sort_keys=True, ensure_ascii=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AvlabError("Settings of a store are plain JSON values", got=f"{self.settings!r}: {error}") from None

    @property
    def settings_hash(self):
        return hashlib.sha256(f"{FORMAT} {self.settings_text}".encode()).hexdigest()

    @property
    def folder(self):
        return os.path.join(os.fspath(self.path), self.settings_hash[:16])

    def file(self, item):
        """The file of a row (or of a plain clip_id); a row whose seeds, forgers or path change gets another file."""
        name = hashlib.sha256(_key(item).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return os.path.join(self.folder, name[:2], f"{name}.safetensors")

    def put(self, item, arrays):
        """Keep the arrays of one clip, replacing what was there; on return they are on the disk.

        item     Row or clip_id;  arrays   {name: numpy array or torch tensor}
        Raises AvlabError for values that are no arrays, or not finite.
        """
        from safetensors.numpy import save

        ready = {name: _array(name, value, item) for name, value in arrays.items()}
        meta = {"clip_id": _clip_id(item), "key": _key(item), "settings": self.settings_text, "settings_hash": self.settings_hash, "format": FORMAT}
        _write(self.file(item), save(ready, {name: json.dumps(value) for name, value in meta.items()}))

    def get(self, item):
        """Read the arrays of one clip.

        Returns {name: array}.  Raises AvlabError if the clip is not there, is damaged, or was made for another clip or setting.
        """
        from safetensors import SafetensorError, safe_open

        path = self.file(item)
        try:
            with safe_open(path, "np") as file:
                self._verify(file.metadata() or {}, item)
                return {name: file.get_tensor(name) for name in file.keys()}
        except FileNotFoundError:
            raise AvlabError("The store does not hold this clip with these settings", got=_clip_id(item), todo="Run the extraction for it") from None
        except (SafetensorError, OSError) as error:
            raise AvlabError("The file of a clip in the store is damaged", got=f"{_clip_id(item)}: {error}", todo=f"Delete {path} and run again") from None

    def has(self, item):
        """True if a whole file with these settings is there; its header is read, its data are not."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.file(item), "np") as file:
                self._verify(file.metadata() or {}, item)
            return True
        except (FileNotFoundError, SafetensorError, OSError, AvlabError):
            return False  # a damaged file counts as missing and is computed again

    def missing(self, items):
        """The items that are still to be computed, in order."""
        return [item for item in items if not self.has(item)]

    def map(self, items, fn, *, on_error="report", progress=None):
        """Compute and keep what is missing: arrays = fn(item) for each; a clip that fails is reported and the others go on.

        on_error   "report" (go on) or "raise"; a full or read-only disk always raises, as no other clip would fare better
        progress   called as progress(number, total, item, state) after each, state "kept" | "done" | "failed: why"
        Returns Mapped.
        """
        if on_error not in ("report", "raise"):
            raise AvlabError('on_error is "report" or "raise"', got=on_error)
        self.clean()
        items = list(items)
        if items:
            os.makedirs(self.folder, exist_ok=True)  # a place that cannot be written fails now, not clip by clip
        done, kept, failed = [], [], []
        for number, item in enumerate(items, start=1):
            name, state = _clip_id(item), "done"
            if self.has(item):
                kept.append(name)
                state = "kept"
            else:
                try:
                    self.put(item, fn(item))
                    done.append(name)
                except Exception as error:  # noqa: BLE001, whatever one clip does, the next one is computed
                    if on_error == "raise" or getattr(error, "errno", None) in NO_ROOM:
                        raise
                    message = str(error) if isinstance(error, AvlabError) else f"{type(error).__name__}: {error}"
                    failed.append((name, message))
                    state = f"failed: {message}"
            if progress is not None:
                progress(number, len(items), item, state)
        return Mapped(tuple(done), tuple(kept), tuple(failed))

    def clean(self, *, older_than_s=3600.0):
        """Delete half-written files of killed runs; younger ones may belong to a run at work.  Returns how many."""
        count = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    if name.startswith(TEMPORARY) and time.time() - os.path.getmtime(path) >= older_than_s:
                        os.unlink(path)
                        count += 1
                except FileNotFoundError:
                    pass  # its writer has just renamed it
        return count

    def _verify(self, metadata, item):
        try:
            found = {name: json.loads(metadata[name]) for name in ("settings_hash", "key")}
        except (KeyError, ValueError):
            raise AvlabError("A file of the store says which clip and settings it was made with", got=self.file(item)) from None
        if found["settings_hash"] != self.settings_hash:
            raise AvlabError("The file was made with other settings", got=json.loads(metadata.get("settings", '""')), todo="Compute it again")
        if found["key"] != _key(item):
            raise AvlabError("The file was made for another clip", got=found["key"], todo="Compute it again")


def _clip_id(item):
    return item if isinstance(item, str) else item.clip_id


def _key(item):
    return item if isinstance(item, str) else f"{item.clip_id}\x1f{item.digest}"


def _array(name, value, item):
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise AvlabError("A store keeps arrays of numbers", got=f"{name!r} of {_clip_id(item)} is {value.dtype}")
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise AvlabError("A store keeps finite numbers", got=f"{name!r} of {_clip_id(item)} holds NaN or infinity")
    return np.ascontiguousarray(value)


def _write(path, data):
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f"{TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder):
    """Make the rename itself durable; Windows cannot open folders and does not need it."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
