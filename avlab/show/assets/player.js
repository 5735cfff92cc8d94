// Plays clips: the sound's clock decides which frame is drawn, so picture and sound cannot drift apart.
(function (id, clips) {
  document.querySelectorAll('[id="' + id + '"]:not([data-ready])').forEach(function (root) {
    root.dataset.ready = '1';
    root.addEventListener('keydown', function (e) { e.stopPropagation(); });
    var canvas = root.querySelector('canvas'), still = root.querySelector('.av-still'), pen = canvas.getContext('2d');
    var seek = root.querySelector('input[type=range]'), out = root.querySelector('output'), menu = root.querySelector('select');
    var sound = root.querySelector('audio'), button = root.querySelector('button'), live = root.querySelector('.av-live');
    var film = new Image(), clip, at = 0, timer = null;
    function draw(i) {
      at = Math.max(0, Math.min(clip.frames - 1, i));
      pen.drawImage(film, at % clip.columns * clip.width, Math.floor(at / clip.columns) * clip.height, clip.width, clip.height, 0, 0, clip.width, clip.height);
      var text = 'frame ' + at + ', ' + (at / clip.fps).toFixed(2) + ' s';
      seek.value = at; seek.setAttribute('aria-valuetext', text); out.textContent = text; root.dataset.state = at;
    }
    function follow() {
      draw(Math.floor(sound.currentTime * clip.fps + 1e-6));
      if (!sound.paused && !sound.ended) requestAnimationFrame(follow);
    }
    function mute() {                                     // a clip without sound keeps its own clock
      if (timer) { clearInterval(timer); timer = null; button.textContent = 'Play'; return; }
      button.textContent = 'Pause'; if (at >= clip.frames - 1) draw(0);
      timer = setInterval(function () { if (at >= clip.frames - 1) mute(); else draw(at + 1); }, 1000 / clip.fps);
    }
    function load() {
      clip = clips[menu ? Number(menu.value) : 0];
      if (timer) mute();
      sound.pause(); sound.hidden = !clip.sound; button.hidden = Boolean(clip.sound);
      if (clip.sound) sound.src = clip.sound; else sound.removeAttribute('src');
      canvas.width = clip.width; canvas.height = clip.height; canvas.setAttribute('aria-label', clip.alt);
      seek.max = clip.frames - 1; live.textContent = clip.note;
      film.onload = function () { draw(0); }; film.src = clip.film;
    }
    sound.addEventListener('play', follow);
    sound.addEventListener('seeked', function () { if (sound.paused) draw(Math.floor(sound.currentTime * clip.fps + 1e-6)); });
    seek.addEventListener('input', function () { draw(Number(seek.value)); if (clip.sound) sound.currentTime = at / clip.fps; });
    button.addEventListener('click', mute);
    if (menu) menu.addEventListener('change', load);
    still.hidden = true; canvas.hidden = false; root.querySelector('.av-controls').hidden = false;
    load();
  });
})
