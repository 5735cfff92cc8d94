"""`avlab probe CLIP`: one clip through the bundled probe, left as arrays, a film and one page that travels alone.

The page names no file and no path. It says first, and in words, that the probe knows a drawn world and no real people.
"""

import html
from dataclasses import replace
from pathlib import Path

import numpy as np

from avlab.course.texts import ETHICS
from avlab.errors import AvlabError
from avlab.show import explore, play
from avlab.show.html import table
from avlab.workbook import export, prose

WORLD = "your clip"
PANELS = ("frame", "inverted", "reconstructed", "residual", "psi, root mean square over channels")
STATES = 40  # steps of the time slider; below the explorer's limit, and a page of about 1 MB
SHOWN, PLAYED_S = 160, 12.0  # pixels of the player's square, and seconds: so much fits into its 3 MB


def probe_clip(path, out, *, probe=None, max_seconds=6.4, say=print):
    """Measure a video file and write probed.safetensors, residual.mp4 and index.html into `out`; returns the page's path.

    probe        a DiffusionProbe (default: the bundled one);  max_seconds   longer clips are cut, about 9 s of computing a second of film
    probed.safetensors holds phi "composite" (12, T, 64, 64) float16 in 0..1, psi "av_attention" (D, T, 16, 16) float32 signed, and the latents.
    Raises AvlabError for what cannot be read as a clip with sound of at least 0.64 s.
    """
    from avlab.clips import load_clip
    from avlab.clips.opening import refuse_what_is_no_film
    refuse_what_is_no_film(Path(path))  # before torch is imported: a mistyped name is told at once
    from avlab.probe.diffusion_probe import OUT_OF_DOMAIN, DiffusionProbe
    say(OUT_OF_DOMAIN)
    clip = load_clip(Path(path), size=256, max_seconds=max_seconds)
    if clip.audio is None:
        raise AvlabError("The probe listens, and this clip has no sound", got=Path(path).name, todo="Lay a wav file of the same name beside it")
    for note in clip.notes:
        say(f"note: {note}")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)  # a folder that cannot be written is refused before the minutes of computing
    probe = probe or DiffusionProbe.bundled()
    probed = probe(clip, progress=lambda done, total: say(f"chunk {done}/{total} of 16 frames"))
    keep(probed, out / "probed.safetensors")
    film(probed, clip, out / "residual.mp4")
    notes = tuple(dict.fromkeys((*clip.notes, *probed.notes)))
    return export.write(out / "index.html", export.page("A clip through the bundled probe", body(clip, probed, notes, OUT_OF_DOMAIN), toc=False))


def keep(probed, path: Path) -> None:
    """Write phi, psi and the latents as one safetensors file."""
    from safetensors.torch import save_file
    tensors = {"composite": probed.composite.half(), "av_attention": probed.av_attention.float()}
    tensors |= {key: value.half() for key, value in probed.latents.items()}
    part = path.with_suffix(".partial")
    about = {"layer": probed.layer, "t": str(probed.t), "steps": str(probed.steps)}
    save_file({key: value.contiguous() for key, value in tensors.items()}, part, metadata=about)
    part.chmod(0o644)
    part.replace(path)


def pictures(probed) -> dict[str, np.ndarray]:
    """uint8 films (T, H, W, 3) of the panels; the residual and psi each on one scale for the whole clip."""
    from avlab.show.pictures import paint
    last = lambda x: x.permute(1, 2, 3, 0).numpy()  # noqa: E731  (3, T, H, W) -> (T, H, W, 3)
    strength = probed.av_attention.float().square().mean(0).sqrt().numpy()
    plain = {"frame": paint(last(probed.frames)), "inverted": paint(last(probed.inverted)), "reconstructed": paint(last(probed.reconstructed))}
    return plain | {"residual": paint(last(probed.residual).mean(-1), "magnitude"), PANELS[4]: paint(strength, "magnitude")}


def film(probed, clip, path: Path) -> None:
    """The residual, enlarged, as an mp4 with the clip's sound."""
    from avlab.clips import write_clip
    frames = pictures(probed)["residual"].repeat(4, 1).repeat(4, 2)
    write_clip(frames, path, audio=clip.audio[: len(frames) * clip.sample_rate // round(clip.fps)], fps=round(clip.fps), sample_rate=clip.sample_rate)


def body(clip, probed, notes, warning) -> str:
    """The page's main part: the warning, what was done, the clip, the time slider, the numbers, the limits."""
    films, steps = pictures(probed), np.unique(np.linspace(0, probed.composite.shape[1] - 1, STATES).round().astype(int)).tolist()
    residual = 255 * probed.residual.mean((0, 2, 3)).numpy()
    lowest, highest = float(probed.av_attention.min()), float(probed.av_attention.max())
    slider = explore(lambda frame: {name: films[name][frame] for name in PANELS}, world=WORLD, frame=steps,
                     title="Frame, inversion, reconstruction, residual and psi over time",
                     alt=lambda values, result: f"Frame {values['frame']}: mean residual {residual[values['frame']]:.1f} of 255 grey levels")
    numbers = table(["measured", "value"], [
        ["frames used", probed.composite.shape[1]], ["network calls for each 16 frames", probed.calls], ["inversion steps", probed.steps],
        ["mean residual (grey levels of 255)", f"{residual.mean():.2f}"], ["psi, smallest and largest value", f"{lowest:.3g} to {highest:.3g}"],
        ["psi is read at", f"{probed.layer}, t = {probed.t}"]],
        caption="No score is given: these numbers are a measurement of this file by this probe, not a finding about it.")
    done = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return (f'<h1>A clip through the bundled probe</h1><p role="note"><strong>{html.escape(warning)}</strong></p>'
            f"<h2>What was done to the clip</h2><ul>{done}</ul>{player(clip)}"
            "<h2>What the probe made of it</h2><p>The probe turns the clip into noise with its own sound and back. The residual is what did not "
            "come back; psi is what one audio cross-attention layer writes, a signed output and no probability, drawn by its strength.</p>"
            f"{slider.html}{numbers}<p>Beside this page: <code>probed.safetensors</code> (phi, psi, latents) and <code>residual.mp4</code>.</p>"
            f"<h2>Limits</h2>{prose.to_html(ETHICS)}")


def player(clip) -> str:
    """The clip's central square with its sound, as coarse as it must be to fit; a sentence where even that does not do."""
    import torch

    from avlab.probe.diffusion_probe import central_square
    n = min(len(clip.frames), round(PLAYED_S * clip.fps))
    frames = central_square(torch.as_tensor(clip.frames[:n]), SHOWN).numpy()
    played = replace(clip, frames=frames, audio=clip.audio[: round(n / clip.fps * clip.sample_rate)])
    title = "The central square of the clip, with its sound" + (f" (its first {PLAYED_S:g} s)" if n < len(clip.frames) else "")
    for quality in (80, 40, 5):
        try:
            return play(played, title=title, alt="The clip that was measured, {seconds} s", world=WORLD, quality=quality)._repr_html_()
        except AvlabError:
            continue
    return "<p>The clip does not fit into this page.</p>"
