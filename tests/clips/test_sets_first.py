"""FakeAVCeleb, DF-TIMIT and LAV-DF, from trees with their true layout: every trap of theirs, and every planted fault by row and field."""

import json

import pytest
import trees
from trees import built, by_id, problems

from avlab.clips import datasets, manifest, table, table_splits
from avlab.errors import AvlabError

# ------------------------------------------------------------------------------------------------ FakeAVCeleb


def test_fakeavceleb_reads_four_categories_from_the_unnamed_tenth_column(tmp_path):
    rows = built("fakeavceleb", tmp_path)
    assert len(rows) == 12  # 13 lines of the list, one file stands there twice
    men = "African/men"
    said = {f"{trees.A}/{men}/id00076/00109": ("RVRA", "", ""), f"{trees.B}/{men}/id00076/00109_fake": ("RVFA", "", "sv2tts"),
            f"{trees.B}/Asian (East)/men/id06776/00021": ("RVFA", "", "sv2tts"),  # no _fake in the name of this one
            f"{trees.C}/{men}/id00076/00109_1_id00166": ("FVRA", "faceswap", ""), f"{trees.C}/{men}/id00166/00010": ("FVRA", "wav2lip", ""),
            f"{trees.D}/{men}/id00166/00010_id00076_id00220_wavtolip": ("FVFA", "faceswap+wav2lip", "sv2tts")}
    assert {key: (rows[key]["category"], rows[key]["forger_video"], rows[key]["forger_audio"]) for key in said} == said
    assert rows[f"{trees.A}/{men}/id00076/00109"]["path"] == f"FakeAVCeleb_v1.2/{trees.A}/{men}/id00076/00109.mp4"
    assert problems("fakeavceleb", tmp_path) == set()


def test_fakeavceleb_listed_twice_is_one_row_that_attribution_may_not_use(tmp_path):
    row = built("fakeavceleb", tmp_path)[f"{trees.D}/African/men/id00076/00109_id00166_wavtolip"]
    assert (row["attribution_class"], row["forger_video"], row["notes"]) == ("", "faceswap+wav2lip", "listed twice: faceswap-wav2lip, wav2lip")


def test_fakeavceleb_people_are_all_who_are_named_and_a_number_is_nobody(tmp_path):
    rows = built("fakeavceleb", tmp_path)
    swap = rows[f"{trees.C}/African/men/id00076/00109_id00166_2"]  # target2 is 2
    assert (swap["identity"], swap["donor"], swap["others"]) == ("vox2:id00076", "vox2:id00166", "")
    assert rows[f"{trees.D}/African/men/id00166/00010_id00076_id00220_wavtolip"]["others"] == "vox2:id00220"
    assert swap["original"] == f"fakeavceleb/{trees.A}/African/men/id00076/00109" and swap["cell"] == 0
    assert rows[f"{trees.A}/Asian (East)/men/id06776/00021"]["identity_group"] == "Asian (East)/men"


def test_fakeavceleb_people_cells_are_the_components(tmp_path):
    trees.fakeavceleb(tmp_path)
    rows = datasets.module("fakeavceleb").rows(str(tmp_path))
    groups = table_splits.components(rows)
    assert sorted(set(zip(groups, rows["identity_group"].astype(str), strict=True))) == [(0, "African/men"), (1, "Asian (East)/men")]


@pytest.mark.parametrize("base", ["", "FakeAVCeleb_v1.2"])
def test_clip_ids_do_not_depend_on_where_the_set_was_unpacked(tmp_path, base):
    trees.fakeavceleb(tmp_path)
    rows = datasets.module("fakeavceleb").rows(str(tmp_path / base))
    assert rows["clip_id"].iloc[0] == f"fakeavceleb/{trees.A}/African/men/id00076/00109"
    assert (tmp_path / base / rows["path"].iloc[0]).exists()


