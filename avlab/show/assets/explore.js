// Moves one explorer: reads its controls, shows the state they name. No library, no network, no global name.
(function (id, data) {
  document.querySelectorAll('[id="' + id + '"]:not([data-ready])').forEach(function (root) {
    root.dataset.ready = '1';
    // JupyterLab's shortcuts match any focused element and would eat the arrow keys of a slider
    root.addEventListener('keydown', function (e) { e.stopPropagation(); });
    var controls = Array.from(root.querySelectorAll('[data-control]')), live = root.querySelector('.av-live');
    var pictures = Array.from(root.querySelectorAll('img[data-slot]')), drawings = Array.from(root.querySelectorAll('[data-drawing]'));
    var sound = root.querySelector('audio'), playing = null;
    function show() {
      var at = 0;
      controls.forEach(function (c, k) {
        var i = Number(c.value), text = data.controls[k].texts[i], out = root.querySelector('[data-out="' + k + '"]');
        at = at * data.controls[k].texts.length + i;
        if (out) out.textContent = text;
        if (c.type === 'range') c.setAttribute('aria-valuetext', text);
      });
      var s = data.states[at];
      pictures.forEach(function (img, k) { img.src = data.blobs[s.pictures[k]]; img.alt = s.alts[k]; });
      drawings.forEach(function (el, k) { el.innerHTML = data.blobs[s.drawings[k]]; el.setAttribute('aria-label', s.alt); });
      if (sound && s.sound !== null && playing !== s.sound) { playing = s.sound; sound.src = data.blobs[s.sound]; }
      if (live) live.textContent = s.note;
      root.dataset.state = at;
    }
    controls.forEach(function (c) { c.addEventListener('input', show); });
    root.querySelectorAll('[data-opacity]').forEach(function (c) {
      function fade() {
        var part = c.type === 'range' ? Number(c.value) : Number(c.checked), text = Math.round(100 * part) + '%';
        if (c.type === 'range') { c.setAttribute('aria-valuetext', text); c.parentElement.querySelector('output').textContent = text; }
        root.querySelectorAll('img[data-layer]').forEach(function (img) { if (img.dataset.layer === c.dataset.opacity) img.style.opacity = part; });
        root.dataset['opacity' + c.id.split('-l')[1]] = part;
      }
      c.addEventListener('input', fade);
      fade();
    });
    show();
  });
})
