"""An exported page fetches nothing, describes its figures, shows its formulas, and refuses what would break that."""

import json
import re

import nbformat.v4 as v4
import pytest

from avlab.errors import AvlabError
from avlab.workbook import evidence, export, gate, prose

PLOT = {"data": [{"type": "scatter", "x": [1, 2], "y": [3, 4]}], "layout": {"height": 300, "title": {"text": "</script>"}}}
ALT = {"avlab": {"role": "figure", "alt": 'The "line" rises from 3 to 4', "caption": "Look up."}}


def notebook(*cells, **metadata):
    return v4.new_notebook(cells=[v4.new_markdown_cell("# A title with $x^2$\n\ntext"), *cells], metadata=metadata)


def code(source, *outputs, tags=()):
    return v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def data(bundle, **metadata):
    return v4.new_output("display_data", data=bundle, metadata=metadata)


def written(tmp_path, *cells, **options):
    return export.export(notebook(*cells), tmp_path / "page.html", **options).read_text(encoding="utf-8")


def test_a_plotly_figure_becomes_described_and_drawn_by_the_file_beside(tmp_path):
    page = written(tmp_path, code("show()", data({export.PLOTLY: PLOT, "text/plain": "x"}, **ALT)))
    body = re.search(r'<script type="application/json" data-plot="(fig-[\d-]+)">(.*?)</script>', page)
    assert json.loads(body[2])["data"] == PLOT["data"] and f'id="{body[1]}"' in page
    assert 'role="img" tabindex="0" aria-label="The &quot;line&quot; rises from 3 to 4"' in page and "<figcaption>Look up.</figcaption>" in page
    assert '<script src="plotly.min.js">' in page and (tmp_path / "plotly.min.js").stat().st_size > 3e6 and gate.problems(page) == []


def test_a_page_can_carry_plotly_itself(tmp_path):
    page = written(tmp_path, code("show()", data({export.PLOTLY: PLOT}, **ALT)), plotly="inline")
    assert len(page) > 4e6 and not (tmp_path / "plotly.min.js").exists() and gate.problems(page) == []


def test_a_page_without_figures_needs_no_plotly(tmp_path):
    assert "plotly.min.js" not in written(tmp_path, code("1 + 1")) and not (tmp_path / "plotly.min.js").exists()


def test_a_figure_without_description_is_refused(tmp_path):
    for bundle in ({export.PLOTLY: PLOT}, {"image/png": "aGk="}):
        with pytest.raises(AvlabError):
            written(tmp_path, code("fig", data(bundle)))
    assert list(tmp_path.iterdir()) == []


def test_widgets_give_way_to_their_static_form(tmp_path):
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "abc"}, "text/html": "<p>static form</p>", "text/plain": "Slider()"}
    nb = notebook(code("explorer", data(view)), widgets={"application/vnd.jupyter.widget-state+json": {"state": {"abc": "</script>"}}})
    page = export.export(nb, tmp_path / "p.html").read_text()
    assert "<p>static form</p>" in page and "abc" not in page and "Slider()" not in page


def test_evidence_is_shown_as_words_and_many_numbers_fold(tmp_path):
    metric = lambda k: data({evidence.METRIC: {"name": f"m{k}", "value": 0.123456, "unit": "AUROC"}, "text/plain": "x"})  # noqa: E731
    page = written(tmp_path, code("a", metric(0)), code("b", *map(metric, range(1, 7))),
                   code("c", data({evidence.FINISH: {}, "text/plain": "finished, 7 metrics recorded"})))
    assert "<code>m0</code> = 0.1235 AUROC" in page and "<summary>6 recorded numbers</summary>" in page and "finished, 7 metrics" in page


def test_an_error_and_a_stream_are_shown_without_their_colours(tmp_path):
    error = v4.new_output("error", ename="E", evalue="v", traceback=["\x1b[0;31mE\x1b[0m: <v>"])
    page = written(tmp_path, code("boom()", v4.new_output("stream", name="stderr", text="a & b"), error))
    assert "E: &lt;v&gt;" in page and "a &amp; b" in page and "\x1b" not in page


def test_parameters_are_folded_and_hidden_cells_stay_hidden(tmp_path):
    page = written(tmp_path, code("seed: int = 0", tags=["parameters"]), code("secret_helper()", tags=["remove-input"]))
    assert "<details><summary>Parameters</summary>" in page and "secret_helper" not in page


def test_title_language_and_one_heading(tmp_path):
    page = written(tmp_path, facts="passed · 3 s", links=[("Next", "02.html")])
    assert '<html lang="en">' in page and "<title>A title with x^2</title>" in page and page.count("<h1") == 1
    assert '<p class="session">passed · 3 s</p>' in page and '<a href="02.html">Next</a>' in page
    assert export.export(v4.new_notebook(), tmp_path / "empty.html").read_text().count("<h1") == 1


