"""The other seven data sets, from trees with their true layout: every trap of theirs, and planted faults by row and field."""

import json
from pathlib import Path

import pytest
import trees
from trees import built, by_id, problems

from avlab.clips import datasets, manifest, splits, table, table_check, table_splits
from avlab.errors import AvlabError

TREES = (*datasets.NAMES, "avdeepfake1m_plus")


def official_leaks(rows):
    split = rows["split_official"].astype(str).replace("none", "")
    return [(leak.kind, leak.value, leak.splits) for leak in table_check.leaks(rows.assign(split=split))]


@pytest.mark.parametrize("name", TREES)
def test_a_clean_tree_is_clean_and_its_rows_load(tmp_path, name):
    getattr(trees, name)(tmp_path)
    rows = datasets.module(name.removesuffix("_plus")).rows(str(tmp_path))
    unready = {"path"} if name == "dftimit" else set()  # folders of pictures, until they are assembled
    assert {column for _, column in problems(name, tmp_path)} == unready
    assert not rows["faults"].any() and rows["clip_id"].is_unique and len(rows) > 2
    table.write(rows, tmp_path / "m.csv")
    assert table.read(tmp_path / "m.csv").rows.equals(rows)
    loaded = manifest.load(tmp_path / "m.csv")
    assert loaded.problems == () and len(loaded) == len(rows)


@pytest.mark.parametrize("name", datasets.NAMES)
def test_another_folder_is_refused(tmp_path, name):
    (tmp_path / "holiday.txt").touch()
    with pytest.raises(AvlabError, match="holiday"):
        datasets.module(name).rows(str(tmp_path))
    with pytest.raises(AvlabError, match="folder"):
        datasets.module(name).rows(str(tmp_path / "none"))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(AvlabError, match="fakeavceleb"):
        datasets.module("os")


# ------------------------------------------------------------------------------------------------ without sound: DFDM, FF++, Celeb-DF, TVIL


def test_dfdm_model_and_stray_digit():
    from avlab.clips.datasets.dfdm import model_of

    assert [model_of(tag) for tag in ("4dfaker", "faceswap", "IAE", "DFL-H128", "dfl_h128", "2lightweight", "44dfaker", "magic")] == \
        ["dfaker", "faceswap", "iae", "dfl-h128", "dfl-h128", "lightweight", "44dfaker", "magic"]


def test_dfdm_compressions_are_variants_and_sound_is_absent(tmp_path):
    trees.dfdm(tmp_path)
    rows = datasets.module("dfdm").rows(str(tmp_path))
    assert rows["variant_of"].value_counts().eq(3).all() and set(rows["category"]) == {"FV-A"} and set(rows["quality"]) == {"crf0", "crf10", "crf23"}
    row = by_id(rows)["DFDM_crf10/Dfaker/id28_id20_0008_4dfaker"]
    assert (row["forger_video"], row["identity"], row["donor"], row["original"]) == ("dfaker", "celebdf:id28", "celebdf:id20", "celebdf/Celeb-real/id28_0008")
    groups = table_splits.components(rows)
    assert len(set(groups)) == 2  # all models and compressions of two keys


def test_dfdm_planted_faults(tmp_path):
    trees.dfdm(tmp_path)
    trees.touch(tmp_path / "DFDM", "DFDM_crf0/id1_id3_0002_magic.mp4", "DFDM_crf0/holiday.mp4", "DFDM_crf10/IAE/id5_id3_0002_faceswap.mp4", "DFDM_crf42/id1_id3_0002_iae.mp4")
    assert problems("dfdm", tmp_path) == {("DFDM_crf0/id1_id3_0002_magic", "forger_video"), ("DFDM_crf0/holiday", "clip_id"),
                                          ("DFDM_crf10/IAE/id5_id3_0002_faceswap", "forger_video"), ("DFDM_crf42/id1_id3_0002_iae", "quality")}


