"""What is said of the presets of diffusion is what their settings are."""

from genlib.models.ddpm.config import FAMILY


def test_what_is_said_of_the_presets_of_ddpm_is_so():
    presets = FAMILY.presets
    predicted = {name: preset.model.prediction for name, preset in presets.items()}
    assert {name for name, prediction in predicted.items() if prediction == "noise"} == {
        "textbook"
    }
    assert set(predicted.values()) == {"noise", "velocity"}
    default = next(iter(presets.values())).model
    assert "velocity" in FAMILY.training_loss(default)
    assert "min-SNR with γ = 5" in FAMILY.training_loss(default)
    assert FAMILY.training_loss(presets["textbook"].model).startswith(
        "Huber's loss of the **noise"
    )
