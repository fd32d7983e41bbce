/** Lets a click on the header of a column sort its table. All else on the page works without it. */
export const script = `
for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement('button');
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const falling = head.getAttribute('aria-sort') !== 'descending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
      const valueOf = (row) => {
        const { value } = row.cells[column].dataset;
        return value === undefined ? row.cells[column].textContent.trim() : Number(value);
      };
      const order = (left, right) =>
        typeof left === 'number' && typeof right === 'number' ? left - right : String(left).localeCompare(String(right));
      const rows = [...body.rows].map((row) => ({ row, value: valueOf(row) }));
      rows.sort((left, right) => (falling ? -1 : 1) * order(left.value, right.value));
      body.append(...rows.map(({ row }) => row));
    });
  });
}
`;
