"""AP@IoU and AR@N against a second implementation that goes another way, and against cases worked by hand."""

import numpy as np
import pytest

from avlab import metrics
from avlab.errors import AvlabError

TRUTH = [np.array([[1.0, 2.0], [4.0, 6.0]]), np.zeros((0, 2)), np.array([[0.0, 1.0]])]


# ---- the second route: exact fractions, proposals by score, a loop over every recall level


def overlap(p, t):
    inside = max(0.0, min(p[1], t[1]) - max(p[0], t[0]))
    return inside / (p[1] - p[0] + t[1] - t[0] - inside)


def slow_ap(proposals, truth, iou):
    """Proposals of all videos by score; each takes the best unused true segment above the threshold (disjoint truth, iou >= 0.5)."""
    pool = sorted(((p[2], v, i) for v, video in enumerate(proposals) for i, p in enumerate(video)), key=lambda row: -row[0])
    used, found, curve = set(), 0, []
    for n, (score, v, i) in enumerate(pool, start=1):
        free = [(overlap(proposals[v][i], t), k) for k, t in enumerate(truth[v]) if (v, k) not in used and overlap(proposals[v][i], t) > iou]
        if free:
            used.add((v, max(free)[1]))
            found += 1
        if n == len(pool) or pool[n][0] != score:
            curve.append((found, found / n))
    total = sum(len(t) for t in truth)
    # one step of recall a true segment: the best precision among the points that reach it
    return sum(max((precision for hits, precision in curve if hits >= level), default=0.0) for level in range(1, total + 1)) / total


def slow_ar(proposals, truth, n):
    recalls = []
    for percent in range(50, 100, 5):
        hits = [any(overlap(p, t) > percent / 100 for p in sorted(video, key=lambda row: -row[2])[:n])
                for video, ts in zip(proposals, truth, strict=True) for t in ts]
        recalls.append(sum(hits) / len(hits))
    return sum(recalls) / len(recalls)


def random_videos(seed, n=25, ties=False):
    rng = np.random.default_rng(seed)
    proposals, truth = [], []
    for _ in range(n):
        cuts = np.sort(rng.uniform(0, 10, 2 * rng.integers(0, 4)))
        segments = cuts.reshape(-1, 2)[np.diff(cuts.reshape(-1, 2), axis=1)[:, 0] > 0.05]
        near = segments[rng.integers(0, len(segments), 5)] + rng.normal(0, 0.15, (5, 2)) if len(segments) else np.zeros((0, 2))
        far = np.sort(rng.uniform(0, 10, (rng.integers(0, 4), 2)), axis=1)
        spans = np.concatenate([near, far])
        spans = spans[spans[:, 1] > spans[:, 0]]
        score = rng.random(len(spans))
        proposals.append(np.column_stack([spans, np.round(score, 1) if ties else score]))
        truth.append(segments)
    return proposals, truth


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("iou", [0.5, 0.75, 0.95])
def test_ap_against_the_second_route(iou, ties):
    for seed in range(5):
        proposals, truth = random_videos(seed, ties=ties)
        assert metrics.ap_at_iou(proposals, truth, iou) == pytest.approx(slow_ap(proposals, truth, iou), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 10, 100])
def test_ar_against_the_second_route(n):
    for seed in range(5):
        proposals, truth = random_videos(seed)
        assert metrics.ar_at_n(proposals, truth, n) == pytest.approx(slow_ar(proposals, truth, n), abs=1e-12)


def test_ap_does_not_depend_on_any_order():
    proposals, truth = random_videos(7, ties=True)
    rng, before = np.random.default_rng(0), [metrics.ap_at_iou(proposals, truth, iou) for iou in (0.5, 0.75)]
    for _ in range(5):
        videos = rng.permutation(len(truth))
        mixed = [rng.permutation(proposals[v]) for v in videos], [rng.permutation(truth[v]) for v in videos]
        assert [metrics.ap_at_iou(*mixed, iou) for iou in (0.5, 0.75)] == before


# ---- by hand


def test_all_found_and_nothing_else_is_one():
    proposals = [np.column_stack([t, np.full(len(t), 0.9)]) for t in TRUTH]
    assert metrics.ap_at_iou(proposals, TRUTH, 0.95) == 1 and metrics.ar_at_n(proposals, TRUTH, 10) == 1


def test_a_duplicate_is_a_false_positive():
    truth = [[[0, 1], [5, 6]]]
    first, second = [0, 1, 0.9], [5, 6, 0.7]
    # found, double, found: precision 1 at recall 1/2, 2/3 at recall 1
    assert metrics.ap_at_iou([[first, [0, 1.1, 0.8], second]], truth, 0.5) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.proposal_hits([first, [0, 1.1, 0.8], second], truth[0], 0.5).tolist() == [True, False, True]
    # the double behind everything costs nothing
    assert metrics.ap_at_iou([[first, second, [0, 1.1, 0.1]]], truth, 0.5) == 1


def test_the_best_scored_match_is_the_hit_not_the_closest_one():
    hits = metrics.proposal_hits([[0, 1, 0.3], [0, 1.2, 0.8]], [[0, 1]], 0.5)
    assert hits.tolist() == [False, True]


def test_one_proposal_is_used_once_for_ap_and_for_ar_as_often_as_it_fits():
    truth, wide = [[[0.0, 1.0], [0.1, 1.1]]], [[[0.0, 1.1, 0.9]]]
    assert metrics.ap_at_iou(wide, truth, 0.5) == 0.5
    # IoU 1 / 1.1 = 0.909 with both: above nine of the ten thresholds
    assert metrics.ar_at_n(wide, truth, 1) == pytest.approx(0.9)


