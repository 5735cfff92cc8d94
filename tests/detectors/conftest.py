"""Lets the tests of this folder import toy_detector."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
