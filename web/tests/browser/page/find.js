// Finds what a person would find: a control by its role and name, text that is to be seen; also in
// shadow roots, and in both browsers alike. Installs `finder`.
(() => {
  'use strict';

  const ROLES = {
    button: 'button, [role=button], summary, input[type=submit], [role=switch], [role=menuitem]',
    link: 'a[href]',
    textbox: 'input:not([type=checkbox], [type=radio], [type=submit]), textarea, [role=textbox]',
    checkbox: 'input[type=checkbox], [role=checkbox], [role=switch]',
    dialog: 'dialog, [role=dialog], [role=alertdialog]',
  };

  const SILENT = new Set(['SCRIPT', 'STYLE', 'TEMPLATE', 'NOSCRIPT']);

  /** Tells of what happened, and goes on for seconds: what is there now stands elsewhere. */
  const NEWS = '.announcements, lectern-notes';

  function hasBox(element) {
    if (getComputedStyle(element).display === 'contents') return true;
    return element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: false });
  }

  function parts(node) {
    if (node.shadowRoot) return node.shadowRoot.childNodes;
    if (node.tagName === 'SLOT' && node.assignedNodes().length > 0) return node.assignedNodes();
    return node.childNodes;
  }

  function collect(node, pieces) {
    if (node.nodeType === Node.TEXT_NODE) {
      pieces.push(node.data);
    } else if (node.nodeType !== Node.ELEMENT_NODE) {
      parts(node).forEach((part) => collect(part, pieces));
    } else if (!SILENT.has(node.tagName) && !node.matches(NEWS) && hasBox(node)) {
      const isInline = getComputedStyle(node).display.startsWith('inline');
      if (!isInline) pieces.push(' ');
      parts(node).forEach((part) => collect(part, pieces));
      if (!isInline) pieces.push(' ');
    }
  }

  /**
   * The text of a node as it is to be seen, without news, with single spaces. A page that is just being
   * opened has none.
   */
  function text(node = document.body) {
    const pieces = [];
    if (node) collect(node, pieces);
    return pieces.join('').replace(/\s+/g, ' ').trim();
  }

  /** All elements of a kind, also inside shadow roots. */
  function all(selector, root = document, found = []) {
    found.push(...root.querySelectorAll(selector));
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) all(selector, element.shadowRoot, found);
    }
    return found;
  }

  /** The name by which assistive technology calls a control. */
  function name(element) {
    const root = element.getRootNode();
    const by = element.getAttribute('aria-labelledby');
    if (by)
      return by
        .split(/\s+/)
        .map((id) => text(root.getElementById(id)))
        .join(' ');
    const label = element.getAttribute('aria-label');
    if (label) return label.trim();
    if (element.labels?.length) return text(element.labels[0]);
    return text(element) || element.getAttribute('title') || '';
  }

  function usable(element) {
    const box = element.getBoundingClientRect();
    if (!hasBox(element) || box.width === 0 || box.height === 0) return false;
    return !element.disabled && element.getAttribute('aria-disabled') !== 'true';
  }

  /** Behind an open dialog nothing can be used. */
  function inReach(elements) {
    const dialog = all('dialog:modal').at(-1);
    if (!dialog) return elements;
    return elements.filter((element) => {
      for (let at = element; at; at = at.assignedSlot ?? at.parentNode ?? at.host) {
        if (at === dialog) return true;
      }
      return false;
    });
  }

  /** The control of a role whose name is, or begins with, `wanted`. An exact name goes first. */
  function control(role, wanted) {
    const candidates = inReach(all(ROLES[role])).filter(usable);
    return (
      candidates.find((element) => name(element) === wanted) ??
      candidates.find((element) => name(element).startsWith(wanted)) ??
      null
    );
  }

  /** What could have been found: for the message of a test that fails. */
  function controls(role) {
    return inReach(all(ROLES[role])).filter(usable).map(name);
  }

  globalThis.finder = { all, text, name, control, controls };
})();
