(function () {
  var root = document.documentElement, order = ['', 'light', 'dark'], names = ['Theme: system', 'Theme: light', 'Theme: dark'];
  function theme(i) { var b = document.querySelector('[data-do=theme]'); if (order[i]) root.dataset.theme = order[i]; else delete root.dataset.theme; if (b) { b.dataset.at = i; b.textContent = names[i]; } }
  document.querySelectorAll('[data-do]').forEach(function (b) {
    b.hidden = false;
    b.addEventListener('click', function () {
      if (b.dataset.do === 'theme') theme((Number(b.dataset.at || 0) + 1) % 3);
      else { var off = document.body.classList.toggle('code-hidden'); b.setAttribute('aria-pressed', String(off)); }
    });
  });
  var toc = document.querySelector('.toc details'); if (toc && matchMedia('(min-width:75rem)').matches) toc.open = true;
  document.querySelectorAll('script[data-plot]').forEach(function (s) {
    var at = document.getElementById(s.dataset.plot), fig = JSON.parse(s.textContent);
    Plotly.newPlot(at, fig.data, fig.layout, { displaylogo: false, displayModeBar: false, responsive: true, plotlyServerURL: '' });
  });
})();
