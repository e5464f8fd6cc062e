// In the head, so that a page never shows in the wrong colours first. Without this script the browser's own setting counts.
(() => {
  const html = document.documentElement;
  html.classList.add('script');
  const read = () => {
    try {
      return localStorage.getItem('theme');
    } catch {
      return null; // a browser that keeps nothing for pages from files
    }
  };
  const keep = (theme) => {
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // Holds for this page only.
    }
  };
  const chosen = read();
  if (chosen === 'light' || chosen === 'dark') html.dataset.theme = chosen;

  addEventListener('DOMContentLoaded', () => {
    document.querySelector('header .theme').addEventListener('click', () => {
      const now = html.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
      html.dataset.theme = now === 'dark' ? 'light' : 'dark';
      keep(html.dataset.theme);
    });
    // A link to a part of the page that is open already leaves the page as it is, and what was opened above it.
    const contents = document.querySelector('aside');
    contents?.addEventListener('click', () => contents.matches(':popover-open') && contents.hidePopover());
    // The sidebar is as long as there are pages: the one that is shown is in sight.
    const current = document.querySelector('nav [aria-current]');
    const nav = document.querySelector('nav');
    if (current && current.offsetTop > nav.clientHeight) nav.scrollTop = current.offsetTop - nav.clientHeight / 2;
  });
})();