def test_faceforensics_films_that_are_used_twice_leak_through_the_official_split(tmp_path):
    trees.faceforensics(tmp_path)
    rows = datasets.module("faceforensics").rows(str(tmp_path))
    assert official_leaks(rows) == [("identity", "youtube:--b1Ua-kWJE", ("train", "val"))]
    kept = rows.assign(split=table_splits.official(rows, disjoint=True))
    assert table_check.leaks(kept) == []
    dropped = set(kept["path"][(kept["split"] == "") & (rows["split_official"] != "none")].str.extract(r"/(\w+)\.mp4$")[0])
    assert dropped == {"003", "000_003", "003_000"}  # in train, where 720 of val shows the same film


def test_faceforensics_pairs_actors_masks_and_compressions(tmp_path):
    rows = built("faceforensics", tmp_path)
    fake = rows["manipulated_sequences/FaceShifter/c40/videos/054_071"]
    assert (fake["split_official"], fake["quality"], fake["forger_video"], fake["category"]) == ("train", "c40", "faceshifter", "FV-A")
    assert fake["original"] == "faceforensics/original_sequences/youtube/c40/videos/054" and fake["variant_of"] == "faceforensics/FaceShifter/054_071"
    actor = rows["manipulated_sequences/DeepFakeDetection/c23/videos/24_07__outside_talking_still_laughing__Z4AGEPUG"]
    assert (actor["split_official"], actor["identity"], actor["donor"]) == ("none", "dfd:24", "dfd:07")
    assert actor["original"].endswith("actors/c23/videos/24__outside_talking_still_laughing") and not [key for key in rows if "masks" in key]


def test_faceforensics_without_the_lists_knows_sequences_and_no_split(tmp_path):
    trees.faceforensics(tmp_path)
    (tmp_path / "FaceForensics++/dataset").rename(tmp_path / "elsewhere")
    rows = datasets.module("faceforensics").rows(str(tmp_path))
    assert set(rows["split_official"]) == {"none"} and "ff:003" in set(rows["identity"])
    with pytest.raises(AvlabError, match="no official split"):
        table_splits.official(rows)


def test_faceforensics_planted_faults(tmp_path):
    trees.faceforensics(tmp_path)
    trees.touch(tmp_path / "FaceForensics++", "manipulated_sequences/Deepfakes/c23/videos/000_953.mp4", "manipulated_sequences/Magic/c23/videos/000_003.mp4",
                "original_sequences/youtube/c99/videos/000.mp4")
    assert problems("faceforensics", tmp_path) == {("manipulated_sequences/Deepfakes/c23/videos/000_953", "split_official"),
                                                   ("manipulated_sequences/Magic/c23/videos/000_003", "forger_video"),
                                                   ("original_sequences/youtube/c99/videos/000", "quality")}


def test_celebdf_one_means_real_in_its_list(tmp_path):
    trees.celebdf(tmp_path)
    assert problems("celebdf", tmp_path) == set()
    rows = by_id(datasets.module("celebdf").rows(str(tmp_path)))
    assert {key: row["label_video"] for key, row in rows.items() if row["split_official"] == "test"} == \
        {"YouTube-real/00170": "real", "Celeb-synthesis/id0_id16_0009": "fake", "Celeb-real/id0_0000": "real"}
    trees.edit(tmp_path, "Celeb-DF-v2/List_of_testing_videos.txt", "0 Celeb-synthesis", "1 Celeb-synthesis")
    assert problems("celebdf", tmp_path) == {("Celeb-synthesis/id0_id16_0009", "label_video")}


def test_celebdf_the_test_list_is_not_disjoint_in_people(tmp_path):
    trees.celebdf(tmp_path)
    rows = datasets.module("celebdf").rows(str(tmp_path))
    split = rows.assign(split=table_splits.official(rows))  # the rest is carved into train and val
    assert set(split["split"]) == {"train", "test"} and {leak.value for leak in table_check.leaks(split)} >= {"celebdf:id0", "celebdf:id16"}
    assert table_check.leaks(rows.assign(split=table_splits.official(rows, disjoint=True))) == []


