"""The plan of the house: every page under its section, in the order of the sidebar."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

PAGES = Path(__file__).resolve().parent.parent / "pages"
PLAN = {
    "Start": {"home": ("Home", ":material/home:")},
    "Autoencoders": {
        "linear": ("Linear autoencoder", ":material/show_chart:"),
        "stacked": ("Stacked autoencoder", ":material/layers:"),
        "convolutional": ("Convolutional autoencoder", ":material/grid_on:"),
        "recurrent": ("Recurrent autoencoder", ":material/table_rows:"),
        "denoising": ("Denoising autoencoder", ":material/blur_on:"),
        "sparse": ("Sparse autoencoder", ":material/scatter_plot:"),
        "pretraining": ("Pretraining with few labels", ":material/label:"),
    },
    "Variational": {
        "vae": ("Variational autoencoder", ":material/cloud:"),
    },
    "Adversarial": {
        "gan2d": ("GAN in the plane", ":material/grain:"),
        "gan": ("Dense GAN", ":material/swords:"),
        "dcgan": ("Deep convolutional GAN", ":material/filter:"),
        "progressive": ("Progressive growing", ":material/zoom_out_map:"),
        "stylegan": ("StyleGAN", ":material/palette:"),
    },
    "Diffusion": {
        "ddpm": ("Denoising diffusion", ":material/blur_circular:"),
        "samplers": ("Samplers", ":material/route:"),
        "flow": ("Flow matching", ":material/air:"),
        "pretrained": ("Pretrained models", ":material/cloud_download:"),
    },
    "Compare": {
        "compare": ("Families compared", ":material/compare:"),
    },
}


def page(name: str) -> Page:
    """Return the page of that name, for a link or the navigation.

    Raises:
        KeyError: there is no such page.
    """
    title, icon = next(group[name] for group in PLAN.values() if name in group)
    return st.Page(PAGES / f"{name}.py", title=title, icon=icon, default=name == "home")


def plan() -> dict[str, list[Page]]:
    """Return all pages by section."""
    return {section: [page(name) for name in group] for section, group in PLAN.items()}
