"""Small trees with the true layout of public data sets, and empty files for films: labels come from lists and names, not from pictures."""

import csv
import json

from avlab.clips import datasets, table, table_check

FAKEAVCELEB_HEADER = "source,target1,target2,method,category,type,race,gender,path,"


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def put_json(root, path, value):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(json.dumps(value))


def edit(root, path, old, new):
    """Change one place of a list; the place must be there."""
    text = (root / path).read_text()
    assert old in text, old
    (root / path).write_text(text.replace(old, new, 1))


def built(name, root, **more):
    """{clip_id without the data set: row as a dict} of a tree, made here."""
    globals()[name](root, **more)
    return by_id(datasets.module(name).rows(str(root)))


def by_id(rows):
    return {clip_id.split("/", 1)[1]: row for clip_id, row in zip(rows["clip_id"], rows.to_dict("records"), strict=True)}


def problems(name, root, files=True):
    """{(clip_id without the data set, column)} of what `check` finds in the tree as it lies there."""
    rows = datasets.module(name).rows(str(root))
    found = table_check.problems(table.Table(rows, (), str(root)), files=files)
    return {(rows.at[line, "clip_id"].split("/", 1)[1], column) for line, column, _ in found}


# ------------------------------------------------------------------------------------------------ FakeAVCeleb

A, B, C, D = "RealVideo-RealAudio", "RealVideo-FakeAudio", "FakeVideo-RealAudio", "FakeVideo-FakeAudio"
FAKEAVCELEB_ROWS = [  # source, target1, target2, method, category, type, race, gender, name
    ("id00076", "-", "-", "real", "A", A, "African", "men", "00109.mp4"),
    ("id00166", "-", "-", "real", "A", A, "African", "men", "00010.mp4"),
    ("id00220", "-", "-", "real", "A", A, "African", "men", "00045.mp4"),
    ("id06776", "-", "-", "real", "A", A, "Asian (East)", "men", "00021.mp4"),
    ("id00076", "-", "-", "rtvc", "B", B, "African", "men", "00109_fake.mp4"),
    ("id06776", "-", "-", "rtvc", "B", B, "Asian (East)", "men", "00021.mp4"),  # the B file without _fake, named as its original
    ("id00076", "id00166", "-", "faceswap", "C", C, "African", "men", "00109_1_id00166.mp4"),
    ("id00076", "id00166", "2", "fsgan", "C", C, "African", "men", "00109_id00166_2.mp4"),  # target2 is a number
    ("id00166", "-", "-", "wav2lip", "C", C, "African", "men", "00010.mp4"),  # the name of the clip alone
    ("id00166", "id00076", "id00220", "faceswap-wav2lip", "D", D, "African", "men", "00010_id00076_id00220_wavtolip.mp4"),
    ("id00076", "id00166", "-", "faceswap-wav2lip", "D", D, "African", "men", "00109_id00166_wavtolip.mp4"),  # listed twice
    ("id00076", "id00166", "-", "wav2lip", "D", D, "African", "men", "00109_id00166_wavtolip.mp4"),
    ("id06776", "-", "-", "wav2lip", "D", D, "Asian (East)", "men", "00021_0_wavtolip.mp4")]


def fakeavceleb(root, rows=FAKEAVCELEB_ROWS):
    base = root / "FakeAVCeleb_v1.2"
    base.mkdir(parents=True)
    with open(base / "meta_data.csv", "w", newline="") as file:
        file.write(FAKEAVCELEB_HEADER + "\n")
        writer = csv.writer(file, lineterminator="\n")
        for row in rows:
            folder = f"{row[5]}/{row[6]}/{row[7]}/{row[0]}"
            writer.writerow([*row, f"FakeAVCeleb/{folder}"])
            touch(base, f"{folder}/{row[8]}")
    (base / "README.txt").touch()


# ------------------------------------------------------------------------------------------------ DF-TIMIT, LAV-DF


def dftimit(root):
    """Two pairs, one utterance each way, at two qualities; the real clips as folders of pictures, and of one person who is in no pair."""
    for quality in ("higher_quality", "lower_quality"):
        for person, donor, utterance in (("fadg0", "fram1", "sa1"), ("fram1", "fadg0", "sa2"), ("mabw0", "mbjk0", "sx30"), ("mbjk0", "mabw0", "si9")):
            stem = f"DeepfakeTIMIT/{quality}/{person}/{utterance}-video-{donor}"
            touch(root, f"{stem}.avi", f"{stem}.wav")
    for person, utterance in (("fadg0", "sa1"), ("fram1", "sa2"), ("mabw0", "sx30"), ("mbjk0", "si9"), ("felc0", "sa1")):
        touch(root, *(f"VidTIMIT/{person}/video/{utterance}/{k:03d}" for k in (1, 2)), f"VidTIMIT/{person}/video/head/001", f"VidTIMIT/{person}/audio/{utterance}.wav")


LAVDF = [
    {"file": "train/000000.mp4", "n_fakes": 0, "fake_periods": [], "duration": 5.12, "original": None, "modify_video": False, "modify_audio": False,
     "split": "train", "video_frames": 128, "audio_channels": 1, "audio_frames": 81920},
    {"file": "train/000001.mp4", "n_fakes": 1, "fake_periods": [[1.0, 1.6]], "duration": 5.2, "original": "train/000000.mp4", "modify_video": True, "modify_audio": True,
     "split": "train", "video_frames": 130, "audio_channels": 1, "audio_frames": 83200},
    {"file": "train/000002.mp4", "n_fakes": 1, "fake_periods": [[1.0, 1.5]], "duration": 5.12, "original": "train/000000.mp4", "modify_video": True, "modify_audio": False,
     "split": "train", "video_frames": 128, "audio_channels": 1, "audio_frames": 81920},
    {"file": "dev/000003.mp4", "n_fakes": 0, "fake_periods": [], "duration": 3.0, "original": None, "modify_video": False, "modify_audio": False,
     "split": "dev", "video_frames": 75, "audio_channels": 1, "audio_frames": 48000},
    {"file": "dev/000004.mp4", "n_fakes": 2, "fake_periods": [[2.0, 3.02], [0.5, 0.9]], "duration": 3.0, "original": "dev/000003.mp4", "modify_video": False,
     "modify_audio": True, "split": "dev", "video_frames": 75, "audio_channels": 1, "audio_frames": 48000},
    {"file": "test/000005.mp4", "n_fakes": 0, "fake_periods": [], "duration": 4.0, "original": None, "modify_video": False, "modify_audio": False,
     "split": "test", "video_frames": 100, "audio_channels": 1, "audio_frames": 64000}]


def lavdf(root, listed="metadata.min.json", **more):
    put_json(root / "LAV-DF", listed, [row | more for row in LAVDF])
    touch(root / "LAV-DF", *(row["file"] for row in LAVDF))
