// Search in the browser. MiniSearch and the texts are loaded when the search is opened for the first time.
(() => {
  const { root } = document.currentScript.dataset;
  const dialog = document.querySelector('#search');
  const input = dialog.querySelector('input');
  const list = dialog.querySelector('ol');
  const hint = dialog.querySelector('.hint');
  let loading;
  let search;
  let chosen = -1;

  const load = (src) =>
    new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = root + src;
      script.addEventListener('load', resolve);
      script.addEventListener('error', reject);
      document.head.append(script);
    });

  const prepare = async () => {
    await Promise.all([load('assets/minisearch.js'), load('assets/search-index.js')]);
    search = new MiniSearch({
      fields: ['title', 'heading', 'text'],
      extractField: fieldOf,
    });
    search.addAll(searchRows.map((row, id) => Object.assign(row, { id })));
    show();
  };

  // The first row of a page has no heading but its title.
  const fieldOf = (row, field) => ({ id: row.id, title: row[1], heading: row[2] || row[1], text: row[3] })[field];

  // A page stands before its parts, and those before the rows of its tables.
  const weightOf = (id) => (searchRows[id][2] === '' ? 2 : searchRows[id][0].includes('#row-') ? 0.8 : 1);

  const open = () => {
    if (dialog.open) return;
    dialog.showModal();
    input.select();
    loading ??= prepare().catch(() => {
      hint.textContent = 'The search could not be loaded.';
      loading = undefined;
    });
  };

  const find = (query) => {
    const options = {
      boost: { title: 3, heading: 4 },
      boostDocument: weightOf,
      prefix: (term) => term.length > 1,
      fuzzy: (term) => (term.length > 4 ? 0.25 : 0),
    };
    const all = search.search(query, { ...options, combineWith: 'AND' });
    return (all.length > 0 ? all : search.search(query, options)).slice(0, 30);
  };

  const show = () => {
    if (!search) return;
    const query = input.value.trim();
    const found = query ? find(query) : [];
    list.replaceChildren(...found.map((result, at) => item(searchRows[result.id], Object.keys(result.match), at)));
    input.setAttribute('aria-expanded', String(found.length > 0));
    hint.textContent = query && found.length === 0 ? 'Nothing found.' : '';
    choose(found.length > 0 ? 0 : -1);
  };

  const item = ([url, title, heading, text], terms, at) => {
    const link = document.createElement('a');
    link.href = root + url;
    link.tabIndex = -1;
    const head = document.createElement('strong');
    head.append(...marked(heading ? `${title} › ${heading}` : title, terms));
    const body = document.createElement('span');
    body.append(...marked(excerpt(text, terms), terms));
    link.append(head, body);
    const entry = document.createElement('li');
    entry.id = `found-${at}`;
    entry.role = 'option';
    entry.append(link);
    return entry;
  };

  // A term is found where a word begins; the longest that fits counts.
  const pattern = (terms) => {
    const words = terms
      .toSorted((a, b) => b.length - a.length)
      .map((term) => term.replaceAll(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`));
    return new RegExp(String.raw`(?<![\p{L}\p{N}])(${words.join('|')})`, 'giu');
  };

  const excerpt = (text, terms) => {
    const at = Math.max(0, text.search(pattern(terms)));
    const from = at < 60 ? 0 : text.lastIndexOf(' ', at - 40) + 1;
    return `${from > 0 ? '… ' : ''}${text.slice(from, from + 180)}${text.length > from + 180 ? ' …' : ''}`;
  };

  // Every second part is one that matched.
  const marked = (text, terms) =>
    text.split(pattern(terms)).map((part, at) => {
      if (at % 2 === 0) return part;
      const mark = document.createElement('mark');
      mark.textContent = part;
      return mark;
    });

  const choose = (at) => {
    const items = list.children;
    items[chosen]?.setAttribute('aria-selected', 'false');
    chosen = items.length === 0 ? -1 : (at + items.length) % items.length;
    items[chosen]?.setAttribute('aria-selected', 'true');
    items[chosen]?.scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', items[chosen]?.id ?? '');
  };

  const keys = {
    ArrowDown: () => choose(chosen + 1),
    ArrowUp: () => choose(chosen - 1),
    Enter: () => list.children[chosen]?.querySelector('a').click(),
  };

  input.addEventListener('input', show);
  input.addEventListener('keydown', (event) => {
    if (event.isComposing || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  list.addEventListener('click', () => dialog.close());
  // A click beside the dialog is one on itself.
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  document.querySelector('header .search').addEventListener('click', open);
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, textarea, select');
    const asked = (event.key === '/' && !typing) || (event.key === 'k' && (event.ctrlKey || event.metaKey));
    if (!asked || (event.key === '/' && (event.ctrlKey || event.metaKey || event.altKey))) return;
    event.preventDefault();
    open();
  });
})();
