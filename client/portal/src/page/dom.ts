/// Elements from data. Text from files only ever becomes text, and what steers its direction is made visible.

type Attributes = Readonly<Record<string, string | boolean | EventListener>>;
export type Child = Node | string | undefined;

// Controls, and marks that turn the writing direction: a file could use them to make a text read otherwise.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function printable(text: string): string {
  return text.replace(UNSEEN, "\ufffd");
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (typeof value === "string") made.setAttribute(key, value);
    else if (value) made.setAttribute(key, "");
  }
  for (const child of children) {
    if (child !== undefined) made.append(typeof child === "string" ? printable(child) : child);
  }
  return made;
}
