"""One JupyterLab and one Chromium a session, both cut off from the network; a page of its own for every test.

Chromium is found by AVLAB_CHROMIUM or on the PATH. Without one these tests skip with that reason, and fail instead where
AVLAB_REQUIRE_BROWSER=1 says that they must run.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("AVLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
SETTINGS = {"notebook-extension/tracker": {"windowingMode": "none"},                 # off-screen figures are drawn too
            "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}}
READY = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
# Cells get their model's id in the DOM, and every error that the kernel reports is kept, also one inside a callback.
RUN = """() => { const cells = jupyterapp.shell.currentWidget.content.widgets; cells.forEach(c => c.node.dataset.cell = c.model.id); window.raised = []
  jupyterapp.shell.currentWidget.sessionContext.session.kernel.iopubMessage.connect((_, m) => m.header.msg_type === 'error' &&
    window.raised.push(`${m.content.ename}: ${m.content.evalue}`))
  jupyterapp.commands.execute('notebook:run-all-cells').then(ok => window.ran = String(ok), e => window.ran = String(e)) }"""
# The promise settles while widget messages are still under way: idle for 700 ms is the end.
SETTLED = """() => { const k = jupyterapp.shell.currentWidget.sessionContext.session?.kernel, now = performance.now()
  window.since = window.ran !== undefined && k?.status === 'idle' ? window.since ?? now : now
  return now - window.since > 700 }"""


def pytest_collection_modifyitems(items):
    """Everything in this folder is marked browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def missing(reason):
    """Skip, or fail where the browser tests must run."""
    (pytest.fail if os.environ.get("AVLAB_REQUIRE_BROWSER") else pytest.skip)(reason)


@pytest.fixture(scope="session")
def chromium():
    """The browser of the session, started once, with every name but the loopback address unresolvable."""
    if not CHROMIUM:
        missing("no Chromium on this machine: install Debian's chromium or set AVLAB_CHROMIUM")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the Python package playwright is not installed: pip install avlab[test]")
    with sync_playwright() as pw:
        browser = pw.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def watched(page, bad, home):
    """Note everything on a page that must not happen: script errors, console errors, requests that leave, failed responses."""
    page.on("pageerror", lambda e: bad.append(f"js: {e}"))
    page.on("console", lambda m: m.type == "error" and bad.append(f"console: {m.text}"))
    page.on("request", lambda r: r.url.startswith((home, "data:", "blob:", "about:")) or bad.append(f"left the machine: {r.url}"))
    page.on("response", lambda r: r.status >= 400 and bad.append(f"{r.status}: {r.url}"))
    page.on("requestfailed", lambda r: r.url.startswith("file:") and bad.append(f"missing: {r.url}"))
    return page


@pytest.fixture
def open_page(chromium, tmp_path):
    """A function that opens a local page offline (width, dark) and whose problems fail the test at its end."""
    bad, contexts = [], []

    def go(path, *, width=1200, dark=False, script=True):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light",
                                       offline=True, java_script_enabled=script)
        contexts.append(context)
        page = watched(context.new_page(), bad, Path(path).resolve().parent.as_uri())
        page.goto(Path(path).resolve().as_uri())
        if script and page.locator("script[data-plot]").count():
            page.wait_for_function("document.querySelectorAll('.plotly-graph-div .main-svg').length > 0")
        return page
    yield go
    for context in contexts:
        context.close()
    assert not bad, "\n".join(bad)


@pytest.fixture
def a_step():
    """A function: the arrow key that moves a slider or a menu, onwards, or back where it stands at its end."""
    def key(control):
        ranged = control.evaluate("c => c.type === 'range'")
        at_end = control.evaluate("c => c.type === 'range' ? c.value === c.max : c.selectedIndex === c.length - 1")
        return ("ArrowLeft" if at_end else "ArrowRight") if ranged else ("ArrowUp" if at_end else "ArrowDown")
    return key


