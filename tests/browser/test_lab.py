"""Notebooks in a live JupyterLab: Run All without an error, figures drawn, explorers moved, Python seeing what it must see."""

from pathlib import Path

import pytest

# last first: the other worker runs the smoke profiles first to last, and each then finds what the other has rendered
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"), reverse=True)


def cell_cursor(page):
    return page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex")


def test_everything_runs_draws_and_moves(run_live, fixture_notebook):
    page = run_live(fixture_notebook)
    assert page.locator(".jp-RenderedPlotly .main-svg").count() >= 3
    cells = page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    root = page.locator(".avlab-explorer").first
    slider = root.locator("input[type=range]")
    slider.scroll_into_view_if_needed()
    slider.focus()
    cursor = cell_cursor(page)
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "b"):                # b would insert a cell if Lab heard it
        page.keyboard.press(key)
    assert root.get_attribute("data-state") == "2" and root.locator(".av-live").inner_text() == "step 1, dub"
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == cells and cell_cursor(page) == cursor
    assert slider.evaluate("s => document.activeElement === s")
    area = page.locator(".av-map")
    area.scroll_into_view_if_needed()
    area.focus()
    cursor = cell_cursor(page)                                                # the focus went to another cell
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "b"):
        page.keyboard.press(key)
    assert page.locator(".avlab-explorer:has(.av-map)").get_attribute("data-point") == "3" and cell_cursor(page) == cursor
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == cells


def test_python_hears_the_prediction_and_the_live_explorer(run_live, fixture_notebook):
    page = run_live(fixture_notebook)
    page.get_by_label("quarter").check()
    page.wait_for_function(
        "async () => { const k = jupyterapp.shell.currentWidget.sessionContext.session.kernel; let out = null;"
        " const f = k.requestExecute({code: \"print(guess.choice)\"});"
        " f.onIOPub = m => { if (m.header.msg_type === 'stream') out = m.content.text }; await f.done; return out === 'quarter\\n' }", timeout=15_000)
    widget = page.locator(".jp-OutputArea-output .widget-vbox, .jp-OutputArea-output .jupyter-widgets.widget-vbox").last
    picture = widget.locator("img").last
    assert picture.get_attribute("alt") == "psi"
    before = picture.get_attribute("src")
    handle = widget.get_by_role("slider").first
    handle.scroll_into_view_if_needed()
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("([w, before]) => Array.from(w.querySelectorAll('img')).at(-1)?.src !== before",
                           arg=[widget.element_handle(), before], timeout=15_000)


def test_figures_follow_the_dark_theme(run_live, fixture_notebook):
    page = run_live(fixture_notebook)
    ink = "getComputedStyle(document.querySelector('.jp-RenderedPlotly .main-svg .xtick text')).fill"
    light = page.evaluate(ink)
    page.evaluate("() => { jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'}) }")
    page.wait_for_function(f"{ink} !== {light!r}", timeout=15_000)
    page.evaluate("() => { jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'}) }")


PLANTED = {"a cell that raises": "1 / 0",
           "a callback that raises": "import ipywidgets as w\nfrom IPython.display import display\n"
                                     "s = w.IntSlider()\ns.observe(lambda c: 1 / 0, 'value')\ns.value = 3",
           "a script that throws": "from IPython.display import HTML\nHTML('<script>throw new Error(\"planted\")</script>')",
           "a picture from outside": "from IPython.display import HTML\nHTML('<img src=\"https://example.org/a.png\">')"}


@pytest.mark.parametrize("name", PLANTED)
def test_the_watch_sees_a_planted_fault(run_live, name, tmp_path):
    import nbformat
    from nbformat import v4
    path = tmp_path / "planted.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(PLANTED[name])], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}), path)
    page = run_live(path)
    run_live.bad += page.evaluate("window.raised ?? []")
    page.evaluate("window.raised = []")
    page.wait_for_timeout(300)
    assert run_live.bad, "the fault went unseen"
    run_live.bad.clear()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem[:2])
def test_run_all(run_live, notebook, a_step):
    page = run_live(notebook, timeout=400)
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    figures = page.evaluate("""() => jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code')
        .flatMap(c => c.model.outputs.toJSON()).filter(o => o.data && o.data['application/vnd.plotly.v1+json']).length""")
    page.wait_for_function("n => document.querySelectorAll('.jp-RenderedPlotly:has(.main-svg)').length >= n", arg=figures, timeout=30_000)
    for root in page.locator(".avlab-explorer").all():
        slider = root.locator("input[type=range]:visible, [data-control]:visible").first  # a player's menu changes the clip, not the frame
        slider.scroll_into_view_if_needed()
        before = root.get_attribute("data-state")
        slider.focus()
        page.keyboard.press(a_step(slider))
        page.wait_for_function("([r, before]) => r.dataset.state !== before", arg=[root.element_handle(), before], timeout=5_000)
