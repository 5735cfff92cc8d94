"""The four exercises of notebook 03: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avlab import course
from avlab.course import nb03
from avlab.course.base import CheckFailed

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def knn_agreement(x, label, k=10):
    apart = ((x[:, None] - x[None]) ** 2).sum(-1)
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :k]
    return (label[near] == label[:, None]).mean()


def probe_accuracy(x, label, group, rng, n_folds=5):
    people = rng.permutation(np.unique(group))
    said = np.empty_like(label)
    for test_people in np.array_split(people, n_folds):
        test = np.isin(group, test_people)
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        said[test] = probe.fit(x[~test], label[~test]).predict(x[test])
    return np.mean([(said[label == c] == c).mean() for c in np.unique(label)])


def neighbour_overlap(a, b, k):
    def near(x):
        apart = ((x[:, None] - x[None]) ** 2).sum(-1)
        np.fill_diagonal(apart, np.inf)
        return np.argsort(apart, axis=1)[:, :k]
    return np.mean([len(set(p) & set(q)) for p, q in zip(near(a), near(b))]) / k


def novelty_score(train_x, train_label, x, k=10):
    apart = np.sqrt(((x[:, None] - train_x[None]) ** 2).sum(-1))
    return np.sort(apart, axis=1)[:, k - 1]


SOLUTIONS = {"1": knn_agreement, "2": probe_accuracy, "3": neighbour_overlap, "4": novelty_score}

# ------------------------------------------------------------------------------------------------ what goes wrong


def with_itself(x, label, k=10):
    near = np.argsort(((x[:, None] - x[None]) ** 2).sum(-1), axis=1)[:, :k]
    return (label[near] == label[:, None]).mean()


def by_distance(x, label, k=10):
    apart = ((x[:, None] - x[None]) ** 2).sum(-1)
    apart[apart == 0] = np.inf
    return (label[np.argsort(apart, axis=1)[:, :k]] == label[:, None]).mean()


def folds_of(accuracy, scaler="train", rows=False):
    def answer(x, label, group, rng, n_folds=5):
        group = np.arange(len(x)) if rows else group
        if scaler == "all":
            x = StandardScaler().fit_transform(x)
        if scaler == "numpy":
            x = (x - x.mean(0)) / x.std(0)
        said = np.empty_like(label)
        for part in np.array_split(rng.permutation(np.unique(group)), n_folds):
            test = np.isin(group, part)
            said[test] = LogisticRegression(max_iter=1000).fit(x[~test], label[~test]).predict(x[test])
        return accuracy(label, said)
    return answer


def by_coordinates(a, b, k):
    return 1 / (1 + np.abs(a - b).mean())


def by_distances(a, b, k):
    far = [((x[:, None] - x[None]) ** 2).sum(-1)[np.triu_indices(len(x), 1)] for x in (a, b)]
    return np.corrcoef(*far)[0, 1]


def overlap_with_itself(a, b, k):
    near = [np.argsort(((x[:, None] - x[None]) ** 2).sum(-1), axis=1)[:, :k] for x in (a, b)]
    return np.mean([len(set(p) & set(q)) for p, q in zip(*near)]) / k


def least_softmax(train_x, train_label, x):
    return 1 - LogisticRegression().fit(train_x, train_label).predict_proba(x).max(1)


WRONG = {
    "1": {"counts itself": (with_itself, "own neighbours, and always"), "two columns": (lambda x, y, k: knn_agreement(x[:, :2], y, k), "first two columns"),
          "cosine": (lambda x, y, k: knn_agreement(x / np.linalg.norm(x, axis=1, keepdims=True), y, k), "by cosine"),
          "not divided": (lambda x, y, k: k * knn_agreement(x, y, k), "divide by k"), "one too many": (lambda x, y, k: knn_agreement(x, y, k + 1), "one neighbour too many"),
          "leaves out what is equal": (by_distance, "by its number")},
    "2": {"random folds": (folds_of(balanced_accuracy_score, rows=True), "training and test folds at once"),
          "plain accuracy": (folds_of(lambda y, s: (y == s).mean()), "plain accuracy"),
          "scaler on all rows": (folds_of(balanced_accuracy_score, "all"), "test rows included"),
          "scaled by hand": (folds_of(balanced_accuracy_score, "numpy"), "as a pipeline does"),
          "guesses": (lambda x, y, g, rng: 0.5, "4 deviations apart")},
    "3": {"coordinates": (by_coordinates, "not coordinates"), "distance matrices": (by_distances, "place of two far clusters"),
          "divided by n": (lambda a, b, k: k * neighbour_overlap(a, b, k), "n \\* k"), "counts itself": (overlap_with_itself, "shared by every two maps")},
    "4": {"largest softmax": (least_softmax, "most confident there"),
          "distance to the mean": (lambda t, y, x: np.linalg.norm(x - t.mean(0), axis=1), "in the gap between"),
          "familiarity": (lambda t, y, x: -novelty_score(t, y, x), "sign is turned"), "one number": (lambda t, y, x: novelty_score(t, y, x).mean(), "one score for each row")},
}
SAME_MESSAGE = {("2", "scaler on all rows"), ("2", "scaled by hand")}  # one mistake, by hand and by library


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_solution_passes_and_the_stub_is_let_through(number, capsys):
    course.check(f"03.{number}", SOLUTIONS[number])
    assert "passed" in capsys.readouterr().out

    def stub(*_):
        raise NotImplementedError("your turn")
    with pytest.raises(NotImplementedError):
        course.check(f"03.{number}", stub)


@pytest.mark.parametrize("number,name", [(n, name) for n, wrong in WRONG.items() for name in wrong])
def test_every_wrong_answer_fails_with_its_own_message(number, name):
    fn, said = WRONG[number][name]
    with pytest.raises(CheckFailed, match=said):
        course.check(f"03.{number}", fn)


def test_every_message_belongs_to_one_mistake():
    for number, wrong in WRONG.items():
        messages = {}
        for name, (fn, _) in wrong.items():
            with pytest.raises(CheckFailed) as found:
                course.check(f"03.{number}", fn)
            messages[name] = str(found.value)
        doubles = sum((number, name) in SAME_MESSAGE for name in wrong)
        assert len(set(messages.values())) == len(messages) - max(doubles - 1, 0), messages


def test_the_library_agrees_with_the_exercises():
    from avlab.explain import embedding

    rng = np.random.default_rng(0)
    x, label = rng.standard_normal((60, 5)), np.arange(60) % 3
    assert embedding.knn_agreement(x, label, 7) == pytest.approx(knn_agreement(x, label, 7))
    assert embedding.neighbour_overlap(x, x[:, :2], 7) == pytest.approx(neighbour_overlap(x, x[:, :2], 7))


def test_course_module_is_well_formed():
    for name, spec in nb03.METRICS.items():
        course.base.declared(name, spec)
    for profile in nb03.PROFILES.values():
        nb03.Params(**profile)
    assert set(course.base.mutants(nb03)) | {"none"} == set(nb03.Params.model_fields["mutant"].annotation.__args__)
    assert all(metric in nb03.METRICS for metric in nb03.MUTANTS.values())
