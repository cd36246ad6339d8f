"""The lesson of the variational autoencoder, top to bottom as a student reads it."""

import streamlit as st

from genlib.runs.spec import RunSpec
from ui import lesson
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

with lesson.section(
    "From a picture to a distribution",
    "Draw z again and again: how much does the reconstruction change? Codings with a small σ "
    "hardly move: they hold information about the picture.",
):
    posterior.cloud(run, FAMILY)

with lesson.section(
    "New samples",
    "No picture goes in: z is drawn from N(0, I). Is each step between two samples a picture too?",
):
    samples.samples(run, FAMILY)

with lesson.section(
    "The latent space as a map",
    "Two codings are a plane. Move the pointer: every place decodes to a picture. Dots are test "
    "pictures, coloured by class; 86 % of the draws of the prior fall inside the circle.",
):
    latent_map.latent_map(spec)

with lesson.section(
    "KL divergence of each coding",
    "The KL term charges β for each nat of information. A coding that saves less error than that "
    "collapses: it is N(0, 1) for every picture (**posterior collapse**).",
):
    posterior.rates(run, FAMILY)

with lesson.section(
    "Walk through the latent space",
    "Move one coding at a time. The rows are ordered by their KL divergence, in nats: do those "
    "with more nats change the picture more?",
):
    traversal.walks(run, FAMILY)

with lesson.section(
    "Rate and distortion",
    "Reconstruction error (distortion) against KL divergence (rate). Point at a β on the curve to "
    "see samples of that model. To the left all distributions come to be the prior.",
):
    posterior.split(run, FAMILY)
    rate_distortion.sweep(run)

with lesson.section(
    "Is β = 1 really 1",
    "The squared error takes ½ for the variance of a pixel, far more than real errors have, so "
    "the KL term weighs too much. With their real variance reconstructions are sharper, but new "
    "samples are worse: see “A better prior”.",
):
    presets = "fast", "optimal variance"
    side_by_side.side_by_side({name: RunSpec.of_preset(FAMILY, name) for name in presets})
    side_by_side.preset_button(FAMILY, "optimal variance", "the best variance")

with lesson.section(
    "How likely is a picture",
    "The ELBO is only a bound. The more codings are drawn for each picture, the tighter it gets: "
    "look where the curve flattens.",
):
    rate_distortion.likelihood(run, FAMILY)

with lesson.section(
    "A better prior",
    "If β is small, the codings of real pictures do not cover N(0, I), and samples from N(0, I) "
    "fall into gaps. Draw from a Gaussian mixture fitted to the codings instead. Which model "
    "gains more?",
):
    holes = RunSpec.of_preset(FAMILY, "holes")
    mixture_prior.better_prior(
        {"This model": spec} | ({} if spec == holes else {"β = 0": holes}), FAMILY
    )

with lesson.section(
    "Why not a plain autoencoder",
    "Two codings each. Point between the classes on the left: the autoencoder was not trained on "
    "those places, and nothing keeps its codings near a prior. Compare their spread.",
):
    latent_map.side_by_side(
        {
            "Autoencoder": RunSpec.of_preset("stacked", "two codings"),
            "Variational autoencoder": RunSpec.of_preset(FAMILY, "two-code map"),
        }
    )

with lesson.section(
    "Try to break it",
    "With β too large the decoder can only output the average picture. With β = 0 reconstructions "
    "are closest, but nothing ties the codings to the prior that new samples, the lowest row, "
    "come from.",
):
    side_by_side.side_by_side(
        {
            "Broken: β = 100": RunSpec.of_preset(FAMILY, "collapse"),
            "Broken: β = 0": RunSpec.of_preset(FAMILY, "holes"),
            "Cured: β = 1": RunSpec.of_preset(FAMILY, "fast"),
        }
    )
    side_by_side.preset_button(FAMILY, "collapse", "β = 100")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
