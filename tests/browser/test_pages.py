"""Exported pages, opened from the disk with the network cut: all is drawn, all moves by keyboard, nothing leaves."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGES = ("everything", "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "index")


@pytest.fixture(params=PAGES)
def any_page(request, tmp_path_factory):
    """The fixture's page, a page of a real notebook after its smoke run, and the front page; skips what this checkout does not have."""
    if request.param == "everything":
        return request.getfixturevalue("fixture_page")
    report = request.getfixturevalue("report")
    found = sorted(report.glob(f"{request.param}*.html"))
    if not found:
        pytest.skip(f"notebook {request.param} is not in this checkout")
    return found[0]


@pytest.fixture(scope="session")
def report(tmp_path_factory, smoke_run):
    """A report of the smoke runs of all notebooks that exist, made once a session (or AVLAB_REPORT, a finished one)."""
    if os.environ.get("AVLAB_REPORT"):
        return Path(os.environ["AVLAB_REPORT"])
    from avlab.workbook.report import write_report
    out = tmp_path_factory.mktemp("report")
    for notebook in sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        number = notebook.stem[:2]
        shutil.copytree(smoke_run(number)[1], out / number)
    write_report(out)
    return out


def test_every_figure_and_formula_is_drawn(any_page, open_page):
    page = open_page(any_page)
    wanted = page.locator(".plotly-graph-div").count()
    drawn = page.evaluate("Array.from(document.querySelectorAll('.plotly-graph-div')).filter(d => d.querySelector('.main-svg') && d.clientHeight > 50).length")
    assert drawn == wanted == page.locator("script[data-plot]").count()
    flat = "all => all.filter(m => !m.closest('details:not([open])') && m.getBoundingClientRect().width === 0).length"
    assert page.locator("math").evaluate_all(flat) == 0
    assert page.locator("img").evaluate_all("all => all.filter(i => !i.closest('[hidden], details:not([open])') && (!i.complete || "
                                            "!i.naturalWidth)).length") == 0
    assert "$$" not in page.locator("main").inner_text() and "{{" not in page.locator("main").inner_text()


def test_every_picture_has_words(any_page, open_page):
    page = open_page(any_page)
    words = page.evaluate("""() => Array.from(document.querySelectorAll('img, [role=img]'))
        .filter(e => !e.closest('[hidden]')).map(e => e.getAttribute('alt') ?? e.getAttribute('aria-label') ?? '')""")
    assert [w for w in words if len(w.strip()) < 8] == []


STATE = "r => JSON.stringify(r.dataset)"                        # what an explorer says of itself: its state, the opacity of its layers


def test_every_control_moves_by_keyboard_and_says_so(any_page, open_page, a_step):
    page = open_page(any_page)
    roots = page.locator(".avlab-explorer")
    for k in range(roots.count()):
        root = roots.nth(k)
        for control in root.locator("input[type=range]:visible, input[type=checkbox]:visible, select:visible").all():
            before = root.evaluate(STATE)
            control.focus()
            page.keyboard.press(a_step(control))
            assert root.evaluate(STATE) != before or root.locator("[data-control]").count() == 0, "a key moved nothing"
            assert control.evaluate("c => document.activeElement === c")
            name = control.evaluate("c => c.labels.length ? c.labels[0].textContent.trim() : c.getAttribute('aria-label')")
            assert name
            if control.evaluate("c => c.type === 'range'"):
                shown = control.evaluate("c => c.parentElement.querySelector('output').textContent")
                assert control.get_attribute("aria-valuetext") == shown != ""
    assert roots.count() or any_page.stem in ("index",) or page.locator("main").count()


def test_every_clip_of_a_map_is_reached_by_keyboard_and_plays(any_page, open_page):
    page = open_page(any_page)
    for root in page.locator(".avlab-explorer:has(.av-map)").all():
        area, count = root.locator(".av-map"), root.locator("[data-p]").count()
        area.focus()
        met = set()
        for _ in range(count):
            page.keyboard.press("PageDown")
            met.add(root.get_attribute("data-point"))
        assert len(met) == count and area.get_attribute("role") == "application"
        page.keyboard.press("Enter")
        page.wait_for_function("r => r.dataset.played === r.dataset.point", arg=root.element_handle())
        said = root.locator(".av-at").inner_text()
        assert root.locator("canvas").get_attribute("aria-label").removeprefix("face of ") in said
        assert root.locator("canvas").evaluate("c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size") > 2


