"""Seconds and memory of a manifest with AV-Deepfake1M's number of rows: python tests/clips/table_scale.py [rows] [folder]. Prints JSON.

Loading, checking and splitting are measured in a process of their own, so that the memory of making the table does not count.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 1_146_760  # of AV-Deepfake1M
KINDS = ("real", "real_video_fake_audio", "fake_video_real_audio", "fake_video_fake_audio")


def made(n):
    """A table like AV-Deepfake1M's: 2,068 people, four variants of each utterance, spans in three quarters of the rows."""
    from avlab.clips import table

    rng = np.random.default_rng(0)
    utterance, kind = np.arange(n) // 4, np.arange(n) % 4
    person = np.char.add("id", np.char.zfill((utterance % 2068).astype(str), 5)).astype(object)
    stem = "train/" + person + "/" + pd.util.hash_array(utterance).astype(str).astype(object) + "/" + (utterance % 97).astype(str).astype(object) + "/"
    start = rng.uniform(0, 4, n).round(2)
    spans = np.char.add(np.char.add(start.astype(str), ":"), (start + 0.5).round(2).astype(str)).astype(object)
    names = np.array(KINDS, object)[kind]
    video, audio = np.isin(kind, (2, 3)), np.isin(kind, (1, 3))
    return table.complete(pd.DataFrame({
        "clip_id": "avdeepfake1m/" + stem + names, "path": stem + names + ".mp4", "label_video": np.where(video, "fake", "real"),
        "label_audio": np.where(audio, "fake", "real"), "forger_video": np.where(video, "talklip", ""), "forger_audio": np.where(audio, "vits", ""),
        "identity": "vox2:" + person, "identity_group": person, "duration_s": rng.uniform(5, 12, n).round(2), "segments_video": np.where(video, spans, ""),
        "segments_audio": np.where(audio, spans, ""), "scope": np.where(kind > 0, "partial", "none"), "variant_of": stem,
        "original": np.where(kind > 0, "avdeepfake1m/" + stem + "real", ""), "split_official": "train", "provenance": "train_metadata.json",
        "n_frames": 200, "width": 224, "height": 224, "fps": 25.0, "avg_fps": 25.0, "audio_codec": "aac", "leading_silence_s": rng.uniform(0, 0.1, n).round(3),
        "bytes": rng.integers(10**5, 10**6, n)}), "avdeepfake1m")


def judged(path):
    """Read, check and split; {step: wall seconds}, processor seconds of the three, and the peak of memory."""
    started = time.perf_counter()
    from avlab.clips import audit, protocols, table, table_check, table_splits

    took, last, cpu = {}, started, time.process_time()
    found = table.read(path)
    took["read"], last = time.perf_counter() - last, time.perf_counter()
    problems = table_check.problems(found)
    told = audit.shortcuts(found.rows)
    took["check"], last = time.perf_counter() - last, time.perf_counter()
    rows = table_splits.applied(found.rows, *protocols.assign(found.rows, "identity"))
    leaks = table_check.leaks(rows)
    took["split"], last = time.perf_counter() - last, time.perf_counter()
    cpu = time.process_time() - cpu
    table.write(rows, Path(path).with_name("split.csv"))
    took["write"] = time.perf_counter() - last
    return {"rows": len(rows), "problems": len(problems), "leaks": len(leaks), "facts": len(told), "sizes": rows["split"].value_counts().to_dict(),
            "cpu_s": round(cpu, 1), "seconds": {name: round(value, 1) for name, value in took.items()}, "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)}


def main(n=ROWS, folder=None):
    """Make the table, judge it in another process, and return what that says."""
    from avlab.clips import table

    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "m.csv"
        table.write(made(n), path)
        done = subprocess.run([sys.executable, __file__, "--judge", path], stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout) | {"file_mb": round(path.stat().st_size / 1e6)}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--judge"]:
        print(json.dumps(judged(sys.argv[2])))
    else:
        print(json.dumps(main(*(int(value) for value in sys.argv[1:2]), *sys.argv[2:3]), indent=1))
