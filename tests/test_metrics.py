"""Second routes for every number: all pairs, a sweep over all thresholds, closed forms, and worked values."""

import itertools

import numpy as np
import pytest

from avlab import metrics
from avlab.errors import AvlabError


def scored(seed, n=60, ties=False, share=0.5):
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < share).astype(int)
    label[:2] = 0, 1
    score = rng.normal(size=n) + label
    return (np.round(score) if ties else score), label


def pairs(score, label):
    """AUROC by its definition: every fake against every real, half a point for a tie."""
    fakes, reals = score[label == 1], score[label == 0]
    return np.mean([(f > r) + 0.5 * (f == r) for f in fakes for r in reals])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_auroc_is_the_share_of_pairs_and_scikit_learns(seed, ties):
    from sklearn.metrics import roc_auc_score

    score, label = scored(seed, ties=ties)
    assert metrics.auroc(score, label) == pytest.approx(pairs(score, label), abs=1e-12)
    assert metrics.auroc(score, label) == pytest.approx(roc_auc_score(label, score), abs=1e-12)


def test_auroc_by_hand():
    assert metrics.auroc([1, 2, 3, 4], [0, 0, 1, 1]) == 1
    assert metrics.auroc([4, 3, 2, 1], [0, 0, 1, 1]) == 0
    assert metrics.auroc([5, 5, 5, 5], [0, 1, 0, 1]) == 0.5
    assert metrics.auroc([1, 2, 2, 3], [0, 0, 1, 1]) == 0.875  # one tie of four pairs


def test_hard_labels_make_auroc_the_balanced_accuracy():
    answer, label = np.array([1, 1, 0, 0, 0, 1]), np.array([1, 1, 1, 0, 0, 0])
    assert metrics.auroc(answer, label) == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_average_precision_by_hand():
    # ranked fake, real, fake: precision 1 at recall 1/2, then 2/3 at recall 1
    assert metrics.average_precision([3, 2, 1], [1, 0, 1]) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def rates(score, label, threshold):
    called = score >= threshold
    return called[label == 0].mean(), (~called[label == 1]).mean()  # false alarms, misses


def eer_by_sweep(score, label):
    """Walk over all thresholds, and along the straight line between neighbours, to where the two errors meet."""
    thresholds = [np.inf, *sorted(set(score), reverse=True)]
    points = [rates(score, label, t) for t in thresholds]
    for (fa0, miss0), (fa1, miss1) in itertools.pairwise(points):
        if fa1 >= miss1:
            w = np.linspace(0, 1, 200001)
            fa, miss = fa0 + w * (fa1 - fa0), miss0 + w * (miss1 - miss0)
            return fa[np.argmin(np.abs(fa - miss))]
    raise AssertionError("the two errors must meet")


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_eer_by_sweep(seed, share, ties):
    score, label = scored(seed, ties=ties, share=share)
    assert metrics.eer(score, label) == pytest.approx(eer_by_sweep(score, label), abs=1e-4)


def test_eer_by_hand():
    assert metrics.eer([1, 2, 3, 4], [0, 0, 1, 1]) == 0
    assert metrics.eer([4, 3, 2, 1], [0, 0, 1, 1]) == 1
    assert metrics.eer([7, 7, 7, 7], [0, 0, 1, 1]) == pytest.approx(0.5)  # one point: the coin between all and none
    # one real above the only fake, one below: at half way between the thresholds both errors are 1/2
    assert metrics.eer([1, 2, 3], [0, 1, 0]) == pytest.approx(0.5)


def test_eer_of_two_normals_is_the_closed_form():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    score = np.concatenate([rng.normal(0, 1, 40000), rng.normal(1.5, 1, 40000)])
    label = np.repeat([0, 1], 40000)
    assert metrics.eer(score, label) == pytest.approx(norm.cdf(-0.75), abs=0.004)
    assert metrics.auroc(score, label) == pytest.approx(norm.cdf(1.5 / np.sqrt(2)), abs=0.004)


def test_acc_at_eer_takes_its_threshold_from_the_test_unless_told():
    score, label = np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1])
    assert metrics.acc_at_eer(score, label) == 1
    # a threshold from other clips, whose scores run 10 higher, calls everything here real
    assert metrics.acc_at_eer(score, label, threshold_from=(score + 10, label)) == 0.5
    assert metrics.eer_threshold(score, label) == 3


@pytest.mark.parametrize("seed", range(3))
def test_acc_at_eer_by_sweep(seed):
    score, label = scored(seed, share=0.3)
    gaps = {t: abs(np.subtract(*rates(score, label, t))) for t in score}
    best = [t for t in gaps if gaps[t] == min(gaps.values())]
    assert metrics.acc_at_eer(score, label) in [np.mean((score >= t) == (label == 1)) for t in best]


def test_wilson_worked_values():
    assert metrics.wilson(6, 8) == pytest.approx((0.409, 0.929), abs=5e-4)
    assert [round(100 * end, 2) for end in metrics.wilson(387, 400)] == [94.52, 98.09]
    assert metrics.wilson(0, 5)[0] == 0 and metrics.wilson(0, 5)[1] > 0.3
    assert metrics.wilson(5, 5)[1] == 1


