# %% [markdown]
# # Everything a reader may meet
#
# A formula $\sqrt{\bar\alpha_t}$ in a line, a reference [DDIM](https://arxiv.org/abs/2010.02502), and a block:
#
# $$z_t = \cos(d)\, z_s + \sin(d)\, v$$

# %%
from types import SimpleNamespace

import numpy as np

from avlab.show import contact_sheet, explore, figures, filmstrip, pictures, play, predict, show
from avlab.show.points import point_map
from avlab.show.thresholds import threshold_explorer, timeline_explorer

y, x = np.mgrid[:32, :32]
film = np.stack([np.stack([np.full((32, 32), 10 * t), 7 * x, 7 * y], -1) for t in range(24)]).astype(np.uint8)

# %%
guess = predict("90.1", "Twice the steps: half the error, a quarter, or the same?", ["half", "quarter", "same"])

# %% [markdown]
# ## Figures

# %%
curve = figures.lines_with_band({"error": ([5, 10, 20, 40], [0.6, 0.3, 0.15, 0.07], [0.5, 0.25, 0.1, 0.05], [0.7, 0.35, 0.2, 0.09])},
                                x="steps", y="rms error", log_x=True, log_y=True, title="Order of the error", guess=guess)
show(curve, alt="The error halves when the steps double, from 0.6 at 5 steps to 0.07 at 40", caption="A straight line of slope -1.")

# %%
grid = figures.heat_grid({"own": (np.linspace(0.5, 1, 9).reshape(3, 3), np.full((3, 3), 0.4), np.full((3, 3), 1.0))},
                         ["spatial", "cross", "temporal"], [24, 249, 499], unit="AUROC", x="timestep", title="Nine cells")
show(grid, alt="The lower right cell is largest, but all nine intervals overlap")
show(filmstrip({"frame": film, "difference": np.abs(np.diff(film.astype(float), axis=0)).mean(-1)}, times=np.arange(24) / 25, unit="grey levels"),
     alt="Every frame is 10 grey levels brighter in red than the one before")

# %% [markdown]
# ## Explorers


# %%
def state(step, forger):
    wave = np.sin(x / 5 + step) * (1 if forger == "dub" else 0.2)
    return {"frame": film[step], "psi": pictures.paint(wave, "signed", 1.0), "note": f"step {step}, {forger}"}


show(explore(state, title="Inversion step by step", alt="At step {step} the stripes of {forger} have moved on", step=range(10), forger=["dub", "real"]),
     alt="Ten steps for two forgers: the stripes move, those of real are pale")


# %%
def rotation(steps):
    t = np.linspace(0, 1.5, steps + 1)
    return figures.lines_with_band({"exact": (np.linspace(0, 1.5, 60), np.cos(np.linspace(0, 1.5, 60))), "steps": (t, np.cos(t) + 0.3 / steps * t)},
                                   x="angle (rad)", y="z", world="toy")


show(explore(rotation, title="A step is a rotation", alt="With {steps} steps the dots stay near the exact curve", steps=[2, 5, 10, 20], world="toy"),
     alt="The dots come nearer to the curve with more steps")

# %%
clip = SimpleNamespace(frames=film, fps=25, audio=(0.2 * np.sin(np.arange(24 * 640) / 20)).astype(np.float32), sample_rate=16000)
mute = SimpleNamespace(frames=film[::-1], fps=25, audio=None, sample_rate=16000)
show(play({"with a tone": clip, "mute": mute}, title="Clips", alt="{name}: {seconds} s of a picture that changes its red"),
     alt="Two clips of 0.96 s, one with a tone and one without sound")

# %%
show(contact_sheet([(f"clip {k}", "RVRA", film[k:]) for k in range(4)], title="Four clips"), alt="Four clips that start ever redder")

# %%
places = {1: [(0, 0), (1, 0), (0, 1), (1, 1)], 2: [(0, 0), (1, 1), (0, 1), (1, 0)]}
small = point_map(lambda scale: places[scale], {"label": ["real", "real", "fake", "fake"], "person": list("abab")},
                  np.stack([film[k:k + 4] for k in range(4)]), sounds=np.zeros((4, 2560)), names=[f"clip {k}" for k in range(4)],
                  title="Four points", alt="At scale {scale} the four clips stand in the corners of a square", scale=[1, 2])
show(small, alt="Four clips in the corners of a square")

# %%
score, label = np.array([0.1, 0.2, 0.4, 0.6, 0.7, 0.9]), np.array([0, 0, 1, 0, 1, 1])
show(threshold_explorer({"a": (score, label), "b": (1 - score, label)}, title="What a threshold decides", start=0.5),
     alt="At 0.5 two of three fakes are found and one of three reals is accused")

# %%
found = {"truth": {"picture": [(0.2, 0.5)], "sound": []}, "proposals": np.array([[0.2, 0.6, 0.8], [0.1, 0.3, 0.3]]), "score": [0.1, 0.9, 0.2],
         "step_s": 0.32, "seconds": 0.96, "frames": film, "sound": (clip.audio, 16000)}
show(timeline_explorer({"one": found}, title="Where it says forged", start=0.5, alt=lambda name, t: f"{sum(s >= t for s in (0.8, 0.3))} proposals reach {t:.2f}"),
     alt="One proposal reaches 0.5 and covers most of the forged span")

# %%
laid = explore(lambda kind: {"frame": (film[5], {"heat": pictures.paint(np.sin(x / 5), "signed", 1.0), "mask": np.dstack([film[9], np.uint8(255 * (x > 16))])})},
               title="Layers", alt="Stripes of {kind} over a frame, masked on its right half", kind=["psi", "phi"], layers={"heat": 0.5, "mask": False})
show(laid, alt="Stripes over a frame")

# %%
slow = explore(state, title="Answered by Python", alt="At step {step} the stripes of {forger} have moved on", step=[0, 5], forger=["dub"], live=state)
show(slow, alt="The same stripes, computed when asked")
