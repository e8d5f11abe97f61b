/* Light, dark, or as the system has it. Not a module: it runs before the first paint, so that nothing flashes. */
(() => {
  const KEY = 'theme';
  const NAMES = { auto: 'as the system has it', light: 'light', dark: 'dark' };
  const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };

  const kept = () => {
    try {
      const name = localStorage.getItem(KEY);
      return Object.hasOwn(NAMES, name) ? name : 'auto';
    } catch {
      return 'auto'; // a browser that keeps nothing
    }
  };

  const apply = (name) => {
    document.documentElement.dataset.theme = name;
    const button = document.getElementById('theme');
    if (!button) return;
    button.setAttribute('aria-label', `Colours: ${NAMES[name]}. Switch to ${NAMES[NEXT[name]]}`);
    button.title = `Colours: ${NAMES[name]}`;
  };

  const choose = (name) => {
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // then it lasts until the page is left
    }
    apply(name);
  };

  apply(kept());
  addEventListener('storage', (event) => event.key === KEY && apply(kept()));
  addEventListener('DOMContentLoaded', () => {
    apply(kept());
    document.getElementById('theme').addEventListener('click', () => choose(NEXT[document.documentElement.dataset.theme]));
  });
})();
