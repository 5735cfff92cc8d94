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
    return by_id(datasets.module(name.removesuffix("_plus")).rows(str(root)))


def by_id(rows):
    return {clip_id.split("/", 1)[1]: row for clip_id, row in zip(rows["clip_id"], rows.to_dict("records"), strict=True)}


def problems(name, root, files=True):
    """{(clip_id without the data set, column)} of what `check` finds in the tree as it lies there."""
    rows = datasets.module(name.removesuffix("_plus")).rows(str(root))
    found = table_check.problems(table.Table(rows, (), str(root)), files=files)
    return {(rows.at[line, "clip_id"].split("/", 1)[-1], column) for line, column, _ in found}


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


# ------------------------------------------------------------------------------------------------ the others


def dfdm(root):
    """Two keys, three compressions, names with and without the stray digit; one compression has model folders."""
    names = ("id28_id20_0008_4dfaker", "id28_id20_0008_faceswap", "id1_id3_0002_iae", "id1_id3_0002_lightweight", "id1_id3_0002_dfl-h128")
    touch(root, *(f"DFDM/DFDM_{quality}/{name}.mp4" for quality in ("crf0", "crf23") for name in names))
    touch(root, *(f"DFDM/DFDM_crf10/{folder}/{name}.mp4" for folder, name in zip(("Dfaker", "Faceswap", "IAE", "Lightweight", "DFL-H128"), names, strict=True)))


FF_PAIRS = {"train": [["000", "003"], ["071", "054"]], "val": [["720", "672"]], "test": [["953", "974"]]}


def faceforensics(root):
    """Four pairs in three splits; 003 and 720 are cut from one YouTube film; two compressions; actors; masks, which are no films."""
    base = root / "FaceForensics++"
    for quality in ("c23", "c40"):
        for pair in sum(FF_PAIRS.values(), []):
            touch(base, *(f"original_sequences/youtube/{quality}/videos/{one}.mp4" for one in pair))
            touch(base, *(f"manipulated_sequences/{method}/{quality}/videos/{a}_{b}.mp4" for method in ("Deepfakes", "FaceShifter") for a, b in (pair, pair[::-1])))
        touch(base, f"original_sequences/actors/{quality}/videos/24__outside_talking_still_laughing.mp4",
              f"manipulated_sequences/DeepFakeDetection/{quality}/videos/24_07__outside_talking_still_laughing__Z4AGEPUG.mp4")
    touch(base, "manipulated_sequences/Deepfakes/masks/videos/000_003.mp4")
    for split, pairs in FF_PAIRS.items():
        put_json(base, f"dataset/splits/{split}.json", pairs)
    names = dict(zip(("000", "003", "071", "054", "720", "672", "953", "974"), "abcdefgh", strict=True))
    put_json(base, "dataset/conversion_dict.json", {one: f"--{'b' if one == '720' else name}1Ua-kWJE {int(one == '720')}" for one, name in names.items()})


def celebdf(root, base="Celeb-DF-v2"):
    touch(root / base, "Celeb-real/id0_0000.mp4", "Celeb-real/id0_0009.mp4", "Celeb-real/id16_0001.mp4", "YouTube-real/00170.mp4",
          "Celeb-synthesis/id0_id16_0009.mp4", "Celeb-synthesis/id16_id0_0001.mp4", "Celeb-synthesis/id0_id16_0000.mp4")
    (root / base / "List_of_testing_videos.txt").write_text("1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id0_id16_0009.mp4\n1 Celeb-real/id0_0000.mp4\n")


def avd_entry(file, kind, video=(), audio=(), **more):
    """One entry of AV-Deepfake1M's list; the union of both streams is fake_segments."""
    return {"file": file, "original": None if kind == "real" else file.rsplit("/", 1)[0] + "/real.mp4", "split": "train", "modify_type": kind,
            "audio_model": "vits" if kind in ("audio_modified", "both_modified") else None, "fake_segments": sorted([*video, *audio]),
            "audio_fake_segments": list(audio), "visual_fake_segments": list(video), "video_frames": 150, "audio_frames": 96000} | more


