"""The lesson of the variational autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
from ui.lesson import Figure
from ui.runs import side_by_side
from ui.runs.run_panel import opening
from ui.variational import latent_map, mixture_prior, posterior, rate_distortion, traversal
from ui.widgets import samples

FAMILY = "vae"

st.markdown(
    "A variational autoencoder encodes each picture as a normal distribution, with mean μ and "
    "standard deviation σ, and decodes codings z that are drawn from it. All these distributions "
    "are kept close to N(0, I): so codings drawn from N(0, I) decode to new pictures."
)
spec, run = opening(FAMILY)

inside = [
    Figure(
        "Encode, draw, decode",
        "Draw z again and again: how much does the reconstruction change? Codings with a small "
        "σ hardly move: they hold information about the picture.",
        lambda: posterior.cloud(run, FAMILY),
    ),
    Figure(
        "New samples",
        "No picture goes in: z is drawn from N(0, I). Is each step between two samples a "
        "picture too?",
        lambda: samples.samples(run, FAMILY),
    ),
    Figure(
        "Latent map",
        "Two codings are a plane. Move the pointer: every place decodes to a picture. Dots are "
        "test pictures, coloured by class; 86 % of the draws of the prior fall inside the "
        "circle.",
        lambda: latent_map.latent_map(spec),
    ),
    Figure(
        "KL of each coding",
        "The KL term charges β for each nat of information. A coding that saves less error than "
        "that collapses: it is N(0, 1) for every picture (**posterior collapse**).",
        lambda: posterior.rates(run, FAMILY),
    ),
    Figure(
        "Latent walk",
        "Move one coding at a time. The rows are ordered by their KL divergence, in nats: do "
        "those with more nats change the picture more?",
        lambda: traversal.walks(run, FAMILY),
    ),
    Figure(
        "Rate and distortion",
        "Reconstruction error (distortion) against KL divergence (rate). Point at a β on the "
        "curve to see samples of that model. To the left all distributions come to be the "
        "prior.",
        lambda: rate_distortion.sweep(run, FAMILY),
    ),
    Figure(
        "Likelihood",
        "The ELBO is only a bound. The more codings are drawn for each picture, the tighter it "
        "gets: look where the curve flattens.",
        lambda: rate_distortion.likelihood(run, FAMILY),
    ),
    Figure(
        "A better prior",
        "If β is small, the codings of real pictures do not cover N(0, I), and samples from "
        "N(0, I) fall into gaps. Draw from a Gaussian mixture fitted to the codings instead. "
        "Which model gains more?",
        lambda: mixture_prior.better_prior(
            {"This model": spec, "β = 0": RunSpec.of_preset(FAMILY, "holes")}, FAMILY
        ),
    ),
    Figure(
        "Beside an autoencoder",
        "Two codings each. Point between the classes on the left: the autoencoder was not "
        "trained on those places, and nothing keeps its codings near a prior. Compare their "
        "spread.",
        lambda: latent_map.side_by_side(
            {
                "Autoencoder": RunSpec.of_preset("stacked", "two codings"),
                "Variational autoencoder": RunSpec.of_preset(FAMILY, "two-code map"),
            }
        ),
    ),
]
broken = [
    Figure(
        "Is β = 1 really 1?",
        "The squared error takes ½ for the variance of a pixel, far more than real errors have, "
        "so the KL term weighs too much. With their real variance reconstructions are sharper, "
        "but new samples are worse: see “A better prior”.",
        lambda: side_by_side.presets(
            FAMILY,
            {
                "β = 1": "fast",
                "Optimal variance": "optimal variance",
            },
        ),
    ),
    Figure(
        "β too large, or 0",
        "With β too large the decoder can only output the average picture. With β = 0 "
        "reconstructions are closest, but nothing ties the codings to the prior that new "
        "samples, the lowest row, come from.",
        lambda: side_by_side.presets(
            FAMILY,
            {
                "Broken: β = 100": "collapse",
                "Broken: β = 0": "holes",
                "Cured: β = 1": "fast",
            },
        ),
    ),
]

lesson.parts(spec, run, inside, broken)
