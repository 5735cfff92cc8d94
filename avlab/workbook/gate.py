"""What a page must not do: fetch anything, or show a picture without a description."""

import re
from html.parser import HTMLParser

OUTSIDE = re.compile(r"^\s*(https?:)?//", re.I)
FETCHING = {"src", "href", "srcset", "poster", "data", "action", "formaction", "background", "cite", "xlink:href", "manifest", "ping"}
STYLE = re.compile(r"url\(\s*['\"]?\s*((?:https?:)?//[^'\")]*)|@import\s+(?:url\()?['\"]?([^'\";)]*)", re.I)
SCRIPT = re.compile(r"(?:\bimport\s*\(|\bimport\b[^;\n]{0,200}?\bfrom\s*|\bimport\s*|importScripts\s*\(|fetch\s*\()\s*['\"`]((?:https?:)?//[^'\"`]*)", re.I)
LAZY_ALT = "no description has been provided"


class _Reader(HTMLParser):
    """Collects the problems of one page while reading it once."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.problems, self.inside, self.seen = [], "", {"html": False, "title": False, "main": 0, "h1": 0}

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        for name, value in attrs.items():
            value = value or ""
            if name in FETCHING and any(OUTSIDE.match(part) for part in (value.split(",") if name == "srcset" else [value])):
                self.problems.append(f"<{tag} {name}> leaves the machine: {value[:80]}")
            if name == "style":
                self._style(value)
        self._described(tag, attrs)
        self.inside = tag if tag in ("script", "style") else ""
        if tag == "html":
            self.seen["html"] = bool(attrs.get("lang"))
        if tag == "title":
            self.seen["title"] = True
        if tag in ("main", "h1"):
            self.seen[tag] += 1

    def _described(self, tag, attrs):
        if tag == "img" and len((attrs.get("alt") or "").strip()) == 0 and attrs.get("role") != "presentation":
            self.problems.append("an image has no alternative text")
        if LAZY_ALT in (attrs.get("alt") or "").lower():
            self.problems.append("an image has the stock alternative text")
        if attrs.get("role") == "img" and not (attrs.get("aria-label") or "").strip() and "hidden" not in attrs:
            self.problems.append(f"<{tag} role=img> has no label")

    def handle_endtag(self, tag):
        self.inside = "" if tag in ("script", "style") else self.inside

    def handle_data(self, data):
        if self.inside == "style":
            self._style(data)
        if self.inside == "script":
            self.problems += [f"a script imports {m[:80]}" for m in SCRIPT.findall(data)]

    def _style(self, text):
        self.problems += [f"a style fetches {(a or b)[:80]}" for a, b in STYLE.findall(text)]


def problems(page, whole=True):
    """What keeps a page from being an offline, described page, as sentences; [] when all is well.

    page   HTML text           whole   also ask for lang, title, one <main> and one <h1>
    Looked at: every fetching attribute, inline styles, <style>, and imports in scripts. Plain URLs in text are fine.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    found = list(dict.fromkeys(reader.problems))
    if whole:
        s = reader.seen
        found += [m for ok, m in ((s["html"], "the page has no language"), (s["title"], "the page has no title"),
                                  (s["main"] == 1, f"{s['main']} <main> elements instead of 1"),
                                  (s["h1"] == 1, f"{s['h1']} <h1> elements instead of 1")) if not ok]
    return found