def test_fakeavceleb_films_that_are_not_listed_are_rows_without_a_method(tmp_path):
    trees.fakeavceleb(tmp_path)
    trees.touch(tmp_path, f"FakeAVCeleb_v1.2/{trees.C}/African/men/id00220/00045_id00076.mp4")
    row = by_id(datasets.module("fakeavceleb").rows(str(tmp_path)))[f"{trees.C}/African/men/id00220/00045_id00076"]
    assert (row["category"], row["forger_video"], row["donor"], row["attribution_class"]) == ("FVRA", "", "vox2:id00076", "")
    assert "not in meta_data.csv" in row["provenance"]


LIST = "FakeAVCeleb_v1.2/meta_data.csv"
FIRST, SWAP = f"{trees.A}/African/men/id00076/00109", f"{trees.C}/African/men/id00076/00109_1_id00166"
FAKEAVCELEB_FAULTS = {
    "method": (("faceswap,C", "magic,C"), (SWAP, "forger_video")),
    "category": (("real,A,", "real,C,"), (FIRST, "label_audio")),
    "type": ((f"real,A,{trees.A},African", f"real,A,{trees.C},African"), (FIRST, "label_video")),
    "source": (("id00076,-,-,real", "id00999,-,-,real"), (FIRST, "identity")),
    "gender": (("African,men,00109.mp4", "African,women,00109.mp4"), (FIRST, "identity_group")),
    "missing": (("00109.mp4,", "00110.mp4,"), (FIRST[:-5] + "00110", "path")),
    "away": (("FakeAVCeleb/RealVideo-RealAudio/African/men/id00076", "../../etc"), ("../../etc/00109", "path")),
    "absolute": (("FakeAVCeleb/RealVideo-RealAudio/African/men/id00076", "../../../../../etc"), ("../../../../../etc/00109", "path"))}


@pytest.mark.parametrize("name", FAKEAVCELEB_FAULTS)
def test_fakeavceleb_planted_faults_are_found_by_row_and_field(tmp_path, name):
    change, fault = FAKEAVCELEB_FAULTS[name]
    trees.fakeavceleb(tmp_path)
    trees.edit(tmp_path, LIST, *change)
    found = problems("fakeavceleb", tmp_path)
    assert fault in found and {clip for clip, _ in found} == {fault[0]}


def test_fakeavceleb_another_header_is_refused(tmp_path):
    trees.fakeavceleb(tmp_path)
    trees.edit(tmp_path, LIST, "source,target1", "id,target1")
    with pytest.raises(AvlabError, match="tenth column"):
        datasets.module("fakeavceleb").rows(str(tmp_path))


# ------------------------------------------------------------------------------------------------ DF-TIMIT


def test_dftimit_sound_lies_beside_and_is_real(tmp_path):
    rows = built("dftimit", tmp_path)
    row = rows["higher_quality/fadg0/sa1-video-fram1"]
    assert (row["category"], row["quality"], row["forger_video"]) == ("FVRA", "HQ", "faceswap_gan_hq")
    assert row["audio_path"] == "DeepfakeTIMIT/higher_quality/fadg0/sa1-video-fram1.wav" and row["original"] == "dftimit/VidTIMIT/fadg0/sa1"
    assert row["identity_group"] == rows["VidTIMIT/fram1/sa2"]["identity_group"] == "fadg0+fram1"
    assert len(rows) == 8 + 5 and rows["VidTIMIT/felc0/sa1"]["category"] == "RVRA"
    assert not [key for key in rows if "head" in key]


def test_dftimit_pairs_and_qualities_stay_together(tmp_path):
    trees.dftimit(tmp_path)
    rows = datasets.module("dftimit").rows(str(tmp_path))
    groups = dict(zip(rows["clip_id"].str.removeprefix("dftimit/"), table_splits.components(rows), strict=True))
    pair = {groups[key] for key in groups if "fadg0" in key or "fram1" in key}
    assert len(pair) == 1 and len(set(groups.values())) == 3  # two pairs, and one person who is in none
    assert rows["variant_of"].value_counts().drop("").eq(2).all()


