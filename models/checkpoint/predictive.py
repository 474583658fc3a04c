"""How often an advice is right, by how many of the lesions seen are malignant."""


def predictive(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float | None, float | None]:
    """Positive and negative predictive value by Bayes' rule; None where a rule never says so.

    sensitivity, specificity, prevalence: in [0, 1].

    >>> positive, negative = predictive(0.9, 0.8, 0.1)
    >>> round(positive, 3), round(negative, 3)
    (0.333, 0.986)
    """
    hit, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    missed, right = (1 - sensitivity) * prevalence, specificity * (1 - prevalence)
    return (
        hit / (hit + false) if hit + false else None,
        right / (right + missed) if right + missed else None,
    )
