/** Makes elements. Whatever a client or a result says becomes text, never markup. */

const SVG = 'http://www.w3.org/2000/svg';

/** An element: `h('p', {class: 'fine', onclick: …}, 'some text', another)`. Null and false children are left out. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** The same for what is drawn. */
export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') setStyle(element, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Through the object model, which a policy against written styles allows. */
export function setStyle(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
}

export function byId(id) {
  return document.getElementById(id);
}

/** Tell those who listen rather than look. */
export function announce(text) {
  const region = byId('announcer');
  if (region.textContent !== text) region.textContent = text;
}

const ICONS = {
  play: 'M8 5.5v13l10.5-6.5z',
  previous: 'M18 6v12l-8-6zM7 6v12',
  next: 'M6 6v12l8-6zM17 6v12',
  download: 'M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v6m3-6v6',
  warning: 'M12 4 2.8 19.5h18.4zM12 10v4.5m0 2.2v.3',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z',
  wave: 'M3 12h2l2-6 3.5 13L14 5l3 11 1.8-4H21',
  film: 'M4 5h16v14H4zM4 9h16M4 15h16M9 5v4m6-4v4M9 15v4m6-4v4',
  check: 'M5 12.5 10 17.5 19.5 7',
};

/** A drawn sign beside words; it says nothing itself. */
export function icon(name) {
  return svg('svg', { viewBox: '0 0 24 24', class: `icon icon-${name}`, 'aria-hidden': 'true' }, svg('path', { d: ICONS[name] }));
}
