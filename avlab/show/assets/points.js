// A map of clips: hover or arrow keys show a clip, click or Enter plays it. No library, no network, no global name.
(function (id, data) {
  document.querySelectorAll('[id="' + id + '"]:not([data-ready])').forEach(function (root) {
    root.dataset.ready = '1';
    root.addEventListener('keydown', function (e) { e.stopPropagation(); });           // JupyterLab's shortcuts would eat the keys
    var controls = Array.from(root.querySelectorAll('[data-control]')), live = root.querySelector('.av-live'), area = root.querySelector('.av-map');
    var svg = area.querySelector('svg'), marks = Array.from(area.querySelectorAll('[data-p]')), ring = area.querySelector('.av-ring');
    var canvas = root.querySelector('canvas'), pen = canvas.getContext('2d'), said = root.querySelector('.av-at'), button = root.querySelector('button');
    var film = new Image(), place, look, at = -1, timer = null, voice = null, n = marks.length;
    function show() {
      var s = 0;
      controls.forEach(function (c, k) {
        var i = Number(c.value), text = data.controls[k].texts[i], out = root.querySelector('[data-out="' + k + '"]');
        s = s * data.controls[k].texts.length + i;
        if (out) out.textContent = text;
        if (c.type === 'range') c.setAttribute('aria-valuetext', text);
      });
      place = data.maps[Math.floor(s / data.looks.length)]; look = data.looks[s % data.looks.length];
      marks.forEach(function (m, i) {
        var g = look.of[i];
        m.setAttribute('transform', 'translate(' + place[2 * i] + ',' + place[2 * i + 1] + ')');
        m.setAttribute('d', look.marks[g]);
        ['fill', 'stroke', 'stroke-width'].forEach(function (name, k) { m.setAttribute(name, look.paints[g][k]); });
      });
      root.querySelector('.av-key').innerHTML = look.legend;
      live.textContent = data.alts[s]; root.dataset.state = s;
      area.setAttribute('aria-label', 'Map of ' + n + ' clips. ' + data.alts[s] + ' Arrow keys go to the next clip in a direction, '
        + 'Page Up and Page Down through all, Enter plays.');
      if (at >= 0) circle();
    }
    function circle() {
      ring.setAttribute('cx', place[2 * at]); ring.setAttribute('cy', place[2 * at + 1]); ring.setAttribute('visibility', 'visible');
    }
    function frame(t) {
      var k = at * data.frames + t, w = data.width, h = data.height;
      pen.drawImage(film, k % data.columns * w, Math.floor(k / data.columns) * h, w, h, 0, 0, w, h); root.dataset.frame = t;
    }
    function stop() { clearInterval(timer); timer = null; if (voice) voice.pause(); voice = null; button.textContent = 'Play the clip'; }
    function choose(i) {
      if (i === at || i < 0) return;
      stop(); at = i; circle(); frame(Math.floor(data.frames / 2));
      said.textContent = data.names[i] + ' (' + (i + 1) + ' of ' + n + ')';
      canvas.hidden = false; canvas.setAttribute('aria-label', 'face of ' + data.names[i]); button.hidden = false; root.dataset.point = i;
    }
    function wav(i) {                                       // 8-bit mono: a header of 44 bytes before the samples
      var raw = atob(data.sounds[i]), b = new Uint8Array(44 + raw.length), v = new DataView(b.buffer);
      [[0, 'RIFF'], [8, 'WAVEfmt '], [36, 'data']].forEach(function (p) { for (var k = 0; k < p[1].length; k++) b[p[0] + k] = p[1].charCodeAt(k); });
      v.setUint32(4, 36 + raw.length, true); v.setUint32(16, 16, true); v.setUint16(20, 1, true); v.setUint16(22, 1, true);
      v.setUint32(24, data.rate, true); v.setUint32(28, data.rate, true); v.setUint16(32, 1, true); v.setUint16(34, 8, true);
      v.setUint32(40, raw.length, true);
      for (var k = 0; k < raw.length; k++) b[44 + k] = raw.charCodeAt(k);
      return new Blob([b], { type: 'audio/wav' });
    }
    function play() {
      if (at < 0) choose(0);
      stop(); button.textContent = 'Stop';
      var began = performance.now(), clock = function () { return (performance.now() - began) / 1000; };
      if (data.sounds) {
        var url = URL.createObjectURL(wav(at)), v = voice = new Audio(url);
        v.onended = function () { URL.revokeObjectURL(url); };
        v.play().then(function () { clock = function () { return v.ended ? Infinity : v.currentTime; }; }, function () {});
      }
      timer = setInterval(function () {
        var t = Math.floor(clock() * data.fps + 1e-6);
        if (t >= data.frames) { frame(data.frames - 1); stop(); root.dataset.played = at; } else frame(t);
      }, 20);
    }
    function near(e) {
      var box = svg.getBoundingClientRect(), k = svg.viewBox.baseVal.width / box.width, best = -1, least = 18 * 18;
      var x = (e.clientX - box.left) * k, y = (e.clientY - box.top) * k;
      for (var i = 0; i < n; i++) {
        var d = Math.pow(place[2 * i] - x, 2) + Math.pow(place[2 * i + 1] - y, 2);
        if (d < least) { least = d; best = i; }
      }
      return best;
    }
    function toward(dx, dy) {                               // the nearest clip within 45 degrees; sideways counts double
      var best = -1, least = Infinity, ox = place[2 * at], oy = place[2 * at + 1];
      for (var i = 0; i < n; i++) {
        var x = place[2 * i] - ox, y = place[2 * i + 1] - oy, along = x * dx + y * dy, side = Math.abs(x * dy) + Math.abs(y * dx);
        if (i !== at && along > 0 && side <= along && along + 2 * side < least) { least = along + 2 * side; best = i; }
      }
      return best;
    }
    var ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    area.addEventListener('keydown', function (e) {
      if (ARROWS[e.key]) choose(at < 0 ? 0 : toward.apply(null, ARROWS[e.key]));
      else if (e.key === 'PageDown') choose((at + 1) % n);
      else if (e.key === 'PageUp') choose((at + n - 1 + (at < 0)) % n);
      else if (e.key === 'Home') choose(0);
      else if (e.key === 'End') choose(n - 1);
      else if (e.key === 'Enter' || e.key === ' ') play();
      else return;
      e.preventDefault();
    });
    area.addEventListener('pointermove', function (e) { if (e.pointerType !== 'touch') choose(near(e)); });
    area.addEventListener('click', function (e) { var i = near(e); if (i >= 0) { choose(i); play(); } });
    button.addEventListener('click', function () { if (timer) stop(); else play(); });
    controls.forEach(function (c) { c.addEventListener('input', show); });
    area.setAttribute('role', 'application'); area.tabIndex = 0;
    film.onload = function () { if (at >= 0) frame(Math.floor(data.frames / 2)); }; film.src = data.film;
    show();
  });
})
