/** The element with this `data-part`, which must be of this class. */
export function part<Kind extends Element>(root: ParentNode, name: string, kind: new () => Kind): Kind {
  return expectKind(root.querySelector(`[data-part="${name}"]`), name, kind);
}

export function byId<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  return expectKind(document.getElementById(id), id, kind);
}

function expectKind<Kind extends Element>(found: Element | null, name: string, kind: new () => Kind): Kind {
  if (found instanceof kind) return found;
  throw new TypeError(`no ${kind.name} ${name}`);
}

type Child = string | Node;

/** A new element with a class, and what is in it. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function timeOf(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}