AVD_TRAIN = [
    avd_entry("id00012/21Uxsk56VDQ/00001/real.mp4", "real"),
    avd_entry("id00012/21Uxsk56VDQ/00001/real_video_fake_audio.mp4", "audio_modified", audio=[[1.0, 1.5]]),
    avd_entry("id00012/21Uxsk56VDQ/00001/fake_video_real_audio.mp4", "visual_modified", video=[[2.0, 2.4]]),
    avd_entry("id00012/21Uxsk56VDQ/00001/fake_video_fake_audio.mp4", "both_modified", video=[[1.0, 1.5]], audio=[[3.0, 3.5]]),
    avd_entry("id00099/21Uxsk56VDQ/00001/real.mp4", "real"),
    # two of the 6,160: their segments stand at the stream that was not touched
    avd_entry("id00099/21Uxsk56VDQ/00001/real_video_fake_audio.mp4", "audio_modified", video=[[0.5, 1.5]]),
    avd_entry("id00099/21Uxsk56VDQ/00001/fake_video_real_audio.mp4", "visual_modified", audio=[[0.5, 1.0]])]
AVD_VAL = [avd_entry("id00012/zzz/00007/real.mp4", "real", split="val")]  # the person of train


def avdeepfake1m(root):
    base = root / "AV-Deepfake1M"
    put_json(base, "train_metadata.json", AVD_TRAIN)
    put_json(base, "val_metadata.json", AVD_VAL)
    touch(base, *(f"train/{entry['file']}" for entry in AVD_TRAIN), *(f"val/{entry['file']}" for entry in AVD_VAL), "test/000000.mp4")
    (base / "test_files.txt").write_text("000000.mp4\n")


AVD_PLUS = {
    "vox_celeb_2/id00012/21Uxsk56VDQ/00001/real": ("real", None), "vox_celeb_2/id00012/21Uxsk56VDQ/00001/fake_video_real_audio": ("visual_modified", "diff2lip"),
    "lrs3/0Fi83BHQsMA/00002/real": ("real", None), "lrs3/0Fi83BHQsMA/00002/fake_video_fake_audio": ("both_modified", "Talklip"),
    "silent_videos/subject_7_ab12_vid_3_1/real": ("real", None)}


def avdeepfake1m_plus(root):
    """++: one JSON beside each film, three corpora."""
    base = root / "AV-Deepfake1M-PlusPlus"
    for stem, (kind, model) in AVD_PLUS.items():
        video = [[1.0, 1.5]] if "video_" in stem and kind != "real" else []
        put_json(base, f"val/{stem}.json", avd_entry(f"{stem}.mp4", kind, video, [[1.0, 1.5]] if kind == "both_modified" else [], split="val", video_model=model))
        touch(base, f"val/{stem}.mp4")
    (base / "testA_files.txt").write_text("a0001.mp4\n")
    touch(base, "testA/a0001.mp4")


TVIL = {"k0": {"file": "5ef6573a99_result.mp4", "split": "train", "duration": 3.2, "fps": 30, "fake_periods": [[0.5, 1.0]]},
        "k1": {"file": "00917dcfc4_result.mp4", "split": "valid", "duration": 3.2, "video_frames": 96, "fake_periods": [[0.0, 1.0], [2.0, 3.2]]},
        "k2": {"file": "0a8c467cc3_result.mp4", "split": "Test", "duration": 3.0, "fps": 30, "fake_periods": []}}


def tvil(root):
    put_json(root / "TVIL", "annotations/metadata.json", TVIL)
    touch(root / "TVIL", *(f"videos/{row['file']}" for row in TVIL.values()))


def mmdf(root):
    """Six generators under the spellings that one finds, reals in every split, and computed features, which are no films."""
    for split, models in (("train", ("Hallo2", "LivePortrait", "FaceAdapter")), ("val", ("Hallo2", "LivePortrait", "FaceAdapter")),
                          ("test", ("HunyuanAvatar", "MegActor_Sigma", "AniPortrait"))):
        touch(root / "MMDF", *(f"{split}/fake/{model}/{k:04d}.mp4" for model in models for k in range(2)), *(f"{split}/real/corpus/{k:04d}.mp4" for k in range(3)))
    touch(root / "MMDF", "train/fake/Hallo2/0000/attn_feat/0.pt")


DFDC_PARTS = {0: {"awnfpubqmo.mp4": {"label": "FAKE", "split": "train", "original": "lnhkjhyhvw.mp4"}, "lnhkjhyhvw.mp4": {"label": "REAL", "split": "train"}},
              1: {"aaaaaaaaaa.mp4": {"label": "REAL", "split": "train", "original": None}}}


def dfdc(root):
    for part, entries in DFDC_PARTS.items():
        put_json(root, f"dfdc_train_part_{part}/metadata.json", entries)
        touch(root, *(f"dfdc_train_part_{part}/{name}" for name in entries))
    touch(root, "test/tttttttttt.mp4", "test/uuuuuuuuuu.mp4")
    (root / "test/labels.csv").write_text("filename,label\ntttttttttt.mp4,1\nuuuuuuuuuu.mp4,0\n")
