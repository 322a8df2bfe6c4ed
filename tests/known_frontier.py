"""Units before a frontier that is known, and how often the bootstrap's interval holds the true score.

    python tests/known_frontier.py 500        # the slow and thorough check; prints the coverage

The frontier is y = sqrt(x), a convex set with variable returns. Inputs are uniform on 1 to 2 and inefficiency
is half-normal in logs, the same everywhere, as the bootstrap takes it to be. Unit 0 is a fixed point.
"""

from __future__ import annotations

import sys

import numpy as np

from cpdiffusion.efficiency.bootstrap import Bootstrap, bootstrap
from cpdiffusion.efficiency.data import Units, units_of

TRUE_SCORE = 0.7
SPREAD = 0.3


def units_before_it(number: int, seed: int) -> Units:
    """So many units; the first has the true score TRUE_SCORE."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(1.0, 2.0, number)
    score = np.exp(-SPREAD * np.abs(generator.standard_normal(number)))
    x[0], score[0] = 1.5, TRUE_SCORE
    y = np.sqrt(x) * score
    return units_of([str(k) for k in range(number)], ["x"], ["y"], x[:, None], y[:, None])


def estimate(number: int, replicates: int, seed: int) -> Bootstrap:
    """The bootstrap at the fixed point."""
    found = bootstrap(units_before_it(number, seed), "variable", "output", replicates, (seed, 0), [0])
    assert found is not None
    return found


def coverage(number: int, replicates: int, trials: int) -> tuple[float, float, float]:
    """Share of intervals that hold the true score; mean of the scores, and of the corrected ones."""
    found = [estimate(number, replicates, seed) for seed in range(trials)]
    held = [one.low[0] <= TRUE_SCORE <= one.high[0] for one in found]
    scores, corrected = ([float(values[0]) for values in kind] for kind in zip(*(
        (one.score, one.corrected) for one in found), strict=True))  # fmt: skip
    return float(np.mean(held)), float(np.mean(scores)), float(np.mean(corrected))


if __name__ == "__main__":
    for size in (15, 40, 100):
        share, score, corrected = coverage(size, 500, int(sys.argv[1]))
        print(
            f"{size:4d} units: 90 % intervals hold the truth in {share:.1%} of {sys.argv[1]} sets; "
            f"true score {TRUE_SCORE}, estimated {score:.3f}, corrected {corrected:.3f}"
        )
