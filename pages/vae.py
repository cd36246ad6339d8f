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
    "Give every picture a cloud of codings instead of one point, and pull all clouds to one fixed "
    "distribution: codings drawn from that one decode to new pictures."
)
spec, run = opening(FAMILY)

with lesson.section(
    "From a picture to a cloud",
    "Draw again and again: how much does the picture change, beside what the copy lacks anyway? "
    "Codings with narrow clouds hardly move; they say something about the picture.",
):
    posterior.cloud(run, FAMILY)

with lesson.section(
    "Draw something new",
    "No picture went in here. Look between two samples: is each step still a picture like the "
    "training pictures?",
):
    samples.samples(run, FAMILY)

with lesson.section(
    "The latent space as a map",
    "Two codings are a plane. Move the pointer: every place decodes to a picture. Dots are test "
    "pictures, coloured by class; 86 % of the draws of the prior fall inside the circle.",
):
    latent_map.latent_map(spec)

with lesson.section(
    "What each coding says",
    "Every nat of information costs β in the loss. Codings that are not worth it collapse: their "
    "clouds are the prior, whatever the picture.",
):
    posterior.rates(run, FAMILY)

with lesson.section(
    "Walk through the latent space",
    "Move one coding and see what follows. The rows are ordered by nats: do those with more nats "
    "change the picture more?",
):
    traversal.walks(run, FAMILY)

with lesson.section(
    "What information costs",
    "The loss has two parts that pull against each other. Point at a β on the curve to see "
    "samples of that model. To the right copies are closer; to the left the clouds are nearer to "
    "the prior, in the end all the same.",
):
    posterior.split(run, FAMILY)
    rate_distortion.sweep(run)

with lesson.section(
    "Is β = 1 really 1",
    "Squared error takes pixels of variance ½; real errors are far smaller, so a nat is far too "
    "dear. With the variance of the errors, copies are sharper and codings say more. Then it is "
    "the prior that draws badly: see “A better prior”.",
):
    variances = ("fast", "optimal variance")
    side_by_side.side_by_side({name: RunSpec.of_preset(FAMILY, name) for name in variances})
    side_by_side.preset_button(FAMILY, "optimal variance", "the best variance")

with lesson.section(
    "How likely is a picture",
    "The ELBO is only a bound. The more codings are drawn for each picture, the tighter it gets: "
    "look where the curve flattens.",
):
    rate_distortion.likelihood(run, FAMILY)

with lesson.section(
    "A better prior",
    "Where the clouds do not fill the prior, draws from it land between them. Fit a mixture to "
    "where they really are, and draw from that. Compare the gain of the two models.",
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
    "Make information too expensive and every cloud is the prior: one average for all pictures. "
    "Make it free and copies are closest, but nothing ties the codings to the prior that new "
    "samples, the lowest row, are drawn from.",
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