@pytest.fixture(scope="session")
def lab(tmp_path_factory, chromium, kept_renders):
    """(root folder, url) of a JupyterLab with settings, workspaces and home of its own."""
    t = tmp_path_factory.mktemp("lab")
    (t / "root").mkdir()
    log = t / "log"
    for name, value in SETTINGS.items():
        file = t / "set/@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
    env = os.environ | {"HOME": str(t), "IPYTHONDIR": str(t), "JUPYTERLAB_SETTINGS_DIR": str(t / "set"), "JUPYTERLAB_WORKSPACES_DIR": str(t / "ws")}
    env |= {f"JUPYTER_{k}_DIR": str(t / k) for k in ("CONFIG", "DATA", "RUNTIME")}
    env["AVLAB_RENDERED"] = kept_renders
    env["AVLAB_HEADLESS"] = "0"                                                     # a reader is present
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), env.get("PYTHONPATH", "")])
    with log.open("w") as out:
        p = subprocess.Popen([sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0",
                              "--IdentityProvider.token=t", f"--ServerApp.root_dir={t / 'root'}", "--LabApp.expose_app_in_browser=True",
                              "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
                              "--LabApp.extension_manager=readonly"], env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        end, info = time.time() + 90, t / "RUNTIME" / f"jpserver-{p.pid}.json"
        while not info.exists():
            assert p.poll() is None and time.time() < end, log.read_text()[-3000:]
            time.sleep(0.1)
        yield t / "root", json.loads(info.read_text())["url"]
    finally:
        p.send_signal(signal.SIGTERM)                                               # the server ends its kernels; a kill would orphan them
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)


@pytest.fixture
def run_live(lab, chromium, request, tmp_path):
    """A function that opens a notebook in JupyterLab, runs all its cells and returns the page; errors fail the test at its end."""
    root, url = lab
    bad, name = [], f"{request.node.name.replace('[', '-').replace(']', '')}.ipynb"
    page = watched(chromium.new_context(viewport={"width": 1200, "height": 1000}).new_page(), bad, url)

    def run(notebook, timeout=180):
        shutil.copy(notebook, root / name)
        page.goto(f"{url}lab/tree/{name}?token=t&reset")
        page.wait_for_function(READY, timeout=180_000)
        page.evaluate(RUN)
        page.wait_for_function(SETTLED, timeout=timeout * 1000)
        if (ran := page.evaluate("window.ran")) != "true":
            bad.append(f"run all: {ran}")
        return page
    run.bad = bad
    yield run
    bad += page.evaluate("window.raised ?? []")
    page.screenshot(path=tmp_path / "last.png")
    page.evaluate("() => { window.jupyterapp?.serviceManager.sessions.shutdownAll() }")
    page.context.close()
    assert not bad, "\n".join(bad)


@pytest.fixture(scope="session")
def fixture_notebook(tmp_path_factory):
    """A small notebook with every kind of thing that a reader may meet: figure, formula, explorers, player, prediction, contact sheet."""
    import jupytext
    import nbformat
    nb = jupytext.read(Path(__file__).parent / "everything.py")
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path_factory.mktemp("everything") / "everything.ipynb"
    nbformat.write(nb, path)
    return path


@pytest.fixture(scope="session")
def fixture_page(fixture_notebook):
    """The exported page of that notebook after a headless run."""
    import nbformat
    from nbclient import NotebookClient

    from avlab.workbook.export import export
    nb = nbformat.read(fixture_notebook, as_version=4)
    env = os.environ | {"AVLAB_HEADLESS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    client = NotebookClient(nb, timeout=120, resources={"metadata": {"path": str(fixture_notebook.parent)}})
    with client.setup_kernel(env=env):
        for index, cell in enumerate(nb.cells):
            client.execute_cell(cell, index)
    return export(nb, fixture_notebook.parent / "report" / "everything.html", facts="a fixture")
