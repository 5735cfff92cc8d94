"""Small HTML pieces: a displayable fragment, ids that depend on content alone, escaped tables."""

import hashlib
import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Html:
    """A piece of HTML that a notebook shows as it stands."""
    html: str

    def _repr_html_(self):
        return self.html


def prefix(content):
    """An id that is the same for the same content on every run and differs from other explorers' ids."""
    return "av" + hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:10]


def table(head, rows, *, caption="", classes="avlab-table", raw=()):
    """An HTML table with column headers in scope; the first cell of a row is its header. Columns in `raw` are not escaped.

    It stands in a box of its own that scrolls: on a phone a wide table must not widen the page.
    """
    def cell(i, value):
        text = str(value) if i in raw else html.escape(str(value))
        return f'<th scope="row">{text}</th>' if i == 0 else f"<td>{text}</td>"
    top = "".join(f'<th scope="col">{html.escape(str(h))}</th>' for h in head)
    body = "".join("<tr>" + "".join(cell(i, v) for i, v in enumerate(row)) + "</tr>" for row in rows)
    cap = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    label = html.escape(caption or "table", quote=True)
    return (f'<div class="table" role="region" tabindex="0" aria-label="{label}" style="overflow-x:auto">'
            f'<table class="{classes}">{cap}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>')
