"""Real sidecars. The library itself comes from the fixtures of `tests/native_builds.py`."""

from tests.system.live_sidecars import *  # noqa: F403  its fixtures
