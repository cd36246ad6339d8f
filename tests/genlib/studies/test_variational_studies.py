"""Studies of variational autoencoders: bounds on likelihoods, rate and distortion, a mixture."""

from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.mixture import GaussianMixture

from genlib.classifier import ClassifierSpec, classified
from genlib.data.dataset import load
from genlib.family import to_float, to_uint8
from genlib.jobs.catalogue import read_task
from genlib.metrics import frechet_distance
from genlib.models.vae.model import COLLAPSED
from genlib.rng import generator
from genlib.runs.run import Run
from genlib.runs.spec import RunSpec
from genlib.studies.beta_sweep import BETAS, PARTS, SAMPLES, BetaSweep, points, samples
from genlib.studies.likelihood import BATCH, COUNTS, Likelihood, bounds
from genlib.studies.mixture_prior import Mixture, MixturePrior, fitted, mixture, quality
from genlib.tasks.progress import Progress
from genlib.tasks.workspace import Workspace
from tests.support.studied import trained, workspace_of

JUDGE = ClassifierSpec(dataset="digits")
STUDIES = (Likelihood, BetaSweep, MixturePrior)


def variational(loss: str, beta: float, epochs: int = 2) -> Run:
    return trained("vae", epochs, codings=3, hidden=16, loss=loss, beta=beta)


@pytest.fixture(scope="module")
def run() -> Run:
    return variational("binary", 0.05)


