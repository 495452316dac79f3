"""Named prompt variants: part of the action, so that the action model can learn which one helps where."""

PROMPT_VARIANTS = {
    "plain": "",
    "stepwise": "Work out the answer step by step before you write it down, but give only the final answer.",
    "careful": "Before you answer, go through every requirement and make sure that your answer meets it exactly.",
}
