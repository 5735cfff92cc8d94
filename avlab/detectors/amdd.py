"""AMDD: attribution-guided multimodal deepfake detection (Ahmad, Zhang, Mao 2026, arXiv 2604.26453).

The path of a clip: pictures -> ResNet-50 a picture -> attention over time -> v;  log-mel -> ResNet-18 -> a;  v and a attend to each other
-> fused vector f -> one head says fake or real, the other says which generator. Five losses shape f and the projections of v and a.

Where we depart from the paper, or fill in what our sources do not print (its equations reached us in words only, its sizes by counting):
* Random weights; the paper starts both ResNets from ImageNet (`encoders_amdd.load_imagenet` does it from state dicts that the caller has).
* Residual and LayerNorm around each attention (eq. 5-7), dropout 0.3 in both heads, 16 pictures of 224 px, 128 mel bands: ours.
* No face detector: `inputs` cuts out the place where SynthTalk's faces are.
* The small size sees local spectra in place of normalised colours, averaged over stretches of four pictures: filters trained on ImageNet are
  band-pass, while random ones drown the fine traces of forgers in skin and hair (see `encoders_amdd.local_spectra`).
* A clip without sound is given silence, as the paper does for DFDM; silence becomes 0 everywhere, where "dB below the loudest" makes it 1.
* Nothing tells a picture's place in time: the attention over time as written sees a set, and so do we.
* Generators are all forgers of a data set, also those of the sound; the paper has three, all of the picture, over real sound.
* Training in the paper: AdamW, cosine, 50 epochs, batches of 4 drawn evenly over generators, gradients clipped at 1.
"""

import inspect
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from avlab.clips.audio import log_mel
from avlab.detectors import losses
from avlab.detectors.encoders_amdd import AudioEncoder, VisualEncoder
from avlab.errors import AvlabError
from avlab.results import Prediction

WEIGHTS = {"detection": 1.0, "attribution": 0.3, "alignment": 0.1, "cmffc": 0.2, "centroid": 0.05}  # table IV
ALPHA, GAMMA = 0.75, 2.0  # focal loss; alpha on the fakes, so a clip that says nothing scores 0.60 (see `losses.focal`)
TEMPERATURE = 0.07
MOMENTUM = 0.9

