"""What pages say of measurements is what scipy and scikit-learn say of them."""

import base64
import json
from collections import defaultdict

import numpy as np
import pytest
import streamlit as st
import torch
from scipy.stats import t, ttest_rel
from sklearn.decomposition import PCA
from streamlit.testing.v1 import AppTest

from genlib.data.dataset import load
from genlib.family import to_float
from genlib.rng import generator
from genlib.runs.run import Run, perform
from genlib.runs.spec import RunSpec
from genlib.studies.few_labels import LABELS, METHODS, Accuracy, to_files
from tests.support.studied import trained
from ui.autoencoders import anomalies, few_labels, planes

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _fresh():
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def table_of(tuned: list[float], scratch: list[float], pixels: list[float]) -> defaultdict:
    """Return measurements at 100 labels, in %, in the form that the page collects them."""
    table = defaultdict(lambda: defaultdict(list))
    table["pretrained, fine-tuned"][100] = tuned
    table["from scratch"][100] = scratch
    table["raw pixels, linear"][100] = pixels
    return table


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_the_interval_is_student_s(count: int):
    sample = RNG.normal(70, 3, count)
    error = sample.std(ddof=1) / np.sqrt(count)
    low, high = t.interval(0.95, count - 1, sample.mean(), error)
    assert few_labels._interval(sample) == pytest.approx((high - low) / 2)


def test_one_measurement_has_no_interval():
    assert few_labels._interval(np.array([70.0])) == 0


@pytest.mark.parametrize(
    ("tuned", "scratch", "text"),
    [
        ([80.0, 81.0, 82.0], [70.0, 71.0, 72.5], "**helps**: +9.8 ±"),
        ([70.0, 71.0, 72.5], [80.0, 81.0, 82.0], "**hurts**: -9.8 ±"),
        ([70.0, 75.0, 80.0], [71.0, 70.0, 83.0], "**no difference is sure**: +0.3 ±"),
        ([70.0, 70.0], [70.0, 70.0], "**no difference is sure**: +0.0 ± 0.0"),
    ],
)
def test_the_verdict_says_whether_pretraining_helps(tuned, scratch, text: str):
    verdict = few_labels._verdict(table_of(tuned, scratch, [60.0, 61.0]))
    assert text in verdict
    assert verdict.startswith("With 100 labels ")
    assert f"from scratch, {np.mean(scratch):.1f} %" in verdict
    assert "A linear classifier on the raw pixels reaches 60.5 %" in verdict


@pytest.mark.parametrize("seed", range(40))
def test_the_verdict_is_sure_where_the_paired_t_test_is(seed: int):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 11))
    scratch = rng.normal(70, 5, count)
    tuned = scratch + rng.normal(rng.normal(0, 3), 2, count)
    verdict = few_labels._verdict(table_of(list(tuned), list(scratch), [60.0]))
    sure = ttest_rel(tuned, scratch).pvalue < 0.05
    word = "no difference is sure"
    if sure:
        word = "helps" if tuned.mean() > scratch.mean() else "hurts"
    assert f"**{word}**" in verdict


@pytest.mark.parametrize("seed", range(30))
def test_raw_pixels_are_better_or_worse_only_where_the_paired_t_test_is_sure(seed: int):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 9))
    tuned, scratch = rng.normal(72, 2, count), rng.normal(70, 2, count)
    best = max(tuned, scratch, key=np.mean)
    pixels = best + rng.normal(rng.normal(0, 3), 2, count)
    verdict = few_labels._verdict(table_of(list(tuned), list(scratch), list(pixels)))
    sure = ttest_rel(pixels, best).pvalue < 0.05
    assert ("no sure difference" in verdict) != sure
    assert ("**better**" in verdict) == (sure and pixels.mean() > best.mean())
    assert ("**worse**" in verdict) == (sure and pixels.mean() < best.mean())