@pytest.mark.parametrize("k, n", [(3, 10), (50, 60), (1, 400)])
def test_wilson_ends_are_where_the_score_test_rejects(k, n):
    """The interval inverts the score test: at its ends |p - k/n| = z sqrt(p(1-p)/n)."""
    for p in metrics.wilson(k, n):
        assert abs(p - k / n) == pytest.approx(1.959964 * np.sqrt(p * (1 - p) / n), rel=1e-6)


def test_wilson_refuses_nonsense():
    for k, n in ((1, 0), (-1, 4), (5, 4)):
        with pytest.raises(AvlabError, match="0 <= k <= n"):
            metrics.wilson(k, n)


def test_bootstrap_of_a_mean_is_its_standard_error():
    x = np.random.default_rng(1).normal(3, 2, 400)
    got = metrics.bootstrap_ci(np.mean, x, n=4000, seed=2)
    sem = x.std() / np.sqrt(x.size)
    assert got.value == x.mean() and got.draws.shape == (4000,)
    assert got.draws.std() == pytest.approx(sem, rel=0.05)
    assert (got.lo, got.hi) == pytest.approx((x.mean() - 1.96 * sem, x.mean() + 1.96 * sem), abs=0.1 * sem)


def test_groups_are_drawn_whole():
    """Ten copies of twenty people know as much as twenty people: the spread is that of the group means."""
    people = np.random.default_rng(3).normal(size=20)
    x, groups = np.repeat(people, 10), np.repeat([f"p{i}" for i in range(20)], 10)
    by_person = metrics.bootstrap_ci(np.mean, x, groups=groups, n=3000).draws.std()
    assert by_person == pytest.approx(people.std() / np.sqrt(20), rel=0.06)
    by_clip = metrics.bootstrap_ci(np.mean, x, n=3000).draws.std()
    assert by_person / by_clip == pytest.approx(np.sqrt(10), rel=0.08)


def test_resample_keeps_groups_together():
    groups = np.array(["b", "a", "b", "c", "a"])
    for seed in range(20):
        rows = metrics.resample(groups, np.random.default_rng(seed))
        counts = np.bincount(rows, minlength=5)
        assert counts[0] == counts[2] and counts[1] == counts[4]
        assert counts[0] + counts[1] + counts[3] == 3


def test_same_seed_same_draws_other_seed_other_draws():
    score, label = scored(5)
    a, b, c = (metrics.bootstrap_ci(metrics.auroc, score, label, n=50, seed=s).draws for s in (1, 1, 2))
    assert (a == b).all() and (a != c).any()


def test_a_paired_difference_is_narrower_than_two_separate_ones():
    score, label = scored(6, n=120)
    near = score + np.random.default_rng(7).normal(0, 0.1, score.size)
    both = metrics.paired_bootstrap(metrics.auroc, {"a": score, "b": near}, label, n=800, seed=4)
    alone = metrics.bootstrap_ci(metrics.auroc, score, label, n=800, seed=4)
    assert (both["a"].draws == alone.draws).all() and both["b"].value == metrics.auroc(near, label)
    gap = metrics.difference(both["a"], both["b"])
    assert gap.value == pytest.approx(both["a"].value - both["b"].value)
    assert gap.draws.std() < 0.4 * np.hypot(both["a"].draws.std(), both["b"].draws.std())
    same = metrics.paired_bootstrap(metrics.auroc, {"a": score, "b": score}, label, n=50)
    assert metrics.difference(same["a"], same["b"]).hi == 0


def test_draws_without_a_class_are_drawn_again():
    score, label = np.array([0.1, 0.2, 0.9]), np.array([0, 0, 1])
    got = metrics.bootstrap_ci(metrics.auroc, score, label, n=200)
    assert got.value == 1 and np.isfinite(got.draws).all() and got.draws.shape == (200,)


def test_what_the_user_can_cause_is_said_plainly():
    with pytest.raises(AvlabError, match="both needed"):
        metrics.auroc([1, 2], [1, 1])
    with pytest.raises(AvlabError, match="finite"):
        metrics.auroc([1, np.nan], [0, 1])
    with pytest.raises(AvlabError, match="0 .real. or 1"):
        metrics.auroc([1, 2], [0, 2])
    with pytest.raises(AvlabError, match="every clip"):
        metrics.eer([1, 2, 3], [0, 1])
    with pytest.raises(AvlabError, match="same length"):
        metrics.bootstrap_ci(np.mean, [1, 2, 3], groups=["a", "b"])
    with pytest.raises(AvlabError, match="more people"):
        metrics.bootstrap_ci(only_on_the_data_itself, [1, 2, 3, 4], n=5)


def only_on_the_data_itself(score):
    """A metric that no resample can satisfy."""
    if (np.diff(score) == 1).all():
        return 0.5
    raise metrics.OneClass("no fake in this draw")
