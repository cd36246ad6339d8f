"""Links that were shared before the rooms were built still open what they meant."""

from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from genlib.data import DATASETS
from tests.support.app import import_pages, opened, shared, shown_run
from ui.controls import VIEWS
from ui.navigation import PLAN
from ui.server.addresses import forgiving

# A shipped run of each family, with views of its lesson; the start of the run's fingerprint.
LINKS: dict[str, str] = {
    "/linear?linear.codings=1&linear.epochs=300": "68fbb6011bd9",
    "/stacked?stacked.codings=2&stacked.hidden=256&stacked.activation=gelu&stacked.depth=2"
    "&stacked.rewind=40&stacked.picture=7&stacked.coding=2&stacked.change=-1.5&stacked.map=PCA"
    "&stacked.threshold=25": "291d7b357783",
    "/convolutional?convolutional.codings=4&convolutional.bottleneck=average"
    "&convolutional.epochs=2&convolutional.rewind=50&convolutional.picture=3": "180a9ecd092c",
    "/recurrent?recurrent.codings=2&recurrent.epochs=1&recurrent.rewind=75&recurrent.picture=12"
    "&recurrent.rows=20": "9dd97d82a427",
    "/denoising?denoising.corruption=gaussian&denoising.level=0.3"
    "&denoising.network=convolutional&denoising.hidden=24&denoising.batch_size=128"
    "&denoising.epochs=2&denoising.test_level=0.6&denoising.source=Draw": "aac9276a0c32",
    "/sparse?sparse.penalty=l1&sparse.weight=0.0001&sparse.hidden=200&sparse.epochs=8"
    "&sparse.unit=5&sparse.rewind=90": "d69f7660d406",
    "/vae?vae.codings=2&vae.hidden=300&vae.epochs=12&vae.picture=2&vae.draw=3&vae.sample=4"
    "&vae.pin=0.500%2C-0.250&vae.first=5&vae.last=9&vae.measured=100&vae.components=30"
    "&vae.mixed=1": "2d5348a811c4",
    "/gan2d?gan2d.loss=non-saturating&gan2d.r1=0&gan2d.r2=0&gan2d.activation=tanh"
    "&gan2d.epochs=20&gan2d.packing=4&gan2d.ema=0.995&gan2d.momentum=0.5&gan2d.hand=as+trained"
    "&gan2d.moves=DGBB&gan2d.slow=true&gan2d.seeds=16": "b7099294475a",
    "/gan?gan.loss=non-saturating&gan.r1=0&gan.r2=0&gan.hidden=150&gan.activation=selu"
    "&gan.optimizer=rmsprop&gan.learning_rate=0.001&gan.batch_size=32&gan.epochs=2"
    "&gan.critic_rate=0.1&gan.warmup=0&gan.decay=none&gan.ema=0&gan.momentum=0.9"
    "&gan.rewind=30": "573a18328128",
    "/dcgan?dcgan.loss=non-saturating&dcgan.r1=0&dcgan.r2=0&dcgan.network=strided"
    "&dcgan.filters=64&dcgan.batch_norm=false&dcgan.drawing=selu&dcgan.optimizer=rmsprop"
    "&dcgan.learning_rate=0.001&dcgan.batch_size=32&dcgan.epochs=2&dcgan.warmup=0"
    "&dcgan.decay=none&dcgan.ema=0&dcgan.momentum=0.9&dcgan.rewind=60": "09cf9bccb936",
    "/progressive?progressive.growing=false&progressive.fading=0&progressive.minibatch_std=false"
    "&progressive.equalised=false&progressive.pixel_norm=false"
    "&progressive.learning_rate=0.002": "130f31f8ef9e",
    "/progressive?progressive.level=16+%C3%97+16&progressive.alpha=0.25"
    "&progressive.faded=2": "b12c105eb3ab",
    "/stylegan?stylegan.style=modulation&stylegan.layers=coarse&stylegan.layers=fine"
    "&stylegan.mixture=4&stylegan.exchanged=1&stylegan.grain=3&stylegan.strength=2"
    "&stylegan.psi=-0.5&stylegan.truncated=2&stylegan.from=1&stylegan.to=5": "799371ad0a8d",
    "/ddpm?ddpm.timesteps=200&ddpm.schedule=linear%2C+not+scaled&ddpm.sampler=Heun&ddpm.steps=10"
    "&ddpm.sample=3&ddpm.picture=4&ddpm.middle=40&ddpm.begun=Draw&ddpm.mended=4"
    "&ddpm.moment=60": "73e0c5062260",
    "/flow?flow.conditional=true&flow.epochs=5&flow.ema=0.999&flow.sampler=DDIM&flow.eta=0.5"
    "&flow.steps=5&flow.label=sneaker&flow.guidance=2.5&flow.draw=1&flow.first=2&flow.from=3"
    "&flow.to=4": "7e3a09c1fe4d",
    "/samplers?samplers.model=Flow+matching&samplers.steps=10&samplers.sample=2": "4d50255e5d6f",
    "/compare?compare.seconds=30"
    "&compare.left=2d5348a811c400fb94b9831f69608832def3615e1e1145c5c2a4ff5a868c1fbb"
    "&compare.right=c85b4f7ccd5a7431b2dec5237010735c2d4d1e106dd3f89f316fd26345502d00": (
        "86505c95028c"
    ),
}
# Of what nobody has trained, or of what is no run.
OTHERS = [
    "/gan2d?gan2d.dataset=Your+own+drawing&gan2d.drawing=" + "00003ffc" * 8,
    "/pretraining?pretraining.seeds=4&pretraining.steps=100"
    "&pretraining.start=a0e0cc2ac30bb279f4d662ec934a8034c063a67aea80479b94972c92504d59d3",
    "/pretrained?pretrained.sampler=DDPM&pretrained.steps=10&pretrained.pictures=4"
    "&pretrained.sample=3&pretrained.picture=2&pretrained.map=2&pretrained.change=-2"
    "&pretrained.run=c85b4f7ccd5a7431b2dec5237010735c2d4d1e106dd3f89f316fd26345502d00",
]
# Titles of data sets, which links held before, and what they hold now.
KEYS = {source.title: name.partition("-")[0] for name, source in DATASETS.items()} | {
    "Your own drawing": "drawn"
}
# What the address could hold beside the knobs when the names stood in one list.
NAMES = (
    *("rewind", "picture", "coding", "change", "map", "strangers", "threshold"),
    *("rows", "test_level", "source", "unit", "start"),
    *("draw", "sample", "mixed", "first", "last", "pin", "measured", "components"),
    *("hand", "moves", "slow", "drawing", "seeds"),
    *("sampler", "steps", "eta", "label", "guidance", "middle", "begun", "mended", "moment"),
    *("from", "to", "left", "right"),
    *("level", "alpha", "faded", "layers", "mixture", "exchanged", "grain", "strength", "psi"),
    "truncated",
)


pytestmark = pytest.mark.usefixtures("house")


@pytest.mark.parametrize("link", [*LINKS, *OTHERS], ids=lambda link: link[1:25])
def test_a_link_of_before_opens_keeps_its_values_and_shows_its_run(link: str):
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    app = opened(parts.path[1:], query)
    assert not [warning.value for warning in app.warning if "link" in warning.value]
    called = {key: [KEYS.get(text, text) for text in texts] for key, texts in query.items()}
    assert shared(app) == called
    if link in LINKS:
        assert shown_run(app) == LINKS[link]


def test_every_name_of_before_is_still_a_view():
    import_pages()
    assert set(NAMES) <= VIEWS


def test_a_link_into_a_frame_leads_to_the_page_that_it_names():
    client = TestClient(forgiving(Starlette()), follow_redirects=False)
    for name in PLAN.keys() - {"home"}:
        answer = client.get(f"/?page={name}&{name}.seed=7")
        assert urljoin("/", answer.headers["location"]) == f"/{name}?{name}.seed=7"
