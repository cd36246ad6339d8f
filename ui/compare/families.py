"""How autoencoders, VAEs, GANs and diffusion models learn and sample, in words side by side."""

import streamlit as st

QUESTIONS = "It learns like this", "A new picture", "Usually good", "Usually bad"
APART = {  # of each family, in that order
    "Autoencoder": (
        "Copies its input to its output, under a constraint: here few codings in the middle.",
        "A mixture is fitted to the codings afterwards, and a draw of it decoded.",
        "Close copies, codings that can be looked at",
        "It has no prior of its own; what it draws is soft",
    ),
    "VAE": (
        "Copies too, but from a random draw of codings, whose distribution is pulled to N(0, I).",
        "A draw of N(0, I) is decoded.",
        "Steady training, a latent space without holes",
        "Blurred: it paints the mean of what it is unsure of. In good part that is one constant: "
        "squared error with β = 1 takes σ² = ½ for the variance of a pixel, far more than its "
        "errors have, so its codings say too little",
    ),
    "GAN": (
        "Two networks compete: a generator draws, a discriminator tells the drawn from the real.",
        "The generator turns a draw of N(0, I) into a picture, in one pass.",
        "Sharp pictures, at once",
        "An unsteady game; kinds of pictures may go missing",
    ),
    "Diffusion": (
        "Takes a little noise out of a picture, whatever the amount of noise in it.",
        "Pure noise is denoised, in many small steps.",
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
