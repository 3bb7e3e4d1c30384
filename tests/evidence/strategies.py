"""Hypothesis strategies for what is counted, and how sure one wants to be."""

from __future__ import annotations

from hypothesis import strategies as st

confidences = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])


@st.composite
def counts(draw: st.DrawFn, most: int = 2000) -> tuple[int, int]:
    trials = draw(st.integers(1, most))
    return draw(st.integers(0, trials)), trials
