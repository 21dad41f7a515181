"""What holds for every test."""

from hypothesis import settings

# How long an example takes is the machine's matter, not the test's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
