/** A binary heap of pairs of numbers: the one with the smallest `order` comes out first. */
export class NumberHeap {
  private readonly orders: number[] = [];
  private readonly values: number[] = [];

  /** Order of the first; infinity where there is none. */
  get least(): number {
    return this.orders[0] ?? Number.POSITIVE_INFINITY;
  }

  get size(): number {
    return this.orders.length;
  }

  push(order: number, value: number): void {
    const { orders, values } = this;
    let at = orders.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if ((orders[above] ?? 0) <= order) break;
      orders[at] = orders[above] ?? 0;
      values[at] = values[above] ?? 0;
      at = above;
    }
    orders[at] = order;
    values[at] = value;
  }

  /** Value of the first, which is taken out; -1 where there is none. */
  pop(): number {
    const { orders, values } = this;
    const [first = -1] = values;
    const [order, value] = [orders.pop(), values.pop()];
    if (order === undefined || value === undefined || orders.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= orders.length) break;
      if (below + 1 < orders.length && (orders[below + 1] ?? 0) < (orders[below] ?? 0)) below++;
      if ((orders[below] ?? 0) >= order) break;
      orders[at] = orders[below] ?? 0;
      values[at] = values[below] ?? 0;
      at = below;
    }
    orders[at] = order;
    values[at] = value;
    return first;
  }
}
