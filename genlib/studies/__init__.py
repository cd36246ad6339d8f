"""Measured experiments: asked for, queued and kept like a run. A new one is an entry here."""

from genlib.studies.entry import StudyEntry

STUDIES: dict[str, StudyEntry] = {
    "code_map": StudyEntry("genlib.studies.code_map", "CodeMap"),
    "few_labels": StudyEntry("genlib.studies.few_labels", "FewLabels"),
    "likelihood": StudyEntry("genlib.studies.likelihood", "Likelihood"),
    "beta_sweep": StudyEntry("genlib.studies.beta_sweep", "BetaSweep"),
    "mixture_prior": StudyEntry("genlib.studies.mixture_prior", "MixturePrior"),
    "health": StudyEntry("genlib.studies.health", "Health"),
    "sampler_bench": StudyEntry("genlib.studies.sampler_bench", "SamplerBench"),
    "style_layers": StudyEntry("genlib.studies.style_layers", "StyleLayers"),
    "seed_sweep": StudyEntry("genlib.studies.seed_sweep", "SeedSweep"),
    "recipe_grid": StudyEntry("genlib.studies.recipe_grid", "RecipeGrid"),
    "ablation": StudyEntry("genlib.studies.ablation", "Ablation"),
    "judge": StudyEntry("genlib.classifier", "ClassifierSpec"),
    "summary": StudyEntry("genlib.studies.summary", "Summary"),
    "comparison": StudyEntry("genlib.studies.comparison", "Comparison"),
}
