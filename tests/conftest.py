"""What holds for every test."""

import signal

from hypothesis import settings

# A shell starts what runs in the background with Ctrl-C ignored, and a child inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's matter, not the test's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
