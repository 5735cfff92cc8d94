"""The papers' splits: their numbers, their people, their generators; and the commands, from a tree to a split that was checked."""

import random
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import trees
from clip_maker import clock_frames, track, voice, write_film
from typer.testing import CliRunner

from avlab.clips import commands, datasets, manifest, protocols, table, table_check, table_splits
from avlab.clips.datasets import dftimit
from avlab.errors import AvlabError


@pytest.fixture(scope="module")
def whole():
    """A table of FakeAVCeleb's size and form: 10 cells of 50 people, fakes inside the cells, faceswap and wav2lip plenty, fsgan scarce."""
    rng, rows = random.Random(0), []
    for cell in range(10):
        members = [f"vox2:id{cell * 50 + k:05d}" for k in range(50)]
        for person in members:
            rows += [(f"g{cell}", person, "", "RVRA", "", ""), (f"g{cell}", person, "", "RVFA", "", "sv2tts")]
            for forger, n in (("faceswap", 6), ("wav2lip", 10), ("fsgan", 2)):
                donors = [rng.choice(members) if forger != "wav2lip" else "" for _ in range(n)]
                rows += [(f"g{cell}", person, donor if donor != person else "", "FVRA", forger, "") for donor in donors]
            rows += [(f"g{cell}", person, rng.choice(members), "FVFA", "faceswap+wav2lip", "sv2tts")]
    group, identity, donor, category, video, audio = zip(*rows, strict=True)
    labels = {"R": "real", "F": "fake"}
    return table.complete(pd.DataFrame({"clip_id": [f"fakeavceleb/{k}" for k in range(len(rows))], "path": [f"{k}.mp4" for k in range(len(rows))],
                                        "identity_group": group, "identity": identity, "donor": donor, "label_video": [labels[name[0]] for name in category],
                                        "label_audio": [labels[name[2]] for name in category], "forger_video": video, "forger_audio": audio}), "fakeavceleb")


def split_of(rows, made):
    return rows.assign(split=made)


def counted(rows, made):
    kind = np.where(table.classes(rows) == "real", "real", rows["forger_video"].astype(object))
    return {name: tuple(Counter(np.asarray(made)[kind == name])[part] for part in ("train", "val", "test")) for name in protocols.AMDD}


def test_amdd_has_the_numbers_of_table_three_and_people_on_screen_apart(whole):
    made = protocols.amdd(whole)
    assert counted(whole, made) == protocols.AMDD
    used = whole[made != ""]
    assert set(used["category"]) == {"RVRA", "FVRA"} and sum(sum(row) for row in protocols.AMDD.values()) == len(used) == 1464
    on_screen = protocols._alone(split_of(whole, made))
    assert table_check.leaks(on_screen) == [] and table_check.leaks(split_of(whole, made)) != []  # donors stand on several sides, and check says so
    assert list(protocols.amdd(whole, seed=1)) != list(made) == list(protocols.amdd(whole))


def test_amdd_disjoint_keeps_donors_apart_and_takes_what_is_left(whole):
    made = protocols.amdd(whole, disjoint=True)
    assert table_check.leaks(split_of(whole, made)) == []
    got = counted(whole, made)
    assert got["real"] == (350, 75, 75) and all(a <= b for name in got for a, b in zip(got[name], protocols.AMDD[name], strict=True))
    assert got["wav2lip"] == (350, 75, 75) and got["faceswap"][1] < 57  # the donor of most swaps is in another part


def test_amdd_of_dftimit_and_of_others(tmp_path, whole):
    trees.dftimit(tmp_path)
    rows = datasets.module("dftimit").rows(str(tmp_path))
    assert Counter(zip(rows["label_clip"], protocols.amdd(rows), strict=True)) == {("real", "train"): 5, ("fake", "test"): 8}
    with pytest.raises(AvlabError, match="table III"):
        protocols.amdd(rows.assign(dataset=pd.Categorical(["lavdf"] * len(rows))))
    with pytest.raises(AvlabError, match="265 clips of faceswap"):
        protocols.amdd(whole[(whole["forger_video"] != "faceswap") | (whole.index % 10 == 0)])


def test_mrdf_folds_are_balanced_and_partition_people(whole):
    tests = []
    for fold in range(5):
        made = protocols.mrdf(whole, fold=fold)
        table_of = pd.crosstab(whole["category"].astype(str), made)
        assert table_of["test"].tolist() == [100] * 4 and table_of["train"].tolist() == [400] * 4  # 500 of each, one a person
        tests.append(set(whole["identity"][made == "test"]))
        assert not tests[-1] & set(whole["identity"][made == "train"])
    assert len(set.union(*tests)) == 500 == sum(map(len, tests))
    with pytest.raises(AvlabError, match="folds"):
        protocols.mrdf(whole, fold=5)


