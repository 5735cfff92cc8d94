"""A manifest of AV-Deepfake1M's size: read, checked and split in one process, whose memory is measured (seconds are printed, not judged)."""

import pytest
import table_scale


def test_a_small_one_is_clean_and_splits_by_people(tmp_path):
    said = table_scale.main(4000, tmp_path)
    assert (said["rows"], said["problems"], said["leaks"]) == (4000, 0, 0) and set(said["sizes"]) == {"train", "val", "test"}


@pytest.mark.slow
def test_a_million_rows_stay_under_four_gigabytes(tmp_path, capsys):
    said = table_scale.main(folder=tmp_path)
    with capsys.disabled():
        print(said)
    assert said["rows"] == table_scale.ROWS and said["problems"] == said["leaks"] == 0 and said["peak_gb"] < 4
