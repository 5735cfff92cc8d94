"""The workbook machinery: build, run and judge notebooks. It knows no science; what a notebook measures stands in avlab.course."""

from avlab.workbook.session import Session, start

__all__ = ["Session", "start"]