def test_celebdf_missing_files_and_v3(tmp_path):
    trees.celebdf(tmp_path)
    (tmp_path / "Celeb-DF-v2/YouTube-real/00170.mp4").unlink()
    assert problems("celebdf", tmp_path) == {("YouTube-real/00170", "path")}
    three = tmp_path / "three"
    trees.touch(three / "Celeb-DF-v3", "Celeb-real/id3_0001.mp4", "Celeb-synthesis/TalkingFace/SadTalker/id3_0001_test_id9_0002.mp4")
    row = by_id(datasets.module("celebdf").rows(str(three)))["Celeb-synthesis/TalkingFace/SadTalker/id3_0001_test_id9_0002"]
    assert (row["release"], row["forger_video"], row["identity"], row["donor"], row["original"]) == \
        ("v3", "sadtalker", "celebdf:id3", "celebdf:id9", "celebdf/Celeb-real/id3_0001")


def test_tvil_dict_valid_and_spans(tmp_path):
    rows = built("tvil", tmp_path)
    assert {key: (row["split_official"], row["split_raw"], row["segments_video"], row["label_video"]) for key, row in rows.items()} == {
        "videos/5ef6573a99_result": ("train", "train", "0.5:1.0", "fake"), "videos/00917dcfc4_result": ("val", "valid", "0.0:1.0;2.0:3.2", "fake"),
        "videos/0a8c467cc3_result": ("test", "Test", "", "real")}


@pytest.mark.parametrize("change,column", [({"split": "dev"}, "split_official"), ({"fake_periods": [[2.0, 9.0]]}, "segments_video"), ({"fake_periods": None}, "segments_video"),
                                           ({"file": "none_result.mp4"}, "path"), ({"file": "../../x_result.mp4"}, "path")])
def test_tvil_planted_faults(tmp_path, change, column):
    trees.tvil(tmp_path)
    trees.put_json(tmp_path / "TVIL", "annotations/metadata.json", {**trees.TVIL, "k0": trees.TVIL["k0"] | change})
    assert {found for _, found in problems("tvil", tmp_path)} == {column}


# ------------------------------------------------------------------------------------------------ AV-Deepfake1M


def test_avdeepfake1m_segments_at_the_wrong_stream_are_put_right(tmp_path):
    rows = built("avdeepfake1m", tmp_path)
    wrong = rows["train/id00099/21Uxsk56VDQ/00001/real_video_fake_audio"]
    assert (wrong["segments_video"], wrong["segments_audio"]) == ("", "0.5:1.5") and "cleared visual_fake_segments" in wrong["notes"]
    other = rows["train/id00099/21Uxsk56VDQ/00001/fake_video_real_audio"]
    assert (other["segments_video"], other["segments_audio"]) == ("0.5:1.0", "") and "cleared audio_fake_segments" in other["notes"]
    both = rows["train/id00012/21Uxsk56VDQ/00001/fake_video_fake_audio"]
    assert (both["category"], both["segments_video"], both["segments_audio"], both["notes"]) == ("FVFA", "1.0:1.5", "3.0:3.5", "")
    assert both["duration_s"] == 6.0 and both["original"] == "avdeepfake1m/train/id00012/21Uxsk56VDQ/00001/real"


def test_avdeepfake1m_people_of_train_stand_in_val_and_variants_stay_together(tmp_path):
    trees.avdeepfake1m(tmp_path)
    rows = datasets.module("avdeepfake1m").rows(str(tmp_path))
    assert official_leaks(rows) == [("identity", "vox2:id00012", ("train", "val"))]
    assert len(set(table_splits.components(rows))) == 3  # two people, and the clip of the test that nobody is named in
    assert by_id(rows)["test/000000"]["label_clip"] == "unknown" and set(table_splits.applied(rows, table_splits.by_identity(rows), "x")["split"][-1:]) == {""}


def test_avdeepfake1m_plus_has_lists_beside_films_and_three_corpora(tmp_path):
    rows = built("avdeepfake1m_plus", tmp_path)
    assert {row["identity"] for row in rows.values()} == {"vox2:id00012", "lrs3:0Fi83BHQsMA", "silent:subject_7", ""}
    assert {row["release"] for row in rows.values()} == {"1M++"} and rows["testA/a0001"]["split_raw"] == "testA"
    assert rows["val/vox_celeb_2/id00012/21Uxsk56VDQ/00001/fake_video_real_audio"]["forger_video"] == "diff2lip"