def test_the_numbers_of_labels_at_which_pretraining_helps_are_named():
    table = table_of([70.0, 71.0, 72.0], [70.5, 71.5, 71.0], [60.0, 61.0, 62.0])
    table["pretrained, fine-tuned"][10] = [50.0, 51.0, 52.0]
    table["from scratch"][10] = [40.0, 41.0, 42.1]
    table["pretrained, fine-tuned"][1000] = [80.0, 81.0, 82.0]
    table["from scratch"][1000] = [85.0, 86.0, 87.2]
    verdict = few_labels._verdict(table)
    assert "Of the 3 numbers of labels" in verdict
    assert "helps at: 10;" in verdict
    assert "hurts at: 1000." in verdict


@pytest.mark.parametrize(("tuned", "scratch"), [([], []), ([80.0], [70.0]), ([], [70.0, 71.0])])
def test_nothing_is_said_of_what_is_not_measured(tuned, scratch):
    assert (
        few_labels._verdict(table_of(tuned, scratch, [60.0]))
        == "With 100 labels: not measured yet."
    )


def accuracy(method: str, labels: int, seed: int, share: float) -> Accuracy:
    return Accuracy(method=method, labels=labels, seed=seed, accuracy=share)


def every(counts: tuple[int, ...], seeds: int) -> list[Accuracy]:
    """Return made-up accuracies in the order in which a study measures them."""
    return [
        accuracy(method, count, seed, float(RNG.uniform(0.3, 0.9)))
        for count in counts
        for seed in range(seeds)
        for method in METHODS
    ]


def drawn(reference: list[Accuracy]) -> AppTest:
    """Return what the page draws of these accuracies."""

    def script(content: bytes) -> None:
        from ui.autoencoders import few_labels

        few_labels.draw({"accuracies.jsonl": content})

    content = to_files(reference)["accuracies.jsonl"]
    app = AppTest.from_function(script, kwargs={"content": content}, default_timeout=30).run()
    assert not app.exception
    return app


def numbers(written: dict | list) -> np.ndarray:
    """Return the numbers of a chart, as it is sent to the browser."""
    if isinstance(written, list):
        return np.array(written, float)
    return np.frombuffer(base64.b64decode(written["bdata"]), written["dtype"]).astype(float)


def curves(app: AppTest, chart: int = 0) -> dict[str, tuple[np.ndarray, ...]]:
    """Return the labels, accuracies and intervals of each curve; those of gains are chart 1."""
    chart = app.get("plotly_chart")[chart]
    return {
        trace["name"]: tuple(map(numbers, (trace["x"], trace["y"], trace["error_y"]["array"])))
        for trace in json.loads(chart.proto.spec)["data"]
    }


def test_the_curves_are_the_means_in_percent_with_student_s_intervals():
    reference = every(LABELS, 3)
    app = drawn(reference)
    assert "**" in app.markdown[0].value
    seen = curves(app)
    assert list(seen) == list(METHODS)
    for method, (x, y, error) in seen.items():
        table = np.array(
            [
                [i.accuracy for i in reference if (i.method, i.labels) == (method, n)]
                for n in LABELS
            ]
        )
        assert x.tolist() == list(LABELS)
        np.testing.assert_allclose(y, 100 * table.mean(1))
        half = t.ppf(0.975, 2) * 100 * table.std(1, ddof=1) / np.sqrt(3)
        np.testing.assert_allclose(error, half)


@pytest.mark.parametrize("count", [1, 2, 4, 7, 20, 41])
def test_a_study_that_is_still_measured_is_drawn_without_gaps(count: int):
    reference = every(LABELS, 2)[:count]
    app = drawn(reference)
    for method, (x, y, error) in curves(app).items():
        assert set(x) == {item.labels for item in reference if item.method == method}
        assert np.isfinite(y).all()
        assert np.isfinite(error).all()
    for x, y, error in curves(app, 1).values():
        assert set(x) <= {item.labels for item in reference if item.method == "from scratch"}
        assert np.isfinite(y).all()
        assert np.isfinite(error).all()