@pytest.fixture(scope="module")
def workspace(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace_of(tmp_path_factory.mktemp("bench"), run)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_of_a_variational_autoencoder_is_read_as_it_was_written(run, study):
    task = study(start=run.spec)
    again = read_task(task.model_dump_json())
    assert type(again) is study
    assert again == task
    assert again.fingerprint == task.fingerprint


@pytest.mark.parametrize("study", STUDIES)
def test_a_family_without_clouds_is_refused(study):
    for family in ("stacked", "denoising"):
        with pytest.raises(ValidationError, match="is not variational"):
            study(start=RunSpec.of_preset(family))


def test_the_squared_error_is_refused_as_a_likelihood_of_black_or_white_pixels():
    with pytest.raises(ValidationError, match="squared error"):
        Likelihood(start=RunSpec.of_preset("vae", "fast"))
    Likelihood(start=RunSpec.of_preset("vae", "binary pixels"))


@pytest.mark.parametrize("pictures", [0, 99, 125, 20_000])
def test_only_whole_batches_of_pictures_are_measured(run, pictures):
    with pytest.raises(ValidationError, match="pictures"):
        Likelihood(start=run.spec, pictures=pictures)


PICTURES = 100


@pytest.fixture(scope="module")
def measured(run: Run, workspace: Workspace) -> list[Progress]:
    return list(Likelihood(start=run.spec, pictures=PICTURES).perform(workspace, {}))


def test_the_bounds_rise_with_the_draws(measured):
    actual = bounds(measured[-1].files)
    assert actual.shape == (PICTURES, len(COUNTS))
    means = actual.mean(0).tolist()
    assert all(lower < higher for lower, higher in pairwise(means)), "COUNTS rise"
    assert means[-1] < 0, "black or white pixels have no density above 1"


def test_the_bound_of_one_draw_is_the_elbo_of_the_same_pictures(run, measured):
    grey = to_float(load("digits").test[:PICTURES])
    x = torch.bernoulli(grey, generator=generator(0))
    copies = 200  # draws of each picture, as these are drawn one by one
    figures = run.family.evaluate(x.repeat(copies, 1, 1, 1))
    elbos = bounds(measured[-1].files)[:, 0]
    posterior = run.family.posterior(x)
    eps = torch.randn(copies, *posterior.mean.shape, generator=generator(1))
    deviation = float(run.family.log_likelihood(x, posterior.draw(eps)).std(0).mean())
    error = deviation / (copies * PICTURES) ** 0.5
    expected = -float(figures["kl"] + figures["distortion"])
    assert float(elbos.mean()) == pytest.approx(expected, abs=5 * error)


def test_a_likelihood_that_was_interrupted_ends_the_same(run, workspace, measured):
    study = Likelihood(start=run.spec, pictures=PICTURES)
    assert [(event.step, event.steps) for event in measured] == [
        (step, PICTURES // BATCH) for step in range(1, PICTURES // BATCH + 1)
    ]
    first = next(study.perform(workspace, {}))
    rest = list(study.perform(workspace, first.files))
    assert [event.step for event in rest] == [event.step for event in measured[1:]]
    assert torch.equal(bounds(rest[-1].files), bounds(measured[-1].files))
    assert torch.equal(bounds(measured[-1].files)[:BATCH], bounds(first.files))
    assert list(study.perform(workspace, measured[-1].files)) == []


def test_what_is_known_of_the_likelihood_is_believed(run, workspace, measured):
    study, first = Likelihood(start=run.spec, pictures=PICTURES), measured[0]
    again = next(islice(study.perform(workspace, first.files), 1))
    assert torch.equal(bounds(again.files)[:BATCH], bounds(first.files))


@pytest.fixture(scope="module")
def sweep() -> BetaSweep:
    """Return a sweep whose start's β is not among the others."""
    return BetaSweep(start=variational("mse", 0.05).spec)


@pytest.fixture(scope="module")
def swept(sweep: BetaSweep, tmp_path_factory: pytest.TempPathFactory):
    """Return the bench of a finished sweep, and what was told of it."""
    workspace = workspace_of(tmp_path_factory.mktemp("sweep"), variational("mse", 0.05))
    return workspace, list(sweep.perform(workspace, {}))


def test_a_sweep_changes_nothing_but_beta(sweep):
    specs = sweep.specs()
    betas = [spec.model.beta for spec in specs]
    assert betas == sorted({*BETAS, 0.05})
    assert specs[betas.index(0.05)] == sweep.start
    for spec in specs:
        model = spec.model.model_copy(update={"beta": 0.05})
        assert spec.model_copy(update={"model": model}) == sweep.start


def test_the_start_of_a_sweep_is_not_trained_twice_where_its_beta_is_among_the_others(sweep):
    for beta in BETAS:
        model = sweep.start.model.model_copy(update={"beta": beta})
        start = sweep.start.model_copy(update={"model": model})
        specs = BetaSweep(start=start).specs()
        assert len(specs) == len(BETAS)
        assert start.fingerprint in {spec.fingerprint for spec in specs}


def test_the_points_of_a_sweep_are_what_its_runs_say_of_test_pictures(sweep, swept):
    workspace, events = swept
    actual, output = points(events[-1].files), samples(events[-1].files)
    x = to_float(load("digits").test)
    assert [point.beta for point in actual] == [spec.model.beta for spec in sweep.specs()]
    assert output.shape == (len(actual), SAMPLES, 1, 8, 8)
    for point, spec, pictures in zip(actual, sweep.specs(), output, strict=True):
        assert point.fingerprint == spec.fingerprint
        assert workspace.store.has_run(point.fingerprint)
        family = workspace.run(spec).family
        figures = family.evaluate(x)
        assert point.rate == pytest.approx(float(figures["kl"]), rel=1e-5)
        assert point.distortion == pytest.approx(float(figures["distortion"]), rel=1e-5)
        assert point.active == int((family.rates(x) >= COLLAPSED).sum())
        assert torch.equal(pictures, to_uint8(family.sample(SAMPLES, generator(0))))


def test_what_information_costs_more_is_said_with_less_of_it(swept):
    actual = {point.beta: point for point in points(swept[1][-1].files)}
    assert actual[0.01].rate > 10 * actual[100.0].rate
    assert actual[0.01].distortion < actual[100.0].distortion
    assert actual[100.0].active == 0


def test_a_sweep_tells_its_progress_and_the_points_so_far(sweep, swept):
    _, events = swept
    size = len(sweep.specs())
    steps = [event.step for event in events]
    assert steps == sorted(steps)
    assert {event.steps for event in events} == {PARTS * size}
    assert steps[-1] == PARTS * size
    for event in events:
        reference = points(event.files) if event.files else []
        assert reference == points(events[-1].files)[: len(reference)]
        assert len(reference) in (event.step // PARTS, event.step // PARTS - 1)


def test_a_sweep_that_is_asked_for_again_trains_nothing_and_says_the_same(sweep, swept):
    workspace, events = swept
    stored = {name: workspace.store.read_run(name) for name in workspace.store.fingerprints()}
    again = list(sweep.perform(workspace, {}))
    ends = [PARTS * number for number in range(1, len(sweep.specs()) + 1)]
    assert [event.step for event in again] == ends, "each run is only measured"
    assert again[-1].files == events[-1].files
    assert {
        name: workspace.store.read_run(name) for name in workspace.store.fingerprints()
    } == stored


def clustered(count: int = 600) -> torch.Tensor:
    """Return codings around three far places, a half and two quarters of them at each."""
    middles = torch.tensor([[0.0, 0, 0], [20, 0, 0], [0, 30, 0]])
    owners = torch.tensor([0, 0, 1, 2]).repeat(count // 4)
    mix = torch.tensor([[1.0, 0, 0], [0.8, 0.5, 0], [0, 0.3, 1.5]])
    return middles[owners] + torch.randn(len(owners), 3, generator=generator(2)) @ mix.T


@pytest.mark.parametrize("components", [1, 3, 5])
def test_a_fitted_mixture_is_scikit_learns(components):
    codings = clustered()
    actual = fitted(codings, components)
    model = GaussianMixture(components, random_state=0, reg_covar=1e-5).fit(codings.numpy())
    assert float(actual.weights.sum()) == pytest.approx(1)
    np.testing.assert_allclose(actual.weights, model.weights_, atol=1e-6)
    np.testing.assert_allclose(actual.means, model.means_, atol=1e-4)
    covariances = actual.factors @ actual.factors.mT
    np.testing.assert_allclose(covariances, model.covariances_, atol=1e-4)


@pytest.mark.parametrize("components", [1, 3, 5])
def test_draws_of_a_mixture_have_the_mean_and_the_covariance_of_what_it_was_fitted_to(components):
    """Each step of expectation maximisation keeps both, whatever the components are."""
    codings, count = clustered(), 200_000
    z = fitted(codings, components).sample(count, generator(3)).double().numpy()
    reference = codings.double().numpy()
    deviation = reference.std(0)
    np.testing.assert_allclose((z.mean(0) - reference.mean(0)) / deviation, 0, atol=5 / count**0.5)
    scale = np.outer(deviation, deviation)
    snapshot = ((reference - reference.mean(0)) ** 4).mean(
        0
    ) / deviation**4  # of the error of a variance
    np.testing.assert_allclose(
        (np.cov(z.T) - np.cov(reference.T, bias=True)) / scale,
        0,
        atol=5 * float(snapshot.max() / count) ** 0.5 + 1e-4,
    )


def test_a_mixture_draws_from_each_component_as_often_as_its_weight_says():
    codings, count = clustered(), 20_000
    actual = fitted(codings, 3)
    z = actual.sample(count, generator(4))
    owners = torch.cdist(z, actual.means).argmin(1)  # they lie ten deviations apart
    shares = owners.bincount(minlength=3) / count
    np.testing.assert_allclose(shares, actual.weights, atol=5 * 0.5 / count**0.5)
    np.testing.assert_allclose(sorted(actual.weights.tolist()), [0.25, 0.25, 0.5], atol=1e-3)


def test_a_mixture_of_one_narrow_component_draws_its_mean():
    narrow = Mixture(torch.ones(1), torch.tensor([[2.0, -3.0]]), torch.zeros(1, 2, 2))
    assert torch.equal(narrow.sample(5, generator(5)), torch.tensor([[2.0, -3.0]]).expand(5, 2))


@pytest.fixture(scope="module")
def judging(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a bench whose judge of digits was trained for a moment: it is there, so it judges."""
    workspace = workspace_of(tmp_path_factory.mktemp("judging"), run)
    *_, last = ClassifierSpec(dataset="digits", steps=30, batch_size=128).perform(workspace, {})
    workspace.store.write_run(JUDGE.fingerprint, last.files)
    return workspace


@pytest.fixture(scope="module")
def mixed(run: Run, judging: Workspace) -> list[Progress]:
    """Return what was told of a mixture."""
    return list(MixturePrior(start=run.spec, components=3, pictures=500).perform(judging, {}))


def test_a_mixture_prior_is_fitted_to_the_codings_of_training_pictures(run, mixed):
    actual = mixture(mixed[-1].files)
    expected = fitted(run.family.encode(to_float(load("digits").train)), 3)
    for name, part in actual._asdict().items():
        torch.testing.assert_close(part, getattr(expected, name))


def test_the_figures_of_a_mixture_prior_are_distances_in_the_judge_s_features(run, judging, mixed):
    fids = quality(mixed[-1].files)
    classifier = JUDGE.read(judging.store.read_run(JUDGE.fingerprint), judging.device)
    data = load("digits")
    count = len(data.test)  # of all sets alike, where fewer are there than were asked for
    assert fids.pictures == count
    real = classified(classifier, to_float(data.test)).features
    samples = run.family.sample(count, generator(0))
    expected = frechet_distance(real, classified(classifier, samples).features)
    assert fids.prior == pytest.approx(expected, rel=1e-4)
    assert fids.floor < min(fids.prior, fids.mixture)
    assert set(fids.pixels) == {"floor", "prior", "mixture"}
    assert fids.pixels["floor"] < min(fids.pixels["prior"], fids.pixels["mixture"])


def test_a_mixture_prior_whose_judge_is_there_tells_its_own_steps_alone(run, judging, mixed):
    assert [event.step for event in mixed] == list(range(1, mixed[-1].steps + 1))
    study = MixturePrior(start=run.spec, components=3, pictures=500)
    *_, again = study.perform(judging, {"figures.json": b"half of others"})
    assert again.files == mixed[-1].files
