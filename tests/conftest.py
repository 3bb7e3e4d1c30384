from __future__ import annotations

from hypothesis import HealthCheck, settings

# How long an example takes says nothing on a shared machine, and no test here is about time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
