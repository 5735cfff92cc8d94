"""The sentences under the figures of notebook 00, filled from results; every finding word stands in a branch, so words follow numbers.

Each function returns {"alt": ..., "caption": ...} for nb.show.
"""

import numpy as np


def told(alt, caption):
    return {"alt": " ".join(alt.split()), "caption": " ".join(caption.split())}


def listed(names):
    names = [str(n) for n in names]
    return "none" if not names else names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def span(interval):
    return f"{interval.value:.2f} [{interval.lo:.2f}, {interval.hi:.2f}]"


def spans(segments):
    return listed(f"{a:.2f} to {b:.2f} s" for a, b in segments) if segments else "nothing"


def read_aloud(row):
    """A manifest row as a sentence."""
    picture = f"the picture is {row.label_video}" + (f" ({row.forger_video}, {spans(row.segments_video) if row.segments_video else 'all of it'})" if row.forger_video else "")
    sound = f"the sound is {row.label_audio}" + (f" ({row.forger_audio}, {spans(row.segments_audio) if row.segments_audio else 'all of it'})" if row.forger_audio else "")
    donor = f", with the face of person {row.donor}" if row.donor != -1 else ""
    return "\n".join([f"{row.clip_id}: {row.duration_s} s of person {row.identity}{donor};", f"{picture},", f"{sound};",
                      f"category {row.category}, split {row.split}, label {row.label}."])


def sheet(people, forgers):
    return told(f"{people} people, one a column, each real and forged in {forgers} ways: at this size every picture passes for the real one at a glance.",
                "One real film a column, and its forgeries below, a row a forger. Rest the mouse on a column, or reach it with the tab key, and it moves. "
                "The people were drawn by the seed before anybody looked: one of each of the six cells.")


def players(names):
    return told(f"A player with one film in four categories: {listed(names)}. Only the streams named F differ from the real film.",
                "V is video, A is audio, R real, F fake. Play the first and the second one after the other: nothing in the picture has changed.")


def beat1(row, gap):
    agree = "the mouth is open in vowels and nearly closed at m, b and p" if gap["vowels"] - gap["closed"] > 0.3 else "the mouth does not follow the phonemes here"
    return told(f"Row {row.clip_id}: {row.category}, picture forged in {spans(row.segments_video)}, sound in {spans(row.segments_audio)}; {agree}.",
                "One axis for everything: seconds. The dashed spans are the truth that the row holds; nothing in them was computed from the clip.")


def beat2(same, pct, around):
    first = "Same row: 0 pixels differ" if same == 0 else f"Same row: {same} pixels differ, so a row does not determine its clip"
    where = "around the mouth" if around > 0.8 else "also away from the mouth"
    return told(f"{first}; new speech seed: only {100 * pct:.0f} % of pixels, {where}.",
                "The frame in the middle and, below it, how far it is from the first one. Speech moves the mouth, motion the head, the camera everything; "
                "the dub touches what the speech seed touches, and nothing else.")


def beat3(closed, vowels):
    shut = "lips are nearly closed at every m, b and p" if max(closed, default=0) < 0.35 else "some m, b or p is not closed"
    gap = float(np.mean(vowels)) - float(np.mean(closed)) if closed and vowels else 0.0
    return told(f"Opening and loudness rise together: the mouth is {100 * gap:.0f} points of its range wider at open vowels than at m, b, p; {shut}.",
                "One phoneme track drives both. The voice reads its formants, the face its opening. That is why a real clip's picture and sound agree, and all that a dub breaks.")


def moment(seconds, symbol, opening, loudness):
    return f"At {seconds:.2f} s: phoneme {symbol}, opening {opening:.2f}, loudness {loudness:.0f} dB."


def file(found, frames):
    close = "hardly to be told from" if found.psnr > 35 else "close to" if found.psnr > 28 else "visibly worse than"
    return told(f"Read back from a file of {found.size / 1000:.0f} kB, the {frames} frames are {close} what was written ({found.psnr:.1f} dB) and the sound is {found.lag_ms:.1f} ms away from its place.",
                "Above what was rendered, in the middle what the decoder gave back, below the difference. A real film comes to the detectors by this second way.")


