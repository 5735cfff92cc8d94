"""The further columns of a manifest, which public data sets need beside those of a Row.

A Row keeps them as text in `Row.more`; `table` reads them as numbers and words. An empty cell means: not known, or not so.
"""

TEXT = {
    "release": "name of the release, such as v1.2",
    "audio_path": "wav file beside the film, inside the data root, where the film does not carry the sound itself",
    "label_clip": "real, fake, unknown; fake if any stream is; given by itself where the streams are not labelled (DFDC)",
    "av_match": "matched, desync, swapped, unknown: both streams may be real and still not belong together",
    "scope": "none, full, partial, unknown: how much of the clip is forged",
    "attribution_class": "one name for the attribution task; empty: not usable for it",
    "others": "everyone else in the clip, joined by ;",
    "identity_group": "unit that a split must not cut, where people alone do not say it (cell, pair, part)",
    "original": "clip_id of the real clip that it was made from",
    "variant_of": "clip_id, or key, of the same content at another quality or with another stream forged",
    "split_official": "train, val, test, none: what the authors shipped, dev and valid called val",
    "split_raw": "the word that was shipped",
    "split_scheme": "how the column split was made: name, seed, and a digest of the assignment",
    "quality": "raw, c23, crf10, HQ ...",
    "pix_fmt": "measured", "video_codec": "measured", "audio_codec": "measured; - where the film has no sound",
    "demographics": "as shipped, JSON; sensitive",
    "sha256": "of the file",
    "provenance": "file and field that the labels came from",
    "notes": "what was done to the row",
    "faults": "where two sources of the data set contradict each other: column: what; column: what",
}
REAL = {"fps": "frames a second, nominal", "avg_fps": "frames a second, by the timestamps; another number than fps: varying rate",
        "audio_start_s": "first sound minus first picture, s", "leading_silence_s": "from the first picture to the first sound within 30 dB of the loudness, s"}
WHOLE = {"n_frames": "pictures", "width": "px", "height": "px", "rotation_deg": "0, 90, 180, 270: how players turn it", "audio_sr_hz": "Hz",
         "audio_channels": "", "n_faces_hint": "2 for clips of two speakers", "bytes": "size of the file"}
MEASURED = ("duration_s", "fps", "avg_fps", "n_frames", "width", "height", "rotation_deg", "pix_fmt", "video_codec", "audio_codec", "audio_sr_hz",
            "audio_channels", "audio_start_s", "leading_silence_s", "bytes", "sha256")
MORE = (*TEXT, *REAL, *WHOLE)
WORDS = {"label_clip": ("real", "fake", "unknown"), "av_match": ("matched", "desync", "swapped", "unknown"),
         "scope": ("none", "full", "partial", "unknown"), "split_official": ("train", "val", "test", "none")}
