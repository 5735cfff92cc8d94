"""Measure what a film is, whatever its data set says: size, rate, length, codecs, sound, silence at the start, bytes, sha256.

No picture is decoded but the first; packets are counted. Each result is written to a journal at once, so a killed run goes on where it was.
"""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np

from avlab.clips.audio import leading_silence_s
from avlab.clips.columns import MEASURED
from avlab.clips.opening import opened, pick_stream
from avlab.clips.rows import safe_path
from avlab.clips.table import NUMBERS, WORDY
from avlab.errors import AvlabError

SOUND_S = 10.0  # of sound that are decoded, for the silence at its start
RATE = 16000
CHUNK = 1000  # films handed to the threads at a time
FORMAT = 1  # of the journal; another number measures again


def measure(path, sound_path=None):
    """Facts of one film, as {column: value} of `columns.MEASURED`; what does not apply is left out.

    duration_s   last picture's end minus first picture's start, by the packets' timestamps, s
    fps, avg_fps   nominal rate of the stream, and pictures per second by the timestamps
    audio_codec   "-" where there is no sound;  audio_start_s   first sound minus first picture
    sound_path   wav file that carries the sound of a film without any
    Raises AvlabError for what cannot be opened, or has no picture.
    """
    with opened(path) as container:
        stream, _ = pick_stream(container, "video")
        if stream is None:
            raise AvlabError("A film has a picture", got=os.path.basename(path))
        found = _stream_facts(stream) | _timing(container, stream)
        start_s = found.pop("start_s")
    with opened(path) as container:
        found["rotation_deg"] = _rotation(container, pick_stream(container, "video")[0])
    found |= _sound(path if sound_path is None else sound_path, start_s if sound_path is None else 0.0, found["duration_s"])
    return found | {"bytes": os.path.getsize(path), "sha256": _sha256(path)}


def _stream_facts(stream):
    context = stream.codec_context
    rate = stream.base_rate or stream.guessed_rate
    return {"width": context.width, "height": context.height, "pix_fmt": context.pix_fmt or "", "video_codec": context.name,
            "fps": float(rate) if rate else None}


def _timing(container, stream):
    """Number of pictures, and the span that they cover, from the packets."""
    times = sorted(float(packet.pts * packet.time_base) for packet in container.demux(stream) if packet.size and packet.pts is not None)
    if not times:
        raise AvlabError("A film holds at least one picture with a time")
    step = float(np.median(np.diff(times))) if len(times) > 1 else (1 / float(stream.average_rate) if stream.average_rate else 0.04)
    seconds = times[-1] - times[0] + step
    return {"n_frames": len(times), "duration_s": round(seconds, 6), "avg_fps": round(len(times) / seconds, 6), "start_s": times[0]}


def _rotation(container, stream):
    """Degrees, 0, 90, 180 or 270, by which players turn the picture clockwise, from the display matrix of the first picture."""
    for frame in container.decode(stream):
        return int(-frame.rotation) % 360
    return 0


def _sound(path, start_s, seconds):
    from avlab.clips.sound import read_sound

    with opened(path) as container:
        stream, _ = pick_stream(container, "audio")
        if stream is None:
            return {"audio_codec": "-"}
        found = {"audio_codec": stream.codec_context.name, "audio_sr_hz": stream.codec_context.sample_rate, "audio_channels": stream.codec_context.channels}
    sound = read_sound(path, start_s=start_s, seconds=min(seconds, SOUND_S), sample_rate=RATE)
    return found | {"audio_start_s": round(sound.start_s, 6), "leading_silence_s": round(leading_silence_s(sound.samples, RATE), 6)}


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ------------------------------------------------------------------------------------------------ many


def measure_table(rows, root, journal, *, workers=2, say=lambda text: None, every=200):
    """Measure every film of a table, in threads; films that the journal knows (same path, size and time of change) are not read again.

    rows      table, see `table.complete`;  root   data root;  journal   file of JSON lines, made if it is not there
    Returns the table with the measured columns filled in, notes where a stated duration is off by more than a frame, and
    [(clip_id, message)] of the films that could not be measured.
    """
    known = _journal(journal)
    work = {line: (path, sound) for line, path, sound in zip(rows.index, rows["path"], rows["audio_path"], strict=True) if path}
    stamps = {line: _stamp(root, *pair) for line, pair in work.items()}
    todo = [line for line in work if stamps[line] not in known]
    say(f"{len(work) - len(todo)} films are measured, {len(todo)} to go")
    number = 0
    with open(journal, "a", encoding="utf-8") as file, ThreadPoolExecutor(workers) as pool:
        if todo:
            file.write("\n")  # ends a line that a killed run tore
        for first in range(0, len(todo), CHUNK):
            jobs = {pool.submit(_try, root, *work[line]): stamps[line] for line in todo[first:first + CHUNK]}
            try:
                for job in as_completed(jobs):
                    known[jobs[job]] = job.result()
                    file.write(json.dumps([FORMAT, jobs[job], known[jobs[job]]]) + "\n")
                    file.flush()
                    number += 1
                    if number % every == 0 or number == len(todo):
                        say(f"{number} of {len(todo)} measured")
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return _filled(rows, {line: known[stamps[line]] for line in work})


def _stamp(root, path, sound):
    """What a result belongs to: the names, size and time of change of the film; a file that changed is measured again."""
    try:
        info = os.stat(os.path.join(root, path))
        return f"{path}|{sound}|{info.st_size}|{info.st_mtime_ns}"
    except (OSError, ValueError):
        return f"{path}|{sound}|none"


def _try(root, path, sound):
    try:
        return measure(safe_path(path, root), safe_path(sound, root) if sound else None)
    except (AvlabError, OSError) as error:
        return {"error": str(error)}


def _journal(path):
    """{stamp: facts} of the lines that are whole; the last one may be torn. Films that failed are tried again."""
    known = {}
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                try:
                    number, stamp, facts = json.loads(line)
                    if number == FORMAT and isinstance(facts, dict) and "error" not in facts:
                        known[stamp] = facts
                except (ValueError, TypeError):
                    continue
    except FileNotFoundError:
        pass
    return known


def _filled(rows, facts):
    failed = [(rows.at[line, "clip_id"], found["error"]) for line, found in facts.items() if "error" in found]
    good = {line: found for line, found in facts.items() if "error" not in found}
    made, stated = rows.copy(), rows["duration_s"].reindex(good)
    for column in MEASURED:
        values = rows[column].astype(object)
        values.update({line: found[column] for line, found in good.items() if found.get(column) is not None})
        made[column] = values.astype(float) if column in NUMBERS else values.astype(str).astype("category" if column in WORDY else str)
    off = (stated - made["duration_s"].reindex(good)).abs() > 1.5 / made["avg_fps"].reindex(good)
    for line in off[off].index:
        note = f"the list says {stated[line]:.2f} s and the film has {made.at[line, 'duration_s']:.2f} s"
        made.at[line, "notes"] = "; ".join(filter(None, [made.at[line, "notes"], note]))
    return made, failed