SIZES = {
    "paper": dict(  # 40.7 M parameters
        visual=dict(embedding_size=64, hidden_sizes=[256, 512, 1024, 2048], depths=[3, 4, 6, 3], layer_type="bottleneck"),
        audio=dict(embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic"),
        width=512, heads=8, hidden=256, generators=3, augment=True),
    "small": dict(
        visual=dict(embedding_size=32, hidden_sizes=[32, 64], depths=[1, 1], layer_type="basic", stem_pool=False),  # 9 x 9 spectra, then 5 x 5, 3 x 3
        audio=dict(embedding_size=8, hidden_sizes=[8, 16, 32], depths=[1, 1, 1], layer_type="basic", stem_pool=False),  # 8 stretches of 80 ms
        width=64, heads=4, hidden=64, generators=7, augment=False, spectra=4),
}
INPUTS = {
    "paper": dict(pictures=16, seconds=4.0, pixels=224, mel=dict(n_mels=128, hop_s=0.032, window_s=0.064, n_fft=1024, low_hz=0.0, high_hz=8000.0)),
    "small": dict(pixels=40, mel=dict(n_mels=64, hop_s=0.010, window_s=0.025, n_fft=512)),
}
TOP, LEFT, SIDE = 20 / 64, 12 / 64, 40 / 64  # the face in SynthTalk's pictures, eyes to chin
RANGE_DB = 80.0
SILENT = 1e-10  # energy of a mel band below which nothing is told apart


def inputs(clip, *, size="small"):
    """What AMDD reads of a clip: pictures and a log-mel, no label.

    size "small"  every picture at 40 px and 64 bands in 10-ms columns, over the whole clip: clips of one batch must last equally long
         "paper"  16 pictures spread over the first 4 s at 224 px, and 4 s of sound in 128 bands and 32-ms columns (125; the paper has 126,
                  the last one centred on the very end)
    The pictures are the lower middle of the clip's: of 64 x 64 exactly rows 20..59 and columns 12..51, of others the same share of the
    central square. The paper finds the face with a landmark detector; here it must be centred as SynthTalk's is.
    Returns {"frames": (T, 3, pixels, pixels) float16, whole numbers 0..255;  "log_mel": (F, N) float16 in 0..1, see `mel_level`}.
    """
    if size not in INPUTS:
        raise AvlabError(f"AMDD has the inputs {', '.join(INPUTS)}", got=size)
    wanted, rate = INPUTS[size], clip.sample_rate
    frames = clip.frames
    audio = np.zeros(round(clip.seconds * rate), np.float32) if clip.audio is None else clip.audio
    if size == "paper":
        frames = frames[:round(wanted["seconds"] * clip.fps)]
        frames = frames[np.linspace(0, len(frames) - 1, wanted["pictures"]).round().astype(int)]
        samples = round(wanted["seconds"] * rate)
        audio = np.pad(audio[:samples], (0, max(0, samples - len(audio))))
    level = mel_level(audio, sample_rate=rate, **wanted["mel"])
    return {"frames": _faces(frames, wanted["pixels"]).astype(np.float16), "log_mel": level.astype(np.float16)}


def _faces(frames, pixels):
    """(T, H, W, 3) uint8 -> the lower middle as (T, 3, pixels, pixels), whole numbers 0..255."""
    height, width = frames.shape[1:3]
    square = min(height, width)
    top, left, side = (height - square) // 2 + round(TOP * square), (width - square) // 2 + round(LEFT * square), round(SIDE * square)
    film = torch.as_tensor(frames[:, top:top + side, left:left + side].transpose(0, 3, 1, 2).copy()).float()
    return F.interpolate(film, (pixels, pixels), mode="bilinear", antialias=True).round().clamp(0, 255).numpy()


def mel_level(audio, *, range_db=RANGE_DB, **options):
    """Level of each mel band below the loudest one of the clip: (dB + 80) / 80 with dB <= 0, cut to 0..1 (AMDD section IV, range ours).

    audio    (S,) float in [-1, 1];  options   of `log_mel`
    Returns (F, N) float32. Silence gives 0, not the 1 that the formula gives where the loudest is as faint as the rest.
    """
    db = log_mel(audio, floor=SILENT, **options) * (10 / math.log(10))
    peak = db.max(initial=-np.inf)
    if peak <= 10 * math.log10(SILENT) + 1e-3:
        return np.zeros_like(db)
    return np.clip((db - peak + range_db) / range_db, 0, 1)


def augment(frames, *, jitter=0.1, gray=0.1):
    """Augment a batch for training: mirror half of the clips, scale each colour by 1 +- jitter, make a share gray (kinds: AMDD; strengths ours).

    frames   (B, T, 3, H, W) float 0..255.  One draw a clip, because colours that flicker from picture to picture would look forged.
    """
    clips = (len(frames), 1, 1, 1, 1)
    draw = lambda *shape: torch.rand(shape, device=frames.device, dtype=frames.dtype)  # noqa: E731
    frames = torch.where(draw(*clips) < 0.5, frames.flip(-1), frames)
    frames = (frames * (1 + jitter * (2 * draw(len(frames), 1, 3, 1, 1) - 1))).clamp(0, 255)
    return torch.where(draw(*clips) < gray, frames.mean(2, keepdim=True), frames)


# ------------------------------------------------------------------------------------------------ the path


class Attention(nn.Module):
    """LN(x + MHA(x, y, y)): x (B, T, D) asks, y (B, L, D) answers (eq. 5-7). Returns (B, T, D) and the weights (B, T, L), mean over heads.

    The answer starts at a tenth of its usual size (ours): with LayerNorm behind the sum a fresh answer drowns what the encoders have learned.
    """

    def __init__(self, width, heads):
        super().__init__()
        self.mha = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mha.out_proj.weight.data *= 0.1
        self.norm = nn.LayerNorm(width)

    def forward(self, x, y):
        answer, weights = self.mha(x, y, y)
        return self.norm(x + answer), weights


class CrossModalAttention(nn.Module):
    """Eq. 6-7: picture asks sound, sound asks picture; (B, T, D) and (B, L, D) -> (B, D), (B, D) and both weights (B, T, L), (B, L, T).

    over="pooled", as written: both are averaged over time first. With one key the softmax is 1 whatever Q and K are, so the query and key
    weights (half of the block) get a gradient of exactly 0 and there is no map to look at: each side adds a linear image of the other.
    over="tokens": pictures ask stretches of sound and the average comes after, so that there is something to choose from.
    """

    def __init__(self, width, heads, over):
        super().__init__()
        self.over = over
        self.video, self.audio = Attention(width, heads), Attention(width, heads)

    def forward(self, video, audio):
        if self.over == "pooled":
            video, audio = video.mean(1, keepdim=True), audio.mean(1, keepdim=True)
        (new_video, to_audio), (new_audio, to_video) = self.video(video, audio), self.audio(audio, video)
        return new_video.mean(1), new_audio.mean(1), to_audio, to_video


def head(inner, hidden, out, dropout):
    """Linear, ReLU, dropout, Linear."""
    return nn.Sequential(nn.Linear(inner, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, out))


class AMDD(nn.Module):
    """The detector: frames (B, T, 3, H, W) in 0..255 and log_mel (B, F, N) in 0..1 -> Prediction.

    visual, audio     layouts of the two ResNets (`encoders_amdd.resnet`);  width  D of all vectors;  heads  of every attention;  hidden  of both output heads
    generators        G; label 0 is real, so the attribution head has G + 1 outputs
    cross             "pooled" (as written) | "tokens" | "none" (ablation, leaves out the block and its parameters), see CrossModalAttention
    spectra           0: pictures in colours, normalised as for ImageNet; n: local spectra averaged over n pictures, the T of everything below is then T / n
    use_*             False leaves that loss out of the total. Without attribution its head stays, untrained, as in the paper's ablation:
                      what it then says measures chance; ask the embedding with a linear probe instead
    centroid_reals    whether reals have a centroid too (the paper does not say)
    weights           {loss: weight} that replace entries of WEIGHTS;  augment   augment pictures while training

    Prediction: logit (B,), embedding (B, 2 D) = the fused vector f in front of both heads, and parts
    generator_logits (B, G + 1) · video, audio (B, D) before fusion · p_video, p_audio (B, D) their projections, which CMFFC and alignment
    compare · temporal_attention (B, T, T) · video_to_audio (B, T, L), audio_to_video (B, L, T): (B, 1, 1) of ones if pooled, absent if "none".
    For Grad-CAM, `cam_layer` names the last stage of the picture's ResNet; its output is (B * T, C, h, w).
    """

    reads = ("frames", "log_mel")

    def __init__(self, *, visual, audio, width, heads, hidden, generators, cross="pooled", spectra=0, use_attribution=True, use_cmffc=True,
                 use_alignment=True, use_centroid=True, centroid_reals=True, dropout=0.3, augment=False, weights=None):
        super().__init__()
        if cross not in ("pooled", "tokens", "none"):
            raise AvlabError("cross is pooled, tokens or none", got=cross)
        if set(weights or {}) - set(WEIGHTS):
            raise AvlabError(f"The losses of AMDD are {', '.join(WEIGHTS)}", got=", ".join(weights))
        used = dict(detection=True, attribution=use_attribution, alignment=use_alignment, cmffc=use_cmffc, centroid=use_centroid)
        self.weights = {name: weight for name, weight in {**WEIGHTS, **(weights or {})}.items() if used[name]}
        self.augment, self.centroid_reals, self.cam_layer = augment, centroid_reals, f"visual_encoder.resnet.encoder.stages.{len(visual['depths']) - 1}"
        self.visual_encoder = VisualEncoder(width, spectra, **visual)
        self.temporal = Attention(width, heads)
        self.audio_encoder = AudioEncoder(width, **audio)
        self.cross = None if cross == "none" else CrossModalAttention(width, heads, cross)
        self.project_video = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.project_audio = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.detection = head(2 * width, hidden, 1, dropout)
        self.attribution = head(2 * width, hidden, generators + 1, dropout)
        self.register_buffer("centroids", torch.zeros(generators + 1, 2 * width))  # a row of zeros: not seen yet

    def forward(self, frames, log_mel):
        if frames.ndim != 5 or frames.shape[2] != 3 or log_mel.ndim != 3 or len(frames) != len(log_mel):
            raise AvlabError("AMDD reads frames (B, T, 3, H, W) and log_mel (B, F, N)", got=f"{tuple(frames.shape)} and {tuple(log_mel.shape)}")
        if self.training and self.augment:
            frames = augment(frames.to(self.centroids.dtype))
        film = self.visual_encoder(frames)
        film, over_time = self.temporal(film, film)
        sound = self.audio_encoder(log_mel)
        video, audio = film.mean(1), sound.mean(1)
        parts = {"video": video, "audio": audio, "p_video": self.project_video(video), "p_audio": self.project_audio(audio), "temporal_attention": over_time}
        if self.cross is not None:
            video, audio, parts["video_to_audio"], parts["audio_to_video"] = self.cross(film, sound)
        fused = torch.cat([video, audio], 1)
        parts["generator_logits"] = self.attribution(fused)
        return Prediction(self.detection(fused).squeeze(1), fused, parts)


def build(size="paper", **config):
    """Return an untrained AMDD of SIZES[size], its arguments replaced by those of config.  Raises AvlabError for unknown ones."""
    known = [name for name in inspect.signature(AMDD).parameters]
    if size not in SIZES or set(config) - set(known):
        raise AvlabError(f"AMDD has the sizes {', '.join(SIZES)} and the options {', '.join(known)}", got=f"{size} {sorted(config)}")
    return AMDD(**{**SIZES[size], **config})


def total_loss(model, batch):
    """Return AMDD's losses by name and their sum.

    total = detection + 0.3 attribution + 0.1 alignment + 0.2 cmffc + 0.05 centroid                 (section 3.4, weights of table IV)

    detection    focal, alpha 0.75 on fakes, gamma 2 (eq. 9)        attribution  cross-entropy over G + 1 classes, real included (eq. 10)
    alignment    InfoNCE of the two projections of a clip, fakes included, temperature 0.07 (eq. 11)
    cmffc        the two projections of clips of one generator, fakes only (eq. 12)
    centroid     distance of f to its generator's centroid; in training mode the centroids (buffers) then move, without gradient
    batch        frames, log_mel, label (B,) 1 = fake, generator (B,) 0 = real
    Every part is returned unweighted, also those that the model leaves out of its total.
    """
    label, generator = batch["label"], batch["generator"]
    if len(generator) and not 0 <= int(generator.min()) <= int(generator.max()) < len(model.centroids):
        raise AvlabError(f"This AMDD knows the generators 0..{len(model.centroids) - 1}", got=generator.tolist(), todo="Build it with generators=G")
    said = model(*(batch[key] for key in model.reads))
    p_video, p_audio = said.parts["p_video"], said.parts["p_audio"]
    found = {
        "detection": losses.focal(said.logit, label, alpha=ALPHA, gamma=GAMMA),
        "attribution": F.cross_entropy(said.parts["generator_logits"], generator),
        "alignment": losses.info_nce(p_video, p_audio, temperature=TEMPERATURE),
        "cmffc": losses.cmffc(p_video, p_audio, generator),
        "centroid": losses.centroid(said.embedding, generator, model.centroids, reals=model.centroid_reals),
    }
    if model.training:
        model.centroids.copy_(losses.update_centroids(model.centroids, said.embedding, generator, momentum=MOMENTUM))
    return {"total": sum(weight * found[name] for name, weight in model.weights.items()), **found}