def test_a_map_shows_the_clip_under_the_pointer_and_arrows_go_the_way_they_point(fixture_page, open_page):
    page = open_page(fixture_page)
    root = page.locator(".avlab-explorer:has(.av-map)")
    area = root.locator(".av-map")
    area.scroll_into_view_if_needed()
    box = area.locator("svg").bounding_box()
    corner = {"x": box["x"] + box["width"] * 424 / 440, "y": box["y"] + box["height"] * 16 / 440}      # upper right: clip 3, at the edge of a map of 440
    page.mouse.move(corner["x"] - 4, corner["y"] + 4)
    assert root.get_attribute("data-point") == "3" and root.locator(".av-at").inner_text() == "clip 3 (4 of 4)"
    area.focus()
    for key, clip in (("ArrowDown", "1"), ("ArrowLeft", "0"), ("ArrowUp", "2"), ("ArrowRight", "3"), ("ArrowRight", "3")):
        page.keyboard.press(key)
        assert root.get_attribute("data-point") == clip, key
    root.get_by_label("colour by").select_option(label="person")
    assert root.locator(".av-key li").all_inner_texts() == ["a 2", "b 2"]
    page.mouse.click(corner["x"], corner["y"])
    page.wait_for_function("r => r.dataset.played === '3'", arg=root.element_handle())


def test_a_threshold_is_dragged_and_everything_follows(fixture_page, open_page):
    page = open_page(fixture_page)
    root = page.locator(".avlab-explorer:has([data-text])")
    view = root.locator("[data-view]:visible")
    assert view.locator("[data-text]").all_inner_texts() == ["2", "1", "1", "2"]
    grip = view.locator("[data-drag]").first
    grip.scroll_into_view_if_needed()
    box, ends = grip.bounding_box(), grip.evaluate("e => [e.dataset.from, e.dataset.to, e.getAttribute('x'), e.getAttribute('width')].map(Number)")
    x = box["x"] + box["width"] * (ends[0] + 0.8 * (ends[1] - ends[0]) - ends[2]) / ends[3]
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] / 2)
    page.mouse.up()
    assert root.locator("output").inner_text() == "0.8" and view.locator("[data-text]").all_inner_texts() == ["1", "2", "0", "3"]
    assert "1 of 3 fakes found" in root.locator(".av-live").inner_text() == view.locator("[data-said]").first.get_attribute("aria-label")
    page.keyboard.press("ArrowLeft")                                                       # the slider has the focus after a drag
    assert root.locator("output").inner_text() == "0.78"
    root.locator("select").select_option(label="b")
    assert root.locator("[data-view]:visible [data-text]").all_inner_texts() == ["0", "3", "2", "1"]


def test_proposals_under_the_threshold_fade_and_the_sound_has_a_line(fixture_page, open_page):
    page = open_page(fixture_page)
    root = page.locator(".avlab-explorer:has([data-score])")
    assert root.locator("[data-score]").evaluate_all("all => all.map(e => e.classList.contains('av-off'))") == [False, True]
    root.locator("input[type=range]").press("End")
    assert root.locator(".av-off").count() == 2
    head = root.locator("[data-head]")
    root.locator("audio").evaluate("a => { a.currentTime = 0.48 }")
    page.wait_for_function("e => e.getAttribute('visibility') === 'visible'", arg=head.element_handle())
    at, start, end = head.evaluate("e => [e.transform.baseVal[0].matrix.e, Number(e.dataset.from), Number(e.dataset.to)]")
    assert (at - start) / (end - start) == pytest.approx(0.5, abs=0.02)                    # 0.48 of 0.96 s


def test_layers_fade_and_switch(fixture_page, open_page):
    page = open_page(fixture_page)
    root = page.locator(".avlab-explorer:has([data-layer])")
    opacity = "all => all.map(e => Number(e.style.opacity))"
    assert root.locator("[data-layer]").evaluate_all(opacity) == [0.5, 0]
    root.get_by_label("opacity of heat").press("ArrowRight")
    root.get_by_label("mask").press("Space")
    assert root.locator("[data-layer]").evaluate_all(opacity) == [0.6, 1]
    root.get_by_label("kind").select_option(label="phi")
    assert root.locator("[data-layer]").evaluate_all(opacity) == [0.6, 1]


def test_the_page_is_one_column_at_phone_width(any_page, open_page):
    page = open_page(any_page, width=390, dark=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), page.evaluate(
        "Array.from(document.querySelectorAll('main *')).filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('pre, .table, "
        ".avlab-plot, .av-drawing, math'))"
        ".slice(0, 5).map(e => e.outerHTML.slice(0, 120))")


CONTRAST = """selector => {
  const part = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4
  const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => part(Number(v) / 255)); return .2126 * r + .7152 * g + .0722 * b }
  const paper = lum(getComputedStyle(document.body).backgroundColor)
  const texts = Array.from(document.querySelectorAll(selector)).filter(e => e.textContent.trim())
  return Math.min(...texts.map(e => { const s = getComputedStyle(e), l = lum(e instanceof SVGElement ? s.fill : s.color)
    return (Math.max(l, paper) + .05) / (Math.min(l, paper) + .05) })) }"""          # smallest contrast of the texts against the page's paper
