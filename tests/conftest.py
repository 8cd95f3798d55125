"""What all tests rely on, wherever they are started."""

import signal

# A shell ignores Ctrl-C on behalf of what it runs in the background; without this, so would every
# process that a test starts and then interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