def test_dftimit_without_vidtimit_has_no_reals_and_names_no_originals(tmp_path):
    trees.dftimit(tmp_path)
    (tmp_path / "VidTIMIT").rename(tmp_path / "elsewhere")
    rows = datasets.module("dftimit").rows(str(tmp_path))
    assert set(rows["label_clip"]) == {"fake"} and set(rows["original"]) == {""} and problems("dftimit", tmp_path) == set()


def test_dftimit_folders_of_pictures_and_lost_sidecars_are_named(tmp_path):
    trees.dftimit(tmp_path)
    folders = {(f"VidTIMIT/{person}", "path") for person in ("fadg0/sa1", "fram1/sa2", "mabw0/sx30", "mbjk0/si9", "felc0/sa1")}
    assert problems("dftimit", tmp_path) == folders
    (tmp_path / "DeepfakeTIMIT/lower_quality/mabw0/sx30-video-mbjk0.wav").unlink()
    trees.touch(tmp_path, "DeepfakeTIMIT/lower_quality/mabw0/sx31.avi", "DeepfakeTIMIT/lower_quality/mabw0/sx31.wav")
    assert problems("dftimit", tmp_path) == folders | {("lower_quality/mabw0/sx30-video-mbjk0", "audio_path"), ("lower_quality/mabw0/sx31", "donor")}


# ------------------------------------------------------------------------------------------------ LAV-DF


@pytest.mark.parametrize("name,more", [("metadata.min.json", {}), ("metadata.json", {"transcript": "hello, \"you\"", "timestamps": [["hello", 0.1, 0.4]]})])
def test_lavdf_reads_flags_periods_and_splits(tmp_path, name, more):
    rows = built("lavdf", tmp_path, listed=name, **more)
    both, video, audio = (rows[key] for key in ("train/000001", "train/000002", "dev/000004"))
    assert [row["category"] for row in (both, video, audio)] == ["FVFA", "FVRA", "RVFA"]
    assert both["duration_s"] != rows["train/000000"]["duration_s"]  # a changed sound re-times the picture: not a fault
    assert (both["segments_video"], both["segments_audio"]) == ("1.0:1.6", "1.0:1.6") and both["scope"] == "partial"
    assert (video["segments_video"], video["segments_audio"]) == ("1.0:1.5", "")
    assert audio["segments_audio"] == "0.5:0.9;2.0:3.0"  # in order, and the frame after the end cut off
    assert (audio["split_official"], audio["split_raw"]) == ("val", "dev") and problems("lavdf", tmp_path) == set()


def test_lavdf_nobody_is_named_so_a_film_and_what_was_made_of_it_are_one_unit(tmp_path):
    rows = built("lavdf", tmp_path)
    assert {rows[key]["identity"] for key in ("train/000000", "train/000001", "train/000002")} == {"lavdf:000000"}


def test_lavdf_chains_of_originals_end_at_the_first_and_circles_end(tmp_path):
    trees.lavdf(tmp_path)
    data = json.loads((tmp_path / "LAV-DF/metadata.min.json").read_text())
    data[2]["original"] = "train/000001.mp4"
    trees.put_json(tmp_path, "LAV-DF/metadata.min.json", data)
    rows = by_id(datasets.module("lavdf").rows(str(tmp_path)))
    assert rows["train/000002"]["identity"] == "lavdf:000000"
    assert ("train/000002", "original") in problems("lavdf", tmp_path)  # and it is no real clip
    data[1]["original"] = "train/000002.mp4"
    trees.put_json(tmp_path, "LAV-DF/metadata.min.json", data)
    datasets.module("lavdf").rows(str(tmp_path))


