// What the page of claims can do beyond being read: filters that stand in the address, counts that follow them, rows
// that fold. Without it all rows stand open. Nothing is asked of any server.
(() => {
  'use strict';
  const rows = [...document.querySelectorAll('.place > details')];
  const places = [...document.querySelectorAll('.place')];
  const form = document.querySelector('form.tools');
  const output = form.querySelector('output');
  const nothing = document.querySelector('.nothing');
  const fields = ['words', 'verdict', 'document', 'section', 'notebook', 'numbers'];
  const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  const read = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
  const fits = (row, filter) =>
    ['verdict', 'document', 'section', 'notebook'].every((k) => !filter[k] || row.dataset[k] === filter[k]) &&
    (!filter.numbers || 'numbers' in row.dataset) &&
    (filter.words ?? '')
      .toLowerCase()
      .split(/\s+/)
      .every((word) => text.get(row).includes(word));

  // The counts are buttons: pressing one filters by its verdict, pressing it again lets all back in.
  const tally = new Map();
  for (const item of document.querySelectorAll('.tally li')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener('click', () => {
      const { verdict } = form.elements;
      verdict.value = verdict.value === item.dataset.verdict ? '' : item.dataset.verdict;
      changed();
    });
    const part = document.querySelector(`.bar [data-verdict='${item.dataset.verdict}']`);
    tally.set(item.dataset.verdict, { part, button, number: button.querySelector('b') });
  }

  const show = () => {
    const filter = read();
    const others = { ...filter, verdict: undefined };
    const counts = new Map([...tally.keys()].map((verdict) => [verdict, 0]));
    let shown = 0;
    for (const row of rows) {
      row.hidden = !fits(row, filter);
      shown += row.hidden ? 0 : 1;
      // A verdict's count is that of all other filters: what pressing it would show.
      if (fits(row, others)) counts.set(row.dataset.verdict, counts.get(row.dataset.verdict) + 1);
    }
    for (const place of places) place.hidden = !rows.some((row) => !row.hidden && row.parentNode === place);
    for (const [verdict, { part, button, number }] of tally) {
      number.textContent = counts.get(verdict);
      part.style.flexGrow = counts.get(verdict);
      button.setAttribute('aria-pressed', String(filter.verdict === verdict));
    }
    nothing.hidden = shown > 0;
    output.textContent = `${shown} of ${rows.length} claims`;
  };

  /** The address holds the filter, or the one row that somebody was sent to. */
  const fromAddress = () => {
    const hash = decodeURIComponent(location.hash.slice(1));
    const named = hash.startsWith('claim-') ? document.getElementById(hash) : null;
    const filter = new URLSearchParams(named ? '' : location.hash.slice(1));
    form.reset();
    for (const name of fields) {
      const field = form.elements[name];
      if (field.type === 'checkbox') field.checked = filter.has(name);
      else field.value = filter.get(name) ?? '';
      // A choice that the page does not have filters nothing.
      if (field.selectedIndex === -1) field.value = '';
    }
    show();
    for (const row of rows) row.classList.toggle('named', row === named);
    if (named) {
      named.open = true;
      named.scrollIntoView();
    }
  };
  const changed = () => {
    show();
    const filter = String(new URLSearchParams(read()));
    history.replaceState(null, '', filter ? `#${filter}` : location.pathname + location.search);
  };
  form.addEventListener('input', changed);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(changed));
  form.elements.open.addEventListener('click', () => rows.forEach((row) => (row.open ||= !row.hidden)));
  form.elements.close.addEventListener('click', () => rows.forEach((row) => (row.open = false)));
  addEventListener('hashchange', fromAddress);

  // Arrows go from row to row, Home and End to the first and last; a slash goes to the words.
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '/' && !event.target.matches('input, select')) {
      event.preventDefault();
      form.elements.words.focus();
      return;
    }
    if (event.target.tagName !== 'SUMMARY') return;
    const shown = rows.filter((row) => !row.hidden);
    const at = shown.indexOf(event.target.parentNode);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1 }[event.key];
    if (to === undefined || !shown[to]) return;
    event.preventDefault();
    shown[to].querySelector('summary').focus();
  });

  // On paper every row that is shown is open.
  let folded = [];
  addEventListener('beforeprint', () => {
    folded = rows.filter((row) => !row.open);
    for (const row of folded) row.open = true;
  });
  addEventListener('afterprint', () => {
    for (const row of folded) row.open = false;
  });

  for (const row of rows) row.open = false;
  form.hidden = false;
  fromAddress();
})();