@pytest.mark.parametrize("change,column", [({"modify_type": "both-modified"}, "label_video"), ({"video_model": "magic"}, "forger_video"),
                                           ({"audio_model": "magic"}, "forger_audio"), ({"video_frames": 25}, "segments_video"), ({"video_frames": 0}, "duration_s"),
                                           ({"video_model": "diff2lip"}, "forger_video"), ({"audio_fake_segments": [[3.5, 3.0]]}, "segments_audio"),
                                           ({"file": "../x.mp4"}, "path")])
def test_avdeepfake1m_planted_faults(tmp_path, change, column):
    """The entry is both_modified: diff2lip does not occur there, and the word with a hyphen is the official loader's mistake, not the list's."""
    trees.avdeepfake1m(tmp_path)
    data = [*trees.AVD_TRAIN]
    data[3] = data[3] | change
    trees.put_json(tmp_path / "AV-Deepfake1M", "train_metadata.json", data)
    found = problems("avdeepfake1m", tmp_path)
    assert column in {column for _, column in found} and len({clip for clip, _ in found}) == 1


# ------------------------------------------------------------------------------------------------ MMDF, DFDC


def test_mmdf_spellings_and_folders(tmp_path):
    rows = built("mmdf", tmp_path)
    assert {row["forger_video"] for row in rows.values()} == {"", "hallo2", "liveportrait", "faceadapter", "hunyuanavatar", "megactor-sigma", "aniportrait"}
    assert {row["category"] for row in rows.values()} == {"RVRA", "FVRA"} and len(rows) == 27


def test_mmdf_planted_faults(tmp_path):
    trees.mmdf(tmp_path)
    trees.touch(tmp_path / "MMDF", "train/fake/Magic/0001.mp4", "train/forged/Hallo2/0001.mp4", "test/0001.mp4", "extra/real/corpus/0001.mp4")
    found = problems("mmdf", tmp_path)
    assert {("train/fake/Magic/0001", "forger_video"), ("train/forged/Hallo2/0001", "label_video"), ("test/0001", "path"),
            ("extra/real/corpus/0001", "split_official")} <= found
    assert {clip for clip, _ in found} == {"train/fake/Magic/0001", "train/forged/Hallo2/0001", "test/0001", "extra/real/corpus/0001"}


def test_dfdc_labels_clips_and_not_streams(tmp_path):
    trees.dfdc(tmp_path)
    rows = datasets.module("dfdc").rows(str(tmp_path))
    said = by_id(rows)
    fake, real = said["dfdc_train_part_0/awnfpubqmo"], said["dfdc_train_part_0/lnhkjhyhvw"]
    assert (fake["label_clip"], fake["label_video"], fake["label_audio"], fake["original"]) == ("fake", "unknown", "unknown", "dfdc/dfdc_train_part_0/lnhkjhyhvw")
    assert (real["category"], real["identity_group"]) == ("RVRA", "dfdc_train_part_0")
    assert (said["test/tttttttttt"]["label_clip"], said["test/uuuuuuuuuu"]["label_clip"]) == ("fake", "real")  # 1 = fake
    table.write(rows, tmp_path / "m.csv")
    loaded = {row.clip_id: (row.label, row.forger) for row in manifest.load(tmp_path / "m.csv")}
    split = dict(zip(loaded, splits.split_by_identity(manifest.load(tmp_path / "m.csv"), (0.5, 0.25, 0.25), 0), strict=True))
    assert split["dfdc/dfdc_train_part_0/awnfpubqmo"] == split["dfdc/dfdc_train_part_0/lnhkjhyhvw"]  # rows keep a part whole, too
    assert loaded["dfdc/dfdc_train_part_0/awnfpubqmo"] == (1, "unknown") and loaded["dfdc/test/uuuuuuuuuu"] == (0, "real")
    parts = rows.assign(split=["train", "val", "test", "", ""])
    assert {leak.kind for leak in table_check.leaks(parts)} == {"family", "group"}  # a part is one unit, and so are a film and its original


