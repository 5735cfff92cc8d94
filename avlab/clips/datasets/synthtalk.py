"""The rows of SynthTalk, the embedded world: a recipe that gives the same manifest everywhere.

Knows nothing of pictures and sound: `avlab.synthtalk` renders what a row says.
"""

import hashlib

from avlab.clips.rows import Row, category

PEOPLE = {"train": range(0, 60), "val": range(60, 78), "test": range(78, 102)}  # ids from 1000 on train the bundled probe and never stand here
CELLS = 6  # identity % 6, so every split holds all cells
RECIPES = (  # (video, audio) forgers, FakeAVCeleb's three fake categories
    ("faceswap", ""), ("reenact", ""), ("lipsync", ""), ("ldm", ""), ("flow", ""), ("dub", ""),  # FVRA
    ("", "rtvc"),  # RVFA
    ("faceswap", "rtvc"), ("lipsync", "rtvc"))  # FVFA
_PICTURE = tuple(video for video, audio in RECIPES if not audio)
SHORT, MEDIUM, LONG = 0.64, 1.28, 6.4  # seconds: 16, 32 and 160 frames
REALS = {SHORT: 12, MEDIUM: 3, LONG: 3}  # clips a person
FAKES = {SHORT: 4, MEDIUM: 1}  # clips a person and recipe
FRAME_MS = 40
SEEN, UNSEEN = ("faceswap", "reenact", "ldm"), ("lipsync", "flow", "dub")  # the generator-disjoint protocol: forgers to train on, forgers to test on


def rows():
    """All rows of SynthTalk, in order of identity.

    Every fake names the seeds of one real clip of the same person (its source), as in public sets, where forgers start from real
    films: so speech, pose and light of reals and fakes are drawn from the same hat, and pairs can be compared.
    The long clips hold partial forgeries: one with forged spans in the picture, one in the sound, one in both.

    Returns a tuple of Row.
    """
    made = []
    for split, people in PEOPLE.items():
        for person in people:
            for duration_s in (SHORT, MEDIUM, LONG):
                made += _clips(person, split, duration_s)
    return tuple(made)


def generator_disjoint(rows, *, train=SEEN, test=UNSEEN):
    """Keep the rows of the generator-disjoint protocol: these forgers and reals to train on, others and reals to test on.

    The split of a person does not change, so the test forgers and the test people are both new.
    rows   rows with a split;  train, test   names of Row.forger; the validation split follows train
    Returns a list of rows.
    """
    allowed = {"train": {"real", *train}, "val": {"real", *train}, "test": {"real", *test}}
    return [row for row in rows if row.forger in allowed.get(row.split, ())]


def _number(n, *key):
    """A whole number in 0..n-1 that depends on the key alone; a digest, because library generators may change their streams."""
    text = "/".join(map(str, ("synthtalk", *key)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % n


def _clips(person, split, duration_s):
    frames = round(duration_s * 1000 / FRAME_MS)
    seeds = [_seeds(person, frames, index) for index in range(REALS[duration_s])]
    made = [_row(person, split, duration_s, f"{frames}f-real-{index}", source) for index, source in enumerate(seeds)]
    if duration_s == LONG:
        return made + [_partial(person, split, kind, seeds[kind]) for kind in range(3)]
    for video, audio in RECIPES:
        name = "+".join(filter(None, (video, audio)))
        order = sorted(range(len(seeds)), key=lambda index: _number(2**32, person, frames, name, "source", index))
        for index in range(FAKES[duration_s]):
            made.append(_row(person, split, duration_s, f"{frames}f-{name}-{index}", seeds[order[index]], video, audio))
    return made


def _partial(person, split, kind, seeds):
    """One long clip with 1 or 2 forged spans: kind 0 in the picture, 1 in the sound, 2 in both."""
    video = (_PICTURE[_number(len(_PICTURE), person, "partial-video")] if kind == 0
             else ("faceswap", "lipsync")[_number(2, person, "partial-both")] if kind == 2 else "")
    audio = "rtvc" if kind else ""
    name = f"160f-partial-{'+'.join(filter(None, (video, audio)))}"
    spans = _spans(person, name)
    # in half of the clips with both streams forged the two are forged at different times
    spans_audio = _spans(person, name, "audio") if kind == 2 and _number(2, person, "apart") else spans
    return _row(person, split, LONG, name, seeds, video, audio, spans if video else (), spans_audio if audio else ())


def _spans(*key):
    """One or two forged spans of 0.6 to 1.6 s on the frame grid, anywhere in the clip, at least 0.4 s apart."""
    total, gap = 160, 10
    lengths = [15 + _number(26, *key, "length", i) for i in range(1 + _number(2, *key, "count"))]
    slack = total - sum(lengths) - gap * (len(lengths) - 1)
    cuts = sorted(_number(slack + 1, *key, "start", i) for i in range(len(lengths)))
    spans, used = [], 0
    for cut, length in zip(cuts, lengths, strict=True):
        start = cut + used
        spans.append((start * FRAME_MS / 1000, (start + length) * FRAME_MS / 1000))
        used += length + gap
    return tuple(spans)


def _seeds(person, frames, index):
    return {f"{name}_seed": _number(10**6, person, frames, index, name) for name in ("speech", "motion", "camera")}


def _row(person, split, duration_s, name, seeds, video="", audio="", spans_video=(), spans_audio=()):
    clip_id = f"st-{person:03d}-{name}"
    label_video, label_audio = ("fake" if video else "real"), ("fake" if audio else "real")
    return Row(clip_id, "synthtalk", category(label_video, label_audio), label_video, label_audio, video, audio, person,
               _donor(person, split, clip_id) if video == "faceswap" else -1, person % CELLS, split, duration_s, **seeds,
               forger_seed=_number(10**6, clip_id, "forger") if video or audio else 0,
               segments_video=spans_video, segments_audio=spans_audio)


def _donor(person, split, clip_id):
    """Someone else of the same cell and the same split: a donor from elsewhere would leak a face across the splits."""
    others = [other for other in PEOPLE[split] if other % CELLS == person % CELLS and other != person]
    return others[_number(len(others), clip_id, "donor")]
