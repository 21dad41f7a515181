"""Export of one client: all that is kept, and the files that can still be had."""
