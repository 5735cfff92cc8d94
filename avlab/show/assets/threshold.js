// Moves one threshold: by its slider, by the keyboard on it, and by dragging the line in a drawing. No library, no network, no global name.
(function (id, data) {
  document.querySelectorAll('[id="' + id + '"]:not([data-ready])').forEach(function (root) {
    root.dataset.ready = '1';
    root.addEventListener('keydown', function (e) { e.stopPropagation(); });           // JupyterLab's shortcuts would eat the arrow keys
    var controls = Array.from(root.querySelectorAll('[data-control]')), slider = controls[1], live = root.querySelector('.av-live');
    var views = Array.from(root.querySelectorAll('[data-view]'));
    function show() {
      var v = Number(controls[0].value), k = Number(slider.value), view = data.views[v], here = views[v];
      controls.forEach(function (c, i) {
        var text = data.controls[i].texts[Number(c.value)], out = root.querySelector('[data-out="' + i + '"]');
        if (out) out.textContent = text;
        if (c.type === 'range') c.setAttribute('aria-valuetext', text);
      });
      views.forEach(function (el, i) { el.hidden = i !== v; if (i !== v) el.querySelectorAll('audio').forEach(function (a) { a.pause(); }); });
      here.querySelectorAll('[data-move]').forEach(function (el) { el.setAttribute('transform', 'translate(' + view.moves[el.dataset.move][k] + ')'); });
      here.querySelectorAll('[data-text]').forEach(function (el) { el.textContent = view.texts[el.dataset.text][k]; });
      here.querySelectorAll('[data-score]').forEach(function (el) { el.classList.toggle('av-off', Number(el.dataset.score) < data.thresholds[k]); });
      here.querySelectorAll('[data-said]').forEach(function (el) { el.setAttribute('aria-label', view.notes[k]); });
      live.textContent = view.notes[k]; root.dataset.state = v * data.thresholds.length + k;
    }
    function pull(el, e) {
      var svg = el.ownerSVGElement, box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width, d = el.dataset;
      var at = ((d.drag === 'x' ? e.clientX - box.left : e.clientY - box.top) * scale - d.from) / (d.to - d.from);
      var value = Number(d.lo) + at * (d.hi - d.lo), best = 0;
      data.thresholds.forEach(function (t, k) { if (Math.abs(t - value) < Math.abs(data.thresholds[best] - value)) best = k; });
      slider.value = best; show();
    }
    root.querySelectorAll('[data-drag]').forEach(function (el) {
      el.addEventListener('pointerdown', function (e) { el.setPointerCapture(e.pointerId); pull(el, e); slider.focus({ preventScroll: true }); e.preventDefault(); });
      el.addEventListener('pointermove', function (e) { if (el.hasPointerCapture(e.pointerId)) pull(el, e); });
    });
    root.querySelectorAll('audio').forEach(function (sound) {                           // the moment that is heard
      var head = sound.parentElement.querySelector('[data-head]');
      function follow() {
        var d = head.dataset;
        head.setAttribute('transform', 'translate(' + (Number(d.from) + (d.to - d.from) * Math.min(sound.currentTime / d.seconds, 1)) + ',0)');
        head.setAttribute('visibility', sound.currentTime > 0 ? 'visible' : 'hidden');
        if (!sound.paused && !sound.ended) requestAnimationFrame(follow);
      }
      if (head) ['play', 'seeked', 'pause'].forEach(function (name) { sound.addEventListener(name, follow); });
    });
    controls.forEach(function (c) { c.addEventListener('input', show); });
    show();
  });
})
