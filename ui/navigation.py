"""The plan of pages: one entry a page, in the order of the sidebar and of home's cards."""

from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.navigation.page import Page

PAGES = Path(__file__).resolve().parent.parent / "pages"


class Entry(NamedTuple):
    """A page of the plan; its key there is the name of its file and its address.

    Attributes:
        section: the heading over it, in the sidebar and at home.
        title: of the page.
        icon: the name of a Material symbol.
        sentence: what its card at home says; a page without one has no card.
        preset: of the family of that name: the one whose shipped run made the card's pictures;
            the family's default where it is empty.
    """

    section: str
    title: str
    icon: str
    sentence: str = ""
    preset: str = ""


PLAN = {
    "home": Entry("Start", "Home", "home"),
    "linear": Entry(
        "Autoencoders",
        "Linear autoencoder",
        "show_chart",
        "Linear layers only: at best it does what PCA does.",
        preset="pictures",
    ),
    "stacked": Entry(
        "Autoencoders",
        "Stacked autoencoder",
        "layers",
        "Copy a picture through 30 numbers, and find out what they mean.",
    ),
    "convolutional": Entry(
        "Autoencoders",
        "Convolutional autoencoder",
        "grid_on",
        "The same small filters are used at every position of the picture.",
    ),
    "recurrent": Entry(
        "Autoencoders",
        "Recurrent autoencoder",
        "table_rows",
        "Read a picture row by row, and write it down again from memory.",
    ),
    "denoising": Entry(
        "Autoencoders",
        "Denoising autoencoder",
        "blur_on",
        "Above test pictures with pixels missing, below the same ones restored.",
    ),
    "sparse": Entry(
        "Autoencoders",
        "Sparse autoencoder",
        "scatter_plot",
        "Many codings, and a price for each that is active: are few used for a picture?",
    ),
    "pretraining": Entry(
        "Autoencoders",
        "Pretraining with few labels",
        "label",
        "Learn from pictures without labels, then classify with a handful of labels.",
    ),
    "vae": Entry(
        "Variational",
        "Variational autoencoder",
        "cloud",
        "A cloud of codings for each picture, so that new ones can be drawn: the lower row.",
    ),
    "gan2d": Entry(
        "Adversarial",
        "GAN in the plane",
        "grain",
        "Watch two players in the plane, move them by hand, break the game and cure it.",
    ),
    "gan": Entry(
        "Adversarial",
        "Dense GAN",
        "swords",
        "A forger and a detective learn from each other: is it all there, does it look real?",
    ),
    "dcgan": Entry(
        "Adversarial",
        "Deep convolutional GAN",
        "filter",
        "Convolutions against each other: five guidelines, each a switch.",
    ),
    "progressive": Entry(
        "Adversarial",
        "Progressive growing",
        "zoom_out_map",
        "From 4 × 4 pixels to 32 × 32: coarse first, and every new layer fades in.",
        preset="thorough",
    ),
    "stylegan": Entry(
        "Adversarial",
        "StyleGAN",
        "palette",
        "Each layer has a style of its own: mix the styles of two pictures, layer by layer.",
        preset="thorough",
    ),
    "ddpm": Entry(
        "Diffusion",
        "Denoising diffusion",
        "blur_circular",
        "Add noise to pictures step by step, learn to remove it, then start from noise alone.",
    ),
    "samplers": Entry(
        "Diffusion",
        "Samplers",
        "route",
        "One network, four samplers from noise to a picture: what is a step worth?",
    ),
    "flow": Entry(
        "Diffusion",
        "Flow matching",
        "air",
        "Straight lines from noise to pictures: no noise schedule, and how few steps are enough?",
    ),
    "pretrained": Entry(
        "Diffusion",
        "Pretrained models",
        "cloud_download",
        "Models from the Hugging Face Hub, pinned and safe to open, and your own to it.",
    ),
    "compare": Entry(
        "Compare",
        "Families compared",
        "compare",
        "Four families, the same pictures and a budget of time: who is sharp, diverse, fast?",
    ),
}


def page(name: str) -> Page:
    """Return the page of that name, for a link or the navigation.

    Raises:
        KeyError: there is no such page.
    """
    entry = PLAN[name]
    return st.Page(
        PAGES / f"{name}.py",
        title=entry.title,
        icon=f":material/{entry.icon}:",
        default=name == "home",
    )


def by_section() -> dict[str, list[str]]:
    """Return the names of all pages by section, in the plan's order."""
    sections: dict[str, list[str]] = {}
    for name, entry in PLAN.items():
        sections.setdefault(entry.section, []).append(name)
    return sections
