"""Ask what a score or a map rests on: the five controls, and the simple read-out that judges a signal."""
