"""The plain way, for comparison in `avlab bench`: diffusers' own schedulers and an attention processor that materialises every map.

One clip at a time, every layer, every step, as a first implementation with diffusers alone would do it. Not used by anything else.
"""

import torch


class KeepEveryMap:
    """An attention processor that computes softmax(Q K^T / sqrt(d)) as a tensor in every call; `kept` holds them if it is a list."""

    def __init__(self, kept=None):
        self.kept = kept

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, **_):
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (attn.head_to_batch_dim(x) for x in (attn.to_q(hidden_states), attn.to_k(source), attn.to_v(source)))
        probabilities = attn.get_attention_scores(query, key, attention_mask)
        if self.kept is not None:
            self.kept.append(probabilities)
        return attn.to_out[1](attn.to_out[0](attn.batch_to_head_dim(torch.bmm(probabilities, value))))


@torch.no_grad()
def round_trip(vae, unet, frames, tokens, *, steps=40, kept=None):
    """phi of one clip (12, T, H, W) by diffusers' DDIMInverseScheduler and DDIMScheduler; the U-Net must carry KeepEveryMap processors."""
    from diffusers import DDIMInverseScheduler, DDIMScheduler

    from . import bundled

    config = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="linear", prediction_type="v_prediction",
                  rescale_betas_zero_snr=True, timestep_spacing="trailing", clip_sample=False)
    z = bundled.encode(vae, frames)
    reference = z[:, :, 0]
    inverse, forward = DDIMInverseScheduler(**config), DDIMScheduler(**config, set_alpha_to_one=True)
    for scheduler in (inverse, forward):
        scheduler.set_timesteps(steps)
        for t in scheduler.timesteps:
            z = scheduler.step(bundled.predict_v(unet, z, int(t), reference, tokens), int(t), z).prev_sample
        if scheduler is inverse:
            z_T = z
    x, made = frames.float() / 255, bundled.decode(vae, z)
    return torch.cat([film.permute(0, 4, 1, 2, 3) for film in (x, bundled.decode(vae, z_T), made, (x - made).abs())], 1)[0]