def test_gains_are_seed_by_seed_so_what_all_seeds_share_is_no_error():
    share = {method: 0.01 * index for index, method in enumerate(METHODS)}
    reference = [
        accuracy(method, 100, seed, 0.1 * seed + share[method])
        for seed in range(4)
        for method in METHODS
    ]
    base = share["from scratch"]
    for method, (_, gain, error) in curves(drawn(reference), 1).items():
        assert gain == pytest.approx([100 * (share[method] - base)])
        assert error == pytest.approx([0.0], abs=1e-9)


def test_each_error_is_the_mean_over_the_pixels_of_a_picture():
    run = trained(codings=10)
    x = to_float(load("digits").test)
    output = run.family.reconstruct(x)
    expected = ((x - output).numpy() ** 2).reshape(len(x), -1).mean(1)
    np.testing.assert_allclose(anomalies._each_error(run.family, x).numpy(), expected, rtol=1e-5)
    metric = run.provenance.metrics["test_mse"]
    seen = anomalies._errors(run, "digits")
    assert seen.mean() == pytest.approx(metric, rel=1e-4)


def test_each_error_of_a_denoiser_is_that_of_what_it_restored():
    run = trained("denoising", epochs=1)
    x = to_float(load("digits").test)
    shown = run.family.preview(x, generator(0))
    assert len(shown) > len(x), "the corrupted pictures are shown too"
    expected = (x - shown[-len(x) :]).square().flatten(1).mean(1)
    torch.testing.assert_close(anomalies._each_error(run.family, x), expected)


def test_strangers_err_more_than_what_a_model_was_trained_on():
    run = trained(codings=10)
    rng = generator(1)
    noise = torch.rand(300, 1, 8, 8, generator=rng)
    reference = anomalies._each_error(run.family, to_float(load("digits").test))
    assert anomalies._each_error(run.family, noise).median() > reference.quantile(0.95)


@pytest.mark.parametrize("codings", [3, 10, 64])
def test_the_errors_of_pca_are_scikit_learns_at_each_count(codings: int):
    data = load("digits")
    train, test = (to_float(part).flatten(1).double().numpy() for part in (data.train, data.test))
    reference = planes._pca_errors("digits", codings)
    assert codings in reference
    assert max(reference) <= 64, "there are no more components than pixels"
    for count, error in reference.items():
        pca = PCA(count, svd_solver="full").fit(train)
        expected = ((pca.inverse_transform(pca.transform(test)) - test) ** 2).mean()
        assert error == pytest.approx(expected, rel=1e-3, abs=1e-9)


def linear(codings: int) -> Run:
    """Return a linear autoencoder of points, trained for a moment."""
    spec = RunSpec.of_preset("linear").model_dump()
    spec["model"]["codings"], spec["train"]["epochs"] = codings, 5
    *_, run = perform(RunSpec.model_validate(spec), torch.device("cpu"))
    return run


@pytest.mark.parametrize("codings", [1, 2, 5])
def test_flat_codings_are_centred_beside_pca_s_coordinates(codings: int):
    run = linear(codings)
    points = load("ellipse").train.flatten(1).numpy()
    own, flat = planes._codings(run, points).values()
    z = run.family.encode(load("ellipse").train).numpy()
    assert own.shape == flat.shape == (60, 2)
    np.testing.assert_allclose(own.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(np.diff(own[:, 0]), np.diff(z[:, 0]), atol=1e-5)
    if codings == 1:
        assert (own[:, 1] == 0).all()
    expected = PCA(2, svd_solver="full").fit_transform(points)
    signs = np.sign((flat * expected).sum(0))
    np.testing.assert_allclose(flat * signs, expected, atol=1e-5)


@pytest.mark.parametrize("spec", ["ellipse", "pictures"])
def test_planes_are_drawn_for_points_and_for_pictures(spec: str):
    run = linear(2) if spec == "ellipse" else trained("linear", epochs=1, codings=7)

    def script(run) -> None:
        from ui.autoencoders import planes

        planes.planes(run, "linear")

    app = AppTest.from_function(script, kwargs={"run": run}, default_timeout=30).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == (2 if spec == "ellipse" else 1)
