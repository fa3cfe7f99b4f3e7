// Finding and filling elements. Text goes in as text, never as HTML: names of files are anyone's.

/** The element with this id; the page is ours, so that it is there. */
export function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T
}

export function find<T extends Element>(root: ParentNode, selector: string): T {
  return root.querySelector(selector) as T
}

/** A copy of a template's only element. */
export function fromTemplate(id: string): HTMLElement {
  return byId<HTMLTemplateElement>(id).content.firstElementChild!.cloneNode(true) as HTMLElement
}

/** Sets a text, and leaves an equal one alone so that nothing is read out or selected anew. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Says something to those who listen instead of looking. */
export function announce(text: string): void {
  byId('live').textContent = text
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
