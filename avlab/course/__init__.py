"""The course: one module a notebook (`nb01`, ...), holding its parameters, profiles, metrics, mutants and exercise checks."""

from avlab.course.base import CheckFailed, CommonParams, Metric, check, load, matches, metric_of, mutants, next_to

__all__ = ["CheckFailed", "CommonParams", "Metric", "check", "load", "matches", "metric_of", "mutants", "next_to"]
