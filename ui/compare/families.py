"""How autoencoders, VAEs, GANs and diffusion models learn and sample, in words side by side."""

import streamlit as st

QUESTIONS = "It learns like this", "A new picture", "Usually good", "Usually bad"
APART = {  # of each family, in that order
    "Autoencoder": (
        "Copies its input to its output, under a constraint: here few codings in the middle.",
        "A mixture is fitted to the codings afterwards, and a draw of it decoded.",
        "Exact copies, codings that can be looked at",
        "It has no prior of its own; what it draws is soft",
    ),
    "VAE": (
        "Copies too, but from a draw of a cloud of codings, which is pulled to a normal one.",
        "A draw of N(0, I) is decoded.",
        "Steady training, a latent space without holes",
        "Blurred: it paints the mean of what it is unsure of",
    ),
    "GAN": (
        "Two networks compete: a forger draws, a detective tells the drawn from the real.",
        "The forger turns a draw of N(0, I) into a picture, in one pass.",
        "Sharp pictures, at once",
        "An unsteady game; kinds of pictures go missing",
    ),
    "Diffusion": (
        "Takes a little noise out of a picture, whatever the amount of noise in it.",
        "Noise alone is cleaned, in many small steps.",
        "One simple loss; sharp and diverse pictures",
        "As many passes as steps for each picture",
    ),
}


def apart() -> None:
    """Draw what autoencoders, VAEs, GANs and diffusion share, and where they differ."""
    st.markdown(
        "All of them learn without labels. All find a latent space, in which numbers stand for a "
        "picture. And all make new pictures from random numbers in it."
    )
    for column, (name, answers) in zip(
        st.columns(len(APART), gap="medium"), APART.items(), strict=True
    ):
        with column:
            st.markdown(f"**{name}**")
            for title, text in zip(QUESTIONS, answers, strict=True):
                st.markdown(f":small[:gray[{title}]]  \n{text}")
