"""How numbers are said in every notebook: an interval, a share, and on which side of a null value an interval lies."""


def span(interval, digits=2) -> str:
    """'0.71 [0.60, 0.82]'"""
    return f"{interval.value:.{digits}f} [{interval.lo:.{digits}f}, {interval.hi:.{digits}f}]"


def percent(share) -> str:
    return f"{100 * share:.0f} %"


def side_of(interval, null=0.0) -> str:
    """'above', 'below' or 'around': where an interval lies against a null value."""
    return "above" if interval.lo > null else "below" if interval.hi < null else "around"
