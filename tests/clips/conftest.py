"""Lets the tests of this folder import clip_maker, which writes small films with a planted truth."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
