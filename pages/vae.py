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
    "Give every picture a cloud of codings instead of one point, and the codings between pictures "
    "decode to pictures too: an autoencoder that can draw new ones."
)
spec, run = opening(FAMILY)

with lesson.section(
    "From a picture to a cloud",
    "Draw again and again: the picture changes a little, what it shows does not. The codings with "
    "narrow clouds say something; watch which ones hardly move.",
):
    posterior.cloud(run, FAMILY)

with lesson.section(
    "Draw something new",
    "No picture went in here. Between two samples nothing falls apart: a sleeve grows, a shoe "
    "becomes a boot.",
):
    samples.samples(run, FAMILY)

with lesson.section(
    "The latent space as a map",
    "With two codings you can see all of it. Move the pointer: every place is a picture. Dots are "
    "test pictures, coloured by class; most draws of the prior fall inside the circle.",
):
    latent_map.latent_map(spec)

with lesson.section(
    "What each coding says",
    "The loss makes every nat pay. Codings that are not worth theirs collapse: their clouds are "
    "the prior, whatever the picture.",
):
    posterior.rates(run, FAMILY)

with lesson.section(
    "Walk through the latent space",
    "Move one coding and see what follows. Rows at the top change much, those of collapsed "
    "codings not at all.",
):
    traversal.walks(run, FAMILY)

with lesson.section(
    "What information costs",
    "The loss has two parts that pull against each other. Point at a β on the curve to see "
    "samples of that model: good copies to the right, good order in the codings to the left.",
):
    posterior.split(run, FAMILY)
    rate_distortion.sweep(run)

with lesson.section(
    "Is β = 1 really 1",
    "Squared error takes pixels of variance ½; real errors are far smaller, so a nat is far too "
    "dear. With the variance of the errors, copies are sharper and codings say more. Then it is "
    "the prior that draws badly: see “A better prior”.",
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
    "Where the loss does not make the clouds fill the prior, draws from it land between them. Fit "
    "a mixture to where they really are, and draw from that: it matters most where β is small.",
):
    holes = RunSpec.of_preset(FAMILY, "holes")
    mixture_prior.better_prior(
        {"This model": spec} | ({} if spec == holes else {"β = 0": holes}), FAMILY
    )

with lesson.section(
    "Why not a plain autoencoder",
    "Two codings each. Point between the classes on the left: the autoencoder was never told what "
    "to draw there, and its codings lie wherever they like.",
):
    latent_map.side_by_side(
        {
            "Autoencoder": RunSpec.of_preset("stacked", "two codings"),
            "Variational autoencoder": RunSpec.of_preset(FAMILY, "two-code map"),
        }
    )

with lesson.section(
    "Try to break it",
    "Make information too dear and every cloud is the prior: one grey average for all pictures. "
    "Make it free and copies are sharp, but new samples, the lowest row, are torn.",
):
    side_by_side.side_by_side(
        {
            "Broken: β = 100": RunSpec.of_preset(FAMILY, "collapse"),
            "Broken: β = 0": RunSpec.of_preset(FAMILY, "holes"),
            "Cured: β = 1": RunSpec.of_preset(FAMILY, "fast"),
        }
    )
    with st.container(horizontal=True):
        side_by_side.preset_button(FAMILY, "collapse", "β = 100")
        side_by_side.preset_button(FAMILY, "holes", "β = 0")

lesson.theory(spec)
lesson.code(spec, run)
lesson.share(FAMILY, spec)
