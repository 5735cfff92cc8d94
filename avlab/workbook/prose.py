"""Markdown of a notebook to HTML for an offline page: formulas as MathML, references as text, links between pages kept."""

import html
import re

from avlab.errors import AvlabError

FORMULA = re.compile(r"```.*?```|~~~.*?~~~|`[^`\n]+`|(?<!\\)\$\$(?P<block>.+?)\$\$|(?<![\\\w$])\$(?=\S)(?P<inline>[^$`\n]+?)(?<=\S)\$(?![\d$])", re.S)


def mathml(latex, block=False):
    """A LaTeX formula as MathML without xmlns (which would turn into visible text in some places).

    Raises AvlabError for a macro that the converter does not know: it would print the macro's name.
    """
    from latex2mathml.converter import convert
    try:
        out = convert(latex.strip(), display="block" if block else "inline")
    except Exception as error:
        raise AvlabError("A formula could not be read", got=latex, todo=f"{type(error).__name__}: {error}") from error
    unknown = re.findall(r"\\[A-Za-z]+", re.sub(r"<annotation.*?</annotation>", "", out, flags=re.S))
    if unknown:
        raise AvlabError("A formula uses a macro that has no MathML form", got=f"{', '.join(unknown)} in {latex}",
                         todo="Use \\operatorname{...} or plain symbols")
    return re.sub(r'\s*xmlns="[^"]*"', "", out)


def to_html(markdown, files=None):
    """Markdown to HTML. files = {notebook file name: page} for links between notebooks.

    Formulas are swapped for tokens before the markdown is read, so that their * and _ stay theirs, and put back at the end.
    Links to the web become their text and address: a page of this report points to nothing outside.
    """
    from nbconvert.filters.markdown_mistune import markdown2html_mistune
    made = []

    def keep(match):
        block, inline = match["block"], match["inline"]
        if block is None and inline is None:
            return match[0]
        made.append(mathml(block or inline, block is not None))
        return f"avmath{len(made) - 1}x"

    page = markdown2html_mistune(FORMULA.sub(keep, markdown))
    page = _tidy(page, files or {})
    page = re.sub(r"<p>(avmath\d+x)</p>", r"<div>\1</div>", page)
    return re.sub(r"avmath(\d+)x", lambda m: made[int(m[1])], page)


def _tidy(page, files):
    """Links, anchors and tables as an offline reader needs them."""
    from bs4 import BeautifulSoup
    soup = BeautifulSoup(page, "html.parser")
    for a in soup.find_all("a"):
        href = a.get("href", "")
        if "anchor-link" in (a.get("class") or []):
            a.decompose()
        elif re.match(r"\s*(https?:)?//", href, re.I):
            address = soup.new_tag("span", attrs={"class": "url"})
            address.string = "" if href in a.text else f" ({href})"
            a.insert_after(address)
            a.unwrap()
        elif href.rsplit("/", 1)[-1].split("#")[0] in files:
            a["href"] = files[href.rsplit("/", 1)[-1].split("#")[0]]
    for table in soup.find_all("table"):
        for th in table.select("thead th"):
            th["scope"] = "col"
        table.wrap(soup.new_tag("div", attrs={"class": "table", "tabindex": "0", "role": "region", "aria-label": "table"}))
    for img in soup.find_all("img"):
        if re.match(r"\s*(https?:)?//", img.get("src", "")):
            raise AvlabError("A notebook shows no picture from the web", got=img["src"])
    return str(soup)


def headings(page):
    """[(id, text)] of the h2 headings of a page, for its table of contents."""
    found = re.findall(r'<h2[^>]*\bid="([^"]*)"[^>]*>(.*?)</h2>', page, re.S)
    return [(i, html.unescape(re.sub(r"<math.*?</math>|<[^>]+>", "", t, flags=re.S)).strip()) for i, t in found]