def test_people_of_fakeavceleb_are_parted_inside_cells_where_components_are_cells(whole):
    assert len(set(table_splits.components(whole))) == 10  # so a split by components has 10 units, and one by people has 500
    made = table_splits.by_people(whole, (0.7, 0.1, 0.2), 0)
    assert table_check.leaks(split_of(whole, made)) == []
    reals = pd.crosstab(whole["identity_group"].astype(str)[whole["category"] == "RVRA"], made[(whole["category"] == "RVRA").to_numpy()])
    assert reals[["train", "val", "test"]].drop_duplicates().to_numpy().tolist() == [[35, 5, 10]]  # in every cell
    assert "rows in no split" in protocols.dropped(whole, made)


def test_generators_are_apart_and_so_are_people(whole):
    made, name = protocols.assign(whole, "generator", train=["faceswap", "fsgan"], test=["wav2lip"], fractions=(0.6, 0.2, 0.2))
    rows = split_of(whole, made)
    assert table_check.leaks(rows, generators=True) == [] and "train faceswap+fsgan test wav2lip" in name
    fakes = rows[(rows["split"] != "") & (rows["forger_video"] != "")]
    assert set(zip(fakes["split"], fakes["forger_video"], strict=True)) == {("train", "faceswap"), ("train", "fsgan"), ("val", "faceswap"), ("val", "fsgan"), ("test", "wav2lip")}
    for train, test in (([], ["magic"]), (["fsgan"], ["fsgan"])):
        with pytest.raises(AvlabError, match="one side"):
            protocols.assign(whole, "generator", train=train, test=test)


def test_xavdt_trains_on_three_generators_and_tests_on_three_others(tmp_path):
    trees.mmdf(tmp_path)
    trees.touch(tmp_path / "MMDF", "test/fake/Hallo2/0009.mp4", "train/fake/AniPortrait/0009.mp4")  # on the wrong side: used nowhere
    rows = datasets.module("mmdf").rows(str(tmp_path))
    made = protocols.xavdt(rows)
    assert table_check.leaks(split_of(rows, made), generators=True) == []
    assert set(rows["path"][made == ""]) == {"MMDF/test/fake/Hallo2/0009.mp4", "MMDF/train/fake/AniPortrait/0009.mp4"}
    assert Counter(made) == {"train": 9, "val": 9, "test": 9, "": 2}
    assert "name no one" in " ".join(table_check.notices(split_of(rows, made)))


def test_unknown_schemes_list_the_known_ones(whole):
    with pytest.raises(AvlabError, match="identity, people, official"):
        protocols.assign(whole, "random")


# ------------------------------------------------------------------------------------------------ commands


def avlab(*words):
    return CliRunner().invoke(commands.app, [str(word) for word in words])


@pytest.fixture
def set_of_films(tmp_path):
    """FakeAVCeleb's tree with real films: fakes start with 0.2 s of digital silence, and one film is broken."""
    root = tmp_path / "data"
    trees.fakeavceleb(root)
    for kind, silent in (("real", 0), ("fake", 3200)):
        sound = voice(0.4, 16000)
        sound[:silent] = 0
        write_film(tmp_path / f"{kind}.mp4", clock_frames(np.arange(10) / 25), tracks=[track(sound, 16000)])
    for path in (root / "FakeAVCeleb_v1.2").rglob("*.mp4"):
        shutil.copy(tmp_path / ("real.mp4" if trees.A in str(path) else "fake.mp4"), path)
    return root


def test_build_check_and_split_end_to_end(set_of_films, tmp_path):
    out, root = tmp_path / "m.csv.gz", set_of_films
    done = avlab("build", "fakeavceleb", "--root", root, "--out", out)
    assert done.exit_code == 0 and "12 rows written" in done.output and "12 of 12 measured" in done.output, done.output
    done = avlab("check", out, "--root", root)
    assert done.exit_code == 0 and "12 good rows, 0 problems" in done.output and "leading_silence_s" in done.output, done.output
    line = next(line for line in done.output.splitlines() if line.startswith("leading_silence_s  label_clip"))
    assert line.split("  ")[-1].strip() == "too few people" and "1.00" in line  # the planted silence, of four people
    done = avlab("split", out, "--out", tmp_path / "s.csv", "--scheme", "identity", "--fractions", "0.5,0.25,0.25", "--root", root)
    assert done.exit_code == 0, done.output
    rows = manifest.load(tmp_path / "s.csv", root=root)
    assert len(rows) == 12 and rows.problems == () and manifest.leaks(rows) == [] and rows[0].value("split_scheme").startswith("identity 0.5,0.25,0.25 seed 0 sha256:")
    again = avlab("build", "fakeavceleb", "--root", root, "--out", out)
    assert "12 films are measured, 0 to go" in again.output
    next((root / "FakeAVCeleb_v1.2").rglob("*.mp4")).write_text("no film")
    done = avlab("build", "fakeavceleb", "--root", root, "--out", out)
    assert done.exit_code == 1 and "not measured" in done.output