def test_a_real_video_adds_false_positives_to_ap_and_nothing_to_ar():
    found, alarm = [[0, 1, 0.5]], [[2, 3, 0.9]]
    assert metrics.ap_at_iou([found, np.zeros((0, 3))], [[[0, 1]], []], 0.5) == 1
    assert metrics.ap_at_iou([found, alarm], [[[0, 1]], []], 0.5) == 0.5
    assert metrics.ar_at_n([found, alarm], [[[0, 1]], []], 1) == 1


def test_precision_is_the_best_at_this_recall_or_higher():
    # wrong, right, right: precision 0, 1/2, 2/3 at recall 0, 1/2, 1 -> interpolated 2/3 at both levels
    proposals = [[[8, 9, 0.9], [0, 1, 0.8], [5, 6, 0.7]]]
    assert metrics.ap_at_iou(proposals, [[[0, 1], [5, 6]]], 0.5) == pytest.approx(2 / 3)


def test_the_first_step_of_recall_counts():
    # LAV-DF's code sums from the first proposal's recall on, so that one true segment, found, would give 0
    assert metrics.ap_at_iou([[[0, 1, 0.5]]], [[[0, 1]]], 0.5) == 1


@pytest.mark.parametrize("proposal, truth, iou", [([0, 1], [0, 2], 0.5), ([0, 3], [0, 4], 0.75), ([0, 19], [0, 20], 0.95)])
def test_an_iou_equal_to_the_threshold_is_no_hit(proposal, truth, iou):
    for scale, shift in ((1, 0), (0.04, 0), (0.04, 1.88), (0.04, 4.44)):  # on the 25-fps grid the last digits differ from place to place
        p = [[[proposal[0] * scale + shift, proposal[1] * scale + shift, 0.9]]]
        t = [[[truth[0] * scale + shift, truth[1] * scale + shift]]]
        assert metrics.ap_at_iou(p, t, iou) == 0
        assert metrics.ap_at_iou(p, t, iou - 1e-6) == 1
        assert metrics.ar_at_n(p, t, 1) == pytest.approx(round(iou * 20 - 10) / 10)


def test_ties_enter_together():
    right, wrong, truth = [0, 1, 0.5], [8, 9, 0.5], [[[0, 1]]]
    assert metrics.ap_at_iou([[right, wrong]], truth, 0.5) == metrics.ap_at_iou([[wrong, right]], truth, 0.5) == 0.5


def test_no_proposals_find_nothing():
    empty = [np.zeros((0, 3)), [], np.zeros((0, 3))]
    assert metrics.ap_at_iou(empty, TRUTH, 0.5) == 0 and metrics.ar_at_n(empty, TRUTH, 100) == 0


def test_ar_looks_at_n_proposals_of_each_video():
    proposals = [[[8, 9, 0.9], [0, 1, 0.8]]]
    assert metrics.ar_at_n(proposals, [[[0, 1]]], 1) == 0 and metrics.ar_at_n(proposals, [[[0, 1]]], 2) == 1


def test_no_truth_anywhere_is_told_and_a_bootstrap_draws_again():
    for call in (lambda: metrics.ap_at_iou([[[0, 1, 0.5]]], [[]], 0.5), lambda: metrics.ar_at_n([[[0, 1, 0.5]]], [[]], 1)):
        with pytest.raises(AvlabError, match="true segment"):
            call()
    proposals, truth = [[[0, 1, 0.5]], [[0, 1, 0.6]]], [[[0, 1]], []]
    seen = metrics.bootstrap_ci(lambda i: metrics.ap_at_iou([proposals[k] for k in i], [truth[k] for k in i], 0.5), np.arange(2), n=40)
    assert set(seen.draws) <= {0.5, 1.0} and len(set(seen.draws)) == 2


def test_hits_pooled_again_are_the_same_ap():
    proposals, truth = random_videos(3)
    hits = [metrics.proposal_hits(p, t, 0.5) for p, t in zip(proposals, truth, strict=True)]
    pooled = metrics.ap_from_hits(np.concatenate([p[:, 2] for p in proposals]), np.concatenate(hits), sum(map(len, truth)))
    assert pooled == metrics.ap_at_iou(proposals, truth, 0.5)


def test_interval_iou_of_nothing_and_of_points():
    assert metrics.interval_iou([[0, 1]], np.zeros((0, 2))).shape == (1, 0)
    assert metrics.interval_iou([[1, 1]], [[1, 1], [0, 2]]).tolist() == [[0, 0]]
    assert metrics.interval_iou([[0, 2]], [[1, 3], [2, 3], [0, 2]]).tolist() == [[pytest.approx(1 / 3), 0, 1]]


@pytest.mark.parametrize("proposals, truth", [([[[0, 1, 0.5]]], []), ([], []), ([[[0, 1]]], [[[0, 1]]]), ([[[0, 1, np.nan]]], [[[0, 1]]]),
                                              ([[[0, 1, 1]]], [[[1, 1]]])])
def test_wrong_arguments_are_told(proposals, truth):
    with pytest.raises(AvlabError):
        metrics.ap_at_iou(proposals, truth, 0.5)


def test_ar_needs_a_proposal():
    with pytest.raises(AvlabError, match="one proposal"):
        metrics.ar_at_n([[[0, 1, 0.5]]], [[[0, 1]]], 0)
