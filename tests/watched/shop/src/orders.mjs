const customers = new Map([["ada", { name: "Ada" }]]);
const orders = new Map([["1", { id: "1", lines: ["tea", "milk"] }]]);

export async function findCustomer(id) {
  return customers.get(id);
}

export async function findOrder(id) {
  return orders.get(id);
}
