"""Words of notebook 00 follow their numbers, also where a result turns out the other way."""

from types import SimpleNamespace

import pytest

from avlab.course import nb00_words as words


def at(value, half=0.05):
    return SimpleNamespace(value=value, lo=value - half, hi=value + half)


@pytest.mark.parametrize("after, word", [(0.9, "jumps"), (0.6, "rises"), (0.51, "hardly moves"), (0.3, "falls")])
def test_silence(after, word):
    assert f"rtvc {word} from 0.50" in words.silence(at(0.5), at(after), "rtvc", 120)["alt"]


@pytest.mark.parametrize("clip, person, said", [(0.9, 0.5, ": the first score was"), (0.95, 0.75, ": part of the first"), (0.6, 0.58, "differ little"),
                                                (0.5, 0.8, "better than known ones")])
def test_splits(clip, person, said):
    assert said in words.splits(at(clip), at(person))["alt"]
