const invoices = new Map([["1", { customer: { name: "Ada" } }]]);

export function addressee(id) {
  const invoice = invoices.get(id);
  return `To ${invoice.customer.name}`;
}
