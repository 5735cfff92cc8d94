"""Ask what a score or a map rests on: the five controls, the simple read-out that judges a signal, and whether picture and sound agree."""
