"""The report's pages and front page from planted runs: verdicts, costs, failures with the command that repeats them."""

import json
import shutil
import zipfile

import nbformat
import nbformat.v4 as v4
import pytest

from avlab.errors import AvlabError
from avlab.workbook import changes, claims, gate, report

GOALS = "# {title}\n\n**You will be able to**\n\n- read a *table*;\n- say `how many` clips it is.\n\nNext [the other](01_b.ipynb)."


def plant(out, number, name, *, status="passed", cells=(), metrics=None, seed=0, **more):
    """A run folder as the runner leaves it."""
    folder = out / number
    folder.mkdir(parents=True)
    nb = v4.new_notebook(cells=[v4.new_markdown_cell(GOALS.format(title=name)), *cells])
    nbformat.write(nb, folder / "executed.ipynb")
    record = {"notebook": number, "file": f"{number}_{name}.ipynb", "title": name.title(), "profile": "full", "status": status,
              "message": "", "cell": None, "tail": [],
              "command": f"avlab run {number} --profile full", "parameters": {"seed": seed}, "seconds": 12.3, "peak_rss_mb": 456.0, "device": "cpu",
              "versions": {"numpy": "2.4"}, "machine": "2 threads of 2 cores",
              "metrics": {k: {"value": v} for k, v in (metrics or {}).items()}, "claims": []} | more
    (folder / "run.json").write_text(json.dumps(record))


def test_the_front_page_says_verdict_cost_goals_and_links(tmp_path):
    plant(tmp_path, "10", "tables", metrics={"l03.ok": 1, "l03.points": 10.7, "l03.relative_percent": 13.2, "l03.error_cut_percent": 57.2})
    plant(tmp_path, "01", "b")
    page = report.write_report(tmp_path).read_text(encoding="utf-8")
    assert "relative, not points" in page and "10.70 points, 13.2 % relative" in page and "27 more claims wait" in page
    assert '<a href="10_tables.html">10 Reading the tables</a>' in page and "12 s, 456 MB measured" in page
    assert "<li>read a table</li><li>say how many clips it is</li>" in page
    assert "The liar" in page and "bootstrap interval" in page and "0.75 verdicts would be false" in page and "not public" in page
    assert gate.problems(page) == [] and "What needs attention" not in page
    other = (tmp_path / "10_tables.html").read_text(encoding="utf-8")
    assert 'href="01_b.html"' in other and "passed · profile full · cpu" in other and '<a href="index.html">Report</a>' in other


def test_pages_are_read_in_the_order_of_the_course(tmp_path):
    for number in ("02", "10", "00"):
        plant(tmp_path, number, "x")
    assert [r["notebook"] for r, _ in report.first_runs(tmp_path)] == ["00", "10", "02"]


def test_a_failure_shows_cell_message_lines_and_command(tmp_path):
    plant(tmp_path, "01", "b", status="failed", message="ValueError: <bad>", cell={"index": 7, "id": "x", "source": "1 < 2"}, tail=["line a", "line <b>"])
    page = report.write_report(tmp_path).read_text(encoding="utf-8")
    block = page.split("What needs attention</h2>")[1].split("</div>")[0]
    assert all(s in block for s in ("ValueError: &lt;bad&gt;", "Failing cell 7", "1 &lt; 2", "line &lt;b&gt;", "avlab run 01 --profile full"))


def test_seeds_give_one_page_and_all_of_the_evidence(tmp_path):
    draws = [0.1 + k / 1000 for k in range(-50, 50)]
    found = {"id": "L14", "parts": {n: {"estimate": 0.1, "draws": draws} for n in ("all", "sharpness_matched")},
             "controls": {"random_weights": {"value": 0, "lo": -1, "hi": 1}}}
    for seed in range(5):
        plant(tmp_path / f"seed-{seed}", "01", "b", seed=seed, claims=[found])
    page = report.write_report(tmp_path).read_text(encoding="utf-8")
    row = page.split('<tr id="L14">')[1].split("</tr>")[0]
    assert "holds here" in row and "+0.100 [+0.0" in row and "worth having from 0.05" in row and (tmp_path / "01_b.html").exists()


def test_a_flipped_verdict_is_on_the_front_page(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "verdicts_file", lambda: tmp_path / "v.json")
    row = next(r for r in claims.rows()[0] if r["id"] == "L03")
    (tmp_path / "v.json").write_text(json.dumps({"L03": {"verdict": claims.ARITHMETIC, "row": claims.digest(row)}}))
    plant(tmp_path / "out", "10", "tables", metrics={"l03.ok": 0})
    page = report.write_report(tmp_path / "out").read_text(encoding="utf-8")
    assert "A verdict flipped" in page and "L03 xavdt.t4.relative: was" in page and "does not add up" in page


