import type { ByteString } from '../support/bytes.ts';

/** The end of a text in the trie, or a place where texts part. */
export interface TrieNode<Value> {
  /** What leads here from the parent. */
  text: string;
  parent: TrieNode<Value> | null;
  value: Value | undefined;
  children: Map<number, TrieNode<Value>> | undefined;
}

/** Texts by their bytes, as a radix tree: to find those that a key holds at a place costs as many steps as they have bytes. */
export class LiteralTrie<Value> {
  private readonly root: TrieNode<Value> = nodeOf('', null);

  /** The value of a text, made where there is none yet. */
  valueOf(text: ByteString, make: () => Value): Value {
    return (this.insert(text).value ??= make());
  }

  /** The node of the longest text, or part of a text, that the key holds at `at`; shorter texts are above it. */
  deepest(key: ByteString, at: number): TrieNode<Value> {
    let node = this.root;
    for (;;) {
      const child = node.children?.get(key.charCodeAt(at));
      if (child === undefined || !key.startsWith(child.text, at)) return node;
      at += child.text.length;
      node = child;
    }
  }

  *values(): Generator<Value> {
    const nodes = [this.root];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (node.value !== undefined) yield node.value;
      nodes.push(...(node.children?.values() ?? []));
    }
  }

  private insert(text: ByteString): TrieNode<Value> {
    let node = this.root;
    let at = 0;
    while (at < text.length) {
      const first = text.charCodeAt(at);
      const child = node.children?.get(first);
      if (child === undefined) return attach(nodeOf(text.slice(at), node), node);
      const shared = sharedLength(child.text, text, at);
      if (shared === child.text.length) {
        node = child;
      } else {
        const middle = attach<Value>(nodeOf(child.text.slice(0, shared), node), node);
        child.text = child.text.slice(shared);
        child.parent = middle;
        node = middle;
        attach(child, middle);
      }
      at += shared;
    }
    return node;
  }
}

function nodeOf<Value>(text: string, parent: TrieNode<Value> | null): TrieNode<Value> {
  return { text, parent, value: undefined, children: undefined };
}

function attach<Value>(child: TrieNode<Value>, parent: TrieNode<Value>): TrieNode<Value> {
  parent.children ??= new Map();
  parent.children.set(child.text.charCodeAt(0), child);
  return child;
}

/** How many bytes of `text` stand in `key` at `at`. */
function sharedLength(text: string, key: string, at: number): number {
  let length = 0;
  while (length < text.length && text.charCodeAt(length) === key.charCodeAt(at + length)) length++;
  return length;
}