def test_planted_faults_are_reported_by_line_and_column(set_of_films, tmp_path):
    trees.edit(set_of_films, "FakeAVCeleb_v1.2/meta_data.csv", "faceswap,C", "magic,C")
    assert avlab("build", "fakeavceleb", "--root", set_of_films, "--out", tmp_path / "m.csv", "--no-measure").exit_code == 0
    done = avlab("check", tmp_path / "m.csv", "--root", set_of_films)
    assert done.exit_code == 1 and "line 8, forger_video: fakeavceleb has faceswap, fsgan, wav2lip, not 'magic'" in done.output, done.output
    assert "12 of 12 films are not measured" in done.output
    done = avlab("split", tmp_path / "m.csv", "--out", tmp_path / "s.csv")
    assert done.exit_code == 1 and "left out: line 8" in done.output and len(table.read(tmp_path / "s.csv").rows) == 11


def test_many_problems_of_one_kind_are_counted_unless_all_are_wanted(tmp_path):
    lines = ["clip_id,dataset,label_video,label_audio,path", *(f"c{k},x,odd,real,{k}.mp4" for k in range(30))]
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    short, full = avlab("check", tmp_path / "m.csv").output, avlab("check", tmp_path / "m.csv", "--all").output
    assert "and 20 more of label_video" in short and short.count("must be one of") == 10 and full.count("must be one of") == 30


def refused(*words):
    with pytest.raises(AvlabError) as caught:
        raise avlab(*words).exception
    return str(caught.value)


def test_commands_refuse_in_a_sentence(tmp_path):
    trees.lavdf(tmp_path)
    assert "--root" in refused("build", "lavdf") and "data sets are" in refused("build", "nothing", "--root", tmp_path, "--out", tmp_path / "m.csv")
    assert ".csv.gz" in refused("build", "lavdf", "--root", tmp_path, "--out", tmp_path / "m.xlsx")
    assert avlab("build", "lavdf", "--root", tmp_path, "--out", tmp_path / "m.csv", "--no-measure").exit_code == 0
    (tmp_path / "sub").mkdir()
    assert "beside its source" in refused("split", tmp_path / "m.csv", "--out", tmp_path / "sub/s.csv")
    assert "three numbers" in refused("split", tmp_path / "m.csv", "--out", tmp_path / "s.csv", "--fractions", "1")
    done = avlab("split", tmp_path / "m.csv", "--out", tmp_path / "s.csv", "--scheme", "official")
    assert done.exit_code == 0 and "3 train, 2 val, 1 test" in done.output, done.output


def test_pictures_of_vidtimit_become_films_with_their_sound(tmp_path):
    import cv2
    import soundfile

    root = tmp_path
    (root / "VidTIMIT/fadg0/video/sa1").mkdir(parents=True)
    (root / "VidTIMIT/fadg0/audio").mkdir()
    for k, picture in enumerate(clock_frames(np.arange(8) / 25)):
        cv2.imwrite(str(root / f"VidTIMIT/fadg0/video/sa1/{k + 1:03d}.jpg"), picture[..., ::-1])
        (root / f"VidTIMIT/fadg0/video/sa1/{k + 1:03d}.jpg").rename(root / f"VidTIMIT/fadg0/video/sa1/{k + 1:03d}")  # no ending, as in the release
    soundfile.write(root / "VidTIMIT/fadg0/audio/sa1.wav", voice(0.32, 32000), 32000)
    assert dftimit.assemble(str(root), say=lambda text: None) == 1 == 1 + dftimit.assemble(str(root), say=lambda text: None)
    trees.touch(root, "DeepfakeTIMIT/higher_quality/fadg0/sa1-video-fram1.avi")
    row = trees.by_id(dftimit.rows(str(root)))["VidTIMIT/fadg0/sa1"]
    from avlab.clips import load_clip

    clip = load_clip(str(root / row["path"]))
    assert row["audio_path"] == "" and len(clip.frames) == 8 and clip.audio.std() > 0.01 and clip.frames[0, 2, 2, 0] > clip.frames[0, 2, 2, 2]  # red stays red