def test_the_same_notebook_gives_the_same_bytes(tmp_path):
    cells = [code("show()", data({export.PLOTLY: PLOT}, **ALT))]
    assert export.export(notebook(*cells), tmp_path / "a.html").read_bytes() == export.export(notebook(*cells), tmp_path / "b.html").read_bytes()


def test_a_page_past_six_megabytes_is_refused(tmp_path):
    with pytest.raises(AvlabError, match="6 MB"):
        written(tmp_path, code("x", data({"text/html": "<p>" + "x" * 6_100_000 + "</p>"})))


FETCHES = ['<img src="https://x.org/a.png" alt="a good picture of a">', "<script src='//cdn.org/x.js'></script>", '<a href="http://x.org">x</a>', '<link href="https://x.org/a.css">',
           "<style>@import 'https://x.org/a.css';</style>", "<style>p{background:url( 'http://x.org/a.png')}</style>",
           '<p style="background:url(//x.org/a)">x</p>',
           '<script type="module">import x from "https://esm.org/x"</script>', '<script>import("https://esm.org/x")</script>', '<script>fetch("https://x.org")</script>',
           '<img alt="some picture here" srcset="a.png 1x, https://x.org/b.png 2x">', '<video poster="https://x.org/p.png"></video>', '<form action="https://x.org"></form>',
           '<svg><image xlink:href="https://x.org/a.png"/></svg>']


@pytest.mark.parametrize("piece", FETCHES)
def test_every_way_of_fetching_is_seen(piece, tmp_path):
    assert len(gate.problems(piece, whole=False)) == 1
    with pytest.raises(AvlabError, match="not an offline"):
        written(tmp_path, code("x", data({"text/html": piece})))


@pytest.mark.parametrize("piece", ["<p>see https://arxiv.org</p>", "<pre>src='https://x.org'</pre>", '<script>var u = "https://plotly.com"</script>',
                                   '<a href="01.html#x">x</a>',
                                   '<img src="data:image/png;base64,AA" alt="two grey pixels">',
                                   '<svg xmlns="http://www.w3.org/2000/svg"></svg>', "<style>p{background:url(data:x)}</style>"])
def test_what_fetches_nothing_passes(piece):
    assert gate.problems(piece, whole=False) == []


@pytest.mark.parametrize("piece, said", [('<img src="a.png">', "no alternative"),
                                         ('<img src="a" alt="No description has been provided for this image">', "stock"),
                                         ('<div role="img"></div>', "no label")])
def test_undescribed_pictures_are_seen(piece, said):
    assert said in gate.problems(piece, whole=False)[0]


def test_a_bare_page_lacks_language_title_main_and_heading():
    assert len(gate.problems("<html><body></body></html>")) == 4


def test_formulas_keep_their_stars_and_underscores():
    page = prose.to_html(r"Inline $a_1 * b_2 * c_3$ and a price of $5 or $6, code `$x$`, and"
                         "\n\n$$z_t = \\cos(d)\\,z_s + \\sin(d)\\,v$$\n\n```python\ncost = '$y$'\n```")
    assert page.count("<math") == 2 and 'display="block"' in page and "xmlns" not in page and "<em>" not in page
    assert "$5 or $6" in page and "<code>$x$</code>" in page and "$y$" in page and "avmath" not in page


def test_a_macro_without_a_form_is_refused():
    with pytest.raises(AvlabError, match="argmind"):
        prose.mathml(r"\argmind_x f(x)")
    assert "argmin" in prose.mathml(r"\operatorname{argmin}_x f(x)")


def test_references_lose_their_link_and_keep_their_address():
    page = prose.to_html("[DDIM](https://arxiv.org/abs/2010.02502), [next](01_x.ipynb#beat), [here](#top), ![a dot](data:image/png;base64,AA)",
                         {"01_x.ipynb": "01_x.html"})
    assert "DDIM" in page and "(https://arxiv.org/abs/2010.02502)" in page and 'href="https' not in page
    assert 'href="01_x.html"' in page and 'href="#top"' in page
    with pytest.raises(AvlabError):
        prose.to_html("![x](https://x.org/a.png)")


def test_tables_say_what_their_heads_head():
    page = prose.to_html("| a | b |\n|---|---|\n| 1 | 2 |")
    assert page.count('scope="col"') == 2 and 'role="region"' in page


def test_headings_for_the_contents():
    found = prose.headings(prose.to_html("## One *two*\n\n### no\n\n## Three & four"))
    assert [t for _, t in found] == ["One two", "Three & four"]


def test_a_last_value_that_repeats_a_metric_is_left_out(tmp_path):
    metric = data({evidence.METRIC: {"name": "m", "value": 0.5, "unit": ""}, "text/plain": "m = 0.5"})
    last = v4.new_output("execute_result", data={"text/plain": "0.123454321"}, execution_count=1)
    page = written(tmp_path, code("nb.record('m', 0.5)", metric, last), code("x", last))
    assert page.count("0.123454321") == 1
