"""What two evaluations of one model have in common on every processor, whatever its batches."""

import numpy as np

# Kernels add in another order with the size of a batch, the processor and its number of cores.
MAX_ULP = 64
TIE = 1e-4


def assert_alike(found, expected, scores, true):
    """Assert that scores differ by a few units in the last place, and decisions only at ties.

    `found` and `expected` have predicted classes, scores and ranks; `scores` are those of all
    classes (n, K), `true` the true classes.
    """
    np.testing.assert_array_max_ulp(found.score, expected.score, maxulp=MAX_ULP)
    highest = np.sort(scores, axis=1)
    clear = highest[:, -1] - highest[:, -2] > TIE
    assert clear.mean() > 0.9
    assert found.predicted[clear].tolist() == expected.predicted[clear].tolist()
    own = np.take_along_axis(scores, np.asarray(true)[:, np.newaxis], axis=1)
    alone = (np.abs(scores - own) <= TIE).sum(axis=1) == 1
    assert alone.mean() > 0.5
    assert found.rank[alone].tolist() == expected.rank[alone].tolist()