LAVDF_FAULTS = {  # row of the list, change, column
    "flag": (1, {"modify_video": "yes"}, "label_video"), "number": (1, {"modify_audio": 1.5}, "label_audio"),
    "periods of a real clip": (0, {"fake_periods": [[0.0, 1.0]], "n_fakes": 1}, "segments_video"),
    "count": (2, {"n_fakes": 3}, "segments_video"), "no period": (2, {"fake_periods": [], "n_fakes": 0}, "scope"),
    "backwards": (2, {"fake_periods": [[1.5, 1.0]]}, "segments_video"), "overlap": (4, {"fake_periods": [[0.0, 1.0], [0.9, 1.2]]}, "segments_audio"),
    "after the end": (2, {"fake_periods": [[4.0, 6.0]]}, "segments_video"), "no list": (2, {"fake_periods": [["a", 2]]}, "segments_video"),
    "split": (3, {"split": "valid"}, "split_official"), "other folder": (3, {"split": "test"}, "split_official"),
    "original": (2, {"original": "train/999999.mp4"}, "original"), "length": (2, {"duration": -1.0}, "duration_s")}


@pytest.mark.parametrize("name", LAVDF_FAULTS)
def test_lavdf_planted_faults_are_found_by_row_and_field(tmp_path, name):
    number, change, column = LAVDF_FAULTS[name]
    trees.lavdf(tmp_path)
    data = json.loads((tmp_path / "LAV-DF/metadata.min.json").read_text())
    data[number] |= change
    trees.put_json(tmp_path, "LAV-DF/metadata.min.json", data)
    found = problems("lavdf", tmp_path)
    assert {clip for clip, _ in found} == {trees.LAVDF[number]["file"][:-4]} and column in {column for _, column in found}


@pytest.mark.parametrize("file,column", [("../../etc/passwd", "path"), ("/etc/passwd.mp4", "path"), ("train/none.mp4", "path")])
def test_lavdf_paths_of_strangers(tmp_path, file, column):
    trees.lavdf(tmp_path)
    trees.edit(tmp_path, "LAV-DF/metadata.min.json", '"file": "test/000005.mp4"', json.dumps({"file": file})[1:-1])
    assert column in {column for _, column in problems("lavdf", tmp_path)}


def test_lavdf_names_with_odd_characters_are_left_out_and_told(tmp_path):
    trees.lavdf(tmp_path)
    trees.edit(tmp_path, "LAV-DF/metadata.min.json", '"file": "test/000005.mp4"', '"file": "test/0000\\n05.mp4"')
    rows = datasets.module("lavdf").rows(str(tmp_path))
    assert len(rows) == 5 and rows.attrs["left_out"] == ("'LAV-DF/test/0000\\n05.mp4'",)


# ------------------------------------------------------------------------------------------------ all of them


@pytest.mark.parametrize("name", ["fakeavceleb", "dftimit", "lavdf"])
def test_from_tree_to_rows_that_load(tmp_path, name):
    """Table, file, table again and Row: nothing is lost on the way, and a second route reads the same labels."""
    rows = datasets.module(name).rows(str((getattr(trees, name)(tmp_path), tmp_path)[1]))
    table.write(rows, tmp_path / "m.csv")
    again = table.read(tmp_path / "m.csv")
    assert again.problems == () and again.rows.equals(rows)
    loaded = manifest.load(tmp_path / "m.csv")
    assert loaded.problems == () and [row.clip_id for row in loaded] == list(rows["clip_id"])
    assert [row.label for row in loaded] == list((rows["label_clip"] == "fake").astype(int))
    manifest.save(loaded, tmp_path / "n.csv")
    assert manifest.load(tmp_path / "n.csv").rows == loaded.rows


@pytest.mark.parametrize("name", datasets.NAMES[:2] + ("lavdf",))
def test_another_folder_is_refused(tmp_path, name):
    with pytest.raises(AvlabError, match="nothing"):
        datasets.module(name).rows(str(tmp_path))
    with pytest.raises(AvlabError, match="folder"):
        datasets.module(name).rows(str(tmp_path / "none"))