def traces(lattice_db, lag, step, standing):
    """lattice_db of reenact, lag (ms) of lipsync, step (grey levels) of faceswap, standing {forger: correlation of its detail in distant frames}."""
    made = f"reenact has {lattice_db:+.1f} dB at the finest stripes against its source"
    late = f"lipsync agrees best {lag:.0f} ms late" if lag > 0 else "lipsync is not late in these few clips"
    edge = f"inside a swapped face the mean colour is {step:.1f} grey levels off" if step > 0.5 else f"the swapped face's colour matches to {step:.1f} grey levels"
    riding = [name for name, value in standing.items() if value > 0.25]
    rides = f"the mistakes of {listed(riding)} ride along with the head" if riding else "nobody's mistakes ride along with the head"
    return told(f"Four traces with a cause: {made}; {late}; {edge}; {rides}.",
                "Every forger is drawn in every panel where it can be: a trace is one forger's only where the others do not show it. Each was measured against the same clip before it was "
                "forged, which no detector has. Below right: a sampler that starts all frames from one noise repeats its mistakes; one that draws each frame alone does not.")


def revealed(rows):
    names = ", ".join(f"{letter} {row.forger}" for letter, row in zip("ABCDEFGH", rows))
    return told(f"{sum(row.label for row in rows)} of the eight are forged: {names}.",
                "Hatching with an outline always means true forged pixels. No explanation of a detector is ever drawn like that.")


def protocols(leaks, leaks_apart):
    first = "No person stands in two splits" if leaks == 0 else f"{leaks} leaks between the splits"
    second = "in the second protocol no forger does either" if leaks_apart == 0 else f"the second protocol has {leaks_apart} leaks"
    return told(f"{first}; {second}.", "The second protocol keeps the first one's people apart and, on top of it, trains on some forgers and tests on others.")


def votes(rows, excluded):
    return told(f"6 of 8 right has the interval {rows[6][2] / 8:.2f} to {rows[6][3] / 8:.2f}: eight guesses cannot show skill unless {listed(excluded)} are right.",
                "All nine results that eight guesses can have, with their Wilson intervals; the line is what a coin gets. Your own result is the dashed one.")


def audit(table, band, limit=0.60):
    name, worst = max(table.items(), key=lambda item: item[1].value)
    over = [n for n, i in table.items() if i.value >= limit]
    first = f"No forger is above {limit:.2f}: highest {name} {span(worst)}" if not over else f"{listed(over)} above {limit:.2f}, highest {name} {span(worst)}"
    wide = max(i.hi - i.lo for i in table.values()) / 2
    said = ("With so few clips an estimate alone decides nothing: " if wide > 0.1 else "Here ") + f"the widest interval is {wide:.2f} either way"
    return told(f"{first}; with shuffled labels the audit reads {band[0]:.2f} to {band[1]:.2f}.",
                f"{said}. The grey band is what the same audit finds when labels are shuffled inside each person: that much is luck.")


def silence(before, after, name, ms):
    rise = after.value - before.value
    word = "jumps" if rise > 0.15 else "rises" if rise > 0.03 else "falls" if rise < -0.03 else "hardly moves"
    return told(f"With {ms} ms of silence {name} {word} from {before.value:.2f} to {after.value:.2f}.",
                "Only forged sound was touched, so the forgers of pictures are the control: they must stay where they are.")


def splits(by_clip, by_person):
    gap = by_clip.value - by_person.value
    what = ("the first score was recognition of people" if gap > 0.1 and by_person.lo < 0.6 else "part of the first score was recognition of people" if gap > 0.1
            else "here the two splits differ little" if gap > -0.1 else "here new people are judged better than known ones, which recognition cannot explain")
    return told(f"Split by clip {span(by_clip)}, by person {span(by_person)}: {what}.",
                "Nearest neighbour on nine mean colours. A published split of FakeAVCeleb that shares no source film (314, 35 and 151 sources) still names 500, 446 and 500 people in its three parts: "
                "a face swap brings a second person along.")


def cherry(k, best, spread):
    far = "an accident anybody would believe" if best > 2 else "not yet impressive" if best < 1 else "worth a second look, it seems"
    return f"Best of {k} pairs: {best:.2f} sd, {far}; all pairs together differ by {spread:+.2f}."
