// What the page can do beyond being read: live figures, the source of a number on hover and focus, a filter for the
// claims. Without it everything still stands there. Nothing is asked of any server.
(() => {
  'use strict';
  const data = document.getElementById('figures');
  const specs = JSON.parse(data.textContent);

  // plotly is loaded once, when the first figure comes near.
  let loading;
  const plotly = () =>
    (loading ??= new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = data.dataset.plotly;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error(`no ${script.src}`));
      document.head.append(script);
    }));
  const enliven = async (box) => {
    const { data, layout } = structuredClone(specs[box.dataset.fig]);
    const Plotly = await plotly();
    const live = document.createElement('div');
    const still = box.querySelector('img');
    live.setAttribute('role', 'group');
    live.setAttribute('aria-label', still.alt);
    // Print sizes are small on a screen: the same drawing, scaled as a whole (plotly minds transforms when it points).
    const shown = still.getBoundingClientRect();
    const scale = shown.width / layout.width;
    const stage = document.createElement('div');
    stage.style.cssText = `width:${shown.width}px;height:${layout.height * scale}px;margin:0 auto;visibility:hidden;position:absolute`;
    live.style.cssText = `width:${layout.width}px;transform:scale(${scale});transform-origin:0 0`;
    stage.append(live);
    box.append(stage);
    await Plotly.newPlot(live, data, layout, {
      displaylogo: false,
      showSendToCloud: false,
      responsive: false,
    });
    stage.style.visibility = stage.style.position = '';
    stage.className = 'live';
    still.hidden = true;
    box.dataset.live = 'yes';
  };
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        // The still picture stays where plotly is missing.
        enliven(target).catch((error) => console.info(`figure stays still: ${error.message}`));
      }
    },
    { rootMargin: '400px' },
  );
  for (const box of document.querySelectorAll('[data-fig]')) if (specs[box.dataset.fig]) near.observe(box);

  // The source of a number, also for those who use the keyboard.
  const tip = document.createElement('div');
  tip.id = 'origin';
  tip.hidden = true;
  tip.setAttribute('aria-hidden', 'true');
  document.body.append(tip);
  for (const number of document.querySelectorAll('a.num')) {
    const text = number.title;
    const describe = () => {
      number.removeAttribute('title');
      tip.textContent = text;
      tip.hidden = false;
      const at = number.getBoundingClientRect();
      const left = Math.min(at.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
      tip.style.left = `${Math.max(8, left) + scrollX}px`;
      tip.style.top = `${at.bottom + scrollY + 6}px`;
    };
    const hide = () => {
      number.title = text;
      tip.hidden = true;
    };
    number.addEventListener('mouseenter', describe);
    number.addEventListener('focus', describe);
    number.addEventListener('mouseleave', hide);
    number.addEventListener('blur', hide);
  }

  // Wide tables scroll by themselves, and by keyboard.
  for (const table of document.querySelectorAll('figure table:not(.claims)')) {
    const box = document.createElement('div');
    box.className = 'scroll';
    table.replaceWith(box);
    box.append(table);
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }

  // The register: by words and by verdict.
  const table = document.querySelector('table.claims.full');
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const tools = document.createElement('form');
  tools.className = 'tools';
  tools.setAttribute('role', 'search');
  tools.setAttribute('aria-label', 'Filter the claims');
  const verdicts = [...new Set(rows.map((r) => r.dataset.verdict))];
  tools.innerHTML =
    '<label>Words <input type="search" name="words"></label>' +
    '<label>Verdict <select name="verdict"><option value="">every verdict</option></select></label>' +
    '<output aria-live="polite"></output>';
  for (const verdict of verdicts) tools.elements.verdict.add(new Option(verdict, verdict));
  const filter = () => {
    const words = tools.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = tools.elements.verdict.value;
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(words.every((w) => text.includes(w)) && (!verdict || row.dataset.verdict === verdict));
      shown += row.hidden ? 0 : 1;
    }
    tools.querySelector('output').textContent = `${shown} of ${rows.length} claims`;
  };
  tools.addEventListener('input', filter);
  tools.addEventListener('submit', (event) => event.preventDefault());
  table.before(tools);
  filter();
})();
