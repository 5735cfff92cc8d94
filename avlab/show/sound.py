"""Sound for a page: 16-bit WAV as a data URI."""

import base64
import io
import wave

import numpy as np

from avlab.errors import AvlabError


def wav_uri(samples, rate):
    """Mono samples (S,) in [-1, 1] at `rate` Hz as a WAV data URI; refuses other shapes and values that are not finite."""
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise AvlabError("Sound is one finite row of samples", got=samples.shape)
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(int(rate))
        w.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())
    return "data:audio/wav;base64," + base64.b64encode(out.getvalue()).decode()
