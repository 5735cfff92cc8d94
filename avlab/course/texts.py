# ruff: noqa: E501  (prose: a paragraph is a line)
"""Texts that stand the same in every notebook: the ethics and limits box, and the glossary.

A notebook source includes them by a line `{{ethics}}` or `{{glossary}}` in a markdown cell; `avlab build` puts the text there.
"""

ETHICS = """\
> **What this is for.** Teaching how audio-visual forgery detectors work and fail. Everything here was measured on SynthTalk, a drawn world with drawn forgers, or computed from published numbers.
>
> **It is not evidence about people.** No real person is in SynthTalk; a score, map or error rate from it says nothing about any real face, voice, group or video. Its skin and hair ranges are colours of a drawing; a difference between them here is neither proof nor disproof of bias in a real detector.
>
> **Do not use it to judge a real clip.** A score on your own clip is withheld when the clip is out of domain, and even when shown it is not a finding. Write "the model's score was ...", never "the video is real/fake". At one fake in a thousand, a detector with 90 % detection and 5 % false alarms is wrong in 98 of 100 alarms.
>
> **Attention is not attribution.** A map of attention, psi or Grad-CAM shows where a computation is large, not why a decision was made and not where a forgery is. Believe it as far as it passed its causal test and its random-weights check, printed beside it.
>
> **A verdict is about this world.** "Holds here" and "does not hold here" speak of SynthTalk and this probe; they neither confirm nor refute a paper. Arithmetic rows speak of printed numbers only, and never of intent; authors' corrections are welcome and linked.
>
> **Dual use.** The forgers are simplified to carry a visible trace and work on drawings only; no notebook tunes a forger against a detector, and exercises that would are not accepted. Knowing why detectors fail helps both sides; we judge that people who rely on detectors need it more.
>
> **Consent and terms.** Public data sets are read under their own terms, never redistributed; use clips of people only with their consent and only where the terms allow it. Reports carry no file names, faces or paths of your clips unless you ask.
>
> **The liar's dividend.** Detectors also let true recordings be called fake. Report uncertainty, base rate and the limits above with every number.
"""

GLOSSARY = (
    ("ablation", "removing one part, everything else equal, to measure what it contributes"),
    ("Acc@EER", "accuracy at the threshold where false positive and false negative rates are equal; that threshold comes from the same scores"),
    ("attention map / attention output", "softmax weights over keys (rows sum to 1) / the weighted sum of values, signed, after the output projection"),
    ("attribution (forensics)", "naming the generator that made a forgery"),
    ('attribution (explainability)', "sharing a model's output among its inputs; not the same word as above"),
    ("AUROC", "probability that a random fake scores higher than a random real; threshold-free"),
    ("average precision (AP), AP@IoU", "area under precision-recall; for localisation a proposal counts when its IoU with an unused truth exceeds the threshold"),
    ("balanced accuracy", "mean of the true positive and true negative rates; equals the AUC of hard labels"),
    ("bootstrap interval", "spread of a statistic over resampled data; here resampled by identity group"),
    ("calibration, ECE", "agreement of predicted probability and observed frequency; expected calibration error is its binned average gap"),
    ("category RVRA, RVFA, FVRA, FVFA", "real/fake video x real/fake audio"),
    ("centroid, prototype", "running mean of a class in embedding space"),
    ("chunk", "16 consecutive frames; chunks of one clip are not independent"),
    ("completeness", "attributions add up to the output difference between input and baseline"),
    ("conformal p-value", "share of reference examples at least as strange as this one, plus one over n + 1"),
    ("contrastive loss, InfoNCE", "pulls matched pairs together against the other pairs of the batch"),
    ("control (negative)", "the same measurement where the claimed cause is absent"),
    ("cosine similarity", "inner product of two unit vectors; meaningful only against a baseline of unrelated pairs"),
    ("cross-attention", "attention with queries from one source and keys and values from another (MSCT moves only the query)"),
    ("DDIM inversion", "running the deterministic sampler backwards from an image to noise"),
    ("deletion / insertion curve", "output while the most important inputs are removed / restored"),
    ("differential attention", "one attention map minus another"),
    ("distribution shift", "test data made by another process than the training data"),
    ("EER", "error rate where false positive and false negative rates are equal"),
    ("embedding", "vector a network computes for a clip"),
    ("faithfulness", "how far an explanation describes what the model really uses"),
    ("forger", "here: a procedure of SynthTalk that makes a fake; in the literature: generator, manipulation method"),
    ("gate (multiplicative)", "elementwise product that lets one signal scale another"),
    ("Grad-CAM", "activations of a layer weighted by the mean gradient of the target, then ReLU"),
    ("identity group", "people linked by shared clips; the unit of splitting"),
    ("integrated gradients", "gradient averaged along a line from a baseline, times the input difference"),
    ("IoU, DIoU", "overlap over union of two intervals; DIoU adds the squared centre distance over the hull"),
    ("lag", "delay of picture against sound at which they agree best"),
    ("latent, VAE", "compressed image the diffusion works in; the autoencoder between it and pixels"),
    ("leakage", "test information reaching training"),
    ("linear probe", "linear classifier on frozen embeddings; measures information, not use"),
    ("modality", "audio or video (or lips as a stream of their own)"),
    ("noise schedule, abar", "share of signal variance left at each timestep"),
    ("open set", "test classes that training never saw"),
    ("perplexity, n_neighbors", "effective neighbourhood size of t-SNE, UMAP"),
    ('phi, psi', "X-AVDT's composite (frame, inverted, reconstructed, residual) and its audio cross-attention output"),
    ('pointing ratio', "share of an explanation inside the true region, divided by the region's share of the area"),
    ("randomised-weights check", "an explanation that survives re-initialising the weights does not explain the model"),
    ("residual", "difference between a frame and its reconstruction"),
    ("shortcut", "cue that separates the classes in this data set and not in the world"),
    ("SNR, zero terminal SNR", "signal-to-noise ratio of the noised latent; 0 at the last step"),
    ("t-SNE, UMAP", "drawings that keep neighbours and give up distances, sizes and densities"),
    ("timestep", "noise level at which the network is asked"),
    ("triplet loss, margin", "anchor nearer to its own class than to another by at least the margin"),
    ("trustworthiness", "how few false neighbours a low-dimensional map shows"),
    ("v-prediction", "the network predicts cos(th) noise - sin(th) image; a DDIM step is then a rotation"),
    ("viseme, phoneme", "visible mouth shape; unit of speech sound"),
)


def glossary() -> str:
    """The glossary as a markdown table."""
    return "\n".join(["| term | one line |", "|---|---|", *(f"| {term} | {line} |" for term, line in GLOSSARY)])


INCLUDES = {"ethics": ETHICS.strip(), "glossary": glossary()}