def test_one_bad_page_does_not_take_the_report_with_it(tmp_path):
    bad = v4.new_code_cell("x", outputs=[v4.new_output("display_data", data={"text/html": '<img src="https://x.org/a.png" alt="something far away">'})])
    plant(tmp_path, "01", "b", cells=[bad])
    plant(tmp_path, "10", "tables")
    with pytest.raises(AvlabError, match="leaves the machine"):
        report.write_report(tmp_path)
    assert (tmp_path / "10_tables.html").exists() and not (tmp_path / "01_b.html").exists()
    assert "page not written" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_nothing_to_report_is_said(tmp_path):
    with pytest.raises(AvlabError, match="no run.json"):
        report.write_report(tmp_path)


def test_goals_are_those_of_the_notebook_and_none_where_it_states_none(tmp_path):
    plant(tmp_path, "01", "b")
    assert report.goals(tmp_path / "01") == ["read a *table*", "say `how many` clips it is"] and report.goals(tmp_path / "nothing") == []


def test_the_course_map_names_only_notebooks_it_has():
    ids = [n["id"] for n in report.course_map()]
    assert sorted(ids) == [f"{k:02}" for k in range(12)]
    assert all(need in ids[:k] for k, n in enumerate(report.course_map()) for need in n["needs"])


def since(page):
    return page.read_text(encoding="utf-8").split('id="changes">Since the last run</h2>')[1].split("<h2")[0].split("<ul class")[0]


def test_the_front_page_says_what_changed_since_the_last_run(tmp_path):
    plant(tmp_path, "01", "b", metrics={"kept": 1.0, "moved": 0.5})
    first = report.write_report(tmp_path)
    text = first.read_bytes()
    assert "first report in this folder" in since(first)
    assert report.write_report(tmp_path).read_bytes() == text                     # the same runs, the same page
    shutil.rmtree(tmp_path / "01")
    plant(tmp_path, "01", "b", status="failed", metrics={"kept": 1.0, "moved": 0.75, "fresh": 2}, seconds=40.0)
    plant(tmp_path, "10", "tables", metrics={})
    second = report.write_report(tmp_path)
    said, text = since(second), second.read_bytes()
    assert all(line in said for line in ("01: passed became failed", "01: 1 of 3 numbers moved: moved 0.5 → 0.75", "01: 1 metric new: fresh",
                                         "01: 12 s became 40 s", "10: new in this report"))
    assert report.write_report(tmp_path).read_bytes() == text
    shutil.rmtree(tmp_path / "10")
    assert "10: was in the last report" in since(report.write_report(tmp_path))


def test_only_what_is_more_than_noise_is_a_change(tmp_path):
    one = {"profile": "smoke", "status": "passed", "seconds": 20.0, "peak_rss_mb": 1000, "metrics": {f"m{k}": 1.0 for k in range(9)}}
    def told(**other):
        return changes.sentences(*({"notebooks": {"00": x}, "verdicts": {"a": v}} for x, v in ((one, "holds here"), (one | other, "holds here"))))
    assert told() == [] == told(seconds=24.0) == told(peak_rss_mb=1090)
    assert told(seconds=30.0) == ["00: 20 s became 30 s"] and told(peak_rss_mb=1500) == ["00: 1000 MB became 1500 MB"]
    assert told(profile="full", metrics={}) == ["00: profile smoke became full, so its numbers are not compared"]
    assert told(metrics={f"m{k}": 1.0 + k for k in range(9)})[0].endswith("m5 1 → 6, m4 1 → 5 and 3 more")
    turned = changes.sentences({"notebooks": {}, "verdicts": {"a": "holds here", "b": "x"}}, {"notebooks": {}, "verdicts": {"a": "not resolved", "b": "x"}})
    assert turned == ["a: “holds here” became “not resolved”"]


def test_the_memory_of_a_folder_is_short_and_no_other_file(tmp_path):
    path = tmp_path / changes.MEMORY
    for k in range(changes.KEPT + 5):
        changes.remember(path, {"notebooks": {"00": k}, "verdicts": {}})
    assert len(json.loads(path.read_text())) == changes.KEPT
    path.write_text('{"a": 1}')
    with pytest.raises(AvlabError, match="Delete it"):
        changes.remember(path, {"notebooks": {}, "verdicts": {}})


def test_one_archive_holds_every_page_and_is_the_same_twice(tmp_path):
    plant(tmp_path, "01", "b")
    plant(tmp_path, "10", "tables")
    report.write_report(tmp_path)
    first = (tmp_path / "report.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "report.zip") as packed:
        assert packed.namelist() == ["report/01_b.html", "report/10_tables.html", "report/index.html"]
        assert packed.read("report/01_b.html") == (tmp_path / "01_b.html").read_bytes()
    report.write_report(tmp_path)
    assert (tmp_path / "report.zip").read_bytes() == first
