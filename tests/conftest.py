"""What every test shares: hypothesis draws the same examples each time, so that a red run can be repeated."""

from __future__ import annotations

import os

from hypothesis import settings

# HYPOTHESIS_PROFILE=explore draws new ones: for a long search by hand.
settings.register_profile("house", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