def test_dfdc_planted_faults(tmp_path):
    trees.dfdc(tmp_path)
    trees.edit(tmp_path, "dfdc_train_part_1/metadata.json", '"label": "REAL"', '"label": "MAYBE"')
    trees.edit(tmp_path, "dfdc_train_part_0/metadata.json", '"original": "lnhkjhyhvw.mp4"', '"original": "gone.mp4"')
    trees.edit(tmp_path, "test/labels.csv", "uuuuuuuuuu.mp4,0", "uuuuuuuuuu.mp4,2")
    found = problems("dfdc", tmp_path)
    assert {("dfdc_train_part_1/aaaaaaaaaa", "label_clip"), ("dfdc_train_part_0/awnfpubqmo", "original"), ("test/uuuuuuuuuu", "label_clip")} == found


def test_dfdc_preview(tmp_path):
    trees.put_json(tmp_path, "dataset.json", {"original_videos/1001/1001_A.mp4": {"label": "real", "set": "train"},
                                              "method_A/1001/1001_1002_A.mp4": {"label": "fake", "set": "test"}, "method_B/7/7_8_A.mp4": {"label": "real", "set": "train"}})
    rows = datasets.module("dfdc").rows(str(tmp_path))
    assert list(rows["forger_video"])[:2] == ["", "method_a"] and list(rows["identity_group"])[:2] == ["1001", "1001"] and set(rows["release"]) == {"preview"}
    assert ("method_B/7/7_8_A", "label_clip") in problems("dfdc", tmp_path, files=False)


@pytest.mark.parametrize("name,path,text", [("lavdf", "LAV-DF/metadata.min.json", "{"), ("lavdf", "LAV-DF/metadata.min.json", "{}"), ("lavdf", "LAV-DF/metadata.min.json", "[1]"),
                                            ("tvil", "TVIL/annotations/metadata.json", "[]"), ("tvil", "TVIL/annotations/metadata.json", '{"a": {"file": 3}}'),
                                            ("dfdc", "dfdc_train_part_0/metadata.json", "[]"), ("avdeepfake1m", "AV-Deepfake1M/val_metadata.json", '{"file": 1}'),
                                            ("faceforensics", "FaceForensics++/dataset/splits/val.json", '{"a": 1}'), ("dfdc", "test/labels.csv", "a;b\n")])
def test_lists_of_another_form_are_refused(tmp_path, name, path, text):
    getattr(trees, name)(tmp_path)
    (tmp_path / path).write_text(text)
    with pytest.raises(AvlabError):
        datasets.module(name).rows(str(tmp_path))


@pytest.mark.parametrize("name,path", [("lavdf", "LAV-DF/metadata.min.json"), ("avdeepfake1m", "AV-Deepfake1M/train_metadata.json"),
                                       ("tvil", "TVIL/annotations/metadata.json"), ("dfdc", "dfdc_train_part_0/metadata.json")])
def test_entries_of_strangers_do_not_crash_an_adapter(tmp_path, name, path):
    """Every field of an entry replaced by things that it should not be: the rows still come, or the list is refused, and check can be asked."""
    getattr(trees, name)(tmp_path)
    good = json.loads((tmp_path / path).read_text())
    key = 1 if isinstance(good, list) else next(iter(good))
    for field in good[key]:
        bad = [good[key] | {field: value} for value in (None, -1, "x", [], {}, [[1]], True, 1e400)]
        (tmp_path / path).write_text(json.dumps(bad if isinstance(good, list) else {f"{k}.mp4": entry for k, entry in enumerate(bad)}))
        try:
            problems(name, tmp_path, files=False)
        except AvlabError:
            assert name == "tvil" and field == "file"  # an entry without a file's name is no entry


@pytest.mark.parametrize("name", datasets.NAMES)
def test_every_set_has_a_card_that_names_its_forgers_and_its_command(name):
    text = (Path(__file__).parents[2] / f"data_manifests/{name}.md").read_text(encoding="utf-8")
    for heading in ("Access and licence", "Layout", "Where the columns come from", "Traps", "Splits", "Not settled", "Citation"):
        assert text.count(f"\n## {heading}\n") == 1
    assert f"avlab manifest build {name} " in text and f"avlab/clips/datasets/{name}.py" in text
    known = datasets.forgers(name)
    for forger in (*(known["video"] or ()), *known["audio"]):
        assert forger in text.lower(), forger
    assert f"data_manifests/{name}.md" in datasets.module(name).__doc__