TEXTS = ("main p", "main h1", "figcaption", ".highlight span", ".main-svg .xtick text", ".main-svg .gtitle", ".session", ".av-drawing svg text", ".toc a")


@pytest.mark.parametrize("dark", [False, True])
def test_text_reads_on_light_and_on_dark(fixture_page, open_page, dark):
    page = open_page(fixture_page, dark=dark)
    for selector in TEXTS:
        assert page.evaluate(CONTRAST, selector) >= 4.5, selector
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ("rgb(21, 22, 23)" if dark else "rgb(253, 253, 251)")


def test_the_theme_button_goes_round(fixture_page, open_page):
    page = open_page(fixture_page)
    button, papers = page.get_by_role("button", name="Theme"), []
    for _ in range(3):
        button.press("Enter")
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(253, 253, 251)", "rgb(21, 22, 23)", "rgb(253, 253, 251)"]


def test_the_player_keeps_picture_and_sound_in_step(fixture_page, open_page):
    page = open_page(fixture_page)
    root = page.locator(".avlab-player")
    root.locator("audio").evaluate("a => { a.muted = true; a.currentTime = 0.5 }")
    page.wait_for_function("document.querySelector('.avlab-player').dataset.state === '12'")          # 0.5 s of 25 frames a second
    root.locator("audio").evaluate("a => a.play()")
    page.wait_for_function("document.querySelector('.avlab-player audio').ended")
    page.wait_for_function("document.querySelector('.avlab-player').dataset.state === '23'")
    root.locator("input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    assert root.locator("output").inner_text() == "frame 22, 0.88 s"
    assert root.locator("audio").evaluate("a => a.currentTime") == pytest.approx(0.88, abs=0.01)
    red = root.locator("canvas").evaluate("c => c.getContext('2d').getImageData(0, 0, 1, 1).data[0]")
    assert red == pytest.approx(220, abs=1)  # frame 22 is 220 in red; lossless


def test_a_clip_without_sound_plays_by_its_own_clock(fixture_page, open_page):
    page = open_page(fixture_page)
    root = page.locator(".avlab-player")
    root.locator("select").select_option("1")
    assert root.locator("audio").is_hidden() and "no sound track" in root.locator("figcaption").inner_text()
    root.get_by_role("button", name="Play").press("Enter")
    page.wait_for_function("document.querySelector('.avlab-player').dataset.state === '23'")


def test_without_scripts_the_first_states_still_stand(fixture_page, open_page):
    page = open_page(fixture_page, script=False)
    shown = page.locator(".avlab-explorer img:visible")
    assert shown.count() >= 3 and page.locator("noscript .av-sheet, .av-sheet").count() >= 1 and page.locator("audio").count() == 2
    assert page.locator(".av-drawing svg path").count() > 0


def test_no_page_of_the_report_names_an_address_where_it_would_be_fetched(report):
    for path in report.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(?:src|href|srcset|poster|action)\s*=\s*["']?\s*(?:https?:)?//""", text, re.I), path.name
        assert not re.search(r"""@import|url\(\s*["']?\s*(?:https?:)?//|import\s*\(?\s*["'](?:https?:)?//""", text, re.I), path.name
        assert path.stat().st_size < 6e6


def test_print_shows_what_is_folded_and_dark_paper_stays_dark_on_screen_only(report, open_page):
    page = open_page(report / "index.html", dark=True)
    button = page.get_by_role("button", name="Theme")
    for _ in range(2):
        button.press("Enter")                                                     # dark by choice
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 253, 251)"
    assert page.locator(".top").is_hidden() and page.locator("#glossary + details dl").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


AXE = "await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(any_page, open_page, dark, tmp_path_factory):
    axe = os.environ.get("AVLAB_AXE") or shutil.which("axe.min.js")
    if not axe:
        pytest.skip("axe-core is not at hand: npm install axe-core, then AVLAB_AXE=node_modules/axe-core/axe.min.js")
    page = open_page(any_page, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.add_script_tag(path=axe)
    found = page.evaluate(f"(async () => (({AXE}).violations))()")
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:160]} {json.dumps(v['nodes'][0]['any'][:1])[:200]}" for v in serious] == []


def test_the_files_are_the_same_when_made_again(report, tmp_path):
    from avlab.workbook.report import write_report
    again = tmp_path / "again"
    for folder in report.glob("[0-9][0-9]"):
        shutil.copytree(folder, again / folder.name)
    if not again.exists():
        pytest.skip("no notebook in this checkout")
    shutil.copy(report / "history.json", again)                                   # what it compares itself with is an input
    write_report(again)
    assert subprocess.run(["diff", "-rq", str(report), str(again)], capture_output=True, text=True).stdout == ""
